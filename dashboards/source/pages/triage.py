"""Attack triage."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts, verdicts
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, table, text, timeseries
from dashboards.source.signals import Largest, edge, mailflow
from dashboards.source.thresholds import RUNBOOKS
from dashboards.source.variables import JOB, POOL, SITE, UNIT

NEXT_STEPS: Final = (
    ("Jabberer", "one unit is backlogged and gets far more than its peers", "JabbererSuspected"),
    ("Distributed attack", "several units, far more mail than usual", "DistributedAttackSuspected"),
    ("Overloaded", "several units at full speed, mail as usual", "PoolOverloaded"),
    ("Slow", "several units pass little, mail as usual", "PoolSlow"),
    ("Unit slow", "one unit passes little, mail as its peers", "UnitSlow"),
    ("Slow connections", "slots are held, little mail arrives", "ConnectionSlotsExhausted"),
    ("Address harvest", "many recipients refused, queues are short", "DirectoryHarvestSuspected"),
    ("Bounce storm", "the units make many bounces themselves", "BounceStorm"),
)
"""What a unit looks like, what tells it from the others, and the alert whose runbook says what to do."""


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Attack triage",
        "What is it: one sender or many, too much mail or a slow service? And what to do next?",
        filters=(JOB, SITE, POOL, UNIT),
        rows=(
            frame.top(parts.verdicts_on_pools()),
            frame.opened("Units", separating_signals(), what_to_do_next()),
            frame.collapsed("One or many", arrivals(), exits(), work_queues(), waits()),
            frame.collapsed("At the edge", new_connections(), sessions(), refused(), refused_share(), bounces()),
            frame.collapsed("Against last week", mail(), connections_against_the_usual()),
        ),
        since="now-3h",
    )


def separating_signals() -> Panel:
    """Return a row for each unit: what it looks like, and the figures that tell one pattern from another."""
    return table(
        ("job", "pool", "instance"),
        Column(verdicts.OF_UNIT, width=220),
        Column(mailflow.WORK_QUEUE),
        Column(mailflow.WAIT),
        Column(mailflow.GROWTH),
        Column(mailflow.ARRIVALS),
        Column(mailflow.PEERS_RATIO, width=140),
        Column(mailflow.EXIT_RATIO),
        Column(edge.NEW_CONNECTIONS, width=140),
        Column(edge.SESSION),
        Column(edge.UNIT_REJECTED),
        title="What each unit looks like",
        description="The verdict on each unit, and what tells one pattern from another; a unit leads to its dashboard.",
        sort=verdicts.OF_UNIT.name,
        height=11,
        links=(parts.POOL, parts.UNIT),
    )


def what_to_do_next() -> Panel:
    """Return the next step for each verdict."""
    steps = "\n".join(f"- **[{name}]({RUNBOOKS}/IronPort{alert}.md)**: {sign}" for name, sign, alert in NEXT_STEPS)
    return text(
        "What to do next",
        "The runbook for each verdict: what it means, how to make sure, what to do.",
        f"{steps}\n\nA list bomb to one mailbox and spam spread thin do not show in these figures.",
        height=8,
    )


def arrivals() -> Panel:
    """Return the arrivals of units beside each other."""
    return timeseries(Line(mailflow.ARRIVALS, "{{instance}} ({{job}})", Largest(mailflow.ARRIVALS)))


def exits() -> Panel:
    """Return what leaves the queues over what units are rated for."""
    return timeseries(Line(mailflow.EXIT_RATIO, "{{instance}} ({{job}})", Largest(mailflow.EXIT_RATIO)))


def work_queues() -> Panel:
    """Return the work queues of units."""
    return timeseries(Line(mailflow.WORK_QUEUE, "{{instance}} ({{job}})", Largest(mailflow.WORK_QUEUE)))


def waits() -> Panel:
    """Return how long mail waits in each pool, where it waits longest."""
    return timeseries(
        Line(mailflow.WAIT, "{{pool}} ({{job}})", mailflow.WAIT.by("max", "job", "pool")),
        title="Worst wait in each pool",
    )


def new_connections() -> Panel:
    """Return the new connections of units beside each other."""
    return timeseries(Line(edge.NEW_CONNECTIONS, "{{instance}} ({{job}})", Largest(edge.NEW_CONNECTIONS)))


def sessions() -> Panel:
    """Return how long connections last, where they last longest."""
    return timeseries(
        Line(edge.SESSION, "{{pool}} ({{job}})", edge.SESSION.by("max", "job", "pool")), title="Longest mean session"
    )


def refused() -> Panel:
    """Return the recipients that are refused, against the busy hours of the last two weeks."""
    return timeseries(
        Line(edge.REJECTED, "{{pool}} ({{job}})"),
        Line(edge.REJECTED_BUSY, "{{pool}}, busy hours ({{job}})", colour=BASELINE, dashed=True),
    )


def refused_share() -> Panel:
    """Return the share of recipients that are refused."""
    return timeseries(Line(edge.REJECTED_RATIO, "{{pool}} ({{job}})"))


def bounces() -> Panel:
    """Return the bounces that units make."""
    return timeseries(Line(edge.BOUNCES, "{{pool}} ({{job}})"))


def mail() -> Panel:
    """Return the mail of each pool over what is usual."""
    return timeseries(Line(mailflow.USUAL_RATIO, "{{pool}} ({{job}})"))


def connections_against_the_usual() -> Panel:
    """Return the new connections of each pool over what is usual."""
    return timeseries(Line(edge.CONNECTIONS_RATIO, "{{pool}} ({{job}})"))
