"""The structure of a PromQL expression, as far as the project's rules need it: operators, calls, aggregations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

OR: Final = frozenset({"or"})
AND: Final = frozenset({"and", "unless"})
COMPARISON: Final = frozenset({"==", "!=", ">=", "<=", ">", "<"})
SUM: Final = frozenset({"+", "-"})
PRODUCT: Final = frozenset({"*", "/"})

_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\])*"|[()\[\]{}]|[a-zA-Z_:][\w:]*|[\d.]\w*|[<>=!]=|[<>+*/-]')
_MODIFIERS: Final = re.compile(r"\s*(bool\b)?\s*((on|ignoring)\s*\([^)]*\))?\s*(group_(left|right)\s*(\([^)]*\))?)?\s*")
_NAME: Final = re.compile(r"[a-zA-Z_:][\w:]*")
_CALL: Final = re.compile(r"(\w+)\s*(?:(by|without)\s*\(([^)]*)\))?\s*\(")


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand, with the operator before it; the first one has none."""

    operator: str
    text: str
    to_bool: bool = False
    """Whether the operator is a comparison that gives 0 or 1."""


@dataclass(frozen=True, slots=True)
class CallParts:
    """A function of one expression, or an aggregation."""

    function: str
    grouping: str
    """`by`, `without` or nothing."""
    labels: str
    argument: str


def one_line(expression: str) -> str:
    """Return the expression in one line, without parentheses around the whole of it."""
    text = re.sub(r"(?<=[(\[]) | (?=[)\]])", "", " ".join(expression.split()))
    while text.startswith("(") and _closing(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text


@cache
def names_in(expression: str) -> tuple[str, ...]:
    """Return the names in an expression, each once: series, and also functions and labels."""
    return tuple(dict.fromkeys(_NAME.findall(expression)))


def operands(text: str, operators: frozenset[str]) -> list[Operand]:
    """Split an expression at the operators that stand outside of all parentheses."""
    found, begin, operator = list[Operand](), 0, ""
    for token in _outer_tokens(text):
        if token[0] in operators:
            found.append(_operand(operator, text[begin : token.start()]))
            begin, operator = token.end(), token[0]
    return [*found, _operand(operator, text[begin:])]


def parse_call(text: str) -> CallParts | None:
    """Return the function or aggregation that is the whole expression; None for anything else."""
    match = _CALL.match(text)
    if match is None or _closing(text, match.end() - 1) != len(text) - 1:
        return None
    return CallParts(match[1], match[2] or "", match[3] or "", one_line(text[match.end() : -1]))


def _operand(operator: str, text: str) -> Operand:
    modifiers = _MODIFIERS.match(text) if operator else None
    rest = text[modifiers.end() :] if modifiers else text
    return Operand(operator, one_line(rest), bool(modifiers and modifiers[1]))


def _outer_tokens(text: str) -> Iterator[re.Match[str]]:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth -= token[0] in ")]}"
        if not depth:
            yield token
        depth += token[0] in "([{"


def _closing(text: str, opening: int) -> int:
    """Return the place of the parenthesis that closes the one at `opening`."""
    tokens = _outer_tokens(text[opening:])
    next(tokens)
    return opening + next(tokens).start()
