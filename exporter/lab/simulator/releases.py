"""What the releases of AsyncOS call things: which items a source has, and the names of feature keys and services."""

from __future__ import annotations

from typing import Final

from exporter.metrics.conversions import PERPETUAL

LEGACY, MIDDLE, CURRENT = 4, 5, 10
"""The structures of the status page that are known: of AsyncOS 4.5, 5.1 and 10.0."""

EVALUATION: Final = "evaluation"
LAPSED: Final = "lapsed"
COUNTING: Final = "counting"

FEATURES: Final = {
    LEGACY: {
        "IronPort Anti-Spam": COUNTING,
        "Receiving": COUNTING,
        "Brightmail": COUNTING,
        "Sophos": COUNTING,
        "Virus Outbreak Filters": COUNTING,
        "Central Mgmt": COUNTING,
    },
    MIDDLE: {
        "IronPort Anti-Spam": COUNTING,
        "Receiving": COUNTING,
        "Brightmail": COUNTING,
        "Sophos": COUNTING,
        "Virus Outbreak Filters": COUNTING,
        "Central Mgmt": COUNTING,
    },
    CURRENT: {
        "McAfee": EVALUATION,
        "Sophos": COUNTING,
        "File Analysis": LAPSED,
        "Bounce Verification": PERPETUAL,
        "IronPort Anti-Spam": COUNTING,
        "IronPort Email Encryption": EVALUATION,
        "File Reputation": LAPSED,
        "Incoming Mail Handling": PERPETUAL,
        "Outbreak Filters": COUNTING,
    },
}
"""Feature keys by generation: counting down, without end, lapsed long ago, or an evaluation key that stands still."""

SERVICES: Final = {
    "Sophos Anti-Virus": 7200,
    "IronPort Anti-Spam Rules": 600,
    "Outbreak Rules": 900,
    "Feature Key Updates": 86400,
    "Time Zone Rules": 604800,
}
"""Update services, with the seconds from one update to the next."""


def generation(asyncos: str) -> int:
    """Return the structure of the status page of a release; what 10.0 has came with 8."""
    major = int(asyncos.partition(".")[0])
    return CURRENT if major >= 8 else MIDDLE if major >= 5 else LEGACY


_COMMON: Final = ("disk_utilization", "resource_conservation", "log_used", "log_available", "conn_in", "conn_out")
_QUEUES: Final = (
    "active_recips",
    "unattempted_recips",
    "attempted_recips",
    "msgs_in_work_queue",
    "dests_in_memory",
    "kbytes_used",
    "kbytes_free",
)
_PROCESSES: Final = ("ram_utilization", "total_utilization", "cpu_utilization", "av_utilization")
_OLD_QUARANTINE: Final = ("msgs_in_quarantine", "kbytes_in_quarantine")
_QUARANTINE: Final = ("msgs_in_policy_virus_outbreak_quarantine", "kbytes_in_policy_virus_outbreak_quarantine")

GAUGES: Final = {
    LEGACY: (*_PROCESSES, "as_utilization", *_COMMON, *_QUEUES, *_OLD_QUARANTINE),
    MIDDLE: (*_PROCESSES, "case_utilization", "bm_utilization", *_COMMON, *_QUEUES, *_OLD_QUARANTINE),
    CURRENT: (
        *_PROCESSES,
        "case_utilization",
        "bm_utilization",
        *_COMMON,
        *_QUEUES,
        *_QUARANTINE,
        "reporting_utilization",
        "quarantine_utilization",
    ),
}
"""The gauges of the status page by generation, in its order."""
