"""One step of the mail: what arrives, what is accepted, what leaves the work queue and what is delivered."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from exporter.lab.simulator import destinations
from exporter.lab.simulator.destinations import (
    GREYLISTING_MINUTES,
    GREYLISTING_TRIES,
    DeliveryFlows,
    DestinationTraits,
)
from exporter.lab.simulator.effects import Effects, Switch
from exporter.lab.simulator.fleet_arrays import SPAM_CAUGHT, FleetArrays
from exporter.lab.simulator.noise import Counts, Draw, Floats, Mask, Noise
from exporter.lab.simulator.state import HARD_BOUNCE_COUNTS, HARD_SHARES, Cargo, Count, FleetState

CONSERVATION_STARTS: Final = 10_000
CONSERVATION_REFUSES: Final = 50_000
"""Messages in the work queue from which the unit slows acceptance, and from which it accepts no mail."""

REFUSING: Final = 999
_SPACE: Final = (0.80, 0.98)
"""Shares of the queue space from which the unit slows acceptance, and from which it accepts no mail."""

_RETRY: Final = 900.0  # seconds from one try of a recipient to the next, on the average
_RETRY_DELIVERED: Final = 0.35
_RETRY_EXPIRED: Final = 0.02
_BOUNCES_MADE: Final = 0.8  # share of the hard bounces that are reported to the sender; the others have no sender
_BOUNCES_SOFT: Final = 0.5  # share of the bounces that soft bounce: the hosts of forged senders do not answer
_HELD_FOR: Final = 180.0  # seconds for which a connection that sends nothing is held
_FEW: Final = 1e-9  # stands for zero messages, because infinity times zero is no number
_SIZE_COST: Final = 0.6  # share of the work on a message that grows with its size
_TRANSIT: Final = 2.0  # seconds that a recipient waits for its first try
_QUARANTINED: Final = 2e-5
_QUARANTINE_TIME: Final = 5 * 86400.0
_BOUNCE_LIMIT: Final = 259_200.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Messages per second that come to each unit."""

    usual: Floats
    spam: Floats
    """The share of spam in the usual mail."""
    attack: Floats
    """What attacks add to reach their size: spam."""
    extra: Floats
    """What other scenarios add."""
    greylisted: Floats
    """Recipients per second that greylisting refuses, over a connection each. They come back as usual mail."""

    @property
    def total(self) -> Floats:
        return self.usual + self.attack + self.extra


@dataclass(frozen=True, slots=True)
class MailStep:
    """What the mail of one step depends on; `length` is in seconds."""

    fleet: FleetArrays
    state: FleetState
    effects: Effects
    noise: Noise
    length: float
    minute: int
    """The minute of its begin, counted from the epoch."""
    traits: DestinationTraits
    dead: Counts
    """Recipients of destinations that are always down. As many as come are given up after three days."""
    greylisting: Floats
    """The share of the recipients whose destination greylists."""

    def count(self, count: Count, amount: Counts) -> None:
        self.state.counts[count] += amount


def conservation(fleet: FleetArrays, state: FleetState, used_kib: Floats) -> Counts:
    """Return the level of resource conservation: 0 to 60, or 999 for a unit that accepts no mail.

    The level rises evenly from 0 at 10,000 messages in the work queue to 60 at 50,000, and likewise with the used part
    of the queue space. The higher of the two counts. At level 60 a unit accepts a fifth of the mail (1 - level / 75).
    """
    space = used_kib / fleet.queue_kib
    slowed = np.maximum(
        (state.queue - CONSERVATION_STARTS) / (CONSERVATION_REFUSES - CONSERVATION_STARTS),
        (space - _SPACE[0]) / (_SPACE[1] - _SPACE[0]),
    )
    return np.where(slowed >= 1, REFUSING, np.ceil(60 * np.maximum(slowed, 0))).astype(np.int64)


def used_kib(fleet: FleetArrays, state: FleetState) -> Floats:
    """Return the queue space that work queue, delivery queue and quarantine use."""
    recipients = state.unattempted + state.attempted
    waiting = (recipients / fleet.mail.recipients + state.quarantined) * fleet.mail.kib
    return np.minimum(2048 + state.cargo[Cargo.KIB] + waiting, fleet.queue_kib)


def receive(step: MailStep, arrivals: Arrivals, members: Mask) -> Counts:
    """Return the messages that each unit accepts. Resource conservation and free connections limit them."""
    state, effects, mail, limit = step.state, step.effects, step.fleet.mail, step.fleet.limit
    level, total = state.level, arrivals.total
    open_door = effects.receiving & effects.alive
    accept = np.where(level == REFUSING, 0.0, 1 - level / 75) * open_door
    session = mail.session * (1 + np.minimum(level, 60) / 30) * (1 + 0.05 * (effects.size - 1))
    wanted = (total * mail.connections + arrivals.greylisted + effects.connections * members) * open_door
    held = np.floor(limit * effects.held) * effects.alive
    opened = np.minimum(wanted, (limit - held) / session)
    let_in = opened / np.maximum(wanted, _FEW)
    accept = np.minimum(accept, let_in)
    # The pool that feeds this one has already held back what this pool would not accept.
    taken = arrivals.usual * np.where(step.fleet.fed, open_door, accept) + (total - arrivals.usual) * accept
    unknown = arrivals.usual * mail.recipients * mail.rejected
    refused = (unknown + arrivals.greylisted + effects.rejected * members) * let_in * open_door
    per_second = np.array([taken, refused, opened + held / _HELD_FOR, opened * session / step.length])
    draws = (Draw.ACCEPTED, Draw.REJECTED, Draw.CONNECTIONS, Draw.SESSIONS)
    accepted, rejected, connections, sessions = step.noise.poisson(draws, per_second * step.length)
    state.connections_in = np.minimum(held + sessions, limit).astype(np.int64)
    state.heaviest = (total - arrivals.usual) / np.maximum(total, _FEW) * effects.on(Switch.ONE_SENDER)
    _count_received(step, accepted, rejected, connections)
    _load(step, arrivals, accepted / np.maximum(total, _FEW), accepted)
    return accepted


def _count_received(step: MailStep, accepted: Counts, rejected: Counts, connections: Counts) -> None:
    more = step.noise.poisson(Draw.EXTRA_RECIPIENTS, accepted * (step.fleet.mail.recipients - 1))
    step.count(Count.INJ_MSGS, accepted)
    step.count(Count.INJ_RECIPS, accepted + more)
    step.count(Count.REJECTED_RECIPS, rejected)
    step.count(Count.MESSAGE_IDS, accepted + rejected + rejected // 50)
    step.count(Count.INJECTION_CONNECTIONS, connections)
    step.count(Count.DNS_REQUESTS, 4 * connections)
    step.count(Count.DNS_NETWORK_REQUESTS, connections)
    step.count(Count.DNS_CACHE_EXPIRED, connections // 3)


def _load(step: MailStep, arrivals: Arrivals, share: Floats, accepted: Counts) -> None:
    """Add the accepted messages to the sums over the work queue; `share` is how many seconds of arrivals they are."""
    cargo = step.state.cargo
    cargo[Cargo.KIB] += accepted * step.fleet.mail.kib * step.effects.size
    cargo[Cargo.SPAM] += share * (arrivals.usual * arrivals.spam + arrivals.attack) * SPAM_CAUGHT
    cargo[Cargo.BAD] += share * np.minimum(step.effects.undeliverable, arrivals.extra)


def work(step: MailStep, accepted: Counts, paused: Floats) -> Counts:
    """Move messages through the work queue and return the recipients that go on to delivery."""
    state, noise, mail = step.state, step.noise, step.fleet.mail
    waiting = state.queue + accepted
    size = state.cargo[Cargo.KIB] / np.maximum(waiting, 1) / mail.kib
    capacity = step.fleet.capacity * (1 + 0.02 * state.drift[2]) * (1 - paused)
    service = capacity * step.length / (1 + _SIZE_COST * np.maximum(size - 1, 0))
    service = np.minimum(service, step.effects.service * np.maximum(accepted, _FEW))
    service = np.where(step.effects.on(Switch.PAUSED) | ~step.effects.alive, 0, service)
    left = np.minimum(waiting, noise.whole(Draw.SERVICE, service))
    state.queue = waiting - left
    state.exit_rate = left / step.length
    longest = np.minimum(state.wait + step.length, state.queue / np.maximum(state.exit_rate, 1e-3))
    state.wait = np.where(state.queue > 0, longest, 0)
    share = left / np.maximum(waiting, 1)
    leaving = state.cargo * share
    state.cargo = np.where(state.queue > 0, state.cargo - leaving, 0.0)
    dropped = np.minimum(left, noise.whole(Draw.DROPPED, leaving[Cargo.SPAM]))
    step.count(Count.DROPPED_MSGS, dropped)
    passed = left - dropped - _quarantine(step, left - dropped)
    state.bad += np.minimum(leaving[Cargo.BAD], passed) * mail.recipients
    return passed + noise.poisson(Draw.QUEUED_RECIPIENTS, passed * (mail.recipients - 1))


def _quarantine(step: MailStep, passing: Counts) -> Counts:
    state, noise = step.state, step.noise
    released = noise.whole(Draw.QUARANTINED, state.quarantined * step.length / _QUARANTINE_TIME)
    held = np.minimum(passing, noise.poisson(Draw.QUARANTINED, passing * _QUARANTINED))
    state.quarantined += held - np.minimum(released, state.quarantined) * step.effects.alive
    return held


def deliver(step: MailStep, queued: Counts, refusals: Floats) -> Floats:
    """Try to deliver and return the recipients per second that are delivered at the first try.

    `refusals` is the share of its recipients that a destination does not take, by destination and unit.
    """
    state, noise, mail = step.state, step.noise, step.fleet.mail
    stuck = _stuck(step, refusals)
    tried, bounces, bad = _first_try(step, queued)
    blocked, rest = _take(tried, noise.whole(Draw.STUCK, tried * stuck))
    given_up, rest = _take(rest, noise.whole(Draw.STUCK, step.dead * step.length / _BOUNCE_LIMIT))
    greylisted, rest = _take(rest, noise.whole(Draw.STUCK, rest * step.greylisting))
    bad, rest = _take(rest, bad)
    soft, rest = _take(rest, noise.poisson(Draw.SOFT, rest * mail.soft + np.minimum(bounces, rest) * _BOUNCES_SOFT))
    reasons = (Draw.HARD_DNS, Draw.HARD_5XX, Draw.HARD_FILTER, Draw.HARD_OTHER)
    hard, rest = _split(step, rest, reasons, [rest * mail.hard * share for share in HARD_SHARES])
    (deleted, unsubscribed), rest = _split(step, rest, (Draw.DELETED, Draw.UNSUBSCRIBED), [rest * 1e-4, rest * 1e-5])
    retried, expired, again = _retry(step, stuck)
    accepted = _end_greylisting(step, greylisted)
    state.attempted += blocked + soft + greylisted - retried - expired - accepted
    state.stuck += blocked
    step.count(Count.SOFT_BOUNCED_EVTS, blocked + given_up + soft + again + GREYLISTING_TRIES * greylisted)
    step.count(Count.DELETED_RECIPS, deleted + unsubscribed)
    step.count(Count.GLOBAL_UNSUB_HITS, unsubscribed)
    step.count(Count.DELIVERED_RECIPS, rest + retried + accepted)
    _bounce(step, [hard[0], hard[1] + bad, hard[2], expired + given_up, hard[3]])
    _go_out(step, tried + again)
    flows = DeliveryFlows(
        refused=blocked,
        soft=soft,
        hard=np.sum(hard, axis=0) + bad,
        delivered=rest,
        retried=retried,
        expired=expired,
        again=again,
        given_up=given_up,
        greylisted=greylisted,
        accepted=accepted,
    )
    destinations.book_flows(state.destinations, flows, step.traits, refusals, noise.luck)
    return rest / step.length


def _stuck(step: MailStep, refusals: Floats) -> Floats:
    """Return the share of the recipients that their destination does not take.

    What soft bounced before is stuck, too, if the destination takes nothing.
    """
    if not refusals.any():
        return np.zeros(len(step.fleet))
    waiting = (step.state.destinations.waiting * (refusals >= 1)).sum(axis=0)
    step.state.stuck = np.maximum(step.state.stuck, waiting)
    # Shares add up to 1 but for the last digits. A remainder would keep refused recipients for ever.
    return np.round((step.fleet.destination_share * refusals).sum(axis=0) / destinations.WHOLE_SHARE, 9)


def _end_greylisting(step: MailStep, greylisted: Counts) -> Counts:
    """Keep the recipients that are greylisted now, and return those whose greylisting ends."""
    mail, place = step.state.destinations, step.minute % GREYLISTING_MINUTES
    accepted = mail.greylisted[place] * (step.minute != step.state.minute) * step.effects.alive
    kept = mail.greylisted.copy()
    kept[place] += greylisted - accepted
    mail.greylisted = kept
    step.state.minute = step.minute
    return accepted


def _first_try(step: MailStep, queued: Counts) -> tuple[Counts, Counts, Counts]:
    """Return the recipients that are tried for the first time, how many are bounces, and how many will hard bounce."""
    state, effects = step.state, step.effects
    bounces = state.bounces * effects.alive
    state.bounces = state.bounces - bounces
    fresh = queued + bounces
    waiting = state.unattempted + fresh
    transit = np.minimum(waiting, np.floor(fresh / step.length * _TRANSIT).astype(np.int64))
    tried = np.minimum(waiting - transit, effects.delivery * np.maximum(fresh, _FEW)).astype(np.int64) * effects.alive
    state.unattempted = waiting - tried
    bad = np.minimum(state.bad * tried / np.maximum(waiting, 1), tried)
    state.bad = np.maximum(state.bad - bad, 0)
    return tried, bounces, step.noise.whole(Draw.BAD, bad)


def _bounce(step: MailStep, hard: Sequence[Counts]) -> None:
    """Count the hard bounces, given in the order of their reasons, and send bounces for most of them."""
    step.state.counts[HARD_BOUNCE_COUNTS] += hard
    made = step.noise.whole(Draw.BOUNCES, np.sum(hard, axis=0) * _BOUNCES_MADE)
    step.count(Count.GEN_BOUNCE_RECIPS, made)
    step.state.bounces += made


def _take(rest: Counts, wanted: Counts) -> tuple[Counts, Counts]:
    """Return how many of the rest are taken, and how many are left."""
    taken = np.minimum(wanted, rest)
    return taken, rest - taken


def _split(step: MailStep, rest: Counts, draws: Sequence[Draw], means: Sequence[Floats]) -> tuple[list[Counts], Counts]:
    """Take random counts with these means from the rest, one after the other."""
    parts = []
    for wanted in step.noise.poisson(draws, np.array(means)):
        part, rest = _take(rest, wanted)
        parts.append(part)
    return parts, rest


def _retry(step: MailStep, stuck: Floats) -> tuple[Counts, Counts, Counts]:
    """Retry what soft bounced; return how many are delivered, how many expire, and how many soft bounce again."""
    state, noise = step.state, step.noise
    state.stuck = np.where(stuck > 0, state.stuck, 0)  # the destination is back: its recipients wait like all others
    share = (1 - np.exp(-step.length / _RETRY)) * step.effects.alive
    waiting = np.maximum(state.attempted - state.stuck - step.dead - state.destinations.greylisted.sum(axis=0), 0)
    tries = noise.whole(Draw.RETRIED, waiting * share)
    delivered, rest = _take(tries, noise.whole(Draw.RETRY_DELIVERED, tries * _RETRY_DELIVERED))
    expired, again = _take(rest, noise.whole(Draw.RETRY_EXPIRED, tries * _RETRY_EXPIRED))
    return delivered, expired, again + np.floor((state.stuck + step.dead) * share).astype(np.int64)


def _go_out(step: MailStep, tried: Counts) -> None:
    means = np.array([tried * 0.6, tried / step.length * 0.8])
    connections, busy = step.noise.poisson((Draw.DELIVERIES, Draw.OUTBOUND), means)
    step.count(Count.DELIVERY_CONNECTIONS, connections)
    step.state.connections_out = np.minimum(busy, 500)


def grow_old(step: MailStep, now: float) -> None:
    """Let the oldest message of the delivery queue grow older, or leave the queue."""
    state, noise = step.state, step.noise
    age = now - state.oldest
    left = noise.uniform[Draw.AGE] < 1 - np.exp(-step.length / (step.fleet.mail.soft * 600_000))
    left = (left & (state.stuck + step.dead == 0)) | (age > _BOUNCE_LIMIT)
    left |= state.attempted == 0
    younger = np.where(state.attempted == 0, 0, age * noise.uniform[Draw.AGE_LEFT])
    state.oldest = np.where(left, now - younger, state.oldest)
    ids = state.counts[Count.MESSAGE_IDS]
    behind = np.floor(younger * step.fleet.busy * 0.5).astype(np.int64)
    state.oldest_id = np.where(left, np.maximum(ids - behind, np.minimum(state.oldest_id, ids)), state.oldest_id)
