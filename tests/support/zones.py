"""Time zones of the tests."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

BERLIN: Final = ZoneInfo("Europe/Berlin")
"""Its clocks go back on 25 October 2026."""
