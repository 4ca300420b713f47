"""Checks of a whole fleet: names that repeat, credentials that are missing, values that nobody has filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import islice, product
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from exporter.config import tls
from exporter.config.files import LoadContext
from exporter.config.models import FleetFile, UnitSettings
from exporter.config.problems import Explainer, Problem, did_you_mean
from exporter.config.source_keys import SOURCE_NAMES
from exporter.config.values import is_documentation_address
from exporter.config.yaml_file import KeyPath, YamlFile, YamlMapping, as_mapping

_FILL_ME_IN: Final = "fill-me-in"
"""The secrets of fleet.example.yml."""


_MOST: Final = 1000
"""How many problems are explained at once."""


class FleetPart:
    """One file of a fleet, and the problems in it."""

    def __init__(self, file: YamlFile, context: LoadContext) -> None:
        self.file = file
        self.folder: Path = context.folder
        self.data = as_mapping(file.data)
        self.explainer = Explainer(file, FleetFile)
        self.problems = [Problem(at, f"repeats a key of line {line}: keep one of them") for at, line in file.repeats]
        self.parsed = FleetFile()
        try:
            self.parsed = FleetFile.model_validate(file.data, context=context)
        except ValidationError as error:
            self.problems += islice(self.explainer.problems(error), _MOST + 1)

    def entries(self) -> Iterator[tuple[KeyPath, YamlMapping]]:
        """Yield the appliances and what is allowed beyond them, with their places."""
        yield from self.appliances()
        if isinstance(targets := self.data.get("targets"), dict):
            yield ("targets",), targets

    def appliances(self) -> Iterator[tuple[KeyPath, YamlMapping]]:
        """Yield the appliances with their places, as far as the file has them in the right form."""
        appliances = self.data.get("appliances")
        for index, entry in enumerate(appliances if isinstance(appliances, list) else ()):
            if isinstance(entry, dict):
                yield ("appliances", index), entry


Found = tuple[FleetPart, Problem]


def problems(parts: Sequence[FleetPart], *, complete: bool, ignored: Set[str] = frozenset()) -> list[str]:
    """Return what is wrong, in the order of files and lines, but for what is wrong at one of the `ignored` keys.

    If a file could not be read, the parts are not `complete`: what is missing could be in that file, and is no problem.
    """
    found = [(part, problem) for part in parts for problem in part.problems]
    checks = [_repeats_across_files, _tls_without_https]
    if complete:
        checks += [_missing_keys, _unknown_auths, _unknown_in_maintenance]
    for check in checks:
        found += islice(check(parts), _MOST + 1)
    found = [(part, problem) for part, problem in found if ignored.isdisjoint(problem.key_path)]
    found.sort(key=lambda each: (parts.index(each[0]), each[0].file.line(each[1].key_path)))
    sentences = [part.explainer.sentence(problem) for part, problem in found[:_MOST]]
    return sentences + ["There are more problems: correct these first."] * (len(found) > _MOST)


def unfilled(parts: Iterable[FleetPart]) -> Iterator[str]:
    """Yield a sentence for each value of fleet.example.yml that nobody has filled in."""
    for part in parts:
        secrets = [at for at in part.file.lines if at[0] == "auths" and part.file.value(at) == _FILL_ME_IN]
        for key_path in secrets:
            yield part.explainer.sentence(Problem(key_path, f"is still {_FILL_ME_IN}: put your own secret there"))
        for place, entry in part.entries():
            key_path = (*place, "address")
            if part.file.line(key_path) in part.file.marked and is_documentation_address(str(entry.get("address"))):
                yield part.explainer.sentence(Problem(key_path, "is still that of the example: put your own there"))


def defaults(parts: Iterable[FleetPart]) -> tuple[YamlMapping, Path]:
    """Return the defaults and the folder of their file."""
    return next(
        ((as_mapping(part.data["defaults"]), part.folder) for part in parts if "defaults" in part.data), ({}, Path())
    )


def _repeats_across_files(parts: Iterable[FleetPart]) -> Iterator[Found]:
    first: dict[KeyPath, str] = {}
    for part in parts:
        for key_path, name, advice in _unique(part):
            location = part.explainer.location(key_path)
            if first.setdefault(name, location) != location:
                yield part, Problem(key_path, f"is already at {first[name]}: {advice}")


def _unique(part: FleetPart) -> Iterator[tuple[KeyPath, KeyPath, str]]:
    """Yield each thing that must be unique in a fleet: its place, what identifies it, and what to do if it repeats."""
    for key in ("defaults", "targets", "holidays"):
        if key in part.data:
            yield (key,), (key,), "keep one of them"
    for auth in as_mapping(part.data.get("auths")):
        yield ("auths", auth), ("auths", auth), "keep one of them"
    for place, entry in part.entries():
        if isinstance(name := entry.get("name"), str):
            yield (*place, "name"), ("name", name), "give each appliance its own name"


def _missing_keys(parts: Sequence[FleetPart]) -> Iterator[Found]:
    if all(isinstance(part.file.data, dict) for part in parts):
        for key in ("auths", "appliances"):
            if not any(part.data.keys() & {key, "targets" if key == "appliances" else key} for part in parts):
                yield parts[0], Problem((key,), "is missing: add it" + " to one of the files" * (len(parts) > 1))


def _unknown_auths(parts: Sequence[FleetPart]) -> Iterator[Found]:
    auths = {name: part for part in parts for name in as_mapping(part.data.get("auths"))}
    known = [name for name, part in auths.items() if part.explainer.can_show(("auths", name))]
    default = defaults(parts)[0].get("auth")
    for part in parts:
        for key_path, auth in _auth_references(part):
            if isinstance(auth, str) and auth not in auths:
                yield part, Problem(key_path, f"is not one of the auths {did_you_mean(auth, known)}".rstrip())
        for place, entry in part.entries():
            if "auth" not in entry and default is None:
                text = "is missing: add the name of one of the auths, here or under defaults"
                yield part, Problem((*place, "auth"), text)


def _auth_references(part: FleetPart) -> Iterator[tuple[KeyPath, object]]:
    yield ("defaults", "auth"), as_mapping(part.data.get("defaults")).get("auth")
    for place, entry in part.entries():
        yield (*place, "auth"), entry.get("auth")


def _unknown_in_maintenance(parts: Sequence[FleetPart]) -> Iterator[Found]:
    """Yield the names in maintenance windows that no appliance has."""
    entries = [defaults(parts)[0] | entry for part in parts for _, entry in part.entries()]
    known = {
        "appliances": {str(entry.get("name")) for entry in entries},
        "pools": {str(entry.get("pool", UnitSettings().pool)) for entry in entries},
        "sites": {str(entry["site"]) for entry in entries if entry.get("site")},
    }
    for part in parts:
        for key_path, name in _maintained(part):
            kind = str(key_path[-2])
            if name not in known[kind]:
                yield part, Problem(key_path, f"is none of the {kind} {did_you_mean(name, known[kind])}".rstrip())


def _maintained(part: FleetPart) -> Iterator[tuple[KeyPath, str]]:
    """Yield the names of appliances, pools and sites in maintenance windows, with their places."""
    for index, window in enumerate(part.parsed.maintenance):
        for kind in ("appliances", "pools", "sites"):
            for number, name in enumerate(getattr(window, kind) or ()):
                yield ("maintenance", index, kind, number), name


def _tls_without_https(parts: Sequence[FleetPart]) -> Iterator[Found]:
    usual = defaults(parts)[0]
    for part in parts:
        for (place, entry), source in product(part.entries(), SOURCE_NAMES):
            if tls.has_tls_without_https(as_mapping(usual.get(source)), as_mapping(entry.get(source))):
                text = "is only for https: remove it, or set the scheme to https"
                yield part, Problem((*place, source, "tls"), text)
