"""The monthly report as one HTML page without scripts, which needs nothing from elsewhere."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from exporter.capacity.verdicts import verdicts
from exporter.phrases import Phrases
from exporter.report.model import MonthReport
from exporter.report.month_view import MonthView
from exporter.report.page_parts import FigureWriter
from exporter.report.summary import WHOLE, five_sentences, notes

ENVIRONMENT: Final = Environment(
    loader=PackageLoader("exporter.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""The templates of all pages."""


def write_page(report: MonthReport, phrases: Phrases) -> str:
    """Return the page, in the language of the phrases."""
    return ENVIRONMENT.get_template("month.html.j2").render(
        report=report,
        scope=report.scope,
        notes=notes(report, phrases),
        sentences=five_sentences(report, phrases),
        statements=[each.text(phrases) for each in verdicts(report.capacity)] if report.capacity else [],
        phrases=phrases,
        text=phrases.text,
        write=(write := FigureWriter(phrases)),
        whole=WHOLE,
        view=MonthView(report, phrases, write),
    )


def report_title(report: MonthReport, phrases: Phrases) -> str:
    return MonthView(report, phrases, FigureWriter(phrases)).title
