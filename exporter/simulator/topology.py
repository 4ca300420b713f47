"""What a simulated fleet consists of: appliances as in fleet.yml, and what only a simulation needs to know of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exporter.errors import ConfigError

BUILT_IN: Final = ("campus", "pair", "rings")
"""Topologies that come with the exporter."""

_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
VERSION: Final = r"^\d+\.\d+\.\d+-\d+$"
"""A release of AsyncOS."""

_LOAD_POOL: Final = 8
"""Appliances in a pool of the topology for load."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pool(_Model):
    """The mail of a pool: `daily_messages` from outside, or what the pool `fed_by` delivers; `ham` is its good share.

    `growth_per_year` is a share of the volume; without `ham` the pool has that of its traffic.
    """

    daily_messages: float | None = Field(default=None, gt=0)
    fed_by: str | None = None
    ham: float | None = Field(default=None, ge=0, le=1)
    growth_per_year: float = Field(default=0.05, gt=-1)


class Unit(_Model):
    """An appliance; `model` ending in V is a virtual one, `asyncos` decides which items its sources have."""

    name: str = Field(pattern=_NAME)
    site: str | None = None
    pool: str = "default"
    stream: str
    traffic: Literal["inbound", "outbound", "mixed"] = "mixed"
    role: Literal["production", "spare"] = "production"
    rated_messages_per_hour: float = Field(gt=0)
    connection_limit: int = Field(default=300, gt=0)
    labels: dict[str, str] = {}
    model: str = Field(default="C395", pattern=r"^[CX]\d+V?$")
    asyncos: str = Field(default="10.0.0-203", pattern=VERSION)

    @property
    def virtual(self) -> bool:
        """Whether it has no hardware of its own to report on."""
        return self.model.endswith("V")


class Topology(_Model):
    """Pools by name and appliances in the order of the file; every appliance's pool is one of `pools`."""

    name: str
    pools: dict[str, Pool]
    appliances: tuple[Unit, ...]

    def units(self, pool: str) -> list[Unit]:
        """Return the pool's appliances."""
        return [unit for unit in self.appliances if unit.pool == pool]


class _File(_Model):
    pools: dict[str, Pool]
    appliances: tuple[Unit, ...] = Field(min_length=1)


def load(name: str) -> Topology:
    """Return the built-in topology or that of the YAML file called `name`; raises ConfigError with every problem."""
    if name in BUILT_IN:
        return parse((resources.files(__package__) / "topologies" / f"{name}.yml").read_text(encoding="utf-8"), name)
    try:
        return parse(Path(name).read_text(encoding="utf-8"), name)
    except OSError as error:
        known = ", ".join(BUILT_IN)
        raise ConfigError(
            [f"The topology {name} is neither one of {known} nor a file that can be read ({error.strerror})."]
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"The topology {name} is not a text file in UTF-8."]) from error


def parse(text: str, name: str) -> Topology:
    """Return the topology that the YAML `text` describes; `name` says in errors where it came from."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError([f"{name}: not valid YAML: {_first_line(error)}."]) from error
    if not isinstance(document, dict):
        raise ConfigError([f"{name}: expected pools and appliances, found {type(document).__name__}."])
    try:
        file = _File.model_validate(_with_defaults(document))
    except ValidationError as error:
        raise ConfigError([_sentence(name, dict(problem)) for problem in error.errors()]) from error
    if problems := [f"{name}: {problem}" for problem in _contradictions(file)]:
        raise ConfigError(problems)
    return Topology(name=Path(name).stem, pools=file.pools, appliances=file.appliances)


def units(count: int) -> Topology:
    """Return a fleet of `count` equal inbound appliances in pools of eight over two sites, for load."""
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
    pools = {pool: Pool(daily_messages=900_000 * size) for pool, size in sizes.items()}
    return Topology(name=f"units-{count}", pools=pools, appliances=tuple(appliances))


def _with_defaults(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give every appliance what `defaults` says and it does not; the stream is by default the pool."""
    defaults, appliances = document.get("defaults") or {}, document.get("appliances")
    rest = {key: value for key, value in document.items() if key != "defaults"}
    if isinstance(defaults, dict) and isinstance(appliances, list):
        rest["appliances"] = [
            _with_stream({**defaults, **unit}) if isinstance(unit, dict) else unit for unit in appliances
        ]
    return rest


def _with_stream(unit: dict[str, Any]) -> dict[str, Any]:
    return {"stream": unit.get("pool", "default"), **unit}


def _contradictions(file: _File) -> Iterator[str]:
    names = Counter(unit.name for unit in file.appliances)
    yield from (f"appliance {name} stands {count} times." for name, count in names.items() if count > 1)
    for unit in file.appliances:
        if unit.pool not in file.pools:
            yield f"appliance {unit.name} is in pool {unit.pool}, which is not among pools."
    for name, pool in file.pools.items():
        yield from (f"pool {name} {problem}" for problem in _faults(name, pool, file))


def _faults(name: str, pool: Pool, file: _File) -> Iterator[str]:
    if all(unit.pool != name or unit.role == "spare" for unit in file.appliances):
        yield "has no appliance in production."
    if len(traffics := sorted({unit.traffic for unit in file.appliances if unit.pool == name})) > 1:
        yield f"carries {' and '.join(traffics)} mail: give all its appliances the same traffic."
    if (pool.daily_messages is None) == (pool.fed_by is None):
        yield "needs exactly one of daily_messages and fed_by."
    if pool.fed_by is not None and (pool.fed_by not in file.pools or file.pools[pool.fed_by].fed_by is not None):
        yield f"is fed by {pool.fed_by}, which is not a pool with daily_messages."


def _sentence(name: str, problem: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    given = "" if problem["type"] == "missing" else f", not {str(problem['input'])[:40]!r}"
    message = {
        "missing": "is required",
        "extra_forbidden": "is not a known key",
        "string_pattern_mismatch": f"must match {problem.get('ctx', {}).get('pattern')}",
    }.get(problem["type"], re.sub("^Input ", "", problem["msg"]))
    return f"{name}: {place} {message}{'' if problem['type'] == 'extra_forbidden' else given}."


def _first_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    return f"{problem} (line {mark.line + 1})" if mark else str(problem)
