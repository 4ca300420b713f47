"""What is not YAML, or too much of it, is refused with the line and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter import config
from exporter.errors import ConfigError
from support.config_files import MINIMAL, Load

NOT_YAML = {
    "a: [1, 2\nb: 1": (2, "close each bracket, and put a value that contains , { } [ or ] in quotes"),
    "a: b: c": (1, "put a value that contains a colon in quotes, and indent the keys alike"),
    "a: 1\n  b: 2": (2, "put a value that contains a colon in quotes, and indent the keys alike"),
    "a:\n\t- b": (2, "a value that begins with @, ` or % must be in quotes, and tabs cannot indent"),
    "a: @b": (1, "a value that begins with @, ` or % must be in quotes, and tabs cannot indent"),
    "a: *b": (1, "a value that begins with * must be in quotes"),
    "a: *": (1, "a value that begins with & or * must be in quotes"),
    "a: !b c": (1, "a value that begins with ! must be in quotes"),
    "a: !!int b": (1, "a value that begins with ! must be in quotes"),
    'a: "b': (1, "a quote is not closed"),
    "a: 'b'c": (1, "indent the keys of one mapping alike, and close each quote at the end of its value"),
    "a: 1\nb\nc: 2": (3, "put a colon and a space after each key, and a value in several lines in quotes"),
    "a: 1\n---\nb: 2": (2, "the file must be one document: remove the line with ---"),
    'a: "\\q"': (1, "put a value with special characters in quotes"),
    "? [a]\n: b": (1, "a key must be text, in quotes if it begins with { or ["),
    "auths: {null: {}}": (1, "a key that is empty, null or ~ must be in quotes"),
    "auths:\n  ~: {}": (2, "a key that is empty, null or ~ must be in quotes"),
    'a: "\\ud800"': (1, "\\ud800 to \\udfff each stand for half a character: write the whole one"),
    '"\\udfff": 1': (1, "\\ud800 to \\udfff each stand for half a character: write the whole one"),
    "a: {<<: b}": (1, "<< takes an alias (*) of a mapping, or a list of them"),
    "a: &x 1\nb: &x 2": (2, "two values have the same anchor (&): give each its own"),
    "a: !!python/object/apply:os.system [ls]": (1, "a value that begins with ! must be in quotes"),
}


@pytest.mark.parametrize("text", NOT_YAML)
def test_what_is_not_yaml_gets_line_and_advice(text: str, load: Load, folder: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    line, advice = NOT_YAML[text]
    assert refused.value.problems == [f"{folder}/fleet.yml:{line}: the file is not YAML here: {advice}."]


def test_a_missing_or_undecodable_file_is_refused(folder: Path) -> None:
    absent = folder / "absent.yml"
    with pytest.raises(ConfigError, match=re.escape(f"{absent}: the file does not exist: create it, or correct")):
        config.load(absent)
    with pytest.raises(ConfigError, match="latin1: the file is not UTF-8 text: save it as UTF-8"):
        config.load(folder / "secrets/latin1")


@pytest.mark.parametrize(
    ("lists", "problem"), [(32, "the file must have keys and values"), (33, "more than 32 mappings and lists lie")]
)
@pytest.mark.parametrize("alias", [False, True], ids=["written", "by an alias"])
def test_32_lists_may_lie_inside_each_other(lists: int, problem: str, alias: bool, load: Load) -> None:
    text = "[" * lists + "a" + "]" * lists
    if alias:
        text = f"[&x {'[' * 16}a{']' * 16}, {'[' * (lists - 17)}*x{']' * (lists - 17)}]"
    with pytest.raises(ConfigError, match=problem):
        load(text)


NESTED = {
    "lists": "[" * 3000 + "]" * 3000,
    "mappings": "{a: " * 3000 + "b" + "}" * 3000,
    "blocks": "".join(f"{' ' * depth}a:\n" for depth in range(3000)),
    "a little": "[" * 40 + "]" * 40,
}


@pytest.mark.parametrize("form", NESTED)
def test_deep_nesting_is_a_sentence(form: str, refusal: Callable[[str], list[str]]) -> None:
    (problem,) = refusal(NESTED[form])
    assert re.fullmatch(
        r"\d+: the file is not YAML here: more than 32 mappings and lists lie inside each other: check the brackets\.",
        problem,
    )


def test_deep_nesting_by_aliases_is_a_sentence(refusal: Callable[[str], list[str]]) -> None:
    chain = "".join(f"a{number}: &a{number} [*a{number - 1}]\n" for number in range(1, 3000))
    assert refusal(f"a0: &a0 x\n{chain}") == [
        "1: the file is not YAML here: more than 32 mappings and lists lie inside each other: check the brackets."
    ]


BOMBS = {
    "lists": "- &a0 [x, x]\n" + "".join(f"- &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
    "mappings": "a0: &a0 {a: x, b: x}\n"
    + "".join(f"a{n}: &a{n} {{a: *a{n - 1}, b: *a{n - 1}}}\n" for n in range(1, 30)),
}


@pytest.mark.parametrize("form", BOMBS)
def test_aliases_that_multiply_are_a_sentence(form: str, refusal: Callable[[str], list[str]]) -> None:
    assert refusal(BOMBS[form]) == [
        "1: the file is not YAML here: its aliases (*) repeat more than 500,000 values: write out what they stand for."
    ]


def test_a_repeated_merge_key_is_refused(refusal: Callable[[str], list[str]]) -> None:
    entry = "- &a {name: mx1, address: mx1, auth: lab}\n- {<<: *a, <<: *a, name: mx2}\n"
    assert "4: appliances[1] (mx2) repeats a key of line 4: keep one of them." in refusal(MINIMAL + entry)


@pytest.mark.parametrize("content", [bytes(range(256)), b"\x7fELF\x02\x01\x01\0\0", "auths: {}".encode("utf-16")])
def test_a_binary_file_is_a_sentence(content: bytes, folder: Path) -> None:
    file = folder / "fleet.yml"
    file.write_bytes(content)
    (problem,) = config.try_load(file).problems
    assert problem.startswith(f"{file}: the file is not ")
