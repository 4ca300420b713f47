"""Monitoring health."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts
from dashboards.source.palette import CRITICAL, DATA, OTHER
from dashboards.source.panels import Column, Line, stat, state_timeline, table, timeseries
from dashboards.source.signals import Largest, monitoring
from dashboards.source.variables import JOB, POOL, SITE, UNIT


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Monitoring health",
        "Can the other dashboards be trusted: who answers, and what gets lost?",
        filters=(JOB, SITE, POOL, UNIT),
        rows=(
            frame.top(
                not_scraped(),
                no_answer(),
                snmp_silent(),
                page_silent(),
                answered(),
                of_deadline(),
                units(),
            ),
            frame.opened(
                "Sources",
                state_timeline(monitoring.SOURCES, "{{pool}} / {{instance}} ({{job}})"),
                errors(),
                probes_of_units(),
            ),
            frame.collapsed("SNMP", dropped(), packets()),
            frame.collapsed("Status pages", page_times(), requests()),
            frame.collapsed("Exporter", exporters(), probes()),
        ),
    )


def not_scraped() -> Panel:
    """Return of how many units Prometheus gets nothing."""
    signal = monitoring.NOT_SCRAPED
    return stat(Line(signal, "", f"{signal.by('sum')} or vector(0)"))


def no_answer() -> Panel:
    """Return how many units do not answer at all."""
    return stat(Line(monitoring.NO_ANSWER, "", monitoring.NO_ANSWER.by("sum")))


def snmp_silent() -> Panel:
    """Return how many units do not answer SNMP."""
    return stat(Line(monitoring.SNMP_SILENT, "", monitoring.SNMP_SILENT.by("sum")))


def page_silent() -> Panel:
    """Return how many units have no status page."""
    return stat(Line(monitoring.PAGE_SILENT, "", monitoring.PAGE_SILENT.by("sum")))


def answered() -> Panel:
    """Return the share of SNMP polls that the worst unit has answered."""
    return stat(Line(monitoring.ANSWERED, "", monitoring.ANSWERED.by("min")), title="SNMP answered, worst")


def of_deadline() -> Panel:
    """Return how near the slowest probe is to its deadline."""
    return stat(Line(monitoring.OF_DEADLINE, "", monitoring.OF_DEADLINE.by("max")), title="Slowest probe / deadline")


def units() -> Panel:
    """Return how well each unit can be watched."""
    return table(
        ("job", "pool", "instance"),
        Column(monitoring.SOURCES),
        Column(monitoring.SNMP),
        Column(monitoring.SNMP_ERROR, label="snmp_error"),
        Column(monitoring.ANSWERED, "min", name="SNMP, 1 h"),
        Column(monitoring.RESENT, name="Sent again"),
        Column(monitoring.SNMP_TIME),
        Column(monitoring.PAGE),
        Column(monitoring.PAGE_ERROR, label="page_error", name="Page error"),
        Column(monitoring.PAGE_TIME, name="Page poll"),
        Column(monitoring.OF_DEADLINE, name="Of deadline"),
        title="Units",
        description="Which sources of each unit answer, how quickly, and why not; a unit leads to its own dashboard.",
        sort=monitoring.SOURCES.name,
        height=10,
        links=(parts.UNIT,),
    )


def errors() -> Panel:
    """Return what fails, by source and reason."""
    return timeseries(Line(monitoring.ERRORS, "{{source}}: {{reason}}"), title="Units with errors, by reason")


def probes_of_units() -> Panel:
    """Return how near probes come to their deadline."""
    return timeseries(Line(monitoring.OF_DEADLINE, "{{instance}} ({{job}})", Largest(monitoring.OF_DEADLINE)))


def dropped() -> Panel:
    """Return the packets that units dropped, and whether sending them again helped."""
    return timeseries(
        Line(monitoring.RECOVERED, "in polls that missed nothing", monitoring.RECOVERED.by("sum"), colour=DATA),
        Line(monitoring.LOST, "in polls that missed something", monitoring.LOST.by("sum"), colour=CRITICAL),
    )


def packets() -> Panel:
    """Return what becomes of the exporters' packets."""
    return timeseries(
        Line(monitoring.SENT_AGAIN, "sent again", monitoring.SENT_AGAIN.by("sum"), colour=DATA),
        Line(monitoring.LATE, "answered late", monitoring.LATE.by("sum"), colour=OTHER),
        Line(monitoring.NOT_TAKEN, "not taken: {{reason}}", monitoring.NOT_TAKEN.by("sum", "reason")),
        title="SNMP packets of the exporters",
        description="Requests that were sent again, answers to earlier tries, and packets that were no answers.",
    )


def page_times() -> Panel:
    """Return how long status pages take."""
    return timeseries(Line(monitoring.PAGE_TIME, "{{instance}} ({{job}})", Largest(monitoring.PAGE_TIME)))


def requests() -> Panel:
    """Return what was answered to requests for status pages."""
    return timeseries(Line(monitoring.REQUESTS, "{{code}}", monitoring.REQUESTS.by("sum", "code")))


def exporters() -> Panel:
    """Return how each exporter does."""
    return table(
        ("job", "instance"),
        Column(monitoring.VERSION, label="version"),
        Column(monitoring.CONFIGURATION, "min"),
        Column(monitoring.LOADED),
        Column(monitoring.APPLIANCES),
        Column(monitoring.SLOWEST),
        Column(monitoring.ROUND_TRIP, name="Round trip, 95 %"),
        Column(monitoring.UNKNOWN, "sum", name="Not understood"),
        Column(monitoring.PROCESSOR),
        Column(monitoring.MEMORY),
        title="Exporters",
        description="How each exporter does that a job of Prometheus scrapes.",
        height=6,
        no_value=monitoring.VERSION.no_value,
        headings={"instance": "Exporter"},
    )


def probes() -> Panel:
    """Return the results of probes, and what sharing spares."""
    return timeseries(
        Line(monitoring.PROBES, "{{result}}", monitoring.PROBES.by("sum", "result")),
        Line(monitoring.SHARED, "polls spared", monitoring.SHARED.by("sum"), dashed=True),
        width=24,
        description="Probes a second by result, and polls that were spared because probes shared them.",
    )
