"""A client of a Prometheus-compatible server: what it asks, and how it fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exporter.errors import ExporterError
from exporter.lab.history import blocks
from exporter.prometheus import client

needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

LATE = blocks.LENGTH * 20_000


@needs_prometheus
def test_the_server_lists_its_metrics(tmp_path: Path) -> None:
    blocks.write(["# TYPE a gauge\n", f"a 1 {LATE}\n", "# TYPE b gauge\n", f'b{{c="d"}} 1 {LATE}\n'], tmp_path)
    with blocks.served(tmp_path) as url:
        assert client.metric_names(url) == ["a", "b"]


@needs_prometheus
def test_errors_of_the_server_are_sentences(tmp_path: Path) -> None:
    with (
        blocks.served(tmp_path) as url,
        pytest.raises(ExporterError, match=r"^Prometheus refuses sum\( up: .*unclosed left parenthesis"),
    ):
        client.query_range(url, "sum( up", range(2))
    with pytest.raises(
        ExporterError, match=r"^The Prometheus at http://127\.0\.0\.1:\d+ did not answer a query: Connection refused\."
    ):
        client.query_range(url, "up", range(2))


@needs_prometheus
def test_this_machine_is_asked_without_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with blocks.served(tmp_path) as url:
        assert client.metric_names(url) == []


def test_errors_never_show_the_password() -> None:
    with pytest.raises(ExporterError) as caught:
        client.metric_names("http://user:s3cret@127.0.0.1:1/prefix")
    assert "http://127.0.0.1:1/prefix" in str(caught.value)
    assert "s3cret" not in str(caught.value)
