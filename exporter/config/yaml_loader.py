"""YAML in a small form: mappings, lists and text, within limits; anchors, aliases and merge keys, but no tags."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.composer import Composer

MAX_DEPTH: Final = 32
"""How many mappings and lists may lie inside each other; a passphrase lies inside five."""

MAX_VALUES: Final = 500_000
"""How many values a file may have, those that aliases repeat included."""

_TYPE: Final = "tag:yaml.org,2002:"

_HALF: Final = re.compile("[\ud800-\udfff]")
"""What cannot be written in UTF-8, and so is no text; YAML has it as `\\ud800` in quotes."""


def refused(problem: str, node: Any) -> yaml.MarkedYAMLError:
    """Return the error for what YAML allows and we do not, with its place."""
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


class _TextComposer(Composer):
    """Composes nodes within the limits, and leaves every scalar but null as it is written.

    `0123` and `1e5` may be passwords, `no` a name.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [(tag, form) for tag, form in resolvers if tag in (f"{_TYPE}null", f"{_TYPE}merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {  # noqa: RUF012 - PyYAML's own class attribute
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (f"{_TYPE}null", f"{_TYPE}str", f"{_TYPE}seq", f"{_TYPE}map", None)
    }
    _depth = 0
    _count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, which PyYAML does by recursion."""
        self._count += 1
        if self._depth > MAX_DEPTH:
            raise refused("too deep", parent)
        if self._count > 2 * MAX_VALUES:  # each has a key
            raise refused("too many values", parent)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def compose_scalar_node(self, anchor: dict[Any, yaml.Node]) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        if not node.value.isascii() and _HALF.search(node.value):
            raise refused("half a character", node)
        return node

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        for key, _ in node.value:
            if key.tag == f"{_TYPE}null":
                raise refused("a key is null", key)
        return node


class PlainLoader(_TextComposer, yaml.SafeLoader):
    """Reads with PyYAML's own parser, whose errors say more."""


_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str | bytes) -> Any:
    """Return plain YAML of any form, read with libyaml's parser, where PyYAML has it. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Fastest)  # noqa: S506 - either is safe


class FastLoader(_TextComposer, _Fastest):  # type: ignore[misc]
    """Reads with libyaml's parser, where PyYAML has it."""

    def __init__(self, text: str) -> None:
        _Fastest.__init__(self, text)
        Composer.__init__(self)
