"""The exporter as a process with a web configuration: Prometheus reads it with credentials, strangers learn nothing."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import bcrypt
import pytest
import trustme

from support.api_server import write_server_certificate
from support.exporter import PROJECT
from support.fake_fleet import write_fleet
from support.markdown import code_lines
from support.processes import Process, free_port
from support.prometheus import Prometheus

PASSWORD = "s3cret"
SOON = 5.0
"""Seconds within which an idle exporter must end; it takes a fraction of one."""


class ProtectedExporter:
    """`ironport-exporter` with TLS and the user ops on a free loopback port, until `process` is stopped."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        write_server_certificate(authority, folder)
        write_fleet(folder / "fleet.yml")
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
        tls = "{cert_file: server.pem, key_file: server.key}"
        (folder / "web.yml").write_text(f"tls_server_config: {tls}\nbasic_auth_users: {{ops: {hashed}}}\n")
        self.port = free_port(socket.SOCK_STREAM)
        self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(self.trust)
        files = [f"--config.file={folder}/fleet.yml", f"--web.config.file={folder}/web.yml"]
        command = [sys.executable, "-m", "exporter", *files, f"--web.listen-address=127.0.0.1:{self.port}"]
        self.process = Process(command, folder / "exporter.log", {"PYTHONPATH": str(PROJECT)})
        self.process.wait_until(lambda: "msg=listening" in self.process.output)

    def status(self, path: str, password: str) -> int:
        request = Request(f"https://127.0.0.1:{self.port}{path}")
        request.add_header("Authorization", f"Basic {b64encode(f'ops:{password}'.encode()).decode()}")
        try:
            with urlopen(request, timeout=30, context=self.trust) as answer:
                status: int = answer.status
                return status
        except HTTPError as error:
            error.close()
            return error.code

    def connection(self) -> ssl.SSLSocket:
        """Return a connection whose handshake is done."""
        raw = socket.create_connection(("127.0.0.1", self.port))
        return self.trust.wrap_socket(raw, server_hostname="127.0.0.1")


@pytest.fixture
def exporter(tmp_path: Path, authority: trustme.CA) -> Iterator[ProtectedExporter]:
    exporter = ProtectedExporter(tmp_path, authority)
    yield exporter
    exporter.process.stop()


def job(exporter: ProtectedExporter, name: str, password: str, ca_file: Path) -> dict[str, Any]:
    """Return a scrape job that discovers the fleet and scrapes it with a password."""
    access = {"basic_auth": {"username": "ops", "password": password}, "tls_config": {"ca_file": str(ca_file)}}
    discovery = {"url": f"https://127.0.0.1:{exporter.port}/sd", "refresh_interval": "1s", **access}
    return {"job_name": name, "http_sd_configs": [discovery], **access}


def test_prometheus_scrapes_with_credentials_over_tls(
    exporter: ProtectedExporter,
    start_prometheus: Callable[[Mapping[str, Any]], Prometheus],
    ca_file: Path,
) -> None:
    jobs = [job(exporter, "known", PASSWORD, ca_file), job(exporter, "stranger", "guess", ca_file)]
    own = {"static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}], "scheme": "https"}
    jobs[1] |= own  # it cannot discover anything, so it is told what to scrape
    prometheus = start_prometheus({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs})
    up = prometheus.until(lambda: found if len(found := prometheus.query("up")) == 4 else [])
    assert sorted((labels["job"], value) for labels, value in up) == [
        ("known", 1.0), ("known", 1.0), ("known", 1.0), ("stranger", 0.0)
    ]  # fmt: skip
    (stranger,) = [target for target in prometheus.targets() if target["scrapePool"] == "stranger"]
    assert "401 Unauthorized" in stranger["lastError"]


def test_strangers_leave_no_trace_in_the_log(exporter: ProtectedExporter) -> None:
    before = exporter.process.output
    for sent in (b"", b"GET /config HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x02", os.urandom(500)):
        with socket.create_connection(("127.0.0.1", exporter.port)) as stranger:
            stranger.sendall(sent)
    with pytest.raises(URLError):
        urlopen(f"https://127.0.0.1:{exporter.port}/", timeout=30)  # it does not trust the authority
    assert [exporter.status(path, "guess") for path in ("/", "/-/healthy", "/config")] == [401] * 3
    assert exporter.status("/-/healthy", PASSWORD) == 200
    assert exporter.process.output == before


def test_the_documented_health_check_finds_it_healthy(exporter: ProtectedExporter) -> None:
    (line,) = (line for line in code_lines(PROJECT / "docs" / "web-config.md", "sh") if "--health-cmd" in line)
    command = shlex.split(line)[3].replace("10125", str(exporter.port))
    python = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    assert subprocess.run(command, shell=True, env={**os.environ, "PATH": python}).returncode == 0
    exporter.process.stop()
    assert subprocess.run(command, shell=True, env={**os.environ, "PATH": python}, capture_output=True).returncode == 1


def test_idle_and_hung_connections_delay_no_stop(exporter: ProtectedExporter) -> None:
    with exporter.connection() as idle, socket.create_connection(("127.0.0.1", exporter.port)) as hung:
        idle.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 401")
        hung.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        os.kill(exporter.process.pid, signal.SIGTERM)
        assert exporter.process.wait(30) == 0
        assert time.monotonic() - began < SOON


def test_a_new_user_is_known_within_seconds(exporter: ProtectedExporter, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    changed = bcrypt.hashpw(b"changed", bcrypt.gensalt(4)).decode()
    assert exporter.status("/-/ready", "changed") == 401
    web.write_text(f"{web.read_text().splitlines()[0]}\nbasic_auth_users: {{ops: {changed}}}\n")
    exporter.process.wait_until(lambda: "web configuration reloaded" in exporter.process.output)
    assert exporter.status("/-/ready", "changed") == 200
    assert exporter.status("/-/ready", PASSWORD) == 401
