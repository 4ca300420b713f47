"""Timeouts follow the agent's round trips and grow from try to try."""

from __future__ import annotations

from itertools import islice

import pytest

from exporter.sources.snmp.retry import Loss, RoundTripTime, timeouts


def test_nothing_known_means_a_quarter_of_a_second() -> None:
    assert RoundTripTime().timeout == 0.25


def test_the_timeout_follows_steady_round_trips() -> None:
    round_trip = RoundTripTime()
    for _ in range(100):
        round_trip.observe(0.2)
    assert round_trip.timeout == pytest.approx(0.2, abs=0.001)


def test_the_timeout_has_a_floor() -> None:
    round_trip = RoundTripTime()
    for _ in range(100):
        round_trip.observe(0.0001)
    assert round_trip.timeout == 0.05


def test_one_slow_answer_raises_the_timeout_above_it() -> None:
    round_trip = RoundTripTime()
    round_trip.observe(1.1)
    assert round_trip.timeout > 1.1


def test_the_timeout_is_that_of_rfc_6298() -> None:
    round_trip = RoundTripTime()
    for seconds in (0.4, 0.2, 0.8):
        round_trip.observe(seconds)
    smoothed, variation = 0.4, 0.2
    for seconds in (0.2, 0.8):
        variation = 0.75 * variation + 0.25 * abs(smoothed - seconds)
        smoothed = 0.875 * smoothed + 0.125 * seconds
    assert round_trip.timeout == pytest.approx(smoothed + 4 * variation)


def known(*round_trips: float) -> RoundTripTime:
    round_trip = RoundTripTime()
    for seconds in round_trips:
        round_trip.observe(seconds)
    return round_trip


def loss_after(*tries: int) -> Loss:
    """Return the loss of a poll whose requests were answered after so many tries."""
    loss = Loss()
    for each in tries:
        loss.observe(each)
    return loss


@pytest.fixture
def _without_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 1)


STEADY = (0.01,) * 20
SLOW = (2.5,) * 99


@pytest.mark.parametrize(
    ("round_trips", "answered", "first", "cap"),
    [
        ((), (), 0.25, 1.0),
        (STEADY, (), 0.05, 1.0),
        (STEADY, (1,), 0.05, 0.5),
        (SLOW, (), 2.5, 2.5),
        (SLOW, (1,), 2.5, 2.5),
    ],
)
@pytest.mark.usefixtures("_without_jitter")
def test_timeouts_grow_up_to_a_limit(
    round_trips: tuple[float, ...], answered: tuple[int, ...], first: float, cap: float
) -> None:
    """An agent that answers in this poll is asked again sooner than one that may be down."""
    waits = list(islice(timeouts(known(*round_trips), loss_after(*answered)), 20))
    assert waits == pytest.approx([min(first * 1.4**n, cap) for n in range(20)], abs=1e-6)


def test_timeouts_have_jitter() -> None:
    first = [next(timeouts(known(*STEADY), Loss())) for _ in range(200)]
    assert 0.05 * 0.85 <= min(first) < 0.045 < 0.06 < max(first) <= 0.05 * 1.25


@pytest.mark.usefixtures("_without_jitter")
def test_timeouts_follow_what_other_requests_show() -> None:
    round_trip, loss = RoundTripTime(), Loss()
    waits = timeouts(round_trip, loss)
    assert [next(waits) for _ in range(3)] == pytest.approx([0.25, 0.35, 0.49])
    for _ in range(20):
        round_trip.observe(0.01)
        loss.observe(1)
    assert [next(waits) for _ in range(5)] == pytest.approx(
        [0.05 * 1.4**3, 0.05 * 1.4**4, 0.05 * 1.4**5, 0.05 * 1.4**6, 0.5]
    )


@pytest.mark.parametrize(
    ("answered", "explained"),
    [((), 0), ((1,), 10), ((1,) * 6, 5), ((1,) * 100, 2), ((2,), 16), ((3, 1, 2, 1, 2), 14), ((5,), 34)],
)
def test_loss_explains_as_many_tries_as_likely(answered: tuple[int, ...], explained: int) -> None:
    loss = loss_after(*answered)
    assert [loss.explains(tries) for tries in (explained, explained + 1)] == [explained > 0, False]
