"""A client gets half of what the others leave, so there is always some left for one that comes later."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from exporter.errors import BusyError
from exporter.web.shares import Shares


def used_by(shares: Shares, client: str, held: ExitStack) -> int:
    """Let a client use as much as it gets, and return how much that is."""
    for number in range(1000):
        try:
            held.enter_context(shares.use(client, "too many"))
        except BusyError:
            return number
    raise AssertionError


def test_each_client_gets_half_of_what_is_left() -> None:
    shares = Shares(lambda: 20)
    with ExitStack() as held:
        assert [used_by(shares, f"192.0.2.{number}", held) for number in range(6)] == [10, 5, 3, 1, 1, 0]


def test_what_is_no_longer_used_is_free() -> None:
    shares = Shares(lambda: 2)
    assert not shares
    for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
        with shares.use(client, "too many"):
            assert shares
            with pytest.raises(BusyError, match="too many"), shares.use(client, "too many"):
                pass
    assert not shares
