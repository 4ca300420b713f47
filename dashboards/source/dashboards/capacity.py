from __future__ import annotations

from typing import Final

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import CRITICAL, DATA, WARNING
from dashboards.source.panels import Column, Line, Panel, graph, height_of, markdown, stat, table
from dashboards.source.signals import PER_POOL, capacity
from dashboards.source.variables import BY_JOB, BY_POOL

CAPACITY_EXPLAINED: Final = """\
- **Busy hour**: the 95th percentile of the hourly means of a week. Hours in which an alert reported an attack or an
  outage do not count. It needs a week of history.
- **N+1 used**: the busy hour as a share of what a pool can carry without its largest unit. From 100 %, the loss of a
  unit makes mail late. **Site loss used** is the same for the largest site, where units have `site` labels.
- **N+1 lost, soonest and latest**: straight lines through the busy hours of the last 4, 8 and 12 weeks give three
  dates. These two are the first and the last. If they are far apart, the forecast is unreliable. Holidays and a new
  customer are not a trend. `ironport-exporter capacity` gives a better range: from the growth between any two weeks, in
  which single odd weeks count little.
- **What a unit can carry** is its `rated_messages_per_hour`. Without it, the rules learn how much the unit
  kept up for ten minutes while mail waited.
- **How far back this goes**: Prometheus keeps 15 days by default. For 90 days, run it with
  `--storage.tsdb.retention.time=100d` or with long-term storage. Until then the panels show the shorter time.
  Forecasts need 5 weeks of history.
"""


def capacity_review() -> Dashboard:
    return Dashboard(
        "capacity",
        "Capacity review",
        "Could the pools carry their busy hours after the loss of a unit or a site, and until when?",
        filters=(BY_JOB, BY_POOL),
        rows=(
            top(
                stat(capacity.UNIT_RATIO.worst(), title="N+1 used", named=True),
                stat(capacity.SITE_RATIO.worst(), title="Site loss used", named=True),
                stat(capacity.SOONEST.worst("bottomk"), title="N+1 lost in", named=True),
                stat(capacity.MINUTES_CONSERVING.by("max")),
                stat(capacity.MINUTES_BACKED_UP.by("max"), title="Long queues"),
                stat(capacity.RETAINED.by("max")),
                forecast(),
            ),
            opened("Demand and capacity", demand_against_capacity()),
            collapsed(
                "Use of N+1",
                graph(capacity.UNIT_RATIO, title="N+1 used by pool"),
                graph(capacity.SITE_RATIO, title="Site loss used by pool"),
            ),
            collapsed("Role plan", role_plan()),
            collapsed(
                "Conservation, refused mail and long queues",
                graph(capacity.MINUTES_CONSERVING, title="Conservation by pool", width=8),
                graph(capacity.MINUTES_REFUSING, width=8),
                graph(capacity.MINUTES_BACKED_UP, width=8),
            ),
            collapsed("How to read this", markdown("How to read this", "What the figures mean.", CAPACITY_EXPLAINED)),
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
        description="Busy hour of each pool, its growth per week, and days until the pool cannot lose a unit any more.",
        sort=capacity.UNIT_RATIO.name,
        height=height_of(shared.POOLS),
        no_value="needs a week of history",
        links=(shared.TO_TRIAGE,),
    )


def demand_against_capacity() -> Panel:
    return graph(
        Line(capacity.HOURLY_MEAN, "hourly mean${of_job}", colour=DATA),
        Line(capacity.BUSY_HOUR, "busy hour${of_job}"),
        Line(capacity.LESS_UNIT, "without largest unit${of_job}", colour=WARNING, dashed=True),
        Line(capacity.LESS_SITE, "without largest site${of_job}", colour=CRITICAL, dashed=True),
        title="Demand and capacity: $pool",
        description="Messages per second in busy hours, and what the pool can carry without its largest unit or site.",
        width=24,
        height=10,
        repeat=BY_POOL.label,
    )


def role_plan() -> Panel:
    return table(
        PER_POOL.labels,
        Column(capacity.UNITS_IN_SERVICE),
        Column(capacity.SPARES_READY),
        Column(capacity.USED_NOW),
        Column(capacity.USED_WITH_SPARES),
        Column(capacity.USED_WITH_ONE_MORE),
        Column(capacity.USED_WITH_ONE_LESS),
        title="What if units move between pools",
        description="N+1 used if the spares take mail, or with one unit more or less of the size of the smallest unit.",
        sort=capacity.USED_NOW.name,
        no_value="needs a week of history",
        height=6,
        links=(shared.TO_TRIAGE,),
    )
