from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exporter.cli import main
from exporter.lab.history import blocks
from exporter.lab.history.backfill import backfill
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

HOUR = 3600
BEGIN = int(datetime(2026, 3, 11, 8, tzinfo=UTC).timestamp())
ONSET = BEGIN + 2 * HOUR
END = BEGIN + 4 * HOUR


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus that has scraped four hours of a fleet of which mx2 was attacked, and knows no rules."""
    folder = tmp_path_factory.mktemp("attacked") / "data"
    jabberer = parse_scenario("jabberer@+2h,unit=mx2")
    backfill(load_topology("trio"), seed=5, seconds=END - BEGIN, end=END, out=folder, scenarios=[jabberer])
    with blocks.served(folder) as url:
        yield url


def backtest(*arguments: str) -> int:
    return main(["backtest", *arguments])


def test_the_past_of_a_prometheus_is_told(attacked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "found.json"
    assert (
        backtest(
            "--prometheus.url",
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
    assert not found["notifications"], "a jabberer calls nobody"
    table = capsys.readouterr().out
    assert "| warning  | IronPortJabbererSuspected " in table
    assert "| ironport inbound mx2 |" in table
    assert "In 2h50m alerts would have fired " in table
    assert table.endswith(" times and notified the person on call 0 times; 0 of them already fired when it began.\n")
    assert not any(one["begin"] < ONSET for one in found["alerts"])


def test_impossible_times_are_refused(attacked: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in {
        (
            "--from",
            "yesterday",
        ): ("'yesterday' is not a time: write how long ago it was (7d), or a time such as 2026-03-11T10:00:00Z."),
        ("--from", "1h", "--to", "2h"): "The past has to begin before it ends",
    }.items():
        assert backtest("--prometheus.url", attacked, *arguments) == 2
        assert sentence in capsys.readouterr().err


def test_a_wrong_or_silent_prometheus_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with blocks.served(tmp_path) as url:
        assert backtest("--prometheus.url", url) == 1
    assert (
        f"The Prometheus at {url} has no metrics of ironport-exporter: is it the right one?" in capsys.readouterr().err
    )
    assert backtest("--prometheus.url", url) == 1
    assert (
        f"The Prometheus at {url} cannot be reached (connection refused): check that it runs there."
        in capsys.readouterr().err
    )


RULES = r"""
groups:
  - name: some
    rules:
      - alert: Down
        expr: up == 0
        labels: {severity: critical, tier: 1}
      - alert: Odd
        expr: ironport_odd > 1
        labels: {severity: warning}
      - alert: Steep
        expr: rate(ironport_counted_total[5m]) > 1.5
        labels: {severity: warning}
"""


def test_what_is_copied_is_what_was_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Quotes in labels, NaN, resets and gaps stay what they are; `up` of other jobs is not our business."""
    times = range(BEGIN, END, 60)
    lines = ["# TYPE ironport_probe_success gauge\n"]
    lines += [f'ironport_probe_success{{job="mail \\"1\\""}} 1 {time}\n' for time in times if time < ONSET]
    lines += ["# TYPE up gauge\n"]
    lines += [f'up{{job="mail \\"1\\""}} {int(time < ONSET)} {time}\n' for time in times]
    lines += [f'up{{job="other"}} 0 {time}\n' for time in times]
    lines += ["# TYPE ironport_odd gauge\n"]
    lines += [f'ironport_odd{{at="a \\\\ b"}} {2 if time >= ONSET else "NaN"} {time}\n' for time in times]
    lines += ["# TYPE ironport_counted counter\n"]
    lines += [f"ironport_counted_total {time % 3600} {time}\n" for time in times if not 3000 < time % 3600 < 3400]
    data, rules, file = tmp_path / "data", tmp_path / "rules.yml", tmp_path / "found.json"
    data.mkdir()
    blocks.write(lines, data)
    rules.write_text(RULES)
    with blocks.served(data) as url:
        arguments = ("--from", str_of(BEGIN + HOUR), "--to", str_of(END - 60), "--json", str(file))
        assert backtest("--prometheus.url", url, "--rules", str(rules), *arguments) == 0
    alerts = {one["alert"]: one for one in json.loads(file.read_text())["alerts"]}
    assert set(alerts) == {"Down", "Odd"}
    assert alerts["Down"]["labels"] == {"job": 'mail "1"', "severity": "critical", "tier": "1"}
    assert alerts["Odd"]["labels"] == {"at": r"a \ b", "severity": "warning"}
    assert all(0 <= one["begin"] - ONSET <= 60 and one["end"] is None for one in alerts.values())
    assert "and notified the person on call 1 times; 0 of them already fired when it began." in capsys.readouterr().out


def test_what_fired_before_is_no_new_notification(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = range(BEGIN, END, 60)
    lines = [
        "# TYPE ironport_probe_success gauge\n",
        *(f'ironport_probe_success{{job="a"}} 1 {time}\n' for time in times),
    ]
    lines += ["# TYPE up gauge\n", *(f'up{{job="a"}} 0 {time}\n' for time in times)]
    data, rules, file = tmp_path / "data", tmp_path / "rules.yml", tmp_path / "found.json"
    data.mkdir()
    blocks.write(lines, data)
    rules.write_text(RULES)
    with blocks.served(data) as url:
        arguments = ("--from", str_of(ONSET), "--to", str_of(END - 60), "--json", str(file))
        assert backtest("--prometheus.url", url, "--rules", str(rules), *arguments) == 0
    (alert,) = json.loads(file.read_text())["alerts"]
    assert alert["begin"] < ONSET
    assert "and notified the person on call 0 times; 1 of them already fired when it began." in capsys.readouterr().out


def str_of(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()


def test_a_password_in_the_url_is_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str | None] = []

    class Guarded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_error(401, "Unauthorized")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
            pass

    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        assert backtest("--prometheus.url", f"http://admin:s3cr%40t@127.0.0.1:{server.server_port}") == 1
        thread.join()
    assert asked == [f"Basic {b64encode(b'admin:s3cr@t').decode()}"]
    refused = capsys.readouterr().err
    assert "does not accept the credentials (401 Unauthorized): check them and what they allow." in refused
    assert backtest("--prometheus.url", f"http://admin:s3cr%40t@127.0.0.1:{server.server_port}") == 1
    unanswered = capsys.readouterr().err
    assert (
        f"The Prometheus at http://127.0.0.1:{server.server_port} cannot be reached (connection refused)" in unanswered
    )
    assert "s3cr" not in refused + unanswered


@pytest.mark.parametrize(
    "url", ["localhost:9090", "ftp://x", "http://admin:s3cret", "http://a:s3cret@h:99999", "http://h/?a=s3cret"]
)
def test_what_is_no_url_is_told_without_it(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest("--prometheus.url", url) == 2
    said = capsys.readouterr().err
    assert "it is not a URL like http://localhost:9090" in said
    assert "s3cret" not in said
