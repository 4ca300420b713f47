from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.lab.history import blocks
from exporter.lab.history.recording import evaluations, record
from exporter.prometheus.client import Prometheus
from exporter.prometheus.progress import silent
from exporter.prometheus.rule_files import Rule, levels

BEGIN = blocks.LENGTH * 20_000
PERIOD = range(BEGIN, BEGIN + 1200, 60)

SLOW = Rule("a:slow", "a", {}, 300, "slow")
QUICK = Rule("a:quick", "a", {}, 30, "quick")


def test_rules_follow_the_interval_and_offset_of_their_group() -> None:
    slow, quick = evaluations(SLOW, PERIOD), evaluations(QUICK, PERIOD)
    assert (slow.step, quick.step) == (300, 30)
    assert {time % 300 for time in slow} == {SLOW.offset}
    assert {time % 30 for time in quick} == {QUICK.offset}
    assert PERIOD.start <= quick[0] < PERIOD.start + 30
    assert PERIOD.stop - 30 <= quick[-1] < PERIOD.stop


def test_with_a_pace_all_are_evaluated_at_once() -> None:
    assert list(evaluations(QUICK, PERIOD, 300)) == list(evaluations(SLOW, PERIOD, 60)) == list(PERIOD[::5])


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")
def test_rules_read_what_other_rules_record(tmp_path: Path) -> None:
    blocks.write(["# TYPE a gauge\n", *(f"a {number} {time}\n" for number, time in enumerate(PERIOD))], tmp_path)
    rules = [
        Rule("a:double", "2 * a", {"made": "here"}, 60, "one"),
        Rule("a:more", "a:double + 1", {}, 60, "one"),
        Rule("a:double", "vector(7)", {"made": "here"}, 60, "one"),
    ]
    with ThreadPoolExecutor(1) as pool:
        record(tmp_path, levels(rules), [PERIOD], pool, silent, lookback=59)
    with blocks.served(tmp_path) as url:
        (series,) = Prometheus(url).query_range("a:more", evaluations(rules[1], PERIOD))
    assert series["metric"] == {"__name__": "a:more", "made": "here"}
    assert [float(value) for _, value in series["values"]] == [2 * number + 1 for number in range(len(PERIOD))]
