"""Every path answers as documented, and every wrong request gets a sentence."""

from __future__ import annotations

import asyncio
import gzip
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import Metric, parser
from prometheus_client.openmetrics import parser as openmetrics_parser
from structlog.testing import capture_logs

from exporter import __version__, config, log
from support import logs
from support.fake_fleet import COMMUNITY, PASSWORD
from support.prometheus import promtool
from support.running_server import RunningServer, StartServer

restore = pytest.fixture(logs.restored)

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
DOCS = Path(__file__).parents[2] / "docs"
PATHS = ("/", "/probe?target=mx1", "/sd", "/metrics", "/config", "/-/healthy", "/-/ready")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", TEXT_FORMAT),
        ("text/html", TEXT_FORMAT),
        ("text/plain;version=0.0.4;q=0.5, application/openmetrics-text;version=1.0.0;q=0.4", TEXT_FORMAT),
        ("application/openmetrics-text;version=1.0.0, text/plain;version=0.0.4;q=0.5", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8", OPENMETRICS),
    ],
)
@pytest.mark.parametrize("path", ["/probe?target=mx1", "/metrics"])
async def test_metrics_have_the_format_that_the_client_prefers(
    running: RunningServer, path: str, accept: str, content_type: str
) -> None:
    async with running.client.get(path, headers={"Accept": accept}) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
        assert (await answer.text()).endswith("# EOF\n") == (content_type == OPENMETRICS)


@pytest.mark.parametrize("path", ["/probe?target=mx1", "/metrics"])
async def test_both_formats_have_the_same_series(running: RunningServer, path: str) -> None:
    _, plain = await running.get(path)
    _, openmetrics = await running.get(path, Accept="application/openmetrics-text;version=1.0.0")
    read = openmetrics_parser.text_string_to_metric_families(openmetrics)  # type: ignore[no-untyped-call]
    assert names(read) == names(parser.text_string_to_metric_families(plain))


def names(families: Iterable[Metric]) -> list[tuple[str, dict[str, str]]]:
    """Return the name and the labels of each series; the parser of the text format reads some counters as gauges."""
    return [(sample.name, sample.labels) for family in families for sample in family.samples]


async def test_a_probe_answers_for_its_appliance(running: RunningServer) -> None:
    status, text = await running.get("/probe?target=mx1")
    assert status == 200
    assert "\nironport_work_queue_messages 42.0\n" in text
    assert running.prober("mx1").timeouts == [10.0]
    assert running.prober("mx2").timeouts == []


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("identity", False),
        ("deflate", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, deflate", False),
    ],
)
async def test_clients_that_accept_gzip_get_it(running: RunningServer, accepted: str, zipped: bool) -> None:
    url = f"http://127.0.0.1:{running.port}/probe?target=mx1"
    async with (
        aiohttp.ClientSession(auto_decompress=False) as client,
        client.get(url, headers={"Accept-Encoding": accepted}) as answer,
    ):
        body = await answer.read()
        assert answer.headers.get("Content-Encoding") == ("gzip" if zipped else None)
        assert b"ironport_work_queue_messages 42.0" in (gzip.decompress(body) if zipped else body)


@pytest.mark.parametrize(("header", "seconds"), [("10", 9.5), ("0.75", 0.25), ("1e2", 99.5), ("1e9", 120.0)])
async def test_a_probe_gets_the_timeout_less_the_offset(running: RunningServer, header: str, seconds: float) -> None:
    await running.get("/probe?target=mx1", X_Prometheus_Scrape_Timeout_Seconds=header)
    assert running.prober("mx1").timeouts == [seconds]


@pytest.mark.parametrize("header", ["", "ten", "10s", "nan", "inf", "-inf", "0.5", "0", "-3"])
async def test_a_scrape_timeout_below_the_offset_is_refused(running: RunningServer, header: str) -> None:
    status, text = await running.get("/probe?target=mx1", X_Prometheus_Scrape_Timeout_Seconds=header)
    assert status == 400
    assert f'"{header}"; it must be a number of seconds above 0.5' in text
    assert running.prober("mx1").timeouts == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Give target once: /probe?target=NAME. /sd lists every appliance."),
        ("?target=", "Give target once"),
        ("?target=mx1&target=mx2", "Give target once"),
        ("?target=MX-1", 'No appliance is called "MX-1". /sd'),
        ("?target=mx11", 'No appliance is called "mx11". Did you mean mx1'),
        ("?target=%0Amx%1b", 'No appliance is called "mx". Did you mean'),
        ("?target=mx1&debug=yes", "debug must be true or false"),
        ("?target=mx1&debug=true&debug=true", "debug must be true or false"),
    ],
)
async def test_a_senseless_probe_request_gets_a_reason(running: RunningServer, query: str, sentence: str) -> None:
    status, text = await running.get(f"/probe{query}")
    assert status == 400
    assert text.startswith(sentence)
    assert running.prober("mx1").timeouts == []


async def test_debug_output_comes_before_the_metrics(running: RunningServer) -> None:
    status, text = await running.get("/probe?target=mx1&debug=true")
    assert status == 200
    assert text.index("snmp: complete") < text.index("xml: complete") < text.index("ironport_work_queue_messages 42")


async def test_a_client_that_goes_away_cancels_its_probe(running: RunningServer) -> None:
    prober = running.prober("mx1")
    prober.go.clear()
    request = asyncio.create_task(running.get("/probe?target=mx1"))
    await prober.begun.wait()
    request.cancel()
    async with asyncio.timeout(10):
        await prober.cancelled.wait()


async def test_an_unexpected_error_is_a_sentence_and_logged(running: RunningServer) -> None:
    running.prober("mx1").fault = fault = ZeroDivisionError("division by zero")
    with capture_logs() as logged:
        status, text = await running.get("/probe?target=mx1")
    assert (status, text) == (
        500,
        "The exporter failed on this request; its log says why. Please report it in the project's issue tracker.\n",
    )
    assert [(line["event"], line["path"], line["exc_info"]) for line in logged] == [
        ("request failed unexpectedly", "/probe", fault)
    ]


async def test_an_unexpected_error_quotes_no_data(
    running: RunningServer, capsys: pytest.CaptureFixture[str], restore: None
) -> None:
    log.setup("logfmt", "debug")
    running.prober("mx1").fault = ValueError("a secret that the appliance sends back")
    _, text = await running.get("/probe?target=mx1")
    logged = capsys.readouterr().err
    assert 'msg="request failed unexpectedly"' in logged
    assert "secret" not in text + logged


async def test_an_unknown_path_gets_the_known_ones(running: RunningServer) -> None:
    status, text = await running.get("/probes")
    assert status == 404
    assert text == (
        "There is nothing here. The paths are /, /-/healthy, /-/ready, /-/reload, /config, /metrics, /probe, /sd.\n"
    )


async def test_a_wrong_method_gets_the_right_one(running: RunningServer) -> None:
    async with running.client.get("/-/reload") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert await answer.text() == "/-/reload takes POST, not GET.\n"


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/probe"])
async def test_browsers_run_no_script_and_guess_no_type(running: RunningServer, path: str) -> None:
    async with running.client.get(path) as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_shows_a_secret(running: RunningServer, path: str) -> None:
    status, text = await running.get(path)
    assert status == 200
    assert COMMUNITY not in text
    assert PASSWORD not in text


async def test_config_shows_the_running_configuration(running: RunningServer) -> None:
    status, text = await running.get("/config")
    assert (status, text) == (200, config.effective(running.fleet.config))


@pytest.mark.parametrize(("path", "word"), [("/-/healthy", "healthy"), ("/-/ready", "ready")])
async def test_health_answers_get_and_head(running: RunningServer, path: str, word: str) -> None:
    assert await running.get(path) == (200, f"ironport-exporter is {word}.\n")
    async with running.client.head(path) as answer:
        assert answer.status == 200


async def test_promtool_finds_nothing_wrong_with_the_own_metrics(running: RunningServer) -> None:
    _, text = await running.get("/metrics")
    checked = await asyncio.to_thread(promtool, "check", "metrics", stdin=text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


async def test_metrics_can_be_selected_by_name(running: RunningServer) -> None:
    _, text = await running.get("/metrics?name[]=ironport_exporter_appliances")
    assert [line for line in text.splitlines() if line[0] != "#"] == ["ironport_exporter_appliances 3.0"]


async def test_an_older_prometheus_client_gives_the_same(monkeypatch: pytest.MonkeyPatch, start: StartServer) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client.aiohttp", None)
    running = await start()
    for accept, content_type in (("*/*", TEXT_FORMAT), ("application/openmetrics-text", OPENMETRICS)):
        async with running.client.get("/metrics", headers={"Accept": accept}) as answer:
            assert answer.headers["Content-Type"] == content_type
            assert "\nironport_exporter_appliances 3.0\n" in await answer.text()


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/probe", "/-/reload", "/sd?", "/probe?target=mx9"])
async def test_every_answer_names_the_exporter_alone(running: RunningServer, path: str) -> None:
    async with running.client.get(path) as answer:
        assert answer.headers.getall("Server") == [f"ironport-exporter/{__version__}"]


@pytest.mark.parametrize(
    "request_text",
    [
        b"garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: nothing\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_what_is_not_http_learns_nothing(running: RunningServer, request_text: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(request_text)
    answer = (await reader.read(65536)).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith("HTTP/1")
    assert f"\r\nServer: ironport-exporter/{__version__}\r\n" in answer
    assert not {"aiohttp", "Python", "Traceback"} & set(answer.replace("/", " ").split())


async def test_all_paths_are_below_the_route_prefix(start: StartServer) -> None:
    running = await start(route_prefix="/iron/port")
    for path in PATHS:
        assert (await running.get(f"/iron/port{path}"))[0] == 200
        assert (await running.get(path))[0] == (200 if path == "/" else 404)
    async with running.client.post("/iron/port/-/reload") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/", "/iron/port"])
async def test_the_root_redirects_to_the_route_prefix(start: StartServer, path: str) -> None:
    running = await start(route_prefix="/iron/port")
    async with running.client.get(path, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/iron/port/")
        assert answer.headers["Server"] == f"ironport-exporter/{__version__}"


async def test_the_route_prefix_follows_the_external_url(start: StartServer) -> None:
    running = await start(external_url="https://proxy.example.edu/ironport/")
    assert (await running.get("/ironport/-/ready"))[0] == 200
    assert (await running.get("/-/ready"))[0] == 404


async def test_a_proxy_may_remove_the_external_path(start: StartServer) -> None:
    running = await start(external_url="https://proxy.example.edu/ironport/", route_prefix="")
    assert (await running.get("/-/ready"))[0] == 200
    assert '"__metrics_path__": "/ironport/probe"' in (await running.get("/sd"))[1]


async def test_the_page_on_http_lists_every_path(running: RunningServer) -> None:
    async with running.client.get("/nowhere") as answer:
        paths = re.findall(r"/[\w/-]*", (await answer.text()).partition("The paths are")[2])
    listed = re.findall(r"^\| `(?:GET|POST) (/[^`]*)` \|", (DOCS / "http.md").read_text(), re.MULTILINE)
    assert sorted(listed) == paths
