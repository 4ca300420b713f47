"""Mail that arrives, waits in the work queue and leaves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dashboards.source.palette import CRITICAL, GOOD, NOTHING, WARNING
from dashboards.source.signals import PER_POOL, PER_UNIT, TIMES, Signal
from exporter.bundle.thresholds import limit

WORK_QUEUE: Final = Signal(
    "Work queue",
    "short",
    PER_UNIT,
    "Messages that wait in the work queue of a unit to be filtered and scanned.",
    "instance:ironport_work_queue_messages:last3m{<<units>>}",
    decimals=0,
)

WAIT: Final = Signal(
    "Queue wait, forecast",
    "s",
    PER_UNIT,
    "How long a message that arrives now will wait in the work queue, if mail leaves it as fast as now: the queue "
    "divided by the exit rate. Short queues count as 0.",
    """\
instance:ironport_work_queue_wait_seconds:estimate3m{<<units>>}
  * (instance:ironport_work_queue_messages:last3m{<<units>>} > bool <<queue_floor>>)""",
    limits=(
        (limit("backlog_seconds"), WARNING),
        (limit("delay_seconds"), WARNING),
        (limit("delay_critical_seconds"), CRITICAL),
    ),
    decimals=0,
)

WAIT_MINUTES: Final = replace(
    WAIT,
    unit="suffix:min",
    expression=f"({WAIT.expression}) / 60",
    limits=tuple((seconds / 60, colour) for seconds, colour in WAIT.limits),
)
"""For graphs: the marks of an axis in seconds would not be round minutes."""

WORST_WAIT: Final = replace(
    WAIT,
    description="How long mail that arrives now will wait in the longest work queue, if mail leaves it as fast as now. "
    "Mail may also wait to be delivered, which this does not show: so a short wait is not green.",
    below=NOTHING,
)

QUEUE_GROWTH: Final = Signal(
    "Queue growth",
    "suffix:messages/s",
    PER_UNIT,
    "Messages per second by which the work queue of a unit grows. Below 0 it shrinks.",
    "instance:ironport_work_queue_growth_messages:rate3m{<<units>>}",
    decimals=1,
)

ARRIVALS: Final = Signal(
    "Arrivals",
    "suffix:messages/s",
    PER_UNIT,
    "Messages per second that a unit receives.",
    "instance:ironport_messages_injected:rate3m{<<units>>}",
    decimals=1,
)

EXIT: Final = Signal(
    "Exit rate",
    "suffix:messages/s",
    PER_UNIT,
    "Messages per second that leave the work queue of a unit.",
    "instance:ironport_work_queue_exit_messages:rate3m{<<units>>}",
    decimals=1,
)

SHARE: Final = Signal(
    "Share of the pool's mail",
    "percentunit",
    PER_UNIT,
    "Share of its pool's mail that a unit receives. Shares differ a little because of the load balancer's persistence. "
    "One far larger share shows a heavy sender.",
    """\
instance:ironport_messages_injected:rate3m{<<units>>}
  / on (job, stream, pool) group_left ()
    (sum by (job, stream, pool) (instance:ironport_messages_injected:rate3m{<<pools>>}) > 0)""",
    decimals=0,
)

PEERS_RATIO: Final = Signal(
    "Arrivals / peers",
    "none",
    PER_UNIT,
    "Arrivals as a share of the unit's rating, divided by the mean of its peers. Far above 1, the unit receives too "
    "much of the pool's mail.",
    "instance:ironport_messages_injected:ratio_peers3m{<<units>>}",
    limits=((limit("jabber_ratio"), WARNING),),
    decimals=2,
)

EXIT_RATIO: Final = Signal(
    "Exit / rated",
    "percentunit",
    PER_UNIT,
    "Exit rate as a share of the unit's rating. If it is low while mail waits, the unit is slow.",
    "instance:ironport_work_queue_exit_messages:ratio_rated3m{<<units>>}",
    decimals=0,
)

RATED_MESSAGES: Final = Signal(
    "Rated",
    "suffix:messages/s",
    PER_UNIT,
    "Messages per second that a unit is rated for: from the configuration, or learned from history.",
    "instance:ironport_rated_messages:rate{<<units>>}",
    decimals=1,
    no_value="needs a rating, configured or learned",
)

POOL_EXIT_RATIO: Final = Signal(
    "Exit / rated",
    "percentunit",
    PER_POOL,
    "Exit rate of a pool as a share of the rating of its units. Only units in service with a known rating count.",
    """\
sum by (job, stream, pool) (
    instance:ironport_work_queue_exit_messages:rate3m{<<pools>>}
  and
    instance:ironport_rated_messages:rate{<<pools>>}
  and
    instance:ironport_in_service:bool{<<pools>>} == 1
)
/
sum by (job, stream, pool) (
    instance:ironport_rated_messages:rate{<<pools>>}
  and
    instance:ironport_work_queue_exit_messages:rate3m{<<pools>>}
  and
    instance:ironport_in_service:bool{<<pools>>} == 1
)""",
    decimals=0,
    no_value="needs a rating, configured or learned",
)

BACKLOGGED: Final = Signal(
    "Backlogged units",
    "none",
    PER_POOL,
    "Units of a pool where mail waits for more than a minute.",
    "pool:ironport_work_queue_backlogged:count{<<pools>>}",
    limits=((1, WARNING),),
    decimals=0,
)

SLOW: Final = Signal(
    "Slow units",
    "none",
    PER_POOL,
    "Units of a pool that handle less mail than they are rated for, although mail waits.",
    "pool:ironport_work_queue_slow:count{<<pools>>}",
    limits=((1, WARNING),),
    decimals=0,
)

POOL_ARRIVALS: Final = Signal(
    "Arrivals",
    "suffix:messages/s",
    PER_POOL,
    "Messages per second that the pools receive, mean of 3 minutes.",
    "pool:ironport_messages_injected:rate3m{<<pools>>}",
    decimals=1,
)

USUAL_HIGH: Final = Signal(
    "Usual, at most",
    "suffix:messages/s",
    PER_POOL,
    "Messages per second at this hour one and two weeks ago: the higher of the two.",
    "last_over_time(pool:ironport_messages_injected:rate1h_usual_high{<<pools>>}[15m])",
    no_value="needs a week of history",
)

USUAL_LOW: Final = Signal(
    "Usual, at least",
    "suffix:messages/s",
    PER_POOL,
    "Messages per second at this hour one and two weeks ago: the lower of the two.",
    "last_over_time(pool:ironport_messages_injected:rate1h_usual_low{<<pools>>}[15m])",
    no_value="needs a day of history",
)

USUAL_RATIO: Final = Signal(
    "Pool arrivals / usual",
    TIMES,
    PER_POOL,
    "Arrivals of a pool divided by what is usual at this hour of the week.",
    "pool:ironport_messages_injected:ratio_usual3m{<<pools>>}",
    limits=((limit("attack_ratio"), WARNING), (limit("attack_sudden_ratio"), CRITICAL)),
    below=NOTHING,
    decimals=1,
    no_value="needs a week of history",
)

UNITS_TO_SPARE: Final = Signal(
    "Units to spare",
    "none",
    PER_POOL,
    "How many of its largest units a pool could lose and still carry its busy hour. 1 means N+1. While mail waits on "
    "several units, none can be spared. A spare counts as soon as it takes mail.",
    """\
floor(
    (
        pool:ironport_available_capacity_messages:rate{<<pools>>}
      -
        (
            (
                pool:ironport_available_capacity_messages:rate{<<pools>>}
              and
                pool:ironport_work_queue_troubled:bool{<<pools>>} == 1
            )
          > last_over_time(pool:ironport_messages_injected:rate1h_busy1w{<<pools>>}[15m])
          or
            last_over_time(pool:ironport_messages_injected:rate1h_busy1w{<<pools>>}[15m])
        )
    )
  / on (job, stream, pool)
    max by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<<pools>>})
)
and on (job, stream, pool)
count by (job, stream, pool) (instance:ironport_in_service:bool{<<pools>>} == 1) > 1""",
    limits=((0, WARNING), (1, GOOD)),
    below=CRITICAL,
    decimals=0,
    no_value="needs history and ratings",
)
