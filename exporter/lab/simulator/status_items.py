"""The items of the status pages: which there are, in the order of the page, and what the counters are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from exporter.lab.simulator.releases import CURRENT, LEGACY, MIDDLE
from exporter.lab.simulator.state import COMPLETED_COUNTS, HARD_BOUNCE_COUNTS, Count

PageName = Literal["status", "dnsstatus", "tophosts", "topin"]

WINDOWS: Final = {"last_1_min": 60, "last_5_min": 300, "last_15_min": 900}
"""Seconds of the windows over which the page gives rates."""

RATED_COUNTERS: Final = (
    "inj_msgs",
    "inj_recips",
    "soft_bounced_evts",
    "completed_recips",
    "hard_bounced_recips",
    "delivered_recips",
)
"""The counters that the page gives rates of."""

COUNTERS: Final[Mapping[str, Count | slice]] = {
    "inj_msgs": Count.INJ_MSGS,
    "inj_recips": Count.INJ_RECIPS,
    "gen_bounce_recips": Count.GEN_BOUNCE_RECIPS,
    "rejected_recips": Count.REJECTED_RECIPS,
    "dropped_msgs": Count.DROPPED_MSGS,
    "soft_bounced_evts": Count.SOFT_BOUNCED_EVTS,
    "completed_recips": COMPLETED_COUNTS,
    "hard_bounced_recips": HARD_BOUNCE_COUNTS,
    "dns_hard_bounced_recips": Count.DNS_HARD_BOUNCED,
    "5xx_hard_bounced_recips": Count.STATUS_5XX_HARD_BOUNCED,
    "filter_hard_bounced_recips": Count.FILTER_HARD_BOUNCED,
    "expired_hard_bounced_recips": Count.EXPIRED_HARD_BOUNCED,
    "other_hard_bounced_recips": Count.OTHER_HARD_BOUNCED,
    "delivered_recips": Count.DELIVERED_RECIPS,
    "deleted_recips": Count.DELETED_RECIPS,
    "global_unsub_hits": Count.GLOBAL_UNSUB_HITS,
}
"""The counters. Each is one total of the state, or the sum of several totals."""

IDS: Final = {
    "message_id": Count.MESSAGE_IDS,
    "injection_conn_id": Count.INJECTION_CONNECTIONS,
    "delivery_conn_id": Count.DELIVERY_CONNECTIONS,
}
"""The ids that count up, each with its total."""

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
_NEW_QUARANTINE: Final = ("msgs_in_policy_virus_outbreak_quarantine", "kbytes_in_policy_virus_outbreak_quarantine")

GAUGES: Final = {
    LEGACY: (*_PROCESSES, "as_utilization", *_COMMON, *_QUEUES, *_OLD_QUARANTINE),
    MIDDLE: (*_PROCESSES, "case_utilization", "bm_utilization", *_COMMON, *_QUEUES, *_OLD_QUARANTINE),
    CURRENT: (
        *_PROCESSES,
        "case_utilization",
        "bm_utilization",
        *_COMMON,
        *_QUEUES,
        *_NEW_QUARANTINE,
        "reporting_utilization",
        "quarantine_utilization",
    ),
}
"""The gauges by generation, in the order of the page."""
