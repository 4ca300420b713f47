"""A topology as arrays over its units: what does not change while the simulation runs."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from exporter.lab.simulator.destinations import Destinations
from exporter.lab.simulator.noise import Floats
from exporter.lab.simulator.releases import CURRENT, SERVICES, generation
from exporter.lab.simulator.topology import Pool, Topology
from exporter.lab.simulator.traffic import PEAK


class Mail(NamedTuple):
    """What the mail of each unit is like in quiet times."""

    ham: Floats  # share of good mail in the volume; the rest is spam
    recipients: Floats  # per message
    rejected: Floats  # recipients refused, per recipient taken
    soft: Floats  # share of the recipients that soft bounces at the first try
    hard: Floats  # share of the recipients that hard bounces
    connections: Floats  # SMTP connections per message
    session: Floats  # mean length of an SMTP session in seconds
    kib: Floats  # mean size of a message in KiB


_KINDS: Final = {
    #           ham  recipients rejected soft  hard  connections session KiB
    "inbound": (0.60, 1.30, 0.10, 0.004, 0.005, 1.5, 1.5, 25.0),
    "outbound": (0.97, 1.50, 0.01, 0.030, 0.020, 0.6, 2.0, 40.0),
    "mixed": (0.70, 1.35, 0.07, 0.010, 0.010, 1.2, 1.7, 30.0),
    "fed": (0.95, 1.30, 0.01, 0.004, 0.005, 0.4, 2.0, 30.0),
}

SPAM_CAUGHT: Final = 0.85
"""Share of the spam that the work queue drops."""


class FleetArrays:
    """Capacity, pool and mail of each unit, in the order of the topology; rates are in messages per second."""

    def __init__(self, topology: Topology) -> None:
        appliances = topology.appliances
        self.topology = topology
        self.names = [unit.name for unit in appliances]
        self.index = {name: number for number, name in enumerate(self.names)}
        self.pools = list(topology.pools)
        self.pool = np.array([self.pools.index(unit.pool) for unit in appliances])
        self.traffic = {pool: topology.units(pool)[0].traffic for pool in self.pools}
        self.site = [unit.site for unit in appliances]
        self.sites = list(dict.fromkeys(site for site in self.site if site))
        self.production = np.array([unit.role == "production" for unit in appliances])
        self.capacity = np.array([unit.rated_messages_per_hour for unit in appliances]) / 3600
        self.limit = np.array([unit.connection_limit for unit in appliances], dtype=float)
        self.generation = np.array([generation(unit.asyncos) for unit in appliances])
        self.queue_kib = np.where(self.generation == CURRENT, 34_603_008, 8_388_608)
        self.log_kib = np.where(self.generation == CURRENT, 450, 21) * 1024**2
        self.mail = Mail(*(np.array(column) for column in zip(*map(self._kind, self.pool), strict=True)))
        self.volume = np.array([self._volume(pool) for pool in self.pools])
        self.fed_by = np.array([self.pools.index(pool.fed_by) if pool.fed_by else -1 for pool in self._pools()])
        self.fed = self.fed_by[self.pool] >= 0
        self.feeds = np.isin(self.pool, self.fed_by)
        self.first = np.array([int(np.argmax(self.pool == pool)) for pool in range(len(self.pools))])
        self.growth = np.array([pool.growth_per_year for pool in self._pools()])
        self.destinations = Destinations(topology)
        self.destination_share = self.destinations.share[:, self.pool]
        self.busy = self._busy()
        self.newsletter_units = self._newsletter_units()
        self.update_period = np.array(list(SERVICES.values()), dtype=float)[:, None]
        self.update_phase = np.arange(len(self)) * 0.618 % 1

    def __len__(self) -> int:
        return len(self.names)

    def by_pool(self, figure: Floats) -> Floats:
        """Return the sum of the figure over the units of each pool."""
        return np.bincount(self.pool, figure, len(self.pools)).astype(float)

    def _pools(self) -> list[Pool]:
        return list(self.topology.pools.values())

    def _kind(self, pool: int) -> tuple[float, ...]:
        definition = self._pools()[pool]
        ham, *rest = _KINDS["fed" if definition.fed_by else self.traffic[self.pools[pool]]]
        return (ham if definition.ham is None else definition.ham, *rest)

    def _volume(self, pool: str) -> float:
        """Return the messages per second from outside, averaged over a week."""
        return (self.topology.pools[pool].daily_messages or 0.0) / 86400

    def _busy(self) -> Floats:
        """Return the arrivals of each unit in the busiest hour of a quiet week, if senders are spread evenly."""
        capacity = self.capacity * self.production
        ham = np.array([self.mail.ham[self.pool == pool][0] for pool in range(len(self.pools))])
        flow = self.volume * (ham * PEAK + (1 - ham))
        passed = flow - self.volume * (1 - ham) * SPAM_CAUGHT
        flow[self.fed_by >= 0] = passed[self.fed_by[self.fed_by >= 0]]
        return flow[self.pool] * capacity / self.by_pool(capacity)[self.pool]

    def _newsletter_units(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Return the units that get newsletters, and their capacities as multiples of 140,000 messages an hour."""
        units = np.flatnonzero(self.production & ~self.fed)
        return tuple(units.tolist()), tuple((self.capacity[units] * 3600 / 140_000).tolist())
