"""The thresholds of the alert rules, so that a panel and an alert never disagree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

_FILE: Final = Path(__file__).resolve().parents[2] / "alerts" / "thresholds.yml"
_THRESHOLDS: Final[dict[str, str | float]] = yaml.safe_load(_FILE.read_text())
_PLACE: Final = re.compile(r"<<(\w+)>>")

DAYS_WARNING: Final = 90
DAYS_CRITICAL: Final = 30
"""Days ahead in which more units can be ordered at leisure, and hardly any more; no rule looks so far ahead."""

RUNBOOKS: Final = str(_THRESHOLDS["runbooks"])
"""Where the runbooks can be read."""


def limit(name: str) -> float:
    """Return a threshold; raises KeyError for one that the rules do not have."""
    return float(_THRESHOLDS[name])


def filled(text: str) -> str:
    """Return the text with every `<<name>>` replaced by its threshold, as in the sources of the rules."""
    return _PLACE.sub(lambda match: str(_THRESHOLDS[match[1]]), text)
