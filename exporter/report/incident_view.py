"""What the card of an incident shows, as text and tables that HTML and Markdown share, and its charts."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from exporter.capacity.statement import listed
from exporter.explain.explanation import Finding, VerdictFinding
from exporter.explain.text import answer, finding_text
from exporter.incidents.firings import AlertHistory, Firing
from exporter.incidents.incidents import Incident, alert_rules
from exporter.incidents.names import incident_name
from exporter.palette import BASELINE, CRITICAL, DATA, GOOD, OTHER, WARNING
from exporter.phrases import Phrases
from exporter.prometheus.durations import DAY, MINUTE
from exporter.prometheus.rule_files import Rule
from exporter.prometheus.selection import Selection
from exporter.report.axes import Measure, written
from exporter.report.charts import Curve, Frame, LimitLine, Span, Strip, line_chart, strip_chart
from exporter.report.incident_figures import (
    ARRIVALS_SIGNAL,
    CARD_SIGNALS,
    DELIVERY_SIGNAL,
    EXIT_SIGNAL,
    PEERS_SIGNAL,
    QUEUE_SIGNAL,
    REJECTED_SIGNAL,
    WAIT_SIGNAL,
    CardSignal,
    Course,
    IncidentFigures,
)
from exporter.report.page_parts import Cells, PageTable

_MOST_UNITS: Final = 5
"""Curves of units in one chart: the units whose values were largest."""

_MOST_ROWS: Final = 16
"""Rows of the table of signals over time."""

_COLOURS: Final = (DATA, WARNING, GOOD, OTHER, CRITICAL)
_LABEL: Final = re.compile(r"\{\{\s*\$labels\.(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class PastedQuery:
    """A query to look further, and what it shows."""

    shows: str
    expression: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """What the templates ask of an incident."""

    incident: Incident
    history: AlertHistory
    figures: IncidentFigures
    explained: VerdictFinding | None
    """The conditions of the verdict when it began to fire; None if the server does not show them."""
    now: int
    zone: ZoneInfo
    phrases: Phrases

    # --- the headline ---

    @property
    def title(self) -> str:
        return f"{self.words(self.incident.verdict)} on {self.place}"

    @property
    def place(self) -> str:
        """The unit of the verdict and its pool, or all pools of the incident."""
        unit = self.incident.verdict.labels.get("instance")
        if unit:
            return f"{unit} (pool {self.incident.pools[0]})"
        return f"pool{'s' if len(self.incident.pools) > 1 else ''} {listed(self.incident.pools, self.phrases)}"

    @property
    def subject(self) -> str:
        end = self.incident.ended
        when = self.phrases.moment(self.moment(self.incident.began))
        if end is not None:
            when = self.phrases.period(self.moment(self.incident.began), self.moment(end))
        return f"{when}{'' if end else ', goes on'} · time zone {self.zone} · job {self.incident.job}"

    @property
    def summary(self) -> str:
        """One or two sentences: how long, and how bad."""
        lasted = self.phrases.duration(self.incident.lasts_until(self.now) - self.incident.began)
        parts = [f"It {'lasted' if self.incident.ended else 'has lasted'} {lasted}."]
        if self.figures.worst_wait is not None:
            parts.append(f"Mail waited up to {self.phrases.duration(self.figures.worst_wait)}.")
        if units := self.backlogged:
            names = listed(units[:6], self.phrases) if len(units) <= 6 else f"{len(units)} units"
            parts.append(f"More than {self._limit(WAIT_SIGNAL)} were expected on {names}.")
        return " ".join(parts)

    @property
    def backlogged(self) -> tuple[str, ...]:
        """The units on which mail waited longer than the limit in the incident, the longest wait first."""
        waits = {unit: self._peak(points) for unit, points in self._course(WAIT_SIGNAL).items()}
        limit = WAIT_SIGNAL.limits()[0].value
        return tuple(sorted((unit for unit in waits if waits[unit] > limit), key=lambda unit: -waits[unit]))

    def words(self, firing: Firing) -> str:
        return incident_name(firing.alert, self.phrases)

    def moment(self, time: float) -> datetime:
        return datetime.fromtimestamp(time, self.zone)

    def _limit(self, signal: CardSignal) -> str:
        return self._written(signal, signal.limits()[0].value)

    def _written(self, signal: CardSignal, value: float) -> str:
        if signal.measure is Measure.NUMBER:
            return self.phrases.number(value, signal.decimals if value < 100 else 0)
        return written(value, signal.measure, self.phrases)

    # --- the timeline ---

    def timeline(self) -> PageTable:
        return _table(("Event", "When", "After it began"), list(self._timeline()))

    def _timeline(self) -> Iterator[Cells]:
        incident = self.incident
        first = incident.firings[0]
        if (late := self.late_since) is not None and late < incident.began:
            yield f"Mail began to wait more than {self._limit(WAIT_SIGNAL)}", self.phrases.moment(self.moment(late)), ""
        yield self._step("Began: the condition of the first alert was met", incident.began)
        yield self._step(f"Seen: {first.alert} fired", incident.seen)
        if incident.notified is None:
            yield "Nobody was called: no critical alert fired", "", ""
        else:
            yield self._step("The person on call was notified", incident.notified)
        for begin, end in self.history.blackouts(incident.began, incident.lasts_until(self.now)):
            yield self._step(f"No rules were evaluated for {self.phrases.duration(end - begin)}", begin)
        for begin, end in self.unscraped:
            yield self._step(f"No unit was scraped for {self.phrases.duration(end - begin)}", begin)
        if incident.ended is not None:
            yield self._step("Ended: no condition was met any more", incident.ended)

    @property
    def unscraped(self) -> list[tuple[int, int]]:
        """The times without samples that began in the incident; while they last, nobody knows how it goes on."""
        incident = self.incident
        times = self.history.unscraped(incident.job, incident.began, self.now)
        return [(begin, end) for begin, end in times if begin < incident.lasts_until(self.now)]

    @property
    def late_since(self) -> int | None:
        """When the expected wait passed the limit on a unit, to stay there until the first alert fired."""
        limit = WAIT_SIGNAL.limits()[0].value
        over = {time for points in self._course(WAIT_SIGNAL).values() for time, wait in points if wait > limit}
        since = None
        for time in reversed(range(self.figures.instants[0], self.incident.seen + 1, self.figures.instants.step)):
            if time not in over:
                break
            since = time
        return since

    def _step(self, what: str, time: int) -> Cells:
        return what, self.phrases.moment(self.moment(time)), self.phrases.duration(time - self.incident.began)

    # --- alerts and units ---

    def alerts_table(self) -> PageTable:
        """Return the alerts that make the incident, then those that may explain it; those of one name are a row."""
        groups = {"": self._alerts(self.incident.firings)}
        if self.incident.others:
            groups["Also fired, and may explain it"] = self._alerts(self.incident.others)
        return PageTable(("Alert", "Severity", "Where", "First fired at", "Until"), groups, (), (), "")

    def _alerts(self, firings: Iterable[Firing]) -> list[Cells]:
        same: dict[tuple[str, str], list[Firing]] = defaultdict(list)
        for firing in firings:
            same[firing.alert, firing.severity].append(firing)
        return [(*key, self._where(group), *self._fired(group)) for key, group in same.items()]

    def _where(self, group: Sequence[Firing]) -> str:
        return listed(tuple(dict.fromkeys(map(_place, group))), self.phrases)

    def _fired(self, group: Sequence[Firing]) -> tuple[str, str]:
        begin, ends = min(each.begin for each in group), [each.end for each in group]
        last = None if None in ends else max(end for end in ends if end is not None)
        until = "still fires" if last is None else self.phrases.moment(self.moment(last))
        return self.phrases.moment(self.moment(begin)), until

    def units_table(self) -> PageTable:
        """Return the signals of each unit when the first alert fired: what the verdict was decided by."""
        heads = (
            "Unit",
            "Expected wait",
            "Exit rate of rating",
            "Times its peers",
            "Work queue",
            "Longest expected wait",
        )
        rows = [self._unit(unit) for unit in self._units()]
        return PageTable(heads, {"": rows}, heads[1:], (), "No figures of units: this needs the status page (XML).")

    def _units(self) -> Sequence[str]:
        """Return the units with figures: those that alerts name, then those on which mail waited longest."""
        waits = {unit: self._peak(points) for unit, points in self._course(WAIT_SIGNAL).items()}
        rest = sorted(waits, key=lambda unit: -waits[unit])
        return list(dict.fromkeys((*self.incident.units, *rest)))[:12]

    def _unit(self, unit: str) -> Cells:
        at = [
            self._value_at(signal, unit, self.incident.seen)
            for signal in (WAIT_SIGNAL, EXIT_SIGNAL, PEERS_SIGNAL, QUEUE_SIGNAL)
        ]
        peak = self._peak(self._course(WAIT_SIGNAL).get(unit, ()))
        return unit, *at, self._written(WAIT_SIGNAL, peak) if peak >= 0 else "-"

    def _value_at(self, signal: CardSignal, name: str, time: int) -> str:
        points = self._course(signal).get(name, ())
        near = [value for moment, value in points if moment <= time < moment + 5 * MINUTE and math.isfinite(value)]
        return self._written(signal, near[-1]) if near else "-"

    def decided_by(self) -> str:
        """Return the limits that the figures of units are compared with."""
        wait, slow, heavy = map(self._limit, (WAIT_SIGNAL, EXIT_SIGNAL, PEERS_SIGNAL))
        return (
            "The expected wait is the work queue divided by the exit rate: how long new mail will wait if nothing "
            f"changes. A unit is backlogged from a wait of {wait}. A backlogged unit whose exit rate is below {slow} "
            "of its rating is slow; one above it gets too much mail. A backlogged unit that gets more than "
            f"{heavy} times the mail of its peers has a heavy sender."
        )

    def conditions_table(self) -> PageTable:
        """Return the conditions of the verdict, as the command `explain` prints them."""
        conditions = self.explained.conditions if self.explained else ()
        nothing = "The server does not have the figures that the verdict was decided by."
        return PageTable(("Condition", "Outcome", "Needed"), {"": list(_conditions(conditions))}, (), (), nothing)

    def conditions_of(self) -> str:
        """Say which alert the conditions are about, and when."""
        verdict = self.incident.verdict
        when = self.phrases.moment(self.moment(verdict.begin))
        return f"The conditions of {verdict.alert} on {_place(verdict)} at {when}."

    # --- how the mail was affected ---

    def felt_table(self) -> PageTable:
        return _table(("Figure", "Value"), list(self._felt()))

    def _felt(self) -> Iterator[Cells]:
        figures = self.figures
        worst = figures.worst_wait
        yield "Longest wait", "no data" if worst is None else self.phrases.duration(worst)
        for seconds, minutes in figures.late.items():
            over = self.phrases.duration(seconds)
            yield f"Time in which mail waited more than {over}", self._minutes(minutes)
        yield "Time in which a unit slowed the acceptance of mail", self._minutes(figures.conserving)
        yield "Time in which a unit accepted no mail", self._minutes(figures.refusing)
        waiting = [self._peak(points) for points in self._course(DELIVERY_SIGNAL).values()]
        if waiting:
            yield "Most recipients that waited for delivery", self.phrases.number(max(waiting))

    def _minutes(self, minutes: float | None) -> str:
        return "no data" if minutes is None else self.phrases.duration(MINUTE * minutes)

    def senders_table(self) -> PageTable:
        rows = [(sender, self.phrases.number(count)) for sender, count in self.figures.senders]
        nothing = "Senders are not known: the exporter does not read the opt-in page of senders (topin)."
        return PageTable(("Sender", "Most connections"), {"": rows}, ("Most connections",), (), nothing)

    # --- signals over time ---

    def charts(self) -> Markup:
        strips = [self._strip(alert) for alert in dict.fromkeys(each.alert for each in self.incident.firings)]
        alerts = strip_chart(self._frame("When alerts fired"), strips)
        return Markup("").join((alerts, *(self._chart(each) for each in CARD_SIGNALS if self._course(each))))

    def _frame(self, title: str, unit: str = "", measure: Measure = Measure.NUMBER) -> Frame:
        first, last = self.moment(self.figures.instants[0]), self.moment(self.figures.instants[-1])
        return Frame(title, first, last, self.phrases, unit, measure)

    def _strip(self, alert: str) -> Strip:
        words = {"critical": ("critical", CRITICAL), "warning": ("warning", WARNING)}
        return Strip(
            alert.removeprefix("IronPort"),
            [
                Span(
                    self.moment(max(each.begin, self.figures.instants[0])),
                    self.moment(min(each.lasts_until(self.now), self.figures.instants[-1])),
                    *words[each.severity],
                )
                for each in self.incident.firings
                if each.alert == alert
            ],
        )

    def _chart(self, signal: CardSignal) -> Markup:
        courses = self._course(signal)
        drawn = self._drawn(signal, courses)
        curves = [
            Curve(name, _COLOURS[index % len(_COLOURS)], courses[name], self.figures.instants.step)
            for index, name in enumerate(drawn)
        ]
        usual = self.figures.signals.get(signal.usual, {}) if signal.usual else {}
        curves += [
            Curve(f"{name}, usual", BASELINE, usual[name], self.figures.instants.step)
            for name in drawn
            if name in usual
        ]
        limits = [LimitLine(limit.name, CRITICAL, limit.value) for limit in signal.limits()]
        title = signal.title
        if len(drawn) < len(courses):
            title = f"{title}: the {len(drawn)} units with the highest values, of {len(courses)}"
        return line_chart(self._frame(title, signal.unit, signal.measure), curves, limits)

    def _drawn(self, signal: CardSignal, courses: Course) -> list[str]:
        if not signal.of_units:
            return sorted(courses)
        ranked = sorted(courses, key=lambda unit: (unit not in self.incident.units, -self._peak(courses[unit])))
        return ranked[:_MOST_UNITS]

    def signals_table(self) -> PageTable:
        """Return the signals of the pool at a few moments, for a text without charts."""
        heads = ("Time", "Expected wait", "On", "Arrivals/s", "Usual/s", "Rejected/s", "Units backlogged")
        rows = [self._at(time) for time in self._moments()]
        return PageTable(heads, {"": rows}, tuple(head for head in heads[1:] if head != "On"), (), "no data")

    def _moments(self) -> Sequence[int]:
        instants = self.figures.instants
        return instants[:: -(-len(instants) // _MOST_ROWS)]

    def _at(self, time: int) -> Cells:
        waits = {
            unit: value
            for unit, points in self._course(WAIT_SIGNAL).items()
            if (value := dict(points).get(time)) is not None
        }
        worst = max(waits, key=lambda unit: waits[unit], default=None)
        limit = WAIT_SIGNAL.limits()[0].value
        return (
            self._time_of_row(time),
            "-" if worst is None else self._written(WAIT_SIGNAL, waits[worst]),
            worst or "-",
            *(
                self._sum_at(series, time)
                for series in (ARRIVALS_SIGNAL.series, ARRIVALS_SIGNAL.usual, REJECTED_SIGNAL.series)
            ),
            str(sum(wait > limit for wait in waits.values())) if waits else "-",
        )

    def _time_of_row(self, time: int) -> str:
        """Return the time of day, after the date if the table is longer than a day."""
        instants, moment = self.figures.instants, self.moment(time)
        return (self.phrases.moment if instants[-1] - instants[0] > DAY else self.phrases.clock)(moment)

    def _sum_at(self, series: str, time: int) -> str:
        values = [dict(points).get(time) for points in self.figures.signals[series].values()]
        known = [value for value in values if value is not None]
        return self.phrases.number(sum(known), 1) if known else "-"

    def _course(self, signal: CardSignal) -> Course:
        return self.figures.signals[signal.series]

    def _peak(self, points: Sequence[tuple[float, float]]) -> float:
        """Return the largest value in the incident; -1 without one."""
        begin, end = self.incident.began, self.incident.lasts_until(self.now)
        return max((value for time, value in points if begin <= time <= end and math.isfinite(value)), default=-1.0)

    # --- to look further ---

    def links(self) -> list[tuple[str, str]]:
        """Return the runbook of the verdict and its dashboard at the time of the incident, as the alert names them."""
        rule = self._rule()
        if rule is None:
            return []
        labels = self.incident.verdict.labels
        found = {name: _filled(text, labels) for name, text in rule.annotations.items() if name.endswith("_url")}
        span = f"&from={self.figures.instants[0]}000&to={self.figures.instants[-1]}000"
        links = [("Runbook", found.get("runbook_url", "")), ("Dashboard", found.get("dashboard_url", "") + span)]
        return [(name, url) for name, url in links if url.startswith("http")]

    def _rule(self) -> Rule | None:
        verdict = self.incident.verdict
        same = [rule for rule in alert_rules() if rule.alert == verdict.alert]
        return next((rule for rule in same if rule.labels.get("severity") == verdict.severity), None)

    def queries(self) -> list[PastedQuery]:
        """Return the queries to paste into the web page of Prometheus."""
        matchers = Selection(jobs=(self.incident.job,), pools=self.incident.pools).of_pools
        chosen = f"{{{matchers}}}"
        signals = [PastedQuery(each.title, each.series + chosen) for each in CARD_SIGNALS if self._course(each)]
        alerts = f'ALERTS{{alertstate="firing",{matchers}}}'
        sources = f"instance:ironport_source_up:max3m{chosen} == 0"
        return [
            PastedQuery("Every alert of the pools", alerts),
            *signals,
            PastedQuery("Units that did not answer", sources),
        ]


def _conditions(findings: Iterable[Finding], depth: int = 0) -> Iterator[Cells]:
    """Yield a row for each condition; those that it consists of come below it, indented.

    Only for the conditions of the verdict itself the last cell says which outcome it needs.
    """
    for each in findings:
        needed = ("yes" if each.wanted else "no") if depth == 0 else ""
        yield "\N{NO-BREAK SPACE}" * 4 * depth + finding_text(each), answer(each), needed
        yield from _conditions(each.parts, depth + 1)


def _table(heads: Sequence[str], rows: Sequence[Cells]) -> PageTable:
    return PageTable(heads, {"": rows}, (), (), "no data")


def _filled(text: str, labels: Mapping[str, str]) -> str:
    """Return a link of an alert with its labels filled in."""
    return _LABEL.sub(lambda match: quote(labels.get(match[1], "")), text)


def _place(firing: Firing) -> str:
    labels = firing.labels
    if "pool" not in labels:
        return f"job {labels.get('job', '')}"
    return labels.get("instance") or f"pool {labels['pool']}"
