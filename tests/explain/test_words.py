from __future__ import annotations

import pytest

from exporter.explain.conditions import comparisons
from exporter.explain.tree import read_tree
from exporter.explain.words import unit, words

QUEUE = "ironport_work_queue_messages"
RATED = "instance:ironport_rated_messages:rate"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (QUEUE, "work queue"),
        (f"min_over_time({QUEUE}[2m])", "work queue, lowest of 2 min"),
        ("max_over_time(instance:ironport_work_queue_stalled:bool[6m])", "stalled, at any time in 6 min"),
        (f"count by (pool) ({QUEUE} > {RATED})", "number of units with (work queue > rated)"),
        (f"delta({QUEUE}[6m])", "work queue, growth in 6 min"),
        (f"last_over_time({QUEUE}[15m] offset 1d)", "work queue, 1 d ago"),
        (f"predict_linear({QUEUE}[15m], 1800)", "work queue, expected in 30 min"),
        (f"clamp_min(60 * {RATED}, 50)", "60 * rated, but at least 50"),
        (f"0.5 * ({QUEUE} - {RATED})", "0.5 * (work queue - rated)"),
        (f"sum by (job, pool) ({QUEUE} and {RATED})", "sum of work queue"),
        ("max by (pool) (instance:ironport_work_queue_slow:bool * (x > bool 9))", "on a unit: slow and x > 9"),
        ("some:recorded:series", "some:recorded:series"),
    ],
)
def test_an_expression_is_read_aloud(expression: str, text: str) -> None:
    assert words(expression) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (QUEUE, "messages"),
        (f"min_over_time({QUEUE}[2m])", "messages"),
        (f"{QUEUE} / {RATED}", ""),
        (f"count({QUEUE})", ""),
    ],
)
def test_a_figure_has_the_unit_of_its_series(expression: str, text: str) -> None:
    assert unit(expression) == text


def test_every_figure_of_waiting_mail_has_words() -> None:
    tree = read_tree()
    conditions = [branch.condition for branch in tree.branches if branch.of_mail]
    compared = [each for condition in conditions for each in comparisons(condition)]
    assert not [each for each in compared if ":" in words(each.left).replace(": ", "")], "add rows to FIGURE_WORDS"
