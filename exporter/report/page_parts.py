"""Parts of pages: figures with a note where data are missing, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from exporter.phrases import Phrases
from exporter.report.model import Figure
from exporter.report.summary import WHOLE, written_availability


@dataclass(frozen=True, slots=True)
class FigureWriter:
    """Writes figures, and beside each whether data are missing."""

    phrases: Phrases

    def amount(self, figure: Figure) -> Markup:
        return self._noted(figure, "" if figure.value is None else self.phrases.number(figure.value))

    def share(self, figure: Figure) -> Markup:
        return self._noted(figure, "" if figure.value is None else self.phrases.percent(figure.value))

    def availability(self, figure: Figure) -> Markup:
        return self._noted(figure, "" if figure.value is None else written_availability(figure.value, self.phrases))

    def minutes(self, figure: Figure) -> Markup:
        return self._noted(figure, "" if figure.value is None else self.phrases.duration(60 * figure.value))

    def seconds(self, figure: Figure) -> Markup:
        return self._noted(figure, "" if figure.value is None else self.phrases.duration(figure.value))

    def _noted(self, figure: Figure, written: str) -> Markup:
        if figure.value is None:
            return Markup('<span class="soft">{}</span>').format(self.phrases.text("report_no_data"))
        if figure.coverage >= WHOLE:
            return Markup.escape(written)
        return with_note(written, self.phrases.text("report_part", share=self.phrases.percent(figure.coverage)))


def with_note(written: str, note: str) -> Markup:
    """Return a value with a note in small print, unless the note is empty."""
    return Markup("{} <small>{}</small>").format(written, note) if note else Markup.escape(written)


Cells = Sequence[str | Markup]
"""The name of a row and its cells."""


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table of a page."""

    heads: Sequence[str]
    """The first is that of the names of the rows."""
    groups: Mapping[str, Sequence[Cells]]
    """Rows by the name of their group; a table without groups has one without a name."""
    numbers: Sequence[str]
    """The heads of columns of numbers, which stand to the right."""
    pictures: Sequence[str]
    """The heads of columns of pictures, which are wide."""
    nothing: str
    """Stands in place of a table without rows."""
