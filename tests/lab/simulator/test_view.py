from __future__ import annotations

from pathlib import Path

import pytest

from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.status_items import PageName
from exporter.lab.simulator.topology import load_topology
from exporter.lab.simulator.view import View
from exporter.metrics.catalog import FAMILIES
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Items, Reading
from exporter.sources.snmp import mib
from support.simulated import START, model_at_start
from support.status_page import every_item

PAGES: tuple[PageName, ...] = ("status", "dnsstatus", "tophosts", "topin")
SAMPLES = Path(__file__).parents[2] / "pages"


@pytest.fixture(scope="module")
def campus() -> View:
    model = model_at_start("campus", 60)
    model.begin(parse_scenario("jabberer"))
    model.begin(parse_scenario("jabberer,unit=mx6"))
    model.advance(START + 1200)
    return model.view


@pytest.fixture(scope="module")
def pair() -> View:
    return model_at_start("pair", 60).view


@pytest.fixture(scope="module")
def oldest() -> View:
    """Return the pair before its upgrade: on the oldest release of which a page is known."""
    topology = load_topology("pair")
    units = tuple(unit.model_copy(update={"asyncos": "4.5.0-639"}) for unit in topology.appliances)
    return Model(topology.model_copy(update={"appliances": units}), 1, START).view


def series(source: str, items: Items) -> dict[str, dict[tuple[str, ...], float]]:
    exposition = fuse([Reading(source, items, up=True)])
    assert exposition.unreadable == {source: {}}
    return {family.name: values for family, values in exposition.families}


@pytest.mark.parametrize("unit", ["mx1", "mx6", "out1", "spare1"])
def test_a_view_has_every_item_of_the_catalogue(campus: View, unit: str) -> None:
    items = {"snmp": campus.snmp_items(unit), "xml": campus.xml_items(unit, PAGES)}
    read = {(feed.source, item) for family in FAMILIES for feed in family.feeds for item in feed.items}
    read = {(source, item) for source, item in read if source in items}
    missing = {item for source, item in read if item not in items[source]}
    old = {"gauges/as_utilization/current", "gauges/msgs_in_quarantine/current", "gauges/kbytes_in_quarantine/current"}
    hardware = {column.name for table in mib.TABLES[:3] for column in table.columns} | {"raidStatus", "raidEvents"}
    assert missing == old | (hardware if unit == "mx6" else set())


def test_the_agent_has_every_object_asked_for(campus: View) -> None:
    assert set(campus.snmp_scalars("mx1")) == {scalar.name for scalar in mib.SCALARS}
    tables = campus.snmp_tables("mx1")
    for table in mib.TABLES:
        assert tables[table.name]
        for row in tables[table.name]:
            assert set(row) == {table.label.name, *(column.name for column in table.columns)}


def test_values_have_the_type_that_their_source_gives(campus: View) -> None:
    for scalar in mib.SCALARS:
        kind = str if scalar.syntax is mib.Syntax.STRING else int
        assert type(campus.snmp_scalars("mx1")[scalar.name]) is kind
    texts = [value for rows in campus.xml_items("mx1", ("status", "dnsstatus")).values() for value in rows.values()]
    assert {type(text) for text in texts} == {str}


@pytest.mark.parametrize("unit", ["mx1", "mx2", "out1", "spare1"])
def test_both_sources_agree_on_common_figures(campus: View, unit: str) -> None:
    page, agent = (
        series("xml", campus.xml_items(unit)),
        series("snmp", campus.snmp_items(unit)),
    )
    fused = {family.name for family in FAMILIES if {"xml", "snmp"} <= set(family.sources)} & page.keys() & agent.keys()
    assert len(fused) >= 5
    for name in fused:
        tolerance = 0.005001 if name == "ironport_queue_utilization_ratio" else 0  # the agent gives whole percents
        expected = page[name]
        if name == "ironport_feature_key_remaining_seconds":  # of an expired key, SNMP gives 0
            expected = {key: max(seconds, 0) for key, seconds in expected.items()}
        assert agent[name] == pytest.approx(expected, abs=tolerance), name
    keys = {row[0]: int(seconds) for row, seconds in campus.snmp_items(unit)["keySecondsUntilExpire"].items()}
    for (feature,), text in campus.xml_items(unit)["features/time_remaining"].items():
        assert keys[feature] == (0 if str(text).startswith("Dormant") else max(int(text), 0))


@pytest.mark.parametrize(
    ("sample", "topology", "unit"),
    [
        ("c370_10.0.1-087.xml", "campus", "mx1"),
        ("c600_5.1.2-005.xml", "pair", "ring1"),
        ("c60_4.5.0-702.xml", "oldest", "ring2"),
    ],
)
def test_a_page_has_its_generations_items_in_order(
    sample: str, topology: str, unit: str, request: pytest.FixtureRequest
) -> None:
    theirs = every_item((SAMPLES / sample).read_bytes())
    ours = request.getfixturevalue(topology).xml_items(unit)
    assert list(ours) == list(theirs)


def test_rates_per_hour_follow_from_the_counters() -> None:
    model = Model(load_topology("pair"), 3, START, 30)
    model.advance(START + 1800)
    now = model.view.xml_items("ring1")
    earlier = Model(load_topology("pair"), 3, START, 30)
    for window, seconds in (("last_1_min", 60), ("last_5_min", 300), ("last_15_min", 900)):
        earlier = Model(load_topology("pair"), 3, START, 30)
        earlier.advance(START + 1800 - seconds)
        before = earlier.view.xml_items("ring1")
        for name in ("inj_msgs", "inj_recips", "soft_bounced_evts", "completed_recips", "hard_bounced_recips"):
            counter = f"counters/{name}/lifetime"
            increase = int(now[counter][()]) - int(before[counter][()])
            assert int(now[f"rates/{name}/{window}"][()]) == increase * 3600 // seconds


def test_a_view_never_changes() -> None:
    model = model_at_start("pair", 60)
    view = model.view
    before = view.xml_items("ring1"), view.snmp_items("ring1"), view.time
    model.begin(parse_scenario("flood"))
    model.advance(START + 600)
    assert (view.xml_items("ring1"), view.snmp_items("ring1"), view.time) == before
    assert model.view.xml_items("ring1") != before[0]


def test_the_heaviest_sender_shows_where_there_is_one(campus: View) -> None:
    senders = campus.xml_items("mx1", ("topin",))["topin/connections"]
    assert next(iter(senders)) == ("203.0.113.66", "Incoming")
    assert ("203.0.113.66", "Incoming") not in campus.xml_items("mx2", ("topin",))["topin/connections"]


def test_texts_are_those_of_real_appliances(campus: View, pair: View, oldest: View) -> None:
    assert str(campus.snmp_scalars("mx1")["sysDescr"]).startswith("Cisco Model C695, AsyncOS Version: 15.0.1-030, ")
    assert str(pair.snmp_scalars("ring1")["sysDescr"]).startswith("Cisco IronPort Model C160, AsyncOS Version: 5.1.2-")
    assert oldest.xml_items("ring2")["status/build"][()] == "phoebe 4.5.0-639"
    assert "fipsMode" not in pair.snmp_scalars("ring1")
    assert campus.xml_items("mx1")["status/timestamp"][()] == "20260106092000"
