"""The thresholds of the alert rules, so that a panel and an alert never disagree."""

from __future__ import annotations

from typing import Final

from alerts.thresholds import fill, limit, read_thresholds

__all__ = ["DAYS_CRITICAL", "DAYS_WARNING", "RUNBOOKS", "fill", "limit"]

DAYS_WARNING: Final = 90
DAYS_CRITICAL: Final = 30
"""Days ahead in which more units can be ordered at leisure, and hardly any more; no rule looks so far ahead."""

RUNBOOKS: Final = str(read_thresholds()["runbooks"])
"""Where the runbooks can be read."""
