"""What a proxy says of a client is believed if the proxy is trusted, and only then."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64encode
from collections.abc import Sequence
from ipaddress import ip_network

import bcrypt
import pytest

from exporter.web.forwarded import client_address
from support.running_server import RunningServer, StartServer

LOOPBACK = "127.0.0.0/8"
USERS = f"basic_auth_users: {{ops: {bcrypt.hashpw(b's3cret', bcrypt.gensalt(4)).decode()}}}"


async def scheme_and_target(running: RunningServer, **headers: str) -> tuple[str, str]:
    """Return where /sd says that the exporter is."""
    status, text = await running.get("/sd", Host="upstream:10125", **headers)
    assert status == 200
    group = json.loads(text)[0]
    return group["labels"].get("__scheme__", "http"), group["targets"][0]


async def guess(running: RunningServer, number: int, forwarded_for: str) -> int:
    """Return the status for a wrong password."""
    password = b64encode(f"ops:guess {number}".encode()).decode()
    headers = {"Authorization": f"Basic {password}", "X-Forwarded-For": forwarded_for}
    return (await running.get("/-/ready", **headers))[0]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "mon.example.edu"}, ("https", "mon.example.edu:443")),
        ({"X-Forwarded-Proto": "https"}, ("https", "upstream:10125")),
        ({"X-Forwarded-Host": "forged, mon.example.edu:8080"}, ("http", "mon.example.edu:8080")),
        ({"X-Forwarded-Proto": "gopher", "X-Forwarded-Host": ""}, ("http", "upstream:10125")),
        ({}, ("http", "upstream:10125")),
    ],
)
async def test_a_trusted_proxy_names_scheme_and_host(
    start: StartServer, headers: dict[str, str], found: tuple[str, str]
) -> None:
    running = await start(trusted_proxies=["10.0.0.0/8", LOOPBACK])
    assert await scheme_and_target(running, **headers) == found


@pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8"]])
async def test_nobody_else_names_scheme_and_host(start: StartServer, proxies: list[str]) -> None:
    running = await start(trusted_proxies=proxies)
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "forged.example", "X-Forwarded-For": "127.0.0.1"}
    assert await scheme_and_target(running, **headers) == ("http", "upstream:10125")


async def test_a_page_of_the_forwarded_host_may_reload(start: StartServer) -> None:
    running = await start(trusted_proxies=[LOOPBACK])
    headers = {"Origin": "https://mon.example.edu", "X-Forwarded-Host": "mon.example.edu"}
    async with running.client.post("/-/reload", headers=headers | {"X-Forwarded-Proto": "https"}) as answer:
        assert answer.status == 200


async def test_wrong_passwords_count_for_the_client(start: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    go, check = threading.Event(), bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *arguments: go.wait(30) and check(*arguments))
    running = await start(trusted_proxies=[LOOPBACK], web_config=USERS)
    clients = ["192.0.2.2", *(f"10.0.0.{number}, 192.0.2.1" for number in range(5))]
    guesses = [asyncio.create_task(guess(running, number, client)) for number, client in enumerate(clients)]
    done, _ = await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
    assert [each.result() for each in done] == [429]
    go.set()
    assert sorted(await asyncio.gather(*guesses)) == [401] * 5 + [429]


@pytest.mark.parametrize(
    ("path", "client"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["192.0.2.1", "127.0.0.1"], "192.0.2.1"),
        (["198.51.100.9", "192.0.2.1", "10.1.2.3", "127.0.0.1"], "192.0.2.1"),
        (["2001:db8::9", "::ffff:127.0.0.1"], "2001:db8::9"),
        (["192.0.2.1", "fd00::5"], "192.0.2.1"),
        (["10.1.2.3", "127.0.0.1"], "10.1.2.3"),
        (["unknown", "127.0.0.1"], "unknown"),
        (["", "127.0.0.1"], ""),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(path: Sequence[str], client: str) -> None:
    proxies = [ip_network(text) for text in (LOOPBACK, "10.0.0.0/8", "fd00::/8")]
    assert client_address(path, proxies) == client
