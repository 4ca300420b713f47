"""Service discovery gives Prometheus everything that a scrape of an appliance needs, and only that."""

from __future__ import annotations

import json

import pytest

from exporter.web.discovery import BaseUrl
from support.running_server import RunningServer, StartServer

MX1 = {
    "__metrics_path__": "/probe",
    "__param_target": "mx1",
    "instance": "mx1",
    "site": "east",
    "pool": "edge",
    "stream": "in",
    "traffic": "inbound",
    "role": "production",
    "rack": "b12",
}
MX3_WITHOUT_SITE = {
    "__metrics_path__": "/probe",
    "__param_target": "mx3",
    "instance": "mx3",
    "pool": "outbound",
    "stream": "outbound",
    "traffic": "outbound",
    "role": "spare",
}


async def test_each_appliance_is_a_group_with_its_labels(running: RunningServer) -> None:
    async with running.client.get("/sd") as answer:
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        groups = await answer.json()
    assert [group["labels"]["instance"] for group in groups] == ["mx1", "mx2", "mx3"]
    assert groups[0] == {"targets": [f"127.0.0.1:{running.port}"], "labels": MX1}
    assert groups[2]["labels"] == MX3_WITHOUT_SITE


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("exporter.example.edu:10125", "exporter.example.edu:10125"),
        ("exporter", "exporter:80"),
        ("192.0.2.7:1", "192.0.2.7:1"),
        ("192.0.2.7:65535", "192.0.2.7:65535"),
        ("[2001:db8::1]:10125", "[2001:db8::1]:10125"),
        ("[::1]", "[::1]:80"),
    ],
)
async def test_the_target_is_what_the_client_reached(running: RunningServer, host: str, target: str) -> None:
    _, text = await running.get("/sd", Host=host)
    assert {target for group in json.loads(text) for target in group["targets"]} == {target}


@pytest.mark.parametrize("path", ["/sd", "/"])
@pytest.mark.parametrize(
    "host", ["", "a b", "host:", "host:port", "host:0", "host:65536", "host/path", "user@host", '"><script>', "::1"]
)
async def test_a_malformed_host_header_is_refused(running: RunningServer, path: str, host: str) -> None:
    status, text = await running.get(path, Host=host)
    assert status == 400
    assert text == (
        "The Host header must have the host and port under which you reach the exporter."
        " If a proxy changes it, start the exporter with --web.external-url.\n"
    )


@pytest.mark.parametrize(
    ("url", "target", "added"),
    [
        ("http://proxy:8080", "proxy:8080", {}),
        ("http://proxy/a/b/", "proxy:80", {"__metrics_path__": "/a/b/probe"}),
        ("https://proxy/ironport", "proxy:443", {"__scheme__": "https", "__metrics_path__": "/ironport/probe"}),
    ],
)
async def test_an_external_url_replaces_the_host_header(
    start: StartServer, url: str, target: str, added: dict[str, str]
) -> None:
    running = await start(url)
    _, text = await running.get(f"{BaseUrl.parse(url).prefix}/sd", Host="somewhere.else:1")
    assert json.loads(text)[0] == {"targets": [target], "labels": MX1 | added}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "proxy:8080",
        "ftp://proxy",
        "http://",
        "http://proxy:99999",
        "http://u:p@proxy",
        "http://proxy/?q",
        "http://p/#f",
    ],
)
def test_a_malformed_external_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not a URL like http://exporter\.example\.edu:10125"):
        BaseUrl.parse(url)


async def test_the_route_prefix_is_in_the_metrics_path(start: StartServer) -> None:
    running = await start(route_prefix="/iron/port")
    _, text = await running.get("/iron/port/sd")
    target = {"targets": [f"127.0.0.1:{running.port}"], "labels": MX1 | {"__metrics_path__": "/iron/port/probe"}}
    assert json.loads(text)[0] == target
