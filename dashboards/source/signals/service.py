"""Volumes, availability, delays and alerts that fired, per day and over the whole time shown."""

from __future__ import annotations

from typing import Final

from dashboards.source.palette import BASELINE, CRITICAL, WARNING
from dashboards.source.signals import IN_TOTAL, PER_ALERT, PER_POOL, Signal
from exporter.bundle.thresholds import limit
from exporter.capacity import figures
from exporter.capacity.figures import Window
from exporter.incidents.incidents import INCIDENT_VERDICTS
from exporter.incidents.names import incident_name
from exporter.phrases import Phrases

MINUTE_OF_A_DAY: Final = "time:YYYY-MM-DD HH:mm"
"""Grafana's unit for a date with the time of day."""

_SHOWN: Final = Window("$__range")
_NEXT_DAY: Final = Window("1d", " offset -1d")
"""The day after a point, because a bar begins where its day begins."""
_POOLS: Final = "<<pools>>"

# --- volumes ----------------------------------------------------------------------------------------------------------


def _share(part: str, others: str, window: str, labels: str = "") -> str:
    """Return the PromQL of the part's share in part and others together, of all pools or by the labels."""
    by = f" by ({labels})" if labels else ""
    part, others = (f"sum{by} (sum_over_time({series}{window}))" for series in (part, others))
    return f"{part}\n/\n({part} + {others} > 0)"


_TWICE: Final = "Mail that passes two pools counts in both."

_REJECTED_SERIES: Final = (f"{figures.REJECTED_RATE}{{<<pools>>}}", f"{figures.RECIPIENT_RATE}{{<<pools>>}}")
_BOUNCED_SERIES: Final = (
    f'{figures.COMPLETED_RATE}{{result="hard_bounced",<<pools>>}}',
    f'{figures.COMPLETED_RATE}{{result!="hard_bounced",<<pools>>}}',
)
_REJECTED_TOTAL, _ACCEPTED_TOTAL = (f"sum_over_time({series}[$__range])" for series in _REJECTED_SERIES)
_REJECTED_LIMITS: Final = ((limit("harvest_ratio"), WARNING),)

MESSAGES: Final = Signal(
    "Messages",
    "short",
    PER_POOL,
    f"Messages that the pools have received. {_TWICE}",
    figures.total(figures.MESSAGE_RATE, _POOLS, _SHOWN),
    decimals=1,
)

MESSAGES_A_DAY: Final = Signal(
    "Messages per day",
    "short",
    PER_POOL,
    f"Messages that the pools have received on each day. {_TWICE}",
    figures.total(figures.MESSAGE_RATE, _POOLS, _NEXT_DAY),
    decimals=1,
)

DELIVERED: Final = Signal(
    "Delivered",
    "short",
    PER_POOL,
    f"Recipients to whom mail has been delivered. {_TWICE}",
    figures.total(figures.COMPLETED_RATE, f'result="delivered",{_POOLS}', _SHOWN),
    decimals=1,
)

COMPLETED_A_DAY: Final = Signal(
    "Completed recipients per day",
    "short",
    PER_POOL,
    f"Recipients whose delivery has ended on each day: delivered, hard bounced or deleted. {_TWICE}",
    figures.total(figures.COMPLETED_RATE, _POOLS, _NEXT_DAY),
    decimals=1,
)

HARD_BOUNCED: Final = Signal(
    "Hard bounced",
    "percentunit",
    PER_POOL,
    "Share of the completed recipients whose delivery has failed for good.",
    _share(*_BOUNCED_SERIES, "[$__range]", "job, stream, pool"),
    decimals=1,
)

REJECTED_OF_POOL: Final = Signal(
    "Rejected",
    "percentunit",
    PER_POOL,
    "Share of all recipients that were rejected.",
    _share(*_REJECTED_SERIES, "[$__range]", "job, stream, pool"),
    limits=_REJECTED_LIMITS,
    decimals=1,
)

REJECTED_SHARE: Final = Signal(
    "Recipients rejected",
    "percentunit",
    IN_TOTAL,
    "Share of the recipients that were rejected, in the pools that reject any. The other pools are left out, because "
    "their mail was counted in an earlier pool.",
    f"""\
sum ({_REJECTED_TOTAL})
/
(
  sum ({_REJECTED_TOTAL})
+
  sum ({_ACCEPTED_TOTAL} and on (job, stream, pool) {_REJECTED_TOTAL} > 0)
> 0)
or
0 * sum ({_REJECTED_TOTAL})""",
    limits=_REJECTED_LIMITS,
    decimals=1,
)

REJECTED_A_DAY: Final = Signal(
    "Recipients rejected, over a day",
    "percentunit",
    PER_POOL,
    "Share of all recipients that were rejected in the 24 hours before.",
    _share(*_REJECTED_SERIES, "[1d]", "job, stream, pool"),
    decimals=1,
)

_RATE: Final = f"{figures.MESSAGE_RATE}{{<<pools>>}}"
_SAMPLES: Final = figures.number_of_samples(figures.MESSAGE_RATE, _POOLS, _SHOWN)
_AN_HOUR: Final = figures.SAMPLES_AN_HOUR
"""With fewer samples, there has been no hour yet."""
_NEEDS_AN_HOUR: Final = "needs an hour of history"

BUSIEST_HOUR: Final = Signal(
    "Busiest hour",
    "short",
    PER_POOL,
    "Messages of the hour in which a pool received the most.",
    f"{figures.busiest_hour(_POOLS, _SHOWN)}\nand {_SAMPLES} >= {_AN_HOUR}",
    decimals=1,
    no_value=_NEEDS_AN_HOUR,
)

BUSIEST_HOUR_OF_ALL: Final = Signal(
    "Busiest hour",
    "short",
    IN_TOTAL,
    f"Messages of the hour in which all pools together received the most. {_TWICE}",
    f"3600 * max_over_time(sum({_RATE})[$__range:5m])\nand max({_SAMPLES}) >= {_AN_HOUR}",
    decimals=1,
    no_value=_NEEDS_AN_HOUR,
)

BUSIEST_UNTIL: Final = Signal(
    "Until",
    MINUTE_OF_A_DAY,
    PER_POOL,
    "When the busiest hour ended.",
    f"1000 * max_over_time((0 * ({_RATE} == max_over_time({_RATE}[$__range] @ end())) + time())[$__range:5m])\n"
    f"and {_SAMPLES} >= {_AN_HOUR}",
    no_value=_NEEDS_AN_HOUR,
)

# --- service ----------------------------------------------------------------------------------------------------------

AVAILABILITY: Final = Signal(
    "Available",
    "percentunit",
    PER_POOL,
    "Share of the monitored time in which at least one unit of a pool answered and accepted mail.",
    figures.available(_POOLS, _SHOWN),
    decimals=2,
)

AVAILABILITY_OF_ALL: Final = Signal(
    "Mail was accepted",
    "percentunit",
    IN_TOTAL,
    "Share of the monitored time in which every pool had a unit that answered and accepted mail.",
    figures.all_available(_POOLS, _SHOWN),
    decimals=2,
)

DAYS_COVERED: Final = Signal(
    "Days covered",
    "suffix:days",
    IN_TOTAL,
    "How many days of the time shown have data. All figures here are about these days.",
    f"max({_SAMPLES}) / (24 * {_AN_HOUR})",
    decimals=1,
)


def _late_in_a_pool(over: str, name: str) -> Signal:
    return Signal(
        name,
        "m",
        PER_POOL,
        f"Minutes in which mail waited longer than {over} in the work queue of a unit of the pool.",
        figures.minutes_late_in_pool(f'over="{over}",{_POOLS}', _SHOWN),
        decimals=0,
    )


MINUTES_LATE_OF_POOL: Final = {
    "1 minute": _late_in_a_pool("1 minute", "Late > 1 min"),
    "5 minutes": _late_in_a_pool("5 minutes", "> 5 min"),
    "15 minutes": _late_in_a_pool("15 minutes", "> 15 min"),
}


def _late(over: str, name: str) -> Signal:
    return Signal(
        name,
        "m",
        IN_TOTAL,
        f"Minutes in which mail waited longer than {over} in the work queue of any unit.",
        figures.minutes_late_anywhere(over, _POOLS, _SHOWN),
        decimals=0,
    )


def _late_a_day(over: str) -> Signal:
    return Signal(
        "Mail late, minutes per day",
        "m",
        IN_TOTAL,
        "Minutes of each day in which mail waited longer than 1, 5 or 15 minutes in the work queue of any unit. Of "
        "all selected pools together.",
        figures.minutes_late_anywhere(over, _POOLS, _NEXT_DAY),
        decimals=0,
    )


MINUTES_LATE: Final = {
    "1 minute": _late("1 minute", "Mail late"),
    "5 minutes": _late("5 minutes", "Mail late over 5 minutes"),
    "15 minutes": _late("15 minutes", "Mail late over 15 minutes"),
}
MINUTES_LATE_A_DAY: Final = {over: _late_a_day(over) for over in MINUTES_LATE}

WORST_DELAY: Final = Signal(
    "Longest wait",
    "s",
    PER_POOL,
    "The longest that mail has waited in a work queue: the queue divided by the exit rate, or by the arrivals if they "
    "are larger. The wait on the dashboard Fleet wall looks ahead: it divides by the exit rate alone, and can be "
    "longer.",
    figures.worst_delay(_POOLS, _SHOWN),
    limits=(
        (limit("backlog_seconds"), BASELINE),
        (limit("delay_seconds"), WARNING),
        (limit("delay_critical_seconds"), CRITICAL),
    ),
    decimals=1,
)

# --- alerts that fired --------------------------------------------------------------------------------------------

_INCIDENTS: Final = sorted({f"IronPort{name}" for _, names in INCIDENT_VERDICTS for name in names})
"""Alerts that say that mail is late, lost or refused, or soon will be."""
INCIDENT_WORDS: Final = {alert: incident_name(alert, Phrases("en")) for alert in _INCIDENTS}
_FIRING: Final = (
    f'ALERTS{{alertstate="firing",severity=~"critical|warning",alertname=~"{"|".join(_INCIDENTS)}",<<alerts>>}}'
)

LAST_FIRED: Final = Signal(
    "Last",
    MINUTE_OF_A_DAY,
    PER_ALERT,
    "When the alert last fired.",
    f"1000 * max_over_time((0 * {_FIRING} + time())[$__range:5m])",
)

TIMES_FIRED: Final = Signal(
    "Times",
    "none",
    PER_ALERT,
    "How often the alert has begun to fire.",
    f"count_over_time(({_FIRING} unless {_FIRING} offset 5m)[$__range:5m])",
    decimals=0,
)

TIME_FIRED: Final = Signal(
    "Total time",
    "s",
    PER_ALERT,
    "How long the alert has fired in total, rounded to 5 minutes.",
    f"300 * count_over_time({_FIRING}[$__range:5m])",
    decimals=1,
)
