"""Made-up months, for the pages that are written from them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from exporter.capacity.growth import Growth
from exporter.capacity.model import FleetCapacity, PoolCapacity, UnitCapacity, WeeklyDemand
from exporter.report.model import (
    NOT_MEASURED,
    BusiestHour,
    DestinationMail,
    Figure,
    FleetChange,
    IncidentRow,
    MailDelays,
    MailVolume,
    MonthReport,
    Outage,
    PoolMonth,
    ReportDay,
    ReportScope,
    TroubleMinutes,
    UnitMonth,
)
from support.zones import BERLIN

OCTOBER: Final = datetime(2026, 10, 1, tzinfo=BERLIN)
NOVEMBER: Final = datetime(2026, 11, 1, tzinfo=BERLIN)
UNITS: Final = {
    "inbound": {"mx1": "east", "mx2": "east", "mx3": "east", "mx4": "west", "mx5": "west", "mx6": "west"},
    "outbound": {"out1": "east", "out2": "west"},
}


def moment(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=BERLIN)


def whole(value: float) -> Figure:
    return Figure(value, 1.0)


def volume(messages: float, rejected: float, coverage: float = 1.0) -> MailVolume:
    share = rejected / (messages + rejected)
    amounts = (messages, rejected, share, 0.97 * messages, 0.012 * messages)
    return MailVolume(*(Figure(amount, coverage) for amount in amounts))


NO_VOLUME: Final = MailVolume(NOT_MEASURED, NOT_MEASURED, NOT_MEASURED)
NO_DELAYS: Final = MailDelays(NOT_MEASURED, NOT_MEASURED, NOT_MEASURED, NOT_MEASURED)


def days() -> tuple[ReportDay, ...]:
    """Return the days of October; on the 9th and 10th there was no monitoring."""
    begins = [datetime(2026, 10, day, tzinfo=BERLIN) for day in range(1, 32)]
    return tuple(
        ReportDay(
            begin, end, *((NOT_MEASURED,) * 4 if begin.day in (9, 10) else (whole(messages(begin)), *late(begin)))
        )
        for begin, end in zip(begins, [*begins[1:], NOVEMBER], strict=True)
    )


def messages(day: datetime) -> float:
    return round((420_000 if day.weekday() > 4 else 1_150_000) * (1 + 0.08 * math.sin(day.day)))


def late(day: datetime) -> tuple[Figure, ...]:
    """Return the minutes of a day in which mail waited more than 1, 5 and 15 minutes."""
    over = {6: (128.0, 88.0, 21.0), 20: (34.0, 0.0, 0.0)}.get(day.day, (0.0, 0.0, 0.0))
    return tuple(map(whole, over))


def trouble(conserving: float) -> TroubleMinutes:
    return TroubleMinutes(*(Figure(minutes, 29 / 31) for minutes in (conserving, 0.0, 0.0)))


def capacity() -> FleetCapacity:
    return FleetCapacity(date(2026, 11, 1), tuple(pool_capacity(name) for name in UNITS), weeks=13)


def pool_capacity(name: str) -> PoolCapacity:
    rated = 25_000 if name == "inbound" else 30_000
    weeks = tuple(
        WeeklyDemand(
            date(2026, 8, 3) + timedelta(weeks=week), 92_000 * 1.006**week / (1 if name == "inbound" else 4), 1.0
        )
        for week in range(13)
    )
    return PoolCapacity(
        name,
        "mail",
        "inbound" if name == "inbound" else "outbound",
        tuple(UnitCapacity(unit, rated, "rated", site) for unit, site in UNITS[name].items()),
        demand=weeks[-1].messages_per_hour,
        site_demand={},
        weekly=weeks,
        growth=Growth(0.004, 0.006, 0.008, weeks[-1].messages_per_hour, 13),
    )


def unit_month(name: str, pool: str, site: str) -> UnitMonth:
    outages = {
        "mx3": (Outage(moment(20, 9, 40), moment(20, 17, 5)),),
        "out2": (Outage(moment(2, 3), moment(2, 3, 20)),),
    }
    down = sum((each.end - each.begin).total_seconds() for each in outages.get(name, ()))
    unknown = (Outage(moment(9), moment(11)),)
    seconds = NOVEMBER.timestamp() - OCTOBER.timestamp() - 2 * 86_400
    return UnitMonth(name, pool, site, Figure(1 - down / seconds, 29 / 31), outages.get(name, ()), unknown)


def full_month() -> MonthReport:
    """Return October 2026 of a fleet of two pools, with an attack, a dead unit and two days without monitoring."""
    total = sum(day.messages.value or 0 for day in days())
    coverage = 29 / 31
    delays = MailDelays(
        Figure(162.0, coverage),
        Figure(88.0, coverage),
        Figure(21.0, coverage),
        Figure(1505.0, coverage),
        moment(6, 10, 35),
        "inbound",
    )
    quiet = MailDelays(*(Figure(0.0, coverage),) * 3, Figure(38.0, coverage), moment(14, 11, 5))
    return MonthReport(
        scope=ReportScope(OCTOBER, NOVEMBER, NOVEMBER),
        month=volume(total, 0.62 * total, coverage),
        month_before=volume(27_310_442, 15_900_000),
        year_before=NO_VOLUME,
        days=days(),
        busiest_hour=BusiestHour(moment(6, 10), 214_480),
        availability=Figure(0.99981, coverage),
        delays=delays,
        pools=(
            PoolMonth(
                "inbound",
                "ironport",
                volume(0.81 * total, 0.62 * total, coverage),
                Figure(0.99981, coverage),
                delays,
                trouble=trouble(25.0),
            ),
            PoolMonth(
                "outbound",
                "ironport",
                volume(0.19 * total, 0, coverage),
                Figure(1.0, coverage),
                quiet,
                trouble=trouble(0.0),
            ),
        ),
        units=tuple(unit_month(name, pool, site) for pool, units in UNITS.items() for name, site in units.items()),
        incidents=(
            IncidentRow(
                moment(6, 9, 50),
                moment(6, 12, 4),
                "DistributedAttackSuspected",
                "critical",
                "inbound",
                ("mx1", "mx2", "mx4", "mx5"),
                1505.0,
            ),
            IncidentRow(moment(20, 9, 45), moment(20, 17, 5), "UnitUnreachable", "warning", "inbound", ("mx3",), 130.0),
            IncidentRow(moment(31, 22, 10), None, "DeliveryBacklog", "warning", "outbound"),
        ),
        incidents_coverage=coverage,
        capacity=capacity(),
        changes=(
            FleetChange(moment(13, 14), "release", "mx1", "15.0.1-030", "15.5.0-048"),
            FleetChange(moment(22, 8), "unit_added", "mx6", None, "inbound"),
        ),
    )


def empty_month() -> MonthReport:
    """Return October 2026 of a server that has no samples of it."""
    return MonthReport(
        scope=ReportScope(OCTOBER, NOVEMBER, NOVEMBER),
        month=NO_VOLUME,
        month_before=NO_VOLUME,
        year_before=NO_VOLUME,
        days=tuple(ReportDay(day.begin, day.end, NOT_MEASURED, NOT_MEASURED) for day in days()),
        busiest_hour=None,
        availability=NOT_MEASURED,
        delays=NO_DELAYS,
        pools=(),
        units=(),
        incidents=(),
        incidents_coverage=0.0,
        capacity=None,
        changes=(),
    )


def client_month() -> MonthReport:
    """Return October 2026 of a client with one pool, whose destinations are read."""
    month = full_month()
    return replace(
        month,
        scope=replace(month.scope, pools=("inbound",), sites=("east", "west"), client="Chemistry & Physics"),
        pools=month.pools[:1],
        destinations=(
            DestinationMail("chem.example.edu", whole(182_344), whole(1_201)),
            DestinationMail("a-very-long-name-of-a-department.physics.example.edu", Figure(92_001, 0.8), NOT_MEASURED),
        ),
    )


def month_of_long_names() -> MonthReport:
    """Return October 2026 of a fleet whose pools and units have names of 60 letters."""
    month, pool, unit = full_month(), "pool-" * 12, "unit_" * 12
    assert month.capacity is not None
    capacities = tuple(replace(each, name=pool) for each in month.capacity.pools)
    return replace(
        month,
        scope=replace(month.scope, pools=(pool,)),
        pools=tuple(replace(each, name=pool) for each in month.pools),
        units=tuple(replace(each, name=unit, pool=pool) for each in month.units),
        incidents=tuple(replace(each, pool=pool, units=(unit, unit)) for each in month.incidents),
        capacity=replace(month.capacity, pools=capacities),
        changes=tuple(replace(each, unit=unit, before=pool, after=pool) for each in month.changes),
    )
