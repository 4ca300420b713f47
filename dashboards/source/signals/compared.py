"""Figures of a unit beside its own usual, in a table with a row for each: their names are the label `figure`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dashboards.source.palette import GOOD, WARNING
from dashboards.source.signals import PER_FIGURE, Signal
from exporter.bundle.thresholds import limit

UNUSUAL_RATIO: Final = limit("suspect_ratio")
"""Times the usual from which a figure is marked. The usual is high already: that of a busy hour."""

_BACKLOGGED: Final = "max_over_time(instance:ironport_work_queue_backlogged:bool{<<units>>}[15m] offset -10m) == 1"
"""Also up to 10 minutes before mail waits: a fault begins before its queue is long."""


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A row of the table, for each unit."""

    name: str
    """With its unit, because all figures share the columns of values."""
    points_to: str
    """What is probably the matter while the figure is unusual."""
    expression: str
    """PromQL of the figure now, with one series for each unit."""
    usual: str
    """PromQL of the 95th percentile of the last week, without the times in which mail waited.

    So an incident of hours does not become usual, not even on the first day of a unit.
    """
    times_usual: str
    """PromQL of the one divided by the other, where the figure is not so small that the ratio would be noise."""
    precision: float = 1
    """To what the figure and its usual are rounded: what is counted has no fractions."""

    def labelled(self, expression: str) -> str:
        named = f'label_replace({expression}, "figure", "{self.name}", "", "")'
        return f'label_replace({named}, "points_to", "{self.points_to}", "", "")'


def _recorded(name: str, points_to: str, suspect: str) -> ComparedFigure:
    selector = f'{{suspect="{suspect}",<<units>>}}'
    return ComparedFigure(
        name,
        points_to,
        f"instance:ironport_suspect:last5m{selector}",
        f"last_over_time(instance:ironport_suspect:usual1w{selector}[15m])",
        f"instance:ironport_suspect:times_usual{selector}",
    )


def _calculated(name: str, points_to: str, floor: float, expression: str) -> ComparedFigure:
    regular = f"({expression})\nunless on (job, pool, instance)\n{_BACKLOGGED}"
    usual = f"quantile_over_time(0.95, (\n{regular}\n)[1w:15m])"
    times_usual = f"(({expression}) >= {floor:g})\n/\nclamp_min({usual}, {floor / 10:g})"
    return ComparedFigure(name, points_to, expression, usual, times_usual)


def _last(metric: str) -> str:
    return f"last_over_time({metric}{{<<units>>}}[5m])"


SUSPECTS: Final = (
    _recorded("DNS requests that wait", "resolvers: dnsstatus", "DNS"),
    replace(
        _recorded("Mean session, seconds", "LDAP (ldaptest), or slow senders", "LDAP or slow senders"), precision=0.01
    ),
    _recorded("Bytes of a queued message", "large messages", "large messages"),
    _recorded("Disk I/O, % of its peak", "disk or storage", "disk or storage"),
    _recorded("Drives failed or rebuilding", "RAID", "RAID"),
    *(_recorded(f"CPU of {process}, %", f"engine: {process}status", process) for process in ("antivirus", "antispam")),
)
"""Figures that show why a unit is slow, the likeliest cause first."""

RESOURCES: Final = (
    _calculated(
        "Memory, %", "a long queue", 20, "100 * max_over_time(ironport_memory_utilization_ratio{<<units>>}[5m])"
    ),
    _calculated("Queue space, bytes", "a long queue", 1e8, _last("ironport_queue_used_bytes")),
    _calculated("Quarantine, bytes", "spam that nobody deletes", 1e8, _last("ironport_quarantine_bytes")),
    _calculated("Open files and sockets", "many connections", 200, _last("ironport_open_files")),
    _calculated("Mail transfer threads", "many connections", 20, _last("ironport_mail_transfer_threads")),
    replace(
        _calculated(
            "Messages dropped per second",
            "a filter, or much spam",
            1,
            "rate(ironport_messages_dropped_total{<<units>>}[$__rate_interval])",
        ),
        precision=0.01,
    ),
    _calculated("Destinations in memory", "mail to many domains", 200, _last("ironport_destinations_in_memory")),
)
"""Other resources of a unit."""


def _columns(figures: Sequence[ComparedFigure]) -> tuple[Signal, ...]:
    def joined(expression: Callable[[ComparedFigure], str]) -> str:
        return "\nor\n".join(figure.labelled(expression(figure)) for figure in figures)

    return (
        Signal(
            "Now",
            "short",
            PER_FIGURE,
            "The figure now.",
            joined(lambda figure: f"round({figure.expression}, {figure.precision:g})"),
        ),
        Signal(
            "Usual",
            "short",
            PER_FIGURE,
            "In the last week, 95 of 100 samples were at or below this value. Samples while mail waited do not count.",
            joined(lambda figure: f"round({figure.usual}, {figure.precision:g})"),
        ),
        Signal(
            "Times usual",
            "none",
            PER_FIGURE,
            "The figure divided by its usual, unless it is too small to matter.",
            joined(lambda figure: figure.times_usual),
            limits=((UNUSUAL_RATIO, WARNING),),
            below=GOOD,
            decimals=1,
        ),
    )


OF_SUSPECTS: Final = _columns(SUSPECTS)
OF_ALL: Final = _columns((*SUSPECTS, *RESOURCES))
