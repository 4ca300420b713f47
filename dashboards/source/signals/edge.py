"""Connections, sessions, rejected recipients and generated bounces."""

from __future__ import annotations

from typing import Final

from dashboards.source.palette import WARNING
from dashboards.source.signals import PER_POOL, PER_UNIT, TIMES, Signal
from exporter.bundle.thresholds import limit

CONNECTIONS: Final = Signal(
    "Inbound connections",
    "short",
    PER_UNIT,
    "Open SMTP connections of senders to a unit.",
    'last_over_time(ironport_connections{direction="in",<<units>>}[5m])',
    decimals=0,
)

CONNECTIONS_OUT: Final = Signal(
    "Outbound connections",
    "short",
    PER_UNIT,
    "Open SMTP connections of a unit to destinations.",
    'last_over_time(ironport_connections{direction="out",<<units>>}[5m])',
    decimals=0,
)

CONNECTION_LIMIT: Final = Signal(
    "Connection limit",
    "short",
    PER_UNIT,
    "Inbound connections that the listeners of a unit allow, from `connection_limit` in fleet.yml.",
    "last_over_time(ironport_connection_limit{<<units>>}[5m])",
    decimals=0,
    no_value="needs connection_limit",
)

HEAVIEST_SENDERS: Final = Signal(
    "Connections",
    "short",
    PER_UNIT,
    "Open connections by sender and unit, for the senders with the most. From the status page topin.",
    "topk(30, last_over_time(ironport_sender_connections{<<units>>}[5m]))",
    decimals=0,
    no_value="none: the unit is silent, or topin is not among the xml pages in fleet.yml",
)

NEW_CONNECTIONS: Final = Signal(
    "New connections",
    "suffix:connections/s",
    PER_UNIT,
    "SMTP connections per second that a unit accepts.",
    "instance:ironport_injection_connections:rate3m{<<units>>}",
    decimals=1,
)

SESSION: Final = Signal(
    "Mean session",
    "suffix:s",
    PER_UNIT,
    "How long an inbound connection lasts: open connections divided by new connections per second. Long sessions of "
    "slow senders leave no connections for others.",
    """\
sum without (direction) (avg_over_time(ironport_connections{direction="in",<<units>>}[5m]) > 0)
  / clamp_min(instance:ironport_injection_connections:rate3m{<<units>>}, 0.1)""",
    limits=((limit("slow_session_seconds"), WARNING),),
    decimals=1,
)

UNIT_REJECTED: Final = Signal(
    "Rejected",
    "percentunit",
    PER_UNIT,
    "Share of all recipients that a unit rejects.",
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
    "Rejected recipients",
    "suffix:recipients/s",
    PER_POOL,
    "Recipients per second that a pool rejects.",
    "pool:ironport_recipients_rejected:rate3m{<<pools>>}",
    decimals=1,
)

REJECTED_BUSY: Final = Signal(
    "Rejected recipients, busy hours",
    "suffix:recipients/s",
    PER_POOL,
    "Recipients per second that a pool rejects in its busy hours of the last two weeks.",
    "last_over_time(pool:ironport_recipients_rejected:rate1h_busy2w{<<pools>>}[15m])",
)

REJECTED_RATIO: Final = Signal(
    "Share of recipients rejected",
    "percentunit",
    PER_POOL,
    "Share of all recipients that a pool rejects. It is high while somebody guesses addresses.",
    "pool:ironport_recipients_rejected:ratio3m{<<pools>>}",
    limits=((limit("harvest_ratio"), WARNING),),
    decimals=0,
)

CONNECTIONS_RATIO: Final = Signal(
    "New connections / usual",
    TIMES,
    PER_POOL,
    "New connections of a pool divided by what is usual at this hour of the week.",
    "pool:ironport_injection_connections:ratio_usual3m{<<pools>>}",
    limits=((limit("connection_flood_ratio"), WARNING),),
    decimals=2,
    no_value="needs a week of history",
)

BOUNCES: Final = Signal(
    "Generated bounces",
    "suffix:recipients/s",
    PER_POOL,
    "Recipients per second of bounce messages that the units generate, because they accepted mail that cannot be "
    "delivered.",
    "pool:ironport_recipients_bounce_generated:rate3m{<<pools>>}",
    decimals=2,
)
