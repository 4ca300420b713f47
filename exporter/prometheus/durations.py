"""Durations as Prometheus writes them, 90s, 5m, 1h30m, 2d, and moments in the past."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from exporter.errors import UsageError

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
"""Lengths of time in seconds."""

_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_DURATION: Final = re.compile(rf"(?:{_PART.pattern})+")
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK, "y": 365 * DAY}


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as "1h30m"; raises ValueError with a sentence."""
    if not _DURATION.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a time; write it like 90s, 5m, 2h or 3d")
    return float(sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text)))


def parse_moment(text: str, now: float) -> float:
    """Return the Unix time of a text: how long ago it was, or a time as in RFC 3339. Raises UsageError."""
    with suppress(ValueError):
        return now - parse_duration(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time: write how long ago it was (7d), or a time such as 2026-03-11T10:00:00Z."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def format_duration(seconds: float) -> str:
    """Return a duration with its two largest units: "1h30m", "45s", "2d3h"."""
    rest, parts = round(seconds), []
    for unit in "dhms":
        count, rest = divmod(rest, int(_SECONDS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
