"""A YAML file as plain text values, with the line of each; its errors never quote the file, which may hold secrets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.errors import ConfigError

Place = tuple[str | int, ...]
"""The keys and list indices that lead to a value: `("appliances", 3, "snmp", "port")`."""

_TAG: Final = "tag:yaml.org,2002:"

_ADVICE: Final = {
    "found undefined alias": "a value that begins with * must stand in quotes",
    "expected alphabetic or numeric character": "a value that begins with & or * must stand in quotes",
    "could not determine a constructor": "a value that begins with ! must stand in quotes",
    "found character": "a value that begins with @, ` or % must stand in quotes, and tabs cannot indent",
    "mapping values are not allowed here": "put a value that holds a colon in quotes, and indent the keys alike",
    "could not find expected ':'": "put a colon and a space after each key, and a value in several lines in quotes",
    "expected ',' or": "close each bracket, and put a value that holds , { } [ or ] in quotes",
    "expected <block end>": "indent the keys of one mapping alike, and close each quote at the end of its value",
    "found unexpected end of stream": "a quote is not closed",
    "but found another document": "the file must be one document: remove the line of ---",
}
"""What to do, by how PyYAML's own words begin; the rest of those may quote the file."""


@dataclass(frozen=True, slots=True)
class YamlFile:
    """What the file holds: mappings, lists, text and None, with lines counted from 1.

    `repeats` are the keys that stand again in their mapping, each with the line of the one before.
    """

    path: Path
    data: Any
    lines: dict[Place, int]
    repeats: list[tuple[Place, int]]

    def line(self, place: Place) -> int:
        """Return the line of a place, or of what is nearest above it."""
        return next((self.lines[place[:depth]] for depth in range(len(place), 0, -1) if place[:depth] in self.lines), 1)

    def value(self, place: Place) -> Any:
        """Return what stands at a place, None if nothing does."""
        value = self.data
        for part in place:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value


class _Loader(yaml.SafeLoader):
    """Leaves every scalar but null as it is written: `0123` and `1e5` may be passwords, `no` a name."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [(tag, form) for tag, form in resolvers if tag in (f"{_TAG}null", f"{_TAG}merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012 - PyYAML's own class attribute
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (f"{_TAG}null", f"{_TAG}str", f"{_TAG}seq", f"{_TAG}map", None)
    }


def read(path: Path) -> YamlFile:
    """Read one document. Raises ConfigError if the file cannot be read, is not YAML or is empty."""
    text = _text(path)
    try:
        data, lines, repeats = _parsed(text)
    except yaml.YAMLError as error:
        problem = _problem(path, error)
    else:
        if data is not None:
            return YamlFile(path, data, lines, repeats)
        problem = f"{path}: the file is empty: list the appliances, as in fleet.example.yml."
    raise ConfigError([problem])  # outside the handler: the error from PyYAML holds the text


def _parsed(text: str) -> tuple[Any, dict[Place, int], list[tuple[Place, int]]]:
    loader = _Loader(text)
    node = loader.get_single_node()
    written = list(_places(node))
    data = loader.construct_document(node) if node else None
    # Now that merge keys (<<) are resolved, the nodes have the places of the data.
    return data, dict(_places(node)), list(_repeats(written))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        problem = f"{path}: the file cannot be read ({error.strerror}): check its name and its permissions."
    except UnicodeDecodeError:
        problem = f"{path}: the file is not UTF-8 text: save it as UTF-8."
    raise ConfigError([problem])


def _problem(path: Path, error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f"{path}: the file is not YAML: remove the control characters from it."
    advice = (advice for words, advice in _ADVICE.items() if (error.problem or "").startswith(words))
    line = error.problem_mark.line + 1
    return f"{path}:{line}: the file is not YAML here: {next(advice, 'put a value with special characters in quotes')}."


def _places(
    node: yaml.Node | None, place: Place = (), above: tuple[yaml.Node, ...] = ()
) -> Iterator[tuple[Place, int]]:
    if node in above:  # an alias to what holds it
        return
    parts: list[tuple[Any, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        parts = [(key.value, key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    elif isinstance(node, yaml.SequenceNode):
        parts = [(index, item, item) for index, item in enumerate(node.value)]
    for part, mark, value in parts:
        yield (*place, part), mark.start_mark.line + 1
        yield from _places(value, (*place, part), (*above, node) if node else above)


def _repeats(written: list[tuple[Place, int]]) -> Iterator[tuple[Place, int]]:
    before: dict[Place, int] = {}
    for place, line in written:
        if place in before:
            yield place, before[place]
        before[place] = line
