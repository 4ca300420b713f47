"""Sentences as data, to be written in a language or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from exporter.phrases import Phrases

StatementValue = str | float | date | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A phrase of the catalogue with its values."""

    key: str
    values: Mapping[str, StatementValue]

    def text(self, phrases: Phrases) -> str:
        """Return the sentence. Values whose name ends in `share` are percentages, and dates are months."""
        written = {name: _written(name, value, phrases) for name, value in self.values.items()}
        return phrases.text(self.key, **written)

    def as_json(self) -> dict[str, object]:
        """Return the statement for JSON, with ISO dates."""
        return {"kind": self.key, **{name: _plain(value) for name, value in self.values.items()}}


def _written(name: str, value: StatementValue, phrases: Phrases) -> object:
    match value:
        case tuple():
            return listed(value, phrases)
        case date():
            return phrases.month(value)
        case float() if name.endswith("share"):
            return phrases.percent(value, 0)
        case float():
            return phrases.number(value)
        case _:
            return value


def _plain(value: StatementValue) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def listed(words: Sequence[str], phrases: Phrases) -> str:
    """Return the words as the language lists them: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return phrases.text("list_end", first=", ".join(words[:-1]), last=words[-1])
