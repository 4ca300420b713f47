from __future__ import annotations

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.panels import Column, Line, Panel, graph, height_of, stat, table
from dashboards.source.signals import PER_POOL, PER_UNIT, hardware, unit
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT


def hardware_and_licences() -> Dashboard:
    return Dashboard(
        "hardware",
        "Hardware and licences",
        "What is broken, too hot, about to expire or out of date?",
        filters=(BY_JOB, BY_SITE, BY_POOL, BY_UNIT),
        rows=(
            top(
                stat(hardware.DRIVES_AT_FAULT.by("sum"), title="Drives failing"),
                stat(hardware.FANS_AT_FAULT.by("sum")),
                stat(hardware.SUPPLIES_AT_FAULT.by("sum"), title="Power at fault"),
                stat(
                    Line(hardware.HEAT.worst(), "{{instance}} {{sensor}}${of_job}"), title="Hottest sensor", named=True
                ),
                stat(Line(hardware.FIRST_KEY, "{{instance}} {{feature}}${of_job}"), named=True),
                stat(Line(unit.LOG_DISK.worst(), shared.UNIT_NAME), title="Fullest disk", named=True),
                parts_of_each_unit(),
            ),
            opened("To do", parts_to_replace(), keys_to_renew()),
            collapsed(
                "Temperatures and fans",
                graph(hardware.HEAT.largest(), width=24),
                graph(hardware.TEMPERATURES["ambient"].largest(), title="Ambient temperature"),
                slowest_fans(),
            ),
            collapsed(
                "Releases, updates and log disks",
                releases(),
                failing_updates(),
                updates(),
                graph(unit.LOG_DISK.largest()),
            ),
        ),
        since="now-24h",
    )


def parts_of_each_unit() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(unit.UNIT_RELEASE, name="Release", label="version"),
        Column(unit.MODEL_AND_SERIAL, name="Model", label="model"),
        Column(hardware.DRIVE, width=109),
        Column(hardware.SUPPLY, width=109),
        Column(hardware.FAN, "min"),
        *(Column(each) for each in hardware.TEMPERATURES.values()),
        title="Units",
        description="Release and model of each unit, and its worst part of each kind. Virtual units have no parts.",
        height=height_of(shared.UNITS),
        links=(shared.TO_UNIT,),
    )


def parts_to_replace() -> Panel:
    return table(
        (*PER_UNIT.labels, "part"),
        Column(hardware.FAULTY_PARTS),
        title="Parts to replace",
        description="Every drive, fan and power supply that is not healthy, the worst first.",
        sort=hardware.FAULTY_PARTS.name,
        width=12,
        no_value="all reported hardware is healthy",
        links=(shared.TO_UNIT,),
    )


def keys_to_renew() -> Panel:
    return table(
        (*PER_UNIT.labels, "feature"),
        Column(hardware.FEATURE_KEYS),
        title="Feature keys",
        description=hardware.FEATURE_KEYS.description,
        sort=hardware.FEATURE_KEYS.name,
        ascending=True,
        width=12,
        no_value=hardware.FEATURE_KEYS.no_value,
        links=(shared.TO_UNIT,),
    )


def slowest_fans() -> Panel:
    return graph(
        hardware.FAN.by("min", *PER_POOL.labels),
        title="Slowest fan in each pool",
        description="Speed of the slowest fan of each pool. 0 means that it stands still.",
    )


def releases() -> Panel:
    return table(
        (*PER_POOL.labels, "version"),
        Column(unit.UNIT_RELEASE, "count", name="Units"),
        title="Releases",
        description="Units of a pool by AsyncOS release. All units of a pool should run the same release.",
        width=12,
        links=(shared.TO_TRIAGE,),
    )


def updates() -> Panel:
    return table(
        ("job", "service"),
        Column(hardware.UPDATES, "sum"),
        Column(hardware.FAILED_UPDATES, "sum"),
        title="Update services",
        description="Updates of engines and rules in the time shown, of all units by service.",
        sort=hardware.FAILED_UPDATES.name,
        width=12,
    )


def failing_updates() -> Panel:
    return table(
        (*PER_UNIT.labels, "service"),
        Column(hardware.FAILING_UPDATES),
        title="Failing updates",
        description=hardware.FAILING_UPDATES.description,
        sort=hardware.FAILING_UPDATES.name,
        width=12,
        no_value="no update has failed",
        links=(shared.TO_UNIT,),
    )
