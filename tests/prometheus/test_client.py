"""A client of a Prometheus-compatible server: what it asks, and how it fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exporter.errors import ExporterError
from exporter.lab.history import blocks
from exporter.prometheus.client import MAX_POINTS, Prometheus

needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

LATE = blocks.LENGTH * 20_000


@needs_prometheus
def test_the_server_lists_its_metrics(tmp_path: Path) -> None:
    blocks.write(["# TYPE a gauge\n", f"a 1 {LATE}\n", "# TYPE ironport_b gauge\n", f"ironport_b 1 {LATE}\n"], tmp_path)
    with blocks.served(tmp_path) as url:
        assert Prometheus(url).metric_names() == ["a", "ironport_b"]


@needs_prometheus
def test_a_long_range_takes_several_queries(tmp_path: Path) -> None:
    blocks.write(["# TYPE a gauge\n", *(f"a {number} {LATE + number}\n" for number in range(100))], tmp_path)
    with blocks.served(tmp_path) as url:
        instants = range(LATE, LATE + 2 * MAX_POINTS + 1)
        (constant,) = Prometheus(url).query_range("vector(1)", instants)
        (series,) = Prometheus(url).query_range("a", instants)
    assert [int(time) for time, _ in constant["values"]] == list(instants)
    assert [value for _, value in series["values"][:100]] == [str(number) for number in range(100)]


@needs_prometheus
def test_errors_of_the_server_are_sentences(tmp_path: Path) -> None:
    with (
        blocks.served(tmp_path) as url,
        pytest.raises(ExporterError, match=r"^Prometheus refuses sum\( up: .*unclosed left parenthesis"),
    ):
        Prometheus(url).query_range("sum( up", range(2))
    with pytest.raises(
        ExporterError, match=r"^The Prometheus at http://127\.0\.0\.1:\d+ cannot be reached \(connection refused\)"
    ):
        Prometheus(url).query_range("up", range(2))


@needs_prometheus
def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with blocks.served(tmp_path) as url:
        assert Prometheus(url).query("vector(1)", 0) == [{"metric": {}, "value": [0, "1"]}]


def test_errors_never_show_the_password() -> None:
    with pytest.raises(ExporterError) as caught:
        Prometheus("http://user:s3cret@127.0.0.1:1/prefix").metric_names()
    assert "http://127.0.0.1:1/prefix" in str(caught.value)
    assert "s3cret" not in str(caught.value)
