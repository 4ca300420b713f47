"""A page on paper: numbered pages, nothing lost, and what is missing is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.errors import ExporterError
from exporter.phrases import Phrases
from exporter.report.page import write_page
from exporter.report.pdf import write_pdf
from support.months import full_month
from support.processes import program


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pdf") / "month.pdf"
    file.write_bytes(write_pdf(write_page(full_month(), Phrases("en"))))
    return file


def text_of(file: Path) -> list[str]:
    """Return the text of each page."""
    done = subprocess.run([program("pdftotext"), "-layout", str(file), "-"], capture_output=True, text=True, check=True)
    return done.stdout.removesuffix("\f").split("\f")


def test_every_page_has_its_number_and_the_title(paper: Path) -> None:
    pages = text_of(paper)
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert re.search(rf"Mail in October 2026\s+{number} ?/ ?{len(pages)}\s*$", page)


def test_the_paper_has_what_the_page_has(paper: Path) -> None:
    text = " ".join(" ".join(text_of(paper)).split())
    for part in ("27,789,297", "mx6", "Distributed", "1,500,000", "12 Oct", "What the words mean", "26 Oct"):
        assert part in text, part
    assert "Figures of this chart" not in text  # the tables below charts are for screens


def test_the_paper_can_be_read_aloud(paper: Path) -> None:
    done = subprocess.run([program("pdfinfo"), str(paper)], capture_output=True, text=True, check=True)
    facts = dict(re.findall(r"^([\w ]+):\s+(.*)$", done.stdout, re.MULTILINE))
    assert (facts["Title"], facts["Tagged"]) == ("Mail in October 2026", "yes")


def test_a_page_fetches_nothing(caplog: pytest.LogCaptureFixture) -> None:
    write_pdf('<img src="http://127.0.0.1:9/x.png" alt="x"><img src="file:///etc/hostname" alt="y">')
    assert caplog.text.count("Failed to load image") == 2


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)  # as if it were not installed
    with pytest.raises(ExporterError, match=r"needs optional packages.*pip install 'ironport-exporter\[pdf\]'$"):
        write_pdf("<p>")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "weasyprint.py").write_text('raise OSError("cannot load library libpango")')
    monkeypatch.delitem(sys.modules, "weasyprint")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ExporterError, match=r"needs the library Pango.*apt-get install libpangoft2-1\.0-0$"):
        write_pdf("<p>")
