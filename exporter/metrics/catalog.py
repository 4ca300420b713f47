"""Every metric family that a probe can export: name, type, meaning, labels, and the items that feed it.

This table alone knows which item of which source feeds which family, in which order of preference and with which
unit conversion. Names and units follow the Prometheus naming practice; counters are the `lifetime` figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from exporter.metrics import conversions as to
from exporter.metrics.conversions import Conversion

Source = Literal["snmp", "xml", "config", "probe"]
"""Where items come from: the appliance's two sources, its configuration, and the probe itself."""

SOURCES: Final[tuple[Source, ...]] = ("snmp", "xml")
"""The sources that are polled."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Items of one source that give series of a family.

    `across_rows` folds the rows of a table into one value; `only_without` leaves the feed out where that source is
    configured too, because both name the same thing differently.
    """

    source: Source
    items: tuple[str, ...]
    convert: Conversion
    across_rows: Callable[[Iterable[float]], float] | None = None
    only_without: Source | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family; of the feeds that have the same series, the first gives its value.

    `items` names a long row of items by their pattern, for the HELP text.
    """

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    labels: tuple[str, ...]
    feeds: tuple[Feed, ...]
    items: str = ""

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that feed the family, the preferred one first."""
        return tuple(dict.fromkeys(feed.source for feed in self.feeds))

    @property
    def help(self) -> str:
        """The HELP text: the meaning with its unit, then the items it comes from."""
        origin = {"xml": "XML", "snmp": "SNMP", "config": "configuration"}
        named = {
            f"{origin[feed.source]} {item}": None for feed in self.feeds if feed.source in origin for item in feed.items
        }
        items = self.items or ", ".join(named)
        return f"{self.meaning} ({items})." if items else f"{self.meaning}."


def _gauge(name: str, meaning: str, *feeds: Feed, labels: tuple[str, ...] = (), items: str = "") -> Family:
    return Family(f"ironport_{name}", "gauge", meaning, labels, feeds, items)


def _counter(name: str, meaning: str, *feeds: Feed, labels: tuple[str, ...] = (), items: str = "") -> Family:
    return Family(f"ironport_{name}", "counter", meaning, labels, feeds, items)


def _xml(item: str, convert: Conversion | None = None) -> Feed:
    return Feed("xml", (item,), convert or to.scaled())


def _snmp(item: str, convert: Conversion | None = None, *, only_without: Source | None = None) -> Feed:
    return Feed("snmp", (item,), convert or to.scaled(), only_without=only_without)


def _probe(item: str) -> Feed:
    return Feed("probe", (item,), to.scaled())


def _count(name: str, *labels: str) -> Feed:
    return _xml(f"counters/{name}/lifetime", to.scaled(1, *labels))


def _current(name: str, convert: Conversion | None = None) -> Feed:
    return _xml(f"gauges/{name}/current", convert)


def _rates() -> tuple[Feed, ...]:
    flows = {
        "inj_msgs": "injected_messages",
        "inj_recips": "injected_recipients",
        "soft_bounced_evts": "soft_bounces",
        "completed_recips": "completed_recipients",
        "hard_bounced_recips": "hard_bounced_recipients",
        "delivered_recips": "delivered_recipients",
    }
    windows = {"last_1_min": "1m", "last_5_min": "5m", "last_15_min": "15m"}
    return tuple(
        _xml(f"rates/{rate}/{window}", to.per(3600, flow, label))
        for rate, flow in flows.items()
        for window, label in windows.items()
    )


def _processes() -> tuple[Feed, ...]:
    processes = {
        "total_utilization": "appliance",
        "cpu_utilization": "mail",  # the SMTP process, in spite of the item's name
        "av_utilization": "antivirus",
        "case_utilization": "antispam",
        "as_utilization": "antispam",  # its name in AsyncOS 4.5
        "bm_utilization": "brightmail",
        "reporting_utilization": "reporting",
        "quarantine_utilization": "quarantine",
    }
    return tuple(_current(gauge, to.per(100, process)) for gauge, process in processes.items())


_QUARANTINE: Final = ("policy_virus_outbreak_quarantine", "quarantine")  # newer than 7.6, until 7.6

PROBE: Final = (
    _gauge("probe_success", "Whether at least one source of the appliance is up", _probe("success")),
    _gauge("probe_duration_seconds", "Time in seconds that this probe took", _probe("duration")),
    _gauge("probe_deadline_seconds", "Time in seconds that this probe was given", _probe("deadline")),
    _gauge(
        "source_up",
        "Whether the source's core answered: a scalar of the MIB, a parsed status page",
        _probe("source_up"),
        labels=("source",),
    ),
    _gauge("source_complete", "Whether nothing of the source failed", _probe("source_complete"), labels=("source",)),
    _gauge(
        "source_duration_seconds",
        "Time in seconds that the poll of the source took",
        _probe("source_duration"),
        labels=("source",),
    ),
    _gauge(
        "source_age_seconds",
        "Age in seconds of the poll that is served, 0 if it was made by this probe",
        _probe("source_age"),
        labels=("source",),
    ),
    _gauge(
        "source_requests",
        "Packets (SNMP) or requests (XML) that this probe sent",
        _probe("source_requests"),
        labels=("source",),
    ),
    _gauge(
        "source_retries",
        "Of the requests of this probe, those sent again",
        _probe("source_retries"),
        labels=("source",),
    ),
    _gauge(
        "source_error",
        "1 for each reason for which something of the source failed in this probe, 0 for every other",
        _probe("source_error"),
        labels=("source", "reason"),
    ),
)

MAIL: Final = (
    _gauge(
        "work_queue_messages",
        "Messages in the work queue",
        _current("msgs_in_work_queue"),
        _snmp("workQueueMessages"),
    ),
    _gauge(
        "oldest_message_age_seconds",
        "Age in seconds of the oldest message in the queue",
        _xml("oldest_message/secs"),
        _snmp("oldestMessageAge"),
    ),
    _gauge(
        "queue_utilization_ratio",
        "Share of the queue space in use, 0 to 1",
        Feed("xml", ("gauges/kbytes_used/current", "gauges/kbytes_free/current"), to.share),
        _snmp("perCentQueueUtilization", to.per(100)),
    ),
    _gauge("queue_used_bytes", "Queue space in use, in bytes", _current("kbytes_used", to.scaled(1024))),
    _gauge("queue_free_bytes", "Queue space that is free, in bytes", _current("kbytes_free", to.scaled(1024))),
    _gauge(
        "queue_availability",
        "1 for the current state of the queue space, 0 for every other",
        _snmp("queueAvailabilityStatus", to.states({1: "space_available", 2: "space_shortage", 3: "full"})),
        labels=("state",),
    ),
    _gauge(
        "resource_conservation_level",
        "How far the acceptance of mail is slowed, 0 (not at all) to 60",
        _current("resource_conservation", to.conservation_level),
    ),
    _gauge(
        "resource_conservation_refusing",
        "Whether resource conservation is at 999: no mail is accepted",
        _current("resource_conservation", to.conservation_refusing),
    ),
    _gauge(
        "resource_conservation",
        "1 for the current reason for resource conservation, 0 for every other",
        _snmp(
            "resourceConservationReason",
            to.states({1: "none", 2: "memory_shortage", 3: "queue_space_shortage", 4: "queue_full"}),
        ),
        labels=("reason",),
    ),
    _gauge(
        "delivery_queue_recipients",
        "Recipients in the delivery queue: tried and waiting, or never tried",
        _current("attempted_recips", to.scaled(1, "attempted")),
        _current("unattempted_recips", to.scaled(1, "unattempted")),
        labels=("state",),
    ),
    _gauge(
        "connections",
        "Current SMTP connections",
        _current("conn_in", to.scaled(1, "in")),
        _current("conn_out", to.scaled(1, "out")),
        labels=("direction",),
    ),
    _gauge(
        "connection_limit",
        "Inbound SMTP connections that the listeners allow",
        Feed("config", ("connection_limit",), to.scaled()),
    ),
    _gauge("destinations_in_memory", "Destination objects in memory", _current("dests_in_memory")),
    _gauge("quarantine_messages", "Messages in quarantine", *(_current(f"msgs_in_{name}") for name in _QUARANTINE)),
    _gauge(
        "quarantine_bytes",
        "Space in bytes that quarantined messages take",
        *(_current(f"kbytes_in_{name}", to.scaled(1024)) for name in _QUARANTINE),
    ),
    _counter("messages_injected_total", "Messages received into the queue: arrivals", _count("inj_msgs")),
    _counter("recipients_injected_total", "Recipients of the messages received into the queue", _count("inj_recips")),
    _counter(
        "message_ids_total",
        "Message ids given out, also to transactions that were then rejected: never the number of arrivals",
        _xml("current_ids/message_id"),
    ),
    _counter("injection_connections_total", "SMTP connections accepted", _xml("current_ids/injection_conn_id")),
    _counter(
        "delivery_connections_total", "SMTP connections opened for delivery", _xml("current_ids/delivery_conn_id")
    ),
    _counter(
        "recipients_rejected_total",
        "Recipients refused by the recipient access table or for a broken protocol",
        _count("rejected_recips"),
    ),
    _counter(
        "messages_dropped_total",
        "Messages dropped by a filter, a black-hole listener, an alias to /dev/null or anti-spam",
        _count("dropped_msgs"),
    ),
    _counter(
        "recipients_bounce_generated_total",
        "Recipients of bounces that the appliance made itself",
        _count("gen_bounce_recips"),
    ),
    _counter(
        "recipients_completed_total",
        "Recipients whose delivery has ended",
        _count("delivered_recips", "delivered"),
        _count("hard_bounced_recips", "hard_bounced"),
        _count("deleted_recips", "deleted"),
        labels=("result",),
    ),
    _counter(
        "recipients_hard_bounced_total",
        "Recipients that hard bounced, by reason",
        *(_count(f"{reason}_hard_bounced_recips", reason) for reason in ("dns", "5xx", "filter", "expired", "other")),
        labels=("reason",),
        items="XML counters/*_hard_bounced_recips/lifetime",
    ),
    _counter("soft_bounces_total", "Soft bounce events; one message can count many times", _count("soft_bounced_evts")),
    _counter(
        "global_unsubscribe_hits_total",
        "Recipients dropped by the global unsubscribe list",
        _count("global_unsub_hits"),
    ),
    _gauge(
        "mail_rate_per_second",
        "The appliance's own average rate in events per second over the window",
        *_rates(),
        labels=("flow", "window"),
        items="XML rates/*",
    ),
    _gauge(
        "rated_messages_per_second",
        "Messages per second that the appliance is rated for",
        Feed("config", ("rated_messages_per_hour",), to.per(3600)),
    ),
)

SYSTEM: Final = (
    _gauge(
        "version_info",
        "The AsyncOS version, value 1",
        _xml("status/build", to.build_version),
        _snmp("sysDescr", to.described_version),
        labels=("version",),
    ),
    _gauge(
        "hardware_info",
        "The appliance's model and serial number, value 1",
        _snmp("sysDescr", to.described_hardware),
        labels=("model", "serial"),
    ),
    _gauge(
        "status_page_info",
        "Build and host name as the status page words them, value 1",
        Feed("xml", ("status/build", "status/hostname"), to.words),
        labels=("build", "hostname"),
    ),
    _gauge("online", "Whether the system status is online", _xml("system/status", to.is_word("online"))),
    _gauge(
        "system_status_info",
        "The system status as the status page words it, value 1",
        _xml("system/status", to.text),
        labels=("status",),
    ),
    _gauge("uptime_seconds", "Time in seconds since the appliance started", _xml("birth_time/timestamp", to.uptime)),
    _gauge(
        "snmp_agent_uptime_seconds",
        "Time in seconds since the SNMP agent, not the appliance, started",
        _snmp("sysUpTime", to.per(100)),
    ),
    _gauge(
        "cpu_utilization_ratio",
        "Share of the CPU in use, 0 to 1: of the whole appliance, and by process",
        *_processes(),
        labels=("process",),
        items="XML gauges/*_utilization/current",
    ),
    _gauge(
        "snmp_cpu_utilization_ratio",
        "How busy the CPU was in the last 5 s as the SNMP agent sees it, 0 to 1",
        _snmp("perCentCPUUtilization", to.per(100)),
    ),
    _gauge(
        "memory_utilization_ratio",
        "Share of the memory in use by the appliance's software, 0 to 1",
        _current("ram_utilization", to.per(100)),
        _snmp("perCentMemoryUtilization", to.per(100)),
    ),
    _gauge(
        "memory_availability",
        "1 for the current state of the mail process's memory, 0 for every other",
        _snmp("memoryAvailabilityStatus", to.states({1: "available", 2: "shortage", 3: "full"})),
        labels=("state",),
    ),
    _gauge(
        "disk_io_utilization_ratio",
        "Disk I/O as a share of its peak since boot; can pass 1 soon after boot",
        _current("disk_utilization", to.per(100)),
        _snmp("perCentDiskIOUtilization", to.per(100)),
    ),
    _gauge("log_disk_utilization_ratio", "Share of the log disk in use, 0 to 1", _current("log_used", to.per(100))),
    _gauge("log_disk_available_bytes", "Free space on the log disk, in bytes", _current("log_available", to.size)),
    _gauge("open_files", "Open files and sockets", _snmp("openFilesOrSockets")),
    _gauge("mail_transfer_threads", "Threads that transfer mail", _snmp("mailTransferThreads")),
    _gauge(
        "dns_requests",
        "DNS requests without an answer yet (outstanding) or not yet sent (pending)",
        _snmp("outstandingDNSRequests", to.scaled(1, "outstanding")),
        _snmp("pendingDNSRequests", to.scaled(1, "pending")),
        labels=("state",),
    ),
    _counter(
        "dns_operations_total",
        "Operations of the appliance's DNS resolver and cache",
        *(
            _xml(f"counters/{name}/lifetime", to.scaled(1, label))
            for name, label in {
                "dns_reqs": "request",
                "network_reqs": "network_request",
                "cache_hits": "cache_hit",
                "cache_misses": "cache_miss",
                "cache_exceptions": "cache_exception",
                "cache_expired": "cache_expired",
            }.items()
        ),
        labels=("operation",),
        items="XML counters/*/lifetime of dnsstatus",
    ),
    _gauge(
        "feature_key_remaining_seconds",
        "Time in seconds until the feature key expires, negative once it has (never negative without XML)",
        _xml("features/time_remaining", to.page_key_remaining),
        Feed("snmp", ("keyIsPerpetual", "keySecondsUntilExpire"), to.agent_key_remaining, only_without="xml"),
        labels=("feature",),
    ),
    _gauge(
        "feature_key_perpetual",
        "Whether the feature key never expires",
        _xml("features/time_remaining", to.page_key_perpetual),
        _snmp("keyIsPerpetual", to.flag({1: 1, 2: 0}), only_without="xml"),
        labels=("feature",),
    ),
    _counter("updates_total", "Successful updates of the service", _snmp("updates"), labels=("service",)),
    _counter("update_failures_total", "Failed updates of the service", _snmp("updateFailures"), labels=("service",)),
    _gauge("fips_mode", "Whether FIPS mode is on", _snmp("fipsMode", to.flag({1: 1, 2: 0}))),
)

HARDWARE: Final = (
    _gauge(
        "power_supply_status",
        "1 for the current state of the power supply, 0 for every other",
        _snmp("powerSupplyStatus", to.states({2: "healthy", 3: "no_ac", 4: "faulty", 1: "not_installed"})),
        labels=("power_supply", "status"),
    ),
    _gauge(
        "power_supply_redundant",
        "Whether the set of power supplies is redundant",
        Feed("snmp", ("powerSupplyRedundancy",), to.flag({1: 1, 2: 0}), across_rows=min),
    ),
    _gauge("temperature_celsius", "Temperature in degrees Celsius", _snmp("degreesCelsius"), labels=("sensor",)),
    _gauge(
        "fan_speed_rpm",
        "Fan speed in revolutions per minute; 0 means that it failed",
        _snmp("fanRPMs"),
        labels=("fan",),
    ),
    _gauge(
        "raid_drive_status",
        "1 for the current state of the drive, 0 for every other",
        _snmp("raidStatus", to.states({1: "healthy", 2: "failed", 3: "rebuilding"})),
        labels=("drive", "status"),
    ),
    _counter("raid_events_total", "RAID events since power on", _snmp("raidEvents")),
)

UNVERIFIED: Final = (
    _gauge(
        "destination_active_recipients",
        "Recipients in the delivery queue for the destination; page not verified on a device",
        _xml("tophosts/active_recipients"),
        labels=("destination",),
    ),
    _gauge(
        "destination_connections",
        "Outbound connections to the destination; page not verified on a device",
        _xml("tophosts/connections"),
        labels=("destination",),
    ),
    _counter(
        "destination_delivered_recipients_total",
        "Recipients delivered to the destination; page not verified on a device",
        _xml("tophosts/delivered_recipients"),
        labels=("destination",),
    ),
    _counter(
        "destination_soft_bounces_total",
        "Soft bounce events of the destination; page not verified on a device",
        _xml("tophosts/soft_bounces"),
        labels=("destination",),
    ),
    _counter(
        "destination_hard_bounces_total",
        "Hard bounces of the destination; page not verified on a device",
        _xml("tophosts/hard_bounces"),
        labels=("destination",),
    ),
    _gauge(
        "sender_connections",
        "Inbound connections of the sender; page not verified on a device",
        _xml("topin/connections"),
        labels=("sender", "listener"),
    ),
)

FAMILIES: Final = (*PROBE, *MAIL, *SYSTEM, *HARDWARE, *UNVERIFIED)

LABELS: Final = frozenset(label for family in FAMILIES for label in family.labels)
"""Every label that a family carries: an appliance's free labels must not be among them."""
