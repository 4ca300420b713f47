"""VictoriaMetrics and its vmalert, to which the rules are given as they are to Prometheus."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import yaml

from support.processes import Process, free_port, program
from support.prometheus import get, is_ready

Labels = frozenset[tuple[str, str]]

PATIENCE: Final = 30.0
"""Seconds within which vmalert must have evaluated its rules; generous, for a busy machine."""

_STAMP: Final = re.compile(r" (\d+)$", re.MULTILINE)


class VictoriaMetrics:
    """A VictoriaMetrics server on a free loopback port, until `stop`."""

    def __init__(self, folder: Path, *flags: str) -> None:
        address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self.url = f"http://{address}"
        self._process = Process(
            [
                program("victoria-metrics"),
                f"-storageDataPath={folder / 'victoria'}",
                f"-httpListenAddr={address}",
                "-retentionPeriod=100y",
                "-search.latencyOffset=0s",
                "-search.disableCache",
                "-loggerLevel=ERROR",
                *flags,
            ],
            folder / "victoria.log",
        )
        self._process.wait_until(partial(is_ready, f"{self.url}/health"))

    def stop(self) -> None:
        """End the server."""
        self._process.stop()

    def add(self, openmetrics: str) -> None:
        """Take samples whose times are whole seconds; here they are milliseconds."""
        text = _STAMP.sub(r" \g<1>000", openmetrics).encode()
        with urlopen(Request(f"{self.url}/api/v1/import/prometheus", data=text), timeout=30) as answer:
            answer.read()
        self.flush()

    def flush(self) -> None:
        """Return once everything that was taken can be queried."""
        get(f"{self.url}/internal/force_flush")

    def samples(self, selector: str, period: range) -> dict[Labels, dict[int, float]]:
        """Return what the series of a selector hold in the period: values by time, by labels with the name."""
        bounds = {"match[]": selector, "start": period.start, "end": period.stop}
        return {
            frozenset(series["metric"].items()): {
                time // 1000: value for time, value in zip(series["timestamps"], series["values"], strict=True)
            }
            for series in map(json.loads, get(f"{self.url}/api/v1/export?{urlencode(bounds)}").splitlines())
        }


def check(pattern: str) -> subprocess.CompletedProcess[str]:
    """Have vmalert look at rule files; its complaints are in `stderr`, its verdict in `returncode`."""
    return _run("-dryRun", f"-rule={pattern}")


def replay(server: VictoriaMetrics, rules: Mapping[str, Any], period: range, folder: Path) -> None:
    """Have vmalert evaluate rules over a past period as it would have, and write what comes of it to the server.

    It looks at one rule after the other, each over the whole period: none may read what another one of `rules` records.
    """
    replayed = _run(
        f"-rule={_file(rules, folder)}",
        f"-datasource.url={server.url}",
        f"-remoteWrite.url={server.url}",
        "-remoteWrite.flushInterval=100ms",
        f"-replay.timeFrom={_time(period.start)}",
        f"-replay.timeTo={_time(period[-1])}",
        "-replay.maxDatapointsPerQuery=10000",
        "-replay.rulesDelay=0s",
        "-replay.disableProgressBar",
        "-datasource.queryStep=0",  # the interval of the group; otherwise 5 minutes
        "-httpListenAddr=127.0.0.1:0",
    )
    assert replayed.returncode == 0, replayed.stderr
    server.flush()


class Vmalert:
    """vmalert on a free loopback port, evaluating rules now and telling nobody, until `stop`."""

    def __init__(self, server: VictoriaMetrics, rules: Mapping[str, Any], folder: Path) -> None:
        address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self._url = f"http://{address}"
        self._process = Process(
            [
                program("vmalert"),
                f"-rule={_file(rules, folder)}",
                f"-datasource.url={server.url}",
                f"-notifier.url=http://127.0.0.1:{free_port(socket.SOCK_STREAM)}",
                f"-httpListenAddr={address}",
            ],
            folder / "vmalert.log",
        )
        self._process.wait_until(partial(is_ready, f"{self._url}/health"))

    def stop(self) -> None:
        """End the program."""
        self._process.stop()

    def descriptions(self, count: int) -> dict[str, str]:
        """Wait until so many alerts fire, and return the description of each by its name."""
        limit = time.monotonic() + PATIENCE
        while len(found := self._firing()) < count:
            assert time.monotonic() < limit, f"only {sorted(found)} fire after {PATIENCE:.0f} s"
            time.sleep(0.1)
        return found

    def _firing(self) -> dict[str, str]:
        alerts = json.loads(get(f"{self._url}/api/v1/alerts"))["data"]["alerts"] or ()  # null while there is none
        return {each["name"]: each["annotations"]["description"] for each in alerts if each["state"] == "firing"}


def _file(rules: Mapping[str, Any], folder: Path) -> Path:
    file = folder / "vmalert.yml"
    file.write_text(yaml.safe_dump(dict(rules)))
    return file


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("vmalert"), *arguments], capture_output=True, text=True, timeout=60, check=False)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
