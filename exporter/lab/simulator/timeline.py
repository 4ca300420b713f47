"""The incidents of a simulation in time: which run at a step, and the truth about them."""

from __future__ import annotations

from dataclasses import replace

from exporter.errors import RequestError
from exporter.lab.simulator.effects import Effects
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import SimulatedIncident, TimeStep, Truth
from exporter.lab.simulator.placement import affected_units, check_values
from exporter.lab.simulator.scenario_text import ScenarioRequest


class Timeline:
    """The incidents of one simulation: past, running and to come. They can be added and stopped at any time."""

    def __init__(self, fleet: FleetArrays, seed: int) -> None:
        self._fleet = fleet
        self._seed = seed
        self._incidents: dict[int, SimulatedIncident] = {}

    def add(self, request: ScenarioRequest, now: float) -> SimulatedIncident:
        """Scope the request in time and fleet and return it; raises RequestError if the fleet has no such place."""
        scenario = request.scenario
        values = {**{parameter.name: parameter.default for parameter in scenario.parameters}, **request.values}
        begin = now + request.offset
        units = affected_units(self._fleet, scenario, values)
        check_values(self._fleet, units, values)
        number = len(self._incidents) + 1
        end = begin + float(values["duration"])
        incident = SimulatedIncident(number, self._seed, scenario, begin, end, units, values)
        self._incidents[number] = incident
        return incident

    def stop(self, number: int, now: float) -> None:
        """End the incident with this number now; raises RequestError if there is none or if it has ended."""
        incident = self._incidents.get(number)
        if incident is None:
            raise RequestError(f"There is no scenario with the number {number}.")
        if incident.end <= now:
            raise RequestError(f"The scenario {incident.scenario.name} with the number {number} has ended already.")
        self._incidents[number] = replace(incident, end=now)

    def current(self, now: float) -> list[SimulatedIncident]:
        """Return the incidents that run or are to come."""
        return [incident for incident in self._incidents.values() if now < incident.end]

    def effects(self, step: TimeStep) -> Effects | None:
        """Return what all incidents together do in the step, None if no incident runs."""
        touching = [incident for incident in self._incidents.values() if incident.touches(step)]
        if not touching:
            return None
        effects = Effects(len(self._fleet))
        for incident in touching:
            incident.scenario.apply(effects, incident, step)
        return effects

    def truth(self) -> list[Truth]:
        """Return the truth table, a row for each incident that was not stopped before it began."""
        return [_truth(self._fleet, one) for one in self._incidents.values() if one.end > one.begin]


def _truth(fleet: FleetArrays, incident: SimulatedIncident) -> Truth:
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
