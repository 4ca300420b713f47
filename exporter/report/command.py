"""The command report: collects a month, writes its files and mails them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.phrases import Phrases
from exporter.prometheus.client import Prometheus
from exporter.report.collect import ReportFilter, collect
from exporter.report.csv_file import csv_text
from exporter.report.json_file import json_text
from exporter.report.mail import Outbox, compose, refuse_appliance, send
from exporter.report.model import MonthReport, ReportScope
from exporter.report.output import file_name, prepare_folder, replace_file
from exporter.report.page import report_title, write_page
from exporter.report.pdf import write_pdf
from exporter.report.period import Period
from exporter.report.summary import five_sentences, notes
from exporter.report.unit_figures import UNIT_UP


def write_report(
    prometheus: Prometheus, period: Period, about: ReportFilter, phrases: Phrases, folder: Path, *, pdf: bool
) -> tuple[MonthReport, list[Path]]:
    """Write the files of a month, the page first. The same data give the same bytes."""
    prepare_folder(folder)
    report = collect(prometheus, period, about)
    contents = dict(_contents(report, phrases, pdf=pdf))
    name = _file_name(report.scope, phrases.language)
    files = [folder / f"{name}.{suffix}" for suffix in contents]
    for file, content in zip(files, contents.values(), strict=True):
        replace_file(file, content)
    return report, files


def refuse_unit(outbox: Outbox, prometheus: Prometheus, now: float) -> None:
    """Raise ExporterError if the smarthost is a unit that was there in the last day."""
    known = prometheus.query(f"group by (instance) (last_over_time({UNIT_UP}[1d]))", now, what="names of units")
    refuse_appliance(outbox, [each["metric"]["instance"] for each in known])


def mail_report(outbox: Outbox, report: MonthReport, phrases: Phrases, files: Sequence[Path]) -> None:
    """Mail what `write_report` has written: the sentences and the page as text, and the files for people."""
    page = files[0].read_text(encoding="utf-8")
    said = (*notes(report, phrases), *five_sentences(report, phrases), phrases.text("mail_attached"))
    attached = [file for file in files if file.suffix != ".json"]
    send(outbox, compose(outbox, report_title(report, phrases), "\n\n".join(said) + "\n", page, attached))


def _contents(report: MonthReport, phrases: Phrases, *, pdf: bool) -> Iterator[tuple[str, bytes]]:
    page = write_page(report, phrases)
    yield "html", page.encode()
    yield "csv", csv_text(report).encode()
    yield "json", json_text(report, five_sentences(report, phrases)).encode()
    if pdf:
        yield "pdf", write_pdf(page)


def _file_name(scope: ReportScope, language: str) -> str:
    """Return a name that tells reports of different months, parts of the fleet, clients and languages apart."""
    kinds = {"client": (scope.client,), "job": scope.jobs, "pool": scope.pools, "site": scope.sites}
    chosen = [f"{kind}-{name}" for kind, names in kinds.items() for name in names if name]
    return file_name("ironport", f"{scope.begin:%Y-%m}", *chosen, "" if language == "en" else language)
