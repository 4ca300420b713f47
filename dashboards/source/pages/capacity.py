"""The capacity review."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts
from dashboards.source.palette import CRITICAL, DATA, OTHER, WARNING
from dashboards.source.panels import Column, Line, stat, table, text, timeseries
from dashboards.source.signals import Signal, capacity
from dashboards.source.variables import JOB, POOL

HOW_TO_READ: Final = """\
- **Busy hour**: the 95th percentile of the hourly means of a week, so that an attack or two stay out of the plan. It
  needs a week of history.
- **N+1 taken up**: the busy hour over what a pool can do without its largest unit. From 100 % on, the next loss of a
  unit makes mail late. **Site loss** likewise, where units have `site` labels.
- **N+1 lost, soonest and latest**: straight lines through the last 4, 8 and 12 weeks of busy hours give three answers;
  these are the outer ones. Far apart, they say that nobody knows. Holidays and a new customer are no trend.
- **What units can do** is `rated_messages_per_hour` or, where a unit has been at its limit, what it did then.
- **How far back this goes**: Prometheus keeps 15 days by default. For 90 days run it with
  `--storage.tsdb.retention.time=100d`, or with long-term storage. Until then all that there is is shown, and forecasts
  begin after 5 weeks.
"""


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Capacity review",
        "Would the pools carry their busy hours after a loss, and until when?",
        filters=(JOB, POOL),
        rows=(
            frame.top(
                tightest(capacity.UNIT_RATIO, "N+1, tightest pool"),
                tightest(capacity.SITE_RATIO, "Site loss, tightest"),
                lost_soonest(),
                last_week(capacity.CONSERVATION),
                last_week(capacity.BACKUP),
                history(),
                pools(),
            ),
            frame.opened("Demand against capacity", demand_against_capacity()),
            frame.collapsed("How much of it is taken up", by_pool(capacity.UNIT_RATIO), by_pool(capacity.SITE_RATIO)),
            frame.collapsed("Role plan", role_plan()),
            frame.collapsed("Units in need", by_pool(capacity.CONSERVATION), by_pool(capacity.BACKUP)),
            frame.collapsed(
                "How to read this", text("How to read this", "What the figures mean.", HOW_TO_READ, height=7)
            ),
        ),
        since="now-90d",
    )


def tightest(ratio: Signal, title: str) -> Panel:
    """Return how much is taken up in the pool where it is most."""
    return stat(Line(ratio, "", ratio.by("max")), title=title)


def lost_soonest() -> Panel:
    """Return the days until the first pool loses its N+1."""
    return stat(Line(capacity.SOONEST, "", capacity.SOONEST.by("min")))


def last_week(minutes: Signal) -> Panel:
    """Return the minutes of the last week in the pool that had most."""
    return stat(Line(minutes, "", minutes.by("max")), title=f"{minutes.name}, 7 d")


def history() -> Panel:
    """Return how much history there is."""
    return stat(Line(capacity.HISTORY, "", capacity.HISTORY.by("max")))


def pools() -> Panel:
    """Return the table of demand, capacity and forecast."""
    return table(
        ("job", "pool"),
        Column(capacity.BUSY_HOUR),
        Column(capacity.LESS_UNIT),
        Column(capacity.LESS_SITE),
        Column(capacity.UNIT_RATIO),
        Column(capacity.SITE_RATIO),
        Column(capacity.GROWTH_LOW),
        Column(capacity.GROWTH_HIGH),
        Column(capacity.SOONEST),
        Column(capacity.LATEST),
        title="Pools",
        description="The busy hour of each pool and its growth a week, against what a loss would leave, and how long.",
        sort=capacity.UNIT_RATIO.name,
        height=6,
        links=(parts.POOL,),
    )


def demand_against_capacity() -> Panel:
    """Return the demand of a pool against what a loss would leave, a graph for each pool that is chosen."""
    panel = timeseries(
        Line(capacity.HOURS, "mean of an hour ({{job}})", colour=DATA),
        Line(capacity.BUSY_HOUR, "busy hour ({{job}})", colour=OTHER),
        Line(capacity.LESS_UNIT, "without largest unit ({{job}})", colour=WARNING, dashed=True),
        Line(capacity.LESS_SITE, "without largest site ({{job}})", colour=CRITICAL, dashed=True),
        title="Demand against capacity: $pool",
        description="Messages a second of the busy hours, and what the pool can do without its largest unit or site.",
        height=10,
    )
    panel.repeat = POOL.label
    panel.max_per_row = 2
    return panel


def by_pool(signal: Signal) -> Panel:
    """Return the graph of a signal, a line for each pool."""
    return timeseries(Line(signal, "{{pool}} ({{job}})"))


def role_plan() -> Panel:
    """Return the table of what would be taken up if units changed their places."""
    return table(
        ("job", "pool"),
        Column(capacity.UNITS),
        Column(capacity.SPARES),
        Column(capacity.AS_IT_IS),
        Column(capacity.SPARE_COMES),
        Column(capacity.UNIT_COMES),
        Column(capacity.UNIT_GOES),
        title="What if units changed their places",
        description="N+1 taken up if the spares come in, or if a unit like the smallest comes or goes.",
        sort=capacity.AS_IT_IS.name,
        height=6,
        links=(parts.POOL,),
    )
