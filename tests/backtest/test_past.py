from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.simulator.backfill import backfill
from exporter.simulator.timeline import parse
from exporter.simulator.topology import load
from exporter.tsdb import blocks

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

HOUR = 3600
BEGIN = int(datetime(2026, 3, 11, 8, tzinfo=UTC).timestamp())
ONSET = BEGIN + 2 * HOUR
END = BEGIN + 4 * HOUR


@pytest.fixture(scope="module", autouse=True)
def _resource_tracker() -> None:
    """Start the process that Python keeps, once it has spawned others, until it ends: no test leaves it behind."""
    resource_tracker.ensure_running()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus that has scraped four hours of a fleet of which mx2 was attacked, and knows no rules."""
    folder = tmp_path_factory.mktemp("attacked") / "data"
    jabberer = parse("jabberer@+2h,unit=mx2")
    backfill(load("campus"), seed=5, seconds=END - BEGIN, end=END, out=folder, scenarios=[jabberer])
    with blocks.served(folder) as url:
        yield url


def backtest(*arguments: str) -> int:
    return main(["backtest", *arguments])


def test_the_past_of_a_prometheus_is_told(attacked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = blocks.metric_names(attacked)
    file = tmp_path / "found.json"
    assert (
        backtest(
            "--prometheus",
            attacked,
            "--from",
            "2026-03-11T09:00:00Z",
            "--to",
            "2026-03-11T11:50:00Z",
            "--json",
            str(file),
        )
        == 0
    )
    found: dict[str, Any] = json.loads(file.read_text())
    jabberer = [one for one in found["alerts"] if one["alert"] == "IronPortJabbererSuspected"]
    assert [one["labels"]["instance"] for one in jabberer] == ["mx2"]
    assert 60 < jabberer[0]["begin"] - ONSET < 600
    assert not found["pages"], "a jabberer pages nobody"
    table = capsys.readouterr().out
    assert "| warning  | IronPortJabbererSuspected " in table
    assert "| ironport inbound mx2 |" in table
    assert "In 2h50m alerts would have fired " in table
    assert table.endswith(" times and paged 0 times.\n")
    assert not any(one["begin"] < ONSET for one in found["alerts"])
    assert blocks.metric_names(attacked) == before, "nothing was written there"


def test_a_time_that_is_none_and_a_past_that_ends_first_are_told(
    attacked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, sentence in {
        ("--from", "yesterday"): "'yesterday' is no time: write how long ago (7d), or 2026-03-11T10:00:00Z.",
        ("--from", "1h", "--to", "2h"): "The past has to begin before it ends",
    }.items():
        assert backtest("--prometheus", attacked, *arguments) == 2
        assert sentence in capsys.readouterr().err


def test_a_prometheus_without_our_metrics_or_none_at_all_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with blocks.served(tmp_path) as url:
        assert backtest("--prometheus", url) == 1
    assert (
        f"The Prometheus at {url} has no metrics of ironport-exporter: is it the right one?" in capsys.readouterr().err
    )
    assert backtest("--prometheus", url) == 1
    assert f"The Prometheus at {url} did not answer a query: " in capsys.readouterr().err
