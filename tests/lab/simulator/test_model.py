from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import RequestError
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.noise import Floats, Mask
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.state import Count
from exporter.lab.simulator.status_items import WINDOWS, PageName
from exporter.lab.simulator.topology import equal_units, load_topology
from exporter.lab.simulator.traffic import Senders
from exporter.metrics.reading import Items

START = 1_767_690_000.0
"""Tuesday, 6 January 2026, 09:00 UTC."""

PAGES: tuple[PageName, ...] = ("status", "dnsstatus", "tophosts", "topin")


def figures(model: Model) -> bytes:
    view = model.view
    return pickle.dumps([(view.xml_items(name, PAGES), view.snmp_items(name)) for name in model.fleet.names])


def number(items: Items, name: str) -> int:
    return int(items[name][()])


def total(items: Items, name: str, column: str = "lifetime") -> int:
    return number(items, f"counters/{name}/{column}")


def check_instant(page: Items, agent: Items, queue_kib: int) -> None:
    """Check what holds between the figures of one unit at every instant."""
    for column in ("reset", "uptime", "lifetime"):
        reasons = [total(page, f"{reason}_hard_bounced_recips", column) for reason in REASONS]
        hard, delivered = (total(page, f"{name}_recips", column) for name in ("hard_bounced", "delivered"))
        assert hard == sum(reasons)
        assert total(page, "completed_recips", column) == hard + delivered + total(page, "deleted_recips", column)
    attempted, unattempted = number(page, "gauges/attempted_recips/current"), number(page, UNATTEMPTED)
    assert number(page, "gauges/active_recips/current") == attempted + unattempted
    assert number(page, "gauges/kbytes_used/current") + number(page, "gauges/kbytes_free/current") == queue_kib
    gap = number(page, "current_ids/message_id") - total(page, "inj_msgs")
    assert gap == pytest.approx(total(page, "rejected_recips"), rel=0.05)
    assert total(page, "inj_recips") >= total(page, "inj_msgs")
    level = number(page, "gauges/resource_conservation/current")
    assert 0 <= level <= 60 or level == 999
    assert (int(agent["resourceConservationReason"][()]) > 1) == (level > 0)
    assert number(page, "oldest_message/secs") <= 300_000
    for name, rows in (*page.items(), *agent.items()):
        if name not in TEXTS:
            assert min(map(int, rows.values())) >= 0, name


REASONS = ("dns", "5xx", "filter", "expired", "other")
UNATTEMPTED = "gauges/unattempted_recips/current"
TEXTS = {
    "status/build",
    "status/hostname",
    "birth_time/timestamp",
    "last_counter_reset/timestamp",
    "system/status",
    "features/time_remaining",
    "gauges/log_available/current",
    "sysDescr",
}


def check_succession(before: Items, now: Items, *, booted: bool, reset: bool) -> None:
    """Check that counters fall only where a reboot or a reset allows it."""
    for name in before:
        kind, _, column = name.rpartition("/")
        may_fall = (column == "uptime" and booted) or (column == "reset" and reset)
        if kind.startswith("counters") and not may_fall:
            assert number(now, name) >= number(before, name), name
        if kind == "current_ids":
            assert number(now, name) >= number(before, name), name


scenario_lists = st.lists(
    st.tuples(st.sampled_from([name for name in SCENARIOS if name != "growth"]), st.integers(0, 100)), max_size=6
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**31), chosen=scenario_lists, topology=st.sampled_from(["campus", "rings", "pair"]))
def test_invariants_hold_at_every_instant(seed: int, chosen: list[tuple[str, int]], topology: str) -> None:
    model = Model(load_topology(topology), seed, START)
    for name, minutes in chosen:
        try:
            model.begin(parse_scenario(f"{name}@+{minutes}m"))
        except RequestError:
            continue  # rings and pair have neither a spare nor, rings, outbound mail
    last: dict[str, Items] = {}
    for _ in range(150):
        model.advance()
        for name in model.fleet.names:
            unit = model.fleet.index[name]
            page = model.view.xml_items(name, ("status", "dnsstatus"))
            check_instant(page, model.view.snmp_items(name), int(model.fleet.queue_kib[unit]))
            if name in last:
                booted = bool(model.state.boot[unit] >= model.time - 60)
                reset = bool(model.state.reset[unit] >= model.time - 60)
                check_succession(last[name], page, booted=booted, reset=reset)
            last[name] = page


QUIET_DAYS = 7
"""A whole week, because mail follows the week. The longest memory of the model, the quarantine's, is five days."""


@dataclass
class QuietTime:
    """Days without a scenario: `highest` queues, `added` to the totals, and what was wrong at any minute."""

    fleet: FleetArrays
    highest: Floats
    started: Floats
    added: Floats
    faults: list[str]


@pytest.fixture(scope="module")
def quiet() -> QuietTime:
    model = Model(load_topology("campus"), 5, START)
    started = before = model.state.counts.copy()
    highest, faults = np.zeros(len(model.fleet)), []
    for minute in range(QUIET_DAYS * 1440):
        model.advance()
        state = model.state
        highest = np.maximum(highest, state.queue)
        if np.any(state.counts < before):
            faults.append(f"a total fell at minute {minute}")
        if min(state.queue.min(), state.attempted.min(), state.unattempted.min(), state.quarantined.min()) < 0:
            faults.append(f"a figure is negative at minute {minute}")
        before = state.counts.copy()
        if minute % 720 == 0:
            page, agent = model.view.xml_items("mx1"), model.view.snmp_items("mx1")
            check_instant(page, agent, int(model.fleet.queue_kib[0]))
    return QuietTime(model.fleet, highest, started.astype(float), (before - started).astype(float), faults)


def test_quiet_weeks_keep_the_invariants(quiet: QuietTime) -> None:
    assert quiet.faults == []


def test_no_unit_is_backlogged_in_quiet_weeks(quiet: QuietTime) -> None:
    """A minute's worth of its capacity waits nowhere, though newsletters and pauses fill the queues now and then."""
    assert np.all(quiet.highest < 60 * quiet.fleet.capacity + 1)
    assert quiet.highest.max() > 300


def test_arrivals_of_quiet_weeks_match_the_volume(quiet: QuietTime) -> None:
    arrived = quiet.fleet.by_pool(quiet.added[Count.INJ_MSGS])
    assert arrived == pytest.approx(quiet.fleet.volume * QUIET_DAYS * 86400, rel=0.06)


def test_warm_totals_have_the_proportions_of_later_mail(quiet: QuietTime) -> None:
    production = quiet.fleet.production
    for count in Count:
        if count not in (Count.INJ_MSGS, Count.GLOBAL_UNSUB_HITS):
            shares = [
                totals[count][production] / totals[Count.INJ_MSGS][production]
                for totals in (quiet.started, quiet.added)
            ]
            assert shares[0] == pytest.approx(shares[1], rel=0.25), count


def test_only_the_same_seed_gives_the_same_bytes() -> None:
    models = [Model(load_topology("campus"), seed, START, 30) for seed in (1, 1, 2)]
    for model in models:
        model.begin(parse_scenario("flood@+1m"))
        model.advance(START + 1800)
    first, same, other = map(figures, models)
    assert first == same
    assert first != other


@settings(max_examples=8, deadline=None)
@given(stops=st.lists(st.integers(0, 3600), max_size=5))
def test_any_slicing_of_time_gives_the_same(stops: list[int]) -> None:
    whole, sliced = Model(load_topology("pair"), 1, START), Model(load_topology("pair"), 1, START)
    for model in (whole, sliced):
        model.begin(parse_scenario("jabberer@+10m"))
    whole.advance(START + 3600)
    for stop in sorted(stops):
        sliced.advance(START + stop)
        assert sliced.time <= START + stop
    sliced.advance(START + 3600)
    assert figures(whole) == figures(sliced)


def test_a_planned_scenario_equals_one_added_later() -> None:
    planned, live = Model(load_topology("campus"), 1, START), Model(load_topology("campus"), 1, START)
    planned.begin(parse_scenario("flood@+10m"))
    planned.advance(START + 1800)
    live.advance(START + 600)
    live.begin(parse_scenario("flood"))
    live.advance(START + 1800)
    assert figures(planned) == figures(live)
    assert planned.truth() == live.truth()


def test_a_fleet_recovers_from_a_stopped_scenario() -> None:
    model = Model(load_topology("campus"), 1, START)
    incident = model.begin(parse_scenario("flood,duration=3h"))
    model.advance(START + 1200)
    assert model.state.queue.sum() > 50_000
    model.stop(incident.number)
    model.advance(START + 4 * 3600)
    assert model.state.queue.sum() < 1000
    assert model.scenarios == []
    assert [row.end for row in model.truth()] == [START + 1200]


def test_a_model_starts_warm_at_a_whole_step() -> None:
    model = Model(load_topology("campus"), 1, START + 44.4, 15)
    assert model.time == START + 30
    page = model.view.xml_items("mx1")
    assert total(page, "inj_msgs") > total(page, "inj_msgs", "uptime") > 1_000_000
    assert total(page, "inj_msgs", "reset") == total(page, "inj_msgs")
    assert page["last_counter_reset/timestamp"][()] == ""
    assert number(page, "rates/inj_msgs/last_15_min") > 20_000
    assert number(page, "gauges/attempted_recips/current") > 50
    assert number(page, "gauges/conn_in/current") > 5
    words = str(page["birth_time/timestamp"][()])
    assert int(words.partition("(")[2].partition("d")[0]) >= 20


@pytest.mark.parametrize("step", [0, 7, 45, 90])
def test_a_step_must_divide_a_minute(step: int) -> None:
    with pytest.raises(RequestError, match=f"A step of {step} s is not possible; take 15, 20, 30, 60 s."):
        Model(load_topology("pair"), 1, START, step)


def test_arrivals_do_not_depend_on_the_step() -> None:
    arrived = []
    for step in (15, 60):
        model = Model(load_topology("pair"), 1, START, step)
        before = model.state.counts[Count.INJ_MSGS].sum()
        model.advance(START + 4 * 3600)
        arrived.append(model.state.counts[Count.INJ_MSGS].sum() - before)
    assert arrived[0] == pytest.approx(arrived[1], rel=0.1)


def test_shorter_steps_continue_the_longer_ones() -> None:
    """Neither a total nor a rate of the status page jumps."""
    model = Model(load_topology("pair"), 1, START, 60)
    model.advance(START + 3600)
    before = figures(model)
    rates = [number(model.view.xml_items("ring1"), f"rates/inj_msgs/{window}") for window in WINDOWS]
    model.shorten_step(15)
    assert figures(model) == before
    model.advance()
    assert model.time == START + 3615
    after = [number(model.view.xml_items("ring1"), f"rates/inj_msgs/{window}") for window in WINDOWS]
    assert after == pytest.approx(rates, rel=0.2)


@pytest.mark.parametrize("step", [7, 20, 60])
def test_shorter_steps_must_divide_the_old_one(step: int) -> None:
    model = Model(load_topology("pair"), 1, START, 30)
    with pytest.raises(RequestError, match=f"Steps of 30 s cannot be cut into steps of {step} s"):
        model.shorten_step(step)


def test_senders_move_only_when_the_membership_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(load_topology("campus"), 1, START)
    hashed: list[float] = []
    real = Senders.shares

    def shares(senders: Senders, members: Mask) -> Floats:
        hashed.append(model.time)
        return real(senders, members)

    monkeypatch.setattr(Senders, "shares", shares)
    model.begin(parse_scenario("flood@+2m"))
    model.begin(parse_scenario("unit-down@+10m,unit=mx2,duration=20m"))
    model.advance(START + 3600)
    assert hashed == [START + 600, START + 1800]


def test_a_dead_units_mail_goes_to_its_peers() -> None:
    model, quiet = Model(load_topology("pair"), 1, START), Model(load_topology("pair"), 1, START)
    model.begin(parse_scenario("unit-down,unit=ring1,duration=20m"))
    before, started = model.view.xml_items("ring1"), model.state.counts[Count.INJ_MSGS].sum()
    for one in (model, quiet):
        one.advance(START + 1200)
    dead = model.view.xml_items("ring1")
    assert total(dead, "inj_msgs") == total(before, "inj_msgs")
    assert not model.view.transport("ring1").snmp
    assert not model.view.transport("ring1").xml
    arrived = [one.state.counts[Count.INJ_MSGS].sum() - started for one in (model, quiet)]
    assert arrived[0] == pytest.approx(arrived[1], rel=0.05)
    model.advance(START + 1500)
    back = model.view.xml_items("ring1")
    assert "(5m 0s)" in str(back["birth_time/timestamp"][()])
    assert total(back, "inj_msgs", "uptime") < total(back, "inj_msgs")
    assert total(back, "inj_msgs", "uptime") == total(back, "inj_msgs") - total(dead, "inj_msgs")
    assert model.view.snmp_scalars("ring1")["sysUpTime"] == 300 * 100


def test_a_counter_reset_changes_its_column_only() -> None:
    model = Model(load_topology("pair"), 1, START)
    before = model.view.xml_items("ring1")
    model.begin(parse_scenario("counter-reset,unit=ring1"))
    model.advance(START + 120)
    now = model.view.xml_items("ring1")
    assert total(now, "inj_msgs", "reset") < 10_000 < total(before, "inj_msgs", "reset")
    assert total(now, "inj_msgs", "uptime") >= total(before, "inj_msgs", "uptime")
    assert now["last_counter_reset/timestamp"][()] == "20260106090000"


def test_the_core_gets_what_the_edge_delivers() -> None:
    model = Model(load_topology("rings"), 1, START)
    edge, core = model.fleet.pool == 0, model.fleet.pool == 1
    before = model.state.counts.copy()
    model.advance(START + 3600)
    added = model.state.counts - before
    delivered = added[Count.DELIVERED_RECIPS][edge].sum() / 1.3
    assert added[Count.INJ_MSGS][core].sum() == pytest.approx(delivered, rel=0.03)
    model.begin(parse_scenario("flood,pool=core,duration=1h"))
    model.advance(START + 7200)
    assert model.state.stuck[edge].sum() > 1000
    model.advance(START + 5 * 3600)
    assert model.state.stuck[edge].sum() == 0


def test_mail_grows_from_year_to_year(tmp_path: Path) -> None:
    """The same hour with the same noise, of a pool that grows by 1000 % a year and of one that does not."""
    arrived = []
    for growth in (0, 10):
        path = tmp_path / "fleet.yml"
        path.write_text(
            f"pools: {{p: {{daily_messages: 1000000, growth_per_year: {growth}}}}}\n"
            "appliances: [{name: a, pool: p, rated_messages_per_hour: 200000}]\n"
        )
        model = Model(load_topology(str(path)), 1, START)
        model.advance(START + 86400)
        before = model.state.counts[Count.INJ_MSGS].sum()
        model.advance(START + 86400 + 3600)
        arrived.append(model.state.counts[Count.INJ_MSGS].sum() - before)
    assert arrived[1] / arrived[0] == pytest.approx(11 ** (1 / 365), abs=0.0015)


def test_growth_reaches_its_size_over_its_ramp() -> None:
    grown, usual = Model(load_topology("pair"), 1, START), Model(load_topology("pair"), 1, START)
    grown.begin(parse_scenario("growth,size=1.5,ramp=2h,duration=3d"))
    increase = []
    for model in (grown, usual):
        model.advance(START + 2 * 3600)
        before = model.state.counts[Count.INJ_MSGS].sum()
        model.advance(START + 8 * 3600)
        increase.append(model.state.counts[Count.INJ_MSGS].sum() - before)
    assert increase[0] / increase[1] == pytest.approx(1.5, rel=0.02)


def test_a_busy_unit_answers_worse_and_later() -> None:
    model = Model(load_topology("campus"), 1, START)
    model.begin(parse_scenario("jabberer"))
    model.advance(START + 900)
    busy, calm = model.view.transport("mx1"), model.view.transport("spare1")
    assert calm.snmp_loss == pytest.approx(0.02)
    assert busy.snmp_loss == pytest.approx(0.17)
    assert busy.delay > 10 * calm.delay
    assert calm.xml_loss == 0.001


def test_hundreds_of_units_advance_together() -> None:
    model = Model(equal_units(200), 1, START, 15)
    model.begin(parse_scenario("flood,pool=inbound3"))
    model.advance(START + 900)
    hit = model.fleet.pool == model.fleet.pools.index("inbound3")
    assert model.state.queue[hit].min() > 1000
    assert model.state.queue[~hit].max() < 3000
