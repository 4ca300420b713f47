"""The exporter behind nginx, as the documentation shows it."""

from __future__ import annotations

import json
import shlex
import socket
import ssl
import sys
from collections.abc import Iterator
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import trustme

from support.api_server import write_server_certificate
from support.exporter import PROJECT
from support.fake_fleet import write_fleet
from support.markdown import code_blocks, code_lines
from support.processes import Process, free_port, program
from support.prometheus import is_ready

PAGE = PROJECT / "docs" / "web-config.md"
HOST = "monitoring.example.edu"
EVERYWHERE = """
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
"""
"""What nginx needs around a server, wherever it runs."""


class Proxied:
    """The exporter and nginx with the documented settings, on free ports and with a certificate of the tests."""

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        nginx = [program("nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
        write_server_certificate(authority, folder)
        write_fleet(folder / "fleet.yml")
        exporter, self._port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
        (line,) = (line for line in code_lines(PAGE, "sh") if "trusted-proxy" in line)
        _, *flags = shlex.split(line.replace("fleet.yml", f"{folder}/fleet.yml").replace("10125", str(exporter)))
        command = [sys.executable, "-m", "exporter", *flags]
        self.exporter = Process(command, folder / "exporter.log", {"PYTHONPATH": str(PROJECT)})
        (block,) = code_blocks(PAGE, "nginx")
        block = block.replace("443", f"127.0.0.1:{self._port}").replace("10125", str(exporter))
        (folder / "nginx.conf").write_text(f"{EVERYWHERE}{block.replace('/etc/nginx', str(folder))}}}")
        self.nginx = Process(nginx, folder / "nginx.log")
        self._trust = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        self.exporter.wait_until(partial(is_ready, f"http://127.0.0.1:{exporter}/ironport/-/ready"))
        self.nginx.wait_until(self._listens)

    def get(self, path: str, host: str = HOST) -> tuple[int, str]:
        connection = HTTPSConnection("127.0.0.1", self._port, timeout=30, context=self._trust)
        connection.request("GET", f"/ironport{path}", headers={"Host": host})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._port)) == 0


@pytest.fixture
def proxied(tmp_path: Path, authority: trustme.CA) -> Iterator[Proxied]:
    proxied = Proxied(tmp_path, authority)
    yield proxied
    proxied.nginx.stop()
    proxied.exporter.stop()


def test_the_documented_proxy_works(proxied: Proxied) -> None:
    status, text = proxied.get("/sd")
    group = json.loads(text)[0]
    assert (status, group["targets"]) == (200, [f"{HOST}:443"])
    assert group["labels"]["__scheme__"] == "https"
    assert proxied.get(f"{group['labels']['__metrics_path__'].removeprefix('/ironport')}?target=mx1")[0] == 200
    assert f"https://{HOST}:443/ironport/sd" in proxied.get("/")[1]
    assert proxied.get("/", host="rebound.example")[0] == 403
