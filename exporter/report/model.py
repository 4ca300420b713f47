"""What a monthly report holds, as data: the page, the table and the JSON file are written from it.

A figure that nobody measured is None, never 0. Each figure says for which share of its time there were samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from exporter.capacity.model import FleetCapacity


@dataclass(frozen=True, slots=True)
class Figure:
    """A value of a time."""

    value: float | None
    """None where there are no samples at all."""
    coverage: float
    """Share of the time for which there are samples, from 0 to 1. The value is that of this part of the time."""


NOT_MEASURED: Final = Figure(None, 0.0)


@dataclass(frozen=True, slots=True)
class ReportScope:
    """What a report is about; an empty tuple is everything."""

    begin: datetime
    """The first moment of the month, in the report's time zone."""
    end: datetime
    """The first moment of the next month."""
    until: datetime
    """The end of what has been measured: `end`, or now in a month that is not over."""
    jobs: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    client: str | None = None
    domains: tuple[str, ...] = ()
    """The mail domains of the client; what is below them is theirs too."""

    @property
    def is_over(self) -> bool:
        return self.until >= self.end


@dataclass(frozen=True, slots=True)
class MailVolume:
    """How much mail there was in a time, in one pool or in all.

    In all pools together, mail that passes several pools of a stream counts once: in the pool that received the most,
    and delivered mail in the one that received the least.
    Recipients that a pool has rejected or not reached count in every pool, because they reach no other.
    """

    messages: Figure
    """Messages that were received."""
    rejected: Figure
    """Recipients that were rejected."""
    rejected_share: Figure
    """Share of the recipients that were rejected, in the pools that reject any, from 0 to 1."""
    delivered: Figure = NOT_MEASURED
    """Recipients to whom mail was delivered."""
    hard_bounced: Figure = NOT_MEASURED
    """Recipients whose delivery failed for good."""


NO_MAIL_MEASURED: Final = MailVolume(NOT_MEASURED, NOT_MEASURED, NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class ReportDay:
    """A day of the month."""

    begin: datetime
    end: datetime
    messages: Figure
    late: Figure
    """Minutes in which mail waited more than a minute on any unit."""
    late_over_300_seconds: Figure = NOT_MEASURED
    late_over_900_seconds: Figure = NOT_MEASURED
    rejected: Figure = NOT_MEASURED
    """Recipients that were rejected."""


@dataclass(frozen=True, slots=True)
class BusiestHour:
    """The 60 minutes with the most messages; they begin at any five minutes."""

    begin: datetime
    messages: float


@dataclass(frozen=True, slots=True)
class MailDelays:
    """Minutes in which mail waited that long in the work queue of any unit, and the longest wait."""

    over_60_seconds: Figure
    over_300_seconds: Figure
    over_900_seconds: Figure
    worst: Figure
    """The longest wait in seconds."""
    worst_at: datetime | None = None
    worst_pool: str | None = None


@dataclass(frozen=True, slots=True)
class TroubleMinutes:
    """Minutes in which any unit was in trouble."""

    conserving: Figure
    """In resource conservation: it slowed the acceptance of mail, or refused it."""
    refusing: Figure
    """It refused all mail, or receiving was suspended."""
    backed_up: Figure
    """More than 10,000 messages were in its work queue."""


NO_TROUBLE_MEASURED: Final = TroubleMinutes(NOT_MEASURED, NOT_MEASURED, NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class PoolMonth:
    """The month of a pool."""

    name: str
    job: str
    volume: MailVolume
    availability: Figure
    """Share of the time in which at least one unit accepted mail, from 0 to 1."""
    delays: MailDelays
    stream: str = ""
    counts_in_total: bool = True
    """Whether its messages are those of its stream in the volumes of all pools."""
    month_before: MailVolume | None = None
    """None if the pool was not there."""
    year_before: MailVolume | None = None
    busiest_hour: BusiestHour | None = None
    trouble: TroubleMinutes = NO_TROUBLE_MEASURED
    days: tuple[ReportDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a unit did not accept mail, extended to full five minutes."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class UnitMonth:
    """The month of a unit."""

    name: str
    pool: str
    site: str | None
    availability: Figure
    """Share of the time in which it answered and accepted mail, from 0 to 1."""
    outages: tuple[Outage, ...]
    unknown: tuple[Outage, ...] = ()
    """Times without samples, in whole hours."""
    job: str = ""
    role: str = "production"


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """A time in which a verdict held on a pool or a unit, from the alerts that fired."""

    begin: datetime
    end: datetime | None
    """None if it had not ended when the month did."""
    verdict: str
    """The name of the verdict's most serious alert, without IronPort."""
    severity: str
    """critical or warning."""
    pool: str
    units: tuple[str, ...] = ()
    """The units that were hit, as far as they are known."""
    worst_wait: float | None = None
    """The longest wait on the pool meanwhile, in seconds."""
    job: str = ""
    notified: datetime | None = None
    """When the person on call was notified; None if nothing critical fired."""


ChangeKind = Literal[
    "unit_added", "unit_removed", "release", "role", "pool", "pool_added", "pool_removed", "pool_renamed"
]


@dataclass(frozen=True, slots=True)
class FleetChange:
    """A change of the fleet that its labels show."""

    time: datetime
    """The beginning of the hour in which it was first seen."""
    kind: ChangeKind
    """A unit came or went; its release, role or pool is another; a pool came, went or has a new name."""
    unit: str
    """Empty where a whole pool changed."""
    before: str | None = None
    """The former release, role or pool; the pool that a unit or all units left."""
    after: str | None = None
    job: str = ""


@dataclass(frozen=True, slots=True)
class DestinationMail:
    """Mail to one domain of a client."""

    domain: str
    delivered: Figure
    """Recipients to whom mail was delivered."""
    hard_bounced: Figure
    """Recipients whose delivery failed for good."""


@dataclass(frozen=True, slots=True)
class MonthReport:
    """A month of a fleet, of some of its pools or sites, or of a client."""

    scope: ReportScope
    month: MailVolume
    month_before: MailVolume
    year_before: MailVolume
    """The same month a year before."""
    days: tuple[ReportDay, ...]
    busiest_hour: BusiestHour | None
    availability: Figure
    """Share of the monitored time in which every pool had at least one unit that accepted mail, from 0 to 1."""
    delays: MailDelays
    pools: tuple[PoolMonth, ...]
    units: tuple[UnitMonth, ...]
    incidents: tuple[IncidentRow, ...]
    incidents_coverage: float
    """Share of the month in which the alert rules were evaluated, from 0 to 1."""
    capacity: FleetCapacity | None
    """At the end of the month; None if nothing is known about it."""
    changes: tuple[FleetChange, ...]
    destinations: tuple[DestinationMail, ...] | None = None
    """Of the client; None where nobody reads them."""
    whole_pool: tuple[str, ...] = ()
    """The figures that are those of whole pools although only some sites are chosen: delays, capacity."""
