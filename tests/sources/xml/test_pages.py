from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.errors import MalformedError, SourceError, TooLargeError
from exporter.metrics.catalog import items_of
from exporter.metrics.exposition import Exposition
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Items, Reading
from exporter.sources.destinations import DestinationChoice
from exporter.sources.xml import document, pages
from support.status_page import every_item
from support.web_interface import PAGES, status_page

ALL_PAGES = sorted(path.stem for path in PAGES.glob("*.xml"))

Sample = tuple[str, tuple[tuple[str, str], ...]]

PLAIN: dict[str, tuple[str, dict[str, str], float]] = {
    "oldest_message/secs": ("ironport_oldest_message_age_seconds", {}, 1),
    "current_ids/message_id": ("ironport_message_ids_total", {}, 1),
    "current_ids/injection_conn_id": ("ironport_injection_connections_total", {}, 1),
    "current_ids/delivery_conn_id": ("ironport_delivery_connections_total", {}, 1),
    "inj_msgs/lifetime": ("ironport_messages_injected_total", {}, 1),
    "inj_recips/lifetime": ("ironport_recipients_injected_total", {}, 1),
    "gen_bounce_recips/lifetime": ("ironport_recipients_bounce_generated_total", {}, 1),
    "rejected_recips/lifetime": ("ironport_recipients_rejected_total", {}, 1),
    "dropped_msgs/lifetime": ("ironport_messages_dropped_total", {}, 1),
    "soft_bounced_evts/lifetime": ("ironport_soft_bounces_total", {}, 1),
    "hard_bounced_recips/lifetime": ("ironport_recipients_completed_total", {"result": "hard_bounced"}, 1),
    "delivered_recips/lifetime": ("ironport_recipients_completed_total", {"result": "delivered"}, 1),
    "deleted_recips/lifetime": ("ironport_recipients_completed_total", {"result": "deleted"}, 1),
    "dns_hard_bounced_recips/lifetime": ("ironport_recipients_hard_bounced_total", {"reason": "dns"}, 1),
    "5xx_hard_bounced_recips/lifetime": ("ironport_recipients_hard_bounced_total", {"reason": "5xx"}, 1),
    "filter_hard_bounced_recips/lifetime": ("ironport_recipients_hard_bounced_total", {"reason": "filter"}, 1),
    "expired_hard_bounced_recips/lifetime": ("ironport_recipients_hard_bounced_total", {"reason": "expired"}, 1),
    "other_hard_bounced_recips/lifetime": ("ironport_recipients_hard_bounced_total", {"reason": "other"}, 1),
    "global_unsub_hits/lifetime": ("ironport_global_unsubscribe_hits_total", {}, 1),
    "ram_utilization/current": ("ironport_memory_utilization_ratio", {}, 0.01),
    "total_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "appliance"}, 0.01),
    "cpu_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "mail"}, 0.01),
    "av_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "antivirus"}, 0.01),
    "as_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "antispam"}, 0.01),
    "case_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "antispam"}, 0.01),
    "bm_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "brightmail"}, 0.01),
    "reporting_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "reporting"}, 0.01),
    "quarantine_utilization/current": ("ironport_cpu_utilization_ratio", {"process": "quarantine"}, 0.01),
    "disk_utilization/current": ("ironport_disk_io_utilization_ratio", {}, 0.01),
    "log_used/current": ("ironport_log_disk_utilization_ratio", {}, 0.01),
    "conn_in/current": ("ironport_connections", {"direction": "in"}, 1),
    "conn_out/current": ("ironport_connections", {"direction": "out"}, 1),
    "unattempted_recips/current": ("ironport_delivery_queue_recipients", {"state": "unattempted"}, 1),
    "attempted_recips/current": ("ironport_delivery_queue_recipients", {"state": "attempted"}, 1),
    "msgs_in_work_queue/current": ("ironport_work_queue_messages", {}, 1),
    "dests_in_memory/current": ("ironport_destinations_in_memory", {}, 1),
    "kbytes_used/current": ("ironport_queue_used_bytes", {}, 1024),
    "kbytes_free/current": ("ironport_queue_free_bytes", {}, 1024),
    "msgs_in_quarantine/current": ("ironport_quarantine_messages", {}, 1),
    "kbytes_in_quarantine/current": ("ironport_quarantine_bytes", {}, 1024),
    "msgs_in_policy_virus_outbreak_quarantine/current": ("ironport_quarantine_messages", {}, 1),
    "kbytes_in_policy_virus_outbreak_quarantine/current": ("ironport_quarantine_bytes", {}, 1024),
}
"""Attributes by the element's name or tag, with the sample and the factor from the attribute to the sample."""

FLOWS = {
    "inj_msgs": "injected_messages",
    "inj_recips": "injected_recipients",
    "soft_bounced_evts": "soft_bounces",
    "completed_recips": "completed_recipients",
    "hard_bounced_recips": "hard_bounced_recipients",
    "delivered_recips": "delivered_recipients",
}

WITHOUT_FIGURE = {
    "status/timestamp",
    "last_counter_reset/timestamp",
    "oldest_message/mid",
    "completed_recips/lifetime",  # the sum of its three results
    "active_recips/current",  # the sum of its two states
    "graymail_utilization/current",  # made up: an unknown item
}

WORDED_ITEMS = {
    "status/build",
    "status/hostname",
    "system/status",
    "birth_time/timestamp",
    "log_available",
    "resource_conservation",
}

WORDED_METRICS = {
    "ironport_version_info",
    "ironport_version_number",
    "ironport_status_page_info",
    "ironport_system_status_info",
    "ironport_online",
    "ironport_uptime_seconds",
    "ironport_log_disk_available_bytes",
    "ironport_resource_conservation_level",
    "ironport_resource_conservation_refusing",
    "ironport_queue_utilization_ratio",
}

WORDED: dict[str, dict[str, float]] = {
    "c60_4.5.0-702": {"uptime": 31491, "online": 1, "log_available": 17 * 2**30, "level": 0, "refusing": 0},
    "c600_5.1.2-005": {"uptime": 1253502, "online": 1, "log_available": 379323 * 2**10, "level": 12, "refusing": 0},
    "c370_10.0.1-087": {"uptime": 11107448, "online": 1, "log_available": 34 * 2**20, "level": 60, "refusing": 1},
    "c695_15.0.1-030": {"uptime": 3737231, "online": 0, "log_available": 1.2 * 2**40, "level": 0, "refusing": 0},
}
"""The samples for values that are words on the page."""


def parse_status(body: bytes) -> Items:
    return pages.parse_status(document.parse(body).elements)


def parse_dnsstatus(body: bytes) -> Items:
    return pages.parse_dnsstatus(document.parse(body).elements)


def parse_tophosts(body: bytes, top: int) -> Items:
    return pages.parse_tophosts(document.parse(body).elements, DestinationChoice({"clients": ["c.example"]}, top))


def parse_topin(body: bytes, top: int) -> Items:
    return pages.parse_topin(document.parse(body).elements, top)


def exposed(items: Items) -> Exposition:
    return fuse([Reading("xml", items=items, up=True)])


def samples(exposition: Exposition) -> dict[Sample, float]:
    families = text_string_to_metric_families(exposition.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> Sample:
    return name, tuple(sorted(labels.items()))


def attributes_of(page: str) -> list[tuple[str, str, str]]:
    """Return (name or tag, attribute, value) for all attributes of a page, by another parser than the exporter's."""
    root = ET.fromstring(status_page(page))
    return [
        (element.get("name", element.tag), attribute, value)
        for element in root.iter()
        for attribute, value in element.attrib.items()
        if attribute != "name"
    ]


def expected(name: str, attribute: str, value: str) -> tuple[Sample, float] | None:
    """Return the sample of an attribute, or None if the attribute has none."""
    item = f"{name}/{attribute}"
    if attribute in ("reset", "uptime") or item in WITHOUT_FIGURE or value in ("", "N/A"):
        return None
    if attribute == "time_remaining":
        if value == "Dormant/Perpetual":
            return sample("ironport_feature_key_perpetual", feature=name), 1
        return sample("ironport_feature_key_remaining_seconds", feature=name), float(value)
    if match := re.fullmatch(r"last_(\d+)_min", attribute):
        labels = {"flow": FLOWS[name], "window": f"{match[1]}m"}
        return sample("ironport_mail_rate_per_second", **labels), float(value) / 3600
    metric, labels, factor = PLAIN[item]
    return sample(metric, **labels), float(value) * factor


@pytest.mark.parametrize("page", ALL_PAGES)
def test_every_attribute_gives_its_sample_and_no_other(page: str) -> None:
    found = samples(exposed(parse_status(status_page(page))))
    wanted: dict[Sample, float] = {}
    for name, attribute, value in attributes_of(page):
        if not WORDED_ITEMS & {f"{name}/{attribute}", name} and (pair := expected(name, attribute, value)):
            wanted.setdefault(*pair)  # the first of two equal elements counts
    assert len(wanted) >= 60
    assert {key: found[key] for key in wanted} == pytest.approx(wanted, rel=1e-12)
    assert {name for name, _ in found.keys() - wanted.keys()} == WORDED_METRICS | {"ironport_feature_key_perpetual"}


@pytest.mark.parametrize("page", ALL_PAGES)
def test_the_items_that_metrics_use_are_kept(page: str) -> None:
    every = every_item((PAGES / f"{page}.xml").read_bytes())
    assert parse_status(status_page(page)) == {item: every[item] for item in every.keys() & items_of("xml")}


@pytest.mark.parametrize("page", ALL_PAGES)
def test_words_of_a_page_give_their_samples(page: str) -> None:
    found = samples(exposed(parse_status(status_page(page))))
    root = ET.fromstring(status_page(page))
    worded = WORDED[page]
    build, system = root.get("build", ""), root.find("system")
    assert system is not None
    assert found[sample("ironport_version_info", version=build.split()[1])] == 1
    assert found[sample("ironport_status_page_info", build=build, hostname=root.get("hostname", ""))] == 1
    assert found[sample("ironport_system_status_info", status=system.get("status", ""))] == 1
    assert found[sample("ironport_online")] == worded["online"]
    assert found[sample("ironport_uptime_seconds")] == worded["uptime"]
    assert found[sample("ironport_log_disk_available_bytes")] == worded["log_available"]
    assert found[sample("ironport_resource_conservation_level")] == worded["level"]
    assert found[sample("ironport_resource_conservation_refusing")] == worded["refusing"]


@pytest.mark.parametrize("page", ALL_PAGES)
def test_the_samples_of_a_page_keep_its_invariants(page: str) -> None:
    on_page = {f"{name}/{attribute}": value for name, attribute, value in reversed(attributes_of(page))}
    series = {family.name: series for family, series in exposed(parse_status(status_page(page))).families}
    completed = series["ironport_recipients_completed_total"]
    assert sum(series["ironport_recipients_hard_bounced_total"].values()) == completed[("hard_bounced",)]
    assert sum(completed.values()) == float(on_page["completed_recips/lifetime"])
    assert sum(series["ironport_delivery_queue_recipients"].values()) == float(on_page["active_recips/current"])
    used, free = series["ironport_queue_used_bytes"][()], series["ironport_queue_free_bytes"][()]
    assert used + free in (8 * 2**30, 33 * 2**30)
    assert series["ironport_queue_utilization_ratio"][()] == pytest.approx(used / (used + free))
    now = datetime.strptime(on_page["status/timestamp"], "%Y%m%d%H%M%S")
    birth = datetime.strptime(on_page["birth_time/timestamp"][:14], "%Y%m%d%H%M%S")
    assert timedelta(seconds=series["ironport_uptime_seconds"][()]) == now - birth


def test_gauges_without_a_number_are_unreadable() -> None:
    exposition = exposed(parse_status(status_page("c695_15.0.1-030")))
    found = samples(exposition)
    assert sample("ironport_work_queue_messages") not in found
    assert sample("ironport_cpu_utilization_ratio", process="mail") not in found
    assert sorted(item for item, _ in exposition.unreadable["xml"]) == [
        "gauges/av_utilization/current",
        "gauges/cpu_utilization/current",
        "gauges/msgs_in_work_queue/current",
    ]


def test_the_first_of_two_equal_elements_counts() -> None:
    items = parse_status(status_page("c60_4.5.0-702"))
    assert items["gauges/log_used/current"] == {(): "6"}


def test_features_with_one_name_get_their_index() -> None:
    body = b'<status><features><feature name="A" time_remaining="1"/><feature name="B" time_remaining="2"/>'
    body += b'<feature name="A" time_remaining="3"/><feature name="C"/></features></status>'
    assert parse_status(body)["features/time_remaining"] == {("A (1)",): "1", ("B",): "2", ("A (3)",): "3"}


@pytest.mark.parametrize("root", ["rss", "zones"])
def test_a_page_with_another_root_is_malformed(root: str) -> None:
    with pytest.raises(MalformedError, match=f"root element is <{root}>, not <status>"):
        parse_status(f"<{root}/>".encode())


def test_as_many_feature_keys_as_the_limit_are_read() -> None:
    within, over = (
        b"<status>" + b"".join(b'<feature name="%d" time_remaining="1"/>' % key for key in range(count)) + b"</status>"
        for count in (128, 129)
    )
    assert len(parse_status(within)["features/time_remaining"]) == 128
    with pytest.raises(TooLargeError, match="129 feature keys, over the limit of 128"):
        parse_status(over)


def test_dns_counters_may_have_any_parent() -> None:
    counters = b'<counter name="dns_reqs" reset="1" uptime="2" lifetime="3"/><counter name="cache_hits" lifetime="4"/>'
    wanted: Items = {"counters/dns_reqs/lifetime": {(): "3"}, "counters/cache_hits/lifetime": {(): "4"}}
    assert parse_dnsstatus(b"<counters>" + counters + b"</counters>") == wanted
    assert parse_dnsstatus(b"<dns_status><x>" + counters + b"</x></dns_status>") == wanted
    found = samples(exposed(wanted))
    assert found[sample("ironport_dns_operations_total", operation="request")] == 3
    assert found[sample("ironport_dns_operations_total", operation="cache_hit")] == 4


def test_a_dns_page_without_counters_is_malformed() -> None:
    with pytest.raises(MalformedError, match="has no counters"):
        parse_dnsstatus(b"<dns_status/>")


TOPHOSTS = b"""<tophosts hostname="esa1" active="99">
<host rank="1" hostname="a.example" active_recips="5" conn_out="1" deliv_recip="8" soft_bounced="N/A" hard_bounced="0"/>
<host rank="2" hostname="b.example" active_recips="50" conn_out="2" delivered="70" soft_bounced="3" hard_bounced="4"/>
<host rank="3" hostname="c.example" active_recips="0" conn_out="7"/>
<host rank="4" active_recips="1000"/> <host hostname="d.example" note="nothing known"/>
</tophosts>"""


def test_top_hosts_are_the_heaviest_rows() -> None:
    a, b, c, other = ("a.example", ""), ("b.example", ""), ("c.example", "clients"), ("other", "")
    assert parse_tophosts(TOPHOSTS, top=1) == {
        "tophosts/active_recipients": {b: 50, c: 0, other: 5},
        "tophosts/connections": {b: 2, c: 7, other: 1},
        "tophosts/delivered_recipients": {b: 70},
        "tophosts/soft_bounces": {b: 3},
        "tophosts/hard_bounces": {b: 4},
    }
    assert parse_tophosts(TOPHOSTS, top=20)["tophosts/connections"] == {a: 1, b: 2, c: 7, other: 0}


def test_figures_of_top_hosts_that_cannot_be_read_are_unreadable() -> None:
    exposition = exposed(parse_tophosts(TOPHOSTS, top=20))
    assert exposition.unreadable["xml"] == {("tophosts/soft_bounces", ("a.example", "")): "N/A"}


def test_a_top_host_without_a_readable_figure_is_unreadable() -> None:
    exposition = exposed(parse_tophosts(b'<tophosts><host host="a.example" active="many"/></tophosts>', top=20))
    assert exposition.unreadable["xml"] == {("tophosts/active_recipients", ("a.example", "")): "many"}


def test_top_hosts_of_another_form_are_an_error() -> None:
    with pytest.raises(MalformedError, match="such as host and active_recips"):
        parse_tophosts(b'<tophosts><entry target="a.example" waiting="5"/></tophosts>', top=20)
    assert parse_tophosts(b"<tophosts><hosts/></tophosts>", top=20) == {}


def test_top_senders_are_rows_by_address_and_listener() -> None:
    body = b"""<topin hostname="esa1">
    <sender hostname="mail.example" ip="192.0.2.1" listener="Inbound" conn_in="3"/>
    <sender hostname="mail.example" ip="192.0.2.2" listener="Inbound" conn_in="9"/>
    <sender hostname="mail.example" ip="192.0.2.2" listener="Out" conn_in="4"/>
    <sender hostname="other.example" conn_in="1"/></topin>"""
    assert parse_topin(body, top=20) == {
        "topin/connections": {
            ("192.0.2.2", "Inbound"): 9,
            ("192.0.2.2", "Out"): 4,
            ("192.0.2.1", "Inbound"): 3,
            ("other.example", ""): 1,
        }
    }


def test_a_sender_without_a_readable_figure_comes_last() -> None:
    body = b"""<topin><sender ip="192.0.2.1" conn_in="many"/><sender ip="192.0.2.2" conn_in="1"/></topin>"""
    assert parse_topin(body, top=1) == {"topin/connections": {("192.0.2.2", ""): 1}}


PARSERS: list[Callable[[bytes], Items]] = [
    parse_status,
    parse_dnsstatus,
    lambda body: parse_tophosts(body, 20),
    lambda body: parse_topin(body, 20),
]

PIECES = (
    *("<status>", "</status>", "<a>", "</a>", "<host ", "/>", 'name="x" ', "time_remaining='1'", 'conn_in="nan" '),
    *("<!DOCTYPE a>", "&#0;", "&lt;", "<![CDATA[", "]]>", '<?xml version="1.0" encoding="', 'utf-16"?>', "é", "\0"),
)
LIKE_XML = st.lists(st.sampled_from(PIECES)).map(lambda parts: "".join(parts).encode())


@given(st.binary(max_size=300) | LIKE_XML | st.binary(max_size=100).map(lambda tail: status_page()[:3000] + tail))
@example(b'<?xml version="1.0" encoding="utf-16"?><status/>')
@example(b"\xff\xfe<\x00")
def test_whatever_arrives_gives_items_or_a_source_error(body: bytes) -> None:
    for parse in PARSERS:
        with suppress(SourceError):
            exposed(parse(body)).text()
