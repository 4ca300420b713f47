"""What happens at the edge: connections, sessions, recipients that are refused, bounces."""

from __future__ import annotations

from typing import Final

from alerts.thresholds import limit
from dashboards.source.palette import WARNING
from dashboards.source.signals import PER_POOL, PER_UNIT, Signal

CONNECTIONS: Final = Signal(
    "Connections in",
    "short",
    PER_UNIT,
    "Inbound SMTP connections that are open on a unit.",
    'last_over_time(ironport_connections{direction="in",<<units>>}[5m])',
)

CONNECTIONS_OUT: Final = Signal(
    "Connections out",
    "short",
    PER_UNIT,
    "SMTP connections that a unit has open to deliver mail.",
    'last_over_time(ironport_connections{direction="out",<<units>>}[5m])',
)

CONNECTION_LIMIT: Final = Signal(
    "Connection limit",
    "short",
    PER_UNIT,
    "Inbound connections that the listeners of a unit allow, as configured.",
    "last_over_time(ironport_connection_limit{<<units>>}[5m])",
    no_value="needs connection_limit",
)

SENDERS: Final = Signal(
    "Connections",
    "short",
    PER_UNIT,
    "Connections of the senders that have most of them open, where the page topin is collected.",
    "topk(30, last_over_time(ironport_sender_connections{<<units>>}[5m]))",
    decimals=0,
    no_value="none collected: needs topin among the xml pages of the appliances",
)

NEW_CONNECTIONS: Final = Signal(
    "New connections",
    "cps",
    PER_UNIT,
    "SMTP connections a second that a unit accepts.",
    "instance:ironport_injection_connections:rate3m{<<units>>}",
    decimals=1,
)

SESSION: Final = Signal(
    "Mean session",
    "s",
    PER_UNIT,
    "How long an inbound connection lasts: open connections over new ones. Slow senders hold the slots of others.",
    """\
sum without (direction) (avg_over_time(ironport_connections{direction="in",<<units>>}[5m]))
  / clamp_min(instance:ironport_injection_connections:rate3m{<<units>>}, 0.1)""",
    limits=((limit("slow_session_seconds"), WARNING),),
    decimals=1,
)

UNIT_REJECTED: Final = Signal(
    "Refused",
    "percentunit",
    PER_UNIT,
    "Share of all recipients that a unit refuses.",
    """\
rate(ironport_recipients_rejected_total{<<units>>}[$__rate_interval])
  / (
      rate(ironport_recipients_rejected_total{<<units>>}[$__rate_interval])
    +
      rate(ironport_recipients_injected_total{<<units>>}[$__rate_interval])
    > 0
  )""",
    limits=((limit("harvest_ratio"), WARNING),),
    decimals=0,
)

REJECTED: Final = Signal(
    "Refused recipients",
    "cps",
    PER_POOL,
    "Recipients a second that a pool refuses.",
    "pool:ironport_recipients_rejected:rate3m{<<pools>>}",
    decimals=1,
)

REJECTED_BUSY: Final = Signal(
    "Refused recipients, busy hours",
    "cps",
    PER_POOL,
    "Recipients a second that a pool refuses in its busy hours.",
    "last_over_time(pool:ironport_recipients_rejected:rate1h_busy2w{<<pools>>}[15m])",
)

REJECTED_RATIO: Final = Signal(
    "Share of recipients refused",
    "percentunit",
    PER_POOL,
    "Share of all recipients that a pool refuses: high while somebody guesses addresses.",
    "pool:ironport_recipients_rejected:ratio3m{<<pools>>}",
    limits=((limit("harvest_ratio"), WARNING),),
    decimals=0,
)

CONNECTIONS_RATIO: Final = Signal(
    "Connections, x usual",
    "none",
    PER_POOL,
    "New connections of a pool over what is usual at this hour of the week.",
    "pool:ironport_injection_connections:ratio_usual3m{<<pools>>}",
    limits=((limit("connection_flood_ratio"), WARNING),),
    decimals=2,
    no_value="needs a week of history",
)

BOUNCES: Final = Signal(
    "Bounces made",
    "cps",
    PER_POOL,
    "Recipients a second of bounces that the units make themselves: mail was taken that cannot be delivered.",
    "pool:ironport_recipients_bounce_generated:rate3m{<<pools>>}",
    decimals=2,
)
