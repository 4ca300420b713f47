"""A peer that sends much of no use is read less and less often."""

from __future__ import annotations

from exporter.sources.allowance import Allowance


def next_pause(allowance: Allowance) -> tuple[int, float]:
    """Return how many pieces of no use are read before the next pause, and its seconds."""
    pieces, pause = 1, allowance.spend()
    while not pause:
        pieces, pause = pieces + 1, allowance.spend()
    return pieces, pause


def test_pauses_grow_to_eight_times_the_first_and_less_is_read_between_them() -> None:
    allowance = Allowance(0.5)
    pauses = [next_pause(allowance) for _ in range(6)]
    assert pauses == [(32, 0.5), (16, 1.0), (8, 2.0), (4, 4.0), (4, 4.0), (4, 4.0)]


def test_all_is_as_at_first_after_something_of_use() -> None:
    allowance = Allowance(0.5)
    assert [next_pause(allowance)[1] for _ in range(2)] == [0.5, 1]
    allowance.renew()
    assert next_pause(allowance) == (32, 0.5)


def test_what_is_of_use_spares_no_pause() -> None:
    allowance = Allowance(0.5)
    assert allowance.spend(31) == 0
    allowance.renew()
    assert allowance.spend() == 0.5


def test_what_costs_more_than_is_left_brings_a_pause_too() -> None:
    allowance = Allowance(0.5)
    assert [allowance.spend(31), allowance.spend(9), allowance.spend(17)] == [0, 0.5, 1]
