"""Every query of the dashboards on a real Prometheus, in a quiet hour and in one of attacks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import pytest

from support.grafana import Grafana, Json, Panel, all_of, chosen, dashboards, panels, variables

EMPTY: Final[Mapping[tuple[str, str], str]] = {
    ("fleet: Firing alerts A", "quiet"): "no alert fires in a quiet hour",
    ("fleet: Pools B", "quiet"): "no verdict names a unit in a quiet hour",
    ("triage: Pools B", "quiet"): "no verdict names a unit in a quiet hour",
}
"""Queries that give nothing, by panel and reference, with the hour and the reason."""

DASHBOARDS: Final = dashboards()
WITH_QUERIES: Final = [(each, panel) for each in DASHBOARDS for panel in panels(each) if panel.targets]

each_dashboard: Final = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each["uid"])
each_panel: Final = pytest.mark.parametrize(
    ("dashboard", "panel"), WITH_QUERIES, ids=[str(panel) for _, panel in WITH_QUERIES]
)


@pytest.fixture(params=["quiet", "attacked"])
def hour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def grafana(hour: str, quiet: Grafana, attacked: Grafana) -> Grafana:
    return {"quiet": quiet, "attacked": attacked}[hour]


def empty(panel: Panel, grafana: Grafana, values: Mapping[str, str]) -> list[str]:
    """Return the panel's queries that give nothing, or nothing but NaN."""
    return [
        f"{panel} {target['refId']}"
        for target in panel.targets
        if not any(not math.isnan(point) for _, points in grafana.series(target, values) for point in points)
    ]


@each_panel
def test_every_query_gives_data(dashboard: Json, panel: Panel, grafana: Grafana, hour: str) -> None:
    expected = [f"{panel} {target['refId']}" for target in panel.targets]
    assert empty(panel, grafana, all_of(dashboard)) == [name for name in expected if (name, hour) in EMPTY]


@each_panel
def test_every_query_takes_several_values_of_each_variable(dashboard: Json, panel: Panel, attacked: Grafana) -> None:
    every = {each["name"]: chosen(attacked.values(each, all_of(dashboard))) for each in variables(dashboard)}
    units_without_a_site = {"site": ".*"} if "site" in every else {}
    assert empty(panel, attacked, every | units_without_a_site) == empty(panel, attacked, all_of(dashboard))


@each_panel
def test_every_query_takes_the_unit_that_a_table_leads_to(dashboard: Json, panel: Panel, attacked: Grafana) -> None:
    names = {each["name"] for each in variables(dashboard)}
    unit = {"job": "ironport", "pool": "inbound", "instance": "mx1"}
    values = all_of(dashboard) | {name: value for name, value in unit.items() if name in names}
    assert empty(panel, attacked, values) == empty(panel, attacked, all_of(dashboard))


@each_dashboard
def test_every_variable_offers_values(dashboard: Json, grafana: Grafana) -> None:
    assert all(grafana.values(each, all_of(dashboard)) for each in variables(dashboard))


@pytest.fixture
def shown(attacked: Grafana) -> Mapping[str, list[dict[str, str]]]:
    """Return the rows of every table under attack."""
    return {
        str(panel): attacked.rows(panel, all_of(dashboard))
        for dashboard, panel in WITH_QUERIES
        if panel.json["type"] == "table"
    }


@pytest.mark.parametrize(
    ("pool", "verdict", "unit"),
    [
        ("inbound", "Jabberer", "mx1"),
        ("relay", "Distributed attack", None),
        ("outbound", "Slow", None),
        ("branch", "Unreachable", None),
        ("lists", "Normal", None),
    ],
)
@pytest.mark.parametrize("table", ["fleet: Pools", "triage: Pools"])
def test_the_verdict_on_a_pool_is_a_word_and_names_the_unit(
    shown: Mapping[str, list[dict[str, str]]], table: str, pool: str, verdict: str, unit: str | None
) -> None:
    (row,) = (row for row in shown[table] if row["Pool"] == pool)
    assert (row["Verdict"], row.get("On")) == (verdict, unit)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("mx1", "Jabberer"),
        ("mx2", "Normal"),
        ("relay1", "Distributed attack"),
        ("relay2", "Distributed attack"),
        ("out1", "Slow"),
        ("out2", "Slow"),
        ("branch1", "Unit unreachable"),
        ("lists1", "Normal"),
    ],
)
def test_triage_says_what_each_unit_looks_like(
    shown: Mapping[str, list[dict[str, str]]], unit: str, words: str
) -> None:
    (row,) = (row for row in shown["triage: What each unit looks like"] if row["Unit"] == unit)
    assert row["Looks like"] == words


def test_in_a_quiet_hour_every_verdict_is_normal(quiet: Grafana) -> None:
    tables = [(dashboard, panel) for dashboard, panel in WITH_QUERIES if panel.title == "Pools"]
    for dashboard, panel in tables:
        assert {row["Verdict"] for row in quiet.rows(panel, all_of(dashboard))} == {"Normal"}
