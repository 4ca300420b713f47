"""The plain text about one probe says what each source did, what failed, and what could not be read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pytest

from exporter.config import Appliance
from exporter.errors import SourceTimeout
from exporter.metrics.reading import Reading, unreadable_text
from exporter.probe_debug import debug_output
from support.appliances import snmp_appliance
from support.fake_fleet import healthy, result

HALF: Final = Reading(
    "snmp",
    up=True,
    requests=3,
    errors=[SourceTimeout("The table of fans gave no answer.")] * 2,
    notes=["14 scalars in 2 packets"],
    duration=0.0214,
)


@pytest.fixture
def appliance() -> Appliance:
    return snmp_appliance(161, host="192.0.2.1", site="east", pool="edge", traffic="inbound")


def test_each_source_says_what_it_did(appliance: Appliance) -> None:
    shared = replace(healthy("xml"), shared=True, age=12.34, requests=0)
    lines = debug_output(appliance, result(HALF, shared, deadline=9.5)).splitlines()
    assert lines[0] == "mx1 at 192.0.2.1, site east, pool edge, inbound, production"
    assert re.fullmatch(
        r"Probe of \d{4}-\d\d-\d\d [\d:]{8} UTC: partial, 0.250 s of the 9.5 s that it may take\.", lines[1]
    )
    assert lines[3:9] == [
        "snmp: partial; 0.021 s; requests: 3, of them sent again: 0",
        "  14 scalars in 2 packets",
        *["  error (timeout): The table of fans gave no answer."] * 2,
        "",
        "xml: complete; poll of another probe, begun 12.3 s before this one",
    ]
    assert any(line.startswith("# HELP ironport_") for line in lines[9:])


def test_a_source_that_is_not_configured_says_what_is_missing(appliance: Appliance) -> None:
    assert "xml: not configured, so that the delivery queue, " in debug_output(appliance, result(healthy("snmp")))


def test_values_that_cannot_be_read_are_named(appliance: Appliance) -> None:
    odd = healthy("snmp")
    odd.set("fanRPMs", "fast", ("Fan 1",))
    odd.set_unreadable("openFilesOrSockets", "NULL")
    text = debug_output(appliance, result(odd))
    assert "  values that cannot be read: openFilesOrSockets: 'NULL'; fanRPMs of Fan 1: 'fast'\n" in text


def test_a_long_list_of_values_is_cut() -> None:
    text = unreadable_text({("fanRPMs", (f"Fan {number}",)): "x" for number in range(30)})
    assert text.count("fanRPMs") == 20
    assert text.endswith("; and 10 more")
