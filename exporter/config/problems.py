"""What is wrong with a configuration, as sentences: the file, the line, the place, the fault and what to do.

A sentence never quotes a value, and names a key only where it cannot be a piece of a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.config.yaml_file import Place, YamlFile

_MAPPING: Final = "must hold keys with their values (key: value), indented below it"
_VERSION: Final = "must have the version 3 or 2c (what speaks 1 here speaks 2c)"
_NO_AUTH: Final = "must hold names, each with the credentials (snmp, xml or both) indented below it"
_EMPTY: Final = "is empty: give it a value, or remove the key"

_TEXTS: Final = {
    "fault": "{text}",
    "value_error": "holds a character that cannot stand there",
    "missing": "is missing: add it",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
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
    "union_tag_invalid": _VERSION,
    "union_tag_not_found": _VERSION,
}
"""The end of the sentence by pydantic's type of error."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A place in the file and the end of the sentence about it, or if it is an `unknown_key`, about what holds it."""

    place: Place
    text: str
    unknown_key: bool = False


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the hint, in brackets, which of the known words may be meant, or what they all are."""
    known = sorted(known)
    close = get_close_matches(word, known, n=1)
    return f"(did you mean {close[0]}?)" if close else f"(what may stand there: {', '.join(known) or 'nothing'})"


@dataclass(frozen=True, slots=True)
class Explainer:
    """Words the problems of one file, whose keys the JSON schema knows."""

    file: YamlFile
    schema: dict[str, Any]

    def problems(self, error: ValidationError) -> Iterator[Problem]:
        """Yield what pydantic found."""
        for detail in error.errors(include_url=False):
            place = _in_file(detail)
            yield Problem(place, self._text(detail, place), detail["type"] == "extra_forbidden")

    def sentence(self, problem: Problem) -> str:
        """Return the whole sentence."""
        name = self._name(problem.place[:-1] if problem.unknown_key else problem.place)
        return f"{self.file.path}:{self.file.line(problem.place)}: {name} {problem.text}."

    def _text(self, detail: ErrorDetails, place: Place) -> str:
        if self._is_stray(place):
            return _NO_AUTH
        if detail["type"] == "extra_forbidden":
            return self._unknown_key(detail, place)
        if detail["input"] is None and detail["type"] != "invalid_key":
            return _EMPTY
        return _TEXTS[detail["type"]].format(**detail.get("ctx", {}))

    def _unknown_key(self, detail: ErrorDetails, place: Place) -> str:
        key = str(place[-1])
        # An unquoted secret with a comma in it leaves a key: with no value, or among the credentials.
        shown = "" if place[0] == "auths" or detail["input"] is None else f" {key!r}"
        return f"has an unknown key{shown} {did_you_mean(key, self._keys(detail['loc'][:-1]))}"

    def _keys(self, place: Place) -> set[str]:
        return {
            key
            for node in self._nodes(place)
            for variant in self._variants(node)
            for key in variant.get("properties", {})
        }

    def _name(self, place: Place) -> str:
        name = ""
        for depth, part in enumerate(place, 1):
            if not self._nodes(place[:depth]) or self._is_stray(place[:depth]) or not str(part).isprintable():
                break
            name += f"[{part}]" if isinstance(part, int) else f".{part}"
            if place[:depth] == ("appliances", part):
                name += self._appliance(place[:depth])
        return name.removeprefix(".") or "the file"

    def _is_stray(self, place: Place) -> bool:
        """Whether a key stands where the name of an auth belongs, but holds none: it may be a piece of a secret."""
        return len(place) == 2 and place[0] == "auths" and not isinstance(self.file.value(place), dict)

    def _appliance(self, place: Place) -> str:
        name = self.file.value((*place, "name"))
        return f" ({name})" if name and isinstance(name, str) and name.isprintable() else ""

    def _nodes(self, place: Place) -> list[dict[str, Any]]:
        """Return the schemas that hold for a place; none if the file should have nothing there."""
        nodes = [self.schema]
        for part in place:
            nodes = [child for node in nodes for variant in self._variants(node) for child in _child(variant, part)]
        return nodes

    def _variants(self, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        if "$ref" in node:
            yield from self._variants(self.schema["$defs"][node["$ref"].rpartition("/")[2]])
        for variant in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from self._variants(variant)


def _child(node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    """Return the schema of one part, if the node has one; the version of SNMP is a part in pydantic's places."""
    if reference := node.get("discriminator", {}).get("mapping", {}).get(str(part)):
        return [{"$ref": reference}]
    other = "items" if isinstance(part, int) else "additionalProperties"
    child = node.get("properties", {}).get(part, node.get(other))
    return [child] if isinstance(child, dict) else []


def _in_file(detail: ErrorDetails) -> Place:
    """Return pydantic's place as the file has it: without the version of SNMP, with the key that a fault names."""
    loc = detail["loc"]
    versioned = loc[:1] == ("auths",) and loc[2:3] == ("snmp",) and loc[3:4] in (("2c",), (3,))
    place = loc[:3] + loc[4:] if versioned else loc
    if place[-1:] == ("[key]",):
        place = place[:-1]
    key = detail.get("ctx", {}).get("key")
    return (*place[:-1], key) if key else place
