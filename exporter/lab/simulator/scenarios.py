"""The registry of scenarios: everything that can happen to a simulated fleet.

Sizes are calibrated with public incidents. Floods, for example, reached 1.6 to 2.1 times the capacity.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from exporter.lab.simulator import scenario_effects as effect
from exporter.lab.simulator.effects import Switch
from exporter.lab.simulator.expected_alerts import EXPECTATIONS, Expectation
from exporter.lab.simulator.incident import Effect, Parameter, Scenario, Scope
from exporter.prometheus.durations import DAY, HOUR, MINUTE

_ANY: Final = ("inbound", "mixed", "outbound")
_INBOUND: Final = ("inbound", "mixed")
_OUTBOUND: Final = ("outbound", "mixed")
_OUTBOUND_FIRST: Final = ("outbound", "mixed", "inbound")


def _scenario(
    name: str,
    scope: Scope,
    apply: Effect,
    duration: float,
    meaning: str,
    *more: Parameter,
    traffic: tuple[str, ...] = _ANY,
    role: Literal["any", "spare"] = "any",
    hardware: bool = False,
    shifts: bool = False,
) -> Scenario:
    """Return the scenario, which has the parameters `duration` (the default is in seconds), its scope, and `more`."""
    where = () if scope == "fleet" else (Parameter(scope, "", "name", f"the {scope} that is affected"),)
    parameters = (*where, Parameter("duration", float(duration), "s", "how long it lasts"), *more)
    expected, allowed = EXPECTATIONS.get(name, Expectation())
    others = tuple(alert for alert in allowed if alert not in expected)
    return Scenario(name, meaning, scope, parameters, apply, expected, others, traffic, role, hardware, shifts)


def _size(default: float, unit: str, meaning: str) -> Parameter:
    return Parameter("size", default, unit, meaning)


def _ramp(default: float) -> Parameter:
    return Parameter("ramp", float(default), "s", "how long it takes to rise to its size")


_PERIOD: Final = Parameter(
    "period", 10.0 * MINUTE, "s", "the unit is removed once in this time, and added again after half of it"
)
_HIT_UNITS: Final = Parameter("units", 3, "units", "this many units are hit")
_DOWN: Final = Parameter(
    "destination",
    "",
    "name",
    "this destination, or each destination of this class, fails instead; size then has no effect",
)
_SLOW: Final = Parameter(
    "destination", "", "name", "this destination, or each destination of this class, is slow instead"
)
_FEATURE: Final = Parameter("feature", "Sophos", "text", "the key is for this feature")
_RELEASE: Final = Parameter("version", "10.0.1-087", "text", "the unit runs this release")

_HISTORY_ONLY: Final = "only `backfill` and `backtest` can play this"
"""They write the samples themselves. A live fleet answers every scrape, always with the same certificate."""

# fmt: off
_ROWS: Final = (
    # Attacks and mail
    _scenario("jabberer", "unit", effect.jabber, 40 * MINUTE,
              "A heavy sender floods one unit, because session persistence keeps the sender there.",
              _size(1.6, "x capacity", "the unit gets this many times the mail that it can handle"), _ramp(2 * MINUTE),
              traffic=_INBOUND),
    _scenario("flood", "pool", effect.flood, 45 * MINUTE,
              "A distributed attack floods all units of a pool, some more than others.",
              _size(1.8, "x capacity", "the pool gets this many times the mail that it can handle"), _ramp(2 * MINUTE),
              traffic=_INBOUND),
    _scenario("partial-flood", "pool", effect.partial_flood, 45 * MINUTE,
              "A distributed attack floods some units of a pool.",
              _size(1.8, "x capacity", "the units that are hit get this many times the mail that they can handle"),
              _HIT_UNITS, _ramp(2 * MINUTE), traffic=_INBOUND),
    _scenario("hailstorm", "pool", effect.flood, 8 * MINUTE,
              "A short and violent attack floods all units of a pool.",
              _size(3.5, "x capacity", "the pool gets this many times the mail that it can handle"), _ramp(MINUTE / 2),
              traffic=_INBOUND),
    _scenario("slow-connections", "pool", effect.hold_slots, 30 * MINUTE,
              "Idle connections hold the slots of a pool, so that mail cannot get in.",
              _size(0.98, "share", "this share of the connection slots of each unit is held"), _ramp(2 * MINUTE),
              traffic=_INBOUND),
    _scenario("dha", "pool", effect.harvest, HOUR,
              "A directory harvest attack tries addresses that do not exist.",
              _size(9, "x busiest hour", "this many times the rejected recipients of the busiest hour are added"),
              _ramp(2 * MINUTE), traffic=_INBOUND),
    _scenario("bounce-storm", "pool", effect.bounce, HOUR,
              "The units send bounces to forged senders, because of mail that cannot be delivered.",
              _size(0.05, "x busiest hour",
                    "this share of the mail of the busiest hour is added, and cannot be delivered"),
              _ramp(2 * MINUTE)),
    _scenario("outbound-abuse", "unit", effect.abuse, HOUR,
              "A compromised account sends spam through one outbound unit.",
              _size(3, "x busiest hour", "with the spam, the unit gets this many times its usual mail in the "
                                         "busiest hour; the amount of spam is the same at all hours"),
              _ramp(2 * MINUTE), traffic=_OUTBOUND),
    _scenario("size-bomb", "unit", effect.enlarge, 30 * MINUTE,
              "One unit gets very large messages.",
              _size(30, "x", "the messages are this many times as large as usual"), _ramp(MINUTE)),
    _scenario("newsletter", "unit", effect.burst, 4 * MINUTE,
              "One unit gets a newsletter, as on any day.",
              _size(4000, "messages", "the unit gets this many messages in addition")),
    _scenario("list-bomb", "pool", effect.burst, 45 * MINUTE,
              "One mailbox gets confirmations of thousands of lists; the metrics cannot show this.",
              _size(3000, "messages", "the pool gets this many messages in addition"), traffic=_INBOUND),
    _scenario("snowshoe", "pool", effect.spread_thin, 3 * HOUR,
              "Many senders send a little spam each; the metrics cannot show this.",
              _size(0.04, "x busiest hour", "this share of the mail of the busiest hour is added as spam"),
              _ramp(10 * MINUTE), traffic=_INBOUND),
    _scenario("mail-stopped", "pool", effect.scale_demand, 30 * MINUTE,
              "Almost no mail reaches a pool, because of a fault in front of it.",
              _size(0.01, "share", "this share of the mail still comes"), _ramp(0), traffic=_INBOUND),
    _scenario("growth", "fleet", effect.scale_demand, 30 * DAY,
              "Mail grows until the fleet is too small.",
              _size(2, "x", "after the ramp, this many times as much mail comes as before"), _ramp(14 * DAY)),
    _scenario("holiday", "fleet", effect.scale_good_mail, 7 * DAY,
              "People are on holiday: there is little good mail, but as much spam as usual.",
              _size(0.3, "x", "this many times as much good mail comes as usual"), _ramp(0)),
    _scenario("dst", "fleet", effect.shift_day, 14 * DAY,
              "Daylight saving time begins: all mail comes an hour earlier.",
              _size(1, "h", "mail comes this many hours earlier")),

    # Service and delivery
    _scenario("unit-slow", "unit", effect.slow_disk, HOUR,
              "A failed drive slows one unit.",
              _size(0.5, "share", "the unit handles this share of the arriving mail, and the rest waits")),
    _scenario("pool-slow", "pool", effect.slow_lookups, 90 * MINUTE,
              "A service that all units need, such as DNS, is slow.",
              _size(0.5, "share", "the units handle this share of the arriving mail, and the rest waits")),
    _scenario("destination-down", "pool", effect.take_destination_down, 3 * HOUR,
              "The destinations that get most mail do not answer.",
              _size(0.3, "share", "the largest destinations fail; together they get at least this share of the mail"),
              _DOWN, traffic=_OUTBOUND_FIRST),
    _scenario("destination-slow", "pool", effect.slow_destination, 3 * HOUR,
              "The destination that gets most mail takes only a part of it.",
              _size(0.7, "share", "the destination does not take this share of its recipients"), _SLOW,
              traffic=_OUTBOUND_FIRST),
    _scenario("delivery-starved", "pool", effect.starve_delivery, HOUR,
              "The network or the next hop slows delivery, so that more mail comes than leaves.",
              _size(0.6, "share", "a delivery is tried for this share of the new recipients, and the others wait")),
    _scenario("queue-paused", "unit", effect.turn_on(Switch.PAUSED), 30 * MINUTE,
              "An operator pauses the work queue of one unit."),
    _scenario("receiving-suspended", "unit", effect.turn_on(Switch.SUSPENDED), HOUR,
              "An operator suspends the listeners of one unit.", shifts=True),

    # Units and hardware
    _scenario("unit-down", "unit", effect.turn_on(Switch.DEAD), HOUR,
              "One unit is down, and its peers get its mail.", shifts=True),
    _scenario("site-down", "site", effect.turn_on(Switch.DEAD), HOUR,
              "A whole site is down, and the other sites get its mail.", shifts=True),
    _scenario("reboot", "unit", effect.turn_on(Switch.DEAD), 4 * MINUTE,
              "One unit restarts.", shifts=True),
    _scenario("spare-promoted", "unit", effect.turn_on(Switch.PROMOTED), 2 * HOUR,
              "The load balancer starts to send mail to a spare.", role="spare"),
    _scenario("lb-toggle", "unit", effect.toggle_rotation, 30 * MINUTE,
              "The load balancer removes one unit and adds it again, many times.", _PERIOD),
    _scenario("raid-fault", "unit", effect.turn_on(Switch.DRIVE_FAILED), DAY,
              "A drive of one unit fails, but nothing gets slower.", hardware=True),
    _scenario("fan-fault", "unit", effect.turn_on(Switch.FAN_FAILED), DAY,
              "A fan of one unit stops.", hardware=True),
    _scenario("psu-fault", "unit", effect.turn_on(Switch.SUPPLY_FAILED), DAY,
              "A power supply of one unit fails.", hardware=True),
    _scenario("temperature", "unit", effect.heat_up, 2 * HOUR,
              "The cooling around one unit fails.",
              _size(28, "degrees C", "it gets this many degrees Celsius warmer"), _ramp(20 * MINUTE), hardware=True),
    _scenario("log-disk", "unit", effect.fill_log, 8 * HOUR,
              "The log disk of one unit fills up.",
              _size(10, "percentage points an hour", "in an hour, the disk gets this many percentage points fuller")),

    # Management
    _scenario("key-expiring", "unit", effect.set_key_expiry, 2 * DAY,
              "A feature key of one unit expires soon.",
              _size(20, "days", "the key expires this many days after the scenario begins"), _FEATURE),
    _scenario("key-expired", "unit", effect.set_key_expiry, 2 * DAY,
              "A feature key of one unit expires.",
              _size(0, "days", "the key expires this many days after the scenario begins"), _FEATURE),
    _scenario("update-failing", "unit", effect.turn_on(Switch.UPDATES_FAIL), DAY,
              "One unit can no longer fetch updates of its engines."),
    _scenario("version-mismatch", "unit", effect.change_version, 3 * DAY,
              "One unit runs another release than its peers.", _RELEASE),
    _scenario("version-too-old", "unit", effect.change_version, DAY,
              "One unit runs a release that is older than minimum_version in fleet.yml.",
              replace(_RELEASE, default="9.8.1-021")),
    _scenario("counter-reset", "unit", effect.reset_counters, MINUTE,
              "An operator resets the counters of one unit, but not its lifetime counters."),

    # Monitoring
    _scenario("snmp-dead", "unit", effect.turn_on(Switch.SNMP_DEAD), 2 * HOUR,
              "The SNMP agent of one unit does not answer."),
    _scenario("snmp-drops", "fleet", effect.drop_requests, 2 * HOUR,
              "The SNMP agents drop many requests, as AsyncOS sometimes does.",
              _size(0.15, "share", "this share of the requests is dropped")),
    _scenario("xml-dead", "unit", effect.turn_on(Switch.XML_DEAD), 2 * HOUR,
              "The web interface of one unit does not answer, neither the status page nor REST."),
    _scenario("rest-dead", "unit", effect.turn_on(Switch.REST_DEAD), 2 * HOUR,
              "The REST interface of one unit does not answer, but its status page does."),
    _scenario("auth-failure", "unit", effect.turn_on(Switch.PASSWORD_REFUSED), 2 * HOUR,
              "The web interface of one unit no longer accepts the password of the exporter."),
    _scenario("certificate-expiring", "unit", effect.set_certificate_expiry, 2 * HOUR,
              f"The certificate of one unit's web interface expires soon; {_HISTORY_ONLY}.",
              _size(10, "days", "the certificate expires this many days after the scenario begins")),
    _scenario("blackout", "fleet", effect.turn_on(Switch.NOT_SCRAPED), 30 * MINUTE,
              f"The monitoring is down and takes no samples; {_HISTORY_ONLY}."),
    _scenario("rare-scrapes", "fleet", effect.scrape_rarely, 2 * HOUR,
              f"Prometheus takes fewer samples than the rules need; {_HISTORY_ONLY}.",
              _size(120, "s", "the time from one sample to the next")),
    _scenario("exporter-restart", "fleet", effect.turn_on(Switch.EXPORTER_DOWN), MINUTE,
              f"The exporter restarts; {_HISTORY_ONLY}."),
    _scenario("quiet", "fleet", effect.do_nothing, DAY,
              "Nothing happens."),
)
# fmt: on

SCENARIOS: Final = {scenario.name: scenario for scenario in _ROWS}
"""Every scenario by its name."""
