"""The cases of the backtest: every scenario of the simulator, and harder ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from exporter.lab.simulator.incident import Alert
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.prometheus.durations import DAY, HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class Case:
    """An entry of the backtest: scenarios on a topology, and what must come of them."""

    name: str
    scenarios: tuple[str, ...]
    """As texts. Without any, nothing happens but what happens every day."""
    length: int
    """Seconds that it is watched from the onset."""
    topology: str = "campus"
    minutes: float | None = None
    """Minutes that the right alert may take; None for no limit."""
    expected: tuple[Alert, ...] = ()
    """The right alerts, if they are others than those of the first scenario."""
    unit: str = ""
    """The unit on which `expected` must fire; empty for any unit of the scenarios."""
    never: tuple[str, ...] = ()
    """Alerts that must not fire, although the scenarios allow them."""
    history: bool = True
    """Whether Prometheus knows the two weeks before: by `night` twelve days of them."""
    rated: bool = True
    """Whether fleet.yml says what the units can handle."""
    night: bool = False
    """Whether it begins at night."""
    bursty: bool = False
    """Whether mail comes in bursts, as people send it, and the fleet has oddities that harm nobody."""
    blind: int = 0
    """Seconds after the onset without samples, for a Prometheus that is started then."""
    rest: bool = False
    """Whether the exporter reads the REST interfaces, in every trial of the case."""


MINUTES: Final[Mapping[str, float]] = {
    "jabberer": 6,
    "flood": 6,
    "hailstorm": 4,
    "slow-connections": 5,
    "outbound-abuse": 9,
    "unit-slow": 11,
    "raid-fault": 6,
    "pool-slow": 15,
    "size-bomb": 17,
    "bounce-storm": 12,
    "dha": 15,
    "unit-down": 5,
    "delivery-starved": 8,
    "snmp-dead": 35,
    "destination-down": 10,
}
"""Minutes from the onset within which the right alert must fire."""

_LENGTHS: Final[Mapping[str, int]] = {
    "growth": 8 * DAY,
    "holiday": 8 * DAY,
    "dst": 3 * DAY,
    "version-mismatch": 26 * HOUR,
    "log-disk": 9 * HOUR,
    "update-failing": 12 * HOUR,
    "quiet": 2 * HOUR,
}
"""Seconds for which a scenario is watched, if it needs more than `_LONGEST`."""

_PARAMETERS: Final[Mapping[str, str]] = {"blackout": ",duration=10m", "growth": ",ramp=28d"}
"""Parameters other than the defaults. Growth is slower here: mail that grows by half in a week looks like an attack."""

_TAIL: Final = HOUR
_LONGEST: Final = 4 * HOUR


def _plain_case(name: str) -> Case:
    duration = SCENARIOS[name].parameter("duration")
    lasts = float(duration.default) if duration else 0.0
    length = _LENGTHS.get(name, min(int(lasts) + _TAIL, _LONGEST))
    return Case(name, (name + _PARAMETERS.get(name, ""),), length, minutes=MINUTES.get(name))


_JABBERER: Final = ("IronPortJabbererSuspected",)
_FLOOD_NAME: Final = ("IronPortDistributedAttackSuspected",)
_FLOOD_ALERT: Final = (Alert("IronPortDistributedAttackSuspected", "critical"),)
_OVERLOADED: Final = (Alert("IronPortPoolOverloaded", "critical"),)
_UNIT_OVERLOADED: Final = (Alert("IronPortUnitOverloaded", "warning"),)
_TOO_FEW_UNITS: Final = (Alert("IronPortCapacityInsufficient", "critical"), *_OVERLOADED, *_UNIT_OVERLOADED)
_POOL_UNKNOWN: Final = (Alert("IronPortPoolBackloggedCauseUnknown", "critical"),)
_STUCK: Final = (Alert("IronPortDestinationStuck", "warning"),)
_UNIT_UNKNOWN: Final = (Alert("IronPortUnitBackloggedCauseUnknown", "warning"),)

CASES: Final = (
    *(_plain_case(name) for name in SCENARIOS if name != "rest-dead"),
    # RestDown needs no history, and a second one, with REST, takes minutes.
    Case("rest-dead", ("rest-dead",), HOUR, minutes=7, rest=True, history=False),
    Case("jabberer by night", ("jabberer",), 90 * MINUTE, minutes=7, night=True),
    Case("flood by night", ("flood",), 2 * HOUR, minutes=9, night=True),
    Case("destination-down by night", ("destination-down",), 4 * HOUR, night=True),
    Case(
        "smaller client down", ("destination-down,destination=uni-b.example",), 90 * MINUTE, minutes=10, expected=_STUCK
    ),
    Case(
        "own mail server down",
        ("destination-down,destination=med.campus.example",),
        90 * MINUTE,
        minutes=10,
        expected=(Alert("IronPortDestinationStuck", "critical"),),
    ),
    Case(
        "small server of our own down",
        ("destination-down,destination=lists.campus.example",),
        90 * MINUTE,
        minutes=10,
        expected=_STUCK,
    ),
    Case(
        "all own mail servers down",
        ("destination-down,destination=internal",),
        90 * MINUTE,
        minutes=10,
        expected=(Alert("IronPortInternalMailDelayed", "critical"),),
    ),
    Case(
        "three of six flooded",
        ("partial-flood,units=3",),
        90 * MINUTE,
        minutes=9,
        expected=_FLOOD_ALERT,
        never=_JABBERER,
    ),
    Case(
        "survivor of a ring of two",
        ("unit-down,unit=ring1,duration=90m", "growth,size=1.35,ramp=1s,duration=90m"),
        2 * HOUR,
        topology="pair",
        minutes=30,
        expected=_TOO_FEW_UNITS,
        unit="ring2",
        never=_JABBERER,
    ),
    Case(
        "survivor of a ring of two in a busy hour",
        ("growth,size=1.4,ramp=1s,duration=3h", "unit-down@+30m,unit=ring1,duration=90m"),
        150 * MINUTE,
        topology="pair",
        minutes=40,
        expected=_TOO_FEW_UNITS,
        unit="ring2",
        never=_JABBERER,
    ),
    Case(
        "survivors of a ring of three",
        ("growth,size=1.6,ramp=1s,duration=2h", "unit-down@+30m,unit=mx1,duration=45m"),
        2 * HOUR,
        topology="trio",
        minutes=40,
        expected=_TOO_FEW_UNITS,
        never=_JABBERER,
    ),
    Case(
        "spare brought in while mail is heavy",
        ("spare-promoted,unit=spare1", "growth,size=1.45,ramp=1s,duration=2h"),
        150 * MINUTE,
        never=(*_JABBERER, *_FLOOD_NAME),
    ),
    Case(
        "most destinations down",
        ("destination-down,size=0.8",),
        2 * HOUR,
        minutes=20,
        expected=(Alert("IronPortDeliveryBacklog", "critical"),),
    ),
    Case(
        "size bomb after a repaired slow pool",
        ("pool-slow,duration=30m", "size-bomb@+50m,unit=mx1"),
        2 * HOUR,
        minutes=60,
        expected=(Alert("IronPortUnitSlow", "warning"),),
        unit="mx1",
    ),
    Case("ring of two, slow", ("pool-slow",), 90 * MINUTE, topology="pair", minutes=15),
    Case("ring of two, size bomb", ("size-bomb",), 90 * MINUTE, topology="pair", minutes=17),
    Case("ring of two, jabberer", ("jabberer",), 90 * MINUTE, topology="pair", minutes=7),
    Case("small unit in a mixed pool", ("quiet",), DAY, topology="mixed"),
    Case("flood through edge and core", ("flood,pool=edge",), 2 * HOUR, topology="rings", minutes=9),
    Case("edge and core flooded", ("flood,pool=edge", "flood@+3m,pool=core"), 2 * HOUR, topology="rings", minutes=9),
    Case(
        "one site lost under a flood",
        ("site-down", "flood@+5m"),
        2 * HOUR,
        minutes=15,
        expected=(*_FLOOD_ALERT, *_OVERLOADED),
    ),
    Case("attack while the load balancer toggles", ("flood", "lb-toggle@+5m,unit=mx2"), 2 * HOUR, minutes=9),
    Case("flood, exporter restarted", ("flood", "exporter-restart@+3m"), 2 * HOUR, minutes=9),
    Case("flood, ratings learned", ("flood",), 2 * HOUR, minutes=9, rated=False),
    Case("jabberer, ratings learned", ("jabberer",), 2 * HOUR, minutes=7, rated=False),
    Case("pool slow, ratings learned", ("pool-slow",), 2 * HOUR, minutes=15, rated=False),
    Case("fresh install, flood", ("flood",), HOUR, minutes=9, history=False, rated=False, expected=_POOL_UNKNOWN),
    Case("fresh install, flood, rated", ("flood",), HOUR, minutes=9, history=False, expected=_OVERLOADED),
    Case("fresh install, jabberer, rated", ("jabberer",), HOUR, minutes=7, history=False),
    Case("fresh install, jabberer", ("jabberer",), HOUR, minutes=9, history=False, rated=False, expected=_UNIT_UNKNOWN),
    Case(
        "second server from mid-attack, flood",
        ("flood",),
        HOUR,
        minutes=15,
        blind=300,
        history=False,
        expected=_OVERLOADED,
    ),
    Case("second server from mid-attack, jabberer", ("jabberer",), HOUR, minutes=15, blind=300, history=False),
    Case("second server from mid-attack, pool slow", ("pool-slow",), HOUR, minutes=20, blind=300, history=False),
)
"""Every case, in the order of the published table."""


def quiet_case(weeks: int, topology: str, *, bursty: bool) -> Case:
    """Return the case of so many weeks in which nothing happens but what happens every day."""
    name = f"{weeks} {'bursty ' * bursty}quiet weeks, {topology}"
    return Case(name, (), weeks * 7 * DAY, topology=topology, bursty=bursty)
