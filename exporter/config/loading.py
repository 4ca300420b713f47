"""Reading the configuration files: every problem at once, defaults filled in, credentials looked up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from exporter.config import checks, tls
from exporter.config.checks import FleetPart
from exporter.config.files import FilesRead, LoadContext
from exporter.config.holidays import Holidays
from exporter.config.maintenance import MaintenanceWindow
from exporter.config.models import Appliance, ApplianceEntry, ApplianceSettings, Config, FleetFile
from exporter.config.notices import notices
from exporter.config.source_keys import SOURCE_NAMES, Auth
from exporter.config.targets import TargetRule
from exporter.config.values import Section
from exporter.config.yaml_file import YamlFile, YamlMapping, as_mapping, read_yaml
from exporter.errors import ConfigError

_Returned = TypeVar("_Returned")

_SUFFIXES: Final = (".yml", ".yaml")

_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""Writes with libyaml, where PyYAML has it: ten times faster."""

_NOT_IN_AN_ENTRY: Final = {"credentials", "maintenance", "holidays", "beyond_list"}
"""What an appliance has from other parts of the configuration."""

_CREDENTIAL_KEYS: Final = frozenset({"auths", "auth", "ca_file"})
"""Keys for which files may be missing that only polling needs."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What an attempt to load gave: a configuration, or problems, each a sentence."""

    config: Config | None
    problems: list[str]
    files: FilesRead


def schema() -> dict[str, Any]:
    """Return the JSON schema of a file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **FleetFile.schema_of_file()}


def load(*paths: Path) -> Config:
    """Read the files, their secrets and certificates. Raises ConfigError with every problem at once."""
    result = try_load(*paths)
    if result.config is None:
        raise ConfigError(result.problems)
    return result.config


def load_entries(*paths: Path) -> list[ApplianceEntry]:
    """Read the appliances without their credentials, so that secrets and certificates may be missing.

    The defaults are filled in. Raises ConfigError with every other problem at once.
    """
    read = FilesRead()
    parts, unreadable = _parts(paths, read)
    problems = unreadable + checks.problems(parts, complete=not unreadable, ignored=_CREDENTIAL_KEYS)
    if problems:
        raise ConfigError(problems)
    return [ApplianceEntry.model_validate(data) for data in _entries(parts)]


def try_load(*paths: Path) -> LoadResult:
    """Read the files, their secrets and certificates; of a folder, its *.yml and *.yaml in the order of their names."""
    read = FilesRead()
    parts, unreadable = _parts(paths, read)
    problems = unreadable + checks.problems(parts, complete=not unreadable)
    return LoadResult(None if problems else _config(parts, read), problems, read)


def _parts(paths: Iterable[Path], read: FilesRead) -> tuple[list[FleetPart], list[str]]:
    """Return the files of a fleet, and the problems of those that cannot be read."""
    files, unreadable = _read_files(paths, read)
    return [FleetPart(file, LoadContext(file.path.parent, read)) for file in files], unreadable


def effective(config: Config) -> str:
    """Return the configuration in the form of one file: defaults filled in, every secret as `<secret>`."""
    template = config.target_template
    fleet = [*config.appliances.values(), *([template] if template else [])]
    document: dict[str, Any] = {"auths": {appliance.auth: _plain(appliance.credentials) for appliance in fleet}}
    if config.appliances:
        document["appliances"] = [_plain_entry(appliance) for appliance in config.appliances.values()]
    if template and template.beyond_list:
        settings = {key: value for key, value in _plain_entry(template).items() if key not in ("name", "address")}
        document["targets"] = {"allow": list(template.beyond_list.allow), **settings}
    if config.maintenance:
        document["maintenance"] = [_plain(window) for window in config.maintenance]
    if config.holidays:
        document["holidays"] = _plain(config.holidays)
    return str(yaml.dump(document, Dumper=_DUMPER, sort_keys=False, allow_unicode=True))


def _plain(section: Section) -> dict[str, Any]:
    return section.model_dump(mode="json", exclude_none=True, exclude=_NOT_IN_AN_ENTRY)


def _plain_entry(appliance: Appliance) -> dict[str, Any]:
    entry = {"name": appliance.name, "address": appliance.address} | _plain(appliance)
    for name in SOURCE_NAMES:
        if entry[name].get("scheme") == "http":
            del entry[name]["tls"]
    return dict(sorted(entry.items(), key=lambda item: isinstance(item[1], dict)))  # mappings after single values


def _read_files(paths: Iterable[Path], read: FilesRead) -> tuple[list[YamlFile], list[str]]:
    """Return the files that can be read, and the problems of the others."""
    groups, unusable = _for_each(paths, partial(_expanded, read=read))
    files, unreadable = _for_each(dict.fromkeys(chain.from_iterable(groups)), partial(_read_file, read=read))
    return files, unusable + unreadable


def _for_each(paths: Iterable[Path], function: Callable[[Path], _Returned]) -> tuple[list[_Returned], list[str]]:
    """Return what the function gives for each path, and the problems of the paths for which it raises ConfigError."""
    results: list[_Returned] = []
    problems: list[str] = []
    for path in paths:
        try:
            results.append(function(path))
        except ConfigError as error:
            problems += error.problems
    return results, problems


def _expanded(path: Path, read: FilesRead) -> Sequence[Path]:
    """Return the configuration files of a folder; of a file, the file."""
    if not path.is_dir():
        return [path]
    read.note(path)
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        raise ConfigError([f"{path}: the folder cannot be read ({error.strerror}): check its permissions."]) from None
    files = [file for file in inside if file.suffix in _SUFFIXES and not file.name.startswith(".")]
    if not files:
        text = "the folder has no *.yml and no *.yaml file: put the configuration there, or name another."
        raise ConfigError([f"{path}: {text}"])
    return files


def _read_file(path: Path, read: FilesRead) -> YamlFile:
    read.note(path)
    try:
        return read_yaml(path)
    except ConfigError as error:
        if os.path.lexists(path):
            raise
        raise ConfigError([f"{text} `ironport-exporter init` makes a first one." for text in error.problems]) from None


def _config(parts: Sequence[FleetPart], read: FilesRead) -> Config:
    appliances = {appliance.name: appliance for appliance in _appliances(parts, read)}
    template = _target_template(parts, read)
    return Config(
        appliances=appliances,
        target_template=template,
        maintenance=_maintenance(parts),
        holidays=_holidays(parts),
        notices=tuple(notices(parts, appliances, template)),
        unfilled=tuple(checks.unfilled(parts)),
    )


def _appliances(parts: Sequence[FleetPart], read: FilesRead) -> Iterator[Appliance]:
    auths = _auths(parts)
    for data in _entries(parts):
        known = data | {"credentials": auths[str(data["auth"])]}
        yield _with_calendar(Appliance.model_validate(known, context=LoadContext(Path(), read)), parts)


def _with_calendar(appliance: Appliance, parts: Sequence[FleetPart]) -> Appliance:
    """Return the appliance with the maintenance windows that concern it, and with the holidays."""
    windows = tuple(
        window
        for window in _maintenance(parts)
        if window.concerns(name=appliance.name, pool=appliance.pool, site=appliance.site)
    )
    return appliance.model_copy(update={"maintenance": windows, "holidays": _holidays(parts)})


def _maintenance(parts: Sequence[FleetPart]) -> tuple[MaintenanceWindow, ...]:
    return tuple(window for part in parts for window in part.parsed.maintenance)


def _holidays(parts: Sequence[FleetPart]) -> Holidays | None:
    return next((part.parsed.holidays for part in parts if part.parsed.holidays), None)


def _target_template(parts: Sequence[FleetPart], read: FilesRead) -> Appliance | None:
    for part in parts:
        if rule := part.parsed.targets:
            data = _filled_in(as_mapping(part.data["targets"]), part, _with_paths(*checks.defaults(parts)))
            del data["allow"]
            known = data | {
                "name": "targets",
                "address": "targets",
                "credentials": _auths(parts)[str(data["auth"])],
                "beyond_list": TargetRule(allow=rule.allow),
            }
            return _with_calendar(Appliance.model_validate(known, context=LoadContext(Path(), read)), parts)
    return None


def _auths(parts: Sequence[FleetPart]) -> dict[str, Auth]:
    return {name: auth for part in parts for name, auth in part.parsed.auths.items()}


def _entries(parts: Sequence[FleetPart]) -> Iterator[YamlMapping]:
    """Yield what the files say about each appliance, with the defaults and the stream filled in."""
    defaults = _with_paths(*checks.defaults(parts))
    for part in parts:
        for _, entry in part.appliances():
            yield _filled_in(entry, part, defaults)


def _filled_in(entry: YamlMapping, part: FleetPart, defaults: YamlMapping) -> YamlMapping:
    own = _with_paths(entry, part.folder)
    data = _merged(_inherited(defaults, own), own)
    return data | {"stream": data.get("stream") or data.get("pool") or ApplianceSettings().pool}


def _with_paths(settings: YamlMapping, folder: Path) -> YamlMapping:
    """Return the settings with paths that do not depend on the folder of their file."""
    sources = {name: as_mapping(settings[name]) for name in SOURCE_NAMES if name in settings}
    return settings | {name: tls.with_ca_path(source, folder) for name, source in sources.items()}


def _inherited(defaults: YamlMapping, own: YamlMapping) -> YamlMapping:
    """Return the defaults that an appliance takes over."""
    return defaults | {
        name: tls.inherited(as_mapping(defaults.get(name)), as_mapping(own.get(name))) for name in SOURCE_NAMES
    }


def _merged(defaults: YamlMapping, own: YamlMapping) -> YamlMapping:
    """Return what the file has for an appliance over the defaults, mapping by mapping."""
    mappings = {
        key: _merged(as_mapping(defaults.get(key)), value) for key, value in own.items() if isinstance(value, dict)
    }
    return defaults | own | mappings
