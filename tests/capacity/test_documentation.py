"""The examples of docs/capacity.md give what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from exporter import cli
from support import logs

restore = pytest.fixture(autouse=True)(logs.restored)

PAGE = Path(cli.__file__).parents[1] / "docs" / "capacity.md"
_EXAMPLE = r"```sh\n(ironport-exporter [^\n]*--demand[^\n]*)\n```\n[^`]*```text\n(.*?)```"
EXAMPLES = re.findall(_EXAMPLE, PAGE.read_text(), re.DOTALL)
"""Commands on paper, each with what it prints; three points end what is left out."""


@pytest.mark.parametrize(("command", "output"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(
    command: str,
    output: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (configuration,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "fleet.yml").write_text(configuration)
    monkeypatch.chdir(tmp_path)
    assert cli.main(shlex.split(command)[1:]) == 0
    shown, end, _ = output.partition("...\n")
    printed = capsys.readouterr().out
    assert printed.startswith(shown)
    assert end or printed == shown


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 2
