"""One unit."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts, verdicts
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, Link, state_timeline, table, timeseries
from dashboards.source.signals import Largest, Signal, delivery, edge, hardware, mailflow, monitoring, unit, units
from dashboards.source.variables import JOB, POOL, SITE, UNIT


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Unit",
        "How is this unit, what is it, and what does it do?",
        filters=(JOB, SITE, POOL, UNIT),
        rows=(
            frame.top(status(), figures()),
            frame.opened("Work queue", work_queue(), flow(), wait(), states()),
            frame.collapsed("Connections", connections(), sessions(), parts.heaviest_senders(width=24)),
            frame.collapsed("System", cpu(), resources()),
            frame.collapsed("Delivery", delivery_queue(), hard_bounces()),
            frame.collapsed("Hardware and feature keys", parts_of_units(), keys()),
            frame.collapsed("Monitoring", sources()),
        ),
    )


def of_the_longest(signal: Signal, count: int) -> Largest:
    """Return the signal for those of the chosen units with the longest work queues: the same in every such graph."""
    return Largest(signal, count, by=mailflow.WORK_QUEUE)


def status() -> Panel:
    """Return what each chosen unit is, and what it says of itself."""
    return table(
        ("job", "instance"),
        Column(verdicts.OF_UNIT),
        Column(unit.STATUS, label="status", name="System status"),
        Column(unit.UPTIME),
        Column(unit.HARDWARE, label="model", name="Model"),
        Column(unit.HARDWARE, label="serial", name="Serial", width=200),
        Column(unit.VERSION, label="version", name="AsyncOS"),
        Column(unit.TARGET, label="role", name="Role"),
        Column(unit.TARGET, label="site", name="Site"),
        title="Status",
        description="What the firing alerts say of the unit, what it says of itself, and what it is.",
        sort=verdicts.OF_UNIT.name,
        height=5,
        links=(Link("instance", "This unit alone", frame.address("unit", "job", "instance")),),
    )


def figures() -> Panel:
    """Return the figures of each chosen unit as they are now."""
    return table(
        ("job", "pool", "instance"),
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
        links=(parts.POOL, parts.UNIT),
    )


def work_queue() -> Panel:
    """Return the work queue."""
    return timeseries(Line(mailflow.WORK_QUEUE, "{{instance}} ({{job}})", Largest(mailflow.WORK_QUEUE)))


def flow() -> Panel:
    """Return what arrives, what leaves the work queue, and how it grows."""
    return timeseries(
        Line(mailflow.ARRIVALS, "{{instance}}, in ({{job}})", of_the_longest(mailflow.ARRIVALS, 9)),
        Line(mailflow.EXIT, "{{instance}}, out ({{job}})", of_the_longest(mailflow.EXIT, 9)),
        Line(mailflow.GROWTH, "{{instance}}, growth ({{job}})", of_the_longest(mailflow.GROWTH, 9), dashed=True),
        title="Arrivals, exit and growth",
        description="Messages a second that arrive, that leave the work queue, and by which it grows.",
    )


def wait() -> Panel:
    """Return how long mail waits."""
    return timeseries(Line(mailflow.WAIT, "{{instance}} ({{job}})", of_the_longest(mailflow.WAIT, 20)))


def states() -> Panel:
    """Return how the unit was: resource conservation among others."""
    return state_timeline(units.STATE, "{{instance}} ({{job}})", width=12)


def connections() -> Panel:
    """Return the open connections, and how many are allowed."""
    limit = edge.CONNECTION_LIMIT
    return timeseries(
        Line(edge.CONNECTIONS, "{{instance}}, in ({{job}})", of_the_longest(edge.CONNECTIONS, 14)),
        Line(edge.CONNECTIONS_OUT, "{{instance}}, out ({{job}})", of_the_longest(edge.CONNECTIONS_OUT, 14)),
        Line(limit, "limit of a unit", limit.by("max"), colour=BASELINE, dashed=True),
        title="Connections",
        description="SMTP connections that are open, in and out, and how many the listeners allow.",
    )


def sessions() -> Panel:
    """Return how long connections last."""
    return timeseries(Line(edge.SESSION, "{{instance}} ({{job}})", of_the_longest(edge.SESSION, 20)))


def cpu() -> Panel:
    """Return how busy the processes are, where the CPU is busiest: a unit that is hot may have a short queue."""
    return timeseries(Line(unit.CPU, "{{instance}} {{process}} ({{job}})", Largest(unit.CPU, 4, by=unit.CPU_IN_ALL)))


def resources() -> Panel:
    """Return how full memory and disks are, each where it is fullest."""
    return timeseries(
        Line(unit.MEMORY, "{{instance}}, memory ({{job}})", Largest(unit.MEMORY, 7)),
        Line(unit.QUEUE_SPACE, "{{instance}}, queue space ({{job}})", Largest(unit.QUEUE_SPACE, 7)),
        Line(unit.DISK_IO, "{{instance}}, disk I/O ({{job}})", Largest(unit.DISK_IO, 7)),
        Line(unit.LOG_DISK, "{{instance}}, log disk ({{job}})", Largest(unit.LOG_DISK, 7)),
        title="Memory and disks",
        description="Shares in use; resource conservation begins at 75 % of the memory, on newer releases at 45 %.",
    )


def delivery_queue() -> Panel:
    """Return the recipients that wait to be delivered."""
    return timeseries(
        Line(delivery.ATTEMPTED, "{{instance}}, attempted ({{job}})", of_the_longest(delivery.ATTEMPTED, 14)),
        Line(delivery.UNATTEMPTED, "{{instance}}, unattempted ({{job}})", of_the_longest(delivery.UNATTEMPTED, 14)),
        title="Delivery queue",
        description="Recipients that wait for another try, and those that nobody has tried to deliver to.",
    )


def hard_bounces() -> Panel:
    """Return the hard bounces by reason."""
    return timeseries(
        Line(delivery.HARD_BOUNCES, "{{reason}}", delivery.HARD_BOUNCES.by("sum", "reason")),
        title="Hard bounces by reason",
        stacked=True,
    )


def parts_of_units() -> Panel:
    """Return how the drives, power supplies, fans and temperatures are."""
    return table(
        ("job", "instance"),
        Column(unit.HARDWARE, label="model", name="Model"),
        Column(hardware.DRIVE),
        Column(hardware.SUPPLY),
        Column(hardware.FAN, "min"),
        Column(hardware.AMBIENT),
        Column(hardware.CPU),
        Column(hardware.BACKPLANE),
        Column(hardware.RISER),
        title="Hardware",
        description="The worst of the unit's parts of each kind, as SNMP tells; virtual units have none to report on.",
        width=16,
        height=8,
        no_value="not reported",
        links=(Link("instance", "Hardware of this unit", frame.address("hardware", "job", "instance")),),
    )


def keys() -> Panel:
    """Return the feature keys that run out."""
    return table(
        ("job", "instance", "feature"),
        Column(hardware.KEYS),
        title="Feature keys",
        description=hardware.KEYS.description,
        sort=hardware.KEYS.name,
        ascending=True,
        width=8,
        height=8,
        no_value=hardware.KEYS.no_value,
    )


def sources() -> Panel:
    """Return how well the unit can be watched."""
    return table(
        ("job", "pool", "instance"),
        Column(monitoring.SOURCES),
        Column(monitoring.ANSWERED, "min"),
        Column(monitoring.SNMP_TIME),
        Column(monitoring.RESENT),
        Column(monitoring.SNMP_ERROR, label="snmp_error"),
        Column(monitoring.PAGE_TIME),
        Column(monitoring.PAGE_ERROR, label="page_error"),
        title="Sources",
        description="Which sources of the unit answer, how quickly, and what went wrong.",
        sort=monitoring.SOURCES.name,
        height=7,
        links=(Link("instance", "Its monitoring", frame.address("monitoring", "job", "pool", "instance")),),
    )
