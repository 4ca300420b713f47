from __future__ import annotations

import pytest

from exporter.explain.conditions import Compared, Condition, Either, Every, Known, Not, parse_condition

A, B, C = Known("a"), Known("b"), Known("c")


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("a and b", Every((A, B))),
        ("a and b and c", Every((A, B, C))),
        ("a unless on (job, pool) b", Every((A, Not(B)))),
        ("(a and b) unless c", Every((A, B, Not(C)))),
        ("a or b and c", Either((A, Every((B, C))))),
        ("a > 1.5", Compared("a", ">", "1.5")),
        ("a - b > on (job) group_left () 2 * c", Compared("a - b", ">", "2 * c")),
        ("a >= b > 0", Every((Compared("a", ">=", "b"), Compared("a", ">", "0")))),
        ("x:bool == 1", Known("x:bool", truth=True)),
        ("x:bool == bool 0", Not(Known("x:bool", truth=True))),
        ("max_over_time(x:bool[6m]) == bool 0", Not(Known("max_over_time(x:bool[6m])", truth=True))),
        ("(a > bool 1) * on (job) (b < bool 2)", Every((Compared("a", ">", "1"), Compared("b", "<", "2")))),
        ("(a > bool 1) + (b < bool 2) > bool 0", Either((Compared("a", ">", "1"), Compared("b", "<", "2")))),
        (
            'max without (x) (up{y!="a > b"}) == bool 0',
            Compared('max without (x) (up{y!="a > b"})', "==", "0"),
        ),
        ("count by (pool) (a > b) < c", Compared("count by (pool) (a > b)", "<", "c")),
    ],
)
def test_an_expression_gives_its_conditions(expression: str, condition: Condition) -> None:
    assert parse_condition(expression) == condition


def test_lines_and_outer_parentheses_change_nothing() -> None:
    assert parse_condition("(\n  (a)\n  and\n    (b)\n)") == parse_condition("a and b")
