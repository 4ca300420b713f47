"""The management summary."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.source import frame, parts
from dashboards.source.palette import BASELINE, CRITICAL, WARNING
from dashboards.source.panels import Column, Line, Link, days, stat, table, text, timeseries
from dashboards.source.signals import service
from dashboards.source.thresholds import RUNBOOKS
from dashboards.source.variables import JOB, POOL

HOW_TO_READ: Final = """\
- **Messages** come from outside and from inside; a message has one recipient or more. **Refused** recipients were
  turned away at the edge: by reputation, by policy, or because there is no such address. Their share is that of the
  pools that turn any away.
- **Edge and core**: mail that passes two pools counts in both, and so it does in sums over pools.
- **Available**: at least one unit of the pool answered and took mail. What nobody was looking at does not count.
- **Mail late**: a message waited so long in the work queue of a unit; what it waits for at its destination does not
  count.
- **Incidents** are the alerts of the time, by how long they fired in all, to 5 minutes.
- **How far back this goes**: Prometheus keeps 15 days by default. For a month and more run it with
  `--storage.tsdb.retention.time=100d`, or with long-term storage. Until then all that there is is summed up.
"""


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return frame.dashboard(
        __name__,
        "Management summary",
        "How much mail was there, and was it on time?",
        filters=(JOB, POOL),
        rows=(
            frame.top(messages(), refused(), busiest_hour(), availability(), late(), worst_delay(), pools()),
            frame.opened("Incidents", incidents()),
            frame.collapsed("Day by day", messages_a_day(), late_a_day(), completed_a_day(), refused_a_day()),
            frame.collapsed(
                "How to read this", text("How to read this", "What the figures mean.", HOW_TO_READ, height=8)
            ),
        ),
        since="now-30d",
    )


def messages() -> Panel:
    """Return all messages of the time."""
    return stat(Line(service.MESSAGES, "", service.MESSAGES.by("sum")), width=3)


def refused() -> Panel:
    """Return the share of recipients that were refused."""
    return stat(Line(service.REFUSED_IN_ALL, ""))


def busiest_hour() -> Panel:
    """Return the messages of the busiest hour."""
    return stat(Line(service.BUSIEST_HOUR_IN_ALL, ""), width=3)


def availability() -> Panel:
    """Return the availability of the pool where it was least."""
    return stat(Line(service.AVAILABILITY, "", service.AVAILABILITY.by("min")), title="Available, least pool")


def late() -> Panel:
    """Return the minutes in which mail was late, by how late."""
    return stat(
        Line(service.LATE_1, "over 1 minute"),
        Line(service.LATE_5, "over 5 minutes"),
        Line(service.LATE_15, "over 15 minutes"),
        description="Minutes in which mail waited longer than 1, 5 or 15 minutes in the work queue of any unit.",
        width=7,
    )


def worst_delay() -> Panel:
    """Return the longest delay."""
    return stat(Line(service.WORST_DELAY, "", service.WORST_DELAY.by("max")), width=3)


def pools() -> Panel:
    """Return the table of volumes and delays."""
    return table(
        ("job", "pool"),
        Column(service.MESSAGES),
        Column(service.DELIVERED),
        Column(service.BOUNCED),
        Column(service.REFUSED),
        Column(service.BUSIEST_HOUR),
        Column(service.BUSIEST_UNTIL, width=140),
        Column(service.AVAILABILITY),
        Column(service.UNITS_AVAILABILITY),
        Column(service.OVER_1),
        Column(service.OVER_5),
        Column(service.OVER_15),
        Column(service.WORST_DELAY),
        title="Pools",
        description="What each pool has done in all of the time, and for how many minutes its mail was late.",
        sort=service.MESSAGES.name,
        height=6,
        links=(parts.POOL,),
    )


def incidents() -> Panel:
    """Return the table of the alerts that fired."""
    return table(
        ("severity", "alertname", "pool", "instance", "job"),
        Column(service.INCIDENT_LAST, width=150),
        Column(service.INCIDENT_TIMES, width=100),
        Column(service.INCIDENT_LENGTH, width=120),
        title="Incidents",
        description="Critical alerts and warnings of the time: when each last fired, how often, and for how long.",
        sort=service.INCIDENT_LENGTH.name,
        height=12,
        no_value="no alert fired",
        links=(Link("alertname", "Runbook", f"{RUNBOOKS}/${{__value.text}}.md"), parts.POOL, parts.UNIT),
    )


def messages_a_day() -> Panel:
    """Return the messages of each day, by pool."""
    return days(Line(service.MESSAGES_A_DAY, "{{pool}} ({{job}})"), stacked=True)


def late_a_day() -> Panel:
    """Return the minutes of each day in which mail was late, the latest in front."""
    return days(
        Line(service.LATE_1_A_DAY, "over 1 minute", colour=BASELINE),
        Line(service.LATE_5_A_DAY, "over 5 minutes", colour=WARNING),
        Line(service.LATE_15_A_DAY, "over 15 minutes", colour=CRITICAL),
    )


def completed_a_day() -> Panel:
    """Return the recipients of each day that the units are done with, by how that ended."""
    return days(Line(service.COMPLETED_A_DAY, "{{result}}", service.COMPLETED_A_DAY.by("sum", "result")), stacked=True)


def refused_a_day() -> Panel:
    """Return the share of recipients that were refused in the day before, by pool."""
    return timeseries(Line(service.REFUSED_A_DAY, "{{pool}} ({{job}})"))
