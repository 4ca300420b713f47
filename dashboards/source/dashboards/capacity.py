"""The capacity review."""

from __future__ import annotations

from typing import Final

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import CRITICAL, DATA, OTHER, WARNING
from dashboards.source.panels import Column, Line, Panel, graph, stat, table, text
from dashboards.source.signals import PER_POOL, capacity
from dashboards.source.variables import BY_JOB, BY_POOL

CAPACITY_EXPLAINED: Final = """\
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


def capacity_review() -> Dashboard:
    return Dashboard(
        "capacity",
        "Capacity review",
        "Would the pools carry their busy hours after a loss, and until when?",
        filters=(BY_JOB, BY_POOL),
        rows=(
            top(
                stat(capacity.UNIT_RATIO.by("max"), title="N+1, tightest pool"),
                stat(capacity.SITE_RATIO.by("max"), title="Site loss, tightest"),
                stat(capacity.SOONEST.by("min")),
                stat(capacity.MINUTES_CONSERVING.by("max"), title=f"{capacity.MINUTES_CONSERVING.name}, 7 d"),
                stat(capacity.MINUTES_BACKED_UP.by("max"), title=f"{capacity.MINUTES_BACKED_UP.name}, 7 d"),
                stat(capacity.RETAINED.by("max")),
                forecast(),
            ),
            opened("Demand against capacity", demand_against_capacity()),
            collapsed("How much of it is taken up", graph(capacity.UNIT_RATIO), graph(capacity.SITE_RATIO)),
            collapsed("Role plan", role_plan()),
            collapsed("Units in need", graph(capacity.MINUTES_CONSERVING), graph(capacity.MINUTES_BACKED_UP)),
            collapsed(
                "How to read this", text("How to read this", "What the figures mean.", CAPACITY_EXPLAINED, height=7)
            ),
        ),
        since="now-90d",
    )


def forecast() -> Panel:
    return table(
        PER_POOL.labels,
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
        links=(shared.TO_TRIAGE,),
    )


def demand_against_capacity() -> Panel:
    return graph(
        Line(capacity.HOURLY_MEAN, "mean of an hour ({{job}})", colour=DATA),
        Line(capacity.BUSY_HOUR, "busy hour ({{job}})", colour=OTHER),
        Line(capacity.LESS_UNIT, "without largest unit ({{job}})", colour=WARNING, dashed=True),
        Line(capacity.LESS_SITE, "without largest site ({{job}})", colour=CRITICAL, dashed=True),
        title="Demand against capacity: $pool",
        description="Messages a second of the busy hours, and what the pool can do without its largest unit or site.",
        height=10,
        repeat=BY_POOL.label,
    )


def role_plan() -> Panel:
    return table(
        PER_POOL.labels,
        Column(capacity.UNITS_IN_SERVICE),
        Column(capacity.SPARES_READY),
        Column(capacity.AS_IT_IS),
        Column(capacity.SPARE_COMES),
        Column(capacity.UNIT_COMES),
        Column(capacity.UNIT_GOES),
        title="What if units changed their places",
        description="N+1 taken up if the spares come in, or if a unit like the smallest comes or goes.",
        sort=capacity.AS_IT_IS.name,
        height=6,
        links=(shared.TO_TRIAGE,),
    )
