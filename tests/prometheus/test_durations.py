from __future__ import annotations

import pytest

from exporter.prometheus.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1w", 604800),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("0s", 0),
    ],
)
def test_a_duration_is_read_as_prometheus_writes_it(text: str, expected: float) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "5m 3s", "1e3s", "5M"])
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time; write it like 90s, 5m, 2h or 3d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("time", "expected"), [(0, "0s"), (45, "45s"), (90, "1m30s"), (5400, "1h30m"), (3661, "1h1m"), (183_600, "2d3h")]
)
def test_a_duration_has_its_two_largest_units(time: float, expected: str) -> None:
    assert format_duration(time) == expected
