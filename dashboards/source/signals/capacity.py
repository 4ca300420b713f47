"""Whether the pools are large enough, and for how long: demand of weeks against what is left after a loss."""

from __future__ import annotations

from typing import Final

from dashboards.source.palette import CRITICAL, GOOD, WARNING, State
from dashboards.source.signals import Signal
from dashboards.source.thresholds import DAYS_CRITICAL, DAYS_WARNING, limit

WEEKS: Final = (4, 8, 12)
"""Spans over which growth is measured; how far they agree is how far a forecast can be believed."""

FORESEEN: Final = 730
"""Days beyond which a forecast from some weeks says nothing."""

_BUSY: Final = "last_over_time(pool:ironport_messages_injected:rate1h_busy1w{<pools>}[15m])"
_LESS_UNIT: Final = "quantile_over_time(0.5, pool:ironport_available_capacity_messages:rate_less_unit{<pools>}[1d])"
_LESS_SITE: Final = "quantile_over_time(0.5, pool:ironport_available_capacity_messages:rate_less_site{<pools>}[1d])"

HOURS: Final = Signal(
    "Mean of an hour",
    "mps",
    "Messages a second that a pool receives, over an hour.",
    "last_over_time(pool:ironport_messages_injected:rate1h{<pools>}[15m])",
    decimals=1,
)

BUSY_HOUR: Final = Signal(
    "Busy hour",
    "mps",
    "Messages a second of a busy hour: the 95th percentile of the hourly means of a week.",
    _BUSY,
    decimals=1,
    no_value="needs a week of history",
)

LESS_UNIT: Final = Signal(
    "Without largest unit",
    "mps",
    "What the units of a pool can do without the largest of them: the median of a day, so that repairs do not count.",
    _LESS_UNIT,
    decimals=1,
    no_value="needs two units and rated_messages_per_hour",
)

LESS_SITE: Final = Signal(
    "Without largest site",
    "mps",
    "What the units of a pool can do without its largest site: the median of a day, so that repairs do not count.",
    _LESS_SITE,
    decimals=1,
    no_value="needs two sites and rated_messages_per_hour",
)

UNIT_RATIO: Final = Signal(
    "N+1 taken up",
    "percentunit",
    "Busy hour over what is left without the largest unit: from 100 % on, the loss of a unit makes mail late.",
    f"{_BUSY}\n/\n({_LESS_UNIT} > 0)",
    limits=((1, WARNING),),
    decimals=0,
    no_value="needs a week of history, two units and rated_messages_per_hour",
)

SITE_RATIO: Final = Signal(
    "Site loss taken up",
    "percentunit",
    "Busy hour over what is left without the largest site: from 100 % on, the loss of a site makes mail late.",
    f"{_BUSY}\n/\n({_LESS_SITE} > 0)",
    limits=((1, WARNING),),
    decimals=0,
    no_value="needs a week of history, two sites and rated_messages_per_hour",
)

# --- growth -----------------------------------------------------------------------------------------------------------


_DEMAND: Final = "pool:ironport_messages_injected:rate1h_busy1w{<pools>}"


def _known(weeks: int) -> str:
    """Return the PromQL of pools whose busy hour was known so many weeks ago."""
    return f"last_over_time({_DEMAND}[1d] offset {7 * weeks - 1}d)"


def _trend(weeks: int) -> str:
    """Return the PromQL of the growth of the busy hour, a second, where so many weeks of it are known."""
    growth = f"deriv({_DEMAND}[{weeks}w]) and {_known(weeks)}"
    return f'label_replace({growth}, "weeks", "{weeks}", "", "")'


_TRENDS: Final = "\n  or\n".join(f"    {_trend(weeks)}" for weeks in WEEKS)
_FASTEST: Final = f"max by (job, stream, pool) (\n{_TRENDS}\n)"
_SLOWEST: Final = f"min by (job, stream, pool) (\n{_TRENDS}\n)"

_NO_GROWTH: Final = FORESEEN + 1
_FORECAST: Final = (
    State(_NO_GROWTH, "no growth", GOOD),
    State(FORESEEN, "over 2 years", GOOD),
    State(0, "lost now", CRITICAL),
)
_DAYS: Final = ((DAYS_CRITICAL, WARNING), (DAYS_WARNING, GOOD))


def _days_until_lost(growth: str) -> str:
    """Return the PromQL of the days until the busy hour is all that is left without a unit.

    0 is now, and so it is whether demand grows or not; where it does not grow there is a word for it and no number.
    """
    return f"""\
clamp_max(clamp_min({_LESS_UNIT} - {_BUSY}, 0) / ({growth} > 0) / 86400, {FORESEEN})
or
0 * ({_LESS_UNIT} <= {_BUSY})
or
0 * {_LESS_UNIT} + {_NO_GROWTH} and {_known(WEEKS[0])}"""


GROWTH_LOW: Final = Signal(
    "Growth, least",
    "mps",
    "By how much the busy hour grows in a week: the least of the trends of 4, 8 and 12 weeks.",
    f"7 * 86400 * {_SLOWEST}",
    decimals=2,
    no_value="needs 5 weeks of history",
)

GROWTH_HIGH: Final = Signal(
    "Growth, most",
    "mps",
    "By how much the busy hour grows in a week: the most of the trends of 4, 8 and 12 weeks.",
    f"7 * 86400 * {_FASTEST}",
    decimals=2,
    no_value="needs 5 weeks of history",
)

SOONEST: Final = Signal(
    "N+1 lost, soonest",
    "suffix: days",
    "Days until a pool can no longer lose a unit, if its busy hour grows by the fastest trend of 4, 8 and 12 weeks.",
    _days_until_lost(_FASTEST),
    limits=_DAYS,
    below=CRITICAL,
    states=_FORECAST,
    decimals=0,
    no_value="needs 5 weeks of history",
)

LATEST: Final = Signal(
    "N+1 lost, latest",
    "suffix: days",
    "Days until a pool can no longer lose a unit, if its busy hour grows by the slowest trend of 4, 8 and 12 weeks.",
    _days_until_lost(_SLOWEST),
    limits=_DAYS,
    below=CRITICAL,
    states=_FORECAST,
    decimals=0,
    no_value="needs 5 weeks of history",
)

# --- who could do what ------------------------------------------------------------------------------------------------

_ALL: Final = "pool:ironport_available_capacity_messages:rate{<pools>}"
_LARGEST: Final = "max by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<pools>})"
_SMALLEST: Final = "min by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<pools>})"
_SPARES: Final = """\
(
      last_over_time(ironport_rated_messages_per_second{role="spare",<pools>}[15m])
    and
      instance:ironport_source_up:max5m{<pools>} == 1
    unless
      instance:ironport_in_service:bool{<pools>} == 1
  )"""

_LARGEST_WITH_SPARES: Final = f"""\
max by (job, stream, pool) (
  instance:ironport_available_capacity_messages:rate{{<pools>}}
or
  {_SPARES}
)"""

_NONE_LEFT: Final = (State(-1, "none left", CRITICAL),)


def _taken_up(capacity: str) -> str:
    """Return the PromQL of the busy hour over the capacity, -1 where none is left."""
    return f"{_BUSY}\n/\n({capacity} > 0)\nor\n0 * ({capacity} <= 0) - 1"


UNITS: Final = Signal(
    "Units",
    "none",
    "Units in service that answer and take mail.",
    "count by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<pools>})",
    decimals=0,
)

SPARES: Final = Signal(
    "Spares ready",
    "none",
    "Spares that answer and are not in service.",
    f"count by (job, stream, pool) {_SPARES}",
    decimals=0,
    no_value="no spare",
)

AS_IT_IS: Final = Signal(
    "As it is",
    "percentunit",
    "Busy hour over what the units that now take mail can do without the largest.",
    _taken_up(f"{_ALL} - {_LARGEST}"),
    limits=((1, WARNING),),
    states=_NONE_LEFT,
    decimals=0,
)

SPARE_COMES: Final = Signal(
    "The spares come in",
    "percentunit",
    "The same, once the spares of the pool take mail; the largest may be one of them.",
    _taken_up(f"{_ALL} + sum by (job, stream, pool) {_SPARES} - {_LARGEST_WITH_SPARES}"),
    limits=((1, WARNING),),
    states=_NONE_LEFT,
    decimals=0,
)

UNIT_COMES: Final = Signal(
    "A unit of others comes",
    "percentunit",
    "The same with a unit more, as large as the pool's smallest.",
    _taken_up(f"{_ALL} + {_SMALLEST} - {_LARGEST}"),
    limits=((1, WARNING),),
    states=_NONE_LEFT,
    decimals=0,
)

UNIT_GOES: Final = Signal(
    "A unit goes to others",
    "percentunit",
    "The same without the pool's smallest unit.",
    _taken_up(f"{_ALL} - {_SMALLEST} - {_LARGEST}"),
    limits=((1, WARNING),),
    states=_NONE_LEFT,
    decimals=0,
)

# --- units in need ----------------------------------------------------------------------------------------------------

CONSERVATION: Final = Signal(
    "In conservation",
    "m",
    "Minutes of a week in which a unit of the pool slowed or refused mail to save resources; a moment counts as 5.",
    "5 * sum_over_time(pool:ironport_resource_conservation:ratio5m{<pools>}[1w])",
    limits=((1, WARNING),),
    decimals=1,
)

_BACKUP: Final = f"{limit('filling_messages'):,.0f}"

BACKUP: Final = Signal(
    f"Queue over {_BACKUP}",
    "m",
    f"Minutes of a week in which a unit of the pool had more than {_BACKUP} messages in its work queue, a backup.",
    "5 * sum_over_time(pool:ironport_work_queue_messages:ratio_backup5m{<pools>}[1w])",
    limits=((1, WARNING),),
    decimals=1,
)

HISTORY: Final = Signal(
    "History",
    "s",
    "How much there is of the time chosen: Prometheus keeps 15 days, or what --storage.tsdb.retention.time says.",
    "300 * count_over_time(pool:ironport_messages_injected:rate1h{<pools>}[$__range])",
    decimals=1,
)
