"""Colours of lines: distinct to the eye on both of Grafana's themes, and the same for a unit in every graph."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
import pytest

from dashboards import generate
from dashboards.source.palette import CRITICAL, DATA, FILLS, GOOD, LINES, OTHER, SAVING, UNWATCHED, WARNING
from exporter.bundle.line_colours import coloured
from exporter.lab.simulator import topology
from support.grafana import DASHBOARDS as DASHBOARDS_FOLDER
from support.grafana import Panel, dashboards, panels

BACKGROUNDS: Final = ("#FFFFFF", "#181B1F")
"""Of panels in Grafana's light and dark theme."""

DASHBOARDS: Final = dashboards()
GRAPHS: Final = [each for dashboard in DASHBOARDS for each in panels(dashboard) if each.json["type"] == "timeseries"]

_TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE: Final = np.array([0.95047, 1.0, 1.08883])


def xyz(colour: str) -> np.ndarray:
    """Return the CIE XYZ of an sRGB colour; Y is its luminance."""
    rgb = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return _TO_XYZ @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(colour: str) -> np.ndarray:
    """Return the CIELAB coordinates of an sRGB colour."""
    share = xyz(colour) / _WHITE
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    """Return the contrast of WCAG 2: 1 for equal colours, 21 for black on white."""
    dark, light = sorted(xyz(each)[1] for each in (one, other))
    return float((light + 0.05) / (dark + 0.05))


def _weight(chroma: float) -> float:
    return float(np.sqrt(chroma**7 / (chroma**7 + 25**7)))


def difference(one: str, other: str) -> float:
    """Return the difference of CIEDE2000 (Sharma, Wu and Dalal 2005): 1 is hardly seen, 10 at a glance."""
    (light1, a1, b1), (light2, a2, b2) = lab(one), lab(other)
    stretch = 1.5 - 0.5 * _weight((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2)
    chroma1, chroma2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    hue1, hue2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (hue2 - hue1 + 180) % 360 - 180
    hue = (hue1 + turn / 2) % 360
    light, chroma = (light1 + light2) / 2, (chroma1 + chroma2) / 2
    tint = 1 - 0.17 * np.cos(np.radians(hue - 30)) + 0.24 * np.cos(np.radians(2 * hue))
    tint += 0.32 * np.cos(np.radians(3 * hue + 6)) - 0.20 * np.cos(np.radians(4 * hue - 63))
    by_light = (light2 - light1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    by_chroma = (chroma2 - chroma1) / (1 + 0.045 * chroma)
    by_hue = 2 * np.sqrt(chroma1 * chroma2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * tint)
    turned = -2 * _weight(chroma) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return float(np.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + turned * by_chroma * by_hue))


def test_the_difference_is_that_of_the_formula() -> None:
    """Black and white differ by 100, and the hue of blue is turned: without that it would be over 60."""
    assert difference("#000000", "#FFFFFF") == pytest.approx(100, abs=0.01)
    assert difference("#FF0000", "#00FF00") == pytest.approx(86.6, abs=0.1)
    assert difference("#0000FF", "#FF00FF") == pytest.approx(32.5, abs=1)


def test_no_two_lines_look_alike() -> None:
    assert min(difference(*pair) for pair in combinations(LINES, 2)) >= 15


def test_no_line_looks_like_a_state() -> None:
    states = (GOOD, WARNING, CRITICAL, OTHER, UNWATCHED, SAVING)
    assert min(difference(line, state) for line in LINES for state in states) >= 12


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_lines_stand_out_from_both_themes(background: str) -> None:
    assert min(contrast(line, background) for line in LINES) >= 3


def text_on(fill: str) -> str:
    """Return the colour in which Grafana writes on a fill: dark where its brightness is over 180, else light."""
    red, green, blue = (int(fill[start : start + 2], 16) for start in (1, 3, 5))
    return "#202226" if (red * 299 + green * 587 + blue * 114) / 1000 > 180 else "#F7F8FA"


def fills() -> set[str]:
    """Return the colours that stats and tables put behind text."""
    shown = (each for dashboard in DASHBOARDS for each in panels(dashboard) if each.json["type"] in ("stat", "table"))
    fields = (each.json["fieldConfig"] for each in shown)
    return {*re.findall(r'"color": "(#\w+)"', json.dumps([*fields]))}


def test_text_can_be_read_on_every_fill() -> None:
    assert fills() >= {*FILLS.values()}
    assert {fill: contrast(fill, text_on(fill)) for fill in fills() if contrast(fill, text_on(fill)) < 4.5} == {}


def test_fills_look_like_different_states() -> None:
    assert min(difference(*pair) for pair in combinations((*FILLS.values(), DATA, UNWATCHED, SAVING), 2)) >= 15


def colours(graph: Panel, name: str, ref: str) -> Iterator[str]:
    """Yield the colours that the overrides of a graph give to a line, the strongest last."""
    for override in graph.json["fieldConfig"]["overrides"]:
        matcher, wanted = override["matcher"]["id"], override["matcher"]["options"]
        is_legend = re.fullmatch(wanted, name) if matcher == "byRegexp" else wanted == name
        for each in override["properties"]:
            if each["id"] == "color" and (wanted == ref if matcher == "byFrameRefID" else is_legend):
                yield each["value"]["fixedColor"]


def named(legend: str, **labels: str) -> str:
    """Return what Grafana writes for a legend if one job is selected."""
    return re.sub(r"\{\{(\w+)\}\}", lambda label: labels[label[1]], legend).replace("${of_job}", "")


@pytest.mark.parametrize("fleet", topology.BUILT_IN)
def test_a_unit_has_one_colour_in_every_graph(fleet: str) -> None:
    units = topology.load_topology(fleet).appliances
    shown: dict[str, set[str]] = {unit.name: set() for unit in units}
    for dashboard in DASHBOARDS:
        for graph in panels(coloured(dashboard, units)):
            if graph.json["type"] == "timeseries":
                for target in graph.targets:
                    for unit in units if "{{instance}}" in target["legendFormat"] else ():
                        line = named(target["legendFormat"], pool=unit.pool, instance=unit.name, sensor="cpu")
                        shown[unit.name].update(colours(graph, line, target["refId"]))
    assert {len(each) for each in shown.values()} == {1}
    assert len(set.union(*shown.values())) == len(units)


def test_the_committed_colours_are_those_of_the_demo() -> None:
    fleet = topology.load_topology("campus").appliances
    assert [coloured(each, fleet) for each in DASHBOARDS] == DASHBOARDS


def test_the_colours_of_another_fleet_are_those_of_its_file() -> None:
    text = generate.generated(DASHBOARDS_FOLDER.parent / "fleet.example.yml")["ironport-fleet.json"]
    (graph,) = (each for each in panels(json.loads(text)) if each.title == "Work queue")
    names = (f"inbound / mx{number}" for number in (1, 2, 3))
    assert [[*colours(graph, name, "A")] for name in names] == [[LINES[0]], [LINES[1]], []]


@pytest.mark.parametrize("graph", GRAPHS, ids=str)
def test_no_line_has_a_colour_by_chance(graph: Panel) -> None:
    """A line has the colour of its unit or pool, of its place in the graph, or of the value of its label."""
    overrides = [each["matcher"]["id"] for each in graph.json["fieldConfig"]["overrides"]]
    for target in graph.targets:
        legend = target["legendFormat"]
        known = named(legend, pool="inbound", instance="mx1", sensor="cpu", site="east", **dict.fromkeys(LABELS, "?"))
        assert [*colours(graph, known, target["refId"])] or "byName" in overrides, legend


LABELS: Final = ("result", "reason", "source", "code", "process")
"""Labels whose values are listed where the graph is defined."""


@pytest.mark.parametrize("graph", GRAPHS, ids=str)
def test_values_of_a_label_have_different_colours(graph: Panel) -> None:
    overrides = [each for each in graph.json["fieldConfig"]["overrides"] if each["matcher"]["id"] == "byName"]
    shown = [each["properties"][0]["value"]["fixedColor"] for each in overrides]
    assert len(set(shown)) == len(shown)
