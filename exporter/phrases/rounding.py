"""Rounding of figures, so that the same samples give the same files and pages whatever the server."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = 10
"""Significant digits that are written. Servers differ in further ones, because they add in another order."""


def rounded(content: object) -> object:
    """Return lists, mappings and numbers for JSON with every number rounded."""
    match content:
        case dict():
            return {name: rounded(value) for name, value in content.items()}
        case list() | tuple():
            return [rounded(value) for value in content]
        case float():
            return rounded_number(content)
    return content


def rounded_number(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
