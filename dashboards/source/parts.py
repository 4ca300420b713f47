"""Panels that several dashboards show."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.source import verdicts
from dashboards.source.frame import address
from dashboards.source.panels import Column, Link, table
from dashboards.source.signals import alerts, edge, mailflow, units
from dashboards.source.thresholds import RUNBOOKS

POOL: Link = Link("pool", "Triage of this pool", address("triage", "job", "pool"))
UNIT: Link = Link("instance", "This unit", address("unit", "job", "pool", "instance"))


def verdicts_on_pools() -> Panel:
    """Return the table of what the alerts say of each pool, and of how it stands."""
    return table(
        ("job", "pool"),
        Column(verdicts.OF_POOL, width=190),
        Column(verdicts.NAMED_UNIT, label="instance"),
        Column(mailflow.WAIT, name="Worst wait"),
        Column(mailflow.USUAL_RATIO),
        Column(units.UP, "sum", name="Units up"),
        Column(units.UP, "count", name="Units in all"),
        Column(mailflow.UNITS_TO_SPARE),
        Column(units.CONSERVATION, "sum"),
        title="Pools",
        description="What the firing alerts say of each pool, the gravest first, and on which unit if it is about one.",
        sort=verdicts.OF_POOL.name,
        height=8,
        links=(POOL,),
    )


def firing_alerts() -> Panel:
    """Return the table of the alerts that fire, each with its runbook."""
    return table(
        ("alertname", "pool", "instance", "job"),
        Column(alerts.SEVERITY),
        Column(alerts.SINCE),
        title="Firing alerts",
        description="Every alert that fires now, the gravest first; it leads to its runbook, a unit to its dashboard.",
        sort=alerts.SEVERITY.name,
        no_value="no alert fires",
        links=(Link("alertname", "Runbook", f"{RUNBOOKS}/${{__value.text}}.md"), POOL, UNIT),
    )


def heaviest_senders(width: int) -> Panel:
    """Return the table of the senders with the most connections, and to which unit they have them."""
    return table(
        ("job", "pool", "instance", "sender"),
        Column(edge.SENDERS),
        title="Heaviest senders",
        description="Senders with the most connections to a unit, from the page topin, not verified on a device.",
        sort=edge.SENDERS.name,
        no_value="none collected: needs topin among the xml pages of the appliances",
        width=width,
        height=10,
        links=(POOL, UNIT),
    )
