from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter.incidents.firings import Firing
from exporter.lab.history import blocks
from exporter.lab.history.alerts import firings, spells
from exporter.prometheus.client import Prometheus
from exporter.prometheus.rule_files import Rule

needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

BEGIN = blocks.LENGTH * 20_000


def rule(for_seconds: float = 0, keep_firing_for_seconds: float = 0) -> Rule:
    return Rule(
        record="",
        expression="a > 0",
        labels={"severity": "warning"},
        interval=60,
        group="some",
        alert="Up",
        for_seconds=for_seconds,
        keep_firing_for_seconds=keep_firing_for_seconds,
    )


@pytest.mark.parametrize(
    ("hold", "keep", "present", "expected"),
    [
        (0, 0, "..##..#", [(2, 4), (6, None)]),
        (2, 0, "###.####", [(2, 3), (6, None)]),
        (2, 0, "##.##.##", []),
        (0, 2, "#.#..#...#", [(0, 8), (9, None)]),
        (1, 2, "##..#....", [(1, 7)]),
        (1, 2, "##...#.", [(1, 4)]),
        (0, 0, "....", []),
    ],
)
def test_an_alert_follows_for_and_keep_firing_for(
    hold: int, keep: int, present: str, expected: list[tuple[int, int | None]]
) -> None:
    instants = range(0, len(present) * 60, 60)
    times = {time for time, there in zip(instants, present, strict=True) if there == "#"}
    found = list(spells(rule(hold * 60, keep * 60), times, instants))
    assert [(begin, end) for _, begin, end in found] == [
        (begin * 60, None if end is None else end * 60) for begin, end in expected
    ]
    assert all(begin - since == hold * 60 for since, begin, _ in found)


@needs_prometheus
@pytest.mark.parametrize("seed", range(6))
def test_promtool_lets_alerts_fire_at_the_same_times(tmp_path: Path, seed: int) -> None:
    """Prometheus' own engine is told for every minute of a random series whether we have the alert fire."""
    luck = random.Random(seed)
    length, hold, keep = 80, 60 * luck.randrange(4), 60 * luck.randrange(6)
    present = [luck.random() < luck.choice((0.3, 0.7, 0.9)) for _ in range(length)]
    firing = set()
    for _, begin, end in spells(
        rule(hold, keep), {60 * minute for minute in range(length) if present[minute]}, range(0, 60 * length, 60)
    ):
        firing |= set(range(begin // 60, length if end is None else end // 60))
    alerts = 'ALERTS{alertname="Up",alertstate="firing"}'
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": "a", "values": " ".join("1" if there else "0" for there in present)}],
                "promql_expr_test": [
                    {
                        "expr": f"count({alerts})",
                        "eval_time": f"{minute}m",
                        "exp_samples": [{"labels": "{}", "value": 1}] if minute in firing else [],
                    }
                    for minute in range(length)
                ],
            }
        ],
    }
    group = {
        "name": "some",
        "rules": [{"alert": "Up", "expr": "a > 0", "for": f"{hold}s", "keep_firing_for": f"{keep}s"}],
    }
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [group]}))
    (tmp_path / "test.yml").write_text(yaml.safe_dump(document))
    told = subprocess.run(["promtool", "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
    assert firing, "the series is there for long enough to fire"


@needs_prometheus
def test_alerts_fire_across_the_border_of_blocks(tmp_path: Path) -> None:
    periods = list(blocks.periods(BEGIN - 600, BEGIN + 540, 60))
    for period in periods:
        lines = [f'a{{pool="x"}} {int(time >= BEGIN - 300)} {time}\n' for time in period]
        blocks.write(["# TYPE a gauge\n", *lines], tmp_path)
    rules = [rule(for_seconds=120), Rule("b:c", "a", {}, 60, "some")]
    with blocks.served(tmp_path, 59) as url:
        found = firings(Prometheus(url), rules, periods)
    offset = rules[0].offset
    since = BEGIN - 300 + offset
    assert found == [Firing("Up", {"pool": "x", "severity": "warning"}, since + 120, None, since)]
    assert found[0].severity == "warning"
    assert found[0].lasts_until(BEGIN + 540) == BEGIN + 540
