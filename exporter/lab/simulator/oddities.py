"""What is odd about a fleet in use and harms nobody. Alerts must not mistake it for harm."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from exporter.lab.simulator.destinations import WHOLE_SHARE, DestinationTraits
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.noise import Counts, Floats, generator
from exporter.prometheus.durations import DAY, HOUR, MINUTE

_GREYLISTED: Final = 0.1
"""Recipients that greylisting refuses at their first try, per message of a unit that gets mail from outside."""

_DEAD: Final = 40.0
"""Recipients of domains that are always down, per message that a unit gets in a second of its busiest hour."""

_DEAD_NAMED: Final = 0.1
"""The share of them whose domain is the smallest that the topology names."""

_MAILING: Final = 0.6
"""Share of a unit's mail that goes to a domain that greylists, while a list of that domain has a mailing."""

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
        """Recipients that wait for dead destinations."""
        self.traits = DestinationTraits(fleet.destination_share, _dead(fleet, self.dead), _greylists(fleet) * odd)
        """What the destinations are like."""
        self._seed = seed
        self._greylisting_share = (fleet.destination_share * self.traits.greylists).sum(axis=0) / WHOLE_SHARE
        self._mailing_units = np.flatnonzero(self.traits.greylists.any(axis=0) & fleet.production)

    def drifted(self, shares: Floats, time: float) -> Floats:
        """Return the shares of the pools' mail as the balancer has them at a Unix time."""
        if not self._sway:
            return shares
        turns = 2 * np.pi * (time / DAY / _SWAY_DAYS + self._phases)
        moved = shares * np.exp(self._sway * np.sin(turns).sum(axis=0))
        total, before = self._fleet.by_pool(moved), self._fleet.by_pool(shares)
        return moved * (before / np.maximum(total, 1e-9))[self._fleet.pool]

    def greylisting(self, begin: float, end: float) -> Floats:
        """Return the share of each unit's recipients whose destination greylists, averaged over the interval.

        Such a destination is small. Once a day one unit has a mailing for it.
        """
        share = self._greylisting_share.copy()
        if len(self._mailing_units):
            unit, start, length = _mailing(self._seed, int(begin // DAY), tuple(self._mailing_units.tolist()))
            overlap = max(min(start + length, end) - max(start, begin), 0.0)
            share[unit] += _MAILING * overlap / (end - begin)
        return share


@lru_cache(maxsize=8)
def _mailing(seed: int, day: int, units: tuple[int, ...]) -> tuple[int, float, float]:
    """Return the unit, the begin and the length of the mailing of a day."""
    draw = generator(seed, 11, day)
    start, length = day * DAY + draw.uniform(0, 23) * HOUR, draw.uniform(30, 300)
    return units[int(draw.integers(len(units)))], start, length


def _dead(fleet: FleetArrays, waiting: Counts) -> Counts:
    """Return the recipients that wait for dead destinations, by destination and unit."""
    dead = np.zeros(fleet.destination_share.shape, dtype=np.int64)
    for unit, pool in enumerate(fleet.pool.tolist()):
        domains, named = fleet.destinations.domains[pool], fleet.destinations.named[pool]
        if named:
            dead[len(named) - 1, unit] = int(waiting[unit] * _DEAD_NAMED)
        dead[len(domains) - 1, unit] = waiting[unit] - dead[:, unit].sum()
    return dead


def _greylists(fleet: FleetArrays) -> Counts:
    """Return 1 for the last but one of the named destinations of each pool, by destination and unit."""
    greylists = np.zeros(fleet.destination_share.shape, dtype=np.int64)
    for unit, pool in enumerate(fleet.pool.tolist()):
        if len(named := fleet.destinations.named[pool]) > 1:
            greylists[len(named) - 2, unit] = 1
    return greylists
