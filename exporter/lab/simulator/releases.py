"""What the releases of AsyncOS differ in: the structure of the status page, feature keys and update services."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

LEGACY, MIDDLE, CURRENT = 4, 5, 10
"""Generations of the status page. Real pages are known of AsyncOS 4.5, 5.1 and 10.0."""


class KeyKind(Enum):
    """How the remaining time of a feature key behaves."""

    COUNTING = auto()
    """It counts down, and the key is renewed once a year."""
    PERPETUAL = auto()
    """The key never expires."""
    EVALUATION = auto()
    """The time stands still, as for an evaluation key that nobody has started."""
    LAPSED = auto()
    """The key expired years ago."""


_OLD_FEATURES: Final = {
    "IronPort Anti-Spam": KeyKind.COUNTING,
    "Receiving": KeyKind.COUNTING,
    "Brightmail": KeyKind.COUNTING,
    "Sophos": KeyKind.COUNTING,
    "Virus Outbreak Filters": KeyKind.COUNTING,
    "Central Mgmt": KeyKind.COUNTING,
}

FEATURES: Final = {
    LEGACY: _OLD_FEATURES,
    MIDDLE: _OLD_FEATURES,
    CURRENT: {
        "McAfee": KeyKind.EVALUATION,
        "Sophos": KeyKind.COUNTING,
        "File Analysis": KeyKind.LAPSED,
        "Bounce Verification": KeyKind.PERPETUAL,
        "IronPort Anti-Spam": KeyKind.COUNTING,
        "IronPort Email Encryption": KeyKind.EVALUATION,
        "File Reputation": KeyKind.LAPSED,
        "Incoming Mail Handling": KeyKind.PERPETUAL,
        "Outbreak Filters": KeyKind.COUNTING,
    },
}
"""Feature keys by generation of the status page."""

SERVICES: Final = {
    "Sophos Anti-Virus": 7200,
    "IronPort Anti-Spam Rules": 600,
    "Outbreak Rules": 900,
    "Feature Key Updates": 86400,
    "Time Zone Rules": 604800,
}
"""Update services, with the seconds between updates."""


def has_rest(asyncos: str) -> bool:
    """Whether a release has the REST interface, which came with AsyncOS 12."""
    return int(asyncos.partition(".")[0]) >= 12


def generation(asyncos: str) -> int:
    """Return the generation of a release. The current structure came with AsyncOS 8."""
    major = int(asyncos.partition(".")[0])
    return CURRENT if major >= 8 else MIDDLE if major >= 5 else LEGACY
