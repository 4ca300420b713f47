"""The fleet wall."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts, verdicts
from dashboards.source.palette import BASELINE, DATA
from dashboards.source.panels import Column, Line, stat, state_timeline, table, timeseries
from dashboards.source.signals import Largest, alerts, edge, mailflow, units
from dashboards.source.variables import JOB, POOL, SITE


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Fleet wall",
        "Is the fleet well, and if not, where?",
        filters=(JOB, SITE, POOL),
        rows=(
            frame.top(
                gravest_verdict(),
                worst_wait(),
                units_up(),
                tightest_pool(),
                in_conservation(),
                firing(),
                parts.verdicts_on_pools(),
            ),
            frame.opened(
                "Units",
                work_queues(),
                mail_against_the_usual(),
                state_timeline(units.STATE, "{{pool}} / {{instance}} ({{job}})"),
            ),
            frame.collapsed("Units beside their peers", peers()),
            frame.collapsed("Alerts", parts.firing_alerts()),
        ),
    )


def gravest_verdict() -> Panel:
    """Return the gravest word that applies to any pool."""
    return stat(Line(verdicts.GRAVEST, ""))


def worst_wait() -> Panel:
    """Return the longest wait on any unit."""
    return stat(Line(mailflow.WAIT, "", mailflow.WAIT.by("max")), title="Worst wait")


def units_up() -> Panel:
    """Return how many units of all are up."""
    return stat(Line(units.UP, "up", units.UP.by("sum")), Line(units.UP, "in all", units.UP.by("count")))


def tightest_pool() -> Panel:
    """Return how many units the pool with the fewest can spare."""
    spare = mailflow.UNITS_TO_SPARE
    return stat(Line(spare, "", spare.by("min")), title="Fewest units to spare")


def in_conservation() -> Panel:
    """Return how many units save their resources."""
    return stat(Line(units.CONSERVATION, "", units.CONSERVATION.by("sum")))


def firing() -> Panel:
    """Return how many alerts fire, by severity."""
    return stat(Line(alerts.CRITICAL, "critical"), Line(alerts.WARNINGS, "warning"))


def work_queues() -> Panel:
    """Return the work queues, a line for each unit."""
    return timeseries(
        Line(mailflow.WORK_QUEUE, "{{pool}} / {{instance}} ({{job}})", Largest(mailflow.WORK_QUEUE)),
    )


def mail_against_the_usual() -> Panel:
    """Return the mail of the chosen pools against the band of what is usual."""
    return timeseries(
        Line(mailflow.POOL_ARRIVALS, "now", mailflow.POOL_ARRIVALS.by("sum"), colour=DATA),
        Line(mailflow.USUAL_HIGH, "usual, at most", mailflow.USUAL_HIGH.by("sum"), colour=BASELINE, dashed=True),
        Line(mailflow.USUAL_LOW, "usual, at least", mailflow.USUAL_LOW.by("sum"), colour=BASELINE, dashed=True),
        title="Mail against the usual",
        description="Messages a second that the pools receive, and at this hour of the last two weeks.",
    )


def peers() -> Panel:
    """Return the table of units beside each other."""
    return table(
        ("job", "pool", "instance"),
        Column(mailflow.ARRIVALS),
        Column(mailflow.PEERS_RATIO),
        Column(mailflow.EXIT_RATIO),
        Column(mailflow.WORK_QUEUE),
        Column(mailflow.WAIT),
        Column(edge.CONNECTIONS),
        title="Peers",
        description="Each unit beside the others of its pool; a unit leads to its own dashboard.",
        sort=mailflow.WAIT.name,
        links=(parts.POOL, parts.UNIT),
    )
