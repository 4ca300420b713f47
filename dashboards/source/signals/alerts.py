"""The alerts that fire."""

from __future__ import annotations

from typing import Final

from dashboards.source import palette
from dashboards.source.signals import IN_TOTAL, PER_ALERT, Signal


def _firing(severity: str) -> str:
    return f'ALERTS{{alertstate="firing",severity="{severity}",<<alerts>>}}'


_FIRING_ON_UNITS: Final = (
    'group by (alertname, job, pool, instance) (ALERTS{alertstate="firing",instance!="",<<alerts>>})'
)
_COUNTED_UNITS: Final = f"count by (alertname, job, pool) ({_FIRING_ON_UNITS})"


SINCE: Final = Signal(
    "Since",
    "dateTimeFromNow",
    PER_ALERT,
    "When the condition of each firing alert began to hold, on the first of its units.",
    """\
ALERTS_FOR_STATE{<<alerts>>} * 1000
and ignoring (alertstate)
ALERTS{alertstate="firing",<<alerts>>}""",
)

SEVERITY: Final = Signal(
    "Severity",
    "none",
    PER_ALERT,
    "Severity of each firing alert.",
    "\nor\n".join(f"{each.code} * {_firing(each.word)}" for each in reversed(palette.SEVERITIES)),
    words=palette.SEVERITIES,
)

UNITS_OF_EACH: Final = Signal(
    "Units",
    "none",
    PER_ALERT,
    "On how many units of a pool each alert fires.",
    _COUNTED_UNITS,
    decimals=0,
)

ONLY_UNIT: Final = Signal(
    "Unit",
    "none",
    PER_ALERT,
    "The unit on which each alert fires, if it is only one.",
    f"{_FIRING_ON_UNITS}\nand on (alertname, job, pool)\n{_COUNTED_UNITS} == 1",
)

_GRAVEST: Final = f"max by (alertname, job, pool) (\n{SEVERITY.expression}\n)"


def _count(severity: int) -> str:
    return f"count(\n{_GRAVEST}\n== {severity}) or vector(0)"


CRITICAL_COUNT: Final = Signal(
    "Alerts",
    "none",
    IN_TOTAL,
    "Alerts that fire now. Critical: the whole service is at risk. Warning: look at it today, in working hours. An "
    "alert on several units of a pool counts once.",
    _count(2),
    limits=((1, palette.CRITICAL),),
    decimals=0,
)

WARNING_COUNT: Final = Signal(
    "Warnings",
    "none",
    IN_TOTAL,
    "Warnings that fire now: look at them today.",
    _count(1),
    limits=((1, palette.WARNING),),
    decimals=0,
)
