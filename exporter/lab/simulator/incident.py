"""What a scenario is: its parameters, its effect, the alerts that are right. An incident is one run of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from exporter.lab.simulator.effects import Effects
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.noise import Floats, Indices, generator

Severity = Literal["critical", "warning", "info"]
Scope = Literal["unit", "pool", "site", "fleet"]
ParameterValue = float | str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert by its name in Prometheus, with its severity."""

    name: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a scenario: a text if its default is a text, otherwise a number."""

    name: str
    default: ParameterValue
    """The default "" leaves the choice to the simulator."""
    unit: str
    """Of a number, "s" for a time in seconds."""
    meaning: str


@dataclass(frozen=True, slots=True)
class TimeStep:
    """A step of the simulation of a fleet."""

    begin: float
    """In Unix time, as is `end`."""
    end: float
    fleet: FleetArrays


Effect = Callable[[Effects, "SimulatedIncident", TimeStep], None]
"""Adds what an incident does in a step to the effects of all incidents."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of incident: a row of the registry."""

    name: str
    meaning: str
    """A sentence for people that says what happens."""
    scope: Scope
    """What it affects."""
    parameters: tuple[Parameter, ...]
    apply: Effect
    expected: tuple[Alert, ...] = ()
    """Each of them is a right alert. Without any, no alert should fire."""
    allowed: tuple[Alert, ...] = ()
    """Alerts that may fire in addition; if the scenario `shifts` mail, also on the peers of its units."""
    traffic: tuple[str, ...] = ("inbound", "mixed", "outbound")
    """The traffic of the pools that it can affect, the likeliest first."""
    role: Literal["any", "spare"] = "any"
    """The role that a unit needs for it."""
    hardware: bool = False
    """Whether it needs a unit that is not virtual."""
    shifts: bool = False
    """Whether it moves mail from its units to their peers."""

    def parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True, slots=True)
class SimulatedIncident:
    """One run of a scenario."""

    number: int
    seed: int
    """The seed of the simulation."""
    scenario: Scenario
    begin: float
    """In Unix time, as is `end`."""
    end: float
    units: Indices
    """The units that it affects."""
    values: Mapping[str, ParameterValue]
    """The value of each parameter of the scenario."""

    @property
    def size(self) -> float:
        """The parameter `size`."""
        return float(self.values["size"])

    def touches(self, step: TimeStep) -> bool:
        """Whether it runs in any part of the step."""
        return self.begin < step.end and self.end > step.begin

    def elapsed(self, step: TimeStep) -> float:
        """Return for how many seconds it has run at the end of the step."""
        return step.end - self.begin

    def strength(self, step: TimeStep) -> float:
        """Return how far it has risen in this step, from 0 to 1. It rises evenly over the parameter `ramp`."""
        return min(self.elapsed(step) / max(float(self.values["ramp"]), 1.0), 1.0)

    def uneven(self) -> Floats:
        """Return a factor around 1 for each of its units: an attack never hits all units alike."""
        factors = np.exp(generator(self.seed, 5, self.number).normal(0, 0.2, len(self.units)))
        return np.asarray(factors / factors.mean())


@dataclass(frozen=True, slots=True)
class Truth:
    """A row of the truth table: what happened when and where, and which alerts should fire."""

    number: int
    scenario: str
    onset: float
    """In Unix time, as is `end`."""
    end: float
    pools: tuple[str, ...]
    units: tuple[str, ...]
    expected: tuple[Alert, ...]
    """Each of them is a right alert."""
    allowed: tuple[Alert, ...]
    """Alerts that may fire in addition; if the scenario `shifts` mail, also on the peers of its units."""
    shifts: bool = False
