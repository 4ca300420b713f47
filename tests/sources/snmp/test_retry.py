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


@pytest.mark.parametrize(("first", "cap"), [(0.05, 1.0), (0.25, 1.0), (2.5, 2.5)])
def test_timeouts_grow_up_to_a_limit(first: float, cap: float) -> None:
    plain = [min(first * 1.4**n, cap) for n in range(20)]
    for wait, expected in zip(islice(timeouts(first), 20), plain, strict=True):
        assert expected * 0.85 <= wait <= expected * 1.25


@pytest.mark.parametrize(
    ("answered", "explained"),
    [((), 0), ((1,), 10), ((1,) * 6, 5), ((1,) * 100, 2), ((2,), 16), ((3, 1, 2, 1, 2), 14), ((5,), 34)],
)
def test_loss_explains_as_many_tries_as_likely(answered: tuple[int, ...], explained: int) -> None:
    loss = Loss()
    for tries in answered:
        loss.observe(tries)
    assert [loss.explains(tries) for tries in (explained, explained + 1)] == [explained > 0, False]
