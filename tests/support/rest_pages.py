"""The answers of an appliance's REST interface as tables that a test may change, and as JSON.

The structure is that of a public integration and of its test data: each part of system_status is a list with one
object, utilizations are texts with a percent sign, the age of the oldest message is a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from support.status_server import Page

FOLDER: Final = "/esa/api/v2.0/"
SYSTEM_STATUS: Final = f"{FOLDER}health/system_status"
HEALTH: Final = f"{FOLDER}health"
DELIVERY_STATUS: Final = f"{FOLDER}health/delivery_status"

_SYSTEM_STATUS: Final[Mapping[str, Mapping[str, Any]]] = {
    "rates": {
        "messages_received_rate_one": 102,
        "messages_received_rate_five": 98,
        "messages_received_rate_fifteen": 97,
        "delivered_recipients_rate_one": 140,
        "delivered_recipients_rate_five": 138,
        "delivered_recipients_rate_fifteen": 131,
        "hard_bounced_recipients_rate_one": 1,
        "hard_bounced_recipients_rate_five": 2,
        "hard_bounced_recipients_rate_fifteen": 2,
        "soft_bounced_events_rate_one": 12,
        "soft_bounced_events_rate_five": 11,
        "soft_bounced_events_rate_fifteen": 10,
    },
    "gauges": {
        "overall_cpu_load": "21%",
        "ram_utilization": "31%",
        "disk_io_utilization": "107%",
        "total_queue_utilized": "12%",
        "msgs_in_work_queue": 46,
        "msgs_in_quarantine": 105,
        "total_active_recipients": 914,
        "current_incoming_connections": 38,
        "current_outgoing_connections": 24,
        "dest_objects_in_memory": 626,
    },
    "counters": {
        "messages_received_uptime": 6_037_437,
        "delivered_recipients_uptime": 5_950_001,
        "soft_bounced_events_uptime": 31_431_594,
        "rejected_recipients_uptime": 82_980,
        "dropped_messages_uptime": 67_764,
        "total_hard_bounces_uptime": 4_000_001,
    },
    "mail_system_status": {
        "system_status": "Online",
        "up_since": "2026-01-01 00:00:00",
        "oldest_message": "72:36:30",
    },
    "version_details": {
        "model": "C600V",
        "operating_system": "AsyncOS 15.0.0",
        "serial_number": "420A4C1B2D3E4F50-1A2B3C4D5E6F",
        "raid_status": "N/A",
    },
}

_HEALTH: Final[Mapping[str, Any]] = {
    "percentage_cpu_load": 22,
    "percentage_ram_utilization": 32,
    "percentage_swap_utilization": 1.5,
    "percentage_queue_utilization": 13,
    "percentage_diskio": 108,
    "messages_in_workqueue": 47,
    "messages_in_pvo_quarantines": 104,
    "resource_conservation": 6,
}

_NAMES: Final = (
    "destination_domain",
    "latest_host_status",
    "active_recipients",
    "delivered_recipients",
    "soft_bounces",
    "hard_bounces",
    "connections_out",
)
_DESTINATIONS: Final[Sequence[tuple[Any, ...]]] = (
    ("gmail.example", "Active", 41, 90_000, 310, 42, 7),
    ("uni-a.example.edu", "Active", 3, 1_200, 0, 1, 1),
    ("the.cpq.queue", "Active", 0, 12, 0, 0, 0),
)


def system_status(changes: Mapping[str, Mapping[str, Any]] | None = None) -> bytes:
    """Return the answer with `changes`, by part and name."""
    parts = {part: [{**values, **(changes or {}).get(part, {})}] for part, values in _SYSTEM_STATUS.items()}
    return answer({"resultSet": parts})


def health(changes: Mapping[str, Any] | None = None) -> bytes:
    """Return the answer with `changes`."""
    return answer({**_HEALTH, **(changes or {})})


def delivery_status(rows: Sequence[tuple[Any, ...]] = _DESTINATIONS) -> bytes:
    """Return the answer with these destinations; each row has the values in the order of the answer."""
    return answer({"resultSet": [dict(zip(_NAMES, row, strict=True)) for row in rows]})


def answer(data: object) -> bytes:
    return json.dumps({"data": data}).encode()


def rest_pages(**bodies: bytes) -> dict[str, Page]:
    """Return all answers for a `StatusServer`; `bodies` replaces those of system_status, health and delivery_status."""
    usual = {"system_status": system_status(), "health": health(), "delivery_status": delivery_status()}
    paths = {"system_status": SYSTEM_STATUS, "health": HEALTH, "delivery_status": DELIVERY_STATUS}
    return {paths[name]: Page(body, content_type="application/json") for name, body in {**usual, **bodies}.items()}
