"""What is wrong with a configuration, in sentences: file, line, place, what is wrong and what to do.

A sentence never quotes a value, and names a key only where it cannot be a piece of a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails

from exporter.config.values import Section
from exporter.config.yaml_file import KeyPath, YamlFile, as_mapping

_MAPPING: Final = "must have keys and values (key: value), indented below it"
_NO_AUTH: Final = "must have names, each with its credentials indented below it"
_NOT_ALLOWED: Final = "contains a character that is not allowed here"
_EMPTY: Final = "is empty: give it a value, or remove the key"

_TEXTS: Final = {
    "bad_value": "{text}",
    "value_error": _NOT_ALLOWED,
    "missing": "is missing: add it",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number with fewer digits",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le}",
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "tuple_type": "must be a list: [a, b], or lines that begin with a dash",
    "invalid_key": "has a key that is not text: put it in quotes",
}
"""The end of the sentence by pydantic's type of error."""


_LONGEST_NAME: Final = 253
"""How many characters a name in a sentence may have: as many as a host name."""

_MOST_NAMES: Final = 30
"""How many known names a sentence lists."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place in a file and the end of the sentence about it.

    If the place is an `unknown_key`, the sentence is about the mapping that has the key.
    """

    key_path: KeyPath
    text: str
    unknown_key: bool = False


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint in brackets: the known word that is close, or else known words; nothing if none is known."""
    known = sorted(known)
    if close := get_close_matches(word, known, n=1):
        return f"(did you mean {close[0]}?)"
    more = len(known) - _MOST_NAMES
    names = [*known[:_MOST_NAMES], *([f"{more:,} more"] if more > 0 else [])]
    return f"(known are: {', '.join(names)})" if names else ""


@dataclass(frozen=True, slots=True)
class Explainer:
    """Writes the sentences about one file, whose keys the JSON schema of its form knows."""

    file: YamlFile
    form: type[Section]
    credentials: frozenset[str] = frozenset({"auths"})
    """The keys of the file below which names are given to secrets."""

    def problems(self, error: ValidationError) -> Iterator[Problem]:
        """Yield what pydantic found."""
        for detail in error.errors(include_url=False):
            key_path = self._in_file(detail)
            yield Problem(key_path, self._text(detail, key_path), detail["type"] == "extra_forbidden")

    def sentence(self, problem: Problem) -> str:
        """Return the whole sentence."""
        name = self.name(problem.key_path[:-1] if problem.unknown_key else problem.key_path)
        return f"{self.location(problem.key_path)}: {name} {problem.text}."

    def location(self, key_path: KeyPath) -> str:
        """Return file and line of a place."""
        return f"{self.file.path}:{self.file.line(key_path)}"

    def name(self, key_path: KeyPath) -> str:
        """Return the place as people write it, `appliances[0] (mx1).xml.port`, without what could be a secret."""
        name = ""
        for depth, part in enumerate(key_path, 1):
            if not self._nodes(key_path[:depth]) or not self.can_show(key_path[:depth]):
                break
            name += f"[{part}]" if isinstance(part, int) else f".{part}"
            if key_path[:depth] == ("appliances", part):
                name += self._appliance(key_path[:depth])
        return name.removeprefix(".") or "the file"

    def can_show(self, key_path: KeyPath) -> bool:
        """Return whether the last part of a place cannot be a piece of an unquoted secret, such as `a}},b: {`."""
        return _fits(str(key_path[-1])) and not self._is_stray(key_path) and not self._shares_line(key_path)

    def _text(self, detail: ErrorDetails, key_path: KeyPath) -> str:
        if self._is_stray(key_path):
            return _NO_AUTH
        if detail["type"] == "extra_forbidden":
            return self._unknown_key(detail, key_path)
        if detail["input"] is None and detail["type"] != "invalid_key":
            return _EMPTY
        return _TEXTS.get(detail["type"], _NOT_ALLOWED).format(**detail.get("ctx", {}))

    def _unknown_key(self, detail: ErrorDetails, key_path: KeyPath) -> str:
        # The key is not quoted: an unquoted secret with a comma in it leaves one.
        return f"has an unknown key {did_you_mean(str(key_path[-1]), self._keys(detail['loc'][:-1]))}"

    def _keys(self, key_path: KeyPath) -> set[str]:
        return {
            key
            for node in self._nodes(key_path)
            for variant in self._variants(node)
            for key in variant.get("properties", {})
        }

    def _is_stray(self, key_path: KeyPath) -> bool:
        """Whether a key is where the name of an auth belongs, but has no credentials: it may be a piece of a secret."""
        return len(key_path) == 2 and key_path[0] == "auths" and not isinstance(self.file.value(key_path), dict)

    def _shares_line(self, key_path: KeyPath) -> bool:
        """Whether a name that the file gives to credentials is on the line of another one."""
        around, name = key_path[:-1], key_path[-1]
        if len(around) != 1 or around[0] not in self.credentials or name in self._keys(around):
            return False
        siblings = as_mapping(self.file.value(around)).keys() - {name}
        return any(self.file.line((*around, other)) == self.file.line(key_path) for other in siblings)

    def _appliance(self, key_path: KeyPath) -> str:
        name = self.file.value((*key_path, "name"))
        return f" ({name})" if name and isinstance(name, str) and _fits(name) else ""

    def _in_file(self, detail: ErrorDetails) -> KeyPath:
        """Return pydantic's place as the file has it: without the tags of unions, and with the key that `ctx` names."""
        loc = detail["loc"]
        key_path = tuple(
            part for index, part in enumerate(loc) if part != "[key]" and not self._is_tag(loc[:index], part)
        )
        key = detail.get("ctx", {}).get("key")
        return (*key_path[:-1], key) if key else key_path

    def _is_tag(self, around: KeyPath, part: str | int) -> bool:
        """Whether pydantic, and not the file, has this part of a place: it says which type of a union was chosen."""
        variants = [variant for node in self._nodes(around) for variant in self._variants(node)]
        return any(str(part) in variant.get("discriminator", {}).get("mapping", {}) for variant in variants)

    def _nodes(self, key_path: KeyPath) -> list[JsonSchemaValue]:
        """Return the schemas of a place; none if the file should have nothing there."""
        nodes = [self.form.schema_of_file()]
        for part in key_path:
            nodes = [child for node in nodes for variant in self._variants(node) for child in _child(variant, part)]
        return nodes

    def _variants(self, node: JsonSchemaValue) -> Iterator[JsonSchemaValue]:
        yield node
        if "$ref" in node:
            yield from self._variants(self.form.schema_of_file()["$defs"][node["$ref"].rpartition("/")[2]])
        for variant in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from self._variants(variant)


def _fits(name: str) -> bool:
    """Return whether a name may be in a sentence."""
    return name.isprintable() and len(name) <= _LONGEST_NAME


def _child(node: JsonSchemaValue, part: str | int) -> list[JsonSchemaValue]:
    """Return the schema of one part, if the node has one; the tag of a union leads to its type."""
    if reference := node.get("discriminator", {}).get("mapping", {}).get(str(part)):
        return [{"$ref": reference}]
    other = "items" if isinstance(part, int) else "additionalProperties"
    child = node.get("properties", {}).get(part, node.get(other))
    return [child] if isinstance(child, dict) else []
