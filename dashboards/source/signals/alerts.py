"""The alerts that fire."""

from __future__ import annotations

from typing import Final

from dashboards.source.palette import WARNING
from dashboards.source.signals import Signal

SINCE: Final = Signal(
    "Since",
    "dateTimeFromNow",
    "Since when what each firing alert tells of has been so: of the chosen pools, and of the chosen units in them.",
    """\
(ALERTS_FOR_STATE{instance="",<pools>} or ALERTS_FOR_STATE{instance!="",<units>}) * 1000
and ignoring (alertstate)
ALERTS{alertstate="firing",<pools>}""",
)

FIRING: Final = Signal(
    "Alerts",
    "none",
    "Alerts that fire now. Critical: the service as a whole is at risk. Warnings are to be looked at today.",
    'ALERTS{alertstate="firing",<pools>}',
    limits=((1, WARNING),),
    decimals=0,
)


def firing(severity: str) -> str:
    """Return the PromQL of how many alerts of the severity fire, 0 for none."""
    return f'sum(ALERTS{{alertstate="firing",severity="{severity}",<pools>}}) or vector(0)'
