from __future__ import annotations

from typing import Final

from dashboards.source import shared, verdicts
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, Panel, graph, height_of, stat, state_timeline, table
from dashboards.source.signals import PER_UNIT, alerts, edge, mailflow, units
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE

GRAPH_HEIGHT: Final = 6
"""Lower than elsewhere: a screen of 1080 pixels shows the wall down to the first graphs."""


def fleet_wall() -> Dashboard:
    return Dashboard(
        "fleet",
        "Fleet wall",
        "Is the fleet healthy, and if not, where is the trouble?",
        filters=(BY_JOB, BY_SITE, BY_POOL),
        rows=(
            top(
                stat(
                    Line(verdicts.MOST_SERIOUS, "{{pool}} {{instance}}${of_job}"),
                    title="Verdict",
                    width=6,
                    named=True,
                ),
                stat(verdicts.FIRST_STEP, width=5, sentence=True),
                stat(mailflow.WORST_WAIT.by("max"), width=5),
                states_of_units(),
                stat(
                    Line(alerts.CRITICAL_COUNT, "critical"),
                    Line(alerts.WARNING_COUNT, "warning"),
                    width=3,
                ),
                shared.verdicts_on_pools(),
            ),
            opened(
                "Alerts and units",
                shared.firing_alerts(),
                state_timeline(units.UNIT_STATE, width=8, height=shared.ALERTS_HEIGHT),
                graph(Line(mailflow.WORK_QUEUE.largest(), shared.UNIT_NAME), height=GRAPH_HEIGHT),
                mail_of_all_pools(),
                shared.heaviest_senders(width=12),
                shared.destinations(width=12),
            ),
            collapsed("Units and their peers", peers()),
        ),
        since="now-3h",
    )


def states_of_units() -> Panel:
    return stat(
        Line(units.DOWN.by("sum"), "down"),
        Line(units.CONSERVATION.by("sum"), "conserving"),
        Line(units.UP.by("count"), "all"),
        title="Units",
        description="How many units have given no data in the last 5 minutes, by any source (the status page, SNMP "
        "or REST), how many are in resource conservation, where they slow their intake or refuse mail, and how many "
        "there are.",
        width=5,
    )


def mail_of_all_pools() -> Panel:
    return graph(
        mailflow.POOL_ARRIVALS.largest(10),
        Line(
            mailflow.USUAL_HIGH.largest(10, by=mailflow.POOL_ARRIVALS),
            "{{pool}}, usual${of_job}",
            colour=BASELINE,
            dashed=True,
        ),
        title="Arrivals of each pool and what is usual",
        description="Messages per second that each pool receives, now and at this hour one or two weeks ago, whichever "
        "was more.",
        height=GRAPH_HEIGHT,
    )


def peers() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(mailflow.ARRIVALS),
        Column(mailflow.PEERS_RATIO),
        Column(mailflow.EXIT_RATIO),
        Column(mailflow.WORK_QUEUE),
        Column(mailflow.WAIT),
        Column(edge.CONNECTIONS),
        title="Peers",
        description="Each unit compared with the others of its pool. Click a unit to open its dashboard.",
        sort=mailflow.WAIT.name,
        height=height_of(shared.UNITS),
        links=(shared.TO_TRIAGE, shared.TO_UNIT),
    )
