"""What is odd about a fleet in use and harms nobody. Alerts must not mistake it for harm."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from typing import Final

import numpy as np

from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.noise import Floats, generator
from exporter.prometheus.durations import DAY, MINUTE

_GREYLISTED: Final = 0.1
"""Recipients that greylisting refuses at their first try, per message of a unit that gets mail from outside."""

_DEAD: Final = 40.0
"""Recipients of a small domain that is always down, per message that a unit gets in a second of its busiest hour."""

_SWAY: Final = 0.08
_SWAY_DAYS: Final = np.array([[2.3], [5.9]])
"""How far and in how many days the balancer moves clients from unit to unit and back."""

_CLOCK: Final = 3 * MINUTE
"""Seconds by which the clock of an appliance is wrong at most."""


class Oddities:
    """The oddities of one fleet, by unit; nothing is odd if the fleet is not `odd`."""

    def __init__(self, fleet: FleetArrays, seed: int, *, odd: bool) -> None:
        draw = generator(seed, 9)
        self._fleet = fleet
        self._sway = _SWAY * odd
        self._phases = draw.random((len(_SWAY_DAYS), len(fleet)))
        self.clock = np.rint(draw.uniform(-_CLOCK, _CLOCK, len(fleet))) * odd
        """Seconds by which the appliance's own time is ahead."""
        inbound = np.array([unit.traffic == "inbound" for unit in fleet.topology.appliances])
        self.greylisted = _GREYLISTED * odd * (inbound & ~fleet.fed)
        """Recipients that greylisting refuses, per message."""
        self.dead = np.floor(_DEAD * odd * fleet.busy * fleet.production).astype(np.int64)
        """Recipients that wait for the dead destination."""

    def drifted(self, shares: Floats, time: float) -> Floats:
        """Return the shares of the pools' mail as the balancer has them at a Unix time."""
        turns = 2 * np.pi * (time / DAY / _SWAY_DAYS + self._phases)
        moved = shares * np.exp(self._sway * np.sin(turns).sum(axis=0))
        total, before = self._fleet.by_pool(moved), self._fleet.by_pool(shares)
        return moved * (before / np.maximum(total, 1e-9))[self._fleet.pool]
