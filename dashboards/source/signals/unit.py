"""Model, release and status of a unit, and its resources."""

from __future__ import annotations

from typing import Final

from dashboards.source import palette
from dashboards.source.palette import BASELINE, CRITICAL, WARNING
from dashboards.source.signals import PER_UNIT, Signal
from exporter.bundle.thresholds import limit


def _last_series(metric: str) -> str:
    """Return the PromQL of one series for each unit: the current one, or the last of 24 hours if the unit is silent."""
    now, before = (
        f"topk by (job, pool, instance) (1, count_over_time({metric}{{<<units>>}}[{window}]))"
        for window in ("15m", "1d")
    )
    return f"{now}\nor on (job, pool, instance)\n{before}"


TARGET: Final = Signal(
    "Unit",
    "none",
    PER_UNIT,
    "The units that are probed, with their labels from fleet.yml.",
    "last_over_time(ironport_probe_success{<<units>>}[5m])",
)

STATUS: Final = Signal(
    "System status",
    "none",
    PER_UNIT,
    "System status of a unit, in the words of its status page.",
    "topk by (job, pool, instance) (1, count_over_time(ironport_system_status_info{<<units>>}[3m]))",
)

MODEL_AND_SERIAL: Final = Signal(
    "Hardware",
    "none",
    PER_UNIT,
    "Model and serial number of a unit, as last reported.",
    _last_series("ironport_hardware_info"),
)

UNIT_RELEASE: Final = Signal(
    "AsyncOS",
    "none",
    PER_UNIT,
    "AsyncOS release of a unit, as last reported.",
    _last_series("ironport_version_info"),
)

UNIT_UPTIME: Final = Signal(
    "Uptime",
    "dtdhms",
    PER_UNIT,
    "Time since the unit started.",
    "last_over_time(ironport_uptime_seconds{<<units>>}[15m])",
    decimals=0,
)

CPU: Final = Signal(
    "CPU",
    "percentunit",
    PER_UNIT,
    "Share of the CPU in use, of the whole appliance and by process.",
    "last_over_time(ironport_cpu_utilization_ratio{<<units>>}[5m])",
    decimals=0,
)

PROCESSES: Final = ("appliance", "mail", "antivirus", "antispam", "brightmail", "reporting", "quarantine")
"""Processes with a CPU figure of their own, and the whole appliance."""

MEMORY: Final = Signal(
    "Memory",
    "percentunit",
    PER_UNIT,
    "Share of the memory in use. Resource conservation begins at 75 %, in newer releases at 45 %.",
    "last_over_time(ironport_memory_utilization_ratio{<<units>>}[5m])",
    limits=((limit("memory_ratio_newer"), BASELINE), (limit("memory_ratio_older"), WARNING)),
    decimals=0,
)

QUEUE_SPACE: Final = Signal(
    "Queue space",
    "percentunit",
    PER_UNIT,
    "Share of the space for queued mail in use. When it is full, the unit refuses mail.",
    "last_over_time(ironport_queue_utilization_ratio{<<units>>}[5m])",
    limits=((limit("queue_space_ratio"), WARNING),),
    decimals=0,
)

SWAP: Final = Signal(
    "Swap space",
    "percentunit",
    PER_UNIT,
    "Share of the swap space in use, from REST.",
    "last_over_time(ironport_swap_utilization_ratio{<<units>>}[15m])",
    decimals=0,
    no_value="no unit has REST configured",
)

DISK_IO: Final = Signal(
    "Disk I/O",
    "percentunit",
    PER_UNIT,
    "Disk I/O as a share of its peak since the unit started.",
    "last_over_time(ironport_disk_io_utilization_ratio{<<units>>}[5m])",
    decimals=0,
)

LOG_DISK: Final = Signal(
    "Log disk",
    "percentunit",
    PER_UNIT,
    "Share of the log disk in use.",
    "last_over_time(ironport_log_disk_utilization_ratio{<<units>>}[5m])",
    limits=((limit("log_disk_ratio"), WARNING),),
    decimals=0,
)

CONSERVATION_LEVEL: Final = Signal(
    "Conservation level",
    "none",
    PER_UNIT,
    "How much a unit slows the acceptance of mail to save its resources, from 0 (not at all) to 60 (most).",
    "max_over_time(ironport_resource_conservation_level{<<units>>}[5m])",
    limits=((1, WARNING), (60, CRITICAL)),
    decimals=0,
)

DNS_WAITING: Final = Signal(
    "DNS waiting",
    "none",
    PER_UNIT,
    "DNS requests of a unit that wait for an answer or wait to be sent.",
    "sum without (state) (max_over_time(ironport_dns_requests{<<units>>}[5m]))",
    decimals=0,
)

# --- other resources --------------------------------------------------------------------------------------------------


def _state(metric: str, label: str, *states: str) -> str:
    """Return the PromQL of the number of the present state of each unit, counted from 0."""
    numbered_states = (
        f'{number} * last_over_time({metric}{{{label}="{state}",<<units>>}}[15m])'
        for number, state in enumerate(states)
    )
    return f"sum without ({label}) (\n" + "\n  or\n".join(numbered_states) + "\n)"


MEMORY_STATE: Final = Signal(
    "Memory state",
    "none",
    PER_UNIT,
    "State of the memory of the mail process.",
    _state("ironport_memory_availability", "state", "available", "shortage", "full"),
    words=palette.ROOM_WORDS,
)

QUEUE_SPACE_STATE: Final = Signal(
    "Queue space state",
    "none",
    PER_UNIT,
    "State of the space for queued mail.",
    _state("ironport_queue_availability", "state", "space_available", "space_shortage", "full"),
    words=palette.ROOM_WORDS,
)

CONSERVATION_REASON: Final = Signal(
    "Conserves",
    "none",
    PER_UNIT,
    "What a unit saves in resource conservation.",
    _state("ironport_resource_conservation", "reason", "none", "memory_shortage", "queue_space_shortage", "queue_full"),
    words=palette.CONSERVED_WORDS,
)

QUEUE_FREE: Final = Signal(
    "Queue free",
    "decbytes",
    PER_UNIT,
    "Queue space that is free, in bytes.",
    "last_over_time(ironport_queue_free_bytes{<<units>>}[5m])",
    decimals=1,
)

LOG_DISK_FREE: Final = Signal(
    "Log disk free",
    "decbytes",
    PER_UNIT,
    "Free space on the log disk, in bytes.",
    "last_over_time(ironport_log_disk_available_bytes{<<units>>}[5m])",
    decimals=1,
)
