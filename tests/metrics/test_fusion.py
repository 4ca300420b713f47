from __future__ import annotations

import tracemalloc

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics.catalog import FAMILIES
from exporter.metrics.conversions import Raw, Series
from exporter.metrics.exposition import Exposition
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Items, Reading, Row

Values = dict[str, Raw | dict[Row, Raw]]


def reading(source: str, values: Values, age: float = 0.0) -> Reading:
    items: Items = {item: value if isinstance(value, dict) else {(): value} for item, value in values.items()}
    return Reading(source, items=items, up=True, age=age)


def series_of(exposition: Exposition) -> dict[str, Series]:
    return {family.name.removeprefix("ironport_"): series for family, series in exposition.families}


def fused(*readings: Reading) -> dict[str, Series]:
    return series_of(fuse(readings))


QUEUE_XML = "gauges/msgs_in_work_queue/current"
QUEUE_SNMP = "workQueueMessages"


@pytest.mark.parametrize(("xml_age", "snmp_age"), [(0, 0), (5, 5), (0, 5), (20, 0)])
def test_the_preferred_source_wins_at_any_age(xml_age: float, snmp_age: float) -> None:
    """With a status page reused for 25 s and scrapes every 15 s, the series does not alternate between the sources."""
    xml, snmp = reading("xml", {QUEUE_XML: "10"}, xml_age), reading("snmp", {QUEUE_SNMP: 20}, snmp_age)
    assert fused(xml, snmp) == fused(snmp, xml) == {"work_queue_messages": {(): 10}}


@pytest.mark.parametrize("values", [{}, {QUEUE_XML: "N/A"}], ids=["absent", "unreadable"])
def test_another_source_stands_in_for_a_missing_value(values: Values) -> None:
    assert fused(reading("xml", values), reading("snmp", {QUEUE_SNMP: 20}, age=9)) == {"work_queue_messages": {(): 20}}


def test_what_nobody_brought_gives_no_series() -> None:
    assert fused(reading("xml", {}), reading("snmp", {"noSuchObject": 1})) == {}
    assert fused() == {}


def test_a_family_comes_whole_from_one_source() -> None:
    """Otherwise one build's label would stand beside another source's, with two series that are 1."""
    xml = reading("xml", {"status/build": "phoebe 14.0.0-1"})
    snmp = reading("snmp", {"sysDescr": "Cisco Model C690, AsyncOS Version: 14.0.0-2, Build Date: 2021"})
    assert fused(xml, snmp)["version_info"] == {("14.0.0-1",): 1}
    assert fused(snmp)["version_info"] == {("14.0.0-2",): 1}


def test_families_come_in_the_order_of_the_catalogue() -> None:
    values: Values = {"fipsMode": 1, "raidEvents": 0, QUEUE_SNMP: 3, "sysUpTime": 100, "fanRPMs": {("Fan 1",): 900}}
    names = list(fused(reading("snmp", values)))
    order = [family.name.removeprefix("ironport_") for family in FAMILIES]
    assert names == sorted(names, key=order.index)
    assert len(names) == len(values)


def test_an_unknown_code_sets_no_state() -> None:
    exposition = fuse([reading("snmp", {"queueAvailabilityStatus": 7})])
    assert series_of(exposition)["queue_availability"] == {
        ("space_available",): 0,
        ("space_shortage",): 0,
        ("full",): 0,
    }
    assert exposition.unreadable == {"snmp": {("queueAvailabilityStatus", ()): "7"}}


def test_an_unreadable_row_does_not_hide_others() -> None:
    exposition = fuse([reading("snmp", {"fanRPMs": {("Fan 1",): 900, ("Fan 2",): "fast"}})])
    assert series_of(exposition) == {"fan_speed_rpm": {("Fan 1",): 900}}
    assert exposition.unreadable == {"snmp": {("fanRPMs", ("Fan 2",)): "fast"}}


KEYS: Values = {
    "keyIsPerpetual": {("Sophos",): 2, ("Receiving",): 1},
    "keySecondsUntilExpire": {("Sophos",): 60, ("Receiving",): 0},
}
PAGE_KEYS: Values = {"features/time_remaining": {("Anti-Virus",): "-5", ("Mail",): "Dormant/Perpetual"}}


def test_the_agent_gives_feature_keys_without_a_page() -> None:
    alone = fused(reading("snmp", KEYS), reading("xml", {}))
    assert alone["feature_key_remaining_seconds"] == {("Sophos",): 60}
    assert alone["feature_key_perpetual"] == {("Sophos",): 0, ("Receiving",): 1}
    beside = fused(reading("snmp", KEYS), reading("xml", PAGE_KEYS, age=20))
    assert beside["feature_key_remaining_seconds"] == {("Anti-Virus",): -5}
    assert beside["feature_key_perpetual"] == {("Anti-Virus",): 0, ("Mail",): 1}


def test_unreadable_values_of_both_sources_are_listed() -> None:
    """Also of the source whose value is not exported, and only the value that is at fault."""
    exposition = fuse(
        [
            reading("xml", {QUEUE_XML: "10", "gauges/kbytes_used/current": "1", "gauges/kbytes_free/current": "N/A"}),
            reading("snmp", {QUEUE_SNMP: "many"}),
        ]
    )
    assert exposition.unreadable == {
        "xml": {("gauges/kbytes_free/current", ()): "N/A"},
        "snmp": {(QUEUE_SNMP, ()): "many"},
    }


def test_only_the_value_at_fault_is_listed() -> None:
    """Nothing used and nothing free is a size of 0, of which there is no share: the free part is at fault."""
    exposition = fuse([reading("xml", {"gauges/kbytes_used/current": 0, "gauges/kbytes_free/current": 0.0})])
    assert exposition.unreadable == {"xml": {("gauges/kbytes_free/current", ()): "0.0"}}


def test_a_value_of_two_items_needs_both() -> None:
    values: Values = {"keyIsPerpetual": {("A",): 2, ("B",): 2}, "keySecondsUntilExpire": {("B",): 7, ("C",): 8}}
    alone = fused(reading("snmp", values))
    assert alone["feature_key_remaining_seconds"] == {("B",): 7}
    assert "queue_utilization_ratio" not in fused(reading("xml", {"gauges/kbytes_used/current": "5"}))


@pytest.mark.parametrize(
    ("rows", "value"),
    [({("1",): 1, ("2",): 1}, 1), ({("1",): 1, ("2",): 2}, 0), ({("1",): 2}, 0), ({("1",): 9, ("2",): 1}, 1)],
    ids=["all redundant", "one lost", "lost", "one unknown"],
)
def test_redundancy_is_folded_over_the_rows_of_the_table(rows: dict[Row, Raw], value: float) -> None:
    assert fused(reading("snmp", {"powerSupplyRedundancy": rows}))["power_supply_redundant"] == {(): value}


def test_labels_are_cleaned_and_a_series_never_stands_twice() -> None:
    rows: dict[Row, Raw] = {("Fan\n1",): 900, ("Fan 1 ",): 800, ("x" * 200,): 1}
    assert fused(reading("snmp", {"fanRPMs": rows})) == {"fan_speed_rpm": {("Fan 1",): 900, ("x" * 128,): 1}}


def test_long_names_of_rows_are_not_kept() -> None:
    tracemalloc.start()
    for number in range(100):
        fused(reading("snmp", {"fanRPMs": {(f"{number}" + 10_000 * "x",): 900}}))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 200_000


def test_the_first_feed_with_a_series_wins() -> None:
    """An appliance that names the anti-spam engine both ways is read by its newer name."""
    both: Values = {"gauges/as_utilization/current": "1", "gauges/case_utilization/current": "2"}
    assert fused(reading("xml", both))["cpu_utilization_ratio"] == {("antispam",): 0.02}


def test_what_is_configured_stands_beside_what_is_read() -> None:
    limits = reading("config", {"connection_limit": 300, "rated_messages_per_hour": 7200})
    assert fused(limits) == {"connection_limit": {(): 300}, "rated_messages_per_second": {(): 2}}


def test_the_text_has_help_type_and_escaped_labels() -> None:
    values: Values = {
        "system/status": 'half "on"line\\',
        "counters/inj_msgs/lifetime": "8810227",
        "features/time_remaining": {("Büro",): "-5"},
    }
    text = fuse([reading("xml", values)]).text().decode()
    assert "# HELP ironport_messages_injected_total Messages received into the queue: arrivals (XML" in text
    assert "# TYPE ironport_messages_injected_total counter\nironport_messages_injected_total 8.810227e+06\n" in text
    assert 'ironport_system_status_info{status="half \\"on\\"line\\\\"} 1.0\n' in text
    assert 'ironport_feature_key_remaining_seconds{feature="Büro"} -5.0\n' in text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert len(samples) == len({(sample.name, *sample.labels.items()) for sample in samples}) == 5
    assert "_created" not in text
