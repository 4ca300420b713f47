"""Mail that waits to be delivered, and the results of deliveries."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dashboards.source.palette import NOTHING, WARNING
from dashboards.source.signals import PER_POOL, PER_UNIT, TIMES, Signal
from exporter.bundle.thresholds import limit

RESULTS: Final = ("delivered", "hard_bounced", "deleted")
HARD_BOUNCE_REASONS: Final = ("5xx", "dns", "expired", "filter", "other")

ACTIVE: Final = Signal(
    "Active recipients",
    "short",
    PER_POOL,
    "Recipients in the delivery queues of a pool.",
    "pool:ironport_delivery_queue_recipients:last5m{<<pools>>}",
    decimals=0,
)

ACTIVE_USUAL: Final = Signal(
    "Active recipients, usual",
    "short",
    PER_POOL,
    "Recipients that are usually in the delivery queues of a pool at this hour of the week, or in its busy hours.",
    "last_over_time(pool:ironport_delivery_queue_recipients:mean1h_usual{<<pools>>}[15m])",
    decimals=0,
    no_value="needs a day of history",
)

ACTIVE_RATIO: Final = Signal(
    "Active recipients / usual",
    TIMES,
    PER_POOL,
    "Recipients in the delivery queues of a pool divided by what is usual. It is high while an important "
    "destination is down.",
    """\
pool:ironport_delivery_queue_recipients:last5m{<<pools>>}
  / (last_over_time(pool:ironport_delivery_queue_recipients:mean1h_usual{<<pools>>}[15m]) > 0)""",
    limits=((limit("delivery_factor"), WARNING),),
    below=NOTHING,
    decimals=1,
    no_value="needs a day of history",
)

UNIT_ACTIVE: Final = Signal(
    "Active recipients",
    "short",
    PER_UNIT,
    "Recipients in the delivery queue of a unit.",
    "instance:ironport_delivery_queue_recipients:last5m{<<units>>}",
    decimals=0,
)

UNATTEMPTED: Final = Signal(
    "Unattempted",
    "short",
    PER_UNIT,
    "Recipients without a delivery attempt yet. If there are many, the unit's own delivery is too slow.",
    'last_over_time(ironport_delivery_queue_recipients{state="unattempted",<<units>>}[5m])',
    limits=((limit("starved_recipients"), WARNING),),
    decimals=0,
)

ATTEMPTED: Final = Signal(
    "Attempted",
    "short",
    PER_UNIT,
    "Recipients that wait for the next delivery attempt. If there are many, a destination is down.",
    'last_over_time(ironport_delivery_queue_recipients{state="attempted",<<units>>}[5m])',
    decimals=0,
)

UNDIVIDED: Final = Signal(
    "Active",
    "short",
    PER_UNIT,
    "Recipients in the delivery queue of a unit of which only REST is read: it does not tell attempted from others.",
    'last_over_time(ironport_delivery_queue_recipients{state="active",<<units>>}[5m])',
    decimals=0,
    no_value="a status page tells attempted and unattempted recipients",
)

OLDEST: Final = Signal(
    "Oldest message",
    "s",
    PER_UNIT,
    "Age of the oldest message of a unit, in a queue or quarantine. Undeliverable messages should bounce after 3 days.",
    "last_over_time(ironport_oldest_message_age_seconds{<<units>>}[5m])",
    limits=((limit("oldest_seconds"), WARNING),),
    decimals=1,
)

OLDEST_HOURS: Final = replace(
    OLDEST,
    unit="suffix:h",
    expression=f"{OLDEST.expression} / 3600",
    limits=((limit("oldest_seconds") / 3600, WARNING),),
)

UNIT_COMPLETED: Final = Signal(
    "Completed recipients",
    "suffix:recipients/s",
    PER_UNIT,
    "Recipients per second whose delivery has ended: delivered, hard bounced or deleted.",
    "rate(ironport_recipients_completed_total{<<units>>}[$__rate_interval])",
    decimals=1,
)

UNIT_HARD_BOUNCED: Final = Signal(
    "Hard bounced recipients",
    "suffix:recipients/s",
    PER_UNIT,
    "Recipients per second whose delivery has failed for good, by reason: no such domain, rejected by the destination, "
    "a filter, or too old.",
    "rate(ironport_recipients_hard_bounced_total{<<units>>}[$__rate_interval])",
    decimals=2,
)

HARD_RATIO: Final = Signal(
    "Hard bounced",
    "percentunit",
    PER_UNIT,
    "Share of the completed recipients of a unit that hard bounced.",
    "instance:ironport_recipients_hard_bounced:ratio5m{<<units>>}",
    limits=((limit("abuse_bounce_ratio"), WARNING),),
    decimals=1,
)

SOFT_BOUNCES: Final = Signal(
    "Soft bounced events",
    "suffix:attempts/s",
    PER_UNIT,
    "Delivery attempts per second that failed and will be repeated. One recipient can count many times.",
    "rate(ironport_soft_bounces_total{<<units>>}[$__rate_interval])",
    decimals=2,
)

_NOT_COLLECTED: Final = "none: the unit is silent, or fleet.yml has neither REST nor the xml page tophosts"


def _with_class(destinations: str) -> str:
    """Give destinations that fleet.yml does not name the class `other`, as people read it."""
    return f'label_replace({destinations}, "class", "other", "class", "")'


DESTINATION_ACTIVE: Final = Signal(
    "Active recipients",
    "short",
    PER_UNIT,
    "Recipients in the delivery queue for a destination.",
    _with_class("last_over_time(ironport_destination_active_recipients{<<units>>}[5m])"),
    decimals=0,
    no_value=_NOT_COLLECTED,
)

DESTINATION_STATUS: Final = Signal(
    "State",
    "none",
    PER_UNIT,
    "The latest status of a destination, from REST.",
    _with_class("topk by (destination) (1, last_over_time(ironport_destination_status{<<units>>}[15m]))"),
    no_value="needs REST",
)

DESTINATION_CONNECTIONS: Final = Signal(
    "Connections",
    "short",
    PER_UNIT,
    "Open connections to a destination.",
    _with_class("last_over_time(ironport_destination_connections{<<units>>}[5m])"),
    decimals=0,
    no_value=_NOT_COLLECTED,
)

DESTINATION_DELIVERED: Final = Signal(
    "Delivered",
    "suffix:recipients/s",
    PER_UNIT,
    "Recipients per second that are delivered to a destination.",
    _with_class("rate(ironport_destination_delivered_recipients_total{<<units>>}[$__rate_interval])"),
    decimals=2,
    no_value=_NOT_COLLECTED,
)

DESTINATION_SOFT: Final = Signal(
    "Soft bounced",
    "suffix:attempts/s",
    PER_UNIT,
    "Delivery attempts per second to a destination that failed and will be repeated.",
    _with_class("rate(ironport_destination_soft_bounces_total{<<units>>}[$__rate_interval])"),
    decimals=2,
    no_value=_NOT_COLLECTED,
)

DESTINATION_HARD: Final = Signal(
    "Hard bounced",
    "suffix:recipients/s",
    PER_UNIT,
    "Recipients per second of a destination whose delivery has failed for good.",
    _with_class("rate(ironport_destination_hard_bounces_total{<<units>>}[$__rate_interval])"),
    decimals=2,
    no_value=_NOT_COLLECTED,
)
