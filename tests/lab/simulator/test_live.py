from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.config import CommunityAuth, UserAuth
from exporter.errors import RequestError
from exporter.lab.history.polls import polls
from exporter.lab.simulator import fault_forms
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.probe import probe_result
from support.simulated import START, STEP, configured, model_at_start, probed, reasons, simulated, value


@pytest.fixture
async def fleet() -> AsyncIterator[LiveFleet]:
    async with simulated() as fleet:
        yield fleet


@pytest.mark.parametrize("topology", ["campus", "pair"])
@pytest.mark.parametrize(("snmp", "https"), [("v3", True), ("v2c", False)])
async def test_the_exporter_gives_exactly_what_the_model_has(
    topology: str, snmp: str, https: bool, tmp_path: Path
) -> None:
    """Every series of every unit, over SNMP and XML of each kind, is that of the items of the same instant."""
    async with simulated(topology, snmp=snmp, https=https) as fleet:
        read = configured(fleet, tmp_path)
        results = await asyncio.gather(*(probed(read, name) for name in read.appliances))
        view = fleet.model.view
    assert len(results) == len(fleet.units)
    for appliance, result in zip(read.appliances.values(), results, strict=True):
        assert result.complete
        items = {"snmp": view.snmp_items(appliance.name), "xml": view.xml_items(appliance.name)}
        readings = [replace(reading, items=items[reading.source]) for reading in result.readings]
        expected = probe_result(appliance, readings, result.duration, result.deadline, result.time)
        assert result.exposition.families == expected.exposition.families


@pytest.mark.parametrize("https", [True, False])
async def test_the_rest_interface_gives_what_the_model_has(https: bool, tmp_path: Path) -> None:
    """With all its destinations; and the history, whose readings these are, has the same."""
    async with simulated(rest=True, https=https) as fleet:
        fleet.model.begin(parse_scenario("destination-down"))
        await fleet.step()
        read = configured(fleet, tmp_path)
        results = await asyncio.gather(*(probed(read, name) for name in ("mx1", "mx6", "out1")))
        view = fleet.model.view
    for appliance, result in zip((read.appliances[name] for name in ("mx1", "mx6", "out1")), results, strict=True):
        assert result.complete
        snmp, xml, rest = polls(view, appliance, (1.0, 1.0, 1.0))
        items = {"snmp": snmp.items, "xml": xml.items, "rest": rest.items}
        readings = [replace(reading, items=items[reading.source]) for reading in result.readings]
        expected = probe_result(appliance, readings, result.duration, result.deadline, result.time)
        assert result.exposition.families == expected.exposition.families
        assert not any(result.exposition.unreadable.values())
    assert value(result, "ironport_destination_status", "uni-a.example", "clients", "Down") == 1
    active = next(
        series for known, series in result.exposition.families if known.name == "ironport_destination_active_recipients"
    )
    waiting = next(
        series for known, series in result.exposition.families if known.name == "ironport_delivery_queue_recipients"
    )
    assert sum(active.values()) == sum(waiting.values())


def test_a_fleet_of_old_releases_has_no_rest_interface() -> None:
    with pytest.raises(RequestError, match="No unit of this fleet has a REST interface: it came with AsyncOS 12"):
        LiveFleet(model_at_start("pair"), rest=True)


async def test_the_fleet_file_says_what_the_topology_does(fleet: LiveFleet, tmp_path: Path) -> None:
    read = configured(fleet, tmp_path)
    for unit in fleet.units:
        appliance = read.appliances[unit.name]
        for key in ("site", "pool", "stream", "traffic", "role", "rated_messages_per_hour", "connection_limit"):
            assert getattr(appliance, key) == getattr(unit, key)


async def test_the_default_is_private_v3_and_pinned_https(fleet: LiveFleet, tmp_path: Path) -> None:
    appliance = configured(fleet, tmp_path).appliances["mx1"]
    assert isinstance(appliance.credentials.snmp, UserAuth)
    assert appliance.credentials.snmp.priv
    assert (appliance.xml.scheme, bool(appliance.xml.tls.fingerprint_sha256)) == ("https", True)
    async with simulated(snmp="v2c", https=False) as plain:
        appliance = configured(plain, tmp_path).appliances["mx1"]
    assert isinstance(appliance.credentials.snmp, CommunityAuth)
    assert appliance.xml.scheme == "http"


async def test_the_fleet_file_names_further_pages(tmp_path: Path) -> None:
    async with simulated(pages=("status", "topin")) as fleet:
        result = await probed(configured(fleet, tmp_path), "mx1")
    assert result.complete
    assert value(result, "ironport_sender_connections", "192.0.2.1", "Incoming") > 0


async def test_a_scenario_shows_at_the_exporter(fleet: LiveFleet, tmp_path: Path) -> None:
    read = configured(fleet, tmp_path)
    before = await probed(read, "mx1")
    fleet.model.begin(parse_scenario("jabberer,unit=mx1,size=4,ramp=0s"))
    for _ in range(8):
        await fleet.step()
    after = await probed(read, "mx1")
    queue = "ironport_work_queue_messages"
    assert value(after, queue) > value(before, queue) + 1000
    assert value(await probed(read, "mx2"), queue) < 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unit-down,unit=mx1", {("snmp", "timeout"), ("xml", "refused")}),
        ("snmp-dead,unit=mx1", {("snmp", "timeout")}),
        ("xml-dead,unit=mx1", {("xml", "refused")}),
        ("auth-failure,unit=mx1", {("xml", "auth")}),
    ],
)
async def test_a_scenario_of_the_transport_has_its_reason(
    fleet: LiveFleet, tmp_path: Path, text: str, expected: set[tuple[str, str]]
) -> None:
    read = configured(fleet, tmp_path)
    fleet.model.begin(parse_scenario(text))
    await fleet.step()
    deadline = 2.0 if ("snmp", "timeout") in expected else 10.0
    assert reasons(await probed(read, "mx1", deadline)) == expected
    assert not reasons(await probed(read, "mx2"))


async def test_the_rest_interface_alone_may_be_dead(tmp_path: Path) -> None:
    async with simulated(rest=True) as fleet:
        read = configured(fleet, tmp_path)
        fleet.model.begin(parse_scenario("rest-dead,unit=mx1"))
        await fleet.step()
        assert reasons(await probed(read, "mx1")) == {("rest", "unreachable")}
        *_, history = polls(fleet.model.view, read.appliances["mx1"], (1.0, 1.0, 1.0))
        assert [error.reason for error in history.errors] == ["unreachable"]
        assert not reasons(await probed(read, "mx2"))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"snmp_dead": "yes"}, {("snmp", "timeout")}),
        ({"snmp_loss": "1"}, {("snmp", "timeout")}),
        ({"snmp_delay": "60"}, {("snmp", "timeout")}),
        ({"snmp_broken": "fanTable"}, {("snmp", "malformed")}),
        ({"xml_dead": "yes"}, {("xml", "refused")}),
        ({"xml_loss": "1"}, {("xml", "unreachable")}),
        ({"xml_delay": "60"}, {("xml", "timeout")}),
        ({"xml_answer": "login"}, {("xml", "auth")}),
        ({"xml_answer": "truncated"}, {("xml", "malformed")}),
        ({"xml_answer": "error"}, {("xml", "http_status")}),
        ({"xml_closing": "yes"}, set()),
    ],
    ids=lambda given: ",".join(f"{key}={text}" for key, text in given.items()) if isinstance(given, dict) else "",
)
async def test_a_fault_has_its_reason_until_removed(
    fleet: LiveFleet, tmp_path: Path, form: dict[str, str], expected: set[tuple[str, str]]
) -> None:
    read = configured(fleet, tmp_path)
    await fleet.set_faults("mx1", *fault_forms.parse_faults(form))
    deadline = 2.0 if "timeout" in {reason for _, reason in expected} else 10.0
    assert reasons(await probed(read, "mx1", deadline)) == expected
    await fleet.set_faults("mx1", *fault_forms.parse_faults({}))
    assert not reasons(await probed(read, "mx1"))


async def test_missed_steps_are_made_up(fleet: LiveFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten missed steps the fleet makes ten at once, and then waits for the next one to be due."""
    waits: list[float] = []
    caught_up = asyncio.Event()

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        if seconds:
            caught_up.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("exporter.lab.simulator.live.time.time", lambda: START + 10 * STEP + 3)
    monkeypatch.setattr("exporter.lab.simulator.live.asyncio.sleep", wait)
    running = asyncio.create_task(fleet.run())
    async with asyncio.timeout(30):
        await caught_up.wait()
    assert fleet.model.time == START + 10 * STEP
    assert waits == [0.0] * 10 + [STEP - 3]
    running.cancel()
    await asyncio.wait([running])


async def test_a_fleet_goes_on_from_a_warm_model(fleet: LiveFleet, tmp_path: Path) -> None:
    """A fleet made from a model that has run shows that model's past."""
    fleet.model.advance(START + 3600)
    async with LiveFleet(fleet.model) as later:
        result = await probed(configured(later, tmp_path), "out1")
    expected = str(fleet.model.view.xml_items("out1")["counters/inj_msgs/lifetime"][()])
    assert value(result, "ironport_messages_injected_total") == float(expected)
