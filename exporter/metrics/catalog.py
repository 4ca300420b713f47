"""Every metric family that a probe can export: name, type, meaning, labels, and the items that feed it.

This table alone knows which item of which source feeds which family, in which order of preference and with which
unit conversion. Names and units follow the Prometheus naming practice. Counters are the `lifetime` figures of the
status page; those of the REST interface count since the last restart and serve only where that page is not configured.
The status page stands first in every family that has it, and REST last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from exporter.metrics import conversions as to
from exporter.metrics.conversions import Conversion

_UNITS: Final = frozenset({"bytes", "celsius", "ratio", "rpm", "seconds"})


@dataclass(frozen=True, slots=True)
class Feed:
    """Items of one source that give series of a family."""

    source: str
    """A source of appliances, "config" (what fleet.yml adds) or "probe" (how the probe itself went)."""
    items: tuple[str, ...]
    convert: Conversion
    across_rows: Callable[[Iterable[float]], float] | None = None
    """Makes one value of the rows of a table."""
    without: frozenset[str] = frozenset()
    """Feeds the family only where the appliance is configured for none of these sources: where they mean something
    else by the same series, one must not stand in for the other."""


@dataclass(frozen=True, slots=True, eq=False)  # there is one of each, so that the object itself is a quick key
class Family:
    """A metric family. Of the sources that have a value for it, the one whose feed stands first is exported."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    labels: tuple[str, ...]
    feeds: tuple[Feed, ...]
    items_pattern: str = ""
    """Names the items in the HELP text where they are too many to list."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that feed the family, the preferred one first."""
        return tuple(dict.fromkeys(feed.source for feed in self.feeds))

    @property
    def unit(self) -> str:
        """The unit that the name ends with, or nothing."""
        word = self.name.removesuffix("_total").rpartition("_")[2]
        return word if word in _UNITS else ""

    @property
    def help(self) -> str:
        """The HELP text: the meaning with its unit, then the items that it comes from."""
        items = self.items_pattern or ", ".join(dict.fromkeys(self._origins()))
        return f"{self.meaning} ({items})." if items else f"{self.meaning}."

    def _origins(self) -> Iterator[str]:
        for feed in self.feeds:
            if feed.source != "probe":
                origin = "configuration" if feed.source == "config" else feed.source.upper()
                yield from (f"{origin} {item}" for item in feed.items)


def _gauge(name: str, meaning: str, *feeds: Feed, labels: tuple[str, ...] = (), items_pattern: str = "") -> Family:
    return Family(f"ironport_{name}", "gauge", meaning, labels, feeds, items_pattern)


def _counter(name: str, meaning: str, *feeds: Feed, labels: tuple[str, ...] = (), items_pattern: str = "") -> Family:
    return Family(f"ironport_{name}", "counter", meaning, labels, feeds, items_pattern)


def _xml(item: str, convert: Conversion | None = None) -> Feed:
    return Feed("xml", (item,), convert or to.scaled())


def _snmp(item: str, convert: Conversion | None = None) -> Feed:
    return Feed("snmp", (item,), convert or to.scaled())


def _rest(item: str, convert: Conversion | None = None, without: tuple[str, ...] = ()) -> Feed:
    return Feed("rest", (item,), convert or to.scaled(), without=frozenset(without))


def _probe(item: str) -> Feed:
    return Feed("probe", (item,), to.scaled())


def _count(name: str, *labels: str) -> Feed:
    return _xml(f"counters/{name}/lifetime", to.scaled(1, *labels))


def _tophosts(figure: str) -> Feed:
    return Feed("xml", (f"tophosts/{figure}",), to.scaled(), without=frozenset({"rest"}))


def _since_restart(name: str, *labels: str) -> Feed:
    return _rest(f"counters/{name}", to.scaled(1, *labels), without=("xml",))


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
    return tuple(_current(gauge, to.percent(process)) for gauge, process in processes.items())


_QUARANTINE: Final = ("policy_virus_outbreak_quarantine", "quarantine")  # newer than 7.6, until 7.6

PROBE: Final = (
    _gauge("probe_success", "1 if at least one source of the appliance is up", _probe("success")),
    _gauge("probe_duration_seconds", "How long this probe took, in seconds", _probe("duration")),
    _gauge("probe_deadline_seconds", "How long this probe was allowed to take, in seconds", _probe("deadline")),
    _gauge(
        "source_up",
        "1 if the source gave usable data (SNMP: a value of the MIB; XML: a status page that could be read; "
        "REST: its system status or its health)",
        _probe("source_up"),
        labels=("source",),
    ),
    _gauge(
        "source_complete",
        "1 if the source is up and no part of it failed",
        _probe("source_complete"),
        labels=("source",),
    ),
    _gauge(
        "source_duration_seconds",
        "How long the poll of the source took, in seconds",
        _probe("source_duration"),
        labels=("source",),
    ),
    _gauge(
        "source_age_seconds",
        "How many seconds before this probe the poll began; 0 if this probe began it, more if it is shared or reused",
        _probe("source_age"),
        labels=("source",),
    ),
    _gauge(
        "source_requests",
        "Packets (SNMP) or requests (XML, REST) that this probe sent; 0 if it shares the poll of another probe",
        _probe("source_requests"),
        labels=("source",),
    ),
    _gauge(
        "source_retries",
        "How many of the requests of this probe were sent again because no answer came in time",
        _probe("source_retries"),
        labels=("source",),
    ),
    _gauge(
        "source_unreadable_values",
        "Values that the source gave in this poll and that could not be read; the debug output and the log name them",
        _probe("source_unreadable_values"),
        labels=("source",),
    ),
    _gauge(
        "source_error",
        "1 for each reason why a part of the source failed in this probe, 0 for all other reasons",
        _probe("source_error"),
        labels=("source", "reason"),
    ),
    _gauge(
        "tls_certificate_expiry_timestamp_seconds",
        "When the certificate of the appliance expires, in Unix time; verified_by says what it was checked against",
        _probe("certificate_expiry"),
        labels=("source", "verified_by"),
    ),
)

MAIL: Final = (
    _gauge(
        "work_queue_messages",
        "Messages in the work queue",
        _current("msgs_in_work_queue"),
        _snmp("workQueueMessages"),
        _rest("gauges/msgs_in_work_queue"),
        _rest("health/messages_in_workqueue"),
    ),
    _gauge(
        "oldest_message_age_seconds",
        "Age of the oldest message in the queue, in seconds",
        _xml("oldest_message/secs"),
        _snmp("oldestMessageAge"),
        _rest("mail_system_status/oldest_message", to.clock),
    ),
    _gauge(
        "queue_utilization_ratio",
        "Share of the queue space that is in use, 0 to 1",
        Feed("xml", ("gauges/kbytes_used/current", "gauges/kbytes_free/current"), to.share),
        _snmp("perCentQueueUtilization", to.percent()),
        _rest("gauges/total_queue_utilized", to.percent()),
        _rest("health/percentage_queue_utilization", to.percent()),
    ),
    _gauge("queue_used_bytes", "Queue space in use, in bytes", _current("kbytes_used", to.scaled(1024))),
    _gauge("queue_free_bytes", "Queue space that is free, in bytes", _current("kbytes_free", to.scaled(1024))),
    _gauge(
        "queue_availability",
        "1 for the current state of the queue space, 0 for all others",
        _snmp("queueAvailabilityStatus", to.states({1: "space_available", 2: "space_shortage", 3: "full"})),
        labels=("state",),
    ),
    _gauge(
        "resource_conservation_level",
        "How much the appliance slows the acceptance of mail, 0 (not at all) to 60",
        _current("resource_conservation", to.conservation_level),
        _rest("health/resource_conservation", to.conservation_level),
    ),
    _gauge(
        "resource_conservation_refusing",
        "1 if resource conservation is at 999: the appliance accepts no mail",
        _current("resource_conservation", to.conservation_refusing),
        _rest("health/resource_conservation", to.conservation_refusing),
    ),
    _gauge(
        "resource_conservation",
        "1 for the current reason for resource conservation, 0 for all others",
        _snmp(
            "resourceConservationReason",
            to.states({1: "none", 2: "memory_shortage", 3: "queue_space_shortage", 4: "queue_full"}),
        ),
        labels=("reason",),
    ),
    _gauge(
        "delivery_queue_recipients",
        "Recipients in the delivery queue by state: unattempted, or attempted and waiting for the next try; "
        "if REST gives the value, active, which is both together",
        _current("attempted_recips", to.scaled(1, "attempted")),
        _current("unattempted_recips", to.scaled(1, "unattempted")),
        # Beside the states of the page, it would count each recipient twice.
        _rest("gauges/total_active_recipients", to.scaled(1, "active"), without=("xml",)),
        labels=("state",),
    ),
    _gauge(
        "connections",
        "Current SMTP connections",
        _current("conn_in", to.scaled(1, "in")),
        _current("conn_out", to.scaled(1, "out")),
        _rest("gauges/current_incoming_connections", to.scaled(1, "in")),
        _rest("gauges/current_outgoing_connections", to.scaled(1, "out")),
        labels=("direction",),
    ),
    _gauge(
        "connection_limit",
        "Maximum number of inbound SMTP connections that the listeners accept at the same time",
        Feed("config", ("connection_limit",), to.scaled()),
    ),
    _gauge(
        "destinations_in_memory",
        "Destination objects in memory",
        _current("dests_in_memory"),
        _rest("gauges/dest_objects_in_memory"),
    ),
    _gauge(
        "quarantine_messages",
        "Messages in quarantine",
        *(_current(f"msgs_in_{name}") for name in _QUARANTINE),
        _rest("gauges/msgs_in_quarantine"),
    ),
    _gauge(
        "quarantine_bytes",
        "Space that quarantined messages take, in bytes",
        *(_current(f"kbytes_in_{name}", to.scaled(1024)) for name in _QUARANTINE),
    ),
    _counter(
        "messages_injected_total",
        "Messages received into the queue: arrivals",
        _count("inj_msgs"),
        _since_restart("messages_received_uptime"),
    ),
    _counter("recipients_injected_total", "Recipients of the messages received into the queue", _count("inj_recips")),
    _counter(
        "message_ids_total",
        "Message IDs (MID) that were used; rejected transactions use a MID too, so this is not the number of arrivals",
        _xml("current_ids/message_id"),
    ),
    _counter("injection_connections_total", "SMTP connections accepted", _xml("current_ids/injection_conn_id")),
    _counter(
        "delivery_connections_total", "SMTP connections opened for delivery", _xml("current_ids/delivery_conn_id")
    ),
    _counter(
        "recipients_rejected_total",
        "Recipients rejected by the recipient access table or because of protocol errors",
        _count("rejected_recips"),
        _since_restart("rejected_recipients_uptime"),
    ),
    _counter(
        "messages_dropped_total",
        "Messages dropped by a filter, a black-hole listener, an alias to /dev/null or anti-spam",
        _count("dropped_msgs"),
        _since_restart("dropped_messages_uptime"),
    ),
    _counter(
        "recipients_bounce_generated_total",
        "Recipients of bounce messages that the appliance generated",
        _count("gen_bounce_recips"),
    ),
    _counter(
        "recipients_completed_total",
        "Recipients that have left the delivery queue for good, by result",
        _count("delivered_recips", "delivered"),
        _count("hard_bounced_recips", "hard_bounced"),
        _count("deleted_recips", "deleted"),
        _since_restart("delivered_recipients_uptime", "delivered"),
        _since_restart("total_hard_bounces_uptime", "hard_bounced"),
        labels=("result",),
    ),
    _counter(
        "recipients_hard_bounced_total",
        "Recipients that hard bounced, by reason",
        *(_count(f"{reason}_hard_bounced_recips", reason) for reason in ("dns", "5xx", "filter", "expired", "other")),
        labels=("reason",),
        items_pattern="XML counters/*_hard_bounced_recips/lifetime",
    ),
    _counter(
        "soft_bounces_total",
        "Soft bounce events; one message can have many",
        _count("soft_bounced_evts"),
        _since_restart("soft_bounced_events_uptime"),
    ),
    _counter(
        "global_unsubscribe_hits_total",
        "Recipients dropped by the global unsubscribe list",
        _count("global_unsub_hits"),
    ),
    _gauge(
        "mail_rate_per_second",
        "Average rate over the window, as the appliance itself reports it, in events per second",
        *_rates(),
        labels=("flow", "window"),
        items_pattern="XML rates/*",
    ),
    _gauge(
        "rated_messages_per_second",
        "Messages per second that the appliance is known to carry",
        Feed("config", ("rated_messages_per_hour",), to.per(3600)),
    ),
)

VERSION_INFO: Final = _gauge(
    "version_info",
    "The AsyncOS version, value 1",
    _xml("status/build", to.build_version),
    _snmp("sysDescr", to.described_version),
    # Without the build, at least in the one answer that is published: in its place it would change the label.
    _rest("version_details/operating_system", to.build_version, without=("xml", "snmp")),
    labels=("version",),
)

SYSTEM: Final = (
    VERSION_INFO,
    _gauge(
        "version_number",
        "The AsyncOS version as a number, higher for a newer version: 12.5.3-035 is 12005003035",
        _xml("status/build", to.version_number(to.build_version)),
        _snmp("sysDescr", to.version_number(to.described_version)),
        _rest("version_details/operating_system", to.version_number(to.build_version), without=("xml", "snmp")),
    ),
    _gauge(
        "minimum_version_number",
        "The oldest AsyncOS version that the appliance should run, as a number like ironport_version_number",
        Feed("config", ("minimum_version",), to.minimum_version_number),
        labels=("version",),
    ),
    _gauge(
        "maintenance",
        "1 during a maintenance window of fleet.yml, else 0; not exported if the appliance has no window",
        Feed("config", ("maintenance",), to.scaled()),
    ),
    _gauge(
        "holiday",
        "1 on a holiday of fleet.yml, else 0; not exported if fleet.yml has no holidays",
        Feed("config", ("holidays",), to.scaled()),
    ),
    _gauge(
        "hardware_info",
        "The appliance's model and serial number, value 1",
        _snmp("sysDescr", to.described_hardware),
        Feed("rest", ("version_details/model", "version_details/serial_number"), to.labels),
        labels=("model", "serial"),
    ),
    _gauge(
        "status_page_info",
        "Build and host name as the status page gives them, value 1",
        Feed("xml", ("status/build", "status/hostname"), to.labels),
        labels=("build", "hostname"),
    ),
    _gauge(
        "online",
        "1 if the system status is online",
        _xml("system/status", to.is_word("online")),
        _rest("mail_system_status/system_status", to.is_word("online")),
    ),
    _gauge(
        "system_status_info",
        "The system status as the status page gives it, or in lower case as REST gives it, value 1",
        _xml("system/status", to.labels),
        _rest("mail_system_status/system_status", to.lower_case_label),
        labels=("status",),
    ),
    _gauge("uptime_seconds", "How long ago the appliance started, in seconds", _xml("birth_time/timestamp", to.uptime)),
    _gauge(
        "snmp_agent_uptime_seconds",
        "How long ago the SNMP agent started, in seconds; the agent can restart without the appliance",
        _snmp("sysUpTime", to.per(100)),
    ),
    _gauge(
        "cpu_utilization_ratio",
        "Share of the CPU that is in use, 0 to 1, for the whole appliance and by process",
        *_processes(),
        _rest("gauges/overall_cpu_load", to.percent("appliance")),
        _rest("health/percentage_cpu_load", to.percent("appliance")),
        labels=("process",),
        items_pattern="XML gauges/*_utilization/current, REST gauges/overall_cpu_load, REST health/percentage_cpu_load",
    ),
    _gauge(
        "snmp_cpu_utilization_ratio",
        "Share of the CPU that was in use in the last 5 s, as the SNMP agent reports it, 0 to 1",
        _snmp("perCentCPUUtilization", to.percent()),
    ),
    _gauge(
        "memory_utilization_ratio",
        "Share of the memory that the appliance's software uses, 0 to 1",
        _current("ram_utilization", to.percent()),
        _snmp("perCentMemoryUtilization", to.percent()),
        _rest("gauges/ram_utilization", to.percent()),
        _rest("health/percentage_ram_utilization", to.percent()),
    ),
    _gauge(
        "swap_utilization_ratio",
        "Share of the swap space that is in use, 0 to 1",
        _rest("health/percentage_swap_utilization", to.percent()),
    ),
    _gauge(
        "memory_availability",
        "1 for the current state of the mail process's memory, 0 for all others",
        _snmp("memoryAvailabilityStatus", to.states({1: "available", 2: "shortage", 3: "full"})),
        labels=("state",),
    ),
    _gauge(
        "disk_io_utilization_ratio",
        "Disk I/O as a share of its peak since boot; can be above 1 soon after boot",
        _current("disk_utilization", to.percent()),
        _snmp("perCentDiskIOUtilization", to.percent()),
        _rest("gauges/disk_io_utilization", to.percent()),
        _rest("health/percentage_diskio", to.percent()),
    ),
    _gauge(
        "log_disk_utilization_ratio", "Share of the log disk that is in use, 0 to 1", _current("log_used", to.percent())
    ),
    _gauge("log_disk_available_bytes", "Free space on the log disk, in bytes", _current("log_available", to.size)),
    _gauge("open_files", "Open files and sockets", _snmp("openFilesOrSockets")),
    _gauge("mail_transfer_threads", "Threads that transfer mail", _snmp("mailTransferThreads")),
    _gauge(
        "dns_requests",
        "DNS requests that wait for an answer (outstanding) or wait to be sent (pending)",
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
        items_pattern="XML counters/*/lifetime of dnsstatus",
    ),
    _gauge(
        "feature_key_remaining_seconds",
        "Time until the feature key expires, in seconds; negative once it has expired, or 0 if SNMP gave the value",
        _xml("features/time_remaining", to.page_key_remaining),
        Feed("snmp", ("keyIsPerpetual", "keySecondsUntilExpire"), to.agent_key_remaining),
        labels=("feature",),
    ),
    _gauge(
        "feature_key_perpetual",
        "1 if the feature key never expires",
        _xml("features/time_remaining", to.page_key_perpetual),
        _snmp("keyIsPerpetual", to.zero_or_one({1: 1, 2: 0})),
        labels=("feature",),
    ),
    _counter("updates_total", "Successful updates of the service", _snmp("updates"), labels=("service",)),
    _counter("update_failures_total", "Failed updates of the service", _snmp("updateFailures"), labels=("service",)),
    _gauge("fips_mode", "1 if FIPS mode is on", _snmp("fipsMode", to.zero_or_one({1: 1, 2: 0}))),
)

HARDWARE: Final = (
    _gauge(
        "power_supply_status",
        "1 for the current state of the power supply, 0 for all others",
        _snmp("powerSupplyStatus", to.states({2: "healthy", 3: "no_ac", 4: "faulty", 1: "not_installed"})),
        labels=("power_supply", "status"),
    ),
    _gauge(
        "power_supply_redundant",
        "1 if the set of power supplies is redundant",
        Feed("snmp", ("powerSupplyRedundancy",), to.zero_or_one({1: 1, 2: 0}), across_rows=min),
    ),
    _gauge(
        "temperature_celsius", "Temperature in degrees Celsius", _snmp("degreesCelsius", to.signed), labels=("sensor",)
    ),
    _gauge(
        "fan_speed_rpm",
        "Fan speed in revolutions per minute; 0 means that the fan failed",
        _snmp("fanRPMs"),
        labels=("fan",),
    ),
    _gauge(
        "raid_drive_status",
        "1 for the current state of the drive, 0 for all others",
        _snmp("raidStatus", to.states({1: "healthy", 2: "failed", 3: "rebuilding"})),
        labels=("drive", "status"),
    ),
    _counter("raid_events_total", "RAID events since power on", _snmp("raidEvents")),
)

_DESTINATION: Final = ("destination", "class")

UNVERIFIED: Final = (
    _gauge(
        "destination_active_recipients",
        "Recipients in the delivery queue for the destination; not verified on a device",
        _rest("delivery_status/active_recipients"),
        _tophosts("active_recipients"),
        labels=_DESTINATION,
    ),
    _gauge(
        "destination_connections",
        "Outbound connections to the destination; not verified on a device",
        _rest("delivery_status/connections_out"),
        _tophosts("connections"),
        labels=_DESTINATION,
    ),
    _counter(
        "destination_delivered_recipients_total",
        "Recipients delivered to the destination; not verified on a device",
        _rest("delivery_status/delivered_recipients"),
        _tophosts("delivered_recipients"),
        labels=_DESTINATION,
    ),
    _counter(
        "destination_soft_bounces_total",
        "Soft bounce events of the destination; not verified on a device",
        _rest("delivery_status/soft_bounces"),
        _tophosts("soft_bounces"),
        labels=_DESTINATION,
    ),
    _counter(
        "destination_hard_bounces_total",
        "Hard bounces of the destination; not verified on a device",
        _rest("delivery_status/hard_bounces"),
        _tophosts("hard_bounces"),
        labels=_DESTINATION,
    ),
    _gauge(
        "destination_status",
        "The latest status of the destination as the appliance gives it, value 1; not verified on a device",
        _rest("delivery_status/latest_host_status", to.labels),
        labels=(*_DESTINATION, "status"),
    ),
    _gauge(
        "sender_connections",
        "Inbound connections of the sender; not verified on a device",
        _xml("topin/connections"),
        labels=("sender", "listener"),
    ),
)

FAMILIES: Final = (*PROBE, *MAIL, *SYSTEM, *HARDWARE, *UNVERIFIED)

LABELS: Final = frozenset(label for family in FAMILIES for label in family.labels)
"""Every label that a family carries: an appliance's free labels must not be among them."""


def items_of(source: str) -> frozenset[str]:
    """Return the items of a source that feed a family."""
    feeds = (feed for family in FAMILIES for feed in family.feeds)
    return frozenset(item for feed in feeds if feed.source == source for item in feed.items)
