"""The conditions of a rule, taken from its expression: what must hold and what must not, with what it is compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from exporter.explain.promql import AND, COMPARISON, OR, PRODUCT, SUM, Operand, one_line, operands, parse_call

_KEEPS_TRUTH: Final = ("max", "max_over_time", "min_over_time", "last_over_time")
"""Functions and aggregations that give 0 or 1 for values of 0 and 1."""

_RECORDED_TRUTH: Final = re.compile(r":bool(\[\w+\])?$")
"""How the names of recorded series of 0 and 1 end, perhaps with a window."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Holds if `left` and `right` compare so. Both are PromQL, as in the others."""

    left: str
    operator: str
    right: str


@dataclass(frozen=True, slots=True)
class Known:
    """Holds if the expression has a value; with `truth`, if the value is not 0."""

    expression: str
    truth: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """Holds if every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Holds if at least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds if the part does not hold."""

    part: Condition


Condition = Compared | Known | Every | Either | Not


@cache
def parse_condition(expression: str) -> Condition:
    """Return what must be so for the expression to give a series or, if it gives 0 or 1, to give 1."""
    text = one_line(expression)
    if len(parts := operands(text, OR)) > 1:
        return Either(tuple(parse_condition(part.text) for part in parts))
    if len(parts := operands(text, AND)) > 1:
        return Every(tuple(_flattened(map(_joined, parts))))
    if len(parts := operands(text, COMPARISON)) > 1:
        return _compared(parts)
    return _truth(text) if is_truth(text) else Known(text)


def _joined(part: Operand) -> Condition:
    condition = parse_condition(part.text)
    return Not(condition) if part.operator == "unless" else condition


def _flattened(parts: Iterator[Condition]) -> Iterator[Condition]:
    for part in parts:
        yield from part.parts if isinstance(part, Every) else (part,)


def _compared(parts: list[Operand]) -> Condition:
    """In `a > b > 0` and `(a > b) > 0`, both comparisons are about a."""
    first, *others = parts
    if len(inner := operands(first.text, COMPARISON)) > 1 and not inner[-1].to_bool:
        return _compared([*inner, *others])
    found = tuple(_comparison(first.text, other) for other in others)
    return found[0] if len(found) == 1 else Every(found)


def _comparison(left: str, right: Operand) -> Condition:
    if is_truth(left) and right.text in ("0", "1") and right.operator in ("==", ">"):
        condition = _truth(left)
        return Not(condition) if (right.operator, right.text) == ("==", "0") else condition
    return Compared(left, right.operator, right.text)


def is_truth(text: str) -> bool:
    """Return whether the expression gives nothing but 0 and 1, or a sum of those."""
    if len(parts := operands(text, COMPARISON)) > 1:
        return parts[-1].to_bool
    for operators in (SUM, PRODUCT):
        if len(parts := operands(text, operators)) > 1:
            return all(part.operator != "/" and is_truth(part.text) for part in parts)
    call = parse_call(text)
    return is_truth(call.argument) if call and call.function in _KEEPS_TRUTH else bool(_RECORDED_TRUTH.search(text))


def _truth(text: str) -> Condition:
    """Of values 0 and 1, a product is 1 if every factor is, a sum is over 0 if any term is."""
    if len(parts := operands(text, COMPARISON)) > 1:
        return _compared(parts)
    if len(parts := operands(text, SUM)) > 1:
        return Either(tuple(_truth(part.text) for part in parts))
    if len(parts := operands(text, PRODUCT)) > 1:
        return Every(tuple(_truth(part.text) for part in parts))
    return Known(text, truth=True)


def comparisons(condition: Condition) -> Iterator[Compared]:
    """Yield every comparison in a condition."""
    match condition:
        case Compared():
            yield condition
        case Every(parts) | Either(parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part):
            yield from comparisons(part)
