"""The PromQL of figures of units, also by pool for chosen sites, because series of pools have no site.

The series of units have one sample a minute. `selector` stands for label matchers.
"""

from __future__ import annotations

from typing import Final

from exporter.capacity.figures import LAST_FIVE_MINUTES, LAST_HOUR
from exporter.prometheus.durations import HOUR, MINUTE

SAMPLES_AN_HOUR_OF_UNIT: Final = HOUR // MINUTE

MESSAGES_OF_UNIT: Final = "instance:ironport_messages_injected:rate3m"
UNIT_UP: Final = "instance:ironport_source_up:max3m"
UNIT_REFUSING: Final = "instance:ironport_not_accepting:bool"
"""It has a sample only while the unit refuses mail or its receiving is suspended."""

IN_SERVICE: Final = "instance:ironport_in_service:bool"

_HOUR: Final = LAST_HOUR.samples
_EACH_MINUTE: Final = "[59m59s999ms:1m]"
_LAST_MINUTE: Final = "[59s999ms]"
"""A series without a sample in the last minute has ended, whatever the server's look-back."""
_POOL: Final = "job, stream, pool"


def messages_of_units(selector: str) -> str:
    """Return the PromQL of the messages of an hour."""
    return f"{MINUTE} * sum by ({_POOL}) (sum_over_time({MESSAGES_OF_UNIT}{{{selector}}}{_HOUR}))"


def samples_of_units(series: str, selector: str) -> str:
    """Return the PromQL of the number of samples of an hour; of units that have different ones, the largest."""
    return f"max by ({_POOL}) (count_over_time({series}{{{selector}}}{_HOUR}))"


def recipients_of_units(counter: str, selector: str, label: str = "") -> str:
    """Return the PromQL of how far a counter has come in an hour, also by the label."""
    by = f"{_POOL}, {label}" if label else _POOL
    return f"sum by ({by}) ({hourly_increase(counter, selector)})"


def hourly_increase(counter: str, selector: str) -> str:
    """Return the PromQL of how far each series of a counter has come in an hour.

    Servers extrapolate a rate in different ways. So it only serves hours with a reset, or without samples at an end.
    """
    now, before = (f"last_over_time({counter}{{{selector}}}[5m]{offset})" for offset in ("", " offset 1h"))
    return f"({now} - {before} >= 0) or {HOUR} * rate({counter}{{{selector}}}{_HOUR})"


def available_of_units(selector: str) -> str:
    """Return the PromQL of the share of an hour in which at least one unit accepted mail."""
    return f"avg_over_time(({_accepting(selector)}){_EACH_MINUTE})"


def all_available_of_units(selector: str) -> str:
    return f"avg_over_time((min({_accepting(selector)})){_EACH_MINUTE})"


def _accepting(selector: str) -> str:
    up, refusing = (f"last_over_time({series}{{{selector}}}{_LAST_MINUTE})" for series in (UNIT_UP, UNIT_REFUSING))
    in_service = f"last_over_time({IN_SERVICE}{{{selector}}}{_LAST_MINUTE}) == 1"
    return f"max by ({_POOL}) ((({up} unless {refusing}) or 0 * {up}) and {in_service})"


def minutes_refusing(selector: str) -> str:
    """Return the PromQL of the minutes of an hour in which a unit of the pool refused mail."""
    return _unit_minutes(f"last_over_time({UNIT_REFUSING}{{{selector}}}{_LAST_MINUTE})")


def minutes_conserving_of_units(selector: str) -> str:
    return _unit_minutes(f"last_over_time(instance:ironport_resource_conservation:bool{{{selector}}}{_LAST_MINUTE})")


def minutes_backed_up_of_units(selector: str) -> str:
    queue = f"last_over_time(instance:ironport_work_queue_messages:last3m{{{selector}}}{_LAST_MINUTE})"
    return _unit_minutes(f"{queue} > bool 10000")


def _unit_minutes(condition: str) -> str:
    return f"sum_over_time((max by ({_POOL}) ({condition})){_EACH_MINUTE})"


# --- each unit --------------------------------------------------------------------------------------------------------


def up_of_unit(selector: str) -> str:
    """Return the PromQL of the minutes of an hour in which a unit answered."""
    return f"sum_over_time({UNIT_UP}{{{selector}}}{_HOUR})"


def samples_of_unit(selector: str) -> str:
    return f"count_over_time({UNIT_UP}{{{selector}}}{_HOUR})"


def refusing_of_unit(selector: str) -> str:
    """Return the PromQL of the minutes of an hour in which a unit refused mail."""
    return f"sum_over_time({UNIT_REFUSING}{{{selector}}}{_HOUR})"


def releases_of_unit(selector: str) -> str:
    """Return the PromQL that has a series for each `version` that a unit had in an hour."""
    return f"count by (job, instance, version) (count_over_time(ironport_version_info{{{selector}}}{_HOUR}))"


def out_of_service(selector: str) -> str:
    """Return the PromQL that has a series while a unit does not answer or refuses mail, for the last five minutes."""
    down = f"min_over_time({UNIT_UP}{{{selector}}}{LAST_FIVE_MINUTES.samples}) == 0"
    return f"{down} or max_over_time({UNIT_REFUSING}{{{selector}}}{LAST_FIVE_MINUTES.samples})"
