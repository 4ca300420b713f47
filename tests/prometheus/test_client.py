"""A client of a Prometheus-compatible server: what it asks, and how it fails."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from exporter.errors import ExporterError, QueryTooLargeError
from exporter.lab.history import blocks
from exporter.prometheus.client import MAX_POINTS, Prometheus
from support.api_server import Answer, ApiServer, answering

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


def test_errors_never_show_the_password() -> None:
    with pytest.raises(ExporterError) as caught:
        Prometheus("http://user:s3cret@127.0.0.1:1/prefix").metric_names()
    assert "http://127.0.0.1:1/prefix" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_server_without_our_metrics_is_a_sentence() -> None:
    with (
        ApiServer(answering('{"status": "success", "data": ["up"]}')) as server,
        pytest.raises(ExporterError, match=r"has no metrics of ironport-exporter: is it the right one\?$"),
    ):
        Prometheus(server.url.replace("//", "//user:s3cret@")).metric_names()


def limited(points: int, status: int, words: str) -> Answer:
    """Answer range queries of at most so many points with a series for each hundred seconds, and refuse longer ones."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        form = {name: values[0] for name, values in parse_qs((await request.read()).decode()).items()}
        instants = range(int(form["start"]), int(form["end"]) + 1, int(form["step"]))
        if len(instants) > points:
            return await answering(words, status)(request)
        hundreds = sorted({instant // 100 for instant in instants})
        series = [
            {"metric": {"hundred": str(each)}, "values": [[time, "1"] for time in instants if time // 100 == each]}
            for each in hundreds
        ]
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": series}})

    return answer


def error(words: str, kind: str = "execution") -> str:
    return json.dumps({"status": "error", "errorType": kind, "error": words})


TOO_LARGE = {
    "Prometheus, samples": (422, error("query processing would load too many samples into memory in query execution")),
    "Prometheus, time": (503, error("query timed out in expression evaluation", "timeout")),
    "Prometheus, points": (
        400,
        error("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution"),
    ),
    "VictoriaMetrics, samples": (
        422,
        error("cannot select more than -search.maxSamplesPerQuery=1000 samples; possible solutions: to increase it"),
    ),
    "VictoriaMetrics, points": (
        422,
        error("too many points for the given step=60000, start=1 and end=2: 40000"),
    ),
    "VictoriaMetrics, memory": (503, error("not enough memory for processing 9 data points across 2 time series")),
    "VictoriaMetrics, time": (422, error("timeout exceeded during query execution: 30.000 seconds")),
    "Mimir, chunks": (422, error("the query exceeded the maximum number of chunks (err-mimir-max-chunks-per-query)")),
    "Mimir, time": (422, error("the query time range exceeds the limit (query length: 744h0m0s, limit: 720h0m0s)")),
    "Thanos, series": (
        422,
        error("expanding series: rpc error: code = ResourceExhausted: exceeded series limit"),
    ),
    "Thanos, chunks": (
        422,
        error("exceeded chunks limit: rpc error: code = Code(422) desc = limit 1 violated"),
    ),
    "a proxy, size": (413, "<html>"),
    "a proxy, time": (504, "<html>"),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_a_refused_window_is_halved(case: str) -> None:
    instants = range(0, 1000, 5)
    with ApiServer(limited(60, *TOO_LARGE[case])) as server:
        found = Prometheus(server.url).query_range("a", instants)
    assert {series["metric"]["hundred"]: [time for time, _ in series["values"]] for series in found} == {
        str(hundred): list(range(hundred * 100, hundred * 100 + 100, 5)) for hundred in range(10)
    }
    assert len(server.seen) == 2 + 4, "200 and 100 points are refused, then there are four queries of 50"


@pytest.mark.parametrize(("points", "queries"), [(11_000, 12), (9, 2), (1, 1)])
def test_halving_ends(points: int, queries: int) -> None:
    with ApiServer(limited(0, *TOO_LARGE["Prometheus, samples"])) as server:
        with pytest.raises(QueryTooLargeError, match=r"^Prometheus refuses the arrivals: query processing would load"):
            Prometheus(server.url).query_range("a", range(points), what="the  arrivals")
        assert len(server.seen) == queries


@pytest.mark.parametrize("words", ["found duplicate series for the match group", "invalid parameter"])
def test_another_refusal_is_final(words: str) -> None:
    with ApiServer(answering(error(words), 422)) as server:
        with pytest.raises(ExporterError, match=f"^Prometheus refuses a: {words}"):
            Prometheus(server.url).query_range("a", range(1000))
        assert len(server.seen) == 1


def test_no_instants_take_no_query() -> None:
    assert Prometheus("http://127.0.0.1:1").query_range("a", range(0)) == []


def test_a_terminal_shows_the_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with ApiServer(limited(50, *TOO_LARGE["a proxy, size"])) as server:
        Prometheus(server.url).query_range("a", range(100), what="arrivals")
        assert capsys.readouterr().err == "\rarrivals:  50%\rarrivals: 100%\n"
        Prometheus(server.url).query_range("a", range(100))
        Prometheus(server.url).query_range("a", range(50), what="arrivals")
        assert not capsys.readouterr().err, "what has no name, or takes one query, has no progress"
