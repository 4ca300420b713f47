"""docs/faults.md is what the tables say."""

from __future__ import annotations

from faults.generate import PAGE, faults_page


def test_the_page_on_faults_is_up_to_date() -> None:
    assert PAGE.read_text() == faults_page(), "Run python tests/faults/generate.py."
