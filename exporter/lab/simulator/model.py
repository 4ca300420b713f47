"""The simulated fleet: a state that goes on step by step. It depends only on topology, seed, scenarios and time."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from exporter.errors import RequestError
from exporter.lab.simulator import bursts, mailflow, traffic
from exporter.lab.simulator.destinations import LUCK
from exporter.lab.simulator.effects import Effects, Switch
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import SimulatedIncident, TimeStep, Truth
from exporter.lab.simulator.mailflow import Arrivals, MailStep
from exporter.lab.simulator.noise import Counts, Draw, Floats, Noise
from exporter.lab.simulator.oddities import Oddities
from exporter.lab.simulator.scenario_text import ScenarioRequest
from exporter.lab.simulator.state import warm
from exporter.lab.simulator.status_items import WINDOWS
from exporter.lab.simulator.timeline import Timeline
from exporter.lab.simulator.topology import Topology
from exporter.lab.simulator.view import View, rated
from exporter.prometheus.durations import DAY, HOUR, MINUTE

STEPS: Final = (15, 20, 30, 60)
"""Lengths of a step in seconds."""

_WARM_UP: Final = HOUR
_YEAR: Final = 365 * DAY
_DRIFT: Final = np.array([[600.0], [1800.0], [3600.0]])
"""Time constants of the slow noise in seconds, for demand, demand of the pool and capacity."""

_UNIT_SWING: Final = 0.04
_POOL_SWING: Final = 0.06
"""Standard deviations of the slow noise on arrivals."""


class Model:
    """A fleet at `time` (Unix time).

    It begins at `start`, rounded down to a step, after a warm-up of an hour. Scenarios can be added and stopped between
    steps. The same arguments and calls give the same values, in however many calls the time is advanced. If it is
    `bursty`, mail comes in bursts as people send it, and the fleet has the oddities of one in use.
    """

    def __init__(self, topology: Topology, seed: int, start: float, step: int = 60, *, bursty: bool = False) -> None:
        if step not in STEPS:
            raise RequestError(f"A step of {step} s is not possible; take {', '.join(map(str, STEPS))} s.")
        self.fleet = FleetArrays(topology)
        self.step = step
        self._seed = seed
        self._start = math.floor(start / step) * step
        self.time = float(self._start - _WARM_UP)
        self._timeline = Timeline(self.fleet, seed)
        self._noise = Noise(seed, len(self.fleet), LUCK)
        self._senders = traffic.Senders(seed, self.fleet.pool, self.fleet.capacity)
        self._bursty = bursty
        self._oddities = Oddities(self.fleet, seed, odd=bursty)
        self.state = warm(self.fleet, seed, self.time)
        self.state.attempted += self._oddities.dead
        self.state.destinations.waiting += self._oddities.traits.dead
        self._shares = self._senders.shares(self.state.members)
        self._neutral = self._effects = Effects(len(self.fleet))
        self._history = np.array([rated(self.state)] * (max(WINDOWS.values()) // step + 1))
        self._view: View | None = None
        self.advance(self._start)

    def advance(self, until: float | None = None) -> None:
        """Advance one step, or as many as fit before the time `until`."""
        target = self.time + self.step if until is None else until
        while self.time + self.step <= target:
            self._advance()

    def shorten_step(self, step: int) -> None:
        """Go on in shorter steps, of which the present step must be a multiple.

        The rates of the status page look back. The totals for this are interpolated at the new steps.
        """
        if step not in STEPS or self.step % step:
            raise RequestError(f"Steps of {self.step} s cannot be cut into steps of {step} s.")
        instants = int(self.time) - step * np.arange(max(WINDOWS.values()) // step + 1)
        before, seconds = np.divmod(instants, self.step)
        kept = len(self._history)
        increase = self._history[(before + 1) % kept] - self._history[before % kept]
        share = (seconds / self.step).reshape(-1, *[1] * (increase.ndim - 1))
        totals = self._history[before % kept] + (increase * share).astype(np.int64)
        self._history = np.empty_like(totals)
        self._history[instants // step % len(instants)] = totals
        self.step = step
        self._view = None

    def begin(self, request: ScenarioRequest) -> SimulatedIncident:
        """Add a scenario, with its offset counted from now; raises RequestError if it does not fit the fleet."""
        return self._timeline.add(request, self.time)

    def stop(self, number: int) -> None:
        """End the scenario with this number now; raises RequestError if it does not run."""
        self._timeline.stop(number, self.time)

    @property
    def scenarios(self) -> Sequence[SimulatedIncident]:
        """The scenarios that run or are to come."""
        return self._timeline.current(self.time)

    def truth(self) -> list[Truth]:
        """Return the truth table of all scenarios, past and to come."""
        return self._timeline.truth()

    @property
    def view(self) -> View:
        """The values of all units at this time. They stay the same when the model goes on."""
        if self._view is None:
            jitter = self._noise.normal[Draw.GAUGE]
            increases = self._increases()
            self._view = View(self.fleet, self.state, self._effects, jitter, increases, self.time, self._oddities)
        return self._view

    def _advance(self) -> None:
        step = TimeStep(self.time, self.time + self.step, self.fleet)
        self._view = None
        self._effects = effects = self._timeline.effects(step) or self._neutral
        self._noise.turn(int(self.time) // self.step)
        self._drift()
        self._restart(step)
        self._rotate()
        mail = MailStep(
            self.fleet,
            self.state,
            effects,
            self._noise,
            self.step,
            int(step.begin // MINUTE),
            self._oddities.traits,
            self._oddities.dead,
            self._oddities.greylisting(step.begin, step.end),
        )
        arrivals = self._arrivals(step)
        accepted = mailflow.receive(mail, arrivals, self.state.members)
        paused = traffic.pause(self._seed, step.begin, step.end, len(self.fleet))
        queued = mailflow.work(mail, accepted, paused)
        self._feed(mailflow.deliver(mail, queued, self._refusals()))
        mailflow.grow_old(mail, step.end)
        self._update(step)
        self.time = step.end
        self._history[int(self.time) // self.step % len(self._history)] = rated(self.state)

    def _increases(self) -> dict[str, Counts]:
        """Return the increases of the rated counters over each window of the status page."""
        now, kept = int(self.time) // self.step, len(self._history)
        newest = self._history[now % kept]
        return {
            window: newest - self._history[(now - seconds // self.step) % kept] for window, seconds in WINDOWS.items()
        }

    def _drift(self) -> None:
        """Move the slow noise on by a step.

        It is AR(1) noise: a part of the last value stays, and fresh noise is added so that the variance remains 1. So
        demand wanders over minutes, as real mail does, instead of jumping at each step.
        """
        kept = np.exp(-self.step / _DRIFT)
        fresh = self._noise.normal[[Draw.DEMAND, Draw.POOL_DEMAND, Draw.CAPACITY]]
        self.state.drift = kept * self.state.drift + np.sqrt(1 - kept**2) * fresh

    def _restart(self, step: TimeStep) -> None:
        """Start the units and agents that are no longer down, and reset the counters for which somebody asks."""
        state, effects = self.state, self._effects
        booted = effects.alive & ~state.alive
        state.alive = effects.alive
        if booted.any():
            state.boot = np.where(booted, step.begin, state.boot)
            state.at_boot = np.where(booted, state.counts, state.at_boot)
            state.io_peak = np.where(booted, 0.1, state.io_peak)
            state.raid_events = np.where(booted, 0, state.raid_events)
            state.destinations.start_counters(booted)
        agent = ~effects.on(Switch.SNMP_DEAD)
        started = booted | (agent & ~state.agent)
        state.agent_boot = np.where(started, step.begin, state.agent_boot)
        state.agent = agent
        if (reset := effects.on(Switch.COUNTERS_RESET)).any():
            state.at_reset = np.where(reset, state.counts, state.at_reset)
            state.reset = np.where(reset, step.begin, state.reset)

    def _rotate(self) -> None:
        """Distribute the senders again if the units in rotation have changed."""
        effects = self._effects
        taking = (self.fleet.production | effects.on(Switch.PROMOTED)) & ~effects.on(Switch.OUT_OF_ROTATION)
        members = taking & effects.alive
        if not np.array_equal(members, self.state.members):
            self.state.members = members
            self._shares = self._senders.shares(members)

    def _arrivals(self, step: TimeStep) -> Arrivals:
        fleet, state, effects = self.fleet, self.state, self._effects
        time = (step.begin + step.end) / 2 + effects.shift
        ham = fleet.mail.ham * effects.good * traffic.good_mail(time)
        spam = (1 - fleet.mail.ham) * traffic.spam(time)
        swing = np.exp(_POOL_SWING * state.drift[1][fleet.first][fleet.pool] + _UNIT_SWING * state.drift[0] - 0.0026)
        outside = (fleet.volume * self._grown(step))[fleet.pool] * (ham + spam) * effects.demand
        flow = np.where(fleet.fed, state.feed[fleet.pool], outside * swing)
        usual = self._usual(step, flow * self._oddities.drifted(self._shares, step.begin))
        greylisted = usual * self._oddities.greylisted
        return Arrivals(usual, spam / (ham + spam), self._attack(usual), effects.extra * state.members, greylisted)

    def _usual(self, step: TimeStep, flow: Floats) -> Floats:
        """Return the usual mail of each unit: `flow`, newsletters and bursts."""
        fleet, newsletters = self.fleet, self._newsletters(step)
        if not self._bursty:
            return flow + newsletters
        between = np.where(fleet.fed, 1, bursts.BETWEEN) * flow
        sizes = bursts.sizes_at(self._seed, (step.begin + step.end) / 2, tuple(fleet.pool.tolist())) * ~fleet.fed
        return bursts.carried(sizes * between, between + newsletters, self.state.queue, fleet.capacity)

    def _grown(self, step: TimeStep) -> Floats:
        return (1 + self.fleet.growth) ** ((step.begin - self._start) / _YEAR)

    def _newsletters(self, step: TimeStep) -> Floats:
        fleet = self.fleet
        day = traffic.newsletters(self._seed, int(step.begin // DAY), *fleet.newsletter_units)
        return day.flow(step.begin, step.end, len(fleet)) * self.state.members

    def _attack(self, usual: Floats) -> Floats:
        """Return what the usual mail lacks to the targets of attacks.

        Peers get the share of a unit that is out of rotation.
        """
        target, members, fleet = self._effects.target, self.state.members, self.fleet
        if not target.any():
            return target
        lost = fleet.by_pool(target * ~members)[fleet.pool] * self._shares
        return np.maximum(target * members + lost - usual, 0) * members

    def _refusals(self) -> Floats:
        """Return the share of its recipients that each destination refuses, by destination and unit.

        The destinations of a pool that feeds another one refuse what that pool refuses.
        """
        fleet, state = self.fleet, self.state
        refusals = np.zeros(fleet.destination_share.shape)
        for place, refused_share in self._effects.refusals.items():
            refusals[place] = refused_share
        if not fleet.feeds.any():
            return refusals
        level = np.where(state.level == mailflow.REFUSING, 75, state.level)
        taken = (1 - level / 75) * state.members * self._effects.receiving
        share = fleet.by_pool(taken * self._shares)
        refused = np.zeros(len(fleet))
        for pool, feeder in enumerate(fleet.fed_by):
            if feeder >= 0:
                # Shares add up to 1 but for the last digits. A remainder would keep refused recipients for ever.
                refused[fleet.pool == feeder] = np.round(1 - share[pool], 9)
        return np.maximum(refusals, refused)

    def _feed(self, delivered: Floats) -> None:
        """Pass what a pool has delivered to the pool that it feeds, for the next step."""
        fleet = self.fleet
        sent = fleet.by_pool(delivered / fleet.mail.recipients)
        self.state.feed = np.where(fleet.fed_by >= 0, sent[fleet.fed_by], 0)

    def _update(self, step: TimeStep) -> None:
        """Update what follows from the mail: resource conservation, disk, update services, drives."""
        fleet, state, effects = self.fleet, self.state, self._effects
        state.level = mailflow.conservation(fleet, state, mailflow.used_kib(fleet, state)) * effects.alive
        state.io_peak = np.maximum(state.io_peak, state.io)
        state.io = state.exit_rate + 0.5
        due = np.floor(step.end / fleet.update_period + fleet.update_phase)
        due -= np.floor(step.begin / fleet.update_period + fleet.update_phase)
        fetched = (due * effects.alive).astype(np.int64)
        failing, drive_failed = effects.on(Switch.UPDATES_FAIL), effects.on(Switch.DRIVE_FAILED)
        state.updates += fetched * ~failing
        state.update_failures += fetched * failing
        state.raid_events += drive_failed & ~state.drive_failed
        state.drive_failed = drive_failed
