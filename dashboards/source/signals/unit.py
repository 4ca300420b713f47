"""What a unit is, and how full and busy it is."""

from __future__ import annotations

from typing import Final

from dashboards.source.palette import BASELINE, CRITICAL, WARNING
from dashboards.source.signals import Signal
from dashboards.source.thresholds import limit


def _told(metric: str) -> str:
    """Return the PromQL of a series for each unit: what it tells of itself, or told in the last day if it is silent."""
    now, before = (
        f"topk by (job, pool, instance) (1, count_over_time({metric}{{<units>}}[{window}]))" for window in ("15m", "1d")
    )
    return f"{now}\nor on (job, pool, instance)\n{before}"


TARGET: Final = Signal(
    "Unit",
    "none",
    "The units that are probed, with what the fleet's configuration says of them.",
    "last_over_time(ironport_probe_success{<units>}[5m])",
)

STATUS: Final = Signal(
    "System status",
    "none",
    "The system status as the status page of a unit words it.",
    "topk by (job, pool, instance) (1, count_over_time(ironport_system_status_info{<units>}[3m]))",
)

HARDWARE: Final = Signal(
    "Hardware",
    "none",
    "Model and serial number of a unit, as last told.",
    _told("ironport_hardware_info"),
)

VERSION: Final = Signal(
    "AsyncOS",
    "none",
    "The release that a unit runs, as last told.",
    _told("ironport_version_info"),
)

UPTIME: Final = Signal(
    "Uptime",
    "dtdhms",
    "Time since a unit started, in days and hours.",
    "last_over_time(ironport_uptime_seconds{<units>}[15m])",
    decimals=0,
)

CPU: Final = Signal(
    "CPU",
    "percentunit",
    "Share of the CPU in use: of the whole appliance, and by process.",
    "last_over_time(ironport_cpu_utilization_ratio{<units>}[5m])",
    decimals=0,
)

CPU_IN_ALL: Final = Signal(
    "CPU",
    "percentunit",
    "Share of the CPU of the whole appliance in use.",
    'last_over_time(ironport_cpu_utilization_ratio{process="appliance",<units>}[5m])',
    decimals=0,
)

MEMORY: Final = Signal(
    "Memory",
    "percentunit",
    "Share of the memory in use. Resource conservation begins at 75 %, on newer releases at 45 %.",
    "last_over_time(ironport_memory_utilization_ratio{<units>}[5m])",
    limits=((limit("memory_ratio_newer"), BASELINE), (limit("memory_ratio_older"), WARNING)),
    decimals=0,
)

QUEUE_SPACE: Final = Signal(
    "Queue space",
    "percentunit",
    "Share of the space for queued mail in use; when it is full the unit refuses mail.",
    "last_over_time(ironport_queue_utilization_ratio{<units>}[5m])",
    limits=((limit("queue_space_ratio"), WARNING),),
    decimals=0,
)

DISK_IO: Final = Signal(
    "Disk I/O",
    "percentunit",
    "Disk I/O as a share of its peak since the start of the unit.",
    "last_over_time(ironport_disk_io_utilization_ratio{<units>}[5m])",
    decimals=0,
)

LOG_DISK: Final = Signal(
    "Log disk",
    "percentunit",
    "Share of the log disk in use.",
    "last_over_time(ironport_log_disk_utilization_ratio{<units>}[5m])",
    limits=((limit("log_disk_ratio"), WARNING),),
    decimals=0,
)

CONSERVATION_LEVEL: Final = Signal(
    "Conservation",
    "none",
    "How far a unit slows the acceptance of mail to save its resources: 0 not at all, 60 the most before it refuses.",
    "max_over_time(ironport_resource_conservation_level{<units>}[5m])",
    limits=((1, WARNING), (60, CRITICAL)),
    decimals=0,
)
