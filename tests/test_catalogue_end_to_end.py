"""One command, one appliance, all sources: every metric of the catalogue with the value that the appliance told."""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from exporter.cli import main
from exporter.errors import REASONS
from exporter.metrics.catalog import FAMILIES
from exporter.sources.source import SOURCES
from support import logs
from support.completeness import assert_complete
from support.prometheus import Series, parsed
from support.rest_pages import rest_pages
from support.snmpd import AUTH_PASSPHRASE, COMMUNITY, PRIV_PASSPHRASE, V3GET, Snmpd
from support.status_server import PASSWORD, USERNAME, Page, StatusServer

restore = pytest.fixture(autouse=True)(logs.restored)

REST_REQUESTS = 3

DNS_PAGE = """<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>
<dns_status build="phoebe 14.2.3-027">
  <counters>
    <counter name="dns_reqs" reset="1" uptime="1" lifetime="9001" />
    <counter name="network_reqs" reset="1" uptime="1" lifetime="9002" />
    <counter name="cache_hits" reset="1" uptime="1" lifetime="9003" />
    <counter name="cache_misses" reset="1" uptime="1" lifetime="9004" />
    <counter name="cache_exceptions" reset="1" uptime="1" lifetime="9005" />
    <counter name="cache_expired" reset="1" uptime="1" lifetime="9006" />
  </counters>
</dns_status>
"""
TOP_HOSTS_PAGE = """<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>
<tophosts><hosts>
  <host name="example.net" active_recips="31" conn_out="3" delivered_recips="511" soft_bounced="52" hard_bounced="13" />
</hosts></tophosts>
"""
TOP_IN_PAGE = """<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>
<topin><hosts>
  <host remote_host="mail.example.org" remote_ip="192.0.2.7" listener="Incoming" conn_in="17" />
</hosts></topin>
"""

PROBE = {
    "ironport_probe_success": 1,
    "ironport_probe_deadline_seconds": 20,
    **{
        f'ironport_source_{figure}{{source="{source}"}}': value
        for figure, value in {"up": 1, "complete": 1, "age_seconds": 0, "unreadable_values": 0}.items()
        for source in SOURCES
    },
    'ironport_source_requests{source="xml"}': 4,
    'ironport_source_retries{source="xml"}': 0,
    'ironport_source_requests{source="rest"}': REST_REQUESTS,
    'ironport_source_retries{source="rest"}': 0,
    **{f'ironport_source_error{{source="{source}",reason="{reason}"}}': 0 for source in SOURCES for reason in REASONS},
}

BOTH = {
    "ironport_work_queue_messages": 45,
    "ironport_oldest_message_age_seconds": 261369,
    "ironport_queue_utilization_ratio": 603008 / 34603008,
    "ironport_memory_utilization_ratio": 0.29,
    "ironport_disk_io_utilization_ratio": 1.06,
    'ironport_version_info{version="14.2.3-027"}': 1,
    "ironport_version_number": 14_002_003_027,
}
"""Fused; the status page's value comes first."""

SNMP_OF_BOTH = {
    "ironport_work_queue_messages": 42,
    "ironport_oldest_message_age_seconds": 4_000_000_000,
    "ironport_queue_utilization_ratio": 0.03,
    "ironport_memory_utilization_ratio": 0.31,
    "ironport_disk_io_utilization_ratio": 1.04,
    'ironport_version_info{version="14.2.3-027"}': 1,
    "ironport_version_number": 14_002_003_027,
}
"""The same families without the status page."""

CONFIGURED = {
    "ironport_connection_limit": 300,
    "ironport_rated_messages_per_second": 36,
    "ironport_maintenance": 1,
    "ironport_holiday": 1,
    'ironport_minimum_version_number{version="12.5.3-035"}': 12_005_003_035,
}

XML = {
    "ironport_queue_used_bytes": 617480192,
    "ironport_queue_free_bytes": 34816000000,
    "ironport_resource_conservation_level": 5,
    "ironport_resource_conservation_refusing": 0,
    'ironport_delivery_queue_recipients{state="attempted"}': 300,
    'ironport_delivery_queue_recipients{state="unattempted"}': 612,
    'ironport_connections{direction="in"}': 37,
    'ironport_connections{direction="out"}': 23,
    "ironport_destinations_in_memory": 625,
    "ironport_quarantine_messages": 104,
    "ironport_quarantine_bytes": 2097152,
    "ironport_messages_injected_total": 10741905,
    "ironport_recipients_injected_total": 16324603,
    "ironport_message_ids_total": 10875286,
    "ironport_injection_connections_total": 3211045,
    "ironport_delivery_connections_total": 2109876,
    "ironport_recipients_rejected_total": 130438,
    "ironport_messages_dropped_total": 164522,
    "ironport_recipients_bounce_generated_total": 3771568,
    'ironport_recipients_completed_total{result="delivered"}': 8880000,
    'ironport_recipients_completed_total{result="hard_bounced"}': 7000000,
    'ironport_recipients_completed_total{result="deleted"}': 120000,
    'ironport_recipients_hard_bounced_total{reason="dns"}': 600001,
    'ironport_recipients_hard_bounced_total{reason="5xx"}': 5900000,
    'ironport_recipients_hard_bounced_total{reason="filter"}': 119999,
    'ironport_recipients_hard_bounced_total{reason="expired"}': 370000,
    'ironport_recipients_hard_bounced_total{reason="other"}': 10000,
    "ironport_soft_bounces_total": 41422087,
    "ironport_global_unsubscribe_hits_total": 17,
    'ironport_mail_rate_per_second{flow="injected_messages",window="1m"}': 1.7,
    'ironport_mail_rate_per_second{flow="injected_messages",window="5m"}': 2.625,
    'ironport_mail_rate_per_second{flow="injected_messages",window="15m"}': 3.0125,
    'ironport_mail_rate_per_second{flow="injected_recipients",window="1m"}': 2.5,
    'ironport_mail_rate_per_second{flow="injected_recipients",window="5m"}': 3.5,
    'ironport_mail_rate_per_second{flow="injected_recipients",window="15m"}': 4,
    'ironport_mail_rate_per_second{flow="soft_bounces",window="1m"}': 0.2,
    'ironport_mail_rate_per_second{flow="soft_bounces",window="5m"}': 0.1,
    'ironport_mail_rate_per_second{flow="soft_bounces",window="15m"}': 0.05,
    'ironport_mail_rate_per_second{flow="completed_recipients",window="1m"}': 2.4,
    'ironport_mail_rate_per_second{flow="completed_recipients",window="5m"}': 3.3,
    'ironport_mail_rate_per_second{flow="completed_recipients",window="15m"}': 3.8,
    'ironport_mail_rate_per_second{flow="hard_bounced_recipients",window="1m"}': 60 / 3600,
    'ironport_mail_rate_per_second{flow="hard_bounced_recipients",window="5m"}': 12 / 3600,
    'ironport_mail_rate_per_second{flow="hard_bounced_recipients",window="15m"}': 20 / 3600,
    'ironport_mail_rate_per_second{flow="delivered_recipients",window="1m"}': 8580 / 3600,
    'ironport_mail_rate_per_second{flow="delivered_recipients",window="5m"}': 11868 / 3600,
    'ironport_mail_rate_per_second{flow="delivered_recipients",window="15m"}': 13660 / 3600,
    'ironport_status_page_info{build="phoebe 14.2.3-027",hostname="mx1.example.edu"}': 1,
    "ironport_online": 1,
    'ironport_system_status_info{status="online"}': 1,
    "ironport_uptime_seconds": 1045800,
    'ironport_cpu_utilization_ratio{process="appliance"}': 0.19,
    'ironport_cpu_utilization_ratio{process="mail"}': 0.11,
    'ironport_cpu_utilization_ratio{process="antivirus"}': 0.04,
    'ironport_cpu_utilization_ratio{process="antispam"}': 0.02,
    'ironport_cpu_utilization_ratio{process="brightmail"}': 0.01,
    'ironport_cpu_utilization_ratio{process="reporting"}': 0.03,
    'ironport_cpu_utilization_ratio{process="quarantine"}': 0.06,
    "ironport_log_disk_utilization_ratio": 0.13,
    "ironport_log_disk_available_bytes": 416611827712,
    'ironport_feature_key_remaining_seconds{feature="IronPort Anti-Spam"}': 28512010,
    'ironport_feature_key_remaining_seconds{feature="Sophos"}': 28512070,
    'ironport_feature_key_remaining_seconds{feature="File Analysis"}': -46298076,
    'ironport_feature_key_perpetual{feature="Incoming Mail Handling"}': 1,
    'ironport_feature_key_perpetual{feature="IronPort Anti-Spam"}': 0,
    'ironport_feature_key_perpetual{feature="Sophos"}': 0,
    'ironport_feature_key_perpetual{feature="File Analysis"}': 0,
    'ironport_dns_operations_total{operation="request"}': 9001,
    'ironport_dns_operations_total{operation="network_request"}': 9002,
    'ironport_dns_operations_total{operation="cache_hit"}': 9003,
    'ironport_dns_operations_total{operation="cache_miss"}': 9004,
    'ironport_dns_operations_total{operation="cache_exception"}': 9005,
    'ironport_dns_operations_total{operation="cache_expired"}': 9006,
    'ironport_sender_connections{sender="192.0.2.7",listener="Incoming"}': 17,
}

SNMP = {
    'ironport_queue_availability{state="space_available"}': 1,
    'ironport_queue_availability{state="space_shortage"}': 0,
    'ironport_queue_availability{state="full"}': 0,
    'ironport_resource_conservation{reason="none"}': 1,
    'ironport_resource_conservation{reason="memory_shortage"}': 0,
    'ironport_resource_conservation{reason="queue_space_shortage"}': 0,
    'ironport_resource_conservation{reason="queue_full"}': 0,
    'ironport_memory_availability{state="available"}': 1,
    'ironport_memory_availability{state="shortage"}': 0,
    'ironport_memory_availability{state="full"}': 0,
    'ironport_hardware_info{model="C695",serial="4C4C4544AA-FCH22V0A"}': 1,
    "ironport_snmp_agent_uptime_seconds": 86401.23,
    "ironport_snmp_cpu_utilization_ratio": 0.17,
    "ironport_open_files": 1234,
    "ironport_mail_transfer_threads": 88,
    'ironport_dns_requests{state="outstanding"}': 7,
    'ironport_dns_requests{state="pending"}': 5,
    'ironport_updates_total{service="Sophos Anti-Virus definitions"}': 12345,
    'ironport_updates_total{service="CASE rules"}': 98765,
    'ironport_updates_total{service="Time zone rules"}': 4294967295,
    'ironport_update_failures_total{service="Sophos Anti-Virus definitions"}': 6,
    'ironport_update_failures_total{service="CASE rules"}': 0,
    'ironport_update_failures_total{service="Time zone rules"}': 1,
    "ironport_fips_mode": 0,
    'ironport_power_supply_status{power_supply="PS 1",status="healthy"}': 1,
    'ironport_power_supply_status{power_supply="PS 1",status="no_ac"}': 0,
    'ironport_power_supply_status{power_supply="PS 1",status="faulty"}': 0,
    'ironport_power_supply_status{power_supply="PS 1",status="not_installed"}': 0,
    'ironport_power_supply_status{power_supply="PS 2",status="healthy"}': 0,
    'ironport_power_supply_status{power_supply="PS 2",status="no_ac"}': 1,
    'ironport_power_supply_status{power_supply="PS 2",status="faulty"}': 0,
    'ironport_power_supply_status{power_supply="PS 2",status="not_installed"}': 0,
    "ironport_power_supply_redundant": 1,
    'ironport_temperature_celsius{sensor="Ambient"}': 24,
    'ironport_temperature_celsius{sensor="CPU 1"}': 51,
    'ironport_temperature_celsius{sensor="CPU 2"}': 49,
    'ironport_fan_speed_rpm{fan="FAN 1"}': 5400,
    'ironport_fan_speed_rpm{fan="FAN 2"}': 5280,
    'ironport_fan_speed_rpm{fan="FAN 3"}': 0,
    'ironport_raid_drive_status{drive="RAID 1, DISK 1",status="healthy"}': 1,
    'ironport_raid_drive_status{drive="RAID 1, DISK 1",status="failed"}': 0,
    'ironport_raid_drive_status{drive="RAID 1, DISK 1",status="rebuilding"}': 0,
    'ironport_raid_drive_status{drive="RAID 1, DISK 2",status="healthy"}': 0,
    'ironport_raid_drive_status{drive="RAID 1, DISK 2",status="failed"}': 0,
    'ironport_raid_drive_status{drive="RAID 1, DISK 2",status="rebuilding"}': 1,
    "ironport_raid_events_total": 4294967290,
}

SNMP_ALONE = {
    'ironport_feature_key_remaining_seconds{feature="IronPort Anti-Spam"}': 28512000,
    'ironport_feature_key_remaining_seconds{feature="Sophos"}': 28512060,
    'ironport_feature_key_remaining_seconds{feature="File Analysis"}': 0,
    'ironport_feature_key_perpetual{feature="Incoming Mail Handling"}': 1,
    'ironport_feature_key_perpetual{feature="IronPort Anti-Spam"}': 0,
    'ironport_feature_key_perpetual{feature="Sophos"}': 0,
    'ironport_feature_key_perpetual{feature="File Analysis"}': 0,
}
"""What the agent tells of the keys, where the status page is not asked."""


def of_destinations(table: dict[tuple[str, str], tuple[int, ...]]) -> dict[str, int]:
    """Return the series of destinations for rows by (destination, class)."""
    names = (
        "active_recipients",
        "connections",
        "delivered_recipients_total",
        "soft_bounces_total",
        "hard_bounces_total",
    )
    return {
        f'ironport_destination_{name}{{destination="{domain}",class="{kind}"}}': value
        for (domain, kind), values in table.items()
        for name, value in zip(names, values, strict=False)  # the remainder has no counters
    }


REST = {
    "ironport_swap_utilization_ratio": 0.015,
    **of_destinations(
        {
            ("uni-a.example.edu", "clients"): (3, 1, 1_200, 0, 1),
            ("gmail.example", ""): (41, 7, 90_000, 310, 42),
            ("other", ""): (0, 0),
        }
    ),
    'ironport_destination_status{destination="uni-a.example.edu",class="clients",status="Active"}': 1,
    'ironport_destination_status{destination="gmail.example",class="",status="Active"}': 1,
}
"""What REST alone has."""

REST_GAUGES = {
    "ironport_work_queue_messages": 46,
    "ironport_oldest_message_age_seconds": 261390,
    "ironport_queue_utilization_ratio": 0.12,
    "ironport_memory_utilization_ratio": 0.31,
    "ironport_disk_io_utilization_ratio": 1.07,
    "ironport_resource_conservation_level": 6,
    "ironport_resource_conservation_refusing": 0,
    'ironport_connections{direction="in"}': 38,
    'ironport_connections{direction="out"}': 24,
    "ironport_destinations_in_memory": 626,
    "ironport_quarantine_messages": 105,
    "ironport_online": 1,
    'ironport_system_status_info{status="online"}': 1,
    'ironport_cpu_utilization_ratio{process="appliance"}': 0.21,
    'ironport_hardware_info{model="C600V",serial="420A4C1B2D3E4F50-1A2B3C4D5E6F"}': 1,
}
"""What REST tells where nobody else does."""

PAGELESS_REST = {
    'ironport_delivery_queue_recipients{state="active"}': 914,
    "ironport_messages_injected_total": 6037437,
    "ironport_recipients_rejected_total": 82980,
    "ironport_messages_dropped_total": 67764,
    "ironport_soft_bounces_total": 31431594,
    'ironport_recipients_completed_total{result="delivered"}': 5950001,
    'ironport_recipients_completed_total{result="hard_bounced"}': 4000001,
}
"""Only where the status page is not configured; the counters are since the last restart."""

REST_VERSION = {'ironport_version_info{version="15.0.0"}': 1, "ironport_version_number": 15_000_000_999}
"""Only where neither SNMP nor the status page is configured."""

VARYING = {
    "ironport_probe_duration_seconds",
    'ironport_source_duration_seconds{source="snmp"}',
    'ironport_source_duration_seconds{source="xml"}',
    'ironport_source_duration_seconds{source="rest"}',
    'ironport_source_requests{source="snmp"}',
    'ironport_source_retries{source="snmp"}',
    'ironport_tls_certificate_expiry_timestamp_seconds{source="xml",verified_by="ca"}',
    'ironport_tls_certificate_expiry_timestamp_seconds{source="rest",verified_by="ca"}',
}

WEB_USER = {"username": USERNAME, "password": PASSWORD}

SNMP_AUTHS: dict[str, dict[str, Any]] = {
    "v2c": {"version": "2c", "community": COMMUNITY},
    "v3": {
        "version": 3,
        "username": V3GET.name,
        "auth": {"protocol": "SHA", "passphrase": AUTH_PASSPHRASE},
        "priv": {"protocol": "AES", "passphrase": PRIV_PASSPHRASE},
    },
}


def series(expected: dict[str, Any]) -> Series:
    return parsed("".join(f"{name} {value!r}\n" for name, value in expected.items()))


async def probe(folder: Path, auth: dict[str, Any], appliance: dict[str, Any]) -> Series:
    """Run `ironport-exporter probe mx1` as an operator would; return what it printed."""
    file = folder / "fleet.yml"
    entry = {
        "name": "mx1",
        "address": "127.0.0.1",
        "auth": "ops",
        "rated_messages_per_hour": 129600,
        "connection_limit": 300,
        "destinations": {"clients": ["*.example.edu"]},
        "minimum_version": "12.5.3-035",
    }
    always = {"day": "monday", "time": "00:00", "duration": "168h", "timezone": "UTC"}
    fleet = {
        "auths": {"ops": auth},
        "appliances": [entry | appliance],
        "maintenance": [{"appliances": ["mx1"], "weekly": always}],
        "holidays": {"timezone": "UTC", "days": [{"name": "always", "first": "2000-01-01", "last": "2999-12-31"}]},
    }
    file.write_text(yaml.safe_dump(fleet))
    output, complaints = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(complaints):
        code = await asyncio.to_thread(main, ["probe", "mx1", "--timeout", "20", "--config.file", str(file)])
    assert code == 0, complaints.getvalue()
    return parsed(output.getvalue())


def difference(found: Series, expected: Series) -> str:
    """Return, a line each, what is missing, wrong or too much."""
    lines = [
        f"{key}: {found.get(key)} instead of {value}"
        for key, value in expected.items()
        if not same(found.get(key), value)
    ]
    return "\n".join([*lines, *(f"{key}: not expected" for key in found.keys() - expected.keys())])


def same(found: float | None, expected: float) -> bool:
    return found is not None and found == pytest.approx(expected, rel=1e-12)


def without_varying(found: Series) -> Series:
    varying = series(dict.fromkeys(VARYING, 0))
    return {key: value for key, value in found.items() if key not in varying}


def test_every_metric_of_the_catalogue_is_expected() -> None:
    names = {
        name.partition("{")[0]
        for name in {**PROBE, **BOTH, **CONFIGURED, **XML, **SNMP, **REST} | dict.fromkeys(VARYING)
    }
    assert_complete(
        names,
        {family.name for family in FAMILIES},
        "a table of tests/test_catalogue_end_to_end.py, with the value to expect; the value that the appliance answers "
        "is in tests/support/status_page.py (XML), mail_agent.py (SNMP) or rest_pages.py (REST)",
    )


@pytest.mark.parametrize("version", SNMP_AUTHS)
async def test_every_metric_has_the_value_of_the_appliance(version: str, snmpd: Snmpd, tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    async with StatusServer(authority) as server:
        server.pages |= {
            "/xml/dnsstatus": Page(DNS_PAGE.encode()),
            "/xml/tophosts": Page(TOP_HOSTS_PAGE.encode()),
            "/xml/topin": Page(TOP_IN_PAGE.encode()),
            **rest_pages(),
        }
        auth = {"snmp": SNMP_AUTHS[version], "xml": WEB_USER, "rest": WEB_USER}
        rest = {"port": server.port, "top": 1, "tls": {"ca_file": str(ca_file)}}
        xml = {
            "port": server.port,
            "pages": ["status", "dnsstatus", "tophosts", "topin"],
            "tls": {"ca_file": str(ca_file)},
        }
        found = await probe(tmp_path, auth, {"snmp": {"port": snmpd.port}, "xml": xml, "rest": rest})
    expected = series({**PROBE, **BOTH, **CONFIGURED, **XML, **SNMP, **REST})
    assert difference(without_varying(found), expected) == ""


def without_hardware(expected: dict[str, Any]) -> dict[str, Any]:
    """Return what is left where SNMP tells the model."""
    return {name: value for name, value in expected.items() if "hardware_info" not in name}


def of(*sources: str) -> dict[str, Any]:
    """Return the health of a probe with these sources."""
    others = [f'source="{source}"' for source in SOURCES if source not in sources]
    return {name: value for name, value in PROBE.items() if not any(other in name for other in others)}


def page_alone() -> dict[str, Any]:
    opt_in = ("ironport_dns_operations", "ironport_sender_")
    page = {name: value for name, value in XML.items() if not name.startswith(opt_in)}
    return {**BOTH, **page}


COMBINATIONS: dict[tuple[str, ...], dict[str, Any]] = {
    ("snmp",): {**SNMP_OF_BOTH, **SNMP, **SNMP_ALONE},
    ("xml",): page_alone(),
    ("rest",): {**REST, **REST_GAUGES, **PAGELESS_REST, **REST_VERSION},
    ("snmp", "xml"): {**page_alone(), **SNMP},
    ("snmp", "rest"): {**REST, **PAGELESS_REST, **SNMP_ALONE, **without_hardware(REST_GAUGES), **SNMP_OF_BOTH, **SNMP},
    ("xml", "rest"): {**REST, **REST_GAUGES, **page_alone()},
    ("snmp", "xml", "rest"): {**REST, **page_alone(), **SNMP},
}
"""What each combination of sources exports."""


@pytest.mark.parametrize("sources", COMBINATIONS, ids="+".join)
async def test_each_combination_of_sources_exports_what_its_sources_have(
    sources: tuple[str, ...], snmpd: Snmpd, tmp_path: Path
) -> None:
    async with StatusServer() as server:
        server.pages |= rest_pages()
        web = {"scheme": "http", "port": server.port}
        logins = {"snmp": SNMP_AUTHS["v2c"], "xml": WEB_USER, "rest": WEB_USER}
        auth = {source: logins[source] for source in sources}
        entry = {"snmp": {"port": snmpd.port}, "xml": web, "rest": web | {"top": 1}}
        found = await probe(tmp_path, auth, entry)
    requests = {'ironport_source_requests{source="xml"}': 1} if "xml" in sources else {}
    expected = series({**of(*sources), **CONFIGURED, **COMBINATIONS[sources], **requests})
    assert difference(without_varying(found), expected) == ""


async def test_without_rest_the_page_tophosts_feeds_the_destinations(tmp_path: Path) -> None:
    async with StatusServer() as server:
        server.pages["/xml/tophosts"] = Page(TOP_HOSTS_PAGE.encode())
        xml = {"scheme": "http", "port": server.port, "pages": ["status", "tophosts"]}
        found = await probe(tmp_path, {"xml": WEB_USER}, {"xml": xml})
    table = {("example.net", ""): (31, 3, 511, 52, 13), ("other", ""): (0, 0)}
    expected = series(of_destinations(table))
    assert {key: value for key, value in found.items() if key[0].startswith("ironport_destination_")} == expected
