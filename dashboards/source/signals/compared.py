"""Figures of a unit beside its own usual, in a table with a row for each: their names are the label `figure`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.source.palette import GOOD, WARNING
from dashboards.source.signals import PER_FIGURE, Signal, edge, unit

UNUSUAL_RATIO: Final = 2
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
    floor: float
    """A smaller figure is not divided by its usual: ratios of very small figures are noise."""
    expression: str
    """PromQL of the figure now, with one series for each unit."""

    @property
    def usual(self) -> str:
        """The PromQL of the 95th percentile of the last week, without the times in which mail waited.

        So an incident of hours does not become usual, not even on the first day of a unit.
        """
        regular = f"({self.expression})\nunless on (job, pool, instance)\n{_BACKLOGGED}"
        return f"quantile_over_time(0.95, (\n{regular}\n)[1w:15m])"

    @property
    def times_usual(self) -> str:
        return f"(({self.expression}) >= {self.floor:g})\n/\nclamp_min({self.usual}, {self.floor / 10:g})"

    def labelled(self, expression: str) -> str:
        named = f'label_replace({expression}, "figure", "{self.name}", "", "")'
        return f'label_replace({named}, "points_to", "{self.points_to}", "", "")'


def _last(metric: str) -> str:
    return f"last_over_time({metric}{{<<units>>}}[5m])"


def _percent(metric: str, matcher: str = "") -> str:
    return f"100 * max_over_time({metric}{{{matcher}<<units>>}}[5m])"


_BYTES_OF_A_MESSAGE: Final = """\
max by (job, pool, instance) (avg_over_time(ironport_queue_used_bytes{<<units>>}[5m]))
/ (
    max by (job, pool, instance) (avg_over_time(instance:ironport_work_queue_messages:last3m{<<units>>}[5m]))
  + max by (job, pool, instance) (avg_over_time(instance:ironport_delivery_queue_recipients:last5m{<<units>>}[5m]))
  > 0
)"""
"""Queue space in use, divided by the messages in the work queue and the recipients in the delivery queue."""

_DRIVES_AT_FAULT: Final = """\
sum without (drive, status) (
  max_over_time(ironport_raid_drive_status{status=~"failed|rebuilding",<<units>>}[15m])
)"""

SUSPECTS: Final = (
    ComparedFigure("DNS requests that wait", "resolvers: dnsstatus", 20, unit.DNS_WAITING.expression),
    ComparedFigure("Mean session, seconds", "LDAP (ldaptest), or slow senders", 2, edge.SESSION.expression),
    ComparedFigure("Bytes of a queued message", "large messages", 5000, _BYTES_OF_A_MESSAGE),
    ComparedFigure("Disk I/O, % of its peak", "disk or storage", 20, _percent("ironport_disk_io_utilization_ratio")),
    ComparedFigure("Drives failed or rebuilding", "RAID", 1, _DRIVES_AT_FAULT),
    *(
        ComparedFigure(
            f"CPU of {process}, %",
            f"engine: {process}status",
            20,
            _percent("ironport_cpu_utilization_ratio", f'process="{process}",'),
        )
        for process in ("antivirus", "antispam")
    ),
)
"""Figures that show why a unit is slow, the likeliest cause first."""

RESOURCES: Final = (
    ComparedFigure("Memory, %", "a long queue", 20, _percent("ironport_memory_utilization_ratio")),
    ComparedFigure("Queue space, bytes", "a long queue", 1e8, _last("ironport_queue_used_bytes")),
    ComparedFigure("Quarantine, bytes", "spam that nobody deletes", 1e8, _last("ironport_quarantine_bytes")),
    ComparedFigure("Open files and sockets", "many connections", 200, _last("ironport_open_files")),
    ComparedFigure("Mail transfer threads", "many connections", 20, _last("ironport_mail_transfer_threads")),
    ComparedFigure(
        "Messages dropped per second",
        "a filter, or much spam",
        1,
        "rate(ironport_messages_dropped_total{<<units>>}[$__rate_interval])",
    ),
    ComparedFigure("Destinations in memory", "mail to many domains", 200, _last("ironport_destinations_in_memory")),
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
            joined(lambda figure: figure.expression),
        ),
        Signal(
            "Usual",
            "short",
            PER_FIGURE,
            "In the last week, 95 of 100 samples were at or below this value. Samples while mail waited do not count.",
            joined(lambda figure: figure.usual),
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
