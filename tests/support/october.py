"""October 2026 of several fleets in Berlin, each with trouble of its own: a job for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from exporter.prometheus.durations import MINUTE
from support import recorded
from support.recorded import ALWAYS, DAILY, NOTHING, RecordedPool, RecordedSeries, RecordedUnit, Spell, constant
from support.zones import BERLIN


def moment(day: int, hour: int = 0, minute: int = 0, month: int = 10) -> int:
    return int(datetime(2026, month, day, hour, minute, tzinfo=BERLIN).timestamp())


BEGIN, END = moment(1), moment(1, month=11)
REFUSED = Spell(moment(13, 5), moment(13, 5, 30))
"""When no unit of the edge accepts mail."""
MX1_DOWN = Spell(moment(12, 10), moment(12, 10, 40))
LATE = Spell(moment(12, 10), moment(12, 11))
VERY_LATE = Spell(moment(12, 10, 30), moment(12, 10, 40))
GAP = Spell(moment(5), moment(12))
JABBERER = {
    "alertname": "IronPortJabbererSuspected",
    "severity": "warning",
    "job": "ironport",
    "stream": "inbound",
    "pool": "edge",
    "instance": "mx1",
    "site": "east",
}
FIRST_HALF = Spell(0, moment(16, 12))
SECOND_HALF = Spell(moment(16, 12), END)
UPGRADED = Spell(moment(8, 3), END)
PROMOTED = Spell(moment(21, 9), END)


def _delay(time: int) -> float:
    return 1000.0 if time in VERY_LATE else 100.0 if time in LATE else 2.5


def _chain() -> Iterator[RecordedSeries]:
    """Yield an edge and its core, which mail passes one after the other, outbound mail, and September for the edge."""
    rate = DAILY
    edge = RecordedPool("edge", stream="inbound", messages=rate, accepting=REFUSED.then(0.0, ALWAYS), delay=_delay)
    core = RecordedPool("core", stream="inbound", messages=lambda time: 0.8 * (rate(time) or 0), rejected_share=0.0)
    outbound = RecordedPool("outbound", messages=constant(2.0), rejected_share=0.0)
    for pool in (edge, core, outbound):
        yield from pool.series()
    refusing = REFUSED.only(ALWAYS)
    half = {"east": lambda time: 0.6 * (rate(time) or 0), "west": lambda time: 0.4 * (rate(time) or 0)}
    mx1 = RecordedUnit("mx1", "edge", stream="inbound", site="east", refusing=refusing, messages=half["east"])
    yield from replace(mx1, up=MX1_DOWN.then(0.0, ALWAYS)).series()
    yield from replace(mx1, name="mx2", site="west", messages=half["west"]).series()
    yield from RecordedUnit("core1", "core", stream="inbound", site="east", messages=NOTHING).series()
    yield from _alerts()
    yield from RecordedUnit("out1", "outbound", site="west", messages=constant(2.0)).series()


def _alerts() -> Iterator[RecordedSeries]:
    """Yield a jabberer, whose alert fires for a quarter of an hour longer, and the alert that always fires."""
    for labels, course in (({"alertname": "IronPortWatchdog", "job": ""}, ALWAYS), (JABBERER, LATE.only(ALWAYS))):
        yield RecordedSeries("ALERTS", {"alertstate": "firing", **labels}, MINUTE, course)


def _with_samples(spell: Spell | None, job: str, *, gap: Spell | None = None) -> Iterator[RecordedSeries]:
    """Yield a pool with one unit that has samples only in the spell, and none in the gap."""
    there = spell.only(ALWAYS) if spell else ALWAYS
    there = gap.never(there) if gap else there
    yield from RecordedPool("inbound", job, messages=constant(10.0), there=there).series()
    unit = RecordedUnit("mx1", "inbound", job, up=there)
    yield from replace(unit, version=there).series()


def _renamed(job: str, stream: str) -> Iterator[RecordedSeries]:
    """Yield a pool with two names; without a stream, its stream has them too."""
    for name, spell in (("old", FIRST_HALF), ("new", SECOND_HALF)):
        there = spell.only(ALWAYS)
        yield from RecordedPool(name, job, stream, messages=constant(10.0), there=there).series()
        for unit in ("mx1", "mx2"):
            yield from RecordedUnit(unit, name, job, stream, up=there, version=there).series()


def _units() -> Iterator[RecordedSeries]:
    """Yield units that come and go, a new release, and a spare that becomes a production unit."""
    yield from RecordedPool("inbound", "units").service()
    mx1 = RecordedUnit("mx1", "inbound", "units", version=UPGRADED.never(ALWAYS))
    yield from mx1.series()
    yield replace(mx1, release="16.0.0-054", version=UPGRADED.only(ALWAYS)).versions()
    for name, there in (("mx2", FIRST_HALF.only(ALWAYS)), ("mx3", SECOND_HALF.only(ALWAYS))):
        yield from RecordedUnit(name, "inbound", "units", up=there, version=there).series()
    for role, there in (("spare", PROMOTED.never(ALWAYS)), ("production", PROMOTED.only(ALWAYS))):
        yield from RecordedUnit("mx4", "inbound", "units", role=role, up=there, version=there).series()


def _without_xml() -> Iterator[RecordedSeries]:
    yield from RecordedPool("inbound", "snmp").service()
    yield from RecordedUnit("mx1", "inbound", "snmp").series()


def write_october(folder: Path) -> None:
    fleets = (
        *_chain(),
        *_with_samples(None, "gap", gap=GAP),
        *_with_samples(SECOND_HALF, "half"),
        *_renamed("renamed", ""),
        *_renamed("renamed-in-stream", "mail"),
        *_units(),
        *_without_xml(),
    )
    recorded.write(fleets, BEGIN, END, folder)
    edge = RecordedPool("edge", stream="inbound", messages=constant(9.0))
    old = RecordedPool("old", "renamed", messages=constant(5.0))
    recorded.write((*edge.mail(), *old.mail()), moment(1, month=9), BEGIN, folder)
