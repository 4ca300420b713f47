"""The dashboards as Grafana reads them: panels, variables filled in, and the rows of tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from exporter.prometheus.client import Prometheus
from support.prometheus import get

DASHBOARDS: Final = Path(__file__).parents[2] / "dashboards"

Json = dict[str, Any]
Series = tuple[dict[str, str], list[float]]

LEAST_PIXELS: Final = 1107
"""Of the panels beside the open menu, on a screen that is 1440 pixels wide."""

_STEP: Final = 60
_RANGE: Final = 3600
"""Seconds between two points of a graph, and of the whole graph."""

_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})")


@dataclass(frozen=True)
class Panel:
    """A panel with the uid of its dashboard."""

    uid: str
    json: Json

    @property
    def title(self) -> str:
        return str(self.json["title"])

    @property
    def targets(self) -> list[Json]:
        return list(self.json.get("targets", ()))

    def __str__(self) -> str:
        return f"{self.uid.removeprefix('ironport-')}: {self.title}"


def dashboards() -> list[Json]:
    """Return the committed dashboards."""
    return [json.loads(path.read_text()) for path in sorted((DASHBOARDS / "json").glob("*.json"))]


def panels(dashboard: Json) -> list[Panel]:
    """Return all panels of a dashboard, including those in closed rows."""
    return [Panel(dashboard["uid"], each) for each in _flat(dashboard["panels"]) if each["type"] != "row"]


def _flat(placed: Sequence[Json]) -> Iterator[Json]:
    for each in placed:
        yield each
        yield from each.get("panels", ())


def overrides(panel: Panel, name: str) -> dict[str, Any]:
    """Return the values of a property of the columns, by heading."""
    return {
        override["matcher"]["options"]: each["value"]
        for override in panel.json["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == name
    }


def widths(panel: Panel) -> dict[str, float]:
    """Return the pixels of the visible columns, by heading: Grafana makes all growing ones equally wide, if it can."""
    hidden = overrides(panel, "custom.hidden")
    fixed, growing = (
        {title: width for title, width in overrides(panel, name).items() if title not in hidden}
        for name in ("custom.width", "custom.minWidth")
    )
    share = (room(panel) - sum(fixed.values())) / max(len(growing), 1)
    return fixed | {title: max(width, share) for title, width in growing.items()}


def room(panel: Panel) -> float:
    """Return the pixels that the columns of a table have."""
    return LEAST_PIXELS * int(panel.json["gridPos"]["w"]) / 24 - 20


def variables(dashboard: Json) -> list[Json]:
    """Return the variables of a dashboard that filter by a label; hidden ones do not."""
    return [each for each in dashboard["templating"]["list"] if each["type"] == "query" and not each.get("hide")]


def all_of(dashboard: Json) -> dict[str, str]:
    """Return the values of the variables if "All" is selected in each."""
    return {each["name"]: each["allValue"] for each in variables(dashboard)}


def chosen(values: Sequence[str]) -> str:
    """Return the value of a variable if these values are selected."""
    escaped = [re.escape(value).replace(r"\-", "-") for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def filled(text: str, values: Mapping[str, str], moment: int, length: int = _RANGE, step: int = _STEP) -> str:
    """Fill in every variable, as Grafana does for a graph that ends at the moment."""
    known = {
        "__interval": f"{step}s",
        "__interval_ms": str(step * 1000),
        "__rate_interval": f"{max(step + _STEP, 4 * _STEP)}s",
        "__range": f"{length}s",
        "__range_s": str(length),
        "__range_ms": str(length * 1000),
        "__from": str((moment - length) * 1000),
        "__to": str(moment * 1000),
        "datasource": "prometheus",
        **values,
    }
    return _VARIABLE.sub(lambda match: known[match[1] or match[2]], text)


@dataclass(frozen=True)
class Grafana:
    """Queries the Prometheus at `url` as Grafana does for a dashboard of the `length` that ends at the `moment`.

    `step` is the distance between two points of a graph. All are in seconds. The server has a history that stays as it
    is. So each query is asked once: dashboards have many in common.
    """

    url: str
    moment: int
    length: int = _RANGE
    step: int = _STEP
    _answers: dict[tuple[str, bool], list[Series]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What the server has answered, by query and whether it was for one instant."""

    def series(self, target: Json, values: Mapping[str, str]) -> list[Series]:
        """Return the series of a query: labels with the points of a graph, or with the one point of a figure."""
        asked = filled(target["expr"], values, self.moment, self.length, self.step), bool(target.get("instant"))
        if asked not in self._answers:
            self._answers[asked] = self._answer(*asked)
        return self._answers[asked]

    def _answer(self, query: str, instant: bool) -> list[Series]:
        server = Prometheus(self.url)
        if instant:
            return [(each["metric"], [float(each["value"][1])]) for each in server.query(query, self.moment)]
        graph = server.query_range(query, range(self.moment - self.length, self.moment + 1, self.step))
        return [(each["metric"], [float(value) for _, value in each["values"]]) for each in graph]

    def values(self, variable: Json, chosen_before: Mapping[str, str]) -> list[str]:
        """Return the values that a variable offers, in order."""
        if variable["definition"].startswith("query_result("):
            return self._ranked(variable, chosen_before)
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
        assert match, variable["definition"]
        selector = filled(match[1], chosen_before, self.moment)
        asked = urlencode({"match[]": selector, "start": self.moment - _RANGE, "end": self.moment})
        return sorted(json.loads(get(f"{self.url}/api/v1/label/{match[2]}/values?{asked}"))["data"])

    def _ranked(self, variable: Json, chosen_before: Mapping[str, str]) -> list[str]:
        """Return the values of a variable in the order of its query."""
        query = filled(variable["definition"].removeprefix("query_result(")[:-1], chosen_before, self.moment)
        label = str(re.match(r"/(\w+)=", variable["regex"])[1])  # type: ignore[index]
        return list(dict.fromkeys(each["metric"][label] for each in Prometheus(self.url).query(query, self.moment)))

    def rows(self, panel: Panel, values: Mapping[str, str]) -> list[dict[str, str]]:
        """Return the rows of a table: cells by heading, with words instead of values where there are any."""
        answers = {target["refId"]: self.series(target, values) for target in panel.targets}
        columns = [set().union(*(labels for labels, _ in answer)) for answer in answers.values() if answer]
        keys = sorted(set.intersection(*columns)) if columns else []
        joined: dict[tuple[str, ...], dict[str, str]] = {}
        for ref, answer in answers.items():
            name = f"Value #{ref}" if len(answers) > 1 else "Value"
            for labels, points in answer:
                key = tuple(labels.get(label, "") for label in keys)
                joined.setdefault(key, {}).update({**labels, name: f"{points[-1]:g}"})
        return [_organized(panel.json, row) for row in joined.values()]

    def words(self, panel: Panel, values: Mapping[str, str]) -> list[str]:
        """Return the figures that a panel shows now, with words instead of values where there are any."""
        mappings = panel.json["fieldConfig"]["defaults"].get("mappings", [])
        figures = [points[-1] for target in panel.targets for _, points in self.series(target, values)]
        return [_word(f"{figure:g}", mappings) for figure in figures]


def _organized(panel: Json, row: Mapping[str, str]) -> dict[str, str]:
    """Return the row after the table's last transformation and overrides."""
    organize = panel["transformations"][-1]["options"]
    mappings = {
        override["matcher"]["options"]: each["value"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == "mappings"
    }
    headed = {
        organize["renameByName"].get(name, name): value
        for name, value in row.items()
        if name not in organize["excludeByName"]
    }
    return {name: _word(value, mappings.get(name, [])) for name, value in headed.items()}


def _word(value: str, mappings: Sequence[Json]) -> str:
    return next((each["options"][value]["text"] for each in mappings if value in each["options"]), value)
