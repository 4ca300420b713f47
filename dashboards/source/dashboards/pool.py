"""Pools compared with each other, and the units and sites of each."""

from __future__ import annotations

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE, DATA
from dashboards.source.panels import Column, Line, Panel, graph, state_timeline, table
from dashboards.source.signals import PER_POOL, mailflow, units
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE


def pool_comparison() -> Dashboard:
    return Dashboard(
        "pool",
        "Pools",
        "How do pools compare, for example edge and core, and which of their units or sites differs from the rest?",
        filters=(BY_JOB, BY_SITE, BY_POOL),
        rows=(
            top(shared.verdicts_on_pools()),
            opened("Pools compared", mail_of_each_pool(), share_of_each_unit()),
            collapsed(
                "Mail flow",
                graph(mailflow.POOL_ARRIVALS.largest(), title="Arrivals by pool"),
                graph(mailflow.POOL_EXIT_RATIO),
                graph(mailflow.WAIT_MINUTES.by("max", *PER_POOL.labels), title="Longest wait, forecast"),
                troubled_units(),
            ),
            collapsed(
                "Units",
                graph(mailflow.ARRIVALS.largest(), title="Arrivals by unit"),
                graph(mailflow.PEERS_RATIO.largest()),
                graph(mailflow.EXIT_RATIO.largest(), title="Exit / rated by unit"),
                graph(mailflow.WORK_QUEUE.largest()),
                state_timeline(units.UNIT_STATE),
            ),
            collapsed("Sites", pools_by_site(), mail_by_site()),
        ),
    )


def mail_of_each_pool() -> Panel:
    return graph(
        Line(mailflow.POOL_ARRIVALS, "now${of_job}", colour=DATA),
        Line(mailflow.USUAL_HIGH, "usual${of_job}", colour=BASELINE, dashed=True),
        Line(
            mailflow.USUAL_LOW.where_under(mailflow.USUAL_HIGH), "usual, lowest${of_job}", colour=BASELINE, dashed=True
        ),
        title="$pool: arrivals and what is usual",
        description="Messages per second that the pool receives, now and at this hour one and two weeks ago.",
        width=24,
        height=8,
        repeat=BY_POOL.label,
    )


def share_of_each_unit() -> Panel:
    """Draw shares that add up to 100 % in each job that has a pool of the name."""
    return graph(
        Line(mailflow.SHARE.largest(by=mailflow.ARRIVALS), "{{instance}}${of_job}"),
        title="$pool: share of each unit",
        width=24,
        height=8,
        stacked=True,
        repeat=BY_POOL.label,
    )


def troubled_units() -> Panel:
    return graph(
        Line(mailflow.BACKLOGGED.largest(15), "{{pool}}, backlogged${of_job}"),
        Line(mailflow.SLOW.largest(15), "{{pool}}, slow${of_job}", dashed=True),
        title="Backlogged and slow units",
        description="Units where mail waits for more than a minute, and units that handle less than their rating.",
    )


def pools_by_site() -> Panel:
    return table(
        (*PER_POOL.labels, "site"),
        Column(units.UP, "sum", name="Units up"),
        Column(units.UP, "count", name="Units"),
        Column(mailflow.ARRIVALS, "sum"),
        Column(mailflow.RATED_MESSAGES, "sum"),
        Column(mailflow.WORK_QUEUE, "sum"),
        Column(mailflow.WAIT, name="Longest wait, forecast"),
        Column(units.CONSERVATION, "sum"),
        title="Pools by site",
        description="Units and mail of each pool at each site, including spares. A pool without sites has one row.",
        links=(shared.TO_TRIAGE,),
    )


def mail_by_site() -> Panel:
    return graph(
        mailflow.ARRIVALS.by("sum", *PER_POOL.labels, "site"),
        title="Arrivals by site",
        description="Messages per second that the units of a pool receive at each site.",
        width=24,
    )
