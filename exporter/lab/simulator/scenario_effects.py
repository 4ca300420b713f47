"""What each scenario does to the effects of a step.

Attacks are sized in multiples of a unit's capacity, and slowness as a share of the mail that arrives. So a scenario
causes a backlog at night as well as by day.
"""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from functools import partial

import numpy as np

from exporter.lab.simulator.effects import Effects, Switch
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import Effect, SimulatedIncident, TimeStep
from exporter.lab.simulator.noise import Floats, Indices
from exporter.prometheus.durations import DAY, HOUR, MINUTE


def _target(effects: Effects, incident: SimulatedIncident, step: TimeStep, units: Indices, size: Floats) -> None:
    wanted = size * step.fleet.capacity[units] * incident.strength(step)
    effects.target[units] = np.maximum(effects.target[units], wanted)


def jabber(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    _target(effects, incident, step, incident.units, np.array([incident.size]))
    effects.switches[Switch.ONE_SENDER, incident.units] = True


def flood(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    _target(effects, incident, step, incident.units, incident.size * incident.uneven())
    effects.rejected[incident.units] += 3 * incident.strength(step) * _usual_rejected(step.fleet)[incident.units]


def partial_flood(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    factors = incident.uneven()
    hit = np.argsort(-factors)[: max(int(float(incident.values["units"])), 1)]
    size = incident.size * factors[hit] / factors[hit].mean()
    _target(effects, incident, step, incident.units[hit], size)


def _usual_rejected(fleet: FleetArrays) -> Floats:
    return fleet.busy * fleet.mail.recipients * fleet.mail.rejected


def hold_slots(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    held = incident.size * incident.strength(step)
    effects.held[incident.units] = np.maximum(effects.held[incident.units], held)


def harvest(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    fleet, units, strength = step.fleet, incident.units, incident.strength(step)
    effects.rejected[units] += incident.size * _usual_rejected(fleet)[units] * strength
    effects.connections[units] += 2.5 * (fleet.busy * fleet.mail.connections)[units] * strength


def bounce(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    flow = incident.size * step.fleet.busy[incident.units] * incident.strength(step)
    effects.extra[incident.units] += flow
    effects.undeliverable[incident.units] += flow


def abuse(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    flow = (incident.size - 1) * step.fleet.busy[incident.units] * incident.strength(step)
    effects.extra[incident.units] += flow
    effects.undeliverable[incident.units] += 0.12 * flow
    effects.switches[Switch.ONE_SENDER, incident.units] = True


def spread_thin(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    effects.extra[incident.units] += incident.size * step.fleet.busy[incident.units] * incident.strength(step)


def burst(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    flow = incident.size / float(incident.values["duration"])
    effects.extra[incident.units] += flow / len(incident.units)


def _slow(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    effects.service[incident.units] = np.minimum(effects.service[incident.units], incident.size)


def slow_disk(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    _slow(effects, incident, step)
    effects.switches[Switch.DRIVE_FAILED, incident.units] = True


def slow_lookups(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    """Slow the units one after the other, over five minutes: a shared service does not fail for all at once."""
    late = np.arange(len(incident.units)) * 5 * MINUTE / len(incident.units)
    hit = incident.units[incident.elapsed(step) > late]
    effects.service[hit] = np.minimum(effects.service[hit], incident.size)
    effects.dns[hit] += 400


def enlarge(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    effects.size[incident.units] *= 1 + (incident.size - 1) * incident.strength(step)


def take_destination_down(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    """Take down the destination or class that is named, or else the largest destinations that have the mail."""
    destinations, pool = step.fleet.destinations, int(step.fleet.pool[incident.units[0]])
    named = str(incident.values["destination"])
    for number in destinations.find(pool, named) if named else destinations.largest(pool, incident.size):
        _refuse(effects, incident, number, 1.0)


def slow_destination(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    destinations, pool = step.fleet.destinations, int(step.fleet.pool[incident.units[0]])
    named = str(incident.values["destination"])
    for number in destinations.find(pool, named) if named else destinations.largest(pool, 0.0):
        _refuse(effects, incident, number, incident.size)


def _refuse(effects: Effects, incident: SimulatedIncident, destination: int, share: float) -> None:
    for unit in incident.units.tolist():
        effects.refusals[destination, unit] = max(effects.refusals.get((destination, unit), 0.0), share)


def starve_delivery(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    effects.delivery[incident.units] = np.minimum(effects.delivery[incident.units], incident.size)


def drop_requests(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    effects.snmp_loss[incident.units] = np.maximum(effects.snmp_loss[incident.units], incident.size)


def scale_demand(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    effects.demand[incident.units] *= 1 + (incident.size - 1) * incident.strength(step)


def scale_good_mail(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    effects.good[incident.units] *= 1 + (incident.size - 1) * incident.strength(step)


def turn_on(switch: Switch) -> Effect:
    """Return the effect that turns the switch on. It can be pickled, which the history needs."""
    return partial(_turn_on, switch)


def _turn_on(switch: Switch, effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    effects.switches[switch, incident.units] = True


def toggle_rotation(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    period = float(incident.values["period"])
    if incident.elapsed(step) % period <= period / 2:
        effects.switches[Switch.OUT_OF_ROTATION, incident.units] = True


def heat_up(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    effects.heat[incident.units] += incident.size * incident.strength(step)


def fill_log(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    effects.log_fill[incident.units] += incident.size * incident.elapsed(step) / HOUR


def set_key_expiry(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    for unit in incident.units:
        effects.keys[int(unit), str(incident.values["feature"])] = incident.begin + incident.size * DAY


def set_certificate_expiry(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    for unit in incident.units:
        effects.certificates[int(unit)] = incident.begin + incident.size * DAY


def reset_counters(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    if step.begin <= incident.begin < step.end:
        effects.switches[Switch.COUNTERS_RESET, incident.units] = True


def scrape_rarely(effects: Effects, incident: SimulatedIncident, step: TimeStep) -> None:
    if incident.elapsed(step) % incident.size >= step.end - step.begin:
        effects.switches[Switch.NOT_SCRAPED, incident.units] = True


def shift_day(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    effects.shift[incident.units] += incident.size * HOUR


def change_version(effects: Effects, incident: SimulatedIncident, _: TimeStep) -> None:
    for unit in incident.units:
        effects.versions[int(unit)] = str(incident.values["version"])


def do_nothing(_effects: Effects, _incident: SimulatedIncident, _step: TimeStep) -> None:
    pass
