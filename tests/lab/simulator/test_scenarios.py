"""What each scenario changes, and that it changes nothing else: each against the same seed without it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from exporter.lab.simulator.incident import Scenario
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.noise import Floats
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.state import HARD_BOUNCE_COUNTS, Cargo, Count
from exporter.lab.simulator.topology import load_topology
from exporter.metrics.reading import Items
from support.simulated import START, model_at_start

SIGNALS = (
    "queue",  # messages in the work queue, at the end
    "arrivals",
    "connections",  # new ones
    "conn_in",  # at the end
    "session",  # mean seconds
    "rejected",
    "exit",  # messages that left the work queue
    "message_kib",  # in the queue, per message
    "bounces",  # made by the units
    "hard",  # bounced
    "soft",
    "attempted",  # at the end
    "unattempted",
    "oldest",  # age in the delivery queue
)


@dataclass(frozen=True)
class Run:
    """The figures of some minutes: each signal by unit, and every item of both sources at the end."""

    signals: dict[str, Floats]
    items: dict[str, Items]
    units: Sequence[int]

    def of(self, signal: str, units: Sequence[int]) -> float:
        values = self.signals[signal][list(units)]
        return float(values.mean() if signal in ("session", "message_kib", "oldest") else values.sum())


@cache
def run(text: str, minutes: int, hour: int = 0) -> Run:
    model = Model(load_topology("campus"), 1, START + hour * 3600)
    units = model.begin(parse_scenario(text)).units.tolist()
    state = model.state
    # The first two minutes are left out: attacks rise.
    model.advance(model.time + 120)
    before, queue = state.counts.copy(), state.queue.copy()
    model.advance(model.time + (minutes - 2) * 60)
    added = (state.counts - before).astype(float)
    connections = added[Count.INJECTION_CONNECTIONS]
    signals = {
        "queue": state.queue.astype(float),
        "arrivals": added[Count.INJ_MSGS],
        "connections": connections,
        "conn_in": state.connections_in.astype(float),
        "session": state.connections_in / np.maximum(connections / (minutes - 2) / 60, 0.01),
        "rejected": added[Count.REJECTED_RECIPS],
        "exit": added[Count.INJ_MSGS] - (state.queue - queue),
        "message_kib": state.cargo[Cargo.KIB] / np.maximum(state.queue, 1),
        "bounces": added[Count.GEN_BOUNCE_RECIPS],
        "hard": added[HARD_BOUNCE_COUNTS].sum(axis=0),
        "soft": added[Count.SOFT_BOUNCED_EVTS],
        "attempted": state.attempted.astype(float),
        "unattempted": state.unattempted.astype(float),
        "oldest": model.time - state.oldest,
    }
    view = model.view
    items = {name: {**view.xml_items(name), **view.snmp_items(name)} for name in model.fleet.names}
    return Run(signals, items, units)


Check = Callable[[float, float], bool]


def times(least: float, most: float = 1e9) -> Check:
    """Accept a figure between these multiples of the one without the scenario (a little is not nothing)."""
    return lambda now, usual: least * usual <= now <= most * max(usual, 1)


def between(least: float, most: float) -> Check:
    return lambda now, usual: least <= now <= most


FLAT: Check = lambda now, usual: abs(now - usual) <= 0.1 * usual + 40  # noqa: E731 - a row's default, like its others
UP = times(1.5)
DOWN: Check = times(0, 0.87)
FREE: Check = lambda now, usual: True  # noqa: E731 - follows from the rest of the row

CAPACITY = 140_000 / 60
"""Messages a minute of an inbound unit."""

ATTACK: dict[str, Check] = {
    "queue": lambda now, usual: now > 1.5 * CAPACITY,
    "arrivals": times(1.5),
    "connections": UP,
    "conn_in": UP,
    "message_kib": FREE,
    "session": FREE,
    "exit": times(1.1),
    "oldest": FREE,
    "unattempted": FREE,
}
"""More mail than can be worked on: what comes of it in the rest of the figures is not told apart."""

SLOW: dict[str, Check] = {
    "queue": lambda now, usual: now > 2 * CAPACITY,
    "exit": times(0, 0.75),
    "message_kib": FREE,
    "bounces": DOWN,
    "hard": DOWN,
    "soft": DOWN,
    "attempted": DOWN,
    "unattempted": FREE,
    "oldest": FREE,
}
"""As much mail as ever, and less of it gets through."""

FLOWS: dict[str, tuple[str, int, dict[str, Check]]] = {
    "jabberer": ("jabberer", 10, ATTACK),
    "flood": ("flood", 10, ATTACK | {"rejected": UP}),
    "hailstorm": ("hailstorm", 7, ATTACK | {"arrivals": times(3), "rejected": UP, "bounces": FREE, "hard": FREE}),
    "slow-connections": (
        "slow-connections",
        12,
        {
            "arrivals": times(0, 0.3),
            "connections": times(0, 0.4),
            "conn_in": between(6 * 295, 6 * 300),
            "session": between(30, 90),
            "rejected": DOWN,
            "exit": times(0, 0.3),
            "bounces": DOWN,
            "hard": DOWN,
            "soft": DOWN,
            "attempted": FREE,
            "unattempted": DOWN,
            "queue": FREE,
            "message_kib": FREE,
        },
    ),
    "dha": (
        "dha",
        20,
        {"connections": times(3, 4), "conn_in": times(2.5, 4.5), "rejected": times(5, 12)},
    ),
    "bounce-storm": (
        "bounce-storm",
        20,
        {"bounces": times(5, 20), "hard": times(4, 20), "soft": UP, "attempted": UP, "unattempted": FREE},
    ),
    "outbound-abuse": (
        "outbound-abuse",
        10,
        ATTACK | {"arrivals": times(2, 4), "bounces": UP, "hard": UP, "soft": UP, "attempted": FREE},
    ),
    "unit-slow": ("unit-slow", 18, SLOW),
    "pool-slow": ("pool-slow", 20, SLOW),
    "size-bomb": (
        "size-bomb",
        15,
        SLOW | {"message_kib": lambda now, usual: now > 10 * 25, "session": UP, "conn_in": UP, "attempted": FREE},
    ),
    "destination-down": (
        "destination-down",
        40,
        {"soft": times(3), "attempted": times(3), "oldest": FREE, "bounces": FREE, "hard": FREE, "unattempted": FREE},
    ),
    "destination-slow": (
        "destination-slow",
        40,
        {"soft": times(2), "attempted": times(2), "oldest": FREE, "bounces": FREE, "hard": FREE, "unattempted": FREE},
    ),
    "delivery-starved": (
        "delivery-starved",
        20,
        {"unattempted": times(20), "bounces": DOWN, "hard": DOWN, "soft": DOWN, "attempted": DOWN},
    ),
    "queue-paused": ("queue-paused", 15, SLOW | {"exit": between(0, 0), "unattempted": between(0, 1)}),
    "receiving-suspended": (
        "receiving-suspended",
        15,
        dict.fromkeys(("arrivals", "connections", "conn_in", "rejected"), between(0, 0))
        | dict.fromkeys(("session", "exit", "bounces", "hard", "soft", "attempted", "unattempted"), DOWN)
        | {"oldest": FREE, "message_kib": FREE},
    ),
    "mail-stopped": (
        "mail-stopped",
        15,
        dict.fromkeys(("arrivals", "connections", "conn_in", "rejected", "exit", "unattempted"), times(0, 0.1))
        | dict.fromkeys(("bounces", "hard", "soft", "attempted"), DOWN)
        | {"oldest": FREE, "session": FREE, "queue": FREE, "message_kib": FREE},
    ),
    "holiday": (
        "holiday",
        30,
        dict.fromkeys(("arrivals", "connections", "conn_in", "rejected", "exit", "unattempted"), times(0.1, 0.7))
        | dict.fromkeys(("bounces", "hard", "soft", "attempted"), DOWN)
        | {"oldest": FREE, "session": FREE, "queue": FREE, "message_kib": FREE},
    ),
    "newsletter": (
        "newsletter,duration=10m",
        8,
        dict.fromkeys(("arrivals", "connections", "conn_in", "exit"), times(1.1, 3))
        | {"bounces": FREE, "hard": FREE, "queue": between(0, 500)},
    ),
    "list-bomb": ("list-bomb", 40, {}),
    "snowshoe": ("snowshoe", 40, {"queue": FREE}),
    "growth": ("growth", 40, {}),
    "quiet": ("quiet", 40, {}),
}
"""Scenarios of the mail itself: how they are written, minutes, and the signals that are not flat."""


@pytest.mark.parametrize("name", FLOWS)
def test_a_scenario_changes_only_its_own_signals(name: str) -> None:
    text, minutes, signals = FLOWS[name]
    now, usual = run(text, minutes), run("quiet", minutes)
    for signal in SIGNALS:
        with_it, without = now.of(signal, now.units), usual.of(signal, now.units)
        check = signals.get(signal, FLAT)
        assert check(with_it, without), f"{signal} was {without:g} and is {with_it:g}"


@pytest.mark.parametrize("name", FLOWS)
def test_a_scenario_leaves_all_other_units_unchanged(name: str) -> None:
    text, minutes, _ = FLOWS[name]
    now, usual = run(text, minutes), run("quiet", minutes)
    others = [unit for number, unit in enumerate(now.items) if number not in now.units]
    assert [unit for unit in others if now.items[unit] != usual.items[unit]] == []


FACTS = {
    "raid-fault": {"raidStatus", "raidEvents"},
    "fan-fault": {"fanRPMs"},
    "psu-fault": {"powerSupplyStatus", "powerSupplyRedundancy"},
    "temperature": {"degreesCelsius", "fanRPMs"},
    "log-disk,size=20": {"gauges/log_used/current", "gauges/log_available/current"},
    "key-expiring": {"features/time_remaining", "keySecondsUntilExpire"},
    "key-expired": {"features/time_remaining", "keySecondsUntilExpire"},
    "update-failing": {"updates", "updateFailures"},
    "version-mismatch": {"status/build", "sysDescr"},
    "version-too-old": {"status/build", "sysDescr"},
    "counter-reset": {"last_counter_reset/timestamp"},
    "snmp-dead,duration=10m": {"sysUpTime"},  # the agent starts anew
    "xml-dead": set(),
    "rest-dead": set(),
    "auth-failure": set(),
    "blackout": set(),
    "rare-scrapes": set(),
    "certificate-expiring": set(),
    "exporter-restart": set(),
}


@pytest.mark.parametrize("text", FACTS)
def test_a_fault_shows_in_its_items_only(text: str) -> None:
    now, usual = run(text, 40), run("quiet", 40)
    changed = {
        name
        for unit in now.items
        for name in now.items[unit]
        if now.items[unit][name] != usual.items[unit][name] and not name.endswith("/reset")
    }
    assert changed == FACTS[text]
    hit = [unit for unit in now.items if now.items[unit] != usual.items[unit]]
    assert hit == (["mx1"] if FACTS[text] else [])


def test_failed_keys_and_parts_read_as_real() -> None:
    expired = run("key-expired", 40).items["mx1"]
    assert expired["features/time_remaining"]["Sophos",] == str(-40 * 60)
    assert expired["keySecondsUntilExpire"]["Sophos",] == 0
    assert run("fan-fault", 40).items["mx1"]["fanRPMs"]["Fan 3",] == 0
    assert run("raid-fault", 40).items["mx1"]["raidStatus"]["RAID 1, DISK 2",] == 2
    assert run("psu-fault", 40).items["mx1"]["powerSupplyStatus"]["PS 2",] == 4
    hot = run("temperature", 40).items["mx1"]["degreesCelsius"]
    assert (int(hot["Ambient",]) > 0.9 * 47, int(hot["Backplane",]) < 72) == (True, True)


def test_the_status_says_what_is_switched_off() -> None:
    assert run("queue-paused", 15).items["mx1"]["system/status"][()] == "work queue paused"
    assert run("receiving-suspended", 15).items["mx1"]["system/status"][()] == "receiving suspended"
    assert run("flood", 10).items["mx1"]["system/status"][()] == "online"


MOVES = {
    "unit-down": ["mx1", "mx2", "mx3", "mx4", "mx5", "mx6"],
    "lb-toggle,period=1h": ["mx1", "mx2", "mx3", "mx4", "mx5", "mx6"],
    "spare-promoted": ["mx1", "mx2", "mx3", "mx4", "mx5", "mx6", "spare1"],
}


@pytest.mark.parametrize("text", MOVES)
def test_moved_mail_stays_the_same_in_total(text: str) -> None:
    now, usual = run(text, 20), run("quiet", 20)
    assert [unit for unit in now.items if now.items[unit] != usual.items[unit]] == MOVES[text]
    pool = [0, 1, 2, 3, 4, 5, 8]
    assert now.of("arrivals", pool) == pytest.approx(usual.of("arrivals", pool), rel=0.03)
    moved = now.of("arrivals", now.units)
    assert (moved > 1000) if text == "spare-promoted" else (moved == 0)


def test_a_lost_site_leaves_its_mail_behind() -> None:
    now, usual = run("site-down", 20), run("quiet", 20)
    east, west = [0, 1, 2, 6], [3, 4, 5, 7, 8]
    assert now.of("arrivals", west) == 0
    assert now.of("arrivals", east) == pytest.approx(usual.of("arrivals", [*east, *west]), rel=0.05)


def test_a_partial_flood_hits_the_given_units() -> None:
    now, usual = run("partial-flood,units=2", 10), run("quiet", 10)
    hit = [unit for unit in range(6) if now.signals["queue"][unit] > 2 * CAPACITY]
    assert len(hit) == 2
    spared = [unit for unit in range(9) if unit not in hit]
    assert now.signals["arrivals"][spared].tolist() == usual.signals["arrivals"][spared].tolist()


def test_a_flood_hits_the_units_unevenly() -> None:
    arrivals = run("flood", 5).signals["arrivals"][:6]
    assert arrivals.max() > 1.15 * arrivals.min()


def test_attacks_bite_by_night_as_by_day() -> None:
    for text, minutes in (("jabberer", 10), ("flood", 10), ("unit-slow", 40), ("size-bomb", 30), ("queue-paused", 20)):
        night = run(text, minutes, hour=-6)
        assert min(night.signals["queue"][night.units]) > CAPACITY, text


def test_daylight_saving_shifts_the_curve_an_hour() -> None:
    shifted, later = run("dst", 30, hour=-2), run("quiet", 30, hour=-1)
    usual = run("quiet", 30, hour=-2)
    everywhere = range(9)
    assert shifted.of("arrivals", everywhere) > 1.2 * usual.of("arrivals", everywhere)
    assert shifted.of("arrivals", everywhere) == pytest.approx(later.of("arrivals", everywhere), rel=0.15)


def test_scenarios_may_run_together() -> None:
    model = model_at_start("campus", 60)
    for text in ("flood", "outbound-abuse@+2m", "unit-down@+5m,unit=mx3", "lb-toggle,unit=mx2", "raid-fault,unit=mx4"):
        model.begin(parse_scenario(text))
    model.advance(START + 900)
    assert model.state.queue[[0, 4, 5, 6]].min() > 1000
    assert not model.view.transport("mx3").xml
    assert model.view.snmp_items("mx4")["raidStatus"]["RAID 1, DISK 2",] == 2
    assert len(model.truth()) == 5


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("snmp-dead", {"snmp"}),
        ("xml-dead", {"xml", "rest"}),
        ("rest-dead", {"rest"}),
        ("auth-failure", {"admits"}),
        ("blackout", {"scraped"}),
        ("exporter-restart", {"answered"}),
    ],
)
def test_a_transport_fault_changes_the_transport_only(text: str, fields: set[str]) -> None:
    model = model_at_start("campus", 60)
    model.begin(parse_scenario(text))
    model.advance()
    hit, usual = model.view.transport("mx1"), model_at_start("campus", 60).view.transport("mx1")
    peer = model.view.transport("mx2")
    for name in ("snmp", "xml", "rest", "admits", "scraped", "answered"):
        assert getattr(usual, name) is True
        assert getattr(hit, name) is (name not in fields)
        assert getattr(peer, name) is (name not in fields or text not in {"blackout", "exporter-restart"})


def test_dropped_requests_affect_no_page() -> None:
    model = model_at_start("campus", 60)
    model.begin(parse_scenario("snmp-drops,size=0.3"))
    model.advance()
    transports = [model.view.transport(unit.name) for unit in model.fleet.topology.appliances]
    assert {transport.snmp_loss for transport in transports} == {0.3}
    assert {transport.xml_loss for transport in transports} == {0.001}


def test_every_scenario_is_in_one_of_these_tables() -> None:
    tabled = {text.partition(",")[0] for text in (*FLOWS, *FACTS, *MOVES)}
    assert set(SCENARIOS) - tabled == {"partial-flood", "site-down", "reboot", "dst", "snmp-drops"}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_a_scenario_can_be_handed_to_another_process(scenario: Scenario) -> None:
    """The backfill spreads its periods over processes."""
    assert pickle.loads(pickle.dumps(scenario)).name == scenario.name
