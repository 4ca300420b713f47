"""What the documentation says is what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.catalog import FAMILIES, Family

DOCS = Path(__file__).parent.parent / "docs"


def row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} |"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_metric_is_documented_as_it_is(family: Family) -> None:
    assert row(family) in (DOCS / "metrics.md").read_text().splitlines()
