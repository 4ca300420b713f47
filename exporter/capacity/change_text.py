"""Changes as they are written on the command line: out2:inbound, inbound=20%, inbound=700k/h."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from exporter.capacity.change import Add, Change, Demand, Grow, Lose, LoseSite, Move, Rate
from exporter.errors import UsageError

_AMOUNT: Final = re.compile(
    r"(?P<number>(?:\d{1,3}(?:[,_]\d{3})+|\d+)(?:\.\d+)?)(?P<thousands>[kM]?)(?:/(?P<time>[hsd]))?", re.ASCII
)
_SHARE: Final = re.compile(r"(?P<number>[+-]?\d+(?:\.\d+)?)%", re.ASCII)
_THOUSANDS: Final = {"": 1, "k": 1e3, "M": 1e6}
_AN_HOUR: Final = {"h": 1, "s": 3600, "d": 1 / 24}


def parse_change(flag: str, text: str) -> Change:
    """Return the change that a flag such as --move asks for; raises UsageError with a sentence."""
    return _FLAGS[flag](text)


def _unit_and_pool(flag: str, text: str) -> tuple[str, str]:
    unit, colon, pool = text.rpartition(":")
    if not (unit and colon and pool):
        raise UsageError(f"{flag} {text} is not a unit and a pool. Write it like {flag} out2:inbound.")
    return unit, pool


def _move(text: str) -> Move:
    return Move(*_unit_and_pool("--move", text))


def _add(text: str) -> Add:
    return Add(*_unit_and_pool("--add", text))


def _grow(text: str) -> Grow:
    place, _, share = text.rpartition("=")
    written = _SHARE.fullmatch(share)
    if not written or not -100 < float(written["number"]) <= 1000:
        raise UsageError(
            f"--growth {text} is not a share. Write it like 20%, or inbound=20% for one pool; more than -100%, at most "
            "1000%."
        )
    return Grow(float(written["number"]) / 100, place or None)


def _rate(text: str) -> Rate:
    unit, _, amount = text.rpartition("=")
    return Rate(unit, _amount("--rated", "mx9=140000", text, unit, amount, usual="h"))


def parse_demand(text: str) -> Demand:
    """Return the demand of a pool from text such as inbound=700k/h; raises UsageError with a sentence."""
    pool, _, amount = text.rpartition("=")
    return Demand(pool, _amount("--demand", "inbound=700000/h, inbound=195/s or inbound=16.8M/d", text, pool, amount))


def _amount(flag: str, example: str, text: str, name: str, amount: str, usual: str | None = None) -> float:
    """Return messages per hour; `usual` is the time that an amount without one is for."""
    written = _AMOUNT.fullmatch(amount)
    time = (written and written["time"]) or usual
    if not (name and written and time):
        raise UsageError(f"{flag} {text} is not a name and a number of messages. Write it like {flag} {example}.")
    number = float(re.sub("[,_]", "", written["number"])) * _THOUSANDS[written["thousands"]]
    if number <= 0:
        raise UsageError(f"{flag} {text} is no mail at all. Give a number above 0.")
    return number * _AN_HOUR[time]


_FLAGS: Final[Mapping[str, Callable[[str], Change]]] = {
    "--move": _move,
    "--add": _add,
    "--lose": Lose,
    "--lose-site": LoseSite,
    "--growth": _grow,
    "--rated": _rate,
    "--demand": parse_demand,
}
"""What each flag asks for."""
