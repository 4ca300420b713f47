"""Pools beside each other, and the units and sites of each."""

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
        "How does a pool stand beside another, edge beside core say, and which of its units or sites stands out?",
        filters=(BY_JOB, BY_SITE, BY_POOL),
        rows=(
            top(shared.verdicts_on_pools()),
            opened("Pool beside pool", mail_of_each_pool(), share_of_each_unit()),
            collapsed(
                "Flow",
                graph(mailflow.POOL_ARRIVALS.largest()),
                graph(mailflow.POOL_EXIT_RATIO),
                graph(mailflow.WAIT.by("max", *PER_POOL.labels), title="Worst wait"),
                troubled_units(),
            ),
            collapsed(
                "Units",
                graph(mailflow.ARRIVALS.largest(), title="Arrivals by unit"),
                graph(mailflow.PEERS_RATIO.largest()),
                graph(mailflow.EXIT_RATIO.largest(), title="Exit / rated by unit"),
                graph(mailflow.WORK_QUEUE.largest()),
                state_timeline(units.STATE),
            ),
            collapsed("Sites", pools_by_site(), mail_by_site()),
        ),
    )


def mail_of_each_pool() -> Panel:
    return graph(
        Line(mailflow.POOL_ARRIVALS, "now ({{job}})", colour=DATA),
        Line(mailflow.USUAL_HIGH, "usual, at most ({{job}})", colour=BASELINE, dashed=True),
        Line(mailflow.USUAL_LOW, "usual, at least ({{job}})", colour=BASELINE, dashed=True),
        title="$pool: mail against the usual",
        description="Messages a second that the pool receives, and at this hour of the last two weeks.",
        width=24,
        height=8,
        repeat=BY_POOL.label,
    )


def share_of_each_unit() -> Panel:
    """Draw shares that add up to 100 % in each job that has a pool of the name."""
    return graph(
        Line(mailflow.SHARE.largest(by=mailflow.ARRIVALS), "{{instance}} ({{job}})"),
        title="$pool: share of each unit",
        width=24,
        height=8,
        stacked=True,
        repeat=BY_POOL.label,
    )


def troubled_units() -> Panel:
    return graph(
        Line(mailflow.BACKLOGGED.largest(15), "{{pool}}, backlogged ({{job}})"),
        Line(mailflow.SLOW.largest(15), "{{pool}}, slow ({{job}})", dashed=True),
        title="Backlogged and slow units",
        description="Units where mail waits for a minute and more, and those that pass less than they are rated for.",
    )


def pools_by_site() -> Panel:
    return table(
        (*PER_POOL.labels, "site"),
        Column(units.UP, "sum", name="Units up"),
        Column(units.UP, "count", name="Units in all"),
        Column(mailflow.ARRIVALS, "sum"),
        Column(mailflow.RATED, "sum"),
        Column(mailflow.WORK_QUEUE, "sum"),
        Column(mailflow.WAIT, name="Worst wait"),
        Column(units.CONSERVATION, "sum"),
        title="Pools by site",
        description="What each pool has at each site, spares included; without sites, all that it has.",
        links=(shared.TO_TRIAGE,),
    )


def mail_by_site() -> Panel:
    return graph(
        mailflow.ARRIVALS.by("sum", *PER_POOL.labels, "site"),
        title="Mail by site",
        description="Messages a second that the units of a pool receive at each site.",
        width=24,
    )
