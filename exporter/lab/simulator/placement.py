"""Which units of a fleet a scenario affects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from exporter.errors import RequestError
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import ParameterValue, Scenario
from exporter.lab.simulator.noise import Indices
from exporter.lab.simulator.releases import FEATURES, KeyKind
from exporter.lab.simulator.topology import ASYNCOS_RELEASE


def affected_units(fleet: FleetArrays, scenario: Scenario, values: Mapping[str, ParameterValue]) -> Indices:
    """Return the indices of the units that a scenario affects: those that the values name, or else the likeliest.

    Raises RequestError if the fleet has no such unit, pool or site, or none that the scenario can affect.
    """
    if scenario.scope == "fleet":
        return np.arange(len(fleet))
    wanted = str(values[scenario.scope])
    known = {"site": fleet.sites, "pool": fleet.pools, "unit": fleet.names}[scenario.scope]
    if wanted and wanted not in known:
        raise RequestError(f"There is no {scenario.scope} {wanted}; there are {_some(known)}.")
    if scenario.scope == "site":
        return _of_site(fleet, wanted)
    if scenario.scope == "pool":
        return _of_pool(fleet, scenario, wanted, str(values.get("destination", "")))
    return np.array([_unit(fleet, scenario, wanted)])


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12]) or "none"
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def _of_site(fleet: FleetArrays, wanted: str) -> Indices:
    if not fleet.sites:
        raise RequestError("No appliance of this topology has a site.")
    return np.flatnonzero([site == (wanted or fleet.sites[-1]) for site in fleet.site])


def _of_pool(fleet: FleetArrays, scenario: Scenario, wanted: str, destination: str) -> Indices:
    pools = [wanted] if wanted else sorted(fleet.pools, key=lambda pool: _unlikely(fleet, scenario, pool))
    if destination:
        pools = [pool for pool in pools if fleet.destinations.find(fleet.pools.index(pool), destination)]
        if not pools:
            raise RequestError(_unknown_destination(fleet, destination, wanted))
    if fleet.traffic[pools[0]] not in scenario.traffic:
        raise RequestError(_unfit(scenario, "pool", pools[0], fleet.traffic[pools[0]]))
    return np.flatnonzero((fleet.pool == fleet.pools.index(pools[0])) & fleet.production)


def _unknown_destination(fleet: FleetArrays, destination: str, pool: str) -> str:
    known = [
        name
        for number, one in enumerate(fleet.pools)
        if pool in ("", one)
        for name in (*fleet.topology.pools[one].destinations, *fleet.destinations.domains[number])
    ]
    where = f" of the pool {pool}" if pool else ""
    return f"There is no destination {destination}{where}; there are {_some(list(dict.fromkeys(known)))}."


def _unlikely(fleet: FleetArrays, scenario: Scenario, pool: str) -> tuple[bool, int]:
    """Return a sort key that puts the pool first that the scenario most likely affects."""
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


def check_values(fleet: FleetArrays, units: Indices, values: Mapping[str, ParameterValue]) -> None:
    """Raise RequestError if a unit has no running key of the feature, or if the version is not a release."""
    if "version" in values and not ASYNCOS_RELEASE.fullmatch(str(values["version"])):
        raise RequestError(f"The version {values['version']!r} is not a release of AsyncOS, such as 10.0.1-087.")
    if "feature" in values:
        for unit in units:
            running = [name for name, kind in FEATURES[int(fleet.generation[unit])].items() if kind is KeyKind.COUNTING]
            if values["feature"] not in running:
                names = ", ".join(running)
                raise RequestError(f"{fleet.names[unit]} has no running key {values['feature']}; it has {names}.")
