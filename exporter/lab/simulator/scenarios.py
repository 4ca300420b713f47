"""Everything that can befall a simulated fleet: the registry of scenarios and what each does.

Sizes that attack are multiples of capacity and sizes that slow are shares of the mail that arrives, so that a
scenario bites by night as by day. Calibrated with public incidents: floods of 1.6 to 2.1 times the capacity.
"""

from __future__ import annotations

from functools import partial
from typing import Final, Literal

import numpy as np

from exporter.lab.simulator.effects import Effects
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import (
    Alert,
    Effect,
    Incident,
    Parameter,
    ParameterValue,
    Scenario,
    Scope,
    Severity,
    TimeStep,
)
from exporter.lab.simulator.noise import Floats, Indices

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0


def _target(effects: Effects, incident: Incident, moment: TimeStep, units: Indices, size: Floats) -> None:
    wanted = size * moment.fleet.capacity[units] * incident.strength(moment)
    effects.target[units] = np.maximum(effects.target[units], wanted)


def _jabber(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    _target(effects, incident, moment, incident.units, np.array([incident.size]))
    effects.one_sender[incident.units] = True


def _flood(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    _target(effects, incident, moment, incident.units, incident.size * incident.uneven())
    effects.rejected[incident.units] += 3 * incident.strength(moment) * _usual_rejected(moment.fleet)[incident.units]


def _partial_flood(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    factors = incident.uneven()
    hit = np.argsort(-factors)[: max(int(float(incident.values["units"])), 1)]
    size = incident.size * factors[hit] / factors[hit].mean()
    _target(effects, incident, moment, incident.units[hit], size)


def _usual_rejected(fleet: FleetArrays) -> Floats:
    return fleet.busy * fleet.mail.recipients * fleet.mail.rejected


def _hold_slots(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    held = incident.size * incident.strength(moment)
    effects.held[incident.units] = np.maximum(effects.held[incident.units], held)


def _harvest(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    fleet, units, strength = moment.fleet, incident.units, incident.strength(moment)
    effects.rejected[units] += incident.size * _usual_rejected(fleet)[units] * strength
    effects.connections[units] += 2.5 * (fleet.busy * fleet.mail.connections)[units] * strength


def _bounce(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    flow = incident.size * moment.fleet.busy[incident.units] * incident.strength(moment)
    effects.extra[incident.units] += flow
    effects.undeliverable[incident.units] += flow


def _abuse(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    flow = (incident.size - 1) * moment.fleet.busy[incident.units] * incident.strength(moment)
    effects.extra[incident.units] += flow
    effects.undeliverable[incident.units] += 0.12 * flow
    effects.one_sender[incident.units] = True


def _spread_thin(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    effects.extra[incident.units] += incident.size * moment.fleet.busy[incident.units] * incident.strength(moment)


def _burst(effects: Effects, incident: Incident, _: TimeStep) -> None:
    flow = incident.size / float(incident.values["duration"])
    effects.extra[incident.units] += flow / len(incident.units)


def _slow(effects: Effects, incident: Incident, _: TimeStep) -> None:
    effects.service[incident.units] = np.minimum(effects.service[incident.units], incident.size)


def _slow_disk(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    _slow(effects, incident, moment)
    effects.drive_failed[incident.units] = True


def _slow_lookups(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    """Slow the units one after the other, over five minutes: what they share does not hit them at once."""
    late = np.arange(len(incident.units)) * 5 * MINUTE / len(incident.units)
    hit = incident.units[incident.elapsed(moment) > late]
    effects.service[hit] = np.minimum(effects.service[hit], incident.size)
    effects.dns[hit] += 400


def _enlarge(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    effects.size[incident.units] *= 1 + (incident.size - 1) * incident.strength(moment)


def _destination_down(effects: Effects, incident: Incident, _: TimeStep) -> None:
    effects.stuck[incident.units] = np.maximum(effects.stuck[incident.units], incident.size)


def _starve_delivery(effects: Effects, incident: Incident, _: TimeStep) -> None:
    effects.delivery[incident.units] = np.minimum(effects.delivery[incident.units], incident.size)


def _drop(effects: Effects, incident: Incident, _: TimeStep) -> None:
    effects.snmp_loss[incident.units] = np.maximum(effects.snmp_loss[incident.units], incident.size)


def _set(field: str, state: bool, effects: Effects, incident: Incident, _: TimeStep) -> None:
    getattr(effects, field)[incident.units] = state


def _multiply(field: str, effects: Effects, incident: Incident, moment: TimeStep) -> None:
    getattr(effects, field)[incident.units] *= 1 + (incident.size - 1) * incident.strength(moment)


def _switch(field: str, state: bool) -> Effect:
    """Return the effect that sets a yes-or-no figure of the units; it can be pickled, as the backfill needs."""
    return partial(_set, field, state)


def _scale(field: str) -> Effect:
    """Return the effect that multiplies a figure of the units by the size; it can be pickled too."""
    return partial(_multiply, field)


def _toggle(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    period = float(incident.values["period"])
    if incident.elapsed(moment) % period <= period / 2:
        effects.rotation[incident.units] = False


def _heat(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    effects.heat[incident.units] += incident.size * incident.strength(moment)


def _fill_log(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    effects.log_fill[incident.units] += incident.size * incident.elapsed(moment) / HOUR


def _expire(effects: Effects, incident: Incident, _: TimeStep) -> None:
    for unit in incident.units:
        effects.keys[int(unit), str(incident.values["feature"])] = incident.begin + incident.size * DAY


def _reset_counters(effects: Effects, incident: Incident, moment: TimeStep) -> None:
    if moment.begin <= incident.begin < moment.end:
        effects.reset[incident.units] = True


def _shift_clock(effects: Effects, incident: Incident, _: TimeStep) -> None:
    effects.shift[incident.units] += incident.size * HOUR


def _other_version(effects: Effects, incident: Incident, _: TimeStep) -> None:
    for unit in incident.units:
        effects.versions[int(unit)] = str(incident.values["version"])


def _nothing(_effects: Effects, _incident: Incident, _moment: TimeStep) -> None:
    pass


def _alerts(severity: Severity, *names: str) -> tuple[Alert, ...]:
    return tuple(Alert(f"IronPort{name}", severity) for name in names)


_QUEUE: Final = _alerts(
    "warning",
    *("WorkQueueHigh", "WorkQueueDelayHigh", "WorkQueueFillingUp", "ResourceConservation"),
    *("MemoryNearConservation", "DrainRateFalling"),
)
_POOL_QUEUE: Final = (*_QUEUE, *_alerts("critical", "WorkQueueHigh", "WorkQueueDelayHigh"))
_ATTACK: Final = (
    *_QUEUE,
    *_alerts("warning", "ConnectionFlood", "ConnectionSlotsExhausted", "UnitOverloaded", "JabbererSuspected"),
)
_FLOOD: Final = (
    *_ATTACK,
    *_POOL_QUEUE,
    *_alerts("critical", "PoolNotAcceptingMail", "CapacityInsufficient"),
    *_alerts("warning", "DeliveryBacklog", "BounceStorm"),  # of what waited for the next pool
)
_LOSS: Final = (
    *_QUEUE,
    *_alerts("warning", "CapacityNotNPlusOne", "SiteLossNotSurvivable", "UnitOverloaded", "UnitUnreachable"),
    *_alerts("info", "UnitRebooted"),
)
_SHORTAGE: Final = (
    *_LOSS,
    *_POOL_QUEUE,
    *_alerts("critical", "CapacityInsufficient", "PoolOverloaded", "PoolUnreachable"),
)
_DELIVERY: Final = _alerts(
    "warning", "DeliveryBacklog", "DeliveryStarved", "DeliveryStalled", "OldestMessageStuck", "OutboundAbuseSuspected"
)


def _scenario(
    name: str,
    meaning: str,
    scope: Scope,
    apply: Effect,
    duration: float,
    *more: Parameter,
    expected: tuple[Alert, ...] = (),
    allowed: tuple[Alert, ...] = (),
    traffic: tuple[str, ...] = ("inbound", "mixed", "outbound"),
    role: Literal["any", "spare"] = "any",
    hardware: bool = False,
    shifts: bool = False,
) -> Scenario:
    where = () if scope == "fleet" else (Parameter(scope, "", "name", f"the {scope} that it befalls"),)
    parameters = (*where, Parameter("duration", duration, "s", "how long it lasts"), *more)
    besides = tuple(alert for alert in allowed if alert not in expected)
    return Scenario(name, meaning, scope, parameters, apply, expected, besides, traffic, role, hardware, shifts)


def _size(default: float, unit: str, meaning: str) -> Parameter:
    return Parameter("size", default, unit, meaning)


def _ramp(default: float) -> Parameter:
    return Parameter("ramp", default, "s", "how long it takes to rise to its size")


def _text(name: str, default: ParameterValue, meaning: str) -> Parameter:
    return Parameter(name, default, "text", meaning)


_INBOUND: Final = ("inbound", "mixed")
_OUTBOUND: Final = ("outbound", "mixed")

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        _scenario(
            "jabberer",
            "A heavy sender is nailed to one unit by persistence.",
            "unit",
            _jabber,
            40 * MINUTE,
            _size(1.6, "x capacity", "what then arrives at the unit"),
            _ramp(2 * MINUTE),
            expected=_alerts("warning", "JabbererSuspected"),
            allowed=_ATTACK,
            traffic=_INBOUND,
        ),
        _scenario(
            "flood",
            "A distributed attack hits all units of a pool, unevenly.",
            "pool",
            _flood,
            45 * MINUTE,
            _size(1.8, "x capacity", "what then arrives at the pool"),
            _ramp(2 * MINUTE),
            expected=_alerts("critical", "DistributedAttackSuspected"),
            allowed=_FLOOD,
            traffic=_INBOUND,
        ),
        _scenario(
            "partial-flood",
            "A distributed attack hits some units of a pool and spares the others.",
            "pool",
            _partial_flood,
            45 * MINUTE,
            _size(1.8, "x capacity", "what then arrives at the units hit"),
            Parameter("units", 3, "units", "how many it hits"),
            _ramp(2 * MINUTE),
            expected=_alerts("critical", "DistributedAttackSuspected"),
            allowed=_FLOOD,
            traffic=_INBOUND,
        ),
        _scenario(
            "hailstorm",
            "A short and violent attack hits all units of a pool.",
            "pool",
            _flood,
            8 * MINUTE,
            _size(3.5, "x capacity", "what then arrives at the pool"),
            _ramp(MINUTE / 2),
            expected=_alerts("critical", "DistributedAttackSuspected"),
            allowed=_FLOOD,
            traffic=_INBOUND,
        ),
        _scenario(
            "slow-connections",
            "Connections that send nothing hold the slots of a pool, so that mail cannot get in.",
            "pool",
            _hold_slots,
            30 * MINUTE,
            _size(0.98, "share", "of the connection slots held open"),
            _ramp(2 * MINUTE),
            expected=_alerts("warning", "ConnectionSlotsExhausted"),
            allowed=_alerts("critical", "NoMailArriving", "ConnectionSlotsExhausted"),
            traffic=_INBOUND,
        ),
        _scenario(
            "dha",
            "A directory harvest attack tries addresses that do not exist.",
            "pool",
            _harvest,
            HOUR,
            _size(9, "x busy hour", "recipients refused besides, in multiples of the usual"),
            _ramp(2 * MINUTE),
            expected=_alerts("warning", "DirectoryHarvestSuspected"),
            allowed=_alerts("warning", "ConnectionFlood"),
            traffic=_INBOUND,
        ),
        _scenario(
            "bounce-storm",
            "Mail that cannot be delivered makes the units send bounces to forged senders.",
            "pool",
            _bounce,
            HOUR,
            _size(0.05, "x busy hour", "undeliverable mail besides, in multiples of the usual arrivals"),
            _ramp(2 * MINUTE),
            expected=_alerts("warning", "BounceStorm"),
            allowed=_DELIVERY,
        ),
        _scenario(
            "outbound-abuse",
            "A compromised account sends spam through one outbound unit.",
            "unit",
            _abuse,
            HOUR,
            _size(3, "x busy hour", "what then arrives at the unit, in multiples of the usual"),
            _ramp(2 * MINUTE),
            expected=_alerts("warning", "OutboundAbuseSuspected"),
            allowed=(*_ATTACK, *_DELIVERY, *_alerts("warning", "BounceStorm")),
            traffic=_OUTBOUND,
        ),
        _scenario(
            "unit-slow",
            "A failed drive slows one unit.",
            "unit",
            _slow_disk,
            HOUR,
            _size(0.5, "share", "of the arriving mail that the unit still gets through"),
            expected=_alerts("warning", "UnitSlow"),
            allowed=(*_QUEUE, *_alerts("warning", "RaidDegraded", "CapacityNotNPlusOne")),
        ),
        _scenario(
            "pool-slow",
            "A service that all units need, such as DNS, answers slowly.",
            "pool",
            _slow_lookups,
            90 * MINUTE,
            _size(0.5, "share", "of the arriving mail that the units still get through"),
            expected=_alerts("critical", "PoolSlow"),
            allowed=(*_POOL_QUEUE, *_alerts("warning", "UnitSlow")),
        ),
        _scenario(
            "size-bomb",
            "Very large messages reach one unit.",
            "unit",
            _enlarge,
            30 * MINUTE,
            _size(30, "x", "their mean size, in multiples of the usual"),
            _ramp(MINUTE),
            expected=_alerts("warning", "UnitSlow"),
            allowed=(*_QUEUE, *_alerts("warning", "QueueSpaceLow")),
        ),
        _scenario(
            "destination-down",
            "A destination of much mail does not answer.",
            "pool",
            _destination_down,
            3 * HOUR,
            _size(0.3, "share", "of the recipients at that destination"),
            expected=_alerts("warning", "DeliveryBacklog"),
            allowed=(*_DELIVERY, *_alerts("warning", "BounceStorm")),
            traffic=("outbound", "mixed", "inbound"),
        ),
        _scenario(
            "delivery-starved",
            "The units cannot deliver as fast as mail comes: the network or the next hop throttles them.",
            "pool",
            _starve_delivery,
            HOUR,
            _size(0.6, "share", "of the new recipients that are tried"),
            expected=_alerts("warning", "DeliveryStarved"),
            allowed=_DELIVERY,
        ),
        _scenario(
            "queue-paused",
            "Somebody pauses the work queue of one unit.",
            "unit",
            _switch("paused", True),
            30 * MINUTE,
            expected=_alerts("warning", "WorkQueueStalled"),
            allowed=(*_QUEUE, *_alerts("warning", "UnitNotOnline")),
        ),
        _scenario(
            "receiving-suspended",
            "Somebody suspends the listeners of one unit.",
            "unit",
            _switch("receiving", False),
            HOUR,
            expected=_alerts("warning", "UnitNotOnline"),
            allowed=_alerts("warning", "CapacityNotNPlusOne", "SiteLossNotSurvivable", "UnitOverloaded"),
            shifts=True,
        ),
        _scenario(
            "mail-stopped",
            "Hardly any mail reaches a pool: a fault before it.",
            "pool",
            _scale("demand"),
            30 * MINUTE,
            _size(0.01, "share", "of the usual mail that still comes"),
            _ramp(0),
            expected=_alerts("critical", "NoMailArriving"),
            traffic=_INBOUND,
        ),
        _scenario(
            "unit-down",
            "One unit is dead; its peers get its mail.",
            "unit",
            _switch("alive", False),
            HOUR,
            expected=_alerts("warning", "UnitUnreachable"),
            allowed=_LOSS,
            shifts=True,
        ),
        _scenario(
            "site-down",
            "A whole site is dead; the others get its mail.",
            "site",
            _switch("alive", False),
            HOUR,
            expected=_alerts("warning", "UnitUnreachable"),
            allowed=(*_SHORTAGE, *_alerts("warning", "SpareNotReady")),
            shifts=True,
        ),
        _scenario(
            "snmp-dead",
            "The SNMP agent of one unit does not answer.",
            "unit",
            _switch("snmp", False),
            2 * HOUR,
            expected=_alerts("warning", "SnmpDown"),
            allowed=_alerts("info", "SnmpFlaky"),
        ),
        _scenario(
            "snmp-drops",
            "The SNMP agents drop many requests, as AsyncOS does at times.",
            "fleet",
            _drop,
            2 * HOUR,
            _size(0.15, "share", "of the requests that are dropped"),
            allowed=_alerts("info", "SnmpFlaky"),
        ),
        _scenario(
            "xml-dead",
            "The web interface of one unit does not answer.",
            "unit",
            _switch("xml", False),
            2 * HOUR,
            expected=_alerts("warning", "XmlDown"),
        ),
        _scenario(
            "auth-failure",
            "One unit no longer accepts the password for its status pages.",
            "unit",
            _switch("admitted", False),
            2 * HOUR,
            expected=_alerts("warning", "AuthenticationFailed"),
            allowed=_alerts("warning", "XmlDown"),
        ),
        _scenario(
            "raid-fault",
            "A drive of one unit fails and nothing gets slower.",
            "unit",
            _switch("drive_failed", True),
            DAY,
            expected=_alerts("warning", "RaidDegraded"),
            hardware=True,
        ),
        _scenario(
            "fan-fault",
            "A fan of one unit stops.",
            "unit",
            _switch("fan_failed", True),
            DAY,
            expected=_alerts("warning", "FanFailed"),
            hardware=True,
        ),
        _scenario(
            "psu-fault",
            "A power supply of one unit fails.",
            "unit",
            _switch("supply_failed", True),
            DAY,
            expected=_alerts("warning", "PowerSupplyFault"),
            hardware=True,
        ),
        _scenario(
            "temperature",
            "The cooling around one unit fails.",
            "unit",
            _heat,
            2 * HOUR,
            _size(28, "degrees C", "how much warmer it gets"),
            _ramp(20 * MINUTE),
            expected=_alerts("warning", "TemperatureHigh"),
            hardware=True,
        ),
        _scenario(
            "log-disk",
            "The log disk of one unit fills up.",
            "unit",
            _fill_log,
            8 * HOUR,
            _size(10, "points an hour", "how fast it fills"),
            expected=_alerts("warning", "LogDiskFilling"),
        ),
        _scenario(
            "key-expiring",
            "A feature key of one unit expires soon.",
            "unit",
            _expire,
            2 * DAY,
            _size(20, "days", "that the key still runs at the onset"),
            _text("feature", "Sophos", "the feature whose key it is"),
            expected=_alerts("warning", "FeatureKeyExpiring"),
            allowed=_alerts("warning", "SpareNotReady"),
        ),
        _scenario(
            "key-expired",
            "A feature key of one unit expires.",
            "unit",
            _expire,
            2 * DAY,
            _size(0, "days", "that the key still runs at the onset"),
            _text("feature", "Sophos", "the feature whose key it is"),
            expected=_alerts("warning", "FeatureKeyExpired"),
            allowed=_alerts("warning", "FeatureKeyExpiring", "SpareNotReady"),
        ),
        _scenario(
            "update-failing",
            "One unit can no longer fetch updates of its engines.",
            "unit",
            _switch("updates_fail", True),
            DAY,
            expected=_alerts("warning", "UpdateFailing"),
        ),
        _scenario(
            "reboot",
            "One unit restarts.",
            "unit",
            _switch("alive", False),
            4 * MINUTE,
            expected=_alerts("info", "UnitRebooted"),
            allowed=_LOSS,
            shifts=True,
        ),
        _scenario(
            "counter-reset",
            "Somebody resets the counters of one unit; the lifetime figures stay.",
            "unit",
            _reset_counters,
            MINUTE,
        ),
        _scenario(
            "version-mismatch",
            "One unit runs another release than its peers.",
            "unit",
            _other_version,
            3 * DAY,
            _text("version", "10.0.1-087", "the release that it runs"),
            expected=_alerts("warning", "VersionMismatch"),
        ),
        _scenario(
            "growth",
            "Mail grows until the fleet is too small.",
            "fleet",
            _scale("demand"),
            30 * DAY,
            _size(2, "x", "the mail when it has grown, in multiples of the usual"),
            _ramp(14 * DAY),
            expected=_alerts("warning", "CapacityNotNPlusOne", "SiteLossNotSurvivable"),
            allowed=_SHORTAGE,
        ),
        _scenario(
            "spare-promoted",
            "The hot spare is put into rotation.",
            "unit",
            _switch("promoted", True),
            2 * HOUR,
            role="spare",
        ),
        _scenario(
            "lb-toggle",
            "The load balancer takes one unit out and in again, over and over.",
            "unit",
            _toggle,
            30 * MINUTE,
            Parameter("period", 10 * MINUTE, "s", "from one time that it is taken out to the next"),
        ),
        _scenario(
            "holiday",
            "People are away: little good mail, as much spam as ever.",
            "fleet",
            _scale("good"),
            7 * DAY,
            _size(0.3, "x", "the good mail, in multiples of the usual"),
            _ramp(0),
        ),
        _scenario(
            "dst",
            "The clocks change: the day's curve shifts.",
            "fleet",
            _shift_clock,
            14 * DAY,
            _size(1, "h", "by which mail comes earlier"),
        ),
        _scenario(
            "newsletter",
            "One unit gets a newsletter, as on any day.",
            "unit",
            _burst,
            4 * MINUTE,
            _size(4000, "messages", "in all"),
        ),
        _scenario(
            "list-bomb",
            "Confirmations of thousands of lists reach one mailbox; figures of the whole unit cannot show it.",
            "pool",
            _burst,
            45 * MINUTE,
            _size(3000, "messages", "in all"),
            traffic=_INBOUND,
        ),
        _scenario(
            "snowshoe",
            "Spam comes in small amounts from very many senders; the figures cannot show it.",
            "pool",
            _spread_thin,
            3 * HOUR,
            _size(0.04, "x busy hour", "mail besides, in multiples of the usual"),
            _ramp(10 * MINUTE),
            traffic=_INBOUND,
        ),
        _scenario(
            "blackout",
            "Nothing takes samples: the monitoring is down, the mail is not.",
            "fleet",
            _switch("scraped", False),
            30 * MINUTE,
        ),
        _scenario(
            "exporter-restart",
            "The exporter restarts.",
            "fleet",
            _switch("answered", False),
            MINUTE,
        ),
        _scenario("quiet", "Nothing happens.", "fleet", _nothing, DAY),
    )
}
"""Every scenario by its name."""
