"""Whether the pools are large enough, and for how long: the busy hour against the capacity that a loss leaves."""

from __future__ import annotations

from typing import Final

from dashboards.source.palette import CRITICAL, GOOD, WARNING, NamedValue
from dashboards.source.signals import PER_POOL, Signal
from exporter.bundle.thresholds import limit
from exporter.capacity import figures
from exporter.capacity.figures import Window

WEEKS: Final = (4, 8, 12)
"""Time spans over which growth is measured. If their results differ, the forecast is unreliable."""

DAYS_WARNING: Final = 90
DAYS_CRITICAL: Final = 30
"""Days until N+1 is lost: with fewer than the first, order more units; fewer than the second are hardly enough."""

HORIZON: Final = 730
"""The longest forecast in days: a few weeks of history allow none beyond."""

_BUSY: Final = "last_over_time(pool:ironport_messages_injected:rate1h_busy1w{<<pools>>}[15m])"
_WITHOUT_UNIT: Final = (
    "quantile_over_time(0.5, pool:ironport_available_capacity_messages:rate_less_unit{<<pools>>}[1d])"
)
_WITHOUT_SITE: Final = (
    "quantile_over_time(0.5, pool:ironport_available_capacity_messages:rate_less_site{<<pools>>}[1d])"
)

HOURLY_MEAN: Final = Signal(
    "Hourly mean",
    "suffix:messages/s",
    PER_POOL,
    "Messages per second that a pool receives, mean of an hour.",
    "last_over_time(pool:ironport_messages_injected:rate1h{<<pools>>}[15m])",
    decimals=1,
    no_value="needs a day of history",
)

BUSY_HOUR: Final = Signal(
    "Busy hour",
    "suffix:messages/s",
    PER_POOL,
    "Messages per second in a busy hour: 95th percentile of the hourly means of a week, without attacks and outages.",
    _BUSY,
    decimals=1,
    no_value="needs a week of history",
)

LESS_UNIT: Final = Signal(
    "Without largest unit",
    "suffix:messages/s",
    PER_POOL,
    "Messages per second that a pool can carry without its largest unit. Median of a day, so that short repairs do not "
    "count.",
    _WITHOUT_UNIT,
    decimals=1,
    no_value="needs two units and their ratings",
)

LESS_SITE: Final = Signal(
    "Without largest site",
    "suffix:messages/s",
    PER_POOL,
    "Messages per second that a pool can carry without its largest site. Median of a day, so that short repairs do not "
    "count.",
    _WITHOUT_SITE,
    decimals=1,
    no_value="needs two sites and the ratings of their units",
)

UNIT_RATIO: Final = Signal(
    "N+1 used",
    "percentunit",
    PER_POOL,
    "Busy hour as a share of the capacity without the largest unit. From 100 %, mail is late after the loss of a unit.",
    f"{_BUSY}\n/\n({_WITHOUT_UNIT} > 0)",
    limits=((1, WARNING),),
    decimals=0,
    no_value="needs history and ratings",
)

SITE_RATIO: Final = Signal(
    "Site loss used",
    "percentunit",
    PER_POOL,
    "Busy hour as a share of the capacity without the largest site. From 100 %, mail is late after the loss of a site.",
    f"{_BUSY}\n/\n({_WITHOUT_SITE} > 0)",
    limits=((1, WARNING),),
    decimals=0,
    no_value="needs history and two sites",
)

# --- growth -----------------------------------------------------------------------------------------------------------


_DEMAND: Final = "pool:ironport_messages_injected:rate1h_busy1w{<<pools>>}"


def _known(weeks: int) -> str:
    """Return the PromQL of the busy hour so many weeks ago, for pools that had one."""
    return f"last_over_time({_DEMAND}[1d] offset {7 * weeks - 1}d)"


def _trend(weeks: int) -> str:
    """Return the PromQL of the growth of the busy hour per second, for pools with so many weeks of history."""
    growth = f"deriv({_DEMAND}[{weeks}w]) and {_known(weeks)}"
    return f'label_replace({growth}, "weeks", "{weeks}", "", "")'


_TRENDS: Final = "\n  or\n".join(f"    {_trend(weeks)}" for weeks in WEEKS)
_FASTEST_TREND: Final = f"max by (job, stream, pool) (\n{_TRENDS}\n)"
_SLOWEST_TREND: Final = f"min by (job, stream, pool) (\n{_TRENDS}\n)"

_NO_GROWTH: Final = HORIZON + 1
_FORECAST: Final = (
    NamedValue(_NO_GROWTH, "no growth", GOOD),
    NamedValue(HORIZON, "over 2 years", GOOD),
    NamedValue(0, "lost now", CRITICAL),
)
_DAYS: Final = ((DAYS_CRITICAL, WARNING), (DAYS_WARNING, GOOD))


def _days_until_lost(growth: str) -> str:
    """Return the PromQL of the days until the busy hour needs all of the capacity without a unit.

    It is 0 if it does so already, whether demand grows or not, and `_NO_GROWTH` if demand does not grow.
    """
    return f"""\
clamp_max(clamp_min({_WITHOUT_UNIT} - {_BUSY}, 0) / ({growth} > 0) / 86400, {HORIZON})
or
0 * ({_WITHOUT_UNIT} <= {_BUSY})
or
0 * {_WITHOUT_UNIT} + {_NO_GROWTH} and {_known(WEEKS[0])}"""


GROWTH_LOW: Final = Signal(
    "Growth, slowest",
    "suffix:messages/s",
    PER_POOL,
    "Growth of the busy hour per week: the slowest trend of 4, 8 and 12 weeks.",
    f"7 * 86400 * {_SLOWEST_TREND}",
    decimals=2,
    no_value="needs 5 weeks of history",
)

GROWTH_HIGH: Final = Signal(
    "Growth, fastest",
    "suffix:messages/s",
    PER_POOL,
    "Growth of the busy hour per week: the fastest trend of 4, 8 and 12 weeks.",
    f"7 * 86400 * {_FASTEST_TREND}",
    decimals=2,
    no_value="needs 5 weeks of history",
)

SOONEST: Final = Signal(
    "N+1 lost, soonest",
    "suffix:days",
    PER_POOL,
    "Days until a pool cannot lose a unit any more, with the fastest trend of 4, 8 and 12 weeks.",
    _days_until_lost(_FASTEST_TREND),
    limits=_DAYS,
    below=CRITICAL,
    words=_FORECAST,
    decimals=0,
    no_value="needs 5 weeks of history",
)

LATEST: Final = Signal(
    "N+1 lost, latest",
    "suffix:days",
    PER_POOL,
    "Days until a pool cannot lose a unit any more, with the slowest trend of 4, 8 and 12 weeks.",
    _days_until_lost(_SLOWEST_TREND),
    limits=_DAYS,
    below=CRITICAL,
    words=_FORECAST,
    decimals=0,
    no_value="needs 5 weeks of history",
)

# --- role plan --------------------------------------------------------------------------------------------------------

_ALL: Final = "pool:ironport_available_capacity_messages:rate{<<pools>>}"
_LARGEST_UNIT: Final = "max by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<<pools>>})"
_SMALLEST_UNIT: Final = "min by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<<pools>>})"
_SPARES: Final = """\
(
      last_over_time(ironport_rated_messages_per_second{role="spare",<<pools>>}[15m])
    and
      instance:ironport_source_up:max3m{<<pools>>} == 1
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


def _used(capacity: str) -> str:
    """Return the PromQL of the busy hour as a share of the capacity, or -1 if no capacity is left."""
    return f"{_BUSY}\n/\n({capacity} > 0)\nor\n0 * ({capacity} <= 0) - 1"


UNITS_IN_SERVICE: Final = Signal(
    "Units",
    "none",
    PER_POOL,
    "Units in service that answer and accept mail.",
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

USED_NOW: Final = Signal(
    "Now",
    "percentunit",
    PER_POOL,
    "N+1 used by the present units.",
    _used(f"{_ALL} - {_LARGEST_UNIT}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

USED_WITH_SPARES: Final = Signal(
    "With spares",
    "percentunit",
    PER_POOL,
    "N+1 used if the spares of the pool take mail. The largest unit may then be a spare.",
    _used(f"{_ALL} + sum by (job, stream, pool) {_SPARES} - {_LARGEST_WITH_SPARES}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

USED_WITH_ONE_MORE: Final = Signal(
    "One unit more",
    "percentunit",
    PER_POOL,
    "N+1 used with one more unit of the size of the pool's smallest unit.",
    _used(f"{_ALL} + {_SMALLEST_UNIT} - {_LARGEST_UNIT}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

USED_WITH_ONE_LESS: Final = Signal(
    "One unit less",
    "percentunit",
    PER_POOL,
    "N+1 used with one unit less: without the pool's smallest unit.",
    _used(f"{_ALL} - {_SMALLEST_UNIT} - {_LARGEST_UNIT}"),
    limits=((1, WARNING),),
    words=_NONE_LEFT,
    decimals=0,
)

# --- minutes of trouble -----------------------------------------------------------------------------------------------

_LAST_WEEK: Final = Window("1w")

MINUTES_CONSERVING: Final = Signal(
    "Conservation",
    "m",
    PER_POOL,
    "Minutes of the last week in which a unit of the pool was in resource conservation, rounded up to 5.",
    figures.minutes_conserving("<<pools>>", _LAST_WEEK),
    limits=((1, WARNING),),
    decimals=0,
)

MINUTES_REFUSING: Final = Signal(
    "Refusing mail",
    "m",
    PER_POOL,
    "Minutes of the last week in which a unit of the pool refused mail.",
    figures.minutes_refusing_mail("<<pools>>", _LAST_WEEK),
    limits=((1, WARNING),),
    decimals=0,
)

_BACKED_UP: Final = f"{limit('filling_messages'):,.0f}"

MINUTES_BACKED_UP: Final = Signal(
    f"Queue over {_BACKED_UP}",
    "m",
    PER_POOL,
    f"Minutes of the last week in which a unit of the pool had more than {_BACKED_UP} messages in its work queue.",
    figures.minutes_backed_up("<<pools>>", _LAST_WEEK),
    limits=((1, WARNING),),
    decimals=0,
)

RETAINED: Final = Signal(
    "History",
    "s",
    PER_POOL,
    "How much of the time shown Prometheus has kept. It keeps 15 days unless --storage.tsdb.retention.time is set.",
    "300 * count_over_time(pool:ironport_messages_injected:rate1h{<<pools>>}[$__range])",
    decimals=1,
)
