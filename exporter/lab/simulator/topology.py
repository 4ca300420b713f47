"""The simulated fleet: units with the keys of fleet.yml, and with what only a simulation needs to know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationError

from exporter.config.models import UnitSettings
from exporter.config.problems import Explainer, Problem, did_you_mean
from exporter.config.values import Name, NotEmpty, Section, bad_value, is_host_name
from exporter.config.yaml_file import KeyPath, read_yaml
from exporter.errors import ConfigError

BUILT_IN: Final = ("campus", "mixed", "pair", "rings", "trio")
"""The topologies of the package."""

ASYNCOS_RELEASE: Final = re.compile(r"\d+\.\d+\.\d+-\d+")
"""A release of AsyncOS."""

_MODEL: Final = re.compile(r"[CX]\d+V?")
_NAMED_SHARE: Final = 0.99
"""Share of the mail of a pool that named destinations may get."""

_LOAD_POOL: Final = 8
"""Units in each pool of a fleet of equal units."""


def _version(text: str) -> str:
    if not ASYNCOS_RELEASE.fullmatch(text):
        raise bad_value("must be a release such as 10.0.0-203")
    return text


def _model(text: str) -> str:
    if not _MODEL.fullmatch(text):
        raise bad_value("must be a model such as C695, or C600V for a virtual one")
    return text


def _domain(text: str) -> str:
    if not is_host_name(text):
        raise bad_value("must be a domain, such as uni-a.example")
    return text.lower().rstrip(".")


Flow = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Domain = Annotated[str, AfterValidator(_domain)]
Share = Annotated[float, Field(ge=0, le=1)]


class Pool(Section):
    """The mail of a pool. It comes from outside or from another pool."""

    daily_messages: Flow | None = None
    """Messages from outside on an average day."""
    fed_by: Name | None = None
    """The pool whose deliveries this pool gets, instead of mail from outside."""
    ham: Share | None = None
    """Share of good mail in the volume; the default depends on the traffic."""
    growth_per_year: Annotated[float, Field(ge=0, le=10)] = 0.05
    """Growth of the volume in a year, as a share of it."""
    destinations: dict[Name, dict[Domain, Share]] = Field(default={})
    """The destinations of mail that fleet.yml names: for each class, domains with their share of the recipients.

    All other mail goes to many destinations that nobody names.
    """


class SimulatedSettings(UnitSettings):
    """What is given for one unit, or under `defaults` for all: the keys of fleet.yml, and those of a simulation."""

    connection_limit: Annotated[int, Field(gt=0)] = 300
    model: Annotated[str, AfterValidator(_model)] = "C395"
    """The model. A V at its end means a virtual one, which has no hardware to report on."""
    asyncos: Annotated[str, AfterValidator(_version)] = "10.0.0-203"
    """The release of AsyncOS, which decides what items the sources have."""


class UnitEntry(SimulatedSettings):
    """A unit as the file has it."""

    name: Name


class Unit(UnitEntry):
    """A unit with the defaults filled in."""

    stream: Name
    rated_messages_per_hour: Flow

    @property
    def virtual(self) -> bool:
        """Whether it has no hardware of its own to report on."""
        return self.model.endswith("V")

    def fleet_entry(self) -> dict[str, Any]:
        """Return what an entry of fleet.yml says about it, without what is needed to reach it."""
        return self.model_dump(include={"name", *UnitSettings.model_fields}, exclude_none=True)


class TopologyFile(Section):
    """A fleet to simulate: the mail of its pools, and its appliances."""

    pools: dict[Name, Pool]
    defaults: SimulatedSettings | None = None
    appliances: Annotated[tuple[UnitEntry, ...], NotEmpty]


class Topology(Section):
    """Pools by name, and units in the order of the file. The pool of each unit is one of `pools`."""

    name: str
    pools: dict[str, Pool]
    appliances: tuple[Unit, ...]

    def units(self, pool: str) -> list[Unit]:
        return [unit for unit in self.appliances if unit.pool == pool]

    def destination_classes(self) -> dict[str, tuple[str, ...]]:
        """Return the destinations that fleet.yml names, by class."""
        classes: dict[str, dict[str, None]] = {}
        for pool in self.pools.values():
            for name, members in pool.destinations.items():
                classes.setdefault(name, {}).update(dict.fromkeys(members))
        return {name: tuple(members) for name, members in classes.items()}


def load_topology(name: str) -> Topology:
    """Return the topology of this name or in the YAML file `name`; raises ConfigError with every problem."""
    if name not in BUILT_IN:
        path = Path(name)
        if not path.exists() and path.suffix not in (".yml", ".yaml"):
            raise ConfigError([f"There is no topology {name!r}: name one of {', '.join(BUILT_IN)}, or a YAML file."])
        return read_topology(path)
    with resources.as_file(_built_in(name)) as path:
        return read_topology(path)


def description(name: str) -> str:
    """Return what a built-in topology is: the comment in the first line of its file."""
    return _built_in(name).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _built_in(name: str) -> Traversable:
    return resources.files(__package__) / "topologies" / f"{name}.yml"


def read_topology(path: Path) -> Topology:
    """Return the topology of a YAML file; raises ConfigError with every problem, a sentence each."""
    file = read_yaml(path)
    explainer = Explainer(file, TopologyFile)
    problems = [Problem(place, f"repeats a key of line {line}: keep one of them") for place, line in file.repeats]
    topology = None
    try:
        parsed = TopologyFile.model_validate(file.data)
    except ValidationError as error:
        problems += explainer.problems(error)
    else:
        entries = [_merged(parsed.defaults, entry) for entry in parsed.appliances]
        problems += _contradictions(parsed, entries)
        if not problems:
            units = tuple(Unit(**{**entry.model_dump(), "stream": entry.stream or entry.pool}) for entry in entries)
            topology = Topology(name=path.stem, pools=parsed.pools, appliances=units)
    if topology is None:
        problems.sort(key=lambda problem: file.line(problem.key_path))
        raise ConfigError([explainer.sentence(problem) for problem in problems])
    return topology


def equal_units(count: int) -> Topology:
    """Return a fleet of `count` equal inbound units in pools of eight over two sites, for load tests."""
    if count < 1:
        raise ConfigError([f"A fleet needs at least one unit, not {count}."])
    appliances = [
        Unit(
            name=f"mx{number + 1}",
            site=("east", "west")[number % 2],
            pool=f"inbound{number // _LOAD_POOL + 1}",
            stream="mail",
            traffic="inbound",
            rated_messages_per_hour=140_000,
        )
        for number in range(count)
    ]
    sizes = Counter(unit.pool for unit in appliances)
    pools = {pool: Pool(daily_messages=800_000 * size) for pool, size in sizes.items()}
    return Topology(name=f"units-{count}", pools=pools, appliances=tuple(appliances))


def _merged(defaults: SimulatedSettings | None, entry: UnitEntry) -> UnitEntry:
    """Return the entry with the defaults for the keys that it leaves out."""
    usual = defaults.model_dump(exclude_unset=True) if defaults else {}
    update = {key: value for key, value in usual.items() if key not in entry.model_fields_set}
    return entry.model_copy(update=update | {"labels": usual.get("labels", {}) | entry.labels})


def _contradictions(file: TopologyFile, entries: Sequence[UnitEntry]) -> Iterator[Problem]:
    """Yield the problems that only show when units and pools are compared."""
    names = Counter(entry.name for entry in entries)
    for index, entry in enumerate(entries):
        place: KeyPath = ("appliances", index)
        if names[entry.name] > 1:
            yield Problem((*place, "name"), "is the name of another appliance too: give each a name of its own")
        if entry.pool not in file.pools:
            yield Problem((*place, "pool"), f"is none of the pools {did_you_mean(entry.pool, file.pools)}")
        if entry.rated_messages_per_hour is None:
            yield Problem((*place, "rated_messages_per_hour"), "is missing: give it here or under defaults")
    class_of: dict[str, str] = {}
    for name, pool in file.pools.items():
        yield from _pool_faults(name, pool, file, [entry for entry in entries if entry.pool == name])
        for category, members in pool.destinations.items():
            for domain in members:
                if class_of.setdefault(domain, category) != category:
                    place = ("pools", name, "destinations", category)
                    yield Problem(place, f"has {domain}, which is in the class {class_of[domain]}: keep it in one")


def _pool_faults(name: str, pool: Pool, file: TopologyFile, entries: Sequence[UnitEntry]) -> Iterator[Problem]:
    place: KeyPath = ("pools", name)
    if all(entry.role == "spare" for entry in entries):
        yield Problem(place, "has no appliance in production: give it one")
    if len(traffics := sorted({entry.traffic for entry in entries})) > 1:
        yield Problem(place, f"carries {' and '.join(traffics)} mail: give all its appliances the same traffic")
    if (pool.daily_messages is None) == (pool.fed_by is None):
        yield Problem(place, "needs exactly one of daily_messages and fed_by")
    if sum(sum(members.values()) for members in pool.destinations.values()) > _NAMED_SHARE:
        yield Problem(
            (*place, "destinations"), f"have more than {_NAMED_SHARE:g} of the mail: leave some for the others"
        )
    if pool.fed_by is not None and (pool.fed_by not in file.pools or file.pools[pool.fed_by].fed_by is not None):
        yield Problem((*place, "fed_by"), "must name a pool that has daily_messages")
