"""The colours of charts and dashboards by meaning: Wong's set, which colour-blind people can tell apart."""

from __future__ import annotations

from typing import Final

DATA: Final = "#0072B2"
"""A figure that is neither good nor bad."""
BASELINE: Final = "#56B4E9"
"""What is usual or rated, and what is only good to know."""
GOOD: Final = "#009E73"
WARNING: Final = "#E69F00"
CRITICAL: Final = "#D55E00"
OTHER: Final = "#CC79A7"
"""A second figure beside DATA, and events."""

LINES: Final = (
    "#007799",
    "#CC0055",
    "#449922",
    "#8844CC",
    "#AA8866",
    "#FF44CC",
    "#776600",
    "#889988",
    "#007766",
    "#887788",
    "#995500",
    "#7788FF",
)
"""Lines without a meaning of their own, such as units. No two are alike, and none is like a colour of a state."""
