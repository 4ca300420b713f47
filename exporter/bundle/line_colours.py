"""The colours of lines for units and pools: each has one colour, in every graph of every dashboard.

Grafana's own colours follow the order or a checksum of the names in a graph. With the first, a unit changes its colour
from graph to graph; with the second, two units of a fleet may be alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from exporter.palette import LINES

Json = dict[str, Any]

_BY_LEGEND: Final = "byRegexp"
"""Grafana's matcher of lines by what the legend says."""

_OF_UNITS: Final = r"(?:.* / )?(?:{})(?: / .*| \(.*\))?"
"""Regular expression for lines: a unit, with its pool before it, and a sensor or the job after it."""
_OF_POOLS: Final = r"(?:{})(?:, .*| \(.*\))?"


class ColouredUnit(Protocol):
    """A unit whose lines get a colour."""

    @property
    def name(self) -> str: ...
    @property
    def pool(self) -> str: ...
    @property
    def site(self) -> str | None: ...


def coloured(dashboard: Json, fleet: Sequence[ColouredUnit]) -> Json:
    """Return the dashboard with a colour for each unit and pool of the fleet, in their order, in every graph.

    The colours begin anew after twelve units. Pools take them from the end.
    """
    pools = [*dict.fromkeys(unit.pool for unit in fleet)]
    places = [*dict.fromkeys(f"{unit.pool} / {unit.site}" for unit in fleet if unit.site)]
    by_label = {
        # the label in the legend: the overrides
        "{{instance}}": [*_overrides(_OF_UNITS, [unit.name for unit in fleet], LINES)],
        "{{site}}": [*_overrides(_OF_POOLS, places, LINES)],
        "{{pool}}": [*_overrides(_OF_POOLS, pools, LINES[::-1])],
    }

    def with_colours(panel: Json) -> Json:
        if panel["type"] == "row":
            return {**panel, "panels": [with_colours(each) for each in panel["panels"]]}
        if panel["type"] != "timeseries":
            return panel
        legends = " ".join(target["legendFormat"] for target in panel["targets"])
        return _with(next((found for label, found in by_label.items() if label in legends), []), panel)

    return {**dashboard, "panels": [with_colours(panel) for panel in dashboard["panels"]]}


def _with(overrides: Sequence[Json], panel: Json) -> Json:
    """Put the overrides before those of the panel, which are stronger, in place of those of another fleet."""
    fields = panel["fieldConfig"]
    others = [each for each in fields["overrides"] if each["matcher"]["id"] != _BY_LEGEND]
    return {**panel, "fieldConfig": {**fields, "overrides": [*overrides, *others]}}


def _overrides(pattern: str, names: Sequence[str], colours: Sequence[str]) -> Iterator[Json]:
    for index, colour in enumerate(colours[: len(names)]):
        alike = "|".join(map(re.escape, names[index :: len(colours)]))
        fixed = {"id": "color", "value": {"fixedColor": colour, "mode": "fixed"}}
        yield {"matcher": {"id": _BY_LEGEND, "options": pattern.format(alike)}, "properties": [fixed]}
