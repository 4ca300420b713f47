"""What a unit is, and how full and busy it is."""

from __future__ import annotations

from typing import Final

from alerts.thresholds import limit
from dashboards.source.palette import BASELINE, CRITICAL, WARNING
from dashboards.source.signals import PER_UNIT, Signal


def _told(metric: str) -> str:
    """Return the PromQL of a series for each unit: what it tells of itself, or told in the last day if it is silent."""
    now, before = (
        f"topk by (job, pool, instance) (1, count_over_time({metric}{{<<units>>}}[{window}]))"
        for window in ("15m", "1d")
    )
    return f"{now}\nor on (job, pool, instance)\n{before}"


TARGET: Final = Signal(
    "Unit",
    "none",
    PER_UNIT,
    "The units that are probed, with what the fleet's configuration says of them.",
    "last_over_time(ironport_probe_success{<<units>>}[5m])",
)

STATUS: Final = Signal(
    "System status",
    "none",
    PER_UNIT,
    "The system status as the status page of a unit words it.",
    "topk by (job, pool, instance) (1, count_over_time(ironport_system_status_info{<<units>>}[3m]))",
)

HARDWARE: Final = Signal(
    "Hardware",
    "none",
    PER_UNIT,
    "Model and serial number of a unit, as last told.",
    _told("ironport_hardware_info"),
)

RELEASE: Final = Signal(
    "AsyncOS",
    "none",
    PER_UNIT,
    "The release that a unit runs, as last told.",
    _told("ironport_version_info"),
)

UPTIME: Final = Signal(
    "Uptime",
    "dtdhms",
    PER_UNIT,
    "Time since a unit started, in days and hours.",
    "last_over_time(ironport_uptime_seconds{<<units>>}[15m])",
    decimals=0,
)

CPU: Final = Signal(
    "CPU",
    "percentunit",
    PER_UNIT,
    "Share of the CPU in use: of the whole appliance, and by process.",
    "last_over_time(ironport_cpu_utilization_ratio{<<units>>}[5m])",
    decimals=0,
)

CPU_OF_APPLIANCE: Final = Signal(
    "CPU",
    "percentunit",
    PER_UNIT,
    "Share of the CPU of the whole appliance in use.",
    'last_over_time(ironport_cpu_utilization_ratio{process="appliance",<<units>>}[5m])',
    decimals=0,
)

MEMORY: Final = Signal(
    "Memory",
    "percentunit",
    PER_UNIT,
    "Share of the memory in use. Resource conservation begins at 75 %, on newer releases at 45 %.",
    "last_over_time(ironport_memory_utilization_ratio{<<units>>}[5m])",
    limits=((limit("memory_ratio_newer"), BASELINE), (limit("memory_ratio_older"), WARNING)),
    decimals=0,
)

QUEUE_SPACE: Final = Signal(
    "Queue space",
    "percentunit",
    PER_UNIT,
    "Share of the space for queued mail in use; when it is full the unit refuses mail.",
    "last_over_time(ironport_queue_utilization_ratio{<<units>>}[5m])",
    limits=((limit("queue_space_ratio"), WARNING),),
    decimals=0,
)

DISK_IO: Final = Signal(
    "Disk I/O",
    "percentunit",
    PER_UNIT,
    "Disk I/O as a share of its peak since the start of the unit.",
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
    "Conservation",
    "none",
    PER_UNIT,
    "How far a unit slows the acceptance of mail to save its resources: 0 not at all, 60 the most before it refuses.",
    "max_over_time(ironport_resource_conservation_level{<<units>>}[5m])",
    limits=((1, WARNING), (60, CRITICAL)),
    decimals=0,
)
