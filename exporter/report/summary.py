"""The month in five sentences."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from exporter.capacity.statement import Statement, listed
from exporter.capacity.verdicts import verdicts
from exporter.incidents.names import incident_name
from exporter.phrases import Phrases
from exporter.report.model import Figure, IncidentRow, MonthReport, ReportScope
from exporter.report.period import Period, month_before, year_before

WHOLE: Final = 0.995
"""From this coverage on, a figure is not said to cover only a part of its time."""
_COMPARABLE: Final = 0.9
"""Share of a month that has to be covered before it is compared with another, and told without this share."""
_AS_MANY: Final = 0.0005
"""A smaller change, as a share, is none."""

_MOST_SERIOUS: Final = (
    "capacity_no_unit",
    "capacity_overloaded",
    "capacity_not_without_unit",
    "capacity_no_redundancy",
    "capacity_unit_over",
    "capacity_survivor_over",
    "capacity_sites_short",
    "capacity_uncertain",
    "capacity_unknown",
    "capacity_no_demand",
    "capacity_survives_about",
    "capacity_survives_until",
    "capacity_survives_open",
    "capacity_survives_perhaps",
    "capacity_survives",
    "capacity_survives_long",
)
"""What is said about the capacity, the worst first; of those that are equal, the pool that is too small first."""

_EVERY_POOL: Final = {
    "capacity_survives": "sum_every_pool_survives",
    "capacity_survives_long": "sum_every_pool_survives_long",
}
"""What is said of all pools if this is the worst that is said of one."""


def five_sentences(report: MonthReport, phrases: Phrases) -> tuple[str, ...]:
    """Return the sentences; one that rests on much less than the whole month says so."""
    month, incidents = report.month, report.incidents_coverage if report.incidents_coverage else 1.0
    said = (
        (_volume(report, phrases), month.messages),
        (_rejected(report, phrases), month.rejected_share),
        (_service(report, phrases), report.availability),
        (_incidents(report, phrases), Figure(0, incidents)),
    )
    return (*(_with_coverage(sentence, figure, phrases) for sentence, figure in said), _capacity(report, phrases))


def _with_coverage(sentence: str, figure: Figure, phrases: Phrases) -> str:
    if figure.value is None or figure.coverage >= _COMPARABLE:
        return sentence
    return f"{sentence} {phrases.text('sum_part', share=phrases.percent(figure.coverage))}"


def notes(report: MonthReport, phrases: Phrases) -> list[str]:
    """Return what a reader has to know before the sentences: that the month is not over, or that data are missing."""
    scope, missing = report.scope, 1 - report.month.messages.coverage
    said = [] if scope.is_over else [phrases.text("report_not_over", time=phrases.moment(scope.until))]
    if missing == 1:
        said.append(phrases.text("report_nothing"))
    elif missing > 1 - WHOLE:
        said.append(phrases.text("report_gaps", share=phrases.percent(missing)))
    return said


def _volume(report: MonthReport, phrases: Phrases) -> str:
    month = phrases.month(report.scope.begin)
    amount = report.month.messages.value
    if amount is None:
        return phrases.text("sum_no_volume", month=month)
    comparisons = tuple(filter(None, (_comparison(report, then, figure, phrases) for then, figure in _earlier(report))))
    if not comparisons:
        return phrases.text("sum_volume", month=month, count=round(amount))
    return phrases.text("sum_volume_than", month=month, count=round(amount), comparison=listed(comparisons, phrases))


def _earlier(report: MonthReport) -> tuple[tuple[Period, Figure], ...]:
    """Return the month before and the month a year before, with their messages."""
    period = Period(report.scope.begin, report.scope.end, report.scope.until)
    return (
        (month_before(period), report.month_before.messages),
        (year_before(period), report.year_before.messages),
    )


def _comparison(report: MonthReport, then: Period, earlier: Figure, phrases: Phrases) -> str | None:
    scope = report.scope
    now = a_day(report.month.messages, scope.begin, scope.until)
    before = a_day(earlier, then.begin, then.end)
    if now is None or not before:
        return None
    change = now / before - 1
    key = "sum_as_many" if abs(change) < _AS_MANY else "sum_more" if change > 0 else "sum_fewer"
    return phrases.text(key, share=phrases.percent(abs(change)), month=phrases.month(then.begin))


def a_day(amount: Figure, begin: datetime, end: datetime) -> float | None:
    """Return the mean amount of a day, so that months of 30 and 31 days, and with gaps, can be compared.

    None if too little of the time is covered for that.
    """
    if amount.value is None or amount.coverage < _COMPARABLE:
        return None
    days = (end - begin) / timedelta(days=1)  # of one time zone: a day counts as one when the clocks change, too
    return amount.value / (days * amount.coverage)


def _rejected(report: MonthReport, phrases: Phrases) -> str:
    share = report.month.rejected_share.value
    if share is None:
        return phrases.text("sum_rejected_unknown")
    return phrases.text("sum_rejected", share=phrases.percent(share)) if share else phrases.text("sum_rejected_none")


def _service(report: MonthReport, phrases: Phrases) -> str:
    accepted, late, worst = report.availability.value, report.delays.over_60_seconds.value, report.delays.worst.value
    if accepted is None:
        return phrases.text("sum_service_unknown")
    share = written_availability(accepted, phrases)
    if late is None or worst is None:
        return phrases.text("sum_delay_unknown", share=share)
    if late == 0:
        return phrases.text("sum_on_time", share=share)
    return phrases.text("sum_late", share=share, late=phrases.duration(60 * late), worst=phrases.duration(worst))


def written_availability(share: float, phrases: Phrases) -> str:
    """Return an availability in percent; 100 % is written only where not a minute was missing."""
    return phrases.percent(share, 0) if share >= 1 else phrases.percent(min(share, 0.9999), 2)


def _incidents(report: MonthReport, phrases: Phrases) -> str:
    if not report.incidents:
        return phrases.text("sum_no_incident" if report.incidents_coverage else "sum_no_rules")
    longest = max(report.incidents, key=lambda incident: incident_seconds(incident, report.scope))
    return phrases.text(
        "sum_incidents",
        count=len(report.incidents),
        longest=f"{incident_name(longest.verdict, phrases)} ({longest.pool})",
        duration=phrases.duration(incident_seconds(longest, report.scope)),
    )


def incident_seconds(incident: IncidentRow, scope: ReportScope) -> float:
    """Return how long an incident lasted, or how long until the end of the report if it had not ended."""
    return (incident.end or scope.until).timestamp() - incident.begin.timestamp()


def _capacity(report: MonthReport, phrases: Phrases) -> str:
    said = verdicts(report.capacity) if report.capacity else []
    known = [statement for statement in said if statement.key in _MOST_SERIOUS]
    if not known:
        return phrases.text("sum_no_capacity")
    worst = min(known, key=_seriousness)
    if worst.key in _EVERY_POOL and len(known) > 1:
        return phrases.text(_EVERY_POOL[worst.key])
    return worst.text(phrases)


def _seriousness(statement: Statement) -> tuple[int, date]:
    soonest = statement.values.get("soonest", date.max)
    return _MOST_SERIOUS.index(statement.key), soonest if isinstance(soonest, date) else date.max
