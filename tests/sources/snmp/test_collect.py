"""The SNMP source reads every object of the MIB. If an agent lacks or refuses some, the others are read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace

import pytest

from exporter.config import SnmpSettings
from exporter.errors import AuthError, MalformedError, SourceTimeout
from exporter.metrics.catalog import FAMILIES
from exporter.metrics.reading import Reading
from exporter.sources.snmp import collect, walk
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.snmp.mib import SCALARS, TABLES, Syntax
from exporter.telemetry import Telemetry
from support.appliances import community, snmp_appliance, usm
from support.mail_agent import mail_values, oid
from support.relay import Datagram, UdpRelay, delayed, forward, lossy, silent
from support.snmpd import UNAUTHORIZED, V3GET, Snmpd

GETBULK = 0xA5
RAID = bytes((15497 >> 7 | 0x80, 15497 & 0x7F, 1, 1, 1, 18))
"""The octets of an object identifier below raidTable."""


async def poll(source: SnmpSource) -> Reading:
    reading = Reading("snmp")
    await source.poll(reading)
    return reading


async def cancelled_after(running: Coroutine[None, None, None], event: Awaitable[None]) -> None:
    """Run a poll until the event, then cancel it as its deadline would."""
    task = asyncio.create_task(running)
    await event
    task.cancel()
    await asyncio.wait({task})


def source_of(agent: Snmpd | UdpRelay, telemetry: Telemetry | None = None) -> SnmpSource:
    return SnmpSource(snmp_appliance(agent.port), telemetry or Telemetry())


def no_bulk_of_raid(datagram: Datagram) -> list[Datagram]:
    """Act as an appliance that does not answer GETBULK of its RAID table."""
    lost = datagram.to == "agent" and GETBULK in datagram.data[:30] and RAID in datagram.data
    return [] if lost else [datagram]


def no_bulk_of_several(datagram: Datagram) -> list[Datagram]:
    """Act as an appliance that does not answer GETBULK of several tables."""
    tables = set(re.findall(re.escape(RAID[:-1]) + b"(.)", datagram.data, re.DOTALL))
    lost = datagram.to == "agent" and GETBULK in datagram.data[:30] and len(tables) > 1
    return [] if lost else [datagram]


def test_the_mib_has_every_item_of_the_catalogue() -> None:
    known = {each.name for each in SCALARS} | {column.name for table in TABLES for column in table.columns}
    fed = {item for family in FAMILIES for feed in family.feeds if feed.source == "snmp" for item in feed.items}
    assert fed == known


@pytest.mark.parametrize("auth", [community(), usm(V3GET)], ids=["v2c", "v3"])
async def test_every_object_is_read(snmpd: Snmpd, auth: object) -> None:
    reading = await poll(SnmpSource(snmp_appliance(snmpd.port, auth), Telemetry()))  # type: ignore[arg-type]
    assert reading.complete
    for scalar in SCALARS:
        assert reading.items[scalar.name] == {(): snmpd.values[scalar.oid][1]}
    for table in TABLES:
        names = {key: content[1] for key, content in snmpd.values.items() if key[:-1] == table.label.oid}
        for column in table.columns:
            expected = {(name,): snmpd.values[(*column.oid, key[-1])][1] for key, name in names.items()}
            assert reading.items[column.name] == expected


async def test_later_polls_take_three_requests(snmpd: Snmpd) -> None:
    source = source_of(snmpd)
    polls = [await poll(source) for _ in range(3)]
    assert [reading.requests - reading.retries for reading in polls] == [7, 3, 3]
    assert all(reading.complete and reading.items == polls[0].items for reading in polls)


async def test_a_table_that_grows_is_read_whole(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = start_snmpd()
    source = source_of(agent)
    await poll(source)
    agent.restart(values=mail_values({(name, row): 1 for name in ("fanRPMs", "fanName") for row in range(4, 20)}))
    reading = await poll(source)
    assert reading.complete
    assert len(reading.items["fanRPMs"]) == 19


async def test_few_repetitions_keep_requests_apart(snmpd: Snmpd) -> None:
    source = SnmpSource(snmp_appliance(snmpd.port, snmp=SnmpSettings(port=snmpd.port, max_repetitions=2)), Telemetry())
    first, second = await poll(source), await poll(source)
    assert second.requests - second.retries == first.requests - first.retries


async def test_tables_are_asked_for_alone_if_together_fails(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port)) as relay:
        source = source_of(relay)
        first = await poll(source)
        relay.policy = no_bulk_of_several
        polls = [await poll(source) for _ in range(2)]
        assert [reading.items for reading in polls] == [first.items] * 2
        assert all(reading.complete for reading in polls)
        assert polls[1].requests - polls[1].retries == 7


async def test_a_poll_that_ends_too_soon_separates_the_tables(snmpd: Snmpd) -> None:
    """Otherwise no poll would ever have the time to find that the agent answers no request for several tables."""
    async with UdpRelay(("127.0.0.1", snmpd.port)) as relay:
        source = source_of(relay)
        await poll(source)
        relay.policy = no_bulk_of_several
        await cancelled_after(source.poll(Reading("snmp")), relay.until_seen("agent", 7 + 1 + 2))
        reading = await poll(source)
    assert reading.complete
    assert reading.requests - reading.retries == 7


async def test_missing_tables_are_no_error(start_snmpd: Callable[..., Snmpd]) -> None:
    tables = tuple(table.label.oid[:-1] for table in TABLES)
    values = {key: value for key, value in mail_values().items() if key[: len(tables[0])] not in tables}
    reading = await poll(source_of(start_snmpd(values=values)))
    assert reading.complete
    assert not {column.name for table in TABLES for column in table.columns} & reading.items.keys()


async def test_rows_without_a_unique_name_get_their_index(
    start_snmpd: Callable[..., Snmpd],
) -> None:
    changes: dict[tuple[str, int | None], int | str | bytes] = {
        ("fanName", 2): "FAN 1",
        ("fanName", 3): "",
        ("raidID", 1): b"caf\xe9\x07",
    }
    reading = await poll(source_of(start_snmpd(values=mail_values(changes))))
    assert reading.items["fanRPMs"].keys() == {("FAN 1 (1)",), ("FAN 1 (2)",), ("3",)}
    assert ("café",) in reading.items["raidStatus"]


async def test_the_padding_of_texts_is_dropped(start_snmpd: Callable[..., Snmpd]) -> None:
    padded: dict[tuple[str, int | None], int | str | bytes] = {
        ("fanName", 1): b"FAN 1\x00\x00",
        ("raidID", 1): b"Drive 0\xff\xff",
        ("sysDescr", None): b"Cisco Model C390, AsyncOS Version: 12.5.3\x00",
    }
    reading = await poll(source_of(start_snmpd(values=mail_values(padded))))
    assert ("FAN 1",) in reading.items["fanRPMs"]
    assert ("Drive 0",) in reading.items["raidStatus"]
    assert reading.items["sysDescr"] == {(): "Cisco Model C390, AsyncOS Version: 12.5.3"}


async def test_an_object_of_an_older_revision_is_left_out(start_snmpd: Callable[..., Snmpd]) -> None:
    """In the MIB of 2008 the OID of fipsMode belongs to the Gauge32 cpuUtilization."""
    values = {**mail_values(), oid("fipsMode"): (Syntax.GAUGE, 1)}
    reading = await poll(source_of(start_snmpd(values=values)))
    assert reading.complete
    assert "fipsMode" not in reading.items


async def test_values_of_another_type_are_unreadable(start_snmpd: Callable[..., Snmpd]) -> None:
    odd: dict[tuple[int, ...], tuple[Syntax, int | str | bytes]] = {
        oid("workQueueMessages"): (Syntax.STRING, "many"),
        oid("sysDescr"): (Syntax.INTEGER, 7),
        oid("fanRPMs", 2): (Syntax.STRING, "fast"),
        oid("fanName", 3): (Syntax.INTEGER, 9),
    }
    telemetry = Telemetry()
    reading = await poll(source_of(start_snmpd(values=mail_values() | odd), telemetry))
    assert reading.complete
    assert reading.unreadable == {
        ("workQueueMessages", ()): "many",
        ("sysDescr", ()): "7",
        ("fanRPMs", ("FAN 2",)): "fast",
        ("fanName", ("3",)): "9",
    }
    assert "workQueueMessages" not in reading.items
    assert reading.items["fanRPMs"].keys() == {("FAN 1",), ("3",)}
    assert not next(iter(telemetry.unknown_values.collect())).samples  # probes count them


async def test_an_agent_of_another_kind_is_an_error(start_snmpd: Callable[..., Snmpd]) -> None:
    values = {key: value for key, value in mail_values().items() if key[0:6] == (1, 3, 6, 1, 2, 1)}
    reading = await poll(source_of(start_snmpd(values=values)))
    assert not reading.up
    assert [type(error) for error in reading.errors] == [MalformedError]
    assert "1.3.6.1.4.1.15497" in str(reading.errors[0])


async def test_a_user_without_access_is_an_auth_error(snmpd: Snmpd) -> None:
    reading = await poll(SnmpSource(snmp_appliance(snmpd.port, usm(UNAUTHORIZED)), Telemetry()))
    assert [type(error) for error in reading.errors] == [AuthError]


async def test_a_table_without_getbulk_is_read_by_getnext(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port), no_bulk_of_raid) as relay:
        source = source_of(relay)
        readings = [await poll(source) for _ in range(4)]
    assert all(reading.complete for reading in readings)
    assert all(reading.items == readings[0].items for reading in readings)
    assert [any("GETBULK failed" in note for note in reading.notes) for reading in readings] == [True] * 3 + [False]


async def test_a_table_that_getbulk_has_read_keeps_it(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port)) as relay:
        source, reading = source_of(relay), Reading("snmp")
        await poll(source)
        relay.policy = no_bulk_of_raid  # at first it is asked for with others, then alone, more than five times
        await cancelled_after(source.poll(reading), relay.until_seen("agent", 7 + 11 + 2 + 6))
        relay.policy = forward
        again = await poll(source)
    assert "raidStatus" not in reading.items
    assert not [note for note in (*reading.notes, *again.notes) if "GETNEXT" in note]
    assert again.complete


async def test_an_answer_about_another_object_costs_only_that_one(snmpd: Snmpd) -> None:
    queue, other = b"\x01\x01\x01\x0b\x00", b"\x01\x01\x01\x0c\x00"

    def swap(datagram: Datagram) -> list[Datagram]:
        return [replace(datagram, data=datagram.data.replace(queue, other))] if datagram.to == "client" else [datagram]

    async with UdpRelay(("127.0.0.1", snmpd.port), swap) as relay:
        reading = await poll(source_of(relay))
    assert reading.up
    assert {scalar.name for scalar in SCALARS} - reading.items.keys() == {"workQueueMessages"}
    assert [str(error) for error in reading.errors] == [
        "The SNMP agent gave no value for workQueueMessages (1.3.6.1.4.1.15497.1.1.1.11.0) but another object: it is "
        "too busy, or something answers there that is not AsyncOS; check the address and snmp.port."
    ]


async def test_loss_does_not_lead_to_getnext(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port), lossy(requests=0.4)) as relay:
        source = source_of(relay)
        for _ in range(20):
            await poll(source)
        relay.policy = forward
        reading = await poll(source)
        assert reading.requests - reading.retries == 3


async def test_an_overlong_text_is_cut(
    start_snmpd: Callable[..., Snmpd],
) -> None:
    text = "Model " * 5000
    reading = await poll(
        source_of(start_snmpd(values=mail_values({("raidID", 1): "x" * 400, ("fanName", 1): text[:300]})))
    )
    assert reading.complete
    assert max(len(name) for (name,) in reading.items["raidStatus"]) == 128


async def test_a_table_that_fails_leaves_everything_else_standing(snmpd: Snmpd) -> None:
    def lose_raid(datagram: Datagram) -> list[Datagram]:
        return [] if datagram.to == "agent" and RAID in datagram.data else [datagram]

    async with UdpRelay(("127.0.0.1", snmpd.port), lose_raid) as relay:
        source, reading = source_of(relay), Reading("snmp")
        await cancelled_after(source.poll(reading), relay.until_seen("agent", 13))
    assert reading.up
    assert {"fanRPMs", "updates", "keyIsPerpetual", "degreesCelsius", "powerSupplyStatus"} <= reading.items.keys()
    assert "raidStatus" not in reading.items
    assert "only in part" in str(source.timed_out(reading))


@pytest.mark.parametrize(
    ("host", "words"), [("mx1.example.edu", "check the DNS"), ("127.0.0.1", "No request was sent")]
)
def test_only_a_name_can_wait_for_the_dns(host: str, words: str) -> None:
    source = SnmpSource(snmp_appliance(161, host=host), Telemetry())
    assert words in str(source.timed_out(Reading("snmp")))


@pytest.mark.parametrize(
    ("auth", "words"),
    [(community(), "a wrong one gets no answer"), (usm(V3GET), "SNMP is enabled")],
    ids=["v2c", "v3"],
)
async def test_a_silent_agent_gives_a_timeout_with_a_hint(snmpd: Snmpd, auth: object, words: str) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port), silent) as relay:
        source, reading = SnmpSource(snmp_appliance(relay.port, auth), Telemetry()), Reading("snmp")  # type: ignore[arg-type]
        await cancelled_after(source.poll(reading), relay.until_seen("agent", 3))
    error = source.timed_out(reading)
    assert isinstance(error, SourceTimeout)
    assert words in str(error)


async def test_the_timeout_names_a_wrong_privacy_passphrase(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port)) as relay:
        auth = usm(V3GET, priv="not the passphrase")
        source, reading = SnmpSource(snmp_appliance(relay.port, auth), Telemetry()), Reading("snmp")
        await cancelled_after(source.poll(reading), relay.until_seen("agent", 4))
    assert "under priv" in str(source.timed_out(reading))


async def test_a_slow_agent_is_read(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port), delayed("client", 0.3)) as relay:
        assert (await poll(source_of(relay))).complete


async def test_the_first_rows_of_a_long_table_are_exported(snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (collect, walk):
        monkeypatch.setattr(module, "MAX_ROWS", 3)
    reading = await poll(source_of(snmpd))
    assert reading.up
    assert [(error.reason, str(error)) for error in reading.errors] == [
        ("too_large", "keyExpirationTable: The table has more than 3 rows: only the first 3 are exported.")
    ]
    rows = reading.items["keySecondsUntilExpire"]
    assert list(rows) == [("Incoming Mail Handling",), ("IronPort Anti-Spam",), ("Sophos",)]
    assert len(reading.items["fanRPMs"]) == 3
