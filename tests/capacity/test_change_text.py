"""Changes as they are written on the command line."""

from __future__ import annotations

import pytest

from exporter.capacity.change import Add, Change, Demand, Grow, Lose, LoseSite, Move, Rate
from exporter.capacity.change_text import parse_change
from exporter.errors import UsageError


@pytest.mark.parametrize(
    ("flag", "text", "change"),
    [
        ("--move", "out2:inbound", Move("out2", "inbound")),
        ("--add", "spare1:inbound", Add("spare1", "inbound")),
        ("--lose", "mx3", Lose("mx3")),
        ("--lose-site", "east", LoseSite("east")),
        ("--growth", "20%", Grow(0.2)),
        ("--growth", "inbound=-7.5%", Grow(-0.075, "inbound")),
        ("--rated", "mx9=140000", Rate("mx9", 140_000)),
        ("--rated", "mx9=140k/h", Rate("mx9", 140_000)),
        ("--demand", "inbound=700000/h", Demand("inbound", 700_000)),
        ("--demand", "inbound=700,000/h", Demand("inbound", 700_000)),
        ("--demand", "inbound=0.7M/h", Demand("inbound", 700_000)),
        ("--demand", "inbound=200/s", Demand("inbound", 720_000)),
        ("--demand", "inbound=2.4M/d", Demand("inbound", 100_000)),
    ],
)
def test_a_change_is_read_and_written(flag: str, text: str, change: Change) -> None:
    assert parse_change(flag, text) == change
    assert parse_change(flag, str(change).split(" ")[1]) == change


@pytest.mark.parametrize(
    ("flag", "text", "advice"),
    [
        ("--move", "out2", "Write it like --move out2:inbound."),
        ("--add", ":inbound", "Write it like --add out2:inbound."),
        ("--growth", "20", "Write it like 20%"),
        ("--growth", "-100%", "more than -100%"),
        ("--rated", "mx9", "Write it like --rated mx9=140000."),
        ("--rated", "mx9=1,5M", "Write it like --rated mx9=140000."),
        ("--rated", "mx9=much", "Write it like --rated mx9=140000."),
        ("--demand", "inbound=700000", "Write it like --demand inbound=700000/h"),
        ("--demand", "700000/h", "Write it like --demand inbound=700000/h"),
        ("--demand", "inbound=0/h", "Give a number above 0."),
    ],
)
def test_what_is_not_a_change_is_a_sentence(flag: str, text: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_change(flag, text)
    assert str(caught.value).startswith(f"{flag} {text} is no")
    assert advice in str(caught.value)
