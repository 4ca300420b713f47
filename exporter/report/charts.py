"""Charts as inline SVG: lines, stacked bars and strips.

A chart takes the width of its page: places along time are in percent, and text keeps its size. Its colours and text
sizes are attributes of the SVG, because weasyprint applies no CSS of the page to it. A chart of lines or bars has its
figures as a table below it; a strip tells them in its title.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from exporter.phrases import Phrases
from exporter.report.axes import Measure, ValueAxis, place, time_ticks, value_axis, written


@dataclass(frozen=True, slots=True)
class Frame:
    """What a chart is about."""

    title: str
    begin: datetime
    """Its first moment, in the time zone of the report."""
    end: datetime
    phrases: Phrases
    unit: str = ""
    """Stands above the axis of values."""
    measure: Measure = Measure.NUMBER


@dataclass(frozen=True, slots=True)
class Curve:
    """The values of a line chart with one name."""

    name: str
    colour: str
    points: Sequence[tuple[float, float | None]]
    """Seconds since 1970 and the value then; None, or no point, where data are missing."""
    step: float
    """Seconds from one point to the next. A greater distance is a gap."""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A dashed line across a chart, such as a capacity."""

    name: str
    colour: str
    value: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A time and its values, one for each part of the chart from the bottom up; None where data are missing."""

    begin: datetime
    end: datetime
    values: Sequence[float | None]
    name: str = ""
    """How the table calls the time; by default by its date."""


@dataclass(frozen=True, slots=True)
class BarPart:
    """What the values at one place of all bars are."""

    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class Span:
    """A time on a strip and what was so then."""

    begin: datetime
    end: datetime
    word: str
    """What spans of this colour are; the legend has it."""
    colour: str
    text: str = ""
    """What this span is; by default the word."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A band along the time of the chart, with a name."""

    name: str
    spans: Sequence[Span]


_TOP: Final = 22
"""Pixels above the plot, for the unit of its values."""
_PLOT: Final = 150
_FOOT: Final = 20
"""Pixels below the plot, for the labels of time."""
_WIDE: Final = 1000
"""The width of a plot of lines in its own units; its height is in pixels."""
_LETTER: Final = 6
"""The width of a digit in pixels."""
_STRIP: Final = 12
_GAP: Final = 1.5
"""Steps without a point from which a line breaks."""

_TEXT: Final = Markup(
    '<text x="{x}" y="{y}" font-size="11" font-family="sans-serif" fill="currentColor" text-anchor="{anchor}">'
    "{text}</text>"
)
_RULE: Final = Markup(
    '<line x1="0" x2="100%" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity="{opacity}" stroke-width="1"/>'
)
_SHADE: Final = Markup(
    '<rect x="{x}%" y="{y}" width="{width}%" height="{height}" fill="currentColor" fill-opacity="0.1">'
    "<title>{title}</title></rect>"
)


def line_chart(frame: Frame, curves: Sequence[Curve], limits: Sequence[LimitLine] = ()) -> Markup:
    values = [value for curve in curves for _, value in curve.points if value is not None]
    axis = value_axis(max((*values, *(limit.value for limit in limits)), default=0), frame.measure, frame.phrases)
    holes = list(_holes(frame, curves))
    paths = Markup("").join(_path(frame, axis, curve) for curve in curves)
    plot = Markup(
        '<svg x="0" y="{top}" width="100%" height="{height}" viewBox="0 0 {wide} {height}" overflow="visible" '
        'preserveAspectRatio="none">{paths}</svg>'
    ).format(top=_TOP, height=_PLOT, wide=_WIDE, paths=paths)
    legend = [*((curve.name, curve.colour, "solid") for curve in curves), *_limit_legend(limits)]
    return _figure(frame, axis, limits, plot, holes, legend, _curve_table(frame, curves))


def bar_chart(frame: Frame, parts: Sequence[BarPart], bars: Sequence[Bar], limits: Sequence[LimitLine] = ()) -> Markup:
    """Return a chart of stacked bars; a bar of which all values are missing is shown as missing."""
    heights = [sum(value or 0 for value in bar.values) for bar in bars]
    axis = value_axis(max((*heights, *(limit.value for limit in limits)), default=0), frame.measure, frame.phrases)
    holes = [(bar.begin, bar.end) for bar in bars if _is_missing(bar)]
    plot = Markup("").join(_stack(frame, axis, parts, bar) for bar in bars)
    legend = [*((part.name, part.colour, "solid") for part in parts), *_limit_legend(limits)]
    return _figure(frame, axis, limits, plot, holes, legend, _bar_table(frame, parts, bars))


def strip_chart(frame: Frame, strips: Sequence[Strip]) -> Markup:
    """Return one strip below the other, each with its name, and the labels of time at the end."""
    words = dict.fromkeys((span.word, span.colour, "solid") for strip in strips for span in strip.spans)
    return Markup('<figure class="chart strips">{caption}{rows}{axis}</figure>').format(
        caption=_caption(frame.title, list(words)),
        rows=Markup("").join(_strip_row(frame, strip) for strip in strips),
        axis=Markup('<div class="strip"><span></span>{}</div>').format(_time_row(frame)),
    )


def strip_svg(frame: Frame, strip: Strip) -> Markup:
    """Return a strip alone, for a cell of a table."""
    return Markup(
        '<svg role="img" width="100%" height="{height}"><title>{title}</title>'
        '<rect x="0" y="0" width="100%" height="{height}" fill="currentColor" fill-opacity="0.1"/>{spans}</svg>'
    ).format(
        height=_STRIP,
        title=_told(frame, strip),
        spans=Markup("").join(_span(frame, span) for span in strip.spans),
    )


def strip_legend(words: Iterable[tuple[str, str]]) -> Markup:
    """Return a legend of words and their colours, for strips in a table."""
    return Markup("").join(_legend_entry(word, colour, "solid") for word, colour in words)


# --- the frame of lines and bars --------------------------------------------------------------------------------------

_LegendEntry = tuple[str, str, str]
"""A name, its colour, and the style of its line as CSS calls it."""


def _figure(
    frame: Frame,
    axis: ValueAxis,
    limits: Sequence[LimitLine],
    plot: Markup,
    holes: Sequence[tuple[datetime, datetime]],
    legend: Sequence[_LegendEntry],
    table: Markup,
) -> Markup:
    names = [] if len(legend) == 1 else legend  # a single one is what the title says
    missing = [(frame.phrases.text("chart_no_data"), "", "missing")] if holes else []
    return Markup(
        '<figure class="chart">{caption}<div class="plot" style="padding-left: {margin}px">'
        '<svg role="img" width="100%" height="{height}"><title>{title}</title><desc>{description}</desc>'
        "{grid}{holes}{plot}{limits}{ticks}</svg></div>{table}</figure>"
    ).format(
        caption=_caption(frame.title, [*names, *missing]),
        margin=_margin(axis),
        height=_TOP + _PLOT + _FOOT,
        title=frame.title,
        description=frame.phrases.period(frame.begin, frame.end),
        grid=_grid(frame, axis),
        holes=Markup("").join(_hole(frame, begin, end) for begin, end in holes),
        plot=plot,
        limits=Markup("").join(_limit(axis, limit) for limit in limits),
        ticks=_time_labels(frame, _TOP + _PLOT + 14),
        table=table,
    )


def _caption(title: str, legend: Sequence[_LegendEntry]) -> Markup:
    return Markup("<figcaption><span>{title}</span>{legend}</figcaption>").format(
        title=title, legend=Markup("").join(_legend_entry(*entry) for entry in legend)
    )


def _legend_entry(name: str, colour: str, style: str) -> Markup:
    if style == "missing":
        return Markup(' <span class="key"><i class="missing"></i>{}</span>').format(name)
    return Markup(' <span class="key"><i style="border-top: 3px {style} {colour}"></i>{name}</span>').format(
        style=style, colour=colour, name=name
    )


def _limit_legend(limits: Sequence[LimitLine]) -> list[_LegendEntry]:
    return [(limit.name, limit.colour, "dashed") for limit in limits]


def _grid(frame: Frame, axis: ValueAxis) -> Markup:
    lines = Markup("").join(_RULE.format(y=_y(tick.place), opacity=0.2 if tick.place else 0.6) for tick in axis.ticks)
    labels = (_TEXT.format(x=-8, y=_y(tick.place) + 4, anchor="end", text=tick.label) for tick in axis.ticks)
    unit = _TEXT.format(x=8 - _margin(axis), y=10, anchor="start", text=frame.unit)
    return lines + Markup("").join(labels) + unit


def _margin(axis: ValueAxis) -> int:
    """Return the pixels that the labels of values need beside the plot."""
    return 16 + max(_LETTER * len(tick.label) for tick in axis.ticks)


def _y(share: float) -> float:
    """Return the pixels from the top of the chart to a share of the axis."""
    return round(_TOP + _PLOT * (1 - share), 1)


def _time_labels(frame: Frame, y: int) -> Markup:
    ticks = time_ticks(frame.begin, frame.end, frame.phrases)
    return Markup("").join(
        _TEXT.format(x=f"{_percent(tick.place)}%", y=y, anchor=_anchor(tick.place), text=tick.label) for tick in ticks
    )


def _anchor(place_of_label: float) -> str:
    """Keep the labels at the ends inside the chart."""
    return "start" if place_of_label < 0.05 else "end" if place_of_label > 0.95 else "middle"


def _percent(share: float) -> float:
    return round(100 * min(1.0, max(0.0, share)), 3)


def _hole(frame: Frame, begin: datetime, end: datetime) -> Markup:
    left, width = _along(frame, begin, end)
    title = f"{frame.phrases.period(begin, end)}: {frame.phrases.text('chart_no_data')}"
    return _SHADE.format(x=left, y=_TOP, width=width, height=_PLOT, title=title)


def _along(frame: Frame, begin: datetime, end: datetime) -> tuple[float, float]:
    """Return the left end and the width of a time, in percent of the chart."""
    left, right = (_percent(place(moment, frame.begin, frame.end)) for moment in (begin, end))
    return left, round(right - left, 3)


def _limit(axis: ValueAxis, limit: LimitLine) -> Markup:
    return Markup(
        '<line x1="0" x2="100%" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2" stroke-dasharray="6 4">'
        "<title>{name}</title></line>"
    ).format(y=_y(limit.value / axis.top), colour=limit.colour, name=limit.name)


# --- lines ------------------------------------------------------------------------------------------------------------


def _path(frame: Frame, axis: ValueAxis, curve: Curve) -> Markup:
    return Markup(
        '<path d="{d}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"'
        ' vector-effect="non-scaling-stroke"/>'
    ).format(d="".join(_segment(frame, axis, points) for points in _unbroken(curve)), colour=curve.colour)


def _segment(frame: Frame, axis: ValueAxis, points: Sequence[tuple[float, float]]) -> str:
    """Return the path of points without a gap; a point alone becomes a dot."""
    begin, end = frame.begin.timestamp(), frame.end.timestamp()
    steps = [
        f"{_WIDE * (moment - begin) / (end - begin):.1f} {_PLOT * (1 - value / axis.top):.1f}"
        for moment, value in points
    ]
    return f"M{'L'.join(steps)}" + ("h0" if len(steps) == 1 else "")


def _unbroken(curve: Curve) -> Iterator[list[tuple[float, float]]]:
    """Yield the points between two gaps."""
    piece: list[tuple[float, float]] = []
    for moment, value in curve.points:
        if piece and (value is None or moment - piece[-1][0] > _GAP * curve.step):
            yield piece
            piece = []
        if value is not None:
            piece.append((moment, value))
    if piece:
        yield piece


def _holes(frame: Frame, curves: Sequence[Curve]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times in which no curve has a point."""
    step = max((curve.step for curve in curves), default=0.0)
    known = {moment for curve in curves for moment, value in curve.points if value is not None}
    ends = (frame.begin.timestamp(), *sorted(known), frame.end.timestamp())
    for before, after in pairwise(ends):
        if after - before > _GAP * step:
            yield tuple(datetime.fromtimestamp(each, frame.begin.tzinfo) for each in (before, after))  # type: ignore[misc]


def _curve_table(frame: Frame, curves: Sequence[Curve]) -> Markup:
    """Return the lowest and the highest value of each curve: every point would be too much to read."""
    heads = ("", *(frame.phrases.text(key) for key in ("chart_lowest", "chart_highest", "chart_when")))
    return _table(frame, heads, [(curve.name, *_extremes(frame, curve)) for curve in curves])


def _extremes(frame: Frame, curve: Curve) -> tuple[str, ...]:
    points = [(value, -moment) for moment, value in curve.points if value is not None]
    if not points:
        return (frame.phrases.text("chart_no_data"), "", "")
    (lowest, _), (highest, moment) = min(points), max(points)
    when = frame.phrases.moment(datetime.fromtimestamp(-moment, frame.begin.tzinfo))
    return (*(written(value, frame.measure, frame.phrases) for value in (lowest, highest)), when)


# --- bars -------------------------------------------------------------------------------------------------------------


def _is_missing(bar: Bar) -> bool:
    return all(value is None for value in bar.values)


def _stack(frame: Frame, axis: ValueAxis, parts: Sequence[BarPart], bar: Bar) -> Markup:
    left, width = _along(frame, bar.begin, bar.end)
    boxes = []
    below = 0.0
    for part, value in zip(parts, bar.values, strict=True):
        if value:
            title = f"{_bar_name(frame, bar)}: {part.name} {written(value, frame.measure, frame.phrases)}"
            boxes.append(
                _box(left + width * 0.12, width * 0.76, below / axis.top, value / axis.top, part.colour, title)
            )
        below += value or 0
    return Markup("").join(boxes)


def _box(left: float, width: float, below: float, height: float, colour: str, title: str) -> Markup:
    return Markup(
        '<rect x="{x:.2f}%" y="{y}" width="{width:.2f}%" height="{height:.1f}" fill="{colour}">'
        "<title>{title}</title></rect>"
    ).format(x=left, y=_y(below + height), width=width, height=_PLOT * height, colour=colour, title=title)


def _bar_name(frame: Frame, bar: Bar) -> str:
    return bar.name or f"{frame.phrases.weekday(bar.begin)}, {frame.phrases.date(bar.begin)}"


def _bar_table(frame: Frame, parts: Sequence[BarPart], bars: Sequence[Bar]) -> Markup:
    rows = [(_bar_name(frame, bar), *(_cell(frame, value) for value in bar.values)) for bar in bars]
    return _table(frame, ("", *(part.name for part in parts)), rows)


def _cell(frame: Frame, value: float | None) -> str:
    return frame.phrases.text("chart_no_data") if value is None else written(value, frame.measure, frame.phrases)


def _table(frame: Frame, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Markup:
    return Markup(
        '<details><summary>{summary}</summary><div class="scroll"><table><thead><tr>{heads}</tr></thead>'
        "<tbody>{rows}</tbody></table></div></details>"
    ).format(
        summary=frame.phrases.text("chart_figures"),
        heads=Markup("").join(Markup('<th scope="col">{}</th>').format(head) for head in heads),
        rows=Markup("").join(_table_row(row) for row in rows),
    )


def _table_row(cells: Iterable[str]) -> Markup:
    name, *values = cells
    return Markup('<tr><th scope="row">{name}</th>{values}</tr>').format(
        name=name, values=Markup("").join(Markup("<td>{}</td>").format(value) for value in values)
    )


# --- strips -----------------------------------------------------------------------------------------------------------


def _strip_row(frame: Frame, strip: Strip) -> Markup:
    return Markup('<div class="strip"><span>{name}</span>{svg}</div>').format(
        name=strip.name, svg=strip_svg(frame, strip)
    )


def _span(frame: Frame, span: Span) -> Markup:
    """Return a span, by its outline at least two pixels wide."""
    left, width = _along(frame, span.begin, span.end)
    return Markup(
        '<rect x="{x}%" y="1" width="{width}%" height="{height}" fill="{colour}" stroke="{colour}" stroke-width="2">'
        "<title>{title}</title></rect>"
    ).format(x=left, width=max(width, 0.001), height=_STRIP - 2, colour=span.colour, title=_told_span(frame, span))


def _told(frame: Frame, strip: Strip) -> str:
    spans = "; ".join(_told_span(frame, span) for span in strip.spans)
    return f"{strip.name}: {spans or frame.phrases.text('chart_nothing')}"


def _told_span(frame: Frame, span: Span) -> str:
    return f"{span.text or span.word}, {frame.phrases.period(span.begin, span.end)}"


def _time_row(frame: Frame) -> Markup:
    """Return the labels of time below strips; the titles of the strips tell them to who cannot see."""
    return Markup('<svg aria-hidden="true" width="100%" height="{height}">{labels}</svg>').format(
        height=_FOOT, labels=_time_labels(frame, 14)
    )
