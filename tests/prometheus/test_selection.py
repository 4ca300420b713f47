"""Matchers for chosen jobs, pools and sites."""

from __future__ import annotations

import pytest

from exporter.prometheus.selection import Selection


def test_nothing_chosen_is_everything() -> None:
    assert (Selection().of_pools, Selection().of_units) == ("", "")


def test_series_of_pools_have_no_site() -> None:
    chosen = Selection(("a",), ("in", "out"), ("east",))
    assert chosen.of_pools == 'job=~"a",pool=~"in|out"'
    assert chosen.of_units == 'job=~"a",pool=~"in|out",site=~"east"'


@pytest.mark.parametrize(("name", "matcher"), [("a.b", r'pool=~"a\\.b"'), ('a"b\\', r'pool=~"a\"b\\\\"')])
def test_a_name_stands_for_itself(name: str, matcher: str) -> None:
    assert Selection(pools=(name,)).of_pools == matcher
