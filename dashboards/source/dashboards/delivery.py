from __future__ import annotations

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, Panel, graph, height_of, stat, table
from dashboards.source.signals import PER_POOL, PER_UNIT, delivery, edge
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT


def delivery_and_bounces() -> Dashboard:
    return Dashboard(
        "delivery",
        "Delivery and bounces",
        "Is mail delivered, and if not, is a destination or our own delivery the cause? What bounces?",
        filters=(BY_JOB, BY_SITE, BY_POOL, BY_UNIT),
        rows=(
            top(
                stat(
                    delivery.UNIT_ACTIVE.by("sum"),
                    description="Recipients in the delivery queues of the selected units.",
                    width=5,
                ),
                stat(delivery.ACTIVE_RATIO.worst(), title="Active / usual", width=5, named=True),
                stat(Line(delivery.UNATTEMPTED.worst(), shared.UNIT_NAME), width=5, named=True),
                stat(Line(delivery.HARD_RATIO.worst(), shared.UNIT_NAME), width=5, named=True),
                stat(Line(delivery.OLDEST.worst(), shared.UNIT_NAME), title="Oldest mail", named=True),
            ),
            opened("Delivery queue", active_recipients(), attempted_and_unattempted(), queue_of_each_unit()),
            collapsed(
                "Results and bounces",
                shared.completed_by_result(delivery.UNIT_COMPLETED),
                shared.hard_bounces_by_reason(),
                graph(delivery.HARD_RATIO.largest(), title="Hard bounced by unit"),
                graph(delivery.SOFT_BOUNCES.by("sum", *PER_POOL.labels)),
                graph(edge.BOUNCES),
                graph(delivery.OLDEST_HOURS.by("max", *PER_POOL.labels), title="Oldest message by pool"),
            ),
            collapsed(
                "Destinations and senders, where collected",
                results_by_destination(),
                shared.heaviest_senders(width=24),
            ),
        ),
    )


def active_recipients() -> Panel:
    return graph(
        delivery.ACTIVE.largest(15),
        Line(
            delivery.ACTIVE_USUAL.largest(15, by=delivery.ACTIVE),
            "{{pool}}, usual${of_job}",
            colour=BASELINE,
            dashed=True,
        ),
        title="Active recipients by pool",
    )


def attempted_and_unattempted() -> Panel:
    return graph(
        Line(delivery.ATTEMPTED.by("sum"), "attempted"),
        Line(delivery.UNATTEMPTED.by("sum"), "unattempted"),
        title="Attempted and unattempted",
        description="Recipients that wait for another delivery attempt (attempted), or for their first (unattempted).",
        stacked=True,
    )


def queue_of_each_unit() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(delivery.UNIT_ACTIVE),
        Column(delivery.ATTEMPTED),
        Column(delivery.UNATTEMPTED),
        Column(delivery.OLDEST),
        Column(delivery.UNIT_COMPLETED, "sum", name="Completed"),
        Column(delivery.HARD_RATIO),
        Column(delivery.SOFT_BOUNCES),
        Column(edge.CONNECTIONS_OUT),
        title="Delivery queue by unit",
        description="Recipients that wait on each unit, and results of deliveries. Click a unit to open its dashboard.",
        sort=delivery.UNIT_ACTIVE.name,
        height=height_of(shared.UNITS),
        links=(shared.TO_TRIAGE, shared.TO_UNIT),
    )


def results_by_destination() -> Panel:
    return shared.destinations(
        shared.DESTINATION_STATE,
        Column(delivery.DESTINATION_CONNECTIONS, "sum"),
        Column(delivery.DESTINATION_SOFT, "sum"),
        Column(delivery.DESTINATION_HARD, "sum"),
        width=24,
    )
