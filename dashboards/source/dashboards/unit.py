"""One unit, or a few."""

from __future__ import annotations

from typing import Final

from dashboards.source import shared, verdicts
from dashboards.source.layout import Dashboard, collapsed, dashboard_url, opened, top
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, Link, Panel, graph, state_timeline, table
from dashboards.source.signals import PER_UNIT, Signal, delivery, edge, hardware, mailflow, monitoring, unit, units
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT

UNIT_NAME: Final = "{{instance}} ({{job}})"
"""A legend without the pool, which is nearly always the same here."""


def unit_detail() -> Dashboard:
    return Dashboard(
        "unit",
        "Unit",
        "How is this unit, what is it, and what does it do?",
        filters=(BY_JOB, BY_SITE, BY_POOL, BY_UNIT),
        rows=(
            top(status(), figures_now()),
            opened(
                "Work queue",
                graph(Line(mailflow.WORK_QUEUE.largest(), UNIT_NAME)),
                flow(),
                graph(Line(with_longest_queues(mailflow.WAIT, 20), UNIT_NAME)),
                state_timeline(units.STATE, legend=UNIT_NAME, width=12),
            ),
            collapsed(
                "Connections",
                connections(),
                graph(Line(with_longest_queues(edge.SESSION, 20), UNIT_NAME)),
                shared.heaviest_senders(width=24),
            ),
            collapsed("System", cpu(), memory_and_disks()),
            collapsed("Delivery", delivery_queue(), shared.hard_bounces_by_reason()),
            collapsed("Hardware and feature keys", hardware_of_the_unit(), keys_of_the_unit()),
            collapsed("Monitoring", sources()),
        ),
    )


def with_longest_queues(signal: Signal, count: int) -> Signal:
    """Restrict the signal to the units with the longest work queues, so that every such graph shows the same units."""
    return signal.largest(count, by=mailflow.WORK_QUEUE)


def status() -> Panel:
    return table(
        ("job", "instance"),
        Column(verdicts.OF_UNIT),
        Column(unit.STATUS, label="status", name="System status"),
        Column(unit.UPTIME),
        Column(unit.HARDWARE, label="model", name="Model"),
        Column(unit.HARDWARE, label="serial", name="Serial", width=200),
        Column(unit.RELEASE, label="version", name="AsyncOS"),
        Column(unit.TARGET, label="role", name="Role"),
        Column(unit.TARGET, label="site", name="Site"),
        title="Status",
        description="What the firing alerts say of the unit, what it says of itself, and what it is.",
        sort=verdicts.OF_UNIT.name,
        height=5,
        links=(Link("instance", "This unit alone", dashboard_url("unit", "job", "instance")),),
    )


def figures_now() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(units.STATE),
        Column(mailflow.WORK_QUEUE),
        Column(mailflow.GROWTH),
        Column(mailflow.WAIT),
        Column(mailflow.ARRIVALS),
        Column(mailflow.PEERS_RATIO, name="x peers"),
        Column(mailflow.EXIT_RATIO),
        Column(unit.CONSERVATION_LEVEL),
        Column(unit.MEMORY),
        Column(unit.QUEUE_SPACE),
        Column(delivery.OLDEST, name="Oldest"),
        title="Now",
        description="How full and busy the unit is; the colours are those of the alerts' thresholds.",
        sort=mailflow.WORK_QUEUE.name,
        height=5,
        links=(shared.TO_TRIAGE, shared.TO_UNIT),
    )


def flow() -> Panel:
    return graph(
        Line(with_longest_queues(mailflow.ARRIVALS, 9), "{{instance}}, in ({{job}})"),
        Line(with_longest_queues(mailflow.EXIT, 9), "{{instance}}, out ({{job}})"),
        Line(with_longest_queues(mailflow.GROWTH, 9), "{{instance}}, growth ({{job}})", dashed=True),
        title="Arrivals, exit and growth",
        description="Messages a second that arrive, that leave the work queue, and by which it grows.",
    )


def connections() -> Panel:
    return graph(
        Line(with_longest_queues(edge.CONNECTIONS, 14), "{{instance}}, in ({{job}})"),
        Line(with_longest_queues(edge.CONNECTIONS_OUT, 14), "{{instance}}, out ({{job}})"),
        Line(edge.CONNECTION_LIMIT.by("max"), "limit of a unit", colour=BASELINE, dashed=True),
        title="Connections",
        description="SMTP connections that are open, in and out, and how many the listeners allow.",
    )


def cpu() -> Panel:
    """Ranked by the CPU, because a unit whose CPU is busy may have a short queue."""
    return graph(Line(unit.CPU.largest(4, by=unit.CPU_OF_APPLIANCE), "{{instance}} {{process}} ({{job}})"))


def memory_and_disks() -> Panel:
    return graph(
        Line(unit.MEMORY.largest(7), "{{instance}}, memory ({{job}})"),
        Line(unit.QUEUE_SPACE.largest(7), "{{instance}}, queue space ({{job}})"),
        Line(unit.DISK_IO.largest(7), "{{instance}}, disk I/O ({{job}})"),
        Line(unit.LOG_DISK.largest(7), "{{instance}}, log disk ({{job}})"),
        title="Memory and disks",
        description="Shares in use; resource conservation begins at 75 % of the memory, on newer releases at 45 %.",
    )


def delivery_queue() -> Panel:
    return graph(
        Line(with_longest_queues(delivery.ATTEMPTED, 14), "{{instance}}, attempted ({{job}})"),
        Line(with_longest_queues(delivery.UNATTEMPTED, 14), "{{instance}}, unattempted ({{job}})"),
        title="Delivery queue",
        description="Recipients that wait for another try, and those that nobody has tried to deliver to.",
    )


def hardware_of_the_unit() -> Panel:
    return table(
        ("job", "instance"),
        Column(unit.HARDWARE, label="model", name="Model"),
        Column(hardware.DRIVE),
        Column(hardware.SUPPLY),
        Column(hardware.FAN, "min"),
        *(Column(each) for each in hardware.TEMPERATURES.values()),
        title="Hardware",
        description="The worst of the unit's parts of each kind, as SNMP tells; virtual units have none to report on.",
        width=16,
        height=8,
        no_value="not reported",
        links=(Link("instance", "Hardware of this unit", dashboard_url("hardware", "job", "instance")),),
    )


def keys_of_the_unit() -> Panel:
    return table(
        ("job", "instance", "feature"),
        Column(hardware.FEATURE_KEYS),
        title="Feature keys",
        description=hardware.FEATURE_KEYS.description,
        sort=hardware.FEATURE_KEYS.name,
        ascending=True,
        width=8,
        height=8,
        no_value=hardware.FEATURE_KEYS.no_value,
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
        description="Which sources of the unit answer, how quickly, and what went wrong.",
        sort=monitoring.SOURCE_STATE.name,
        height=7,
        links=(Link("instance", "Its monitoring", dashboard_url("monitoring", "job", "pool", "instance")),),
    )
