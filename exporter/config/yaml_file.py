"""A YAML file as text, lists and mappings, with the line of each value; no error quotes the file, with its secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import yaml
from yaml.parser import ParserError
from yaml.reader import ReaderError
from yaml.scanner import ScannerError

from exporter.config.files import read_regular
from exporter.config.yaml_loader import MAX_DEPTH, MAX_VALUES, FastLoader, PlainLoader, refused
from exporter.errors import ConfigError

YamlValue = str | None | list["YamlValue"] | dict[str, "YamlValue"]
"""What a file holds; every scalar but null is text."""

YamlMapping = dict[str, YamlValue]

KeyPath = tuple[str | int, ...]
"""The keys and list indices that lead to a value: `("appliances", 3, "snmp", "port")`."""

_MAX_YAML_BYTES: Final = 5_000_000
"""Size of the largest file; 5,000 appliances with every key need less than half of it."""

_MARKER: Final = "# <-"
"""Marks the lines of fleet.example.yml that are to be filled in."""

_ADVICE: Final = {
    "found undefined alias": "a value that begins with * must be in quotes",
    "expected alphabetic or numeric character": "a value that begins with & or * must be in quotes",
    "could not determine a constructor": "a value that begins with ! must be in quotes",
    "found character": "a value that begins with @, ` or % must be in quotes, and tabs cannot indent",
    "mapping values are not allowed here": "put a value that contains a colon in quotes, and indent the keys alike",
    "could not find expected ':'": "put a colon and a space after each key, and a value in several lines in quotes",
    "expected ',' or": "close each bracket, and put a value that contains , { } [ or ] in quotes",
    "expected <block end>": "indent the keys of one mapping alike, and close each quote at the end of its value",
    "found unexpected end of stream": "a quote is not closed",
    "but found another document": "the file must be one document: remove the line with ---",
    "too deep": f"more than {MAX_DEPTH} mappings and lists lie inside each other: check the brackets",
    "too many values": f"more than {MAX_VALUES:,} values: use several files",
    "aliases repeat too much": f"its aliases (*) repeat more than {MAX_VALUES:,} values: write out what they stand for",
    "expected a mapping": "<< takes an alias (*) of a mapping, or a list of them",
    "found unhashable key": "a key must be text, in quotes if it begins with { or [",
    "a key is null": "a key that is empty, null or ~ must be in quotes",
    "half a character": "\\ud800 to \\udfff each stand for half a character: write the whole one",
    "second occurrence": "two values have the same anchor (&): give each its own",
}
"""What to do, by how PyYAML's description, or ours, begins; the rest of PyYAML's may quote the file."""


@dataclass(frozen=True, slots=True)
class YamlFile:
    """What a file holds; lines are counted from 1."""

    path: Path
    data: YamlValue
    lines: dict[KeyPath, int]
    repeats: list[tuple[KeyPath, int]]
    """Keys that are repeated in their mapping, each with the line of the one before."""
    marked: frozenset[int]
    """The lines that carry the marker of fleet.example.yml for what is to be filled in."""

    def line(self, key_path: KeyPath) -> int:
        """Return the line of a value, or of the nearest mapping or list around it."""
        around = (key_path[:depth] for depth in range(len(key_path), 0, -1))
        return next((self.lines[path] for path in around if path in self.lines), 1)

    def has(self, key_path: KeyPath) -> bool:
        """Return whether the file has a value at a place."""
        return key_path in self.lines

    def value(self, key_path: KeyPath) -> YamlValue:
        """Return a value, or None if there is none."""
        value = self.data
        for part in key_path:
            if isinstance(value, dict) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value


def as_mapping(value: YamlValue) -> YamlMapping:
    """Return the value if it is a mapping, and an empty mapping otherwise."""
    return value if isinstance(value, dict) else {}


def read_yaml(path: Path) -> YamlFile:
    """Read one document. Raises ConfigError if the file cannot be read, is not YAML or is empty."""
    text = _text(path)
    try:
        data, lines, repeats = _parsed(text)
    except yaml.YAMLError as error:
        problem = _problem(path, error)
    else:
        if data is not None:
            marked = frozenset(number for number, line in enumerate(text.splitlines(), 1) if _MARKER in line)
            return YamlFile(path, data, lines, repeats, marked)
        problem = f"{path}: the file is empty: check its name, or add the keys that belong there."
    raise ConfigError([problem])  # outside the handler: PyYAML's error holds the text


def _parsed(text: str) -> tuple[YamlValue, dict[KeyPath, int], list[tuple[KeyPath, int]]]:
    try:
        return _document(FastLoader(text))
    except (ReaderError, ScannerError, ParserError):
        return _document(PlainLoader(text))


def _document(
    loader: FastLoader | PlainLoader,
) -> tuple[YamlValue, dict[KeyPath, int], list[tuple[KeyPath, int]]]:
    node: yaml.Node | None = loader.get_single_node()
    written = _key_lines(node)
    data: YamlValue = loader.construct_document(node) if node else None
    # Now that merge keys (<<) are resolved, the nodes are where the data are.
    return data, dict(_key_lines(node)), list(_repeats(written))


def _text(path: Path) -> str:
    try:
        return read_regular(path, _MAX_YAML_BYTES).decode()
    except FileNotFoundError:
        problem = f"{path}: the file does not exist: create it, or correct the path."
    except OSError as error:
        problem = f"{path}: the file cannot be read ({error.strerror}): check its size and permissions."
    except UnicodeDecodeError:
        problem = f"{path}: the file is not UTF-8 text: save it as UTF-8."
    raise ConfigError([problem])


def _problem(path: Path, error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f"{path}: the file is not YAML: remove the control characters from it."
    advice = (advice for words, advice in _ADVICE.items() if (error.problem or "").startswith(words))
    line = error.problem_mark.line + 1
    return f"{path}:{line}: the file is not YAML here: {next(advice, 'put a value with special characters in quotes')}."


def _key_lines(node: yaml.Node | None) -> list[tuple[KeyPath, int]]:
    """Return every key and list item with its line. Raises YAMLError if aliases make them too many or too deep."""
    found = list(islice(_walk(node, (), ()), MAX_VALUES + 1))
    if node and len(found) > MAX_VALUES:
        raise refused("aliases repeat too much", node)
    return found


def _walk(node: yaml.Node | None, key_path: KeyPath, around: tuple[yaml.Node, ...]) -> Iterator[tuple[KeyPath, int]]:
    if node is None or node in around:  # an alias to what it is in
        return
    if len(key_path) > MAX_DEPTH:
        raise refused("too deep", node)
    for part, first, value in _children(node):
        yield (*key_path, part), first.start_mark.line + 1
        yield from _walk(value, (*key_path, part), (*around, node))


def _children(node: yaml.Node) -> list[tuple[str | int, yaml.Node, yaml.Node]]:
    """Return the key or index of each value, the node that it begins with, and the value."""
    if isinstance(node, yaml.MappingNode):
        return [(key.value, key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    if isinstance(node, yaml.SequenceNode):
        return [(index, item, item) for index, item in enumerate(node.value)]
    return []


def _repeats(written: list[tuple[KeyPath, int]]) -> Iterator[tuple[KeyPath, int]]:
    before: dict[KeyPath, int] = {}
    for key_path, line in written:
        if key_path in before:
            yield key_path, before[key_path]
        before[key_path] = line
