"""The PromQL of figures over a time, which dashboards, reports and the capacity model share.

They read recorded series that have one sample every 5 minutes. `selector` stands for label matchers, as in
`job="ironport",pool="inbound"`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.prometheus.durations import HOUR, MINUTE

SAMPLE: Final = 5 * MINUTE
"""Seconds from one sample of these series to the next."""

SAMPLES_AN_HOUR: Final = HOUR // SAMPLE

MESSAGE_RATE: Final = "pool:ironport_messages_injected:rate1h"
REJECTED_RATE: Final = "pool:ironport_recipients_rejected:rate1h"
RECIPIENT_RATE: Final = "pool:ironport_recipients_injected:rate1h"
"""Recipients of the messages that were received."""
COMPLETED_RATE: Final = "pool:ironport_recipients_completed:rate1h"
"""Recipients whose delivery has ended, by `result`."""
UNITS_ACCEPTING: Final = "pool:ironport_units_accepting:ratio"
LONGEST_DELAY: Final = "pool:ironport_work_queue_delay_seconds:max5m"
CONSERVING: Final = "pool:ironport_resource_conservation:ratio5m"
REFUSING_MAIL: Final = "pool:ironport_not_accepting:ratio5m"
BACKED_UP: Final = "pool:ironport_work_queue_messages:ratio_backup5m"
_LATE: Final = "pool:ironport_work_queue_delay_seconds:ratio_over5m"

OVER: Final = {60: "1 minute", 300: "5 minutes", 900: "15 minutes"}
"""The values of the label `over`, by the seconds that mail waited longer than."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that a figure is about, before the moment of the query or moved by an offset."""

    length: str
    offset: str = ""

    @property
    def samples(self) -> str:
        """The range of a series."""
        return f"[{self.length}]{self.offset}"

    @property
    def points(self) -> str:
        """The range of an expression, with a point for each sample."""
        return f"[{self.length}:5m]{self.offset}"


LAST_HOUR: Final = Window("59m59s999ms")
LAST_FIVE_MINUTES: Final = Window("4m59s999ms")
"""One millisecond is missing at the left end, so that windows side by side have no sample in common.

Prometheus 2 counts a sample at the left end to the window, Prometheus 3 and VictoriaMetrics do not.
"""


def last_seconds(seconds: int) -> Window:
    """Return the window of the last seconds, without its left end."""
    return Window(f"{seconds * 1000 - 1}ms")


def total(rate: str, selector: str, window: Window) -> str:
    """Return the PromQL of how much there was, from a recorded rate per second."""
    return f"{SAMPLE} * sum_over_time({rate}{{{selector}}}{window.samples})"


def number_of_samples(series: str, selector: str, window: Window) -> str:
    """Return the PromQL of the number of samples."""
    return f"count_over_time({series}{{{selector}}}{window.samples})"


def busiest_hour(selector: str, window: Window) -> str:
    """Return the PromQL of the most messages that a pool received in an hour."""
    return f"{HOUR} * max_over_time({MESSAGE_RATE}{{{selector}}}{window.samples})"


def available(selector: str, window: Window) -> str:
    """Return the PromQL of the share of the time in which at least one unit of a pool accepted mail."""
    return f"avg_over_time(({UNITS_ACCEPTING}{{{selector}}} > bool 0){window.points})"


def all_available(selector: str, window: Window) -> str:
    """Return the PromQL of the share of the time in which at least one unit of every pool accepted mail."""
    return f"avg_over_time((min({UNITS_ACCEPTING}{{{selector}}} > bool 0)){window.points})"


def minutes_late_in_pool(selector: str, window: Window) -> str:
    """Return the PromQL of the minutes in which mail waited in a pool, by how long: the label `over`."""
    return _minutes(f"{_LATE}{{{selector}}}", window)


def minutes_late_anywhere(over: str, selector: str, window: Window) -> str:
    """Return the PromQL of the minutes in which mail waited in any pool; `over` is a value of `OVER`."""
    return f'5 * sum_over_time((max({_LATE}{{over="{over}",{selector}}})){window.points})'


def worst_delay(selector: str, window: Window) -> str:
    """Return the PromQL of the longest wait in a pool in seconds."""
    return f"max_over_time({LONGEST_DELAY}{{{selector}}}{window.points})"


def minutes_conserving(selector: str, window: Window) -> str:
    """Return the PromQL of the minutes in which a unit of a pool was in resource conservation."""
    return _minutes(f"{CONSERVING}{{{selector}}}", window)


def minutes_refusing_mail(selector: str, window: Window) -> str:
    """Return the PromQL of the minutes in which a unit of a pool refused mail."""
    return _minutes(f"{REFUSING_MAIL}{{{selector}}}", window)


def minutes_backed_up(selector: str, window: Window) -> str:
    """Return the PromQL of the minutes in which a unit of a pool had more than 10,000 messages in its work queue."""
    return _minutes(f"{BACKED_UP}{{{selector}}}", window)


def number_of_backups(selector: str, window: Window) -> str:
    """Return the PromQL of how often a work queue grew beyond 10,000 messages; 0 if there are samples."""
    series = f"{BACKED_UP}{{{selector}}}"
    now, before = f"last_over_time({series}[5m])", f"last_over_time({series}[5m] offset 5m)"
    begins = f"count_over_time(({now} > 0 unless {before} > 0){window.points})"
    return f"{begins} or 0 * count_over_time({series}{window.samples})"


def _minutes(ratio: str, window: Window) -> str:
    """Read the same samples as `minutes_late_anywhere`: with those between two points, one pool could have more."""
    return f"5 * sum_over_time({ratio}{window.points})"
