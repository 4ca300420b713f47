from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import ConfigError, RequestError
from exporter.lab.simulator.destinations import share_out
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.state import HARD_BOUNCE_COUNTS, Count
from exporter.lab.simulator.topology import load_topology
from exporter.lab.simulator.view import DestinationState
from support.simulated import START, model_at_start


@given(
    waiting=st.lists(st.integers(0, 10**5), min_size=1, max_size=12),
    part=st.floats(0, 1),
    luck=st.floats(0, 1, exclude_max=True),
)
def test_a_spread_is_exact_and_takes_no_more_than_waits(waiting: list[int], part: float, luck: float) -> None:
    amount = int(sum(waiting) * part)
    taken = share_out(np.array([[amount]]), np.array([waiting])[:, :, None], np.array([[luck]]))[0, :, 0]
    assert taken.sum() == amount
    assert np.all((taken >= 0) & (taken <= waiting))


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**31), bursty=st.booleans(), topology=st.sampled_from(["campus", "rings"]))
def test_destinations_add_up_to_their_unit(seed: int, bursty: bool, topology: str) -> None:
    model = Model(load_topology(topology), seed, START, bursty=bursty)
    for text in ("destination-down@+5m,duration=20m", "destination-down@+15m,size=0.9,duration=20m", "reboot@+30m"):
        model.begin(parse_scenario(text))
    for _ in range(50):
        model.advance()
        mail, since_boot = model.state.destinations, model.state.counts - model.state.at_boot
        assert np.all(mail.waiting >= 0)
        assert np.array_equal(mail.waiting.sum(axis=0), model.state.attempted)
        assert np.array_equal(mail.delivered.sum(axis=0), since_boot[Count.DELIVERED_RECIPS])
        assert np.array_equal(mail.soft.sum(axis=0), since_boot[Count.SOFT_BOUNCED_EVTS])
        assert np.array_equal(mail.hard.sum(axis=0), since_boot[HARD_BOUNCE_COUNTS].sum(axis=0))
    for name in model.fleet.names:
        active = sum(row.active_recipients for row in model.view.destinations(name))
        assert str(active) == model.view.xml_items(name)["gauges/active_recips/current"][()]


def mail_to(model: Model, domain: str, unit: str = "out1") -> DestinationState:
    return next(row for row in model.view.destinations(unit) if row.domain == domain)


def after(text: str, minutes: int = 15) -> tuple[Model, Model]:
    """Return the campus at the onset and some minutes later."""
    models = tuple(model_at_start("campus", 60) for _ in range(2))
    for model in models:
        model.begin(parse_scenario(text))
    models[1].advance(START + minutes * 60)
    return models[0], models[1]


def test_a_destination_that_is_down_gets_nothing() -> None:
    before, now = after("destination-down")
    first, later = mail_to(before, "uni-a.example"), mail_to(now, "uni-a.example")
    assert later.delivered_recipients == first.delivered_recipients
    assert later.active_recipients > first.active_recipients + 3000
    assert (later.down, later.connections) == (True, 0)
    other, meanwhile = mail_to(before, "uni-b.example"), mail_to(now, "uni-b.example")
    assert meanwhile.delivered_recipients > other.delivered_recipients + 500
    assert meanwhile.active_recipients < 2 * other.active_recipients


def test_a_destination_that_is_back_gets_its_mail() -> None:
    _, now = after("destination-down,duration=15m", 180)
    assert mail_to(now, "uni-a.example").active_recipients < 2000


@pytest.mark.parametrize(
    ("text", "unit", "down"),
    [
        ("destination-down,destination=uni-b.example", "out2", {"uni-b.example"}),
        ("destination-down,destination=med.campus.example", "mx1", {"med.campus.example"}),
        (
            "destination-down,destination=internal",
            "mx6",
            {"mail.campus.example", "med.campus.example", "lists.campus.example"},
        ),
        ("destination-down,pool=inbound,destination=uni-a.example", "mx2", {"uni-a.example"}),
        ("destination-down,size=0.45", "out1", {"uni-a.example", "destination1.example"}),
    ],
)
def test_a_destination_or_a_class_can_be_chosen(text: str, unit: str, down: set[str]) -> None:
    _, now = after(text, 2)
    assert {row.domain for row in now.view.destinations(unit) if row.down} == down


def test_a_destination_that_there_is_not_is_refused() -> None:
    model = model_at_start("campus", 60)
    with pytest.raises(
        RequestError, match=r"There is no destination uni-x; there are internal, clients, mail\.campus\."
    ):
        model.begin(parse_scenario("destination-down,destination=uni-x"))
    with pytest.raises(
        RequestError, match=r"There is no destination internal of the pool outbound; there are clients, "
    ):
        model.begin(parse_scenario("destination-down,pool=outbound,destination=internal"))


def test_a_slow_destination_takes_some_mail() -> None:
    before, now = after("destination-slow")
    first, later = mail_to(before, "uni-a.example"), mail_to(now, "uni-a.example")
    assert later.delivered_recipients > first.delivered_recipients + 500
    assert later.active_recipients > first.active_recipients + 2000
    assert not later.down


def test_a_greylisted_mailing_waits_and_is_delivered() -> None:
    """Some fleets have a small destination that greylists, and once a day a mailing for it."""
    model = Model(load_topology("campus"), 1, START, bursty=True)
    pool = model.fleet.destinations.domains
    waiting, delivered = [], []
    for _ in range(24 * 60):
        model.advance()
        mail = model.state.destinations
        rows = [(pool[number].index("library.example"), unit) for unit, number in enumerate(model.fleet.pool)]
        waiting.append(sum(int(mail.waiting[row]) for row in rows))
        delivered.append(sum(int(mail.delivered[row]) for row in rows))
    highest = int(np.argmax(waiting))
    assert waiting[highest] > 200
    assert delivered[highest] - delivered[highest - 4] < 10, "nobody takes it at first"
    assert waiting[highest + 15] < 100
    assert delivered[highest + 15] - delivered[highest] > 0.9 * waiting[highest]


def test_more_wait_for_the_named_destination_that_is_always_down_than_a_stuck_one_needs() -> None:
    """So the backtest shows that an outage of more than a week is no news: DestinationStuck needs 50 recipients."""
    model = Model(load_topology("campus"), 1, START, bursty=True)
    for units in (("mx1", "mx2", "mx3", "mx4", "mx5", "mx6"), ("out1", "out2")):
        dead = [mail_to(model, "museum.example", unit) for unit in units]
        assert 100 < sum(row.active_recipients for row in dead) < 500
        assert all(row.down and row.delivered_recipients == 0 for row in dead)


BAD = {
    "a class for each": (
        "clients: {b.example: 0.1}",
        "clients: {a.example: 0.1}",
        "has a.example, which is in the class",
    ),
    "too much mail": (
        "b.example: 0.1",
        "b.example: 0.9",
        "have more than 0.99 of the mail: leave some for the others.",
    ),
    "no domain": ("b.example: 0.1", "'*.b.example': 0.1", "must be a domain, such as uni-a.example."),
}


@pytest.mark.parametrize(("right", "wrong", "sentence"), BAD.values(), ids=BAD)
def test_bad_destinations_are_refused_with_a_sentence(right: str, wrong: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yml"
    text = (
        "pools: {p: {daily_messages: 1000, destinations: {internal: {a.example: 0.2}, clients: {b.example: 0.1}}}}\n"
        "appliances: [{name: a, pool: p, rated_messages_per_hour: 200000}]\n"
    )
    path.write_text(text)
    assert load_topology(str(path)).destination_classes() == {"internal": ("a.example",), "clients": ("b.example",)}
    path.write_text(text.replace(right, wrong))
    with pytest.raises(ConfigError, match=sentence):
        load_topology(str(path))
