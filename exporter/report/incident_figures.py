"""What is asked of a server about an incident: signals over time, and how the mail was affected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.bundle import thresholds
from exporter.capacity.figures import (
    OVER,
    SAMPLE,
    Window,
    last_seconds,
    minutes_conserving,
    minutes_late_in_pool,
    minutes_refusing_mail,
    worst_delay,
)
from exporter.incidents.incidents import Incident
from exporter.phrases.rounding import rounded_number
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.selection import Selection
from exporter.report.axes import Measure

AROUND: Final = 30 * MINUTE
"""Seconds before and after an incident that its card shows."""

_MOST_POINTS: Final = 240
_MOST_SENDERS: Final = 5

_USUAL: Final = 10 * MINUTE
"""Seconds for which a value of what is usual counts: it is recorded every 5 minutes."""


@dataclass(frozen=True, slots=True)
class SignalLimit:
    """A limit of a signal, which a rule compares it with."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class CardSignal:
    """A figure that the rules decide by."""

    title: str
    unit: str
    """Stands above the axis; empty for shares and durations, which are written with theirs."""
    measure: Measure
    series: str
    """The recorded series."""
    usual: str = ""
    """The recorded series of what is usual, if the rules compare it with that."""
    limit: str = ""
    """The name of the limit in alerts/thresholds.yml."""
    limit_name: str = ""
    decimals: int = 1

    @property
    def of_units(self) -> bool:
        """Whether each unit has its own curve."""
        return self.series.startswith("instance:")

    def limits(self) -> list[SignalLimit]:
        return [SignalLimit(self.limit_name, thresholds.limit(self.limit))] if self.limit else []


ARRIVALS_SIGNAL: Final = CardSignal(
    "Messages that arrived",
    "messages/s",
    Measure.NUMBER,
    "pool:ironport_messages_injected:rate3m",
    usual="pool:ironport_messages_injected:rate1h_usual_high",
)
WAIT_SIGNAL: Final = CardSignal(
    "Expected wait of new mail",
    "",
    Measure.SECONDS,
    "instance:ironport_work_queue_wait_seconds:estimate3m",
    limit="backlog_seconds",
    limit_name="backlogged",
)
QUEUE_SIGNAL: Final = CardSignal(
    "Work queue", "messages", Measure.NUMBER, "instance:ironport_work_queue_messages:last3m", decimals=0
)
EXIT_SIGNAL: Final = CardSignal(
    "Exit rate, as a share of the rating",
    "",
    Measure.SHARE,
    "instance:ironport_work_queue_exit_messages:ratio_rated3m",
    limit="service_ratio",
    limit_name="slow below",
)
PEERS_SIGNAL: Final = CardSignal(
    "Arrivals of a unit, times the mean of its peers",
    "times",
    Measure.NUMBER,
    "instance:ironport_messages_injected:ratio_peers3m",
    limit="jabber_ratio",
    limit_name="heavy sender",
)
CONNECTIONS_SIGNAL: Final = CardSignal(
    "New connections",
    "connections/s",
    Measure.NUMBER,
    "pool:ironport_injection_connections:rate3m",
    usual="pool:ironport_injection_connections:rate1h_usual_high",
)
REJECTED_SIGNAL: Final = CardSignal(
    "Recipients rejected", "recipients/s", Measure.NUMBER, "pool:ironport_recipients_rejected:rate3m"
)
DELIVERY_SIGNAL: Final = CardSignal(
    "Recipients that wait for delivery",
    "recipients",
    Measure.NUMBER,
    "pool:ironport_delivery_queue_recipients:last5m",
    usual="pool:ironport_delivery_queue_recipients:mean1h_usual",
)

CARD_SIGNALS: Final = (
    WAIT_SIGNAL,
    ARRIVALS_SIGNAL,
    EXIT_SIGNAL,
    PEERS_SIGNAL,
    QUEUE_SIGNAL,
    CONNECTIONS_SIGNAL,
    REJECTED_SIGNAL,
    DELIVERY_SIGNAL,
)
"""In the order of the card."""

Course = Mapping[str, Sequence[tuple[float, float]]]
"""Unix time and value, by the name of the unit or pool."""


@dataclass(frozen=True, slots=True)
class IncidentFigures:
    """Everything that a server has about an incident."""

    instants: range
    """The moments of the signals, from before the incident to after it."""
    signals: Mapping[str, Course]
    """By the recorded series."""
    worst_wait: float | None
    """In seconds, as `late` is in minutes."""
    late: Mapping[int, float]
    """Minutes in which mail waited longer than so many seconds, in the pool where they were most."""
    conserving: float | None
    """Minutes in which a unit slowed the acceptance of mail."""
    refusing: float | None
    """Minutes in which a unit accepted no mail."""
    senders: Sequence[tuple[str, float]]
    """The senders with the most connections, where the opt-in page of senders is read."""


def incident_figures(prometheus: Prometheus, incident: Incident, now: int) -> IncidentFigures:
    """Ask a server for the figures of an incident; what it does not have is left out."""
    end = incident.lasts_until(now)
    first, last = incident.began - AROUND, min(end + AROUND, now)
    step = -(-(last - first) // (_MOST_POINTS * MINUTE)) * MINUTE
    instants = range(first - first % MINUTE, last + 1, step)
    asked = _Questions(prometheus, Selection(jobs=(incident.job,), pools=incident.pools).of_pools)
    # The recorded series hold the last minutes of the incident a sample later.
    window, after = last_seconds(end - incident.began + SAMPLE), min(end + SAMPLE, now)
    lasted = last_seconds(end - incident.began)
    late = asked.by("over", minutes_late_in_pool(asked.matchers, window), after)
    return IncidentFigures(
        instants,
        {
            series: asked.course(series, instants)
            for each in CARD_SIGNALS
            for series in (each.series, each.usual)
            if series
        },
        asked.largest(worst_delay(asked.matchers, window), after),
        {seconds: min(late[over], (end - incident.began) / MINUTE) for seconds, over in OVER.items() if over in late},
        asked.largest(minutes_conserving(asked.matchers, window), after),
        asked.largest(minutes_refusing_mail(asked.matchers, window), after),
        _heaviest(asked.by("sender", _senders(asked.matchers, lasted), end)),
    )


def _senders(matchers: str, window: Window) -> str:
    return f"sum by (sender) (max_over_time(ironport_sender_connections{{{matchers}}}{window.samples}))"


def _heaviest(senders: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the senders with the most connections; topk would choose among equal ones by chance."""
    return sorted(senders.items(), key=lambda sender: (-sender[1], sender[0]))[:_MOST_SENDERS]


@dataclass(frozen=True, slots=True)
class _Questions:
    """Values are rounded and in the order of their names, because servers differ in the last digits and in the order.

    Neither may decide where the highest value is.
    """

    prometheus: Prometheus
    matchers: str

    def course(self, series: str, instants: range) -> Course:
        window = last_seconds(_USUAL if "usual" in series else instants.step)
        query = f"max by (pool, instance) (last_over_time({series}{{{self.matchers}}}{window.samples}))"
        found = self.prometheus.query_range(query, instants, "signals of the incident")
        courses = {
            each["metric"].get("instance") or each["metric"].get("pool", ""): [
                (float(time), rounded_number(float(value))) for time, value in each["values"]
            ]
            for each in found
        }
        return dict(sorted(courses.items()))

    def largest(self, expression: str, time: int) -> float | None:
        found = self.prometheus.query(expression, time, "figures of the incident")
        return max((rounded_number(float(each["value"][1])) for each in found), default=None)

    def by(self, label: str, expression: str, time: int) -> dict[str, float]:
        """Return the largest value for each value of the label."""
        largest: dict[str, float] = {}
        for each in self.prometheus.query(expression, time, "figures of the incident"):
            name, value = each["metric"].get(label, ""), rounded_number(float(each["value"][1]))
            largest[name] = max(value, largest.get(name, value))
        return dict(sorted(largest.items()))
