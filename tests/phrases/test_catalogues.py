"""Every language has the same phrases, and the code uses each of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any, Final

import pytest
import yaml

import exporter
from exporter.phrases import LANGUAGES

PACKAGE: Final = Path(exporter.__file__).parent
OTHERS: Final = [language for language in LANGUAGES if language != "en"]


def catalogue(language: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PACKAGE / "phrases" / f"{language}.yml").read_text())
    return content


def placeholders(phrase: str | dict[str, str]) -> list[set[str]]:
    """Return the placeholders of each form of a phrase."""
    forms = [phrase] if isinstance(phrase, str) else [phrase["one"], phrase["other"]]
    return [{name for _, name, _, _ in Formatter().parse(form) if name} for form in forms]


def texts(path: Path) -> Iterator[str]:
    """Yield a pattern for each text in a module: what an f-string fills in may be anything."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                re.escape(str(each.value)) if isinstance(each, ast.Constant) else ".+" for each in node.values
            )


def used_keys() -> Iterator[str]:
    """Yield a pattern for each text of the code and the templates that may be the key of a phrase."""
    for path in PACKAGE.rglob("*.py"):
        yield from (text for text in texts(path) if re.match(r"[a-z]+(_|\\)", text))
    for path in PACKAGE.rglob("*.j2"):
        yield from re.findall(r"""["']([a-z_]+)["']""", path.read_text())


def asked_keys() -> Iterator[str]:
    """Yield each key that is written out where a phrase is asked for."""
    for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.j2")):
        yield from re.findall(r"""\btext\(["']([a-z_]+)["']""", path.read_text())


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_phrases(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert list(other["phrases"]) == list(english["phrases"])
    assert list(other["formats"]) == list(english["formats"])


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_fills_in_the_same_values(language: str) -> None:
    english, other = catalogue("en")["phrases"], catalogue(language)["phrases"]
    different = {
        key for key in english if set.union(*placeholders(english[key])) != set.union(*placeholders(other[key]))
    }
    assert different == set()


def test_the_code_uses_every_phrase() -> None:
    used = re.compile("|".join(used_keys()))
    assert [key for key in catalogue("en")["phrases"] if not used.fullmatch(key)] == []


def test_every_phrase_that_is_asked_for_exists() -> None:
    assert set(asked_keys()) - set(catalogue("en")["phrases"]) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_forms_of_a_phrase_are_one_and_other(language: str) -> None:
    forms = {key: phrase for key, phrase in catalogue(language)["phrases"].items() if not isinstance(phrase, str)}
    assert {tuple(phrase) for phrase in forms.values()} == {("one", "other")}
