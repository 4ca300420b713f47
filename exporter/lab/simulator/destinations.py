"""The destinations of a simulated fleet's mail, and the mail of each: a part of what its unit has.

The mail of a unit is simulated as a whole. Each of its flows is then shared out among the destinations, in whole
recipients, so that sums over the destinations are always the figures of the unit.
"""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from exporter.lab.simulator.noise import Counts, Floats, Mask
from exporter.lab.simulator.topology import Pool, Topology

_TAIL: Final = 40
"""Destinations without a name in the topology."""

_ZIPF: Final = 1.2
"""The busiest of them gets 31 % of the mail that goes to them: few providers have most of the mailboxes."""

WHOLE_SHARE: Final = 10**6
"""Shares are whole millionths, because their sums must be exact."""

GREYLISTING_MINUTES: Final = 7
"""A destination that greylists for 5 minutes accepts mail at the fourth try: after 1, 3 and 7 minutes."""

GREYLISTING_TRIES: Final = 3
"""Tries that it refuses."""


class Destinations:
    """The destinations of each pool: those that the topology names, in its order, and then the tail."""

    def __init__(self, topology: Topology) -> None:
        pools = list(topology.pools.values())
        self.named = [[domain for domain, _ in _named(pool)] for pool in pools]
        """The named destinations of each pool."""
        self.domains = [
            [*named, *(f"destination{rank}.example" for rank in range(1, _TAIL + 1))] for named in self.named
        ]
        """All destinations of each pool."""
        self._classes = [pool.destinations for pool in pools]
        self.count = max(map(len, self.domains))
        self.share = np.array([_shares(pool, self.count) for pool in pools]).T
        """The share of the mail that goes to each destination, by destination and pool, in millionths."""

    def find(self, pool: int, name: str) -> list[int]:
        """Return the destination of a pool with this name, or the destinations of the class with this name."""
        members = self._classes[pool].get(name, (name,))
        return [number for number, domain in enumerate(self.domains[pool]) if domain in members]

    def largest(self, pool: int, share: float) -> list[int]:
        """Return so many of the largest destinations of a pool that they get at least this share of its mail."""
        order = np.argsort(-self.share[:, pool], kind="stable")
        reached = np.cumsum(self.share[order, pool])
        return order[: int(np.searchsorted(reached, round(share * WHOLE_SHARE))) + 1].tolist()


def _named(pool: Pool) -> Iterator[tuple[str, float]]:
    return chain.from_iterable(members.items() for members in pool.destinations.values())


def _shares(pool: Pool, count: int) -> list[int]:
    named = [round(share * WHOLE_SHARE) for _, share in _named(pool)]
    zipf = np.arange(1, _TAIL + 1) ** -_ZIPF
    tail = np.floor(zipf / zipf.sum() * (WHOLE_SHARE - sum(named))).astype(np.int64).tolist()
    tail[0] += WHOLE_SHARE - sum(named) - sum(tail)
    return [*named, *tail, *[0] * (count - len(named) - len(tail))]


@dataclass(slots=True)
class DestinationQueues:
    """The mail of the destinations, by destination and unit. Arrays are replaced, never changed."""

    waiting: Counts  # recipients in the delivery queue that were tried
    delivered: Counts  # recipients since the unit started, as are the following
    soft: Counts  # soft bounces
    hard: Counts  # hard bounces
    greylisted: Counts  # recipients that wait for the end of greylisting, by minute of their arrival and unit

    def start_counters(self, booted: Mask) -> None:
        """Start the counters of units that have started."""
        self.delivered, self.soft, self.hard = (
            np.where(booted, 0, count) for count in (self.delivered, self.soft, self.hard)
        )


@dataclass(frozen=True, slots=True)
class DeliveryFlows:
    """What happened to recipients of each unit in one step."""

    refused: Counts
    """Tried for the first time, and the destination is down or takes only a part."""
    soft: Counts
    """Soft bounced at the first try."""
    hard: Counts
    """Hard bounced at the first try."""
    delivered: Counts
    """Delivered at the first try."""
    retried: Counts
    """Delivered at a later try."""
    expired: Counts
    """Given up after many tries."""
    again: Counts
    """Soft bounces at a later try."""
    given_up: Counts
    """Recipients of a dead destination that came and were given up."""
    greylisted: Counts
    """Refused by greylisting."""
    accepted: Counts
    """Delivered after greylisting."""


@dataclass(frozen=True, slots=True)
class DestinationTraits:
    """What the destinations are like, by destination and unit."""

    share: Counts
    """The share of the mail, in millionths."""
    dead: Counts
    """Recipients that wait for a destination that is always down."""
    greylists: Counts
    """1 for a destination that greylists, otherwise 0."""


def warm_mail(share: Counts, attempted: Counts, delivered: Counts, soft: Counts, hard: Counts) -> DestinationQueues:
    """Return the mail of destinations that have had their share of the units' mail."""
    totals = np.array([attempted, delivered, soft, hard])
    mail = share_out(totals, np.broadcast_to(share, (4, *share.shape)), np.full(totals.shape, 0.5))
    none = np.zeros((GREYLISTING_MINUTES, share.shape[1]), dtype=np.int64)
    return DestinationQueues(mail[0], mail[1], mail[2], mail[3], none)


def share_out(amounts: Counts, weights: Counts, luck: Floats) -> Counts:
    """Return the amounts (by flow and unit) by flow, destination and unit, in proportion to the weights.

    Sums over the destinations are exact. No destination gets more than its weight unless the amount is more than all
    weights. `luck`, from 0 to below 1, decides who gets the remainders, so that the means are right.
    """
    up_to = np.cumsum(weights, axis=1, dtype=np.float64)
    total = np.maximum(up_to[:, -1:], 1)
    # All numbers are whole and below 2**53, so that floats are exact. Dividing them takes a fifth of the time.
    up_to = np.floor((up_to * amounts[:, None] + np.floor(luck[:, None] * total)) / total)
    up_to[:, 1:] -= up_to[:, :-1].copy()
    return up_to.astype(np.int64)


def book_flows(
    mail: DestinationQueues, flows: DeliveryFlows, traits: DestinationTraits, refusals: Floats, luck: Floats
) -> None:
    """Share out the flows of a step among the destinations.

    `refusals` is the share of its recipients that each destination does not take. Of what a destination that takes
    nothing had soft bounced before, nothing is delivered either.
    """
    share, dead, greylists = traits.share, traits.dead, traits.greylists
    open_share = closed_share = share
    if refusals.any():
        open_share = _or_share((share * (1 - refusals)).astype(np.int64), share)
        closed_share = _or_share((share * refusals).astype(np.int64), share)
    held = (mail.greylisted.sum(axis=0) - flows.greylisted + flows.accepted) * greylists
    retriable = (mail.waiting - dead - held) * (refusals < 1)
    refused, soft, hard, delivered, left, again, given_up = share_out(
        np.array(
            [
                flows.refused,
                flows.soft,
                flows.hard,
                flows.delivered,
                flows.retried + flows.expired,
                flows.again,
                flows.given_up,
            ]
        ),
        np.array(
            [
                closed_share,
                open_share,
                open_share,
                open_share * (1 - greylists),
                retriable,
                mail.waiting,
                dead,
            ]
        ),
        luck[:7],
    )
    expired = share_out(flows.expired[None], left[None], luck[7:8])[0]
    greylisted, accepted = flows.greylisted * greylists, flows.accepted * greylists
    mail.waiting = mail.waiting + refused + soft + greylisted - left - accepted
    mail.delivered = mail.delivered + delivered + left - expired + accepted
    mail.soft = mail.soft + refused + soft + again + given_up + GREYLISTING_TRIES * greylisted
    mail.hard = mail.hard + hard + expired + given_up


LUCK: Final = 8
"""Rows of luck that `book_flows` takes."""


def _or_share(weights: Counts, share: Counts) -> Counts:
    """Return the weights; the shares for units whose weights are all zero."""
    return np.where(weights.any(axis=0), weights, share)
