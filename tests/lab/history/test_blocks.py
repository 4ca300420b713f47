from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exporter.errors import ExporterError
from exporter.lab.history import blocks
from exporter.prometheus.client import Prometheus

needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

LATE = blocks.LENGTH * 20_000


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, 0, [(0, 0)]),
        (60, 120, [(60, 120)]),
        (LATE - 120, LATE + 60, [(LATE - 120, LATE - 60), (LATE, LATE + 60)]),
        (LATE, LATE, [(LATE, LATE)]),
        (1, 0, []),
    ],
)
def test_a_period_lies_in_one_block(begin: int, end: int, expected: list[tuple[int, int]]) -> None:
    assert [(period[0], period[-1]) for period in blocks.periods(begin, end, 60)] == expected


@needs_prometheus
def test_text_that_promtool_cannot_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExporterError, match=r"^promtool could not make blocks in .+: .*\S"):
        blocks.write(["not { openmetrics\n"], tmp_path)


@needs_prometheus
def test_a_series_lasts_exactly_for_the_lookback(tmp_path: Path) -> None:
    blocks.write(["# TYPE a gauge\n", f"a 1 {LATE}\n"], tmp_path)
    for lookback in (59, 300):
        with blocks.served(tmp_path, lookback) as url:
            (series,) = Prometheus(url).query_range("a", range(LATE, LATE + 400))
        seconds = [int(time) - LATE for time, _ in series["values"]]
        assert seconds in (list(range(lookback)), list(range(lookback + 1)))  # Prometheus 3 leaves the last one out
    assert all(len(path.name) == 26 for path in tmp_path.iterdir()), "nothing but blocks is left"
