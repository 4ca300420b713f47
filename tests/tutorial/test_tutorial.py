"""The commands of docs/tutorial.md, run as they stand, with other ports only.

`tests/tutorial/run` follows the whole page, with a new installation, until the alert fires. The usual tests leave out
the installation, and end when the attack has begun.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError

import pytest

from exporter.prometheus.rule_files import read_rules
from support.processes import Process, free_port, program
from support.prometheus import get
from support.wheel import PROJECT, SOURCES

PAGE: Final = (PROJECT / "docs" / "tutorial.md").read_text()
BLOCK: Final = re.compile(r"^```sh( title=\"leave it running\")?\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS: Final = re.compile(r"127\.0\.0\.1:(\d+)")
ATTACK: Final = "curl --data flood"

IS_WHOLE: Final = "TUTORIAL" in os.environ
PATIENCE: Final = {"IronPortWatchdog": 120.0, "IronPortPoolOverloaded": 600.0}
"""Seconds within which an alert must fire; the page says a minute, and about five."""


class Reader:
    """Somebody who follows the page, in `folder`, with other ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.screen: dict[str, str] = {}
        """What each command has printed."""
        self._ports = {port: str(free_port(socket.SOCK_STREAM)) for port in sorted(set(ADDRESS.findall(PAGE)))}
        self._running = ExitStack()

    def address(self, port: str) -> str:
        """Return the address that stands for a port of the page."""
        return f"127.0.0.1:{self._ports[port]}"

    def follow(self, line: str, *, is_left_running: bool = False) -> None:
        """Run a command of the page; return when it has ended, or when it listens."""
        command = ADDRESS.sub(lambda found: self.address(found[1]), line)
        if is_left_running:
            self._start(command)
            return
        env = {**os.environ, "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=env, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        self.screen[line] = done.stdout + done.stderr

    def wait_for(self, line: str) -> None:
        """Run a command that asks for an alert again and again, until the alert fires."""
        (alert,) = (alert for alert in PATIENCE if alert in line)
        limit = time.monotonic() + PATIENCE[alert]
        while alert not in self.screen.get(line, ""):
            assert time.monotonic() < limit, f"{alert} did not fire in {PATIENCE[alert]:.0f} s"
            time.sleep(2)
            self.follow(line)

    def printed(self, words: str) -> str:
        """Return what the command with these words has printed."""
        (text,) = (text for line, text in self.screen.items() if words in line)
        return text

    def end(self) -> None:
        """End what was left running."""
        self._running.close()

    def _start(self, command: str) -> None:
        *_, port = ADDRESS.findall(command)
        process = Process(["sh", "-c", f"cd {self.folder} && exec {command}"], self.folder / f"{port}.log")
        self._running.callback(process.stop)
        process.wait_until(partial(self._is_ready, int(port)))

    def _is_ready(self, port: int) -> bool:
        return answers(f"http://127.0.0.1:{port}/-/ready") and (self.folder / "fleet.yml").exists()


def answers(url: str) -> bool:
    """Return whether a server is ready; the simulator has no such path, and is ready when it says so."""
    try:
        return bool(get(url))
    except HTTPError as error:
        with error:
            return error.code == HTTPStatus.NOT_FOUND
    except (URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Start in a clone of the project."""
    for name in SOURCES:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, tmp_path / name)
    one = Reader(tmp_path)
    yield one
    one.end()


def lines() -> list[tuple[str, bool]]:
    """Return the commands of the page, each with whether it is left running."""
    return [(line, bool(title)) for title, block in BLOCK.findall(PAGE) for line in block.strip().splitlines()]


def test_the_commands_of_the_tutorial_work_as_they_stand(reader: Reader) -> None:
    for name in ("prometheus", "prometheus-alertmanager", "amtool", "curl"):
        program(name)
    for line, is_left_running in lines():
        if " pip install " in line.replace("/", " ") and not IS_WHOLE:
            (reader.folder / ".venv").symlink_to(Path(sys.prefix))
        elif "amtool alert query" in line and IS_WHOLE:
            reader.wait_for(line)
        else:
            reader.follow(line, is_left_running=is_left_running)
        if line.startswith("mkdir tutorial"):
            reader.folder /= "tutorial"
        if line.startswith(ATTACK) and not IS_WHOLE:
            break
    assert "2 of 2 appliances are complete." in reader.printed("check --live")
    for asked in ("probe ring1", "/probe?target=ring1"):
        assert "\nironport_probe_success 1.0\n" in reader.printed(asked)
    assert '"units": ["ring1", "ring2"]' in reader.printed(ATTACK)
    assert loaded_rules(reader.address("9090")) == len(read_rules(str(reader.folder / "ironport/alerts/rules/*.yml")))
    if IS_WHOLE:
        assert "PoolOverloaded" in reader.printed("explain")


def loaded_rules(prometheus: str) -> int:
    groups = json.loads(get(f"http://{prometheus}/api/v1/rules"))["data"]["groups"]
    return sum(len(group["rules"]) for group in groups)
