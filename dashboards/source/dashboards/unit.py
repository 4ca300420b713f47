"""One unit, or a few."""

from __future__ import annotations

from typing import Final

from dashboards.source import shared, verdicts
from dashboards.source.layout import Dashboard, collapsed, dashboard_url, opened, top
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, Link, Panel, graph, state_timeline, table
from dashboards.source.signals import (
    PER_UNIT,
    Signal,
    compared,
    delivery,
    edge,
    hardware,
    mailflow,
    monitoring,
    unit,
    units,
)
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, Filter

BY_WORST_UNIT: Final = Filter("instance", "Unit", ranking=verdicts.OF_UNIT.expression)


def unit_detail() -> Dashboard:
    return Dashboard(
        "unit",
        "Unit",
        "What is this unit, what is its state, and what does it do?",
        filters=(BY_JOB, BY_SITE, BY_POOL, BY_WORST_UNIT),
        rows=(
            top(status(), figures_now()),
            opened(
                "Work queue",
                graph(Line(mailflow.WORK_QUEUE.largest(), shared.UNIT_NAME)),
                graph(Line(with_longest_queues(mailflow.WAIT_MINUTES, 20), shared.UNIT_NAME)),
                flow(),
                state_timeline(units.UNIT_STATE, legend=shared.UNIT_NAME, height=6),
            ),
            collapsed(
                "Connections",
                connections(),
                graph(Line(with_longest_queues(edge.SESSION, 20), shared.UNIT_NAME), height=10),
                shared.heaviest_senders(width=12),
            ),
            collapsed("System", beside_usual(), cpu(), memory_and_disks(), resources()),
            collapsed("Delivery", delivery_queue(), shared.destinations(shared.DESTINATION_STATE, width=24)),
            collapsed("Hardware and feature keys", hardware_of_the_unit()),
            collapsed("Monitoring", sources()),
        ),
    )


def with_longest_queues(signal: Signal, count: int) -> Signal:
    """Restrict the signal to the units with the longest work queues, so that every such graph shows the same units."""
    return signal.largest(count, by=mailflow.WORK_QUEUE)


def status() -> Panel:
    return table(
        ("job", "instance"),
        Column(verdicts.OF_UNIT, width=200),
        Column(unit.STATUS, label="status", name="System status"),
        Column(unit.UNIT_UPTIME),
        Column(unit.MODEL_AND_SERIAL, label="model", name="Model"),
        Column(unit.MODEL_AND_SERIAL, label="serial", name="Serial", width=175),
        Column(unit.UNIT_RELEASE, label="version", name="AsyncOS", width=95),
        Column(unit.TARGET, label="role", name="Role"),
        Column(unit.TARGET, label="site", name="Site"),
        title="Status",
        description="Verdict from the firing alerts, the unit's own system status, its model, release, role and site.",
        sort=verdicts.OF_UNIT.name,
        height=5,
        links=(Link("instance", "Only this unit", dashboard_url("unit", "job", "instance")),),
    )


def figures_now() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(units.UNIT_STATE, width=129),
        Column(mailflow.WORK_QUEUE),
        Column(mailflow.QUEUE_GROWTH),
        Column(mailflow.WAIT, width=84),
        Column(mailflow.ARRIVALS),
        Column(mailflow.PEERS_RATIO, name="Times peers"),
        Column(mailflow.EXIT_RATIO),
        Column(unit.CONSERVATION_LEVEL),
        Column(unit.MEMORY),
        Column(unit.QUEUE_SPACE),
        Column(delivery.OLDEST, name="Oldest"),
        title="Now",
        description="Present load of the unit. The colours follow the thresholds of the alerts.",
        sort=mailflow.WORK_QUEUE.name,
        height=5,
        links=(shared.TO_TRIAGE, shared.TO_UNIT),
    )


def flow() -> Panel:
    return graph(
        Line(mailflow.ARRIVALS, "in${of_job}"),
        Line(mailflow.EXIT, "out${of_job}"),
        Line(mailflow.QUEUE_GROWTH, "growth${of_job}", dashed=True),
        title="$instance: arrivals, exit rate and growth",
        description="Messages per second that arrive, that leave the work queue, and by which the work queue grows.",
        width=24,
        repeat=BY_WORST_UNIT.label,
    )


def connections() -> Panel:
    return graph(
        Line(edge.CONNECTIONS, "in${of_job}"),
        Line(edge.CONNECTIONS_OUT, "out${of_job}"),
        Line(edge.CONNECTION_LIMIT.by("max", "job"), "limit${of_job}", colour=BASELINE, dashed=True),
        title="$instance: connections",
        description="Open SMTP connections, inbound and outbound, and how many inbound ones the listeners allow.",
        width=24,
        repeat=BY_WORST_UNIT.label,
    )


def cpu() -> Panel:
    return graph(
        Line(unit.CPU, "{{process}}${of_job}"),
        title="$instance: CPU",
        width=24,
        repeat=BY_WORST_UNIT.label,
        values=unit.PROCESSES,
    )


def memory_and_disks() -> Panel:
    return graph(
        Line(unit.MEMORY, "memory${of_job}"),
        Line(unit.SWAP, "swap space${of_job}"),
        Line(unit.QUEUE_SPACE, "queue space${of_job}"),
        Line(unit.DISK_IO, "disk I/O${of_job}"),
        Line(unit.LOG_DISK, "log disk${of_job}"),
        title="$instance: memory and disks",
        description="Shares in use. Resource conservation begins at 75 % of the memory, in newer releases at 45 %.",
        width=24,
        repeat=BY_WORST_UNIT.label,
    )


def resources() -> Panel:
    return table(
        ("job", "instance"),
        Column(unit.CONSERVATION_REASON),
        Column(unit.MEMORY_STATE),
        Column(unit.QUEUE_SPACE_STATE),
        Column(unit.QUEUE_FREE),
        Column(unit.LOG_DISK_FREE),
        title="Space",
        no_value="the unit is silent",
        description="What a unit saves in resource conservation, the state of memory and queue space, and free space.",
        height=5,
    )


def beside_usual() -> Panel:
    return shared.compared_with_usual(
        *(with_longest_queues(signal, 7) for signal in compared.OF_ALL),
        title="Compared with its own usual",
        description="Figures of a unit beside its own usual: in the last week, 95 of 100 samples were at or below it. "
        "The most unusual are first. Orange: at least twice the usual. At most 7 units are shown: those with the "
        "longest work queues.",
        height=17,
    )


def delivery_queue() -> Panel:
    return graph(
        Line(delivery.ATTEMPTED, "attempted${of_job}"),
        Line(delivery.UNATTEMPTED, "unattempted${of_job}"),
        Line(delivery.UNDIVIDED, "active${of_job}"),
        title="$instance: delivery queue",
        description="Recipients that wait for the next delivery attempt, and recipients without an attempt yet. "
        "Where only REST is read, both together are the active ones.",
        width=24,
        repeat=BY_WORST_UNIT.label,
    )


def hardware_of_the_unit() -> Panel:
    return table(
        ("job", "instance"),
        Column(hardware.DRIVE),
        Column(hardware.SUPPLY),
        Column(hardware.FAN, "min"),
        *(Column(each) for each in hardware.TEMPERATURES.values()),
        Column(hardware.REDUNDANT, "min"),
        Column(hardware.RAID_EVENTS),
        Column(hardware.FIPS),
        Column(hardware.FEATURE_KEYS, "min", name="First key, days"),
        title="Hardware and keys",
        description="State of the unit's worst part of each kind, from SNMP; virtual units have none. Days until the "
        "first feature key expires. Click the unit for all its parts and keys.",
        height=5,
        no_value="not reported",
        links=(Link("instance", "Hardware of this unit", dashboard_url("hardware", "job", "instance")),),
    )


def sources() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(monitoring.SOURCE_STATE),
        *shared.columns_of_sources(),
        Column(monitoring.ANSWERED, "min"),
        Column(monitoring.RESENT),
        Column(monitoring.CERTIFICATE_DAYS, "min"),
        title="Sources",
        description="Which sources of the unit answer, and why not: SNMP, the status page (XML) and REST.",
        sort=monitoring.SOURCE_STATE.name,
        height=5,
        links=(Link("instance", "Monitoring of this unit", dashboard_url("monitoring", "job", "pool", "instance")),),
    )
