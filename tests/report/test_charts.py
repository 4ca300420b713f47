"""Charts say what their data say: gaps stay gaps, and every chart has a text alternative."""

from __future__ import annotations

from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from exporter.palette import CRITICAL, DATA, GOOD
from exporter.phrases import Phrases
from exporter.report.axes import Measure
from exporter.report.charts import (
    Bar,
    BarPart,
    Curve,
    Frame,
    LimitLine,
    Span,
    Strip,
    bar_chart,
    line_chart,
    strip_chart,
)
from support.zones import BERLIN

BEGIN = datetime(2026, 10, 5, tzinfo=BERLIN)
HOUR = timedelta(hours=1)
FRAME = Frame("Messages <an hour>", BEGIN, BEGIN + 10 * HOUR, Phrases("en"), unit="messages")


def curve(*values: float | None, step: float = 3600) -> Curve:
    return Curve("mx1", DATA, [(BEGIN.timestamp() + step * index, value) for index, value in enumerate(values)], step)


def bars(*values: tuple[float | None, ...]) -> list[Bar]:
    return [Bar(BEGIN + index * HOUR, BEGIN + (index + 1) * HOUR, each) for index, each in enumerate(values)]


def parsed(chart: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(chart)


def texts(chart: Markup, path: str) -> list[str]:
    return ["".join(each.itertext()).replace("\xa0", " ").strip() for each in parsed(chart).iterfind(path)]


def paths(chart: Markup) -> list[str]:
    return [path.attrib["d"] for path in parsed(chart).iter("path")]


def shades(chart: Markup) -> list[tuple[str, str]]:
    return [
        (each.attrib["x"], each.attrib["width"]) for each in parsed(chart).iter("rect") if "fill-opacity" in each.attrib
    ]


def test_a_line_breaks_where_values_are_missing() -> None:
    (path,) = paths(line_chart(FRAME, [curve(0, 4, None, 2, 2)]))
    assert path == "M0.0 150.0L100.0 0.0M300.0 75.0L400.0 75.0"


def test_a_line_breaks_where_points_are_missing() -> None:
    whole = curve(*[4.0] * 11)
    torn = Curve("mx1", DATA, [point for index, point in enumerate(whole.points) if index not in (3, 4)], 3600)
    chart = line_chart(FRAME, [torn])
    assert paths(chart)[0].count("M") == 2
    assert shades(chart) == [("20.0%", "30.0%")]


def test_a_point_between_gaps_is_a_dot() -> None:
    (path,) = paths(line_chart(FRAME, [curve(None, 4, None)]))
    assert path == "M100.0 0.0h0"


def test_a_time_without_any_curve_is_marked() -> None:
    chart = line_chart(FRAME, [curve(1, 1, 1, None, None, None, 1, 1, 1, 1, 1), curve(*[None] * 4, *[1] * 7)])
    assert shades(chart) == [("20.0%", "20.0%")]
    assert "no data" in texts(chart, "figcaption")[0]


def test_a_chart_without_data_is_one_gap() -> None:
    assert shades(line_chart(FRAME, [curve()])) == [("0.0%", "100.0%")]
    assert paths(line_chart(FRAME, [curve()])) == [""]


def test_bars_are_stacked_from_the_bottom() -> None:
    chart = bar_chart(FRAME, [BarPart("Accepted", DATA), BarPart("Rejected", GOOD)], bars((3, 1), (0, 2)))
    boxes = [each.attrib for each in parsed(chart).iter("rect")]
    assert [(float(each["y"]), float(each["height"])) for each in boxes] == [(59.5, 112.5), (22, 37.5), (97, 75)]
    assert [each["fill"] for each in boxes] == [DATA, GOOD, GOOD]


def test_a_bar_without_data_is_marked_as_missing() -> None:
    chart = bar_chart(FRAME, [BarPart("Accepted", DATA)], bars((3,), (None,), (0,)))
    assert shades(chart) == [("10.0%", "10.0%")]
    assert texts(chart, ".//td") == ["3", "no data", "0"]


def test_a_limit_is_a_dashed_line_inside_the_chart() -> None:
    chart = line_chart(FRAME, [curve(1, 2)], [LimitLine("Capacity", CRITICAL, 8)])
    (line,) = [each for each in parsed(chart).iter("line") if "stroke-dasharray" in each.attrib]
    assert (float(line.attrib["y1"]), line.attrib["stroke"]) == (22, CRITICAL)
    assert "Capacity" in texts(chart, "figcaption")[0]


def test_a_short_span_on_a_strip_can_be_seen() -> None:
    minute = Span(BEGIN + HOUR, BEGIN + HOUR + timedelta(seconds=1), "Slow", CRITICAL)
    chart = strip_chart(FRAME, [Strip("inbound", [minute])])
    (box,) = [each.attrib for each in parsed(chart).iter("rect") if each.attrib["fill"] == CRITICAL]
    assert float(box["width"].rstrip("%")) > 0
    assert box["stroke-width"] == "2"


def test_a_strip_tells_its_spans_in_its_title() -> None:
    attack = Span(BEGIN + HOUR, BEGIN + 2 * HOUR, "Distributed attack", CRITICAL)
    chart = strip_chart(FRAME, [Strip("inbound", [attack]), Strip("outbound", [])])
    assert texts(chart, ".//svg[@role='img']/title") == [
        "inbound: Distributed attack, 5 October 2026, 01:00 to 02:00",
        "outbound: nothing",
    ]


def test_lines_tell_their_extremes_in_a_table() -> None:
    frame = Frame("Wait", BEGIN, BEGIN + 10 * HOUR, Phrases("de"), measure=Measure.SECONDS)
    chart = line_chart(frame, [curve(30, 90, 90, 60), Curve("mx2", GOOD, [], 60)])
    assert texts(chart, ".//tbody/tr/*") == [
        *("mx1", "30 s", "1 min 30 s", "5. Oktober 2026, 01:00 Uhr"),
        *("mx2", "keine Daten", "", ""),
    ]


@pytest.mark.parametrize(
    "chart",
    [
        line_chart(FRAME, [curve(1, 2)]),
        bar_chart(FRAME, [BarPart("Accepted", DATA)], bars((3,))),
        strip_chart(FRAME, [Strip("a & b", [Span(BEGIN, BEGIN + HOUR, "<Slow>", CRITICAL)])]),
    ],
)
def test_every_picture_has_a_title_or_is_hidden(chart: Markup) -> None:
    pictures = [each for each in parsed(chart).iter("svg") if "role" in each.attrib or "aria-hidden" in each.attrib]
    assert pictures
    assert all(each.attrib.get("aria-hidden") or (each[0].tag == "title" and each[0].text) for each in pictures)
