from __future__ import annotations

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE, CRITICAL, DATA
from dashboards.source.panels import HEADINGS, Column, Line, Panel, graph, height_of, stat, state_timeline, table
from dashboards.source.signals import PER_EXPORTER, PER_UNIT, monitoring
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT
from exporter.errors import REASONS
from exporter.sources.source import source_title


def monitoring_health() -> Dashboard:
    return Dashboard(
        "monitoring",
        "Monitoring health",
        "Can you trust the other dashboards: which units answer, and what is lost?",
        filters=(BY_JOB, BY_SITE, BY_POOL, BY_UNIT),
        rows=(
            top(
                stat(monitoring.NOT_SCRAPED),
                stat(monitoring.NO_ANSWER.by("sum")),
                silent_units(),
                stat(Line(monitoring.ANSWERED.worst("bottomk"), shared.UNIT_NAME), title="SNMP polls", named=True),
                stat(Line(monitoring.OF_DEADLINE.worst(), shared.UNIT_NAME), title="Slowest probe", named=True),
                monitoring_of_each_unit(),
            ),
            opened(
                "Sources",
                state_timeline(monitoring.SOURCE_STATE),
                units_with_errors(),
                graph(monitoring.OF_DEADLINE.largest()),
            ),
            collapsed("SNMP", dropped_packets(), packets_of_exporters()),
            collapsed(
                "Polls",
                longest_polls(),
                graph(monitoring.PAGE_REQUESTS.by("sum", "code"), values=monitoring.STATUS_CODES),
            ),
            collapsed("Unreadable values", unreadable_values()),
            collapsed("Exporter", exporters(), probes()),
        ),
    )


def silent_units() -> Panel:
    return stat(
        *(Line(silent.by("sum"), source_title(source)) for source, silent in monitoring.SILENT.items()),
        title="Silent sources",
        description="Units that have given no data in the last 5 minutes, for each source.",
        width=8,
    )


def units_with_errors() -> Panel:
    return graph(
        monitoring.ERRORS.by("sum", "reason"),
        title="Units with errors, by reason",
        values=REASONS,
    )


def monitoring_of_each_unit() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(monitoring.SOURCE_STATE),
        *shared.columns_of_sources(),
        Column(monitoring.ANSWERED, "min", name="SNMP, 1 h"),
        Column(monitoring.RESENT, name="Sent again / probe"),
        Column(monitoring.OF_DEADLINE),
        Column(monitoring.CERTIFICATE_DAYS, "min"),
        title="Units",
        description="Which sources of each unit answer, and why not: SNMP, the status page (XML) and REST. Click a "
        "unit to open its dashboard.",
        sort=monitoring.SOURCE_STATE.name,
        height=height_of(shared.UNITS),
        links=(shared.TO_UNIT,),
    )


def longest_polls() -> Panel:
    return graph(
        *(Line(signal.by("max"), source_title(source)) for source, signal in monitoring.POLL_TIME.items()),
        title="Longest poll of each source",
        description="How long the slowest poll takes. If it is longer than usual, a unit is busy, or the network is "
        "slow or loses packets.",
    )


def unreadable_values() -> Panel:
    return table(
        (*PER_UNIT.labels, "source"),
        Column(monitoring.UNREADABLE),
        title=monitoring.UNREADABLE.name,
        description=monitoring.UNREADABLE.description,
        sort=monitoring.UNREADABLE.name,
        no_value=monitoring.UNREADABLE.no_value,
        links=(shared.TO_UNIT,),
    )


def dropped_packets() -> Panel:
    return graph(
        Line(monitoring.RECOVERED.by("sum"), "in complete polls", colour=DATA),
        Line(monitoring.LOST.by("sum"), "in incomplete polls", colour=CRITICAL),
    )


def packets_of_exporters() -> Panel:
    return graph(
        Line(monitoring.SENT_AGAIN.by("sum"), "sent again"),
        Line(monitoring.LATE_ANSWERS.by("sum"), "answered late"),
        Line(monitoring.REJECTED_PACKETS.by("sum"), "rejected"),
        title="SNMP packets of the exporters",
        description="SNMP packets per second: sent again, answered late (after a retry was sent), or rejected.",
    )


def exporters() -> Panel:
    return table(
        PER_EXPORTER.labels,
        Column(monitoring.EXPORTER_VERSION, label="version"),
        Column(monitoring.CONFIGURATION, "min"),
        Column(monitoring.LOADED_AT),
        Column(monitoring.APPLIANCES),
        Column(monitoring.SLOWEST_PROBES),
        Column(monitoring.ROUND_TRIPS),
        Column(monitoring.UNREADABLE_TOTAL, "sum"),
        Column(monitoring.EXPORTER_CPU),
        Column(monitoring.EXPORTER_MEMORY),
        title="Exporters",
        description="State of each exporter whose /metrics a job of Prometheus scrapes.",
        height=6,
        no_value=monitoring.EXPORTER_VERSION.no_value,
        headings={**HEADINGS, "instance": "Exporter"},
    )


def probes() -> Panel:
    return graph(
        monitoring.PROBES.by("sum", "result"),
        Line(monitoring.SHARED_POLLS.by("sum"), "shared", colour=BASELINE, dashed=True),
        width=24,
        values=("complete", "partial", "failed"),
        description="Probes per second by result, and probes that shared or reused a poll of another probe.",
    )
