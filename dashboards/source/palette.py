"""Colours by meaning, and the words that stand for values.

The colours are those of reports. A word or a position always means the same as the colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

from exporter.palette import BASELINE as BASELINE
from exporter.palette import CRITICAL as CRITICAL
from exporter.palette import DATA as DATA
from exporter.palette import GOOD as GOOD
from exporter.palette import LINES as LINES
from exporter.palette import OTHER as OTHER
from exporter.palette import WARNING as WARNING

UNREACHABLE: Final = OTHER
"""Unknown, because the unit does not answer. No other state has this colour."""
UNWATCHED: Final = "#F0E442"
"""Not monitored: nothing else can be known."""
SAVING: Final = "#AA4499"
"""In resource conservation: the unit slows its intake. No other state has this colour."""
NOTHING: Final = "transparent"
"""There is no value."""

FILLS: Final[Mapping[str, str]] = {
    GOOD: "#007F5C",
    WARNING: "#F5B83D",
    CRITICAL: "#B84F00",
    OTHER: "#E3A6C7",
    BASELINE: "#8CCBF2",
}
"""Colours behind text, darker or lighter than those of lines: Grafana writes light text on all but very light colours,
and its contrast must be at least 4.5."""

COLOURS: Final = (
    DATA,
    WARNING,
    GOOD,
    OTHER,
    UNREACHABLE,
    UNWATCHED,
    SAVING,
    BASELINE,
    CRITICAL,
    NOTHING,
    *LINES,
    *FILLS.values(),
)


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A value of a signal that is shown as a word."""

    code: int
    word: str
    colour: str


def numbered(*words: tuple[str, str]) -> tuple[NamedValue, ...]:
    """Return words with their colours, numbered from 0."""
    return tuple(NamedValue(code, word, colour) for code, (word, colour) in enumerate(words))


def behind_text(colour: str) -> str:
    """Return the colour behind text that means the same as the colour."""
    return FILLS.get(colour, colour)


def mappings(values: Sequence[NamedValue]) -> list[ValueMapping]:
    """Return Grafana's value mapping for the words."""
    results = {
        str(each.code): ValueMappingResult(text=each.word, color=behind_text(each.colour), index=index)
        for index, each in enumerate(values)
    }
    return [ValueMap(options=results)] if results else []


def absence() -> ValueMapping:
    """Return Grafana's value mapping for a missing value, which would otherwise have the colour of the lowest value."""
    result = ValueMappingResult(color=NOTHING)
    return SpecialValueMap(options=DashboardSpecialValueMapOptions(match=SpecialValueMatch.NULL, result=result))


def texts(words: Mapping[str, str]) -> list[ValueMapping]:
    """Return Grafana's value mapping for values of a label."""
    return [ValueMap(options={value: ValueMappingResult(text=text) for value, text in words.items()})]


ANSWER_WORDS: Final = (NamedValue(1, "Answers", GOOD), NamedValue(0, "Silent", WARNING))
RELOAD_WORDS: Final = (NamedValue(1, "Loaded", GOOD), NamedValue(0, "Rejected", WARNING))
REDUNDANT_WORDS: Final = (NamedValue(1, "Redundant", GOOD), NamedValue(0, "Single", BASELINE))
SWITCH_WORDS: Final = (NamedValue(1, "On", BASELINE), NamedValue(0, "Off", BASELINE))
ROOM_WORDS: Final = numbered(("Available", GOOD), ("Shortage", WARNING), ("Full", CRITICAL))
CONSERVED_WORDS: Final = numbered(
    ("Nothing", GOOD), ("Memory", WARNING), ("Queue space", WARNING), ("Queue is full", CRITICAL)
)

PARTS: Final = numbered(
    ("Healthy", GOOD),
    ("Not installed", BASELINE),
    ("Unknown", UNREACHABLE),
    ("Rebuilding", WARNING),
    ("No AC", WARNING),
    ("Stopped", CRITICAL),
    ("Faulty", CRITICAL),
    ("Failed", CRITICAL),
)
"""States of a drive, a fan or a power supply, the best first."""

SEVERITIES: Final = numbered(("info", BASELINE), ("warning", WARNING), ("critical", CRITICAL))
"""Severities of alerts, the least serious first."""


def severities() -> list[ValueMapping]:
    """Return Grafana's value mapping for the label `severity` of alerts."""
    options = {each.word: ValueMappingResult(text=each.word, color=behind_text(each.colour)) for each in SEVERITIES}
    return [ValueMap(options=options)]
