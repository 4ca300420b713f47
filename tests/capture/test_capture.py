"""A capture holds what an appliance answered and nothing of its site; replayed, it gives the same series."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

import pytest

from exporter import config
from exporter.capture.capture_file import Capture, CapturedPage, read_capture
from exporter.capture.placeholders import Placeholders
from exporter.capture.recording import record_appliance
from exporter.cli import main
from exporter.errors import RequestError
from exporter.lab.replay.appliance import ReplayedAppliance
from exporter.lab.simulator.faults import NO_XML_FAULTS, SnmpFaults
from exporter.probe import Result
from exporter.sources.snmp.ber import SnmpValue, Unsigned
from exporter.sources.snmp.mib import MAIL_OBJECTS, Oid
from support.fake_fleet import write_fleet
from support.relay import UdpRelay, silent
from support.simulated import configured, probed, simulated
from support.web_interface import RawServer

SYS_NAME: Final = (1, 3, 6, 1, 2, 1, 1, 5, 0)
SYS_DESCR: Final = (1, 3, 6, 1, 2, 1, 1, 1, 0)
SYS_LOCATION: Final = (1, 3, 6, 1, 2, 1, 1, 6, 0)
OTHER: Final = (1, 3, 6, 1, 4, 1, 15497, 1, 1, 1, 25, 0)

GENERATIONS: Final = Path(__file__).with_name("generations.yml")

CHANGING: Final = re.compile(
    r"^(# \w+ )?ironport_(probe_(duration|deadline)|source_(duration|age|requests|retries)|tls_|rated_|connection_limit"
    r"|minimum_version|maintenance).*\n",
    re.MULTILINE,
)
"""Series that are not the appliance's: how the probe went, and what fleet.yml adds."""


def kept(result: Result) -> str:
    """Return the exposition without what differs from probe to probe."""
    return CHANGING.sub("", result.exposition.text().decode())


async def replayed(capture: Capture, folder: Path) -> Result:
    async with ReplayedAppliance(capture) as appliance:
        file = folder / "replayed.yml"
        file.write_text(appliance.fleet_file())
        return await probed(config.load(file), "replayed")


async def test_a_replayed_capture_gives_the_same_series(tmp_path: Path) -> None:
    """Of each generation of the status page, and of a virtual unit."""
    async with simulated(str(GENERATIONS)) as fleet:
        for name in [unit.name for unit in fleet.units]:
            loaded = configured(fleet, tmp_path)
            before = await probed(loaded, name)
            capture, faults = await record_appliance(loaded.appliances[name])
            assert not [fault for fault in faults if "/xml/status" in fault or "SNMP" in fault]
            file = tmp_path / f"{name}.capture"
            file.write_text(capture.text())
            after = await replayed(read_capture(file), tmp_path)
            assert after.complete
            assert kept(after) == kept(before)


PLANTED: Final = (
    "mx7.secret.edu",
    "secret-campus.ac.uk",
    "postmaster@secret.edu",
    "10.77.66.55",
    "fd12:3456::77",
    "848F69E85E9D-C9PJ4P1",
    "00:50:56:ab:cd:ef",
    "dGhpcyBpcyBhIHNlY3JldCBrZXkgMTIz",
)
"""Texts of every kind that identifies a site."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """Return the capture of a simulated unit."""

    async def capture() -> Capture:
        async with simulated("pair") as fleet:
            loaded = configured(fleet, tmp_path_factory.mktemp("recorded"))
            return (await record_appliance(next(iter(loaded.appliances.values()))))[0]

    return asyncio.run(capture())


def planted(capture: Capture, text: str) -> Capture:
    """Return the capture with the text in every text and every attribute."""
    snmp = {
        oid: value + b" " + text.encode() if isinstance(value, bytes) else value for oid, value in capture.snmp.items()
    }
    pages = [CapturedPage(page.path, re.sub(r'="([^"]*)"', rf'="\1 {text}"', page.body)) for page in capture.pages]
    rest = CapturedPage("/esa/api/v2.0/health/delivery_status", f'{{"data": {{"destination_domain": "{text}"}}}}')
    return Capture({**snmp, OTHER: text.encode()}, [*pages, rest])


@pytest.mark.parametrize("text", PLANTED)
def test_no_planted_name_stays_in_any_field(text: str, recorded: Capture) -> None:
    capture = planted(recorded, text)
    assert capture.text().count(text) > 100
    placeholders = Placeholders(["mx1"])
    written = placeholders.applied(capture).text()
    assert text not in written
    assert not {"secret", "postmaster"} & set(re.findall(r"[a-z]+", written))
    assert any(line.startswith(text.casefold().split("@")[0]) for line in placeholders.listed())


def test_the_names_of_the_appliance_are_replaced_wherever_they_stand() -> None:
    snmp = {SYS_NAME: b"gate7", SYS_LOCATION: b"Room 5", OTHER: b"peer of GATE7, in Room 5", SYS_DESCR: b"gate77"}
    page = CapturedPage("/xml/status", '<status hostname="gate7-b" note="gate7-b after gate7"/>')
    applied = Placeholders([]).applied(Capture(snmp, [page]))
    assert applied.snmp[SYS_NAME] == b"unit1"
    assert applied.snmp[OTHER] == b"peer of unit1, in location1"
    assert applied.snmp[SYS_DESCR] == b"gate77"
    assert applied.pages[0].body == '<status hostname="unit2" note="unit2 after unit1"/>'


def test_what_tells_the_appliance_stays() -> None:
    description = b"Cisco IronPort Model C390, AsyncOS Version: 12.5.3-035, Build Date: 2020-10-01, Serial #: ABC-1"
    texts = (b"IronPort Anti-Spam", b"PS 1", b"FAN 2", b"12:30:45", b"downloads.ironport.com", b"1.5T", b"0.0.0.0")
    snmp: dict[Oid, SnmpValue] = {SYS_DESCR: description, **{(1, n): text for n, text in enumerate(texts)}}
    applied = Placeholders([]).applied(Capture(snmp, [])).snmp
    assert applied[SYS_DESCR] == description.replace(b"ABC-1", b"000000000001-SERIAL1")
    assert tuple(applied[1, n] for n in range(len(texts))) == texts


def test_a_binary_value_is_not_written() -> None:
    assert Placeholders([]).applied(Capture({OTHER: b"\x01secret\xfe"}, [])).snmp[OTHER] == bytes(8)


def test_a_capture_is_read_as_it_was_written(tmp_path: Path) -> None:
    snmp: dict[Oid, SnmpValue] = {
        (1, 1): -3,
        (1, 2): Unsigned(7),
        (1, 3): b"PS 1 ",
        (1, 4): b"a\nb\x00",
        (1, 5): (1, 3, 6),
        (1, 6): b"",
    }
    pages = [CapturedPage("/xml/status", "<a>\n  <b/> \n\t</a>\r\n"), CapturedPage("/esa/api/v2.0/health", "{}")]
    file = tmp_path / "mx1.capture"
    file.write_text(Capture(snmp, pages).text())
    read = read_capture(file)
    assert (read.snmp, read.pages) == (snmp, pages)
    assert [type(value) for value in read.snmp.values()] == [type(value) for value in snmp.values()]


async def test_an_appliance_that_hangs_ends_the_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent never answers, and the page never ends."""

    async def never_ending(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<")
        await asyncio.Event().wait()

    monkeypatch.setattr("exporter.capture.recording.SECONDS", 0.2)
    server = RawServer(never_ending)
    async with UdpRelay(("127.0.0.1", 1), silent) as relay:
        await server.start()
        fleet = tmp_path / "fleet.yml"
        fleet.write_text(
            "auths: {ops: {snmp: {version: 2c, community: public}, xml: {username: monitor, password: hunter2}}}\n"
            f"defaults: {{auth: ops, snmp: {{port: {relay.port}}}, xml: {{port: {server.port}, scheme: http}}}}\n"
            "appliances: [{name: mx1, address: 127.0.0.1}]\n"
        )
        capture, faults = await record_appliance(config.load(fleet).appliances["mx1"])
        await server.stop()
    assert (capture.snmp, capture.pages) == ({}, [])
    assert faults[0] == "SNMP: no answer about what follows 1.3.6.1.2.1.1 in 0 s."
    assert [fault.partition(":")[0] for fault in faults[2:]] == [
        f"/xml/{page}" for page in ("status", "dnsstatus", "tophosts", "topin")
    ]


async def test_a_table_whose_bulk_walk_fails_is_recorded(tmp_path: Path) -> None:
    async with simulated("pair") as fleet:
        (name, *_) = (unit.name for unit in fleet.units)
        loaded = configured(fleet, tmp_path)
        whole, _ = await record_appliance(loaded.appliances[name])
        raid = (*MAIL_OBJECTS, 18)
        await fleet.set_faults(name, SnmpFaults(deaf_to_bulk=(raid,)), NO_XML_FAULTS)
        assert (await record_appliance(loaded.appliances[name]))[0].snmp.keys() == whole.snmp.keys()
        await fleet.set_faults(name, SnmpFaults(broken=(raid,)), NO_XML_FAULTS)
        part, faults = await record_appliance(loaded.appliances[name])
    assert part.snmp.keys() < whole.snmp.keys()
    assert any("error status 5" in fault for fault in faults)


def test_thousands_of_destinations_are_replaced() -> None:
    """Each is found by its form. To look for each of them as a word would take hours."""
    rows = "".join(f'<host name="mx{number}.secret{number}.edu" note="{"a" * 900}"/>' for number in range(5_000))
    placeholders = Placeholders([])
    applied = placeholders.applied(Capture({}, [CapturedPage("/xml/tophosts", rows)])).pages[0].body
    assert "secret" not in applied
    assert len(list(placeholders.listed())) == 5_000


def test_the_command_writes_and_lists_what_it_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recorded: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(_appliance: object) -> tuple[Capture, list[str]]:
        return recorded, ["/xml/topin: the appliance answered with HTTP 404."]

    monkeypatch.setattr("exporter.capture.command.record_appliance", answer)
    write_fleet(tmp_path / "fleet.yml")
    command = ["capture", "mx1", "--config.file", str(tmp_path / "fleet.yml")]
    assert main([*command, "--out", str(tmp_path / "mx1.capture")]) == 0
    told = capsys.readouterr()
    assert "Not recorded: /xml/topin: the appliance answered with HTTP 404." in told.err
    assert re.search(r"^ring1 -> unit\d \(\d+ places?\)$", told.err, re.MULTILINE)
    assert told.err.endswith("mx1.capture. Read it before you send it.\n")
    assert main([*command, "--show"]) == 0
    assert capsys.readouterr().out == (tmp_path / "mx1.capture").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mx1"], "Give --out FILE to write the capture, or --show to print it."),
        (["mx9", "--show"], 'No appliance is called "mx9". Did you mean'),
    ],
)
def test_a_command_that_cannot_capture_is_a_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fleet(tmp_path / "fleet.yml")
    assert main(["capture", *arguments, "--config.file", str(tmp_path / "fleet.yml")]) in (1, 2)
    assert sentence in capsys.readouterr().err


def test_an_appliance_that_answers_nothing_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = tmp_path / "fleet.yml"
    fleet.write_text(
        "auths: {ops: {snmp: {version: 2c, community: public}, xml: {username: monitor, password: hunter2}}}\n"
        "defaults: {auth: ops, snmp: {port: 1}, xml: {port: 1, scheme: http}}\n"
        "appliances: [{name: mx1, address: 127.0.0.1}]\n"
    )
    assert main(["capture", "mx1", "--show", "--config.file", str(fleet)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("mx1 answered nothing, so there is nothing to write.\n")
    assert "port 1" in told.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("capture: 2", "is a capture of format 2. This release reads format 1."),
        ("capture: 1", "is not a capture. `ironport-exporter capture` writes one."),
        ("[]", "is not a capture. `ironport-exporter capture` writes one."),
        ("capture: 1\nsnmp: {1.3: FLOAT 1}\npages: []", "is not a capture. `ironport-exporter capture` writes one."),
        ("capture: [", "is not a capture. `ironport-exporter capture` writes one."),
    ],
)
def test_another_file_is_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "mx1.capture"
    file.write_text(text)
    with pytest.raises(RequestError, match=re.escape(f"{file} {sentence}")):
        read_capture(file)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read: No such file or directory"):
        read_capture(tmp_path / "mx1.capture")
