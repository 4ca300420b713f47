"""What a simulated fleet remembers from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

import numpy as np

from exporter.lab.simulator.destinations import DestinationQueues, warm_mail
from exporter.lab.simulator.fleet_arrays import SPAM_CAUGHT, FleetArrays
from exporter.lab.simulator.noise import Counts, Floats, Mask, generator
from exporter.lab.simulator.releases import SERVICES
from exporter.prometheus.durations import DAY, MINUTE


class Count(IntEnum):
    """The totals that each unit keeps since it was new. Other counters of the status page are sums of them."""

    INJ_MSGS = 0
    INJ_RECIPS = auto()
    GEN_BOUNCE_RECIPS = auto()
    REJECTED_RECIPS = auto()
    DROPPED_MSGS = auto()
    SOFT_BOUNCED_EVTS = auto()
    DNS_HARD_BOUNCED = auto()
    STATUS_5XX_HARD_BOUNCED = auto()
    FILTER_HARD_BOUNCED = auto()
    EXPIRED_HARD_BOUNCED = auto()
    OTHER_HARD_BOUNCED = auto()
    DELIVERED_RECIPS = auto()
    DELETED_RECIPS = auto()
    GLOBAL_UNSUB_HITS = auto()
    MESSAGE_IDS = auto()
    INJECTION_CONNECTIONS = auto()
    DELIVERY_CONNECTIONS = auto()
    DNS_REQUESTS = auto()
    DNS_NETWORK_REQUESTS = auto()
    DNS_CACHE_EXPIRED = auto()


HARD_BOUNCE_COUNTS: Final = slice(Count.DNS_HARD_BOUNCED, Count.OTHER_HARD_BOUNCED + 1)
"""The five reasons for a hard bounce."""

COMPLETED_COUNTS: Final = slice(Count.DNS_HARD_BOUNCED, Count.DELETED_RECIPS + 1)
"""The ways in which a recipient is completed: hard bounced, delivered or deleted."""


class Cargo(IntEnum):
    """Sums over the messages in the work queue."""

    KIB = 0
    SPAM = auto()  # messages that the work queue will drop
    BAD = auto()  # messages that will hard bounce


@dataclass(slots=True)
class FleetState:
    """Arrays over the units, which each step changes. Times are in Unix seconds, amounts as AsyncOS counts them."""

    counts: Counts  # by Count
    at_boot: Counts  # counts when the unit started
    at_reset: Counts  # counts at the last reset
    boot: Floats  # when the unit started
    agent_boot: Floats  # when its SNMP agent started
    reset: Floats  # time of the last reset of the counters, NaN for never
    drift: Floats  # slow noise with mean 0 and variance 1, by purpose: demand, demand of the pool, capacity
    feed: Floats  # messages per second that each fed pool is sent
    queue: Counts  # messages in the work queue
    cargo: Floats  # by Cargo
    exit_rate: Floats  # messages per second that leave the work queue
    level: Counts  # resource conservation, 0 to 60 or 999
    unattempted: Counts  # recipients in the delivery queue that were not tried yet
    bad: Floats  # those of the unattempted that will hard bounce
    attempted: Counts  # recipients in the delivery queue that were tried
    stuck: Counts  # those of the attempted whose destination is down
    destinations: DestinationQueues
    bounces: Counts  # bounces made in the last step, not yet queued
    quarantined: Counts  # messages
    wait: Floats  # seconds that the first message of the work queue has waited
    oldest: Floats  # when the oldest message in the delivery queue came in
    oldest_id: Counts  # its message id
    connections_in: Counts  # open SMTP connections from outside
    connections_out: Counts  # open SMTP connections to destinations
    io: Floats  # disk I/O of the last step
    io_peak: Floats  # highest disk I/O before that, since boot
    updates: Counts  # by service
    update_failures: Counts  # by service
    raid_events: Counts  # since boot
    heaviest: Floats  # share of the connections that belong to one sender
    alive: Mask  # the unit runs
    agent: Mask  # the SNMP agent runs
    drive_failed: Mask
    members: Mask  # in rotation
    minute: int  # of the last step, counted from the epoch


def warm(fleet: FleetArrays, seed: int, time: float) -> FleetState:
    """Return the state of a fleet that has worked for months, with counters, ids and uptimes that fit its mail."""
    units = len(fleet)
    draw = generator(seed, 6)
    age, uptime = draw.uniform(300, 900, units) * DAY, draw.uniform(20, 200, units) * DAY
    counts = np.floor(_flows(fleet) * age).astype(np.int64)
    none = np.zeros(units, dtype=np.int64)
    boot = np.floor(time - uptime)
    at_boot = np.floor(counts * (1 - uptime / age)).astype(np.int64)
    attempted = np.floor(_flows(fleet)[Count.SOFT_BOUNCED_EVTS] * 900).astype(np.int64)
    services = len(SERVICES)
    period = np.array(list(SERVICES.values()))[:, None]
    return FleetState(
        counts=counts,
        at_boot=at_boot,
        at_reset=np.zeros_like(counts),
        boot=boot,
        agent_boot=boot + 60,
        reset=np.full(units, np.nan),
        drift=draw.standard_normal((3, units)),
        feed=np.zeros(len(fleet.pools)),
        queue=none.copy(),
        cargo=np.zeros((len(Cargo), units)),
        exit_rate=np.zeros(units),
        level=none.copy(),
        unattempted=none.copy(),
        bad=np.zeros(units),
        attempted=attempted,
        stuck=none.copy(),
        destinations=_destinations(fleet, attempted, counts - at_boot),
        bounces=none.copy(),
        quarantined=np.floor(fleet.busy * 8).astype(np.int64),
        wait=np.zeros(units),
        oldest=time - draw.exponential(fleet.mail.soft * 600_000),
        oldest_id=np.maximum(counts[Count.MESSAGE_IDS] - 1000, 1),
        connections_in=none.copy(),
        connections_out=none.copy(),
        io=np.zeros(units),
        io_peak=fleet.capacity * 1.3,
        updates=np.floor(uptime / period).astype(np.int64) + np.zeros((services, units), dtype=np.int64),
        update_failures=draw.poisson(uptime / period / 2000).astype(np.int64),
        raid_events=none.copy(),
        heaviest=np.zeros(units),
        alive=np.ones(units, dtype=bool),
        agent=np.ones(units, dtype=bool),
        drive_failed=np.zeros(units, dtype=bool),
        members=fleet.production.copy(),
        minute=int(time // MINUTE),
    )


def _destinations(fleet: FleetArrays, attempted: Counts, since_boot: Counts) -> DestinationQueues:
    """Return the mail of the destinations; since their units started, they have had their share of it."""
    hard = since_boot[HARD_BOUNCE_COUNTS].sum(axis=0)
    delivered, soft = since_boot[Count.DELIVERED_RECIPS], since_boot[Count.SOFT_BOUNCED_EVTS]
    return warm_mail(fleet.destination_share, attempted, delivered, soft, hard)


def _flows(fleet: FleetArrays) -> Floats:
    """Return the long-term events per second of each unit, by Count. A spare has had a little test mail."""
    mail = fleet.mail
    arrivals = np.maximum(fleet.busy * 0.45, fleet.capacity * 0.002)
    recipients = arrivals * mail.recipients
    rejected = recipients * mail.rejected
    dropped = arrivals * (1 - mail.ham) * SPAM_CAUGHT
    queued = (arrivals - dropped) * mail.recipients
    hard = queued * mail.hard
    soft = queued * (mail.soft + mail.hard * 0.4)  # the second part are bounces to forged senders
    bounces = (hard + soft * 0.05) * 0.8
    flows = {
        Count.INJ_MSGS: arrivals,
        Count.INJ_RECIPS: recipients,
        Count.GEN_BOUNCE_RECIPS: bounces,
        Count.REJECTED_RECIPS: rejected,
        Count.DROPPED_MSGS: dropped,
        Count.SOFT_BOUNCED_EVTS: soft * 2.7,
        Count.DNS_HARD_BOUNCED: hard * HARD_SHARES[0],
        Count.STATUS_5XX_HARD_BOUNCED: hard * HARD_SHARES[1],
        Count.FILTER_HARD_BOUNCED: hard * HARD_SHARES[2],
        Count.EXPIRED_HARD_BOUNCED: soft * 0.05,
        Count.OTHER_HARD_BOUNCED: hard * HARD_SHARES[3],
        Count.DELIVERED_RECIPS: queued + bounces - hard - soft * 0.05,
        Count.DELETED_RECIPS: queued * 1e-4,
        Count.GLOBAL_UNSUB_HITS: queued * 1e-5,
        Count.MESSAGE_IDS: arrivals + rejected * 1.02,
        Count.INJECTION_CONNECTIONS: arrivals * mail.connections,
        Count.DELIVERY_CONNECTIONS: queued * 0.6,
        Count.DNS_REQUESTS: arrivals * mail.connections * 4,
        Count.DNS_NETWORK_REQUESTS: arrivals * mail.connections,
        Count.DNS_CACHE_EXPIRED: arrivals * mail.connections * 0.3,
    }
    return np.array([flows[count] for count in Count])


HARD_SHARES: Final = (0.08, 0.84, 0.02, 0.06)
"""Shares of the hard bounces at the first try: DNS, 5xx, filter, other. Expired recipients come from the retries."""
