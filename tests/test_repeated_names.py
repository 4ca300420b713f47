"""One name, one thing: the script that lists repeated names finds them, and finds none without a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from repeated_names import REASONS, ROOT, complaints, repeated_names


def test_every_repeated_name_has_a_reason() -> None:
    assert complaints(repeated_names(ROOT), REASONS) == []


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("Page", "class Page: ...", "class _Page: ..."),
        ("read", "def read(): ...", "async def read(): ..."),
        ("Labels", "Labels = dict[str, str]", "from typing import TypeAlias\nLabels: TypeAlias = tuple[str, ...]"),
        ("DAY", "DAY: Final = 1", "HOUR, DAY = 2, 3"),
    ],
)
def test_a_name_in_two_modules_is_found(name: str, first: str, second: str, tmp_path: Path) -> None:
    write(tmp_path, first, second)
    assert repeated_names(tmp_path) == {name: ["alerts/second.py", "exporter/first.py"]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("def _read(): ...", "def _read(): ..."),
        ("_DAY = 1", "_DAY = 2"),
        ("class A:\n  def poll(self): ...", "class B:\n  def poll(self): ..."),
        ("import sys\nsys.path = []", "import sys\nsys.path = []"),
        ("def read(): ...\ndef read(): ...", ""),
    ],
)
def test_what_is_private_or_inside_does_not_count(first: str, second: str, tmp_path: Path) -> None:
    write(tmp_path, first, second)
    assert repeated_names(tmp_path) == {}


def write(root: Path, first: str, second: str) -> None:
    for path, text in ((root / "exporter" / "first.py", first), (root / "alerts" / "second.py", second)):
        path.parent.mkdir()
        path.write_text(text)


def test_missing_and_needless_reasons_are_named() -> None:
    assert complaints({"Page": ["a.py", "b.py"]}, {"DAY": "it is the same everywhere"}) == [
        "Page stands in several modules: rename all but one.",
        "DAY stands in one module at most: remove its reason.",
    ]
