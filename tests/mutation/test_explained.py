"""The changes that need not be caught are changes of the modules as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import yaml

EXPLAINED: Final = Path(__file__).with_name("explained.yml")
PROJECT: Final = Path(__file__).parents[2]
ROWS: Final = [
    (module, row) for module, rows in yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")).items() for row in rows
]


@pytest.mark.parametrize(("module", "row"), ROWS, ids=lambda value: value if isinstance(value, str) else value["line"])
def test_an_explained_line_is_in_its_module(module: str, row: dict[str, str]) -> None:
    lines = (PROJECT / module).read_text(encoding="utf-8").splitlines()
    assert row["line"] in map(str.strip, lines)
    assert row["becomes"]
    assert row["reason"].endswith(".")
