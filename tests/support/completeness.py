"""Lists that have to keep up with each other: a failure names what to add and where."""

from __future__ import annotations

from collections.abc import Iterable


def assert_complete(listed: Iterable[str], wanted: Iterable[str], place: str) -> None:
    """Fail unless `place`, a file or a table in one, lists exactly what is wanted."""
    missing, needless = sorted({*wanted} - {*listed}), sorted({*listed} - {*wanted})
    assert not missing, f"Add {', '.join(missing)} to {place}."
    assert not needless, f"Remove {', '.join(needless)} from {place}."
