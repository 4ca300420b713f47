"""The alerts that fire."""

from __future__ import annotations

from typing import Final

from dashboards.source import palette
from dashboards.source.signals import Signal

SINCE: Final = Signal(
    "Since",
    "dateTimeFromNow",
    "Since when what each firing alert tells of has been so: of the chosen pools and units, and of the exporter.",
    """\
ALERTS_FOR_STATE{<alerts>} * 1000
and ignoring (alertstate)
ALERTS{alertstate="firing",<alerts>}""",
)

SEVERITY: Final = Signal(
    "Severity",
    "none",
    "How grave what each firing alert tells of is.",
    """\
3 * ALERTS{alertstate="firing",severity="critical",<alerts>}
or
2 * ALERTS{alertstate="firing",severity="warning",<alerts>}
or
ALERTS{alertstate="firing",severity="info",<alerts>}""",
    states=palette.SEVERITIES,
)

CRITICAL: Final = Signal(
    "Alerts",
    "none",
    "Alerts that fire now. Critical: the service as a whole is at risk. Warnings are to be looked at today.",
    'sum(ALERTS{alertstate="firing",severity="critical",<alerts>}) or vector(0)',
    limits=((1, palette.CRITICAL),),
    decimals=0,
)

WARNINGS: Final = Signal(
    "Warnings",
    "none",
    "Alerts that fire now and are to be looked at today.",
    'sum(ALERTS{alertstate="firing",severity="warning",<alerts>}) or vector(0)',
    limits=((1, palette.WARNING),),
    decimals=0,
)
