"""The phrases of reports, and how numbers and dates are written, by language: one YAML file for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from exporter.config.yaml_loader import load_yaml
from exporter.errors import UsageError, suggestion
from exporter.phrases.rounding import rounded_number

_FOLDER: Final = Path(__file__).parent

LANGUAGES: Final = tuple(sorted(file.stem for file in _FOLDER.glob("*.yml")))
"""The languages that a report can be written in, by their ISO code."""

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


class Phrases:
    """The phrases of one language.

    A phrase is a text with `{placeholders}`, or two texts, `one` and `other`, between which the value `count` decides.
    Raises UsageError if there is no such language.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise UsageError(f"There is no language {language!r}.{suggestion(language, LANGUAGES)}{_known()}")
        self.language = language
        content = load_yaml((_FOLDER / f"{language}.yml").read_text(encoding="utf-8"))
        self._texts: Mapping[str, str | Mapping[str, str]] = content["phrases"]
        self._formats: Mapping[str, Any] = content["formats"]

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def text(self, key: str, **values: object) -> str:
        """Return a phrase with its values filled in; whole numbers are written as the language does."""
        phrase = self._texts[key]
        if not isinstance(phrase, str):
            phrase = phrase["one" if values["count"] == 1 else "other"]
        return phrase.format_map({name: self._written(value) for name, value in values.items()})

    def number(self, value: float, decimals: int = 0) -> str:
        plain = f"{rounded_number(value):,.{decimals}f}"
        return plain.translate(str.maketrans({",": self._formats["group"], ".": self._formats["decimal"]}))

    def percent(self, share: float, decimals: int = 1) -> str:
        """Return a share from 0 to 1 in percent."""
        return str(self._formats["percent"]).format(number=self.number(100 * share, decimals))

    def duration(self, seconds: float) -> str:
        """Return a duration in its two largest units, such as 3 h 20 min."""
        parts = [self.text(key, count=count) for key, count in _parts(round(seconds)) if count]
        return "\N{NO-BREAK SPACE}".join(parts[:2]) or self.text("unit_seconds", count=0)

    def date(self, day: dt.date) -> str:
        return self._dated("date", day)

    def short_date(self, day: dt.date) -> str:
        """Return the day and the month, short enough for the axis of a chart."""
        return self._dated("short_date", day)

    def month(self, day: dt.date) -> str:
        """Return the month of a day, with its year."""
        return self._dated("month", day)

    def moment(self, time: dt.datetime) -> str:
        """Return date and time of day, in the time zone that `time` has."""
        return str(self._formats["moment"]).format(date=self.date(time), time=self.clock(time))

    def clock(self, time: dt.datetime) -> str:
        """Return the time of day, in the time zone that `time` has."""
        return str(self._formats["time"]).format(time=f"{time:%H:%M}")

    def period(self, begin: dt.datetime, end: dt.datetime) -> str:
        """Return two moments; the date is written once if it is the same."""
        same = begin.date() == end.date()
        last = self.clock(end) if same else self.moment(end)
        return str(self._formats["period"]).format(begin=self.moment(begin), end=last)

    def weekday(self, day: dt.date) -> str:
        return str(self._formats["weekdays"][day.weekday()])

    def _dated(self, format_name: str, day: dt.date) -> str:
        names = {"month": self._formats["months"], "short_month": self._formats["short_months"]}
        written = {name: months[day.month - 1] for name, months in names.items()}
        return str(self._formats[format_name]).format(day=day.day, year=day.year, **written)

    def _written(self, value: object) -> object:
        return self.number(value) if isinstance(value, int) else value


def _known() -> str:
    return f" Choose one of {', '.join(LANGUAGES)}."


def _parts(seconds: int) -> Iterator[tuple[str, int]]:
    """Yield the key of each unit and how many of it a duration has; seconds only below an hour."""
    if seconds >= _HOUR:
        seconds = round(seconds / _MINUTE) * _MINUTE
    yield "unit_days", seconds // _DAY
    yield "unit_hours", seconds % _DAY // _HOUR
    yield "unit_minutes", seconds % _HOUR // _MINUTE
    yield "unit_seconds", seconds % _MINUTE
