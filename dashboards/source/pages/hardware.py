"""Hardware and licences."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts
from dashboards.source.panels import Column, Line, stat, table, timeseries
from dashboards.source.signals import Largest, hardware, unit
from dashboards.source.variables import JOB, POOL, SITE, UNIT


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Hardware and licences",
        "What is broken, too hot, about to expire or out of date?",
        filters=(JOB, SITE, POOL, UNIT),
        rows=(
            frame.top(
                drives_at_fault(),
                fans_at_fault(),
                supplies_at_fault(),
                hottest(),
                next_key(),
                fullest_log_disk(),
                parts_of_units(),
            ),
            frame.opened("To do", faults(), keys()),
            frame.collapsed("Temperatures and fans", heat(), ambient(), fans()),
            frame.collapsed("Releases and updates", releases(), updates(), failing_updates()),
            frame.collapsed("Log disks", log_disks()),
        ),
        since="now-24h",
    )


def drives_at_fault() -> Panel:
    """Return how many drives have failed or are being rebuilt."""
    return stat(Line(hardware.DRIVES_AT_FAULT, "", hardware.DRIVES_AT_FAULT.by("sum")))


def fans_at_fault() -> Panel:
    """Return how many fans stand still."""
    return stat(Line(hardware.FANS_AT_FAULT, "", hardware.FANS_AT_FAULT.by("sum")))


def supplies_at_fault() -> Panel:
    """Return how many power supplies are faulty or without power."""
    return stat(Line(hardware.SUPPLIES_AT_FAULT, "", hardware.SUPPLIES_AT_FAULT.by("sum")))


def hottest() -> Panel:
    """Return how near the hottest sensor is to its limit."""
    return stat(Line(hardware.HEAT, "", hardware.HEAT.by("max")), title="Hottest sensor / limit")


def next_key() -> Panel:
    """Return when the next feature key expires."""
    return stat(Line(hardware.KEYS, "", hardware.KEYS.by("min")), title="Days until a key expires")


def fullest_log_disk() -> Panel:
    """Return how full the fullest log disk is."""
    return stat(Line(unit.LOG_DISK, "", unit.LOG_DISK.by("max")), title="Fullest log disk")


def parts_of_units() -> Panel:
    """Return a row for each unit: what it is, and the worst of each kind of part."""
    return table(
        ("job", "pool", "instance"),
        Column(unit.VERSION, name="Release", label="version"),
        Column(unit.HARDWARE, name="Model", label="model"),
        Column(unit.HARDWARE, name="Serial number", label="serial", width=190),
        Column(hardware.DRIVE),
        Column(hardware.SUPPLY),
        Column(hardware.FAN, "min"),
        Column(hardware.AMBIENT),
        Column(hardware.CPU),
        Column(hardware.BACKPLANE),
        Column(hardware.RISER),
        title="Units",
        description="What each unit is, and the worst of its parts of each kind; virtual units have none.",
        height=10,
        links=(parts.UNIT,),
    )


def faults() -> Panel:
    """Return the parts to replace."""
    return table(
        ("job", "pool", "instance", "part"),
        Column(hardware.FAULTS),
        title="Parts that are not well",
        description="Every drive, fan and power supply that is not well, the worst first.",
        sort=hardware.FAULTS.name,
        width=12,
        no_value="all that units tell of are well",
        links=(parts.UNIT,),
    )


def keys() -> Panel:
    """Return the keys to renew."""
    return table(
        ("job", "pool", "instance", "feature"),
        Column(hardware.KEYS),
        title="Feature keys",
        description=hardware.KEYS.description,
        sort=hardware.KEYS.name,
        ascending=True,
        width=12,
        no_value=hardware.KEYS.no_value,
        links=(parts.UNIT,),
    )


def heat() -> Panel:
    """Return how near units were to their limits."""
    return timeseries(
        Line(hardware.HEAT, "{{instance}} {{sensor}} ({{job}})", Largest(hardware.HEAT, of="sensors")), width=24
    )


def ambient() -> Panel:
    """Return how warm the rooms are."""
    return timeseries(
        Line(hardware.AMBIENT, "{{instance}} ({{job}})", Largest(hardware.AMBIENT)), title="Ambient temperature"
    )


def fans() -> Panel:
    """Return how fast fans turn, in each pool."""
    return timeseries(
        Line(hardware.FAN, "{{pool}} ({{job}})", hardware.FAN.by("min", "job", "pool")),
        title="Slowest fan in each pool",
        description="How fast the slowest fan of each pool turns; 0 is one that stands still.",
    )


def releases() -> Panel:
    """Return the releases in each pool."""
    return table(
        ("job", "pool", "version"),
        Column(unit.VERSION, "count", name="Units"),
        title="Releases",
        description="How many units of a pool run which release of AsyncOS; of one pool they should run the same.",
        width=6,
        links=(parts.POOL,),
    )


def updates() -> Panel:
    """Return the updates of each service."""
    return table(
        ("job", "service"),
        Column(hardware.UPDATES, "sum", width=100),
        Column(hardware.FAILED_UPDATES, "sum", width=140),
        title="Update services",
        description="Updates of engines and rules in the time shown, of all units, by service.",
        sort=hardware.FAILED_UPDATES.name,
        width=9,
    )


def failing_updates() -> Panel:
    """Return the units whose updates fail."""
    return table(
        ("job", "pool", "instance", "service"),
        Column(hardware.FAILING_UPDATES, width=90),
        title="Failing updates",
        description=hardware.FAILING_UPDATES.description,
        sort=hardware.FAILING_UPDATES.name,
        width=9,
        no_value="no update has failed",
        links=(parts.UNIT,),
    )


def log_disks() -> Panel:
    """Return how full log disks are."""
    return timeseries(Line(unit.LOG_DISK, "{{instance}} ({{job}})", Largest(unit.LOG_DISK)), width=24)
