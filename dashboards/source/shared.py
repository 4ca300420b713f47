"""Panels and links that several dashboards show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dashboards.source import verdicts
from dashboards.source.layout import dashboard_url
from dashboards.source.panels import Column, Link, Panel, graph, height_of, table
from dashboards.source.signals import PER_POOL, PER_UNIT, Signal, alerts, delivery, edge, mailflow, monitoring, units
from exporter.sources.source import SOURCES

TO_TRIAGE: Final = Link("pool", "Triage of this pool", dashboard_url("triage", "job", "pool"))
TO_UNIT: Final = Link("instance", "This unit", dashboard_url("unit", "job", "pool", "instance"))
TO_RUNBOOK: Final = Link("alertname", "Runbook", "<<runbooks>>/${__value.text}.md")


UNIT_NAME: Final = "{{instance}}${of_job}"
"""Name of a series without the pool, where there is no room for it or where it is nearly always the same."""

POOLS: Final = 3
UNITS: Final = 10
"""Rows that a table of pools or of units shows without scrolling."""

ALERTS_HEIGHT: Final = 10
"""Of the firing alerts, of which a flood has eight, and of what stands beside them."""

OF_THE_VERDICT: Final = (
    Link("", "Triage of this pool", dashboard_url("triage", "job", "pool")),
    Link("", "Runbook", "<<runbooks>>/${__data.fields.Alert}.md"),
)


ON_WHAT: Final = Column(verdicts.NAMED, label="instance", width=146, wraps=True)
"""What the verdict on a pool is about, on two lines if it names a cause."""


def verdicts_on_pools() -> Panel:
    return table(
        PER_POOL.labels,
        Column(verdicts.OF_POOL, width=200, links=OF_THE_VERDICT),
        ON_WHAT,
        Column(verdicts.SENTENCE, wraps=True),
        Column(verdicts.HELD_SINCE),
        Column(verdicts.LEADING_ALERT, label="alertname", hidden=True),
        Column(mailflow.WORST_WAIT),
        Column(units.of_complete_pools(mailflow.USUAL_RATIO), name="Arrivals / usual"),
        Column(units.of_complete_pools(delivery.ACTIVE_RATIO), name="Waiting to leave / usual"),
        Column(mailflow.UNITS_TO_SPARE, name="To spare"),
        title="Pools",
        description="Verdict on each pool, most serious first, and what it is about: a unit, units of those that can "
        "be reached, or a destination, with the cause if one is known. Senders need the page topin. A verdict that "
        "is ending has the time at which its trouble was last there. The wait is a forecast, for mail that arrives "
        "now. What is divided by the usual is left out while the figures of a unit are missing. Click a verdict for "
        "its runbook or its triage.",
        sort=verdicts.OF_POOL.name,
        height=height_of(POOLS, tall=True),
        no_value="no data: are the rules loaded, and is the job selected?",
        links=(TO_TRIAGE,),
    )


def firing_alerts() -> Panel:
    return table(
        ("alertname", "pool", "job"),
        Column(verdicts.ORDER_OF_ALERTS, hidden=True),
        Column(alerts.UNITS_OF_EACH),
        Column(alerts.ONLY_UNIT, label="instance"),
        Column(alerts.SEVERITY),
        Column(alerts.SINCE, "min", width=124),
        title="Firing alerts",
        description="All alerts that fire now, with the number of their units: causes before their effects, then "
        "critical ones, then the newest. Click an alert to open its runbook.",
        sort=verdicts.ORDER_OF_ALERTS.name,
        no_value="no alert fires",
        width=16,
        height=ALERTS_HEIGHT,
        links=(TO_RUNBOOK, TO_TRIAGE, TO_UNIT),
    )


def columns_of_sources() -> Iterator[Column]:
    """Yield for each source whether it answers, and why something failed."""
    for source in SOURCES:
        yield Column(monitoring.ANSWERS[source])
        yield Column(monitoring.REASON[source], label=f"{source}_error")


def completed_by_result(signal: Signal, *, daily: bool = False) -> Panel:
    return graph(signal.by("sum", "result"), stacked=True, daily=daily, values=delivery.RESULTS)


def hard_bounces_by_reason() -> Panel:
    return graph(
        delivery.UNIT_HARD_BOUNCED.by("sum", "reason"),
        title="Hard bounced by reason",
        stacked=True,
        values=delivery.HARD_BOUNCE_REASONS,
    )


def heaviest_senders(width: int) -> Panel:
    return table(
        (*PER_UNIT.labels, "sender"),
        Column(edge.HEAVIEST_SENDERS),
        title="Heaviest senders",
        description="Senders with the most connections to a unit, from the page topin (not verified on a device).",
        sort=edge.HEAVIEST_SENDERS.name,
        no_value=edge.HEAVIEST_SENDERS.no_value,
        width=width,
        height=10,
        links=(TO_TRIAGE, TO_UNIT),
    )


DESTINATION_STATE: Final = Column(delivery.DESTINATION_STATUS, label="status")


def destinations(*more: Column, width: int) -> Panel:
    return table(
        ("class", "destination"),
        Column(delivery.DESTINATION_ACTIVE, "sum", name="Active"),
        Column(delivery.DESTINATION_DELIVERED, "sum"),
        *more,
        title="Destinations",
        description="Destinations of mail with their class in fleet.yml, recipients that wait for them, and what is "
        "delivered now. From REST, or from the page tophosts, which has no state of them. Not verified on a device.",
        sort="Active",
        no_value=delivery.DESTINATION_ACTIVE.no_value,
        width=width,
        height=10,
    )


def compared_with_usual(*columns: Signal, title: str, description: str, height: int) -> Panel:
    """Show figures of units beside their usual values, the most unusual first. The columns are those of `compared`."""
    return table(
        (*PER_UNIT.labels, "figure", "points_to"),
        *(Column(signal) for signal in columns),
        title=title,
        description=description,
        sort="Times usual",
        height=height,
        links=(TO_TRIAGE, TO_UNIT),
    )
