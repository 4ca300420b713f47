"""Verdicts: what is wrong with a pool or a unit in a few words, from the alerts that fire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from dashboards.source.palette import BASELINE, CRITICAL, GOOD, UNREACHABLE, UNWATCHED, WARNING, NamedValue
from dashboards.source.signals import IN_TOTAL, PER_POOL, PER_UNIT, Signal


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of the table of verdicts."""

    word: str
    colour: str
    level: Literal["job", "pool", "unit"]
    """What the alerts are about: all units of a job, a whole pool or one unit."""
    alerts: tuple[str, ...]
    """The verdict applies while one of these fires."""
    sign: str = ""
    """How to tell it from other verdicts: triage lists it, with a link to the runbook of the first alert."""

    def firing(self, series: str) -> str:
        """Return the PromQL of its firing alerts; `series` is `<<alerts>>`, `<<pools>>` or `<<units>>`."""
        instance = 'instance!=""' if self.level == "unit" else 'instance=""'
        return f'ALERTS{{alertstate="firing",alertname=~"{"|".join(self.alerts)}",{instance},{series}}}'


VERDICTS: Final = (
    Verdict("Not monitored", UNWATCHED, "job", ("IronPortExporterDown",)),
    Verdict("Not monitored", UNWATCHED, "pool", ("IronPortPoolNotScraped",)),
    Verdict("Unreachable", UNREACHABLE, "pool", ("IronPortPoolUnreachable",)),
    Verdict("Not accepting mail", CRITICAL, "pool", ("IronPortPoolNotAcceptingMail",)),
    Verdict(
        "Distributed attack",
        CRITICAL,
        "pool",
        ("IronPortDistributedAttackSuspected",),
        sign="several units are backlogged, and the pool receives far more mail than usual",
    ),
    Verdict(
        "Overloaded",
        CRITICAL,
        "pool",
        ("IronPortPoolOverloaded", "IronPortCapacityInsufficient"),
        sign="several units are backlogged at full speed, and the amount of mail is usual",
    ),
    Verdict(
        "Slow",
        CRITICAL,
        "pool",
        ("IronPortPoolSlow",),
        sign="several units handle less mail than they are rated for, and the amount of mail is usual",
    ),
    Verdict("Backlogged, cause unknown", CRITICAL, "pool", ("IronPortPoolBackloggedCauseUnknown",)),
    Verdict("Mail waits", CRITICAL, "pool", ("IronPortWorkQueueHigh", "IronPortWorkQueueDelayHigh")),
    Verdict("No mail arrives", CRITICAL, "pool", ("IronPortNoMailArriving",)),
    Verdict(
        "Jabberer",
        WARNING,
        "unit",
        ("IronPortJabbererSuspected",),
        sign="one unit is backlogged and receives far more mail than its peers",
    ),
    Verdict("Unit overloaded", WARNING, "unit", ("IronPortUnitOverloaded",)),
    Verdict(
        "Unit slow",
        WARNING,
        "unit",
        ("IronPortUnitSlow",),
        sign="one unit handles less mail than it is rated for, and receives as much as its peers",
    ),
    Verdict("Queue stalled", WARNING, "unit", ("IronPortWorkQueueStalled",)),
    Verdict("Unit backlogged, cause unknown", WARNING, "unit", ("IronPortUnitBackloggedCauseUnknown",)),
    Verdict("Outbound abuse", WARNING, "unit", ("IronPortOutboundAbuseSuspected",)),
    Verdict(
        "Connections exhausted",
        WARNING,
        "unit",
        ("IronPortConnectionSlotsExhausted",),
        sign="slow sessions use nearly all connections, and little mail arrives",
    ),
    Verdict(
        "Directory harvest",
        WARNING,
        "pool",
        ("IronPortDirectoryHarvestSuspected",),
        sign="the pool rejects many recipients, and the queues are short",
    ),
    Verdict(
        "Bounce storm",
        WARNING,
        "pool",
        ("IronPortBounceStorm",),
        sign="the units generate many bounces",
    ),
    Verdict("Connection flood", WARNING, "pool", ("IronPortConnectionFlood",)),
    Verdict("Unit not monitored", UNWATCHED, "unit", ("IronPortUnitNotScraped",)),
    Verdict("Unit unreachable", UNREACHABLE, "unit", ("IronPortUnitUnreachable",)),
    Verdict("Unit not online", WARNING, "unit", ("IronPortUnitNotOnline",)),
    Verdict("Delivery backlog", WARNING, "pool", ("IronPortDeliveryBacklog",)),
    Verdict(
        "Delivery late",
        WARNING,
        "unit",
        ("IronPortDeliveryStarved", "IronPortDeliveryStalled", "IronPortOldestMessageStuck"),
    ),
    Verdict(
        "Mail waits on one unit",
        WARNING,
        "unit",
        ("IronPortWorkQueueHigh", "IronPortWorkQueueDelayHigh", "IronPortWorkQueueFillingUp"),
    ),
    Verdict("Resource conservation", WARNING, "unit", ("IronPortResourceConservation",)),
    Verdict("No unit to spare", BASELINE, "pool", ("IronPortCapacityNotNPlusOne",)),
)
"""The most serious first: if several apply, the first is shown."""

_CODED: Final = [(len(VERDICTS) - index, verdict) for index, verdict in enumerate(VERDICTS)]
"""Each verdict with its value in Prometheus: the more serious, the larger."""

WORDS: Final = (*(NamedValue(code, each.word, each.colour) for code, each in _CODED), NamedValue(0, "Normal", GOOD))

_TROUBLED_UNITS: Final = (
    "max by (job, pool, instance) ("
    "instance:ironport_work_queue_backlogged:bool{<<units>>} == 1"
    " or instance:ironport_work_queue_slow:bool{<<units>>} == 1)"
)


def _of_pools() -> Iterator[str]:
    for code, verdict in _CODED:
        if verdict.level == "job":
            yield _of_all_in_the_job(code, verdict, "job, pool")
        else:
            yield f"{code} * max by (job, pool) ({verdict.firing('<<pools>>')})"
    yield "0 * max by (job, pool) (last_over_time(ironport_probe_success{<<units>>}[15m]))"


def _of_units() -> Iterator[str]:
    """Apply a verdict on a whole pool to those of its units that are backlogged or slow."""
    for code, verdict in _CODED:
        if verdict.level == "job":
            yield _of_all_in_the_job(code, verdict, "job, pool, instance")
        elif verdict.level == "unit":
            yield f"{code} * max by (job, pool, instance) ({verdict.firing('<<units>>')})"
        else:
            yield f"{code} * ({_TROUBLED_UNITS} and on (job, pool) {verdict.firing('<<pools>>')})"
    yield "0 * max by (job, pool, instance) (last_over_time(ironport_probe_success{<<units>>}[15m]))"


def _of_all_in_the_job(code: int, verdict: Verdict, labels: str) -> str:
    """Apply a verdict on a job to all pools or units that it had in the last 6 hours, when it was still scraped."""
    known = f"max by ({labels}) (last_over_time(ironport_probe_success{{<<units>>}}[6h]))"
    return f"0 * {known} + {code} and on (job) {verdict.firing('<<alerts>>')}"


def _named_units() -> str:
    """Return the PromQL of the unit that the verdict on its pool is about, if it is about one."""
    units = "\nor\n".join(
        f"{code} * max by (job, pool, instance) ({verdict.firing('<<units>>')})"
        for code, verdict in _CODED
        if verdict.level == "unit"
    )
    pools = "\nor\n".join(_of_pools())
    return f"topk by (job, pool) (1, ({units}) == on (job, pool) group_left () ({pools}))"


def _of_the_fleet() -> str:
    """Count an alert about a job by itself: if it was not scraped for 6 hours, none of its pools is known."""
    jobs = (f"{code} * {verdict.firing('<<alerts>>')}" for code, verdict in _CODED if verdict.level == "job")
    every = "\nor\n".join((*_of_pools(), *jobs))
    return f"max (\n{every}\n)"


OF_POOL: Final = Signal(
    "Verdict",
    "none",
    PER_POOL,
    "Verdict on each pool, from the firing alerts. If several apply, the most serious one is shown.",
    "\nor\n".join(_of_pools()),
    words=WORDS,
)

MOST_SERIOUS: Final = Signal(
    "Most serious verdict",
    "none",
    IN_TOTAL,
    "The most serious verdict on any pool, from the firing alerts.",
    _of_the_fleet(),
    words=WORDS,
)

OF_UNIT: Final = Signal(
    "Looks like",
    "none",
    PER_UNIT,
    "Verdict on each unit, from the firing alerts. A verdict on its pool applies to units that are backlogged or slow.",
    "\nor\n".join(_of_units()),
    words=WORDS,
)

NAMED_UNIT: Final = Signal(
    "On",
    "none",
    PER_POOL,
    "The unit that the verdict on its pool is about; empty if it is about the whole pool.",
    _named_units(),
)
