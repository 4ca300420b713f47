"""Colours by meaning, and states as words.

The colours are Wong's, which the colour-blind tell apart; a word or a place always says the same as the colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

DATA: Final = "#0072B2"
"""A figure that is neither good nor bad."""
BASELINE: Final = "#56B4E9"
"""What is usual, what is rated; and what is to be known, no more."""
GOOD: Final = "#009E73"
WARNING: Final = "#E69F00"
CRITICAL: Final = "#D55E00"
OTHER: Final = "#CC79A7"
"""A second figure beside DATA, and events; never a state."""
UNREACHABLE: Final = OTHER
"""A state: it does not answer, or does not tell. The only one of this colour."""
UNWATCHED: Final = "#F0E442"
"""A state: nobody looks, so that nothing else can be said."""
NOTHING: Final = "transparent"
"""No figure at all: neither good nor bad."""

COLOURS: Final = (DATA, WARNING, GOOD, OTHER, UNREACHABLE, UNWATCHED, BASELINE, CRITICAL, NOTHING)


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


def absence() -> ValueMapping:
    """Return Grafana's value mapping for where there is no value: it would have the colour of the least otherwise."""
    result = ValueMappingResult(color=NOTHING)
    return SpecialValueMap(options=DashboardSpecialValueMapOptions(match=SpecialValueMatch.NULL, result=result))


UNIT: Final = (
    State(0, "OK", GOOD),
    State(1, "Backlogged", BASELINE),
    State(2, "Slowing", WARNING),
    State(3, "Refusing", CRITICAL),
    State(4, "Unreachable", UNREACHABLE),
    State(5, "Not watched", UNWATCHED),
)
"""How a unit is: mail waits; resource conservation slows the acceptance of mail, or stops it; it does not answer;
nobody asks it."""

PART: Final = (
    State(0, "Healthy", GOOD),
    State(1, "Not installed", BASELINE),
    State(2, "Unknown", UNREACHABLE),
    State(3, "Rebuilding", WARNING),
    State(4, "No AC", WARNING),
    State(5, "Stopped", CRITICAL),
    State(6, "Faulty", CRITICAL),
    State(7, "Failed", CRITICAL),
)
"""How a drive, a fan or a power supply is, from the best."""

SOURCES: Final = (
    State(0, "All answer", GOOD),
    State(1, "No SNMP", BASELINE),
    State(2, "No status page", WARNING),
    State(3, "No answer", UNREACHABLE),
    State(4, "Not scraped", UNWATCHED),
)
"""Which sources of a unit answer; of one that is not scraped, Prometheus gets nothing."""

ANSWERS: Final = (State(1, "Answers", GOOD), State(0, "Silent", WARNING))
LOADED: Final = (State(1, "Loaded", GOOD), State(0, "Rejected", WARNING))

SEVERITIES: Final = (State(3, "critical", CRITICAL), State(2, "warning", WARNING), State(1, "info", BASELINE))
"""The severities of alerts, from the gravest."""


def severities() -> list[ValueMapping]:
    """Return Grafana's value mapping for the severities of alerts as their label has them."""
    options = {each.words: ValueMappingResult(text=each.words, color=each.colour) for each in SEVERITIES}
    return [ValueMap(options=options)]
