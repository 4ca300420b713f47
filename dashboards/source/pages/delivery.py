"""Delivery and bounces."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, stat, table, timeseries
from dashboards.source.signals import Largest, delivery, edge
from dashboards.source.variables import JOB, POOL, SITE, UNIT


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Delivery and bounces",
        "Does mail get out, and if not, is it a destination or our own delivery, and what bounces?",
        filters=(JOB, SITE, POOL, UNIT),
        rows=(
            frame.top(waiting(), against_the_usual(), worst_unattempted(), hard_bounced(), oldest()),
            frame.opened("Delivery queue", active_recipients(), tried_or_not(), queues()),
            frame.collapsed(
                "Results and bounces",
                completed(),
                hard_bounces(),
                hard_ratio(),
                soft_bounces(),
                made(),
                oldest_messages(),
            ),
            frame.collapsed(
                "Destinations and senders, where collected", destinations(), parts.heaviest_senders(width=10)
            ),
        ),
    )


def waiting() -> Panel:
    """Return how many recipients wait."""
    return stat(Line(delivery.UNIT_ACTIVE, "", delivery.UNIT_ACTIVE.by("sum")), width=5)


def against_the_usual() -> Panel:
    """Return how many times the usual wait in the pool where that is worst."""
    ratio = delivery.ACTIVE_RATIO
    return stat(Line(ratio, "", ratio.by("max")), title="Waiting, x usual, worst pool", width=5)


def worst_unattempted() -> Panel:
    """Return how many recipients nobody has tried on the unit where they are most."""
    untried = delivery.UNATTEMPTED
    return stat(Line(untried, "", untried.by("max")), title="Unattempted, worst unit", width=5)


def hard_bounced() -> Panel:
    """Return the share of recipients that hard bounce on the unit where it is largest."""
    return stat(Line(delivery.HARD_RATIO, "", delivery.HARD_RATIO.by("max")), title="Hard bounced, worst unit", width=5)


def oldest() -> Panel:
    """Return the age of the oldest message."""
    return stat(Line(delivery.OLDEST, "", delivery.OLDEST.by("max")))


def active_recipients() -> Panel:
    """Return the recipients that wait in each pool, against what is usual."""
    return timeseries(
        Line(delivery.ACTIVE, "{{pool}} ({{job}})", Largest(delivery.ACTIVE, 15)),
        Line(
            delivery.ACTIVE_USUAL,
            "{{pool}}, usual ({{job}})",
            Largest(delivery.ACTIVE_USUAL, 15, by=delivery.ACTIVE),
            colour=BASELINE,
            dashed=True,
        ),
        title="Active recipients by pool",
    )


def tried_or_not() -> Panel:
    """Return the recipients that were tried and those that were not, of all chosen units."""
    return timeseries(
        Line(delivery.ATTEMPTED, "attempted", delivery.ATTEMPTED.by("sum")),
        Line(delivery.UNATTEMPTED, "unattempted", delivery.UNATTEMPTED.by("sum")),
        title="Attempted and unattempted",
        description="Recipients that wait for another try, as when a destination is down, or for the first.",
        stacked=True,
    )


def queues() -> Panel:
    """Return the table of the units' delivery."""
    return table(
        ("job", "pool", "instance"),
        Column(delivery.UNIT_ACTIVE),
        Column(delivery.ATTEMPTED),
        Column(delivery.UNATTEMPTED),
        Column(delivery.OLDEST),
        Column(delivery.COMPLETED, "sum", name="Completed"),
        Column(delivery.HARD_RATIO),
        Column(delivery.SOFT_BOUNCES),
        Column(edge.CONNECTIONS_OUT),
        title="Delivery queue by unit",
        description="What waits on each unit to be delivered, and what becomes of it; a unit leads to its dashboard.",
        sort=delivery.UNIT_ACTIVE.name,
        links=(parts.POOL, parts.UNIT),
    )


def completed() -> Panel:
    """Return the recipients that are done with, by what became of them."""
    return timeseries(Line(delivery.COMPLETED, "{{result}}", delivery.COMPLETED.by("sum", "result")), stacked=True)


def hard_bounces() -> Panel:
    """Return the hard bounces by reason."""
    return timeseries(
        Line(delivery.HARD_BOUNCES, "{{reason}}", delivery.HARD_BOUNCES.by("sum", "reason")),
        title="Hard bounces by reason",
        stacked=True,
    )


def hard_ratio() -> Panel:
    """Return the share of recipients that hard bounce."""
    return timeseries(Line(delivery.HARD_RATIO, "{{pool}} / {{instance}} ({{job}})", Largest(delivery.HARD_RATIO)))


def soft_bounces() -> Panel:
    """Return the soft bounces of each pool."""
    return timeseries(Line(delivery.SOFT_BOUNCES, "{{pool}} ({{job}})", delivery.SOFT_BOUNCES.by("sum", "job", "pool")))


def made() -> Panel:
    """Return the bounces that the units make."""
    return timeseries(Line(edge.BOUNCES, "{{pool}} ({{job}})"))


def oldest_messages() -> Panel:
    """Return the age of the oldest message in each pool."""
    return timeseries(
        Line(delivery.OLDEST, "{{pool}} ({{job}})", delivery.OLDEST.by("max", "job", "pool")),
        title="Oldest message by pool",
    )


def destinations() -> Panel:
    """Return the table of the destinations for which most mail waits."""
    return table(
        ("destination",),
        Column(delivery.DESTINATION_ACTIVE, "sum", name="Active", width=100),
        Column(delivery.DESTINATION_CONNECTIONS, "sum", width=120),
        Column(delivery.DESTINATION_DELIVERED, "sum", width=120),
        Column(delivery.DESTINATION_SOFT, "sum", width=120),
        Column(delivery.DESTINATION_HARD, "sum", width=120),
        title="Destinations",
        description="Where mail goes, of units whose xml pages include tophosts, a page not verified on a device.",
        sort="Active",
        no_value="none collected: needs tophosts among the xml pages of the appliances",
        width=14,
        height=10,
    )
