"""What a scenario is: its parameters, its effect, the alerts that are right, and one run of it in time and place."""

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
    """A parameter of a scenario: a number, a time in seconds (`unit` is "s") or, with a text as default, a text.

    The default "" means that the fleet decides.
    """

    name: str
    default: ParameterValue
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TimeStep:
    """A step of the simulation, from `begin` to `end` in Unix time, in this fleet."""

    begin: float
    end: float
    fleet: FleetArrays


Effect = Callable[[Effects, "Incident", TimeStep], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the registry.

    Any of `expected` is the right alert (none: nothing should be said); `allowed` may come besides, also on the units'
    peers if it `shifts` mail to them. `traffic` says which pools it can befall, the likelier first; `role` and
    `hardware` which units.
    """

    name: str
    meaning: str
    scope: Scope
    parameters: tuple[Parameter, ...]
    apply: Effect
    expected: tuple[Alert, ...] = ()
    allowed: tuple[Alert, ...] = ()
    traffic: tuple[str, ...] = ("inbound", "mixed", "outbound")
    role: Literal["any", "spare"] = "any"
    hardware: bool = False
    shifts: bool = False

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of this name."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True, slots=True)
class Incident:
    """One run of a scenario: from `begin` to `end` in Unix time, on the units with these indices."""

    number: int
    seed: int
    scenario: Scenario
    begin: float
    end: float
    units: Indices
    values: Mapping[str, ParameterValue]

    @property
    def size(self) -> float:
        """The parameter `size`."""
        return float(self.values["size"])

    def touches(self, moment: TimeStep) -> bool:
        """Whether it runs in any part of the step."""
        return self.begin < moment.end and self.end > moment.begin

    def elapsed(self, moment: TimeStep) -> float:
        """Return for how many seconds it has run at the end of the step."""
        return moment.end - self.begin

    def strength(self, moment: TimeStep) -> float:
        """Return how far it has risen in this step, 0 to 1: linear over the parameter `ramp`, in seconds."""
        return min(self.elapsed(moment) / max(float(self.values["ramp"]), 1.0), 1.0)

    def uneven(self) -> Floats:
        """Return factors around 1, one for each of its units: no attack hits all of them alike."""
        factors = np.exp(generator(self.seed, 5, self.number).normal(0, 0.2, len(self.units)))
        return np.asarray(factors / factors.mean())


@dataclass(frozen=True, slots=True)
class Truth:
    """A row of the truth table: what happened, when (Unix times), where, and which alerts it should raise.

    The units' peers may have some of the allowed alerts too where it `shifts` mail to them.
    """

    number: int
    scenario: str
    onset: float
    end: float
    pools: tuple[str, ...]
    units: tuple[str, ...]
    expected: tuple[Alert, ...]
    allowed: tuple[Alert, ...]
    shifts: bool = False
