"""What is wrong with a pool or a unit, in words, from the alerts that fire: one table for queries and for colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from dashboards.source.palette import BASELINE, CRITICAL, GOOD, UNREACHABLE, UNWATCHED, WARNING, State
from dashboards.source.signals import Signal


@dataclass(frozen=True, slots=True)
class Verdict(State):
    """Words for the alerts on a job, a pool or a unit, that are named here without their prefix."""

    level: Literal["job", "pool", "unit"]
    alerts: tuple[str, ...]

    def firing(self, place: str) -> str:
        """Return the PromQL of those of its alerts that fire in the place, `<alerts>`, `<pools>` or `<units>`."""
        names = "|".join(f"IronPort{alert}" for alert in self.alerts)
        instance = 'instance!=""' if self.level == "unit" else 'instance=""'
        return f'ALERTS{{alertstate="firing",alertname=~"{names}",{instance},{place}}}'


VERDICTS: Final = (
    Verdict(96, "Not watched", UNWATCHED, "job", ("ExporterDown",)),
    Verdict(94, "Not watched", UNWATCHED, "pool", ("PoolNotScraped",)),
    Verdict(92, "Unreachable", UNREACHABLE, "pool", ("PoolUnreachable",)),
    Verdict(90, "Not accepting mail", CRITICAL, "pool", ("PoolNotAcceptingMail",)),
    Verdict(88, "Distributed attack", CRITICAL, "pool", ("DistributedAttackSuspected",)),
    Verdict(86, "Overloaded", CRITICAL, "pool", ("PoolOverloaded", "CapacityInsufficient")),
    Verdict(84, "Slow", CRITICAL, "pool", ("PoolSlow",)),
    Verdict(82, "Backlogged, cause unknown", CRITICAL, "pool", ("PoolBackloggedCauseUnknown",)),
    Verdict(80, "Mail waits everywhere", CRITICAL, "pool", ("WorkQueueHigh", "WorkQueueDelayHigh")),
    Verdict(78, "No mail arrives", CRITICAL, "pool", ("NoMailArriving",)),
    Verdict(66, "Jabberer", WARNING, "unit", ("JabbererSuspected",)),
    Verdict(64, "Unit overloaded", WARNING, "unit", ("UnitOverloaded",)),
    Verdict(62, "Unit slow", WARNING, "unit", ("UnitSlow",)),
    Verdict(60, "Queue paused or stuck", WARNING, "unit", ("WorkQueueStalled",)),
    Verdict(58, "Unit backlogged, cause unknown", WARNING, "unit", ("UnitBackloggedCauseUnknown",)),
    Verdict(56, "Outbound abuse", WARNING, "unit", ("OutboundAbuseSuspected",)),
    Verdict(54, "Slow connections", WARNING, "unit", ("ConnectionSlotsExhausted",)),
    Verdict(52, "Address harvest", WARNING, "pool", ("DirectoryHarvestSuspected",)),
    Verdict(50, "Bounce storm", WARNING, "pool", ("BounceStorm",)),
    Verdict(48, "Connection flood", WARNING, "pool", ("ConnectionFlood",)),
    Verdict(40, "Unit not watched", UNWATCHED, "unit", ("UnitNotScraped",)),
    Verdict(38, "Unit unreachable", UNREACHABLE, "unit", ("UnitUnreachable",)),
    Verdict(36, "Unit not online", WARNING, "unit", ("UnitNotOnline",)),
    Verdict(35, "Delivery backlog", WARNING, "pool", ("DeliveryBacklog",)),
    Verdict(34, "Delivery held up", WARNING, "unit", ("DeliveryStarved", "DeliveryStalled", "OldestMessageStuck")),
    Verdict(32, "Mail waits", WARNING, "unit", ("WorkQueueHigh", "WorkQueueDelayHigh", "WorkQueueFillingUp")),
    Verdict(30, "Resource conservation", WARNING, "unit", ("ResourceConservation",)),
    Verdict(10, "No unit to spare", BASELINE, "pool", ("CapacityNotNPlusOne",)),
)
"""From the gravest: what stands is the first of these that applies."""

STATES: Final = (*VERDICTS, State(0, "Normal", GOOD))

_IN_TROUBLE: Final = (
    "max by (job, pool, instance) ("
    "instance:ironport_work_queue_backlogged:bool{<units>} == 1"
    " or instance:ironport_work_queue_slow:bool{<units>} == 1)"
)


def _on_pools() -> Iterator[str]:
    for verdict in VERDICTS:
        if verdict.level == "job":
            yield _of_all(verdict, "job, pool")
        else:
            yield f"{verdict.code} * max by (job, pool) ({verdict.firing('<pools>')})"
    yield "0 * max by (job, pool) (last_over_time(ironport_probe_success{<units>}[15m]))"


def _on_units() -> Iterator[str]:
    for verdict in VERDICTS:
        if verdict.level == "job":
            yield _of_all(verdict, "job, pool, instance")
        elif verdict.level == "unit":
            yield f"{verdict.code} * max by (job, pool, instance) ({verdict.firing('<units>')})"
        else:
            yield f"{verdict.code} * ({_IN_TROUBLE} and on (job, pool) {verdict.firing('<pools>')})"
    yield "0 * max by (job, pool, instance) (last_over_time(ironport_probe_success{<units>}[15m]))"


def _of_all(verdict: Verdict, labels: str) -> str:
    """Return the PromQL of a verdict on a job for all its pools or units, by what they were before it was blind."""
    known = f"max by ({labels}) (last_over_time(ironport_probe_success{{<units>}}[6h]))"
    return f"0 * {known} + {verdict.code} and on (job) {verdict.firing('<alerts>')}"


def _named() -> str:
    """Return what names the unit that the verdict on its pool is about: none where it is about the whole pool."""
    own = (verdict for verdict in VERDICTS if verdict.level == "unit")
    units = "\nor\n".join(
        f"{verdict.code} * max by (job, pool, instance) ({verdict.firing('<units>')})" for verdict in own
    )
    pools = "\nor\n".join(_on_pools())
    return f"topk by (job, pool) (1, ({units}) == on (job, pool) group_left () ({pools}))"


def _gravest() -> str:
    """Return what applies to any pool; a job that has been blind for long has none that anybody knows of."""
    jobs = (f"{verdict.code} * {verdict.firing('<alerts>')}" for verdict in VERDICTS if verdict.level == "job")
    every = "\nor\n".join((*_on_pools(), *jobs))
    return f"max (\n{every}\n)"


OF_POOL: Final = Signal(
    "Verdict",
    "none",
    "What the firing alerts say of each pool: the gravest word that applies.",
    "\nor\n".join(_on_pools()),
    states=STATES,
)

GRAVEST: Final = Signal(
    "Gravest verdict",
    "none",
    "The gravest word that applies to any pool, from the firing alerts.",
    _gravest(),
    states=STATES,
)

OF_UNIT: Final = Signal(
    "Looks like",
    "none",
    "What the firing alerts say of each unit; a verdict on its pool counts for units that are backlogged or slow.",
    "\nor\n".join(_on_units()),
    states=STATES,
)

NAMED_UNIT: Final = Signal(
    "On",
    "none",
    "The unit that the verdict on its pool is about; none where it is about the whole pool.",
    _named(),
)
