"""Scenarios in time: how they are written, which run at a moment, and the truth about them.

A scenario is written NAME[@+OFFSET][,KEY=VALUE]..., such as `jabberer@+5m,unit=mx1,size=3`. Times are written 90s,
5m, 2h or 3d.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from exporter.errors import RequestError, suggestion
from exporter.lab.simulator.effects import Effects
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import Incident, Parameter, ParameterValue, Scenario, TimeStep, Truth
from exporter.lab.simulator.noise import Indices
from exporter.lab.simulator.releases import COUNTING, FEATURES
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.topology import ASYNCOS_RELEASE
from exporter.prometheus import durations

_TEXT: Final = re.compile(r"(?P<name>[^@,=\s]+)(?:@\+(?P<offset>[^,]*))?(?P<values>(?:,[^,=]+=[^,]*)*)")

SYNTAX: Final = "NAME[@+OFFSET][,KEY=VALUE]..."
"""How a scenario is written."""


@dataclass(frozen=True, slots=True)
class ScenarioRequest:
    """A scenario as it was asked for: `offset` in seconds from now, and the parameters that were given."""

    scenario: Scenario
    offset: float
    values: Mapping[str, ParameterValue]

    def at(self, offset: float) -> ScenarioRequest:
        """Return the same request with another offset."""
        return replace(self, offset=offset)


def parse_scenario(text: str) -> ScenarioRequest:
    """Return what the text asks for; raises RequestError with a sentence for what is wrong in it."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"{text!r} is not a scenario; write {SYNTAX}, such as flood@+5m,size=2.")
    pairs = [pair.partition("=") for pair in match["values"].split(",")[1:]]
    names = [name.strip() for name, _, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise RequestError(f"The scenario {match['name']} has its parameter {twice[0]} twice.")
    offset = 0.0 if match["offset"] is None else checked_duration(match["offset"], "offset")
    return scenario_request(
        match["name"], dict(zip(names, (value.strip() for _, _, value in pairs), strict=True)), offset
    )


def scenario_request(name: str, values: Mapping[str, str], offset: float = 0.0) -> ScenarioRequest:
    """Return the request for the scenario of this name, its parameters read from text; raises RequestError."""
    if name not in SCENARIOS:
        hint = suggestion(name, SCENARIOS) or " `ironport-exporter simulate --list` lists them."
        raise RequestError(f"There is no scenario {name}.{hint}")
    scenario = SCENARIOS[name]
    return ScenarioRequest(scenario, offset, {key: _read(scenario, key, value) for key, value in values.items()})


def checked_duration(text: str, what: str) -> float:
    """Return a time such as "5m" in seconds; raises RequestError, in which `what` is the time's name."""
    try:
        return durations.parse_duration(text)
    except ValueError as error:
        raise RequestError(f"The {what} {error}.") from error


def _read(scenario: Scenario, key: str, text: str) -> ParameterValue:
    parameter = scenario.parameter(key)
    if parameter is None:
        known = ", ".join(parameter.name for parameter in scenario.parameters)
        raise RequestError(f"The scenario {scenario.name} has no parameter {key}; it has {known}.")
    if isinstance(parameter.default, str):
        return text
    value = checked_duration(text, key) if parameter.unit == "s" else _number(parameter, text)
    if key in ("duration", "period") and value <= 0:
        raise RequestError(f"The {key} must be more than 0s.")
    return value


def _number(parameter: Parameter, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    highest = 1.0 if parameter.unit == "share" else 1e6
    if not 0 <= value <= highest:
        raise RequestError(f"The {parameter.name} {text!r} is not a number from 0 to {highest:g} ({parameter.unit}).")
    return value


class Timeline:
    """The scenarios of one simulation, past, running and to come; they may be added and stopped at any time."""

    def __init__(self, fleet: FleetArrays, seed: int) -> None:
        self._fleet = fleet
        self._seed = seed
        self._incidents: dict[int, Incident] = {}

    def add(self, request: ScenarioRequest, now: float) -> Incident:
        """Scope the request in time and fleet and return it; raises RequestError if the fleet has no such place."""
        scenario = request.scenario
        values = {**{parameter.name: parameter.default for parameter in scenario.parameters}, **request.values}
        begin = now + request.offset
        units = _units(self._fleet, scenario, values)
        _check(self._fleet, units, values)
        number = len(self._incidents) + 1
        end = begin + float(values["duration"])
        incident = Incident(number, self._seed, scenario, begin, end, units, values)
        self._incidents[number] = incident
        return incident

    def stop(self, number: int, now: float) -> None:
        """End the scenario with this number now; raises RequestError if there is none, or if it has ended."""
        incident = self._incidents.get(number)
        if incident is None:
            raise RequestError(f"There is no scenario with the number {number}.")
        if incident.end <= now:
            raise RequestError(f"The scenario {incident.scenario.name} with the number {number} has ended already.")
        self._incidents[number] = replace(incident, end=now)

    def current(self, now: float) -> list[Incident]:
        """Return the scenarios that run or are to come."""
        return [incident for incident in self._incidents.values() if now < incident.end]

    def effects(self, moment: TimeStep) -> Effects | None:
        """Return what all scenarios together do in the step, None for nothing."""
        touching = [incident for incident in self._incidents.values() if incident.touches(moment)]
        if not touching:
            return None
        effects = Effects(len(self._fleet))
        for incident in touching:
            incident.scenario.apply(effects, incident, moment)
        return effects

    def truth(self) -> list[Truth]:
        """Return the truth table, a row for each scenario that was not stopped before it began."""
        return [_truth(self._fleet, one) for one in self._incidents.values() if one.end > one.begin]


def _truth(fleet: FleetArrays, incident: Incident) -> Truth:
    names = tuple(fleet.names[unit] for unit in incident.units)
    pools = tuple(dict.fromkeys(fleet.pools[fleet.pool[unit]] for unit in incident.units))
    scenario = incident.scenario
    return Truth(
        number=incident.number,
        scenario=scenario.name,
        onset=incident.begin,
        end=incident.end,
        pools=pools,
        units=names,
        expected=scenario.expected,
        allowed=scenario.allowed,
        shifts=scenario.shifts,
    )


def _units(fleet: FleetArrays, scenario: Scenario, values: Mapping[str, ParameterValue]) -> Indices:
    """Return the indices of the units that a scenario befalls, chosen for it where nothing was said."""
    if scenario.scope == "fleet":
        return np.arange(len(fleet))
    wanted = str(values[scenario.scope])
    known = {"site": fleet.sites, "pool": fleet.pools, "unit": fleet.names}[scenario.scope]
    if wanted and wanted not in known:
        raise RequestError(f"There is no {scenario.scope} {wanted}; there are {_some(known)}.")
    if scenario.scope == "site":
        return _of_site(fleet, wanted)
    if scenario.scope == "pool":
        return _of_pool(fleet, scenario, wanted)
    return np.array([_unit(fleet, scenario, wanted)])


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12]) or "none"
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def _of_site(fleet: FleetArrays, wanted: str) -> Indices:
    if not fleet.sites:
        raise RequestError("No appliance of this topology has a site.")
    return np.flatnonzero([site == (wanted or fleet.sites[-1]) for site in fleet.site])


def _of_pool(fleet: FleetArrays, scenario: Scenario, wanted: str) -> Indices:
    pools = [wanted] if wanted else sorted(fleet.pools, key=lambda pool: _unlikely(fleet, scenario, pool))
    if fleet.traffic[pools[0]] not in scenario.traffic:
        raise RequestError(_unfit(scenario, "pool", pools[0], fleet.traffic[pools[0]]))
    return np.flatnonzero((fleet.pool == fleet.pools.index(pools[0])) & fleet.production)


def _unlikely(fleet: FleetArrays, scenario: Scenario, pool: str) -> tuple[bool, int]:
    """Return the key by which the pool that a scenario befalls most likely comes first."""
    order = scenario.traffic.index(fleet.traffic[pool]) if fleet.traffic[pool] in scenario.traffic else 9
    return fleet.topology.pools[pool].fed_by is not None, order


def _unit(fleet: FleetArrays, scenario: Scenario, wanted: str) -> int:
    fit = [unit for unit in range(len(fleet)) if _fits(fleet, scenario, unit)]
    fit.sort(key=lambda unit: (not fleet.production[unit], _unlikely(fleet, scenario, fleet.pools[fleet.pool[unit]])))
    if not fit:
        raise RequestError(f"This topology has no unit for {scenario.name}: {_needs(scenario)}.")
    if wanted and fleet.index[wanted] not in fit:
        raise RequestError(f"The unit {wanted} cannot have {scenario.name}: {_needs(scenario)}.")
    return fleet.index[wanted] if wanted else fit[0]


def _fits(fleet: FleetArrays, scenario: Scenario, unit: int) -> bool:
    appliance = fleet.topology.appliances[unit]
    return (
        fleet.traffic[appliance.pool] in scenario.traffic
        and not (scenario.hardware and appliance.virtual)
        and scenario.role in ("any", appliance.role)
    )


def _needs(scenario: Scenario) -> str:
    hardware = " that is not virtual" if scenario.hardware else ""
    spare = " that is a spare" if scenario.role == "spare" else ""
    return f"it needs one in a pool with {' or '.join(scenario.traffic)} mail{hardware}{spare}"


def _unfit(scenario: Scenario, place: str, name: str, traffic: str) -> str:
    return f"The {place} {name} is {traffic}: {scenario.name} needs one with {' or '.join(scenario.traffic)} mail."


def _check(fleet: FleetArrays, units: Indices, values: Mapping[str, ParameterValue]) -> None:
    """Refuse a feature that a unit has no running key for, and a release that is none."""
    if "version" in values and not ASYNCOS_RELEASE.fullmatch(str(values["version"])):
        raise RequestError(f"The version {values['version']!r} is not a release of AsyncOS, such as 10.0.1-087.")
    if "feature" in values:
        for unit in units:
            running = [name for name, kind in FEATURES[int(fleet.generation[unit])].items() if kind == COUNTING]
            if values["feature"] not in running:
                names = ", ".join(running)
                raise RequestError(f"{fleet.names[unit]} has no running key {values['feature']}; it has {names}.")
