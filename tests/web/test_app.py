"""Every path of the exporter answers as documented, and every wrong request with a sentence."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from exporter import config
from exporter.config import Config
from exporter.errors import ConfigError, ExporterError
from exporter.web.app import listen
from support.face import Running
from support.fake_fleet import COMMUNITY, MX1, MX2, PASSWORD, write_fleet
from support.prometheus import promtool

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
PATHS = ("/", "/probe?target=mx1", "/sd", "/metrics", "/config", "/-/healthy", "/-/ready")


@pytest.mark.parametrize("accept", ["*/*", "application/openmetrics-text;version=1.0.0", "text/html"])
@pytest.mark.parametrize("path", ["/probe?target=mx1", "/metrics"])
async def test_metrics_have_the_text_format_whatever_is_asked(running: Running, path: str, accept: str) -> None:
    async with running.client.get(path, headers={"Accept": accept}) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, TEXT_FORMAT)


async def test_a_probe_answers_with_the_figures_of_its_appliance(running: Running) -> None:
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
async def test_an_answer_is_compressed_for_who_accepts_gzip(running: Running, accepted: str, zipped: bool) -> None:
    url = f"http://127.0.0.1:{running.port}/probe?target=mx1"
    async with (
        aiohttp.ClientSession(auto_decompress=False) as client,
        client.get(url, headers={"Accept-Encoding": accepted}) as answer,
    ):
        body = await answer.read()
        assert answer.headers.get("Content-Encoding") == ("gzip" if zipped else None)
        assert b"ironport_work_queue_messages 42.0" in (gzip.decompress(body) if zipped else body)


@pytest.mark.parametrize(("header", "seconds"), [("10", 9.5), ("0.75", 0.25), ("1e2", 99.5)])
async def test_a_probe_gets_the_scrape_timeout_less_the_offset(running: Running, header: str, seconds: float) -> None:
    await running.get("/probe?target=mx1", X_Prometheus_Scrape_Timeout_Seconds=header)
    assert running.prober("mx1").timeouts == [seconds]


@pytest.mark.parametrize("header", ["", "ten", "10s", "nan", "inf", "-inf", "0.5", "0", "-3"])
async def test_a_scrape_timeout_that_is_no_time_above_the_offset_is_refused(running: Running, header: str) -> None:
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
        ("?target=mx1&debug=yes", "debug is either true or false"),
        ("?target=mx1&debug=true&debug=true", "debug is either true or false"),
    ],
)
async def test_a_probe_request_that_makes_no_sense_is_told_why(running: Running, query: str, sentence: str) -> None:
    status, text = await running.get(f"/probe{query}")
    assert status == 400
    assert text.startswith(sentence)
    assert running.prober("mx1").timeouts == []


async def test_debug_gives_the_account_and_then_the_metrics(running: Running) -> None:
    status, text = await running.get("/probe?target=mx1&debug=true")
    assert status == 200
    assert text.index("snmp: complete") < text.index("xml: complete") < text.index("ironport_work_queue_messages 42")


async def test_a_client_that_goes_away_cancels_its_probe(running: Running) -> None:
    prober = running.prober("mx1")
    prober.go.clear()
    request = asyncio.create_task(running.get("/probe?target=mx1"))
    await prober.begun.wait()
    request.cancel()
    async with asyncio.timeout(10):
        await prober.cancelled.wait()


async def test_an_unexpected_error_is_a_sentence_to_the_client_and_one_line_in_the_log(running: Running) -> None:
    running.prober("mx1").fault = fault = ZeroDivisionError("division by zero")
    with capture_logs() as log:
        status, text = await running.get("/probe?target=mx1")
    assert (status, text) == (500, "The exporter failed on this request; its log says why. Please report it.\n")
    assert [(line["event"], line["path"], line["exc_info"]) for line in log] == [
        ("request failed unexpectedly", "/probe", fault)
    ]


async def test_an_unknown_path_is_told_the_known_ones(running: Running) -> None:
    status, text = await running.get("/probes")
    assert status == 404
    assert text == (
        "There is nothing here. The paths are /, /-/healthy, /-/ready, /-/reload, /config, /metrics, /probe, /sd.\n"
    )


async def test_a_wrong_method_is_told_the_right_one(running: Running) -> None:
    async with running.client.get("/-/reload") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert await answer.text() == "/-/reload takes POST, not GET.\n"


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/probe"])
async def test_a_browser_may_neither_run_nor_guess_anything(running: Running, path: str) -> None:
    async with running.client.get(path) as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_shows_a_secret(running: Running, path: str) -> None:
    status, text = await running.get(path)
    assert status == 200
    assert COMMUNITY not in text
    assert PASSWORD not in text


async def test_the_configuration_is_shown_as_it_runs(running: Running) -> None:
    status, text = await running.get("/config")
    assert (status, text) == (200, config.effective(running.fleet.config))


@pytest.mark.parametrize(("path", "word"), [("/-/healthy", "healthy"), ("/-/ready", "ready")])
async def test_health_is_told_to_get_and_head(running: Running, path: str, word: str) -> None:
    assert await running.get(path) == (200, f"ironport-exporter is {word}.\n")
    async with running.client.head(path) as answer:
        assert answer.status == 200


async def test_promtool_finds_nothing_wrong_with_the_own_metrics(running: Running) -> None:
    _, text = await running.get("/metrics")
    checked = await asyncio.to_thread(promtool, "check", "metrics", stdin=text)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


async def reload(running: Running) -> tuple[int, str]:
    async with running.client.post("/-/reload") as answer:
        return answer.status, await answer.text()


def own_metric(running: Running, name: str) -> float:
    value = running.telemetry.registry.get_sample_value(f"ironport_exporter_{name}")
    assert value is not None
    return value


async def test_a_reload_takes_over_the_new_file_and_keeps_what_did_not_change(running: Running) -> None:
    kept = running.fleet.probers["mx1"]
    write_fleet(running.file, MX1, MX2.replace("mx2", "mx4"))
    assert await reload(running) == (200, "The configuration is reloaded.\n")
    assert list(running.fleet.probers) == ["mx1", "mx4"]
    assert running.fleet.probers["mx1"] is kept
    assert own_metric(running, "appliances") == 2
    assert own_metric(running, "config_last_reload_successful") == 1
    assert own_metric(running, "config_last_reload_success_timestamp_seconds") > 0


async def test_a_reload_of_a_bad_file_says_all_errors_and_keeps_the_old_one(running: Running) -> None:
    write_fleet(running.file, MX1.replace("pool", "pol"), MX1)
    with pytest.raises(ConfigError) as wrong:
        config.load(running.file)
    assert len(wrong.value.problems) > 1
    assert await reload(running) == (500, "".join(f"{problem}\n" for problem in wrong.value.problems))
    assert list(running.fleet.probers) == ["mx1", "mx2", "mx3"]
    assert own_metric(running, "config_last_reload_successful") == 0
    assert own_metric(running, "appliances") == 3
    write_fleet(running.file)
    assert (await reload(running))[0] == 200
    assert own_metric(running, "config_last_reload_successful") == 1


class SlowLoad:
    """Loads once `go` is set, and notes beginnings and ends."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.seen: list[str] = []
        self._load = config.load

    def __call__(self, path: Path) -> Config:
        self.seen.append("begin")
        self.begun.set()
        assert self.go.wait(30)
        self.seen.append("end")
        return self._load(path)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> SlowLoad:
    slow = SlowLoad()
    monkeypatch.setattr(config, "load", slow)
    return slow


async def test_reloads_happen_one_after_the_other(running: Running, load: SlowLoad) -> None:
    load.go.set()
    answers = await asyncio.gather(*(reload(running) for _ in range(4)))
    assert [status for status, _ in answers] == [200] * 4
    assert load.seen == ["begin", "end"] * 4


async def test_a_reload_outlives_the_client_that_asked_for_it(running: Running, load: SlowLoad) -> None:
    write_fleet(running.file, MX1)
    request = asyncio.create_task(reload(running))
    assert await asyncio.to_thread(load.begun.wait, 30)
    request.cancel()
    await asyncio.wait({request})
    assert (await running.get("/-/healthy"))[0] == 200  # a reload stops no other request
    load.go.set()
    await running.face.close()
    assert list(running.fleet.probers) == ["mx1"]


@pytest.fixture
async def runner() -> AsyncIterator[web.AppRunner]:
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    yield runner
    await runner.cleanup()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_without_a_host_one_port_serves_both_ip_versions(runner: web.AppRunner, host: str) -> None:
    with capture_logs() as log:
        await listen(runner, "", 0)
    (port,) = {address[1] for address in runner.addresses}
    assert [line["address"] for line in log] == [f"[::]:{port}"]
    async with aiohttp.ClientSession() as client, client.get(f"http://{host}:{port}/") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("host", ["", "127.0.0.1"])
async def test_a_port_in_use_is_a_sentence(runner: web.AppRunner, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ExporterError) as error:
            await listen(runner, host, port)
    assert str(error.value) == (
        f"Cannot listen on {host}:{port}: Address already in use. Choose another address with --web.listen-address."
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_an_address_that_is_not_ours_is_a_sentence(runner: web.AppRunner, host: str) -> None:
    with pytest.raises(ExporterError, match=rf"^Cannot listen on {host}:0: "):
        await listen(runner, host, 0)
