"""One command shows everything at work, one more attacks it, and nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from support.processes import program

PROJECT = Path(__file__).parents[2]
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

    def __init__(self, folder: Path, path: str) -> None:
        self.state = folder / "state" / "demo.json"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.log = folder / "demo.log"
        arguments = ["demo", "--history", "0s", "--state", str(self.state)]
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

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def _addresses(self) -> Any:
        assert self.process.poll() is None, self.log.read_text()
        return json.loads(self.state.read_text() or "{}") if self.state.exists() else {}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Start a demo that finds programs on this PATH."""
    started: list[Demo] = []

    def begin(path: str = os.environ["PATH"]) -> Demo:
        started.append(Demo(tmp_path, path))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.end()


def test_the_demo_shows_everything_at_work_can_be_attacked_and_leaves_nothing(start: Callable[..., Demo]) -> None:
    program("prometheus"), program("prometheus-alertmanager")
    demo = start()
    addresses = demo.addresses()
    prometheus = addresses["prometheus"]
    found = until(lambda: ask(f"{prometheus}/api/v1/targets?state=active")["data"]["activeTargets"][9:])
    assert len(found) == 1  # nine appliances, and the exporter itself
    assert until(lambda: ask(f"{prometheus}/api/v1/query?query=ironport_probe_success%3D%3D1")["data"]["result"])
    assert until(lambda: ask(f"{prometheus}/api/v1/alertmanagers")["data"]["activeAlertmanagers"])
    groups = ask(f"{prometheus}/api/v1/rules")["data"]["groups"]
    assert {Path(group["file"]).name for group in groups} == {path.name for path in PROJECT.glob("alerts/rules/*.yml")}
    assert f"python -m exporter demo attack jabberer --state {demo.state}" in demo.log.read_text()
    attack = run("demo", "attack", "jabberer,unit=mx2", "--state", str(demo.state))
    assert (attack.returncode, attack.stderr) == (0, "")
    assert "jabberer on mx2" in attack.stdout
    assert [each["scenario"] for each in ask(f"{addresses['simulator']}/scenarios")] == ["jabberer"]
    refused = run("demo", "attack", "jabberer,unit=nobody", "--state", str(demo.state))
    assert (refused.returncode, "nobody" in refused.stderr) == (1, True)
    assert demo.end() == 0
    assert not demo.state.exists()
    assert list(demo.temporary.iterdir()) == []
    for name in ("exporter", "prometheus", "alertmanager", "simulator"):
        assert addresses[name] in demo.log.read_text()
        with pytest.raises(OSError, match="refused"):
            urlopen(addresses[name], timeout=PATIENCE)


def test_without_the_programs_the_demo_says_what_it_leaves_out(start: Callable[..., Demo], tmp_path: Path) -> None:
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
        (["attack"], 2, "Missing argument 'SCENARIO'"),
        (["attack", "blitz"], 2, "There is no scenario blitz"),
        (["dance", "flood"], 2, "There is no command 'dance'"),
        (["--history", "long"], 2, "history"),
        (["attack", "flood"], 1, "start one with `demo`"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    done = run("demo", *arguments, "--state", str(tmp_path / "demo.json"))
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert words in done.stderr
