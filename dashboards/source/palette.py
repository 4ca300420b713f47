"""Colours by meaning, and states as words.

The colours are Wong's, which the colour-blind tell apart; a word or a place always says the same as the colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMapping, ValueMappingResult

DATA: Final = "#0072B2"
"""A figure that is neither good nor bad."""
BASELINE: Final = "#56B4E9"
"""What is usual, what is rated; and states to know of."""
GOOD: Final = "#009E73"
WARNING: Final = "#E69F00"
CRITICAL: Final = "#D55E00"
OTHER: Final = "#CC79A7"
"""A second figure beside DATA, events, and states that are not known."""

COLOURS: Final = (DATA, WARNING, GOOD, OTHER, BASELINE, CRITICAL)


@dataclass(frozen=True, slots=True)
class State:
    """A value of a signal that stands for a word."""

    code: int
    words: str
    colour: str


def mappings(states: Sequence[State]) -> list[ValueMapping]:
    """Return Grafana's value mapping for the states."""
    results = {
        str(state.code): ValueMappingResult(text=state.words, color=state.colour, index=index)
        for index, state in enumerate(states)
    }
    return [ValueMap(options=results)] if results else []


UNIT: Final = (
    State(0, "OK", GOOD),
    State(1, "Backlogged", WARNING),
    State(2, "Slowing", OTHER),
    State(3, "Refusing", CRITICAL),
    State(4, "Unreachable", BASELINE),
)
"""How a unit is: mail waits; resource conservation slows the acceptance of mail, or stops it; it does not answer."""

_SEVERITIES: Final = {"critical": CRITICAL, "warning": WARNING, "info": BASELINE}


def severities() -> list[ValueMapping]:
    """Return Grafana's value mapping for the severities of alerts."""
    return [ValueMap(options={word: ValueMappingResult(text=word, color=to) for word, to in _SEVERITIES.items()})]
