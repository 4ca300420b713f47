"""A real Alertmanager, and a receiver for what it sends."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.request import Request, urlopen

import yaml

from support.processes import Process, free_port, program
from support.prometheus import get, is_ready

PATIENCE: Final = 30.0
"""Seconds within which a notification must arrive; generous, for a busy machine."""

Labels = dict[str, str]


class Inbox:
    """A webhook receiver on a free loopback port, until `stop`: a mailbox for each path that is posted to."""

    def __init__(self) -> None:
        self._mail: dict[str, queue.SimpleQueue[Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Webhook, self._box))
        self._server.daemon_threads = False  # so that closing it waits for the connections that are open
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Close the port and every connection."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next(self, receiver: str) -> Any:
        """Wait for the next notification to a receiver and return it, as Alertmanager posts it."""
        return self._box(f"/{receiver}").get(timeout=PATIENCE)

    def _box(self, path: str) -> queue.SimpleQueue[Any]:
        return self._mail.setdefault(path, queue.SimpleQueue())


class _Webhook(BaseHTTPRequestHandler):
    """Puts what is posted to a path into its box; HTTP/1.0, so that no connection stays open."""

    def __init__(self, box: Callable[[str], queue.SimpleQueue[Any]], *arguments: Any) -> None:
        self._box = box
        super().__init__(*arguments)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._box(self.path).put(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep silent."""


class Alertmanager:
    """An Alertmanager with `config` (the content of alertmanager.yml) on a free loopback port, until `stop`."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.url = f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        file = folder / "alertmanager.yml"
        file.write_text(yaml.safe_dump(dict(config)))
        self._process = Process(
            [
                program("prometheus-alertmanager"),
                f"--config.file={file}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--cluster.listen-address=",  # no other of its kind, no port for them
            ],
            folder / "alertmanager.log",
        )
        self._process.wait_until(partial(is_ready, f"{self.url}/-/ready"))

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    def fire(self, *alerts: Labels) -> None:
        """Post alerts as Prometheus does, and return once Alertmanager has them in their groups."""
        self._post(alerts, datetime.now(UTC) + timedelta(hours=1))
        _until(lambda: all(labels in self._grouped() for labels in alerts), "take the alerts")

    def end(self, *alerts: Labels) -> None:
        """Post that alerts have ended, as Prometheus does."""
        self._post(alerts, datetime.now(UTC))

    def groups(self, receiver: str) -> list[list[Labels]]:
        """Return what the receiver is to be told now: the labels of the alerts of each group, the silent ones not."""
        groups = [
            [alert["labels"] for alert in group["alerts"] if alert["status"]["state"] != "suppressed"]
            for group in self._api("alerts/groups")
            if group["receiver"]["name"] == receiver
        ]
        return [group for group in groups if group]

    def silent(self) -> list[Labels]:
        """Return the labels of the alerts that others inhibit."""
        return [alert["labels"] for alert in self._api("alerts") if alert["status"]["inhibitedBy"]]

    def until_silent(self, *alerts: Labels) -> None:
        """Return once others inhibit each of the alerts."""
        _until(lambda: all(labels in self.silent() for labels in alerts), f"silence all of {alerts}")

    def _post(self, alerts: Iterable[Labels], ends: datetime) -> None:
        body = json.dumps([{"labels": labels, "endsAt": ends.isoformat()} for labels in alerts]).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.url}/api/v2/alerts", body, headers), timeout=PATIENCE):
            pass

    def _grouped(self) -> list[Labels]:
        return [alert["labels"] for group in self._api("alerts/groups") for alert in group["alerts"]]

    def _api(self, path: str) -> Any:
        return json.loads(get(f"{self.url}/api/v2/{path}"))


def _until(look: Callable[[], bool], deed: str) -> None:
    limit = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < limit, f"Alertmanager did not {deed} in {PATIENCE:.0f} s"
        time.sleep(0.02)


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool; its complaints are in `stdout` and `stderr`, its verdict in `returncode`."""
    return subprocess.run([program("amtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)
