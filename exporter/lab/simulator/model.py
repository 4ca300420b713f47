"""The simulated fleet: one state, advanced step by step, a pure function of topology, seed, scenarios and time."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from exporter.errors import RequestError
from exporter.lab.simulator import mailflow, traffic
from exporter.lab.simulator.effects import Effects, Switch
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import Incident, TimeStep, Truth
from exporter.lab.simulator.mailflow import Arrivals, MailStep
from exporter.lab.simulator.noise import Counts, Draw, Floats, Noise
from exporter.lab.simulator.state import warm
from exporter.lab.simulator.timeline import ScenarioRequest, Timeline
from exporter.lab.simulator.topology import Topology
from exporter.lab.simulator.view import WINDOWS, View, rated
from exporter.prometheus.durations import DAY, HOUR

STEPS: Final = (15, 20, 30, 60)
"""Lengths of a step in seconds."""

_WARM_UP: Final = HOUR
_YEAR: Final = 365 * DAY
_DRIFT: Final = np.array([[600.0], [1800.0], [3600.0]])
"""Seconds in which the slow noise forgets: demand, demand of the pool, capacity."""

_UNIT_SWING: Final = 0.04
_POOL_SWING: Final = 0.06
"""Standard deviations of the slow noise on arrivals."""


class Model:
    """A fleet at `time` (Unix, seconds), ready to be advanced.

    It starts warm at `start`, rounded down to a step. Scenarios may be added and stopped between steps. The same
    arguments and the same calls at the same times give the same figures, however the time is sliced.
    """

    def __init__(self, topology: Topology, seed: int, start: float, step: int = 60) -> None:
        if step not in STEPS:
            raise RequestError(f"A step of {step} s is not possible; take {', '.join(map(str, STEPS))} s.")
        self.fleet = FleetArrays(topology)
        self.step = step
        self._seed = seed
        self._start = math.floor(start / step) * step
        self.time = float(self._start - _WARM_UP)
        self._timeline = Timeline(self.fleet, seed)
        self._noise = Noise(seed, len(self.fleet))
        self._senders = traffic.Senders(seed, self.fleet.pool, self.fleet.capacity)
        self.state = warm(self.fleet, seed, self.time)
        self._shares = self._senders.shares(self.state.members)
        self._neutral = self._effects = Effects(len(self.fleet))
        self._history = np.array([rated(self.state)] * (max(WINDOWS.values()) // step + 1))
        self._view: View | None = None
        self.advance(self._start)

    def advance(self, until: float | None = None) -> None:
        """Go one step, or as many as fit until the time `until`."""
        target = self.time + self.step if until is None else until
        while self.time + self.step <= target:
            self._advance()

    def shorten_step(self, step: int) -> None:
        """Go on in steps of so many seconds, of which a step so far must be a multiple.

        The totals at the new steps within the past windows are interpolated between those at the old ones.
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

    def begin(self, request: ScenarioRequest) -> Incident:
        """Add a scenario, its offset counted from now; raises RequestError if the fleet has no such place."""
        return self._timeline.add(request, self.time)

    def stop(self, number: int) -> None:
        """End the scenario with this number now; raises RequestError if it does not run."""
        self._timeline.stop(number, self.time)

    @property
    def scenarios(self) -> Sequence[Incident]:
        """The scenarios that run or are to come."""
        return self._timeline.current(self.time)

    def truth(self) -> list[Truth]:
        """Return the truth table of all scenarios until now and to come."""
        return self._timeline.truth()

    @property
    def view(self) -> View:
        """Every figure of every unit at this time; it stays as it is when the model goes on."""
        if self._view is None:
            jitter = self._noise.normal[Draw.GAUGE]
            self._view = View(self.fleet, self.state, self._effects, jitter, self._increases(), self.time)
        return self._view

    def _advance(self) -> None:
        moment = TimeStep(self.time, self.time + self.step, self.fleet)
        self._view = None
        self._effects = effects = self._timeline.effects(moment) or self._neutral
        self._noise.turn(int(self.time) // self.step)
        self._drift()
        self._restart(moment)
        self._rotate()
        step = MailStep(self.fleet, self.state, effects, self._noise, self.step)
        arrivals = self._arrivals(moment)
        accepted = mailflow.receive(step, arrivals, self.state.members)
        paused = traffic.pause(self._seed, moment.begin, moment.end, len(self.fleet))
        queued = mailflow.work(step, accepted, paused)
        self._feed(mailflow.deliver(step, queued, self._stuck()))
        mailflow.grow_old(step, moment.end)
        self._update(moment)
        self.time = moment.end
        self._history[int(self.time) // self.step % len(self._history)] = rated(self.state)

    def _increases(self) -> dict[str, Counts]:
        """Return the increases of the rated counters over each window of the status page."""
        now, kept = int(self.time) // self.step, len(self._history)
        newest = self._history[now % kept]
        return {
            window: newest - self._history[(now - seconds // self.step) % kept] for window, seconds in WINDOWS.items()
        }

    def _drift(self) -> None:
        kept = np.exp(-self.step / _DRIFT)
        fresh = self._noise.normal[[Draw.DEMAND, Draw.POOL_DEMAND, Draw.CAPACITY]]
        self.state.drift = kept * self.state.drift + np.sqrt(1 - kept**2) * fresh

    def _restart(self, moment: TimeStep) -> None:
        """Start again what was down and is not any more, and reset the counters where somebody asks for it."""
        state, effects = self.state, self._effects
        booted = effects.alive & ~state.alive
        state.alive = effects.alive
        if booted.any():
            state.boot = np.where(booted, moment.begin, state.boot)
            state.at_boot = np.where(booted, state.counts, state.at_boot)
            state.io_peak = np.where(booted, 0.1, state.io_peak)
            state.raid_events = np.where(booted, 0, state.raid_events)
        agent = ~effects.on(Switch.SNMP_DEAD)
        started = booted | (agent & ~state.agent)
        state.agent_boot = np.where(started, moment.begin, state.agent_boot)
        state.agent = agent
        if (reset := effects.on(Switch.COUNTERS_RESET)).any():
            state.at_reset = np.where(reset, state.counts, state.at_reset)
            state.reset = np.where(reset, moment.begin, state.reset)

    def _rotate(self) -> None:
        """Nail the senders to other units where the membership has changed, and only then."""
        effects = self._effects
        taking = (self.fleet.production | effects.on(Switch.PROMOTED)) & ~effects.on(Switch.OUT_OF_ROTATION)
        members = taking & effects.alive
        if not np.array_equal(members, self.state.members):
            self.state.members = members
            self._shares = self._senders.shares(members)

    def _arrivals(self, moment: TimeStep) -> Arrivals:
        fleet, state, effects = self.fleet, self.state, self._effects
        time = (moment.begin + moment.end) / 2 + effects.shift
        ham = fleet.mail.ham * effects.good * traffic.good_mail(time)
        spam = (1 - fleet.mail.ham) * traffic.spam(time)
        swing = np.exp(_POOL_SWING * state.drift[1][fleet.first][fleet.pool] + _UNIT_SWING * state.drift[0] - 0.0026)
        outside = (fleet.volume * self._grown(moment))[fleet.pool] * (ham + spam) * effects.demand
        flow = np.where(fleet.fed, state.feed[fleet.pool], outside * swing) * self._shares
        usual = flow + self._newsletters(moment)
        return Arrivals(usual, spam / (ham + spam), self._attack(usual), effects.extra * state.members)

    def _grown(self, moment: TimeStep) -> Floats:
        return (1 + self.fleet.growth) ** ((moment.begin - self._start) / _YEAR)

    def _newsletters(self, moment: TimeStep) -> Floats:
        fleet = self.fleet
        day = traffic.newsletters(self._seed, int(moment.begin // DAY), *fleet.newsletter_units)
        return day.flow(moment.begin, moment.end, len(fleet)) * self.state.members

    def _attack(self, usual: Floats) -> Floats:
        """Return what is missing to the targets of scenarios; peers get what was meant for a unit out of rotation."""
        target, members, fleet = self._effects.target, self.state.members, self.fleet
        if not target.any():
            return target
        lost = fleet.by_pool(target * ~members)[fleet.pool] * self._shares
        return np.maximum(target * members + lost - usual, 0) * members

    def _stuck(self) -> Floats:
        """Return the share of recipients whose destination is down, or is a pool of this fleet that takes less."""
        fleet, state = self.fleet, self.state
        if not fleet.feeds.any():
            return self._effects.stuck
        level = np.where(state.level == mailflow.REFUSING, 75, state.level)
        taken = (1 - level / 75) * state.members * self._effects.receiving
        share = fleet.by_pool(taken * self._shares)
        refused = np.zeros(len(fleet))
        for pool, feeder in enumerate(fleet.fed_by):
            if feeder >= 0:
                refused[fleet.pool == feeder] = 1 - share[pool]
        return np.maximum(self._effects.stuck, refused)

    def _feed(self, delivered: Floats) -> None:
        """Hand what a pool has delivered to the pool that it feeds, for the next step."""
        fleet = self.fleet
        sent = fleet.by_pool(delivered / fleet.mail.recipients)
        self.state.feed = np.where(fleet.fed_by >= 0, sent[fleet.fed_by], 0)

    def _update(self, moment: TimeStep) -> None:
        """Bring what follows from the mail up to date: conservation, disk, update services, drives."""
        fleet, state, effects = self.fleet, self.state, self._effects
        state.level = mailflow.conservation(fleet, state, mailflow.used_kib(fleet, state)) * effects.alive
        state.io_peak = np.maximum(state.io_peak, state.io)
        state.io = state.exit_rate + 0.5
        due = np.floor(moment.end / fleet.update_period + fleet.update_phase)
        due -= np.floor(moment.begin / fleet.update_period + fleet.update_phase)
        fetched = (due * effects.alive).astype(np.int64)
        failing, drive_failed = effects.on(Switch.UPDATES_FAIL), effects.on(Switch.DRIVE_FAILED)
        state.updates += fetched * ~failing
        state.update_failures += fetched * failing
        state.raid_events += drive_failed & ~state.drive_failed
        state.drive_failed = drive_failed
