"""Mail that comes in, waits in the work queue and leaves it."""

from __future__ import annotations

from typing import Final

from alerts.thresholds import limit
from dashboards.source.palette import BASELINE, CRITICAL, GOOD, WARNING
from dashboards.source.signals import PER_POOL, PER_UNIT, Signal

WORK_QUEUE: Final = Signal(
    "Work queue",
    "short",
    PER_UNIT,
    "Messages that wait to be scanned on a unit.",
    "instance:ironport_work_queue_messages:last3m{<<units>>}",
)

WAIT: Final = Signal(
    "Wait",
    "s",
    PER_UNIT,
    "How long a message that arrives now waits in the work queue: queue over exit, 0 for a queue too short to matter.",
    """\
instance:ironport_work_queue_wait_seconds:estimate3m{<<units>>}
  * (instance:ironport_work_queue_messages:last3m{<<units>>} > bool <<queue_floor>>)""",
    limits=(
        (limit("backlog_seconds"), BASELINE),
        (limit("delay_seconds"), WARNING),
        (limit("delay_critical_seconds"), CRITICAL),
    ),
    decimals=0,
)

GROWTH: Final = Signal(
    "Queue growth",
    "mps",
    PER_UNIT,
    "Messages a second by which the work queue of a unit grows; below 0 it is worked off.",
    "instance:ironport_work_queue_growth_messages:rate3m{<<units>>}",
    decimals=1,
)

ARRIVALS: Final = Signal(
    "Arrivals",
    "mps",
    PER_UNIT,
    "Messages a second that a unit receives.",
    "instance:ironport_messages_injected:rate3m{<<units>>}",
    decimals=1,
)

EXIT: Final = Signal(
    "Exit",
    "mps",
    PER_UNIT,
    "Messages a second that leave the work queue of a unit.",
    "instance:ironport_work_queue_exit_messages:rate3m{<<units>>}",
    decimals=1,
)

SHARE: Final = Signal(
    "Share of the pool's mail",
    "percentunit",
    PER_UNIT,
    "Share of its pool's mail that a unit receives: persistence makes it uneven, one heavy sender lopsided.",
    """\
instance:ironport_messages_injected:rate3m{<<units>>}
  / on (job, stream, pool) group_left ()
    (sum by (job, stream, pool) (instance:ironport_messages_injected:rate3m{<<pools>>}) > 0)""",
    decimals=0,
)

PEERS_RATIO: Final = Signal(
    "Arrivals, x peers",
    "none",
    PER_UNIT,
    "The unit's share of its rating that arrives, over the mean share of its peers: far over 1 is one-sided mail.",
    "instance:ironport_messages_injected:ratio_peers3m{<<units>>}",
    limits=((limit("jabber_ratio"), WARNING),),
    decimals=2,
)

EXIT_RATIO: Final = Signal(
    "Exit / rated",
    "percentunit",
    PER_UNIT,
    "What leaves the work queue over what the unit is rated for: while mail waits, little means that the unit is slow.",
    "instance:ironport_work_queue_exit_messages:ratio_rated3m{<<units>>}",
    decimals=0,
)

RATED: Final = Signal(
    "Rated",
    "mps",
    PER_UNIT,
    "Messages a second that a unit is rated for, by configuration or by what it has been seen to do.",
    "instance:ironport_rated_messages:rate{<<units>>}",
    decimals=1,
    no_value="needs rated_messages_per_hour",
)

POOL_EXIT_RATIO: Final = Signal(
    "Exit / rated",
    "percentunit",
    PER_POOL,
    "What leaves the work queues of a pool over what they are rated for: of units in service of which both are known.",
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
    no_value="needs rated_messages_per_hour",
)

BACKLOGGED: Final = Signal(
    "Backlogged units",
    "none",
    PER_POOL,
    "Units of a pool where mail has waited for a minute and more.",
    "pool:ironport_work_queue_backlogged:count{<<pools>>}",
    limits=((1, WARNING),),
    decimals=0,
)

SLOW: Final = Signal(
    "Slow units",
    "none",
    PER_POOL,
    "Units of a pool that pass less of the mail that waits than they are rated for.",
    "pool:ironport_work_queue_slow:count{<<pools>>}",
    limits=((1, WARNING),),
    decimals=0,
)

POOL_ARRIVALS: Final = Signal(
    "Mail",
    "mps",
    PER_POOL,
    "Messages a second that the pools receive, over 3 minutes.",
    "pool:ironport_messages_injected:rate3m{<<pools>>}",
    decimals=1,
)

USUAL_HIGH: Final = Signal(
    "Usual, at most",
    "mps",
    PER_POOL,
    "The higher of the hours around this time a week and two weeks ago.",
    "last_over_time(pool:ironport_messages_injected:rate1h_usual_high{<<pools>>}[15m])",
    no_value="needs a week of history",
)

USUAL_LOW: Final = Signal(
    "Usual, at least",
    "mps",
    PER_POOL,
    "The lower of the hours around this time a week and two weeks ago.",
    "last_over_time(pool:ironport_messages_injected:rate1h_usual_low{<<pools>>}[15m])",
    no_value="needs a day of history",
)

USUAL_RATIO: Final = Signal(
    "Mail, x usual",
    "none",
    PER_POOL,
    "Mail of a pool over what is usual at this hour of the week.",
    "pool:ironport_messages_injected:ratio_usual3m{<<pools>>}",
    limits=((limit("attack_ratio"), WARNING), (limit("attack_sudden_ratio"), CRITICAL)),
    decimals=2,
    no_value="needs a week of history",
)

UNITS_TO_SPARE: Final = Signal(
    "Units to spare",
    "none",
    PER_POOL,
    "Units as large as its largest that a pool could lose and still carry its busy hour: 1 is N+1.",
    """\
floor(
    (
        pool:ironport_available_capacity_messages:rate{<<pools>>}
      -
        last_over_time(pool:ironport_messages_injected:rate1h_busy1w{<<pools>>}[15m])
    )
  / on (job, stream, pool)
    max by (job, stream, pool) (instance:ironport_available_capacity_messages:rate{<<pools>>})
)
and on (job, stream, pool)
count by (job, stream, pool) (instance:ironport_in_service:bool{<<pools>>} == 1) > 1""",
    limits=((0, WARNING), (1, GOOD)),
    below=CRITICAL,
    decimals=0,
    no_value="needs a week of history, two units and rated_messages_per_hour",
)
