"""The exporter's own metrics, served on /metrics."""

from __future__ import annotations

import asyncio

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from exporter import BRANCH, REVISION, __version__


def _tasks() -> int:
    """Return how many tasks run in this thread's event loop, if there is one."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Telemetry:
    """One set of instruments in a registry of its own; `registry` is what /metrics serves."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library does not annotate it
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = self._gauge(
            "build_info",
            "The exporter's version, and the revision and branch that its image was built from; value 1",
            "version",
            "revision",
            "branch",
        )
        build.labels(__version__, REVISION, BRANCH).set(1)
        self.reload_successful = self._gauge(
            "config_last_reload_successful", "1 if the last load of the configuration succeeded"
        )
        self.reload_timestamp = self._gauge(
            "config_last_reload_success_timestamp_seconds", "Unix time of the last successful load of the configuration"
        )
        self.web_config_successful = self._gauge(
            "web_config_last_reload_successful",
            "1 if the last load of the file of --web.config.file succeeded, or if there is no such file",
        )
        self.appliances = self._gauge("appliances", "Appliances in the running configuration")
        self._gauge("tasks", "Asyncio tasks of the exporter").set_function(_tasks)
        self.probes = self._counter("probes", "Probes by result: complete, partial or failed", "result")
        self.probes_shared = self._counter("probes_shared", "Probes that shared or reused a poll of another probe")
        self.probes_in_flight = self._gauge("probes_in_flight", "Probes that are running")
        self.probe_duration = self._histogram("probe_duration_seconds", "How long probes took, in seconds")
        self.snmp_sent = self._counter("snmp_requests_sent", "SNMP packets sent, including those sent again")
        self.snmp_resent = self._counter(
            "snmp_requests_resent", "SNMP requests sent again because no answer came in time"
        )
        self.snmp_recovered = self._counter(
            "snmp_requests_recovered", "SNMP requests that were answered after they had been sent again"
        )
        self.snmp_unanswered = self._counter(
            "snmp_requests_unanswered", "SNMP requests that were given up, or had no answer at the end of the poll"
        )
        self.snmp_responses = self._counter("snmp_responses", "SNMP answers accepted")
        self.snmp_late = self._counter(
            "snmp_late_responses", "SNMP answers accepted that belong to an earlier try than the last"
        )
        self.snmp_reports = self._counter(
            "snmp_reports",
            "SNMPv3 reports that came instead of answers: the engine or the time of an agent, or an error",
        )
        self.snmp_rejected = self._counter(
            "snmp_rejected_responses", "SNMP packets received and dropped, by reason", "reason"
        )
        self.snmp_round_trip = self._histogram(
            "snmp_round_trip_seconds", "How long answers to SNMP packets took, in seconds"
        )
        self.xml_requests = self._counter(
            "xml_requests", 'HTTP requests for status pages by status code; "none" means no answer', "code"
        )
        self.rest_requests = self._counter(
            "rest_requests", 'HTTP requests for the REST interface by status code; "none" means no answer', "code"
        )
        self.unknown_values = self._counter("unknown_values", "Unreadable values received, by item", "item")
        for result in ("complete", "partial", "failed"):
            self.probes.labels(result)
        for reason in ("malformed", "wrong_id", "wrong_identity", "duplicate"):
            self.snmp_rejected.labels(reason)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"ironport_exporter_{name}", f"{meaning}.", labels, registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"ironport_exporter_{name}", f"{meaning}.", labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str) -> Histogram:
        return Histogram(f"ironport_exporter_{name}", f"{meaning}.", buckets=_SECONDS, registry=self.registry)
