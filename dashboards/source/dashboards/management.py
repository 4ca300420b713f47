from __future__ import annotations

from typing import Final

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE, CRITICAL, WARNING
from dashboards.source.panels import Column, Line, Panel, graph, markdown, stat, table
from dashboards.source.signals import PER_POOL, service
from dashboards.source.variables import BY_JOB, BY_POOL

SUMMARY_EXPLAINED: Final = """\
- **Messages** are incoming and outgoing mail. A message has one recipient or more. **Rejected** recipients were refused
  because of the sender's reputation, by policy, or because there is no such address. The share covers only the pools
  that reject any.
- **Edge and core**: mail that passes two pools counts in both, also in sums over pools.
- **Available**: at least one unit of the pool answered and accepted mail. Times without monitoring do not count.
- **Mail late**: messages waited that long in the work queue of a unit. Waiting for the destination does not count.
- **Alerts that fired** are sorted by the total time that they fired, which is rounded to 5 minutes.
- **How far back this goes**: Prometheus keeps 15 days by default. For a month or more, run it with
  `--storage.tsdb.retention.time=100d` or with long-term storage. Until then the figures cover the shorter time.
"""


def management_summary() -> Dashboard:
    return Dashboard(
        "management",
        "Management summary",
        "How much mail was there, and was it on time?",
        filters=(BY_JOB, BY_POOL),
        rows=(
            top(
                stat(service.MESSAGES.by("sum")),
                stat(service.REJECTED_SHARE, title="Rejected"),
                stat(service.BUSIEST_HOUR_OF_ALL),
                stat(service.AVAILABILITY.by("min")),
                minutes_late(),
                stat(service.WORST_DELAY.by("max")),
                totals_of_each_pool(),
            ),
            opened("Alerts that fired", fired_alerts()),
            collapsed(
                "Day by day",
                graph(service.MESSAGES_A_DAY, stacked=True, daily=True),
                minutes_late_a_day(),
                shared.completed_by_result(service.COMPLETED_A_DAY, daily=True),
                graph(service.REJECTED_A_DAY),
            ),
            collapsed(
                "How to read this", markdown("How to read this", "What the figures mean.", SUMMARY_EXPLAINED, height=8)
            ),
        ),
        since="now-30d",
    )


def minutes_late() -> Panel:
    return stat(
        *(Line(signal, f"> {over.split()[0]} min") for over, signal in service.MINUTES_LATE.items()),
        description="Minutes in which mail waited longer than 1, 5 or 15 minutes in the work queue of any unit.",
        width=4,
    )


def minutes_late_a_day() -> Panel:
    """Draw the bars of the longest delays last, and so in front."""
    return graph(
        *(
            Line(signal, f"over {over}", colour=colour)
            for (over, signal), colour in zip(
                service.MINUTES_LATE_A_DAY.items(), (BASELINE, WARNING, CRITICAL), strict=True
            )
        ),
        daily=True,
    )


def totals_of_each_pool() -> Panel:
    return table(
        PER_POOL.labels,
        Column(service.MESSAGES),
        Column(service.DELIVERED),
        Column(service.HARD_BOUNCED),
        Column(service.REJECTED_OF_POOL),
        Column(service.BUSIEST_HOUR),
        Column(service.BUSIEST_UNTIL, width=140),
        Column(service.AVAILABILITY),
        *(Column(each) for each in service.MINUTES_LATE_OF_POOL.values()),
        Column(service.WORST_DELAY),
        title="Pools",
        description="Volumes and availability of each pool in the time shown, and minutes in which its mail was late.",
        sort=service.MESSAGES.name,
        height=9,
        links=(shared.TO_TRIAGE,),
    )


def fired_alerts() -> Panel:
    return table(
        ("severity", "alertname", "pool", "instance", "job"),
        Column(service.LAST_FIRED, width=150),
        Column(service.TIMES_FIRED, width=100),
        Column(service.TIME_FIRED, width=120),
        title="Alerts that fired",
        description="Critical alerts and warnings in the time shown: when each last fired, how often, and how long.",
        sort=service.TIME_FIRED.name,
        height=12,
        no_value="no alert has fired",
        links=(shared.TO_RUNBOOK, shared.TO_TRIAGE, shared.TO_UNIT),
    )
