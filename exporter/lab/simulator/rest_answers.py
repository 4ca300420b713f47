"""The answers of the REST interface of a simulated unit, in the structure that a public integration shows.

Of the status of a destination only the word "Active" is known; "Down" is an assumption.
"""

from __future__ import annotations

import time
from typing import Final, Literal

from exporter.lab.simulator.status_items import WINDOWS
from exporter.lab.simulator.view import UnitState, View
from exporter.sources.rest.answers import JsonValue

RestPage = Literal["health/system_status", "health", "health/delivery_status"]

_RATES: Final = {
    "messages_received": "inj_msgs",
    "delivered_recipients": "delivered_recips",
    "hard_bounced_recipients": "hard_bounced_recips",
    "soft_bounced_events": "soft_bounced_evts",
}
"""The rates, with their names on the status page."""

_WINDOWS: Final = dict(zip(("one", "five", "fifteen"), WINDOWS, strict=True))

_PERCENTAGES: Final = {
    "overall_cpu_load": "total_utilization",
    "ram_utilization": "ram_utilization",
    "disk_io_utilization": "disk_utilization",
    "total_queue_utilized": "perCentQueueUtilization",
}
"""The gauges that are texts with a percent sign."""

_AMOUNTS: Final = {
    "msgs_in_work_queue": "msgs_in_work_queue",
    "msgs_in_quarantine": "msgs_in_quarantine",
    "total_active_recipients": "active_recips",
    "current_incoming_connections": "conn_in",
    "current_outgoing_connections": "conn_out",
    "dest_objects_in_memory": "dests_in_memory",
}

_COUNTERS: Final = {
    "messages_received_uptime": "inj_msgs",
    "delivered_recipients_uptime": "delivered_recips",
    "soft_bounced_events_uptime": "soft_bounced_evts",
    "rejected_recipients_uptime": "rejected_recips",
    "dropped_messages_uptime": "dropped_msgs",
    "total_hard_bounces_uptime": "hard_bounced_recips",
}

_HEALTH: Final = {
    "percentage_cpu_load": "total_utilization",
    "percentage_ram_utilization": "ram_utilization",
    "percentage_queue_utilization": "perCentQueueUtilization",
    "percentage_diskio": "disk_utilization",
    "messages_in_workqueue": "msgs_in_work_queue",
    "messages_in_pvo_quarantines": "msgs_in_quarantine",
    "resource_conservation": "resource_conservation",
}


def unit_answer(view: View, unit: str, page: RestPage) -> JsonValue:
    """Return the `data` of the answer."""
    match page:
        case "health/system_status":
            return {"resultSet": _system_status(view, unit)}
        case "health":
            return {
                **{name: view.gauge(unit, gauge) for name, gauge in _HEALTH.items()},
                "percentage_swap_utilization": 0,
            }
        case "health/delivery_status":
            return {"resultSet": _delivery_status(view, unit)}


def _system_status(view: View, unit: str) -> dict[str, JsonValue]:
    """Return the parts. Each is a list with one object."""
    state = view.state(unit)
    return {
        "rates": [
            {
                f"{name}_rate_{word}": view.rate(unit, rate, window)
                for name, rate in _RATES.items()
                for word, window in _WINDOWS.items()
            }
        ],
        "gauges": [
            {
                **{name: f"{view.gauge(unit, gauge)}%" for name, gauge in _PERCENTAGES.items()},
                **{name: view.gauge(unit, gauge) for name, gauge in _AMOUNTS.items()},
            }
        ],
        "counters": [{name: view.since_boot(unit, counter) for name, counter in _COUNTERS.items()}],
        "mail_system_status": [
            {
                "system_status": state.status.title(),
                "up_since": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(state.started)),
                "oldest_message": _clock(state.oldest_seconds),
            }
        ],
        "version_details": [_version_details(state)],
    }


def _version_details(state: UnitState) -> dict[str, JsonValue]:
    return {
        "model": state.model,
        "operating_system": f"AsyncOS {state.release.partition('-')[0]}",
        "serial_number": state.serial,
        "raid_status": "N/A" if state.model.endswith("V") else "Optimal",
    }


def _delivery_status(view: View, unit: str) -> list[JsonValue]:
    return [
        {
            "destination_domain": row.domain,
            "latest_host_status": "Down" if row.down else "Active",
            "active_recipients": row.active_recipients,
            "delivered_recipients": row.delivered_recipients,
            "soft_bounces": row.soft_bounces,
            "hard_bounces": row.hard_bounces,
            "connections_out": row.connections,
        }
        for row in view.destinations(unit)
    ]


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
