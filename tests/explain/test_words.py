from __future__ import annotations

import pytest

from exporter.explain.words import unit, words

QUEUE = "ironport_work_queue_messages"
RATED = "instance:ironport_rated_messages:rate"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (QUEUE, "work queue"),
        (f"min_over_time({QUEUE}[2m])", "work queue (lowest in 2 min)"),
        ("max_over_time(instance:ironport_work_queue_stalled:bool[6m])", "stalled (at any time in 6 min)"),
        (f"count by (pool) ({QUEUE} > {RATED})", "number of units on which work queue > rated"),
        ("count by (pool) (instance:ironport_not_accepting:bool)", "number of units with mail refused"),
        (f"delta({QUEUE}[6m])", "work queue (growth in 6 min)"),
        (f"last_over_time({QUEUE}[15m] offset 1d)", "work queue (1 d ago)"),
        (f"predict_linear({QUEUE}[15m], 1800)", "work queue (expected in 30 min)"),
        (f"60 * {RATED}", "60 s of rated work"),
        (f"{QUEUE} > clamp_min(60 * {RATED}, 50)", "work queue > 60 s of rated work and > 50 messages"),
        (f"0.5 * ({QUEUE} - {RATED})", "0.5 * (work queue - rated)"),
        (f"sum by (job, pool) ({QUEUE} and {RATED})", "sum of all units: work queue"),
        (f"sum without (state) ({QUEUE})", "work queue"),
        (f"2 * ({QUEUE} > bool 9) or 1.5 + 0 * {RATED}", "2 if work queue > 9 messages, otherwise 1.5"),
        ('ironport_connections{direction="in",unit!="mx1"}', "connections (in, not mx1)"),
        (
            "max by (pool) (instance:ironport_work_queue_slow:bool * (x > bool 9))",
            "on at least one unit: slow and x > 9",
        ),
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
        (f"count_over_time({QUEUE}[3m])", ""),
        (f"deriv({QUEUE}[5m])", "messages/s"),
    ],
)
def test_a_figure_has_the_unit_of_its_series(expression: str, text: str) -> None:
    assert unit(expression) == text
