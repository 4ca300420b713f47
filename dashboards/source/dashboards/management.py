from __future__ import annotations

from typing import Final

from dashboards.source import shared
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE, CRITICAL, WARNING
from dashboards.source.panels import HEADINGS, Column, Line, Panel, graph, height_of, markdown, stat, table
from dashboards.source.signals import PER_POOL, service
from dashboards.source.variables import BY_JOB, BY_POOL
from exporter.phrases import Phrases

_PHRASES: Final = Phrases("en")
_DEFINED: Final = ("message", "rejected", "available", "late")
"""Words that the report explains in the same way."""

SUMMARY_EXPLAINED: Final = "".join(
    f"- **{_PHRASES.text(f'define_{word}')}**: {_PHRASES.text(f'define_{word}_text')}\n" for word in _DEFINED
) + (
    """\
- **Longest wait**: the longest that mail waited for its checks. The wait on the dashboard Fleet wall is another figure:
  how long mail that arrives now will wait.
- **Mail that passes two pools** counts in both, also in sums.
- **Days covered**: if they are fewer than the days shown, Prometheus has not kept more. It keeps 15 days, unless it
  runs with `--storage.tsdb.retention.time=100d` or with long-term storage.
"""
)


def management_summary() -> Dashboard:
    return Dashboard(
        "management",
        "Management summary",
        "How much mail was there, and was it on time?",
        filters=(BY_JOB, BY_POOL),
        rows=(
            top(
                stat(service.DAYS_COVERED, width=6),
                stat(service.MESSAGES.by("sum"), width=6),
                stat(service.REJECTED_SHARE, title="Rejected", width=6),
                stat(service.BUSIEST_HOUR_OF_ALL, width=6),
                stat(service.AVAILABILITY_OF_ALL, width=6),
                minutes_late(),
                stat(service.WORST_DELAY.by("max"), width=6),
                totals_of_each_pool(),
            ),
            opened(
                "What went wrong, and what the words mean",
                what_went_wrong(),
                markdown("What the words mean", "Definitions of the figures.", SUMMARY_EXPLAINED),
            ),
            collapsed(
                "Day by day",
                graph(service.MESSAGES_A_DAY, stacked=True, daily=True),
                minutes_late_a_day(),
                shared.completed_by_result(service.COMPLETED_A_DAY, daily=True),
                graph(service.REJECTED_A_DAY),
            ),
        ),
        since="now-30d",
    )


def minutes_late() -> Panel:
    return stat(
        *(Line(signal, f"over {over}") for over, signal in service.MINUTES_LATE.items()),
        title="Mail was late",
        description="Minutes in which mail waited longer than 1, 5 or 15 minutes in the work queue of any unit.",
        width=12,
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
        Column(service.HARD_BOUNCED, name="Failed for good"),
        Column(service.REJECTED_OF_POOL),
        Column(service.BUSIEST_HOUR),
        Column(service.BUSIEST_UNTIL, width=140),
        Column(service.AVAILABILITY),
        *(Column(each) for each in service.MINUTES_LATE_OF_POOL.values()),
        Column(service.WORST_DELAY),
        title="Pools",
        description="Volumes and availability of each pool in the time shown, and minutes in which its mail was late.",
        sort=service.MESSAGES.name,
        height=height_of(shared.POOLS, tall=True),
        links=(shared.TO_TRIAGE,),
    )


def what_went_wrong() -> Panel:
    return table(
        ("severity", "alertname", "pool", "instance", "job"),
        Column(service.LAST_FIRED, width=150),
        Column(service.TIMES_FIRED, width=100),
        Column(service.TIME_FIRED, width=120),
        title="What went wrong",
        description="What made mail late, lost or refused, or nearly did. When it last happened, how often, and for "
        "how long, rounded to 5 minutes.",
        sort=service.TIME_FIRED.name,
        no_value="nothing went wrong in this time",
        links=(shared.TO_TRIAGE, shared.TO_UNIT),
        headings={**HEADINGS, "alertname": "What"},
        words={"alertname": service.INCIDENT_WORDS},
    )
