"""Whether the pools are large enough, and for how long: demand of weeks against what is left after a loss."""

from __future__ import annotations

from typing import Final

from alerts.thresholds import limit
from dashboards.source.palette import CRITICAL, GOOD, WARNING, NamedValue
from dashboards.source.signals import PER_POOL, Signal

WEEKS: Final = (4, 8, 12)
"""Spans over which growth is measured; how far they agree is how far a forecast can be believed."""

DAYS_WARNING: Final = 90
DAYS_CRITICAL: Final = 30
"""With so many days ahead, there is time to order more units; with fewer than the second, hardly any."""

FORESEEN: Final = 730
"""Days beyond which a forecast from some weeks says nothing."""

_BUSY: Final = "last_over_time(pool:ironport_messages_injected:rate1h_busy1w{<<pools>>}[15m])"
_WITHOUT_UNIT: Final = (
    "quantile_over_time(0.5, pool:ironport_available_capacity_messages:rate_less_unit{<<pools>>}[1d])"
)
_WITHOUT_SITE: Final = (
    "quantile_over_time(0.5, pool:ironport_available_capacity_messages:rate_less_site{<<pools>>}[1d])"
)

HOURLY_MEAN: Final = Signal(
    "Mean of an hour",
    "mps",
    PER_POOL,
    "Messages a second that a pool receives, over an hour.",
    "last_over_time(pool:ironport_messages_injected:rate1h{<<pools>>}[15m])",
    decimals=1,
)

BUSY_HOUR: Final = Signal(
    "Busy hour",
    "mps",
    PER_POOL,
    "Messages a second of a busy hour: the 95th percentile of the hourly means of a week.",
    _BUSY,
    decimals=1,
    no_value="needs a week of history",
)

LESS_UNIT: Final = Signal(
    "Without largest unit",
    "mps",
    PER_POOL,
    "What the units of a pool can do without the largest of them: the median of a day, so that repairs do not count.",
    _WITHOUT_UNIT,
    decimals=1,
    no_value="needs two units and rated_messages_per_hour",
)

LESS_SITE: Final = Signal(
    "Without largest site",
    "mps",
    PER_POOL,
    "What the units of a pool can do without its largest site: the median of a day, so that repairs do not count.",
    _WITHOUT_SITE,
    decimals=1,
    no_value="needs two sites and rated_messages_per_hour",
)

UNIT_RATIO: Final = Signal(
    "N+1 taken up",
    "percentunit",
    PER_POOL,
    "Busy hour over what is left without the largest unit: from 100 % on, the loss of a unit makes mail late.",
    f"{_BUSY}\n/\n({_WITHOUT_UNIT} > 0)",
    limits=((1, WARNING),),
    decimals=0,
    no_value="needs a week of history, two units and rated_messages_per_hour",
)

SITE_RATIO: Final = Signal(
    "Site loss taken up",
    "percentunit",
    PER_POOL,
    "Busy hour over what is left without the largest site: from 100 % on, the loss of a site makes mail late.",
    f"{_BUSY}\n/\n({_WITHOUT_SITE} > 0)",
    limits=((1, WARNING),),
    decimals=0,
    no_value="needs a week of history, two sites and rated_messages_per_hour",
)

# --- growth -----------------------------------------------------------------------------------------------------------


_DEMAND: Final = "pool:ironport_messages_injected:rate1h_busy1w{<<pools>>}"


def _known(weeks: int) -> str:
    """Return the PromQL of pools whose busy hour was known so many weeks ago."""
    return f"last_over_time({_DEMAND}[1d] offset {7 * weeks - 1}d)"


def _trend(weeks: int) -> str:
    """Return the PromQL of the growth of the busy hour, a second, where so many weeks of it are known."""
    growth = f"deriv({_DEMAND}[{weeks}w]) and {_known(weeks)}"
    return f'label_replace({growth}, "weeks", "{weeks}", "", "")'


_TRENDS: Final = "\n  or\n".join(f"    {_trend(weeks)}" for weeks in WEEKS)
_FASTEST_TREND: Final = f"max by (job, stream, pool) (\n{_TRENDS}\n)"
_SLOWEST_TREND: Final = f"min by (job, stream, pool) (\n{_TRENDS}\n)"

_NO_GROWTH: Final = FORESEEN + 1
_FORECAST: Final = (
    NamedValue(_NO_GROWTH, "no growth", GOOD),
    NamedValue(FORESEEN, "over 2 years", GOOD),
    NamedValue(0, "lost now", CRITICAL),
)
_DAYS: Final = ((DAYS_CRITICAL, WARNING), (DAYS_WARNING, GOOD))


def _days_until_lost(growth: str) -> str:
    """Return the PromQL of the days until the busy hour is all that is left without a unit.

    0 is now, and so it is whether demand grows or not; where it does not grow there is a word for it and no number.
    """
    return f"""\
clamp_max(clamp_min({_WITHOUT_UNIT} - {_BUSY}, 0) / ({growth} > 0) / 86400, {FORESEEN})
or
0 * ({_WITHOUT_UNIT} <= {_BUSY})
or
0 * {_WITHOUT_UNIT} + {_NO_GROWTH} and {_known(WEEKS[0])}"""


GROWTH_LOW: Final = Signal(
    "Growth, least",
    "mps",
    PER_POOL,
    "By how much the busy hour grows in a week: the least of the trends of 4, 8 and 12 weeks.",
    f"7 * 86400 * {_SLOWEST_TREND}",
    decimals=2,
    no_value="needs 5 weeks of history",
)

GROWTH_HIGH: Final = Signal(
    "Growth, most",
    "mps",
    PER_POOL,
    "By how much the busy hour grows in a week: the most of the trends of 4, 8 and 12 weeks.",
    f"7 * 86400 * {_FASTEST_TREND}",
    decimals=2,
    no_value="needs 5 weeks of history",
)

SOONEST: Final = Signal(
    "N+1 lost, soonest",
    "suffix: days",
    PER_POOL,
    "Days until a pool can no longer lose a unit, if its busy hour grows by the fastest trend of 4, 8 and 12 weeks.",
    _days_until_lost(_FASTEST_TREND),
    limits=_DAYS,
    below=CRITICAL,
    words=_FORECAST,
    decimals=0,
    no_value="needs 5 weeks of history",
)

LATEST: Final = Signal(
    "N+1 lost, latest",
    "suffix: days",
    PER_POOL,
    "Days until a pool can no longer lose a unit, if its busy hour grows by the slowest trend of 4, 8 and 12 weeks.",
    _days_until_lost(_SLOWEST_TREND),
    limits=_DAYS,
    below=CRITICAL,
    words=_FORECAST,
    decimals=0,
    no_value="needs 5 weeks of history",
)

# --- who could do what ------------------------------------------------------------------------------------------------

_ALL: Final = "pool:ironport_available_capacity_messages:rate{<<pools>>}"
_LARGEST_UNIT: Final = "max by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<<pools>>})"
_SMALLEST_UNIT: Final = "min by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<<pools>>})"
_SPARES: Final = """\
(
      last_over_time(ironport_rated_messages_per_second{role="spare",<<pools>>}[15m])
    and
      instance:ironport_source_up:max5m{<<pools>>} == 1
    unless
      instance:ironport_in_service:bool{<<pools>>} == 1
  )"""

_LARGEST_WITH_SPARES: Final = f"""\
max by (job, stream, pool) (
  instance:ironport_available_capacity_messages:rate{{<<pools>>}}
or
  {_SPARES}
)"""

_NONE_LEFT: Final = (NamedValue(-1, "none left", CRITICAL),)


def _taken_up(capacity: str) -> str:
    """Return the PromQL of the busy hour over the capacity, -1 where none is left."""
    return f"{_BUSY}\n/\n({capacity} > 0)\nor\n0 * ({capacity} <= 0) - 1"


UNITS_IN_SERVICE: Final = Signal(
    "Units",
    "none",
    PER_POOL,
    "Units in service that answer and take mail.",
    "count by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<<pools>>})",
    decimals=0,
)

SPARES_READY: Final = Signal(
    "Spares ready",
    "none",
    PER_POOL,
    "Spares that answer and are not in service.",
    f"count by (job, stream, pool) {_SPARES}",
    decimals=0,
    no_value="no spare",
)

AS_IT_IS: Final = Signal(
    "As it is",
    "percentunit",
    PER_POOL,
    "Busy hour over what the units that now take mail can do without the largest.",
    _taken_up(f"{_ALL} - {_LARGEST_UNIT}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

SPARE_COMES: Final = Signal(
    "The spares come in",
    "percentunit",
    PER_POOL,
    "The same, once the spares of the pool take mail; the largest may be one of them.",
    _taken_up(f"{_ALL} + sum by (job, stream, pool) {_SPARES} - {_LARGEST_WITH_SPARES}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

UNIT_COMES: Final = Signal(
    "A unit of others comes",
    "percentunit",
    PER_POOL,
    "The same with a unit more, as large as the pool's smallest.",
    _taken_up(f"{_ALL} + {_SMALLEST_UNIT} - {_LARGEST_UNIT}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

UNIT_GOES: Final = Signal(
    "A unit goes to others",
    "percentunit",
    PER_POOL,
    "The same without the pool's smallest unit.",
    _taken_up(f"{_ALL} - {_SMALLEST_UNIT} - {_LARGEST_UNIT}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

# --- units in need ----------------------------------------------------------------------------------------------------

MINUTES_CONSERVING: Final = Signal(
    "In conservation",
    "m",
    PER_POOL,
    "Minutes of a week in which a unit of the pool slowed or refused mail to save resources; a moment counts as 5.",
    "5 * sum_over_time(pool:ironport_resource_conservation:ratio5m{<<pools>>}[1w])",
    limits=((1, WARNING),),
    decimals=1,
)

_BACKED_UP: Final = f"{limit('filling_messages'):,.0f}"

MINUTES_BACKED_UP: Final = Signal(
    f"Queue over {_BACKED_UP}",
    "m",
    PER_POOL,
    f"Minutes of a week in which a unit of the pool had more than {_BACKED_UP} messages in its work queue, a backup.",
    "5 * sum_over_time(pool:ironport_work_queue_messages:ratio_backup5m{<<pools>>}[1w])",
    limits=((1, WARNING),),
    decimals=1,
)

RETAINED: Final = Signal(
    "History",
    "s",
    PER_POOL,
    "How much there is of the time chosen: Prometheus keeps 15 days, or what --storage.tsdb.retention.time says.",
    "300 * count_over_time(pool:ironport_messages_injected:rate1h{<<pools>>}[$__range])",
    decimals=1,
)
