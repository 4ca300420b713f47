"""The command report mails what it has written, and asks the server for the names of its units first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from exporter.errors import ExporterError
from exporter.lab.history import blocks
from exporter.phrases import Phrases
from exporter.prometheus.client import Prometheus
from exporter.report.command import mail_report, refuse_unit
from exporter.report.mail import Outbox
from exporter.report.page import write_page
from support.months import full_month
from support.processes import program
from support.smarthost import Mailbox, mail_server

OUTBOX = Outbox("reports@example.edu", ("anna@example.edu",), "localhost", 25, tls="none")
NOW = 1_790_000_000


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return files of a month, as the command writes them."""
    contents = {"html": write_page(full_month(), Phrases("de")), "csv": "a,b\n", "json": "{}", "pdf": "%PDF"}
    written = [tmp_path / f"ironport-2026-10-de.{suffix}" for suffix in contents]
    for file, content in zip(written, contents.values(), strict=True):
        file.write_text(content, encoding="utf-8")
    return written


def test_the_mail_has_the_five_sentences_and_the_files(files: list[Path]) -> None:
    with mail_server(Mailbox()) as mailbox:
        mail_report(replace(OUTBOX, port=mailbox.port), full_month(), Phrases("de"), files)
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Mail im Oktober 2026"
    text = mail.get_body(("plain",))
    assert text is not None
    note, first, *others, last = filter(None, text.get_content().splitlines())
    assert note.startswith("Für 6,5\xa0% der Zeit gibt es keine Daten.")
    assert len(others) == 4
    assert first.startswith("Im Oktober 2026 nahm der Maildienst 27.789.297 Nachrichten an")
    assert last == "Der ganze Bericht ist angehängt."
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names == [f"ironport-2026-10-de.{suffix}" for suffix in ("html", "csv", "pdf")]


def test_a_unit_on_the_server_is_no_smarthost(tmp_path: Path) -> None:
    program("promtool")
    series = "instance:ironport_source_up:max3m"
    blocks.write([f"# TYPE {series} gauge\n", f'{series}{{instance="localhost"}} 1 {NOW - 3600}\n'], tmp_path)
    with blocks.served(tmp_path) as url:
        with pytest.raises(ExporterError, match="The smarthost localhost is localhost, an appliance"):
            refuse_unit(OUTBOX, Prometheus(url), NOW)
        refuse_unit(replace(OUTBOX, host="smarthost.invalid"), Prometheus(url), NOW)
