"""The alerts that fire."""

from __future__ import annotations

from typing import Final

from dashboards.source import palette
from dashboards.source.signals import IN_TOTAL, PER_ALERT, Signal


def _firing(severity: str) -> str:
    return f'ALERTS{{alertstate="firing",severity="{severity}",<<alerts>>}}'


SINCE: Final = Signal(
    "Since",
    "dateTimeFromNow",
    PER_ALERT,
    "When the condition of each firing alert began to hold.",
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

CRITICAL_COUNT: Final = Signal(
    "Alerts",
    "none",
    IN_TOTAL,
    "Alerts that fire now. Critical: the whole service is at risk. Warning: look at it today, in working hours.",
    f"sum({_firing('critical')}) or vector(0)",
    limits=((1, palette.CRITICAL),),
    decimals=0,
)

WARNING_COUNT: Final = Signal(
    "Warnings",
    "none",
    IN_TOTAL,
    "Warnings that fire now: look at them today.",
    f"sum({_firing('warning')}) or vector(0)",
    limits=((1, palette.WARNING),),
    decimals=0,
)
