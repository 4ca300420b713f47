"""Every query of the dashboards on a real Prometheus, in a quiet hour and during attacks."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import pytest

from dashboards.source.signals.compared import UNUSUAL_RATIO
from exporter.metrics import catalog
from support.fleets import FLEETS
from support.grafana import (
    Grafana,
    Json,
    Panel,
    Series,
    all_of,
    chosen,
    dashboards,
    overrides,
    panels,
    variables,
    widths,
)

IN_TROUBLE: Final[Mapping[str, str]] = {
    **{f"fleet: Firing alerts {ref}": "an alert fires" for ref in "ABCDE"},
    **{f"{each}: Pools B": "a verdict names a unit" for each in ("fleet", "pool", "triage")},
    **{f"{each}: Pools {ref}": "a verdict rests on an alert" for each in ("fleet", "pool", "triage") for ref in "DE"},
    "triage: What to do next B": "a verdict names a unit",
    "triage: What to do next D": "a verdict rests on an alert",
    **{f"triage: Why slow units are slow {ref}": "a unit is slow" for ref in "BC"},
    "hardware: Parts to replace A": "a part is broken",
    "hardware: Failing updates A": "updates fail",
    "monitoring: Units C": "an SNMP poll fails",
    "monitoring: Units E": "a status page fails",
    "unit: Sources C": "an SNMP poll fails",
    "unit: Sources E": "a status page fails",
    "monitoring: Units with errors, by reason A": "a poll fails",
    "management: What went wrong A": "an alert fires",
    "management: What went wrong B": "an alert begins to fire",
    "management: What went wrong C": "an alert fires",
}
"""Queries, by panel and letter, that have data only if something is wrong, as during the attacks."""

OF_REST: Final = (
    *(f"{each}: Destinations C" for each in ("delivery", "triage", "unit")),
    "unit: $instance: delivery queue C",
    "monitoring: Silent sources C",
    "monitoring: Longest poll of each source C",
    "monitoring: Units F",
    "monitoring: Units G",
    "unit: Sources F",
    "unit: Sources G",
    "unit: $instance: memory and disks B",
)

EMPTY: Final[Mapping[tuple[str, str], str]] = {
    **{(q, place): "no simulated fleet has REST" for q in OF_REST for place in ("quiet", "attacked", "mx1", *FLEETS)},
    ("fleet: Fewest units to spare A", "one"): "a single unit cannot be spared",
    ("fleet: Pools I", "one"): "a single unit cannot be spared",
    ("pool: Pools I", "one"): "a single unit cannot be spared",
    ("triage: Pools I", "one"): "a single unit cannot be spared",
    ("fleet: Peers B", "one"): "a single unit has no peers",
    ("pool: Arrivals / peers A", "one"): "a single unit has no peers",
    ("triage: What each unit looks like F", "one"): "a single unit has no peers",
    ("unit: Now F", "one"): "a single unit has no peers",
}
"""Queries, by panel and letter, without data at a time (quiet, attacked) or for a fleet, with the reason."""

HARDWARE: Final = {family.name for family in catalog.HARDWARE}
"""Queries of these metrics, and of nothing else, have no data for virtual units."""

LACKING: Final[Mapping[str, set[str]]] = {
    "rate1h_usual_low{": {"quiet", "attacked", "mx1", *FLEETS},
    "rate_less_unit{": {"one"},
    "rate_less_site{": {"one", "siteless", "virtual"},
    'role="spare"': {"one", "siteless", "virtual", "eighty"},
}
"""Queries with this text need a second unit, a second site or a spare; these fleets have none.

With a history of one week, the lower of two usual figures is the higher one too.
"""

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


def called(name: str) -> tuple[Json, Panel]:
    """Return the panel with its dashboard."""
    (found,) = (each for each in WITH_QUERIES if str(each[1]) == name)
    return found


def empty(panel: Panel, grafana: Grafana, values: Mapping[str, str]) -> list[str]:
    """Return the panel's queries that have no data, or only NaN."""
    return [
        f"{panel} {target['refId']}"
        for target in panel.targets
        if not any(not math.isnan(point) for _, points in grafana.series(target, values) for point in points)
    ]


def faults(panel: Panel, grafana: Grafana, values: Mapping[str, str], place: str) -> list[str]:
    """Return the panel's queries that have no data although they should, or the other way round.

    For a new panel, simulate what it reads (exporter/lab/simulator/figures.py), or list its query above with the reason
    why it has no data.
    """
    queries = {f"{panel} {target['refId']}": target for target in panel.targets}
    expected = {query for query in queries if (query, place) in EMPTY}
    lacking = HARDWARE if place == "virtual" else set()
    lacking |= {name for name, places in LACKING.items() if place in places}
    expected |= {query for query, target in queries.items() if _lacks(target["expr"], lacking)}
    spared = set() if place == "attacked" else IN_TROUBLE.keys()
    return sorted((set(empty(panel, grafana, values)) ^ expected) - spared)


def _lacks(expression: str, lacking: set[str]) -> bool:
    """Return whether a query has no data. One for many figures has those that the fleet does not lack."""
    return "figure" not in expression and any(name in expression for name in lacking)


@each_panel
def test_every_query_gives_data(dashboard: Json, panel: Panel, grafana: Grafana, hour: str) -> None:
    assert not faults(panel, grafana, all_of(dashboard), hour)


@each_panel
def test_every_query_works_with_several_values_selected(dashboard: Json, panel: Panel, attacked: Grafana) -> None:
    every = {each["name"]: chosen(attacked.values(each, all_of(dashboard))) for each in variables(dashboard)}
    units_without_a_site = {"site": ".*"} if "site" in every else {}
    assert empty(panel, attacked, every | units_without_a_site) == empty(panel, attacked, all_of(dashboard))


@each_panel
def test_every_query_works_for_one_linked_unit(dashboard: Json, panel: Panel, attacked: Grafana) -> None:
    names = {each["name"] for each in variables(dashboard)}
    unit = {"job": "ironport", "pool": "inbound", "instance": "mx1"}
    values = all_of(dashboard) | {name: value for name, value in unit.items() if name in names}
    assert not faults(panel, attacked, values, "mx1")


@each_dashboard
def test_every_variable_offers_values(dashboard: Json, grafana: Grafana) -> None:
    assert all(grafana.values(each, all_of(dashboard)) for each in variables(dashboard))


@pytest.mark.parametrize(("pools", "worst"), [("relay|inbound", "relay"), ("inbound|lists", "mx1"), ("news", "news2")])
def test_the_unit_dashboard_opens_on_the_worst_unit(attacked: Grafana, pools: str, worst: str) -> None:
    """Grafana selects the first value of a variable without a present one."""
    (dashboard,) = (each for each in DASHBOARDS if each["uid"] == "ironport-unit")
    (unit,) = (each for each in variables(dashboard) if each["name"] == "instance")
    offered = attacked.values(unit, {"job": ".+", "site": ".*", "pool": pools})
    assert "\n" not in unit["definition"]
    assert offered[0].startswith(worst)
    assert len(offered) == len(set(offered))


@each_dashboard
def test_critical_alerts_are_marked_at_their_beginning(dashboard: Json, attacked: Grafana) -> None:
    (critical,) = (each for each in dashboard["annotations"]["list"] if each["name"] == "Critical alerts")
    marks = {labels["alertname"]: points for labels, points in attacked.series(critical, all_of(dashboard))}
    attacks = ("IronPortDistributedAttackSuspected", "IronPortPoolSlow", "IronPortPoolUnreachable")
    assert [len(marks[name]) for name in attacks] == [1, 1, 1]


@pytest.mark.parametrize("fleet", FLEETS)
@each_panel
def test_every_query_gives_data_of_any_fleet(dashboard: Json, panel: Panel, fleet: str, fleets: Grafana) -> None:
    assert not faults(panel, fleets, all_of(dashboard) | {"job": fleet}, fleet)


@each_panel
def test_panels_of_a_large_fleet_stay_readable(dashboard: Json, panel: Panel, fleets: Grafana) -> None:
    """Tables scroll and timelines have pages; other panels have a legend, which must be short."""
    values = all_of(dashboard) | {"job": "eighty"}
    if repeat := panel.json.get("repeat"):
        (variable,) = (each for each in variables(dashboard) if each["name"] == repeat)
        values[repeat] = fleets.values(variable, values)[0]
    most = 100 if panel.json["type"] in ("table", "state-timeline") else 30
    assert sum(len(fleets.series(target, values)) for target in _legend(panel)) <= most


def _legend(panel: Panel) -> list[Json]:
    """Return the queries whose series each have a row of their own: in a table, only the first."""
    return panel.targets[:1] if panel.json["type"] == "table" else panel.targets


@pytest.fixture(scope="session")
def shown(attacked: Grafana) -> Mapping[str, list[dict[str, str]]]:
    """Return the rows of all tables during the attacks."""
    return {
        str(panel): attacked.rows(panel, all_of(dashboard))
        for dashboard, panel in WITH_QUERIES
        if panel.json["type"] == "table"
    }


@pytest.mark.parametrize(
    ("pool", "verdict", "unit"),
    [
        ("inbound", "Heavy sender (jabberer)", "mx1, from 203.0.113.66"),
        ("relay", "Distributed attack", "2 of 2 units, 3.6 x usual connections"),
        ("outbound", "Slow", "2 of 2 units, suspect: DNS"),
        ("branch", "Unreachable", None),
        ("lists", "Normal", None),
        ("news", "Unit not monitored", "news2"),
        ("archive", "Not monitored", None),
    ],
)
@pytest.mark.parametrize("table", ["fleet: Pools", "pool: Pools", "triage: Pools"])
def test_a_pools_verdict_names_the_unit(
    shown: Mapping[str, list[dict[str, str]]], table: str, pool: str, verdict: str, unit: str | None
) -> None:
    (row,) = (row for row in shown[table] if row["Pool"] == pool)
    assert (row["Verdict"], row.get("On")) == (verdict, unit)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("mx1", "Heavy sender (jabberer)"),
        ("mx2", "Hardware unknown"),
        ("mx3", "Normal"),
        ("relay1", "Distributed attack"),
        ("relay2", "Distributed attack"),
        ("out1", "Slow"),
        ("out2", "Slow"),
        ("branch1", "Unit unreachable"),
        ("lists1", "Normal"),
        ("news1", "Normal"),
        ("news2", "Unit not monitored"),
        ("archive1", "Unit not monitored"),
    ],
)
@pytest.mark.parametrize("table", ["triage: What each unit looks like", "unit: Status"])
def test_tables_show_the_verdict_on_each_unit(
    shown: Mapping[str, list[dict[str, str]]], table: str, unit: str, words: str
) -> None:
    (row,) = (row for row in shown[table] if row["Unit"] == unit)
    assert row["Looks like"] == words


@pytest.mark.parametrize(
    ("unit", "model", "drives", "state"),
    [
        ("mx1", "C695", "Failed", "Slowing"),
        ("mx3", "C600V", None, "OK"),
        ("branch1", "C695", "Unknown", "Unreachable"),
        ("news2", "C695", None, "Not monitored"),
    ],
)
def test_a_silent_unit_is_still_described(
    shown: Mapping[str, list[dict[str, str]]], unit: str, model: str, drives: str | None, state: str
) -> None:
    """Its model is known from before, but not the state of its drives. A virtual unit has none."""
    status, now, hardware = (
        next(row for row in shown[f"unit: {title}"] if row["Unit"] == unit)
        for title in ("Status", "Now", "Hardware and keys")
    )
    assert (status["Model"], hardware.get("Drives"), now["State"]) == (model, drives, state)


@pytest.mark.parametrize("table", [str(panel) for _, panel in WITH_QUERIES if panel.json["type"] == "table"])
def test_names_and_texts_are_not_cut(shown: Mapping[str, list[dict[str, str]]], table: str) -> None:
    """Beside the open menu, on a screen of 1440 pixels."""
    _, panel = called(table)
    figures, known = overrides(panel, "unit"), widths(panel)
    wrapped = {title for title, options in overrides(panel, "custom.cellOptions").items() if options.get("wrapText")}
    for row in shown[table]:
        for title in row.keys() & known.keys() - figures.keys():
            lines = 2 if title in wrapped else 1
            assert lines * (known[title] - 18) >= 6.9 * len(row[title]), f"{title}: {row[title]}"


@pytest.mark.parametrize("table", ["fleet: Pools", "pool: Pools", "triage: Pools"])
def test_every_verdict_is_normal_in_quiet_hours(quiet: Grafana, table: str) -> None:
    dashboard, panel = called(table)
    assert {row["Verdict"] for row in quiet.rows(panel, all_of(dashboard))} == {"Normal"}


@pytest.mark.parametrize(
    ("pool", "word"), [(".+", "Not monitored"), ("branch", "Unreachable"), ("inbound", "Heavy sender (jabberer)")]
)
def test_the_most_serious_verdict_is_a_word(attacked: Grafana, quiet: Grafana, pool: str, word: str) -> None:
    dashboard, panel = called("fleet: Verdict")
    values = all_of(dashboard) | {"pool": pool}
    assert (quiet.words(panel, values), attacked.words(panel, values)) == (["Normal"], [word])


@pytest.mark.parametrize(
    ("chosen_place", "alerts"),
    [
        ({"instance": "mx1", "pool": "inbound"}, {"IronPortJabbererSuspected"}),
        ({"instance": "mx2", "pool": "inbound"}, {"IronPortSnmpDown"}),
    ],
)
def test_annotations_of_a_unit_exclude_other_units(
    attacked: Grafana, chosen_place: Mapping[str, str], alerts: set[str]
) -> None:
    (dashboard,) = (each for each in DASHBOARDS if each["uid"] == "ironport-unit")
    marks = [each for each in dashboard["annotations"]["list"] if each["name"] in ("Critical alerts", "Warnings")]
    begun = [labels for mark in marks for labels, _ in attacked.series(mark, {**all_of(dashboard), **chosen_place})]
    assert {each.get("instance", "") for each in begun} <= {chosen_place["instance"], ""}
    assert {each.get("pool", "") for each in begun} <= {chosen_place["pool"], ""}
    assert {each["alertname"] for each in begun} >= alerts


def test_alerts_are_counted_for_the_selected_site(attacked: Grafana) -> None:
    """The figure counts the rows of the table: the alerts of the site's units, and those without a site."""
    dashboard, stat = called("fleet: Alerts")
    _, table = called("fleet: Firing alerts")
    for site in (".*", "east"):
        values = all_of(dashboard) | {"site": site}
        rows = [row["Severity"] for row in attacked.rows(table, values)]
        assert attacked.words(stat, values) == [str(rows.count(word)) for word in ("critical", "warning")]
        places = [(row["Alert"], row.get("Pool")) for row in attacked.rows(table, values)]
        assert len(places) == len({*places})
    assert "out2" not in {row.get("Unit") for row in attacked.rows(table, values)}


SEVERAL: Final = ("one", "siteless", "virtual")
"""Jobs that each have a pool `mail` with a unit `mx1`."""

OF_A_JOB: Final = [
    pytest.param(dashboard, target, id=f"{panel} {target['refId']}")
    for dashboard, panel in WITH_QUERIES
    for target in panel.targets
    if "${of_job}" in target.get("legendFormat", "") or re.match(r"\w+ by \(job, (pool|instance)\b", target["expr"])
    if "ironport_exporter_" not in target["expr"]
]


@pytest.mark.parametrize(("dashboard", "target"), OF_A_JOB)
def test_equal_names_in_several_jobs_stay_apart(dashboard: Json, target: Json, fleets: Grafana) -> None:
    """With several jobs selected, each series is the same as with one job selected.

    A query for the largest or smallest series may leave out some of them, and name any of several equal ones.
    """
    alone = {job: _by_labels(fleets.series(target, all_of(dashboard) | {"job": job})) for job in SEVERAL}
    every = {labels: points for series in alone.values() for labels, points in series.items()}
    together = _by_labels(fleets.series(target, all_of(dashboard) | {"job": chosen(SEVERAL)}))
    if re.match(r"(top|bottom)k ?\(1,", target["expr"]):
        assert all(points in every.values() for points in together.values()), "another name, only if it is equal"
        return
    assert together == {labels: pytest.approx(every.get(labels), nan_ok=True) for labels in together}
    assert re.search(r"\b(top|bottom)k\(", target["expr"]) or together.keys() == every.keys()


def _by_labels(series: Sequence[Series]) -> dict[tuple[tuple[str, str], ...], list[float]]:
    return {tuple(sorted(labels.items())): points for labels, points in series}


def test_triage_shows_why_slow_units_are_slow(shown: Mapping[str, list[dict[str, str]]]) -> None:
    """The units of the slow pool wait for DNS. All else is as usual, and other units have no row."""
    rows = shown["triage: Why slow units are slow"]
    unusual = {(row["Unit"], row["Figure"]) for row in rows if float(row.get("Times usual", 0)) >= UNUSUAL_RATIO}
    assert {row["Unit"] for row in rows} == {"out1", "out2"}
    assert unusual == {("out1", "DNS requests that wait"), ("out2", "DNS requests that wait")}


def test_the_state_of_memory_and_queue_space_is_a_word(shown: Mapping[str, list[dict[str, str]]]) -> None:
    """The heavy sender of mx1 makes its queue long, so that it saves memory."""
    (row,) = (row for row in shown["unit: Space"] if row["Unit"] == "mx1")
    assert (row["Conserves"], row["Memory state"], row["Queue space state"]) == ("Memory", "Shortage", "Available")
