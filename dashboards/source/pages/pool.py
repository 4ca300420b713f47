"""Pools."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts
from dashboards.source.palette import BASELINE, DATA
from dashboards.source.panels import Column, Line, state_timeline, table, timeseries
from dashboards.source.signals import Largest, mailflow, units
from dashboards.source.variables import JOB, POOL, SITE


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Pools",
        "How does a pool stand beside another, edge beside core say, and which of its units or sites stands out?",
        filters=(JOB, SITE, POOL),
        rows=(
            frame.top(parts.verdicts_on_pools()),
            frame.opened("Pool beside pool", for_each_pool(mail_against_the_usual()), for_each_pool(shares())),
            frame.collapsed("Flow", arrivals(), exits(), waits(), troubled_units()),
            frame.collapsed("Units", unit_arrivals(), peers_ratios(), unit_exits(), work_queues(), states()),
            frame.collapsed("Sites", sites(), arrivals_by_site()),
        ),
    )


def for_each_pool(panel: Panel) -> Panel:
    """Return the panel repeated for each chosen pool, two beside each other."""
    panel.repeat, panel.repeat_direction, panel.max_per_row = POOL.label, "h", 2
    return panel


def mail_against_the_usual() -> Panel:
    """Return the mail of a pool against the band of what is usual."""
    return timeseries(
        Line(mailflow.POOL_ARRIVALS, "now ({{job}})", colour=DATA),
        Line(mailflow.USUAL_HIGH, "usual, at most ({{job}})", colour=BASELINE, dashed=True),
        Line(mailflow.USUAL_LOW, "usual, at least ({{job}})", colour=BASELINE, dashed=True),
        title="$pool: mail against the usual",
        description="Messages a second that the pool receives, and at this hour of the last two weeks.",
        width=24,
        height=8,
    )


def shares() -> Panel:
    """Return how the mail of a pool spreads over its units: to 100 % in each job that has a pool of the name."""
    return timeseries(
        Line(mailflow.SHARE, "{{instance}} ({{job}})", Largest(mailflow.SHARE, by=mailflow.ARRIVALS)),
        title="$pool: share of each unit",
        width=24,
        height=8,
        stacked=True,
    )


def arrivals() -> Panel:
    """Return the mail of pools beside each other."""
    return timeseries(Line(mailflow.POOL_ARRIVALS, "{{pool}} ({{job}})", Largest(mailflow.POOL_ARRIVALS)))


def exits() -> Panel:
    """Return what leaves the queues of pools over what they are rated for."""
    return timeseries(Line(mailflow.POOL_EXIT_RATIO, "{{pool}} ({{job}})"))


def waits() -> Panel:
    """Return how long mail waits in each pool, where it waits longest."""
    return timeseries(
        Line(mailflow.WAIT, "{{pool}} ({{job}})", mailflow.WAIT.by("max", "job", "pool")), title="Worst wait"
    )


def troubled_units() -> Panel:
    """Return how many units of each pool are backlogged, and how many are slow."""
    return timeseries(
        Line(mailflow.BACKLOGGED, "{{pool}}, backlogged ({{job}})", Largest(mailflow.BACKLOGGED, 15)),
        Line(mailflow.SLOW, "{{pool}}, slow ({{job}})", Largest(mailflow.SLOW, 15), dashed=True),
        title="Backlogged and slow units",
        description="Units where mail waits for a minute and more, and those that pass less than they are rated for.",
    )


def unit_arrivals() -> Panel:
    """Return the arrivals of units beside each other."""
    return timeseries(
        Line(mailflow.ARRIVALS, "{{pool}} / {{instance}} ({{job}})", Largest(mailflow.ARRIVALS)),
        title="Arrivals by unit",
    )


def peers_ratios() -> Panel:
    """Return the mail of each unit over that of its peers."""
    return timeseries(Line(mailflow.PEERS_RATIO, "{{pool}} / {{instance}} ({{job}})", Largest(mailflow.PEERS_RATIO)))


def unit_exits() -> Panel:
    """Return what leaves the queues of units over what they are rated for."""
    return timeseries(
        Line(mailflow.EXIT_RATIO, "{{pool}} / {{instance}} ({{job}})", Largest(mailflow.EXIT_RATIO)),
        title="Exit / rated by unit",
    )


def work_queues() -> Panel:
    """Return the work queues of units."""
    return timeseries(Line(mailflow.WORK_QUEUE, "{{pool}} / {{instance}} ({{job}})", Largest(mailflow.WORK_QUEUE)))


def states() -> Panel:
    """Return how each unit was."""
    return state_timeline(units.STATE, "{{pool}} / {{instance}} ({{job}})")


def sites() -> Panel:
    """Return the table of what each pool has at each site."""
    return table(
        ("job", "pool", "site"),
        Column(units.UP, "sum", name="Units up"),
        Column(units.UP, "count", name="Units in all"),
        Column(mailflow.ARRIVALS, "sum"),
        Column(mailflow.RATED, "sum"),
        Column(mailflow.WORK_QUEUE, "sum"),
        Column(mailflow.WAIT, name="Worst wait"),
        Column(units.CONSERVATION, "sum"),
        title="Pools by site",
        description="What each pool has at each site, spares included; without sites, all that it has.",
        links=(parts.POOL,),
    )


def arrivals_by_site() -> Panel:
    """Return the mail of pools at each site."""
    return timeseries(
        Line(mailflow.ARRIVALS, "{{pool}} {{site}} ({{job}})", mailflow.ARRIVALS.by("sum", "job", "pool", "site")),
        title="Mail by site",
        description="Messages a second that the units of a pool receive at each site.",
        width=24,
    )
