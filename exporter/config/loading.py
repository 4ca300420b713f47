"""Reading the configuration file: every problem at once, defaults and credentials resolved."""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from exporter.config import yaml_file
from exporter.config.fields import Block
from exporter.config.models import TRUST, Appliance, Config, FleetFile, Settings
from exporter.config.problems import Explainer, Problem, did_you_mean
from exporter.config.yaml_file import YamlFile
from exporter.errors import ConfigError


def schema() -> dict[str, Any]:
    """Return the JSON schema of the file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **FleetFile.model_json_schema()}


def load(path: Path) -> Config:
    """Read the file, its secrets and its certificates. Raises ConfigError with every problem at once."""
    file = yaml_file.read(path)
    explainer = Explainer(file, schema())
    context = {"folder": path.parent}
    problems = [*_repeated_keys(file), *_repeated_names(file), *_unknown_auths(file), *_tls_without_https(file)]
    try:
        fleet = FleetFile.model_validate(file.data, context=context)
    except ValidationError as error:
        problems += explainer.problems(error)
    if problems:
        problems.sort(key=lambda problem: file.line(problem.place))
        raise ConfigError([explainer.sentence(problem) for problem in problems])
    return Config(appliances={appliance.name: appliance for appliance in _resolved(fleet, file, context)})


def effective(config: Config) -> str:
    """Return the configuration in the form of the file: defaults filled in, every secret as `<secret>`."""
    fleet = config.appliances.values()
    auths = {appliance.auth: _plain(appliance.credentials) for appliance in fleet}
    document = {"auths": auths, "appliances": [_plain_entry(appliance) for appliance in fleet]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _plain(block: Block) -> dict[str, Any]:
    return block.model_dump(mode="json", exclude_none=True, exclude={"credentials"})


def _plain_entry(appliance: Appliance) -> dict[str, Any]:
    entry = {"name": appliance.name, "address": appliance.address} | _plain(appliance)
    if appliance.xml.scheme == "http":
        del entry["xml"]["tls"]
    return entry


def _repeated_keys(file: YamlFile) -> Iterator[Problem]:
    for place, before in file.repeats:
        yield Problem(place, f"repeats a key of line {before}: keep one of them")


def _entries(file: YamlFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the appliances, with their indices, as far as the file has them in the right form."""
    appliances = file.value(("appliances",))
    for index, entry in enumerate(appliances if isinstance(appliances, list) else ()):
        if isinstance(entry, dict):
            yield index, entry


def _repeated_names(file: YamlFile) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, entry in _entries(file):
        name = entry.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            text = f"is also the name of appliances[{first[name]}]: give each appliance a name of its own"
            yield Problem(("appliances", index, "name"), text)


def _unknown_auths(file: YamlFile) -> Iterator[Problem]:
    auths = file.value(("auths",))
    if not isinstance(auths, dict):
        return
    known = [name for name, auth in auths.items() if isinstance(auth, dict)]
    default = file.value(("defaults", "auth"))
    if isinstance(default, str) and default not in auths:
        yield Problem(("defaults", "auth"), f"names no auth {did_you_mean(default, known)}")
    for index, entry in _entries(file):
        place, auth = ("appliances", index, "auth"), entry.get("auth", default)
        if auth is None:
            yield Problem(place, "is missing: name one of the auths, here or under defaults")
        elif "auth" in entry and isinstance(auth, str) and auth not in auths:
            yield Problem(place, f"names no auth {did_you_mean(auth, known)}")


def _tls_without_https(file: YamlFile) -> Iterator[Problem]:
    for index, entry in _entries(file):
        xml = entry.get("xml")
        if isinstance(xml, dict) and "tls" in xml and xml.get("scheme", _default_scheme(file)) == "http":
            text = "has no use with the scheme http: remove it, or set the scheme to https"
            yield Problem(("appliances", index, "xml", "tls"), text)


def _default_scheme(file: YamlFile) -> Any:
    return file.value(("defaults", "xml", "scheme")) or "https"


def _resolved(fleet: FleetFile, file: YamlFile, context: dict[str, Path]) -> Iterator[Appliance]:
    defaults = file.data.get("defaults") or {}
    for own in file.data["appliances"]:
        data = _merged(_inherited(defaults, own), own)
        stream = data.get("stream") or data.get("pool", Settings().pool)
        data |= {"stream": stream, "credentials": fleet.auths[data["auth"]]}
        yield Appliance.model_validate(data, context=context)


def _merged(defaults: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    nested = [key for key, value in own.items() if isinstance(value, dict) and key in defaults]
    return defaults | own | {key: _merged(defaults[key], own[key]) for key in nested}


def _inherited(defaults: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults without what goes with another scheme, or with another way to trust a certificate."""
    theirs, ours = defaults.get("xml", {}), own.get("xml", {})
    usual = theirs.get("scheme", "https")
    scheme = ours.get("scheme", usual)
    kept = _without({"port"}, theirs) if scheme != usual else theirs
    if scheme == "http":
        kept = _without({"tls"}, kept)
    elif TRUST & ours.get("tls", {}).keys():
        kept = kept | {"tls": _without(TRUST, kept.get("tls", {}))}
    return defaults | {"xml": kept}


def _without(keys: Set[str], data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in keys}
