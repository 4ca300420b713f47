"""How the raw value of an item becomes series: units, code tables, texts.

A conversion takes the raw values of a feed and returns the series: label values to number. It raises UnknownValueError
for a value that it cannot read, so that a new word of a newer AsyncOS is counted instead of guessed. Nobody changes the
series that it returns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

Raw = int | float | str
Series = dict[tuple[str, ...], float]
Conversion = Callable[..., Series]


@dataclass(frozen=True, slots=True)
class NumberConversion:
    """A conversion that gives one series with fixed labels, or none.

    Fusion calls `number` itself, because a dict for each row of a table would take a third of its time.
    """

    number: Callable[..., float | None]
    labels: tuple[str, ...] = ()
    numbers: Callable[[Sequence[Any]], Iterable[float]] | None = None
    """Returns what `number` does for each of several values, in less time."""
    is_optional: bool = False
    """Whether `number` returns None for some values: they have no series."""

    def __call__(self, *raws: Raw) -> Series:
        value = self.number(*raws)
        return {} if value is None else {self.labels: value}


@dataclass(frozen=True, slots=True, eq=False)  # so that the object itself is a key
class CodeConversion:
    """A conversion of a code to series with fixed labels."""

    labels: tuple[tuple[str, ...], ...]
    of_code: Mapping[Raw, tuple[float, ...]]
    """The values of the series, by code."""
    of_unknown: tuple[float, ...] = ()
    """The values for an unknown code, none if there are no series."""

    def __call__(self, raw: Raw) -> Series:
        code = number(raw)
        if code not in self.of_code:
            raise UnknownValueError(raw, dict(zip(self.labels, self.of_unknown, strict=False)))
        return dict(zip(self.labels, self.of_code[code], strict=True))


PERPETUAL: Final = "perpetual"
"""The status page shows a key that never expires as "Dormant/Perpetual"."""

_PLACEHOLDERS: Final = frozenset({"", "-", "--", "n/a"})
"""Texts that stand for a value that the appliance does not have."""

_NUMBER: Final = re.compile(r"-?(?:\d{1,20}|\d{1,3}(?:,\d{3}){1,6})(?:\.\d{1,20})?", re.ASCII)
"""A number as AsyncOS writes it, also "1,234": without an exponent, and without digits of other scripts."""

_LIMIT: Final = 2.0**64
"""No figure of an appliance is so large: the largest counter has 64 bits."""

_DIGITS: Final = 20
"""Fewer digits than this are always below the limit."""

_SYS_DESCR: Final = re.compile(
    r"Model (?P<model>[^,]+), AsyncOS Version: (?P<version>[^,]+)(?:.*Serial #: (?P<serial>.*))?"
)
_RELEASE: Final = re.compile(r"(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?(?:-(\d{1,3}))?", re.ASCII)
"""A release of AsyncOS, "12.5.3-035", or its first numbers, "12.5"."""

_BYTES: Final = re.compile(r"(?P<number>\d{1,18}(?:\.\d{1,18})?)(?P<unit>[BKMGT]?)", re.ASCII | re.IGNORECASE)
_CLOCK: Final = re.compile(r"(\d{1,9}):([0-5]\d):([0-5]\d)", re.ASCII)
_UPTIME: Final = re.compile(r"\((?=\d)(?:(\d{1,9})d ?)?(?:(\d{1,9})h ?)?(?:(\d{1,9})m ?)?(?:(\d{1,9})s)?\)", re.ASCII)


class UnknownValueError(ValueError):
    """The catalogue cannot read the value `raw`; `series` is what to export all the same."""

    def __init__(self, raw: Raw, series: Series | None = None) -> None:
        super().__init__(f"a {type(raw).__name__} that cannot be read")
        self.raw = raw
        self.series: Series = series or {}


def number(raw: Raw) -> float:
    """Return `raw` as a number, which may be negative; raises UnknownValueError."""
    if type(raw) is int and -_LIMIT < raw < _LIMIT:  # nearly all figures of SNMP, in half of the time
        return float(raw)
    value = _parsed(raw) if isinstance(raw, str) else raw
    if not abs(value) < _LIMIT:  # nan is not smaller either
        raise UnknownValueError(raw)
    return float(value)


def _parsed(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise UnknownValueError(text)
    return float(text.replace(",", ""))


def amount(raw: Raw) -> float:
    """Return `raw` as a number that is not negative; raises UnknownValueError."""
    if type(raw) is int and 0 <= raw < _LIMIT:
        return float(raw)
    if (value := number(raw)) < 0:
        raise UnknownValueError(raw)
    return value


def amounts(raws: Sequence[Any]) -> Iterable[float]:
    """Return each of `raws` as `amount` does. Numbers, and texts of digits, take a tenth of the time."""
    types = set(map(type, raws))
    is_simple = (types <= {int, float} and _are_in_range(raws)) or (types == {str} and _are_digits(raws))
    return map(float if is_simple else amount, raws)


def _are_in_range(numbers: Sequence[float]) -> bool:
    return min(numbers) >= 0 and max(numbers) < _LIMIT and sum(numbers) < math.inf  # which nan is not


def _are_digits(texts: Sequence[str]) -> bool:
    joined = "".join(texts)
    return joined.isascii() and joined.isdecimal() and "" not in texts and len(max(texts, key=len)) < _DIGITS


def scaled(factor: float = 1, *labels: str) -> Conversion:
    """Multiply an amount by `factor` (to base units); the series carries the fixed `labels`."""
    number, numbers = (amount, amounts) if factor == 1 else _multiplied(factor)
    return NumberConversion(number, labels, numbers)


def per(divisor: float, *labels: str) -> Conversion:
    """Divide an amount by `divisor` (per hour, hundredths of a second): exact, unlike a factor."""
    number, numbers = _divided(divisor)
    return NumberConversion(number, labels, numbers)


def percent(*labels: str) -> Conversion:
    """Return a percentage, with or without its sign, as a ratio; it may pass 100."""
    return NumberConversion(_ratio, labels)


_Functions = tuple[Callable[[Raw], float], Callable[[Sequence[Raw]], Iterable[float]]]
"""For one value and for several. There is one pair for each factor, so that plans convert all its values at once."""


@cache
def _multiplied(factor: float) -> _Functions:
    return lambda raw: amount(raw) * factor, lambda raws: [each * factor for each in amounts(raws)]


@cache
def _divided(divisor: float) -> _Functions:
    return lambda raw: amount(raw) / divisor, lambda raws: [each / divisor for each in amounts(raws)]


def _ratio(percentage: Raw) -> float:
    return _percentage(percentage) / 100


def _percentage(raw: Raw) -> float:
    try:
        return amount(raw.strip().removesuffix("%") if isinstance(raw, str) else raw)
    except UnknownValueError:
        raise UnknownValueError(raw) from None  # the text with its sign


signed: Final = NumberConversion(number)
"""Return a number that may be negative."""


def states(table: Mapping[int, str]) -> Conversion:
    """Export each state of the code `table` as 1 if it is the current state, else 0; for an unknown code all are 0."""
    return CodeConversion(
        labels=tuple((name,) for name in table.values()),
        of_code={code: tuple(float(code == known) for known in table) for code in table},
        of_unknown=(0.0,) * len(table),
    )


def zero_or_one(table: Mapping[int, int]) -> Conversion:
    """Export the code that `table` gives as 0 or 1."""
    return CodeConversion(labels=((),), of_code={code: (float(value),) for code, value in table.items()})


def labels(*raws: Raw) -> Series:
    """Export texts as the labels of a series that is 1; they must not all be empty."""
    texts = tuple(str(raw).strip() for raw in raws)
    if not any(texts):
        raise UnknownValueError(raws[0])
    return {texts: 1.0}


def lower_case_label(raw: Raw) -> Series:
    """Export a text in lower case as the label of a series that is 1; not an empty text or a placeholder."""
    text = str(raw).strip().lower()
    if text in _PLACEHOLDERS:
        raise UnknownValueError(raw)
    return {(text,): 1.0}


def is_word(word: str) -> Conversion:
    """Export 1 if the text is `word` in any case, else 0; an empty text or a placeholder is not a word."""

    def convert(raw: Raw) -> float:
        found = str(raw).strip().lower()
        if found in _PLACEHOLDERS:
            raise UnknownValueError(raw)
        return float(found == word)

    return NumberConversion(convert)


@NumberConversion
def share(used: Raw, free: Raw) -> float:
    """Return used / (used + free) as a ratio."""
    taken = amount(used)
    total = taken + amount(free)
    if total == 0:
        raise UnknownValueError(free)
    return taken / total


@NumberConversion
def size(raw: Raw) -> float:
    """Return a size such as "388G" or "379323K" in bytes; K, M, G and T are powers of 1024."""
    match = _BYTES.fullmatch(str(raw).strip())
    if match is None:
        raise UnknownValueError(raw)
    return float(match["number"]) * 1024.0 ** "BKMGT".index(match["unit"].upper() or "B")


@NumberConversion
def uptime(raw: Raw) -> float:
    """Return the duration in birth_time, "20161011101643 (169d 1h 39m 8s)", in seconds; the date has no time zone."""
    match = _UPTIME.search(str(raw))
    if match is None:
        raise UnknownValueError(raw)
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


@NumberConversion
def clock(raw: Raw) -> float:
    """Return a duration of hours, minutes and seconds, "00:05:30", in seconds."""
    match = _CLOCK.fullmatch(str(raw).strip())
    if match is None:
        raise UnknownValueError(raw)
    hours, minutes, seconds = map(int, match.groups())
    return float((hours * 60 + minutes) * 60 + seconds)


@NumberConversion
def conservation_level(raw: Raw) -> float:
    """Return how much the acceptance of mail is slowed, 0 to 60; 999 on the page (no mail is accepted) gives 60."""
    return min(amount(raw), 60.0)


@NumberConversion
def conservation_refusing(raw: Raw) -> float:
    """Return 1 if resource conservation is 999: no mail is accepted."""
    return float(amount(raw) == 999)


def build_version(raw: Raw) -> Series:
    """Return the version in "phoebe 10.0.0-203" or "AsyncOS 15.0.0": the second word."""
    parts = str(raw).split()
    if len(parts) < 2:
        raise UnknownValueError(raw)
    return {(parts[1],): 1.0}


def described_version(raw: Raw) -> Series:
    """Return the version in sysDescr, "... AsyncOS Version: 10.1.1-230, ..."."""
    _, version, _ = _described(raw)
    return {(version,): 1.0}


def described_hardware(raw: Raw) -> Series:
    """Return model and serial number in sysDescr."""
    model, _, serial = _described(raw)
    return {(model, serial): 1.0}


def _described(raw: Raw) -> tuple[str, str, str]:
    """Return model, version and serial number in sysDescr; raises UnknownValueError."""
    match = _SYS_DESCR.search(str(raw))
    if match is None:
        raise UnknownValueError(raw)
    return match["model"].strip(), match["version"].strip(), (match["serial"] or "").strip()


def release_number(release: Raw) -> float:
    """Return a release as a number that is higher for a newer one: 12.5.3-035 is 12005003035.

    Numbers that the text leaves out count as 0: 12.5 is 12005000000. Raises UnknownValueError.
    """
    match = _RELEASE.fullmatch(str(release))
    if match is None:
        raise UnknownValueError(release)
    major, minor, maintenance, build = (int(group or 0) for group in match.groups())
    return float(((major * 1000 + minor) * 1000 + maintenance) * 1000 + build)


_LAST_BUILD: Final = 999


def version_number(version: Conversion) -> Conversion:
    """Export the version that the conversion `version` reads as a number.

    A version without a build number, as REST has it, counts as its last build, so that it is never too old by mistake.
    """

    def convert(raw: Raw) -> float:
        ((release,),) = version(raw)
        try:
            return release_number(release if "-" in release else f"{release}-{_LAST_BUILD}")
        except UnknownValueError:
            raise UnknownValueError(raw) from None

    return NumberConversion(convert)


def minimum_version_number(raw: Raw) -> Series:
    """Return a release as a number, with its text as a label."""
    return {(str(raw),): release_number(raw)}


@partial(NumberConversion, is_optional=True)
def page_key_remaining(raw: Raw) -> float | None:
    """Return the seconds until a feature key of the status page expires, negative after that; none if perpetual."""
    return None if PERPETUAL in str(raw).lower() else number(raw)


@NumberConversion
def page_key_perpetual(raw: Raw) -> float:
    """Return 1 for a feature key that the status page shows as "Dormant/Perpetual"."""
    if PERPETUAL in str(raw).lower():
        return 1.0
    number(raw)
    return 0.0


@partial(NumberConversion, is_optional=True)
def agent_key_remaining(perpetual: Raw, seconds: Raw) -> float | None:
    """Return keySecondsUntilExpire, but nothing for a perpetual key: there it has no meaning."""
    return None if number(perpetual) == 1 else amount(seconds)
