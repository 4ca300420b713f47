"""The server listens on every address that it is given, or on none."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from exporter import __version__
from exporter.errors import ConfigError, ExporterError
from exporter.web import server
from exporter.web.server import listening
from exporter.web.settings import ListenAddress, ServerSettings, parse_route_prefix
from support.fake_fleet import write_fleet
from support.processes import needs_ipv6

LOOPBACK = ListenAddress("127.0.0.1", 0)
EVERY_INTERFACE = ListenAddress("", 0)


async def status(address: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"http://{address}/") as answer:
        return answer.status


@needs_ipv6
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_without_a_host_both_ip_versions_are_served(host: str) -> None:
    async with listening(web.Application(), [EVERY_INTERFACE]) as (address,):
        assert address.startswith("[::]:")
        assert await status(f"{host}:{address.rpartition(':')[2]}") == 404


async def test_every_address_is_served() -> None:
    async with listening(web.Application(), [LOOPBACK, EVERY_INTERFACE, LOOPBACK]) as addresses:
        assert len(set(addresses)) == 3
        assert [await status(address.replace("[::]", "localhost")) for address in addresses] == [404] * 3


async def refusal(*addresses: ListenAddress) -> str:
    with pytest.raises(ExporterError) as refused:
        async with listening(web.Application(), addresses):
            pytest.fail("it listens")
    return str(refused.value)


@pytest.mark.parametrize("host", ["", "127.0.0.1"])
async def test_a_port_in_use_is_a_sentence(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert await refusal(ListenAddress(host, port)) == (
            f"Cannot listen on {host}:{port} (Address already in use)."
            " Choose another address with --web.listen-address."
        )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_a_foreign_address_is_a_sentence(host: str) -> None:
    assert (await refusal(ListenAddress(host, 0))).startswith(f"Cannot listen on {host}:0 (")


async def test_one_unusable_address_leaves_none_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        taken = [ListenAddress(*other.getsockname()) for other in (first, second)]
        with socket.create_server(("127.0.0.1", 0)) as free:
            usable = ListenAddress(*free.getsockname())
        sentence = await refusal(usable, *taken)
        assert sentence == (
            f"Cannot listen on {taken[0]} (Address already in use) and {taken[1]} (Address already in use)."
            " Choose another address with --web.listen-address."
        )
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*usable)


async def test_one_line_says_that_it_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "fleet.yml"
    write_fleet(file)
    stopped = asyncio.Event()
    stopped.set()
    monkeypatch.setattr(server, "stop_on_signals", lambda _: stopped)
    with capture_logs() as log:
        await server.serve(ServerSettings((file,), (LOOPBACK, LOOPBACK), auto_reload=True))
    first, last = [line for line in log if line["log_level"] != "warning"]  # the fleet of the tests sends passwords
    assert len(set(first.pop("address").split(", "))) == 2
    assert first == {"event": "listening", "log_level": "info", "version": __version__, "appliances": 3}
    assert last["event"] == "stopping"


async def test_a_bad_configuration_does_not_listen(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the file does not exist"):
        await server.serve(ServerSettings((tmp_path / "absent.yml",), (LOOPBACK,)))


async def test_the_faults_of_both_configurations_come_at_once(tmp_path: Path) -> None:
    fleet, web_file = tmp_path / "fleet.yml", tmp_path / "web.yml"
    fleet.write_text("appliances: []")
    web_file.write_text("rate_limit: {interval: never}")
    with pytest.raises(ConfigError) as refused:
        await server.serve(ServerSettings((fleet,), (LOOPBACK,), web_config_file=web_file))
    assert {problem.split(":")[0] for problem in refused.value.problems} == {str(fleet), str(web_file)}
    write_fleet(fleet)
    with pytest.raises(ConfigError, match=r"rate_limit\.interval must be a duration"):
        await server.serve(ServerSettings((fleet,), (LOOPBACK,), web_config_file=web_file))


@pytest.mark.parametrize(
    ("text", "prefix"), [("/", ""), ("", ""), ("iron", "/iron"), ("/iron/", "/iron"), ("/iron/port-1", "/iron/port-1")]
)
def test_a_route_prefix_begins_with_a_slash(text: str, prefix: str) -> None:
    assert parse_route_prefix(text) == prefix


@pytest.mark.parametrize("text", ["/a b", "/a?b", "/../a", "/a//b", "/{a}", "/%41", "http://a"])
def test_what_is_not_a_route_prefix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a path like /ironport"):
        parse_route_prefix(text)
