"""What the page of a month shows, table by table and chart by chart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from exporter.capacity.model import PoolCapacity, Supply, supply, survivor_load, without_largest
from exporter.capacity.statement import listed
from exporter.incidents.names import incident_name
from exporter.palette import BASELINE, CRITICAL, DATA, WARNING
from exporter.phrases import Phrases
from exporter.report.charts import (
    Bar,
    BarPart,
    Frame,
    LimitLine,
    Span,
    Strip,
    bar_chart,
    strip_chart,
    strip_legend,
    strip_svg,
)
from exporter.report.model import (
    DestinationMail,
    Figure,
    IncidentRow,
    MailVolume,
    MonthReport,
    PoolMonth,
    ReportDay,
    UnitMonth,
)
from exporter.report.page_parts import Cells, FigureWriter, PageTable, with_note
from exporter.report.period import Period, month_before, year_before
from exporter.report.summary import a_day, incident_seconds

_WEEK: Final = timedelta(weeks=1)
_DEFINED: Final = (
    "unit",
    "pool",
    "message",
    "rejected",
    "available",
    "slowly",
    "late",
    "incident",
    "busy_hour",
    "capacity",
    "measured",
)
"""The words that the end of the page explains."""


@dataclass(frozen=True, slots=True)
class MonthView:
    """What the template asks of a report."""

    report: MonthReport
    phrases: Phrases
    write: FigureWriter

    @property
    def title(self) -> str:
        month = self.phrases.month(self.report.scope.begin)
        if self.report.scope.client is None:
            return self.phrases.text("report_title", month=month)
        return self.phrases.text("report_title_client", month=month, client=self.report.scope.client)

    @property
    def subject(self) -> str:
        """The pools and sites that the report is about."""
        scope, parts = self.report.scope, []
        if scope.pools:
            parts.append(self._named("report_of_pools", scope.pools))
        if scope.sites:
            parts.append(self._named("report_of_sites", scope.sites))
        return ", ".join(parts) or self.phrases.text("report_all_pools")

    def _named(self, key: str, names: Sequence[str]) -> str:
        return self.phrases.text(key, count=len(names), names=listed(names, self.phrases))

    def _table(
        self,
        heads: str,
        rows: Iterable[Cells] | Mapping[str, Sequence[Cells]],
        *,
        words: Sequence[str] = (),
        pictures: Sequence[str] = (),
    ) -> PageTable:
        """Return a table with the heads of these keys; columns that are neither words nor pictures are numbers."""
        first, *others = heads.split()
        return PageTable(
            heads=[self._head(key) for key in (first, *others)],
            groups=rows if isinstance(rows, Mapping) else {"": list(rows)},
            numbers=[self._head(key) for key in others if key not in (*words, *pictures)],
            pictures=[self._head(key) for key in pictures],
            nothing=self.phrases.text("report_no_data"),
        )

    def _head(self, key: str) -> str:
        return self.phrases.text(f"report_{key}")

    # --- volumes ---

    def volumes_table(self) -> PageTable:
        return self._table("month messages a_day rejected_share", self._volumes())

    def _volumes(self) -> Iterator[Cells]:
        scope = self.report.scope
        month = Period(scope.begin, scope.end, scope.until)
        yield self._volume(month, self.report.month)
        yield self._volume(month_before(month), self.report.month_before)
        yield self._volume(year_before(month), self.report.year_before)

    def _volume(self, period: Period, volume: MailVolume) -> Cells:
        daily = Figure(a_day(volume.messages, period.begin, period.until), volume.messages.coverage)
        return (
            self.phrases.month(period.begin),
            self.write.amount(volume.messages),
            self.write.amount(daily),
            self.write.share(volume.rejected_share),
        )

    def days_chart(self) -> Markup:
        bars = [Bar(day.begin, day.end, (day.messages.value,)) for day in self.report.days]
        name = self.phrases.text("report_messages")
        return bar_chart(self._frame("report_chart_days", name), [BarPart(name, DATA)], bars)

    def _frame(self, key: str, unit: str = "") -> Frame:
        scope = self.report.scope
        return Frame(self.phrases.text(key), scope.begin, scope.end, self.phrases, unit=unit)

    def pools_table(self) -> PageTable:
        heads = "pool messages delivered hard_bounced rejected rejected_share"
        return self._table(heads, map(self._pool_volume, self.report.pools))

    def _pool_volume(self, pool: PoolMonth) -> Cells:
        volume = pool.volume
        return (
            self._pool_name(pool),
            self.write.amount(volume.messages),
            self.write.amount(volume.delivered),
            self.write.amount(volume.hard_bounced),
            self.write.amount(volume.rejected),
            self.write.share(volume.rejected_share),
        )

    def _pool_name(self, pool: PoolMonth) -> str:
        return self._with_job(pool.name, pool.job)

    def _with_job(self, pool: str, job: str) -> str:
        several_jobs = len({each.job for each in self.report.pools}) > 1
        return f"{pool} ({job})" if several_jobs else pool

    # --- availability ---

    def service_table(self) -> PageTable:
        rows = [(self._pool_name(pool), self.write.availability(pool.availability)) for pool in self.report.pools]
        return self._table("pool service_availability", rows)

    def units_table(self) -> PageTable:
        pools = dict.fromkeys(unit.pool for unit in self.report.units)
        rows = {pool: [self._unit(unit) for unit in self.report.units if unit.pool == pool] for pool in pools}
        return self._table("unit site available not_available month", rows, words=["site"], pictures=["month"])

    def _unit(self, unit: UnitMonth) -> Cells:
        return (
            unit.name,
            unit.site or "",
            self.write.availability(unit.availability),
            self._time_down(unit),
            self._outage_strip(unit),
        )

    def _time_down(self, unit: UnitMonth) -> str:
        if unit.availability.value is None:
            return ""
        return self.phrases.duration(sum(each.end.timestamp() - each.begin.timestamp() for each in unit.outages))

    def _outage_strip(self, unit: UnitMonth) -> Markup:
        down, unknown = self._strip_words()
        spans = [
            *(Span(outage.begin, outage.end, *down) for outage in unit.outages),
            *(Span(gap.begin, gap.end, *unknown) for gap in unit.unknown),
        ]
        frame = Frame(unit.name, self.report.scope.begin, self.report.scope.end, self.phrases)
        return strip_svg(frame, Strip(unit.name, spans))

    def outage_legend(self) -> Markup:
        return strip_legend(self._strip_words())

    def _strip_words(self) -> tuple[tuple[str, str], ...]:
        return (
            (self.phrases.text("report_not_available"), CRITICAL),
            (self.phrases.text("report_unknown"), BASELINE),
        )

    # --- delays ---

    def delays_table(self) -> PageTable:
        return self._table("pool over_60 over_300 over_900 worst", map(self._delays, self.report.pools))

    def _delays(self, pool: PoolMonth) -> Cells:
        delays = pool.delays
        return (
            self._pool_name(pool),
            self.write.minutes(delays.over_60_seconds),
            self.write.minutes(delays.over_300_seconds),
            self.write.minutes(delays.over_900_seconds),
            with_note(
                self.write.seconds(delays.worst), self.phrases.moment(delays.worst_at) if delays.worst_at else ""
            ),
        )

    def late_chart(self) -> Markup:
        bars = [Bar(day.begin, day.end, _late_parts(day)) for day in self.report.days]
        names = (self.phrases.text(f"report_{key}") for key in ("over_900", "to_900", "to_300"))
        parts = [BarPart(name, colour) for name, colour in zip(names, (CRITICAL, WARNING, BASELINE), strict=True)]
        return bar_chart(self._frame("report_chart_late", self.phrases.text("report_minutes")), parts, bars)

    def trouble_table(self) -> PageTable:
        return self._table("pool conserving refusing backed_up", map(self._trouble, self.report.pools))

    def _trouble(self, pool: PoolMonth) -> Cells:
        trouble = pool.trouble
        minutes = map(self.write.minutes, (trouble.conserving, trouble.refusing, trouble.backed_up))
        return (self._pool_name(pool), *minutes)

    # --- incidents ---

    def incidents_table(self) -> PageTable:
        rows = map(self._incident, self.report.incidents)
        return self._table("what when duration who worst", rows, words=["when", "who"])

    def _incident(self, incident: IncidentRow) -> Cells:
        duration = self.phrases.duration(incident_seconds(incident, self.report.scope))
        ongoing = "" if incident.end else self.phrases.text("report_not_ended")
        return (
            with_note(incident_name(incident.verdict, self.phrases), self._severity(incident)),
            self.phrases.moment(incident.begin),
            with_note(duration, ongoing),
            ": ".join(filter(None, (self._with_job(incident.pool, incident.job), ", ".join(incident.units)))),
            self.write.seconds(Figure(incident.worst_wait, 1.0)),
        )

    def _severity(self, incident: IncidentRow) -> str:
        return self.phrases.text("report_critical" if incident.severity == "critical" else "report_warning")

    def incidents_chart(self) -> Markup:
        spans: dict[str, list[Span]] = {}
        for incident in self.report.incidents:
            spans.setdefault(self._with_job(incident.pool, incident.job), []).append(self._span(incident))
        strips = [Strip(name, those) for name, those in spans.items()]
        return strip_chart(self._frame("report_chart_incidents"), strips)

    def _span(self, incident: IncidentRow) -> Span:
        colour = CRITICAL if incident.severity == "critical" else WARNING
        end = incident.end or self.report.scope.until
        name = incident_name(incident.verdict, self.phrases)
        return Span(incident.begin, end, self._severity(incident), colour, name)

    # --- capacity ---

    def capacity_table(self) -> PageTable:
        return self._table("pool demand supply left used", map(self._capacity, self._carrying()))

    def _carrying(self) -> list[PoolCapacity]:
        fleet = self.report.capacity
        return [pool for pool in fleet.with_jobs().pools if pool.carries_mail] if fleet else []

    def _capacity(self, pool: PoolCapacity) -> Cells:
        used = survivor_load(pool)
        return (
            pool.name,
            self._number(pool.demand),
            self._supply(supply(pool.units)),
            self._supply(without_largest(pool)),
            self.phrases.text("report_not_known") if used is None else self.phrases.percent(used, 0),
        )

    def _number(self, value: float | None) -> str:
        return self.phrases.text("report_not_known") if value is None else self.phrases.number(value)

    def _supply(self, carried: Supply) -> str:
        number = self._number(carried.messages_per_hour)
        return self.phrases.text("report_at_least", number=number) if carried.at_least else number

    def demand_charts(self) -> Iterator[Markup]:
        """Yield the weeks of each pool that has any, with what its units carry without the largest."""
        for pool in self._carrying():
            if pool.weekly:
                yield self._demand_chart(pool)

    def _demand_chart(self, pool: PoolCapacity) -> Markup:
        bars = list(self._weeks(pool))
        left = without_largest(pool).messages_per_hour
        limits = [] if left is None else [LimitLine(self.phrases.text("report_left"), CRITICAL, left)]
        title = self.phrases.text("report_chart_demand", pool=pool.name)
        unit = self.phrases.text("report_messages")
        frame = Frame(title, bars[0].begin, bars[-1].end, self.phrases, unit=unit)
        return bar_chart(frame, [BarPart(self.phrases.text("report_weeks_demand"), DATA)], bars, limits)

    def _weeks(self, pool: PoolCapacity) -> Iterator[Bar]:
        """Yield a bar for each week from the first to the last; one without data is missing."""
        demand = {week.begin: week.messages_per_hour for week in pool.weekly}
        for number in range((max(demand) - min(demand)) // _WEEK + 1):
            begin = min(demand) + number * _WEEK
            yield Bar(self._midnight(begin), self._midnight(begin + _WEEK), (demand.get(begin),))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.report.scope.begin.tzinfo)

    # --- destinations ---

    def destinations_table(self) -> PageTable:
        return self._table("domain delivered hard_bounced", map(self._destination, self.report.destinations or ()))

    def _destination(self, mail: DestinationMail) -> Cells:
        return mail.domain, self.write.amount(mail.delivered), self.write.amount(mail.hard_bounced)

    # --- changes and definitions ---

    def changes(self) -> Iterator[tuple[datetime, str]]:
        for change in self.report.changes:
            before, after = self._role(change.before), self._role(change.after)
            yield change.time, self.phrases.text(f"change_{change.kind}", unit=change.unit, before=before, after=after)

    def _role(self, word: str | None) -> str | None:
        """Return a role in the language of the report, and any other word as it is."""
        key = f"role_{word}"
        return self.phrases.text(key) if key in self.phrases else word

    def definitions(self) -> Iterator[tuple[str, str]]:
        for word in _DEFINED:
            yield self.phrases.text(f"define_{word}"), self.phrases.text(f"define_{word}_text")


def _late_parts(day: ReportDay) -> tuple[float | None, ...]:
    """Return the minutes in which mail waited more than 15 minutes, 5 to 15 minutes, and 1 to 5 minutes."""
    over = [figure.value for figure in (day.late_over_900_seconds, day.late_over_300_seconds, day.late)]
    return tuple(None if more is None or less is None else more - less for less, more in pairwise((0.0, *over)))
