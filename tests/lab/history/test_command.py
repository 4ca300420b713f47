"""`ironport-exporter backfill` as a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.cli import main
from support import logs
from support.processes import program

restore = pytest.fixture(autouse=True)(logs.restored)


def test_the_command_makes_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program("promtool")
    out = tmp_path / "data"
    arguments = ["backfill", "--topology", "pair", "--last", "10m", "--out", str(out), "--scenario", "flood"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.out == f"The history is in {out}. Start Prometheus with --storage.tsdb.path={out}.\n"
    assert printed.err == "", "progress is for terminals"
    assert main(arguments) == 2, "now the folder is not empty"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--last", "3x", "--out", "x"], "'3x' is not a time"),
        (["--last", "3h"], "The flag --out is missing."),
        (["--out", "x"], "The flag --last is missing."),
        (["--last", "3h", "--out", "x", "--rules", "none/*.yml"], "No file matches none"),
        (["--last", "3h", "--out", "x", "--units", "2", "--topology", "pair"], "--topology has no effect with --units"),
    ],
)
def test_wrong_usage_is_a_sentence(flags: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backfill", *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line
