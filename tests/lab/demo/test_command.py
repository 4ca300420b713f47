"""One command shows everything at work, one more attacks it, and nothing is left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from exporter import cli
from exporter.lab.demo import command, monitoring
from exporter.lab.history.blocks import LENGTH
from exporter.prometheus.durations import HOUR
from support.api_server import ApiServer, answering
from support.processes import program

PROJECT = Path(__file__).parents[3]
PATIENCE = 90.0
"""Seconds within which things must have come about; generous, for a busy machine."""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def until(look: Callable[[], Any]) -> Any:
    """Look again and again until something is there."""
    limit = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.1)
    return found


def ask(url: str) -> Any:
    with urlopen(url, timeout=PATIENCE) as answer:
        return json.load(answer)


class Demo:
    """A running demo: its process, its state file and the folder that its temporary folder is in."""

    def __init__(self, folder: Path, path: str, history: str) -> None:
        self.state = folder / "state" / "demo.json"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.log = folder / "demo.log"
        arguments = ["demo", "--history", history, "--state", str(self.state)]
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exporter", *arguments],
                cwd=PROJECT,
                env={**os.environ, "PATH": path, "TMPDIR": str(self.temporary)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def addresses(self) -> dict[str, Any]:
        found: dict[str, Any] = until(self._addresses)
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def _addresses(self) -> Any:
        assert self.process.poll() is None, self.log.read_text()
        return json.loads(self.state.read_text() or "{}") if self.state.exists() else {}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Start a demo that finds programs on this PATH; what it leaves behind fails the test."""
    started: list[Demo] = []

    def begin(path: str = os.environ["PATH"], history: str = "0s") -> Demo:
        started.append(Demo(tmp_path, path, history))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.end()
        assert not demo.state.exists()
        assert list(demo.temporary.iterdir()) == []


def test_the_demo_shows_everything_at_work(start: Callable[..., Demo]) -> None:
    """It can be attacked, is watched by all programs, sends nothing, and leaves nothing behind."""
    program("prometheus"), program("prometheus-alertmanager")
    demo = start()
    addresses = demo.addresses()
    prometheus = addresses["prometheus"]
    found = until(lambda: ask(f"{prometheus}/api/v1/targets?state=active")["data"]["activeTargets"][9:])
    assert len(found) == 1  # nine appliances, and the exporter itself
    assert until(lambda: ask(f"{prometheus}/api/v1/query?query=ironport_probe_success%3D%3D1")["data"]["result"])
    assert until(lambda: ask(f"{prometheus}/api/v1/query?query=ironport_sender_connections")["data"]["result"])
    assert until(lambda: ask(f"{prometheus}/api/v1/alertmanagers")["data"]["activeAlertmanagers"])
    groups = ask(f"{prometheus}/api/v1/rules")["data"]["groups"]
    assert {Path(group["file"]).name for group in groups} == {path.name for path in PROJECT.glob("alerts/rules/*.yml")}
    assert f"python -m exporter demo attack jabberer --state {demo.state}" in demo.log.read_text()
    attack = run("demo", "attack", "jabberer,unit=mx2", "--state", str(demo.state))
    assert (attack.returncode, attack.stderr) == (0, "")
    assert "jabberer on mx2" in attack.stdout
    assert [each["scenario"] for each in ask(f"{addresses['simulator']}/scenarios")] == ["jabberer"]
    stopped = run("demo", "attack", "stop", "--state", str(demo.state))
    assert (stopped.returncode, stopped.stdout) == (0, "jabberer on mx2 is ended.\n")
    assert ask(f"{addresses['simulator']}/scenarios") == []
    assert run("demo", "attack", "stop", "--state", str(demo.state)).stdout == "No attack runs.\n"
    second = run("demo", "--state", str(demo.state))
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    assert f"A demo runs already. Its exporter is at {addresses['exporter']}." in second.stderr
    assert json.loads(demo.state.read_text()) == addresses
    refused = run("demo", "attack", "jabberer,unit=nobody", "--state", str(demo.state))
    assert (refused.returncode, "nobody" in refused.stderr) == (1, True)
    (folder,) = demo.temporary.iterdir()
    receivers = yaml.safe_load((folder / "alertmanager.yml").read_text())["receivers"]
    assert {key for receiver in receivers for key in receiver} == {"name"}
    assert (folder / "prometheus.log").read_text() == ""
    assert demo.end() == 0
    for name in ("exporter", "prometheus", "alertmanager", "simulator"):
        assert addresses[name] in demo.log.read_text()
        with pytest.raises(OSError, match="refused"):
            urlopen(addresses[name], timeout=PATIENCE)


def test_a_demo_is_reached_without_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with ApiServer(answering("[]")) as simulator:
        addresses = {"exporter": "", "prometheus": None, "alertmanager": None, "fleet_file": ""}
        (tmp_path / "demo.json").write_text(json.dumps({**addresses, "simulator": simulator.url}))
        assert command.stop_attacks(tmp_path / "demo.json") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_writing_of_history(start: Callable[..., Demo], number: int) -> None:
    """Ctrl-C too: a terminal sends SIGINT to the demo, and its workers do not hear it."""
    program("prometheus"), program("promtool")
    seconds = 11 * LENGTH + (time.time() + HOUR) % LENGTH  # the first block spans an hour, and is soon written
    demo = start(history=f"{seconds:.0f}s")
    until(lambda: any(demo.temporary.glob("ironport-demo-*/data/*")))
    assert demo.end(number) == 130
    words = r"Writing [89]\S* days of history\. For 8 days this takes two to four minutes\.\n"
    assert re.fullmatch(words, demo.log.read_text()), "progress is for terminals"


def test_every_interval_between_scrapes_has_the_same_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert monitoring.SCRAPE_INTERVAL % command.present_fleet(tmp_path, 0).step == 0


def test_the_demo_names_the_programs_it_misses(start: Callable[..., Demo], tmp_path: Path) -> None:
    demo = start(str(tmp_path))
    addresses = demo.addresses()
    assert (addresses["prometheus"], addresses["alertmanager"]) == (None, None)
    with urlopen(f"{addresses['exporter']}/sd", timeout=PATIENCE) as answer:
        assert len(json.load(answer)) == 9
    assert demo.end() == 0
    text = demo.log.read_text()
    assert "apt install prometheus)" in text
    assert "apt install prometheus-alertmanager)" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["attack"], 2, "The argument SCENARIO|stop is missing."),
        (["attack", "blitz"], 2, "There is no scenario blitz"),
        (["attack", "jaberer"], 2, "Did you mean jabberer?"),
        (["atack", "flood"], 2, "Did you mean attack?"),
        (["dance", "flood"], 2, "There is no command 'dance'"),
        (["--history", "long"], 2, "The length of the history 'long' is not a time"),
        (["attack", "flood"], 1, "Start one with: ironport-exporter demo"),
    ],
)
def test_wrong_usage_of_the_demo_is_a_sentence(
    arguments: list[str], code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["demo", *arguments, "--state", str(tmp_path / "demo.json")]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
