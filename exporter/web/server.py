"""The server: it listens, answers until it is told to stop, and reloads when it is told to."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import web, web_response

from exporter import __version__, config
from exporter.errors import ConfigError, ExporterError
from exporter.fleet import Fleet
from exporter.telemetry import Telemetry
from exporter.web import systemd
from exporter.web.access import Access
from exporter.web.application import RUNNING_PROBES, SERVER, http_application
from exporter.web.connections import Connections
from exporter.web.live_web_config import LiveWebConfig
from exporter.web.reload import Reloader, note_loaded
from exporter.web.settings import ListenAddress, ServerSettings
from exporter.web.stopping import stop_on_signals
from exporter.web.web_config import try_load_web_config

_NEW_OBJECTS: Final = 5000
"""Python looks for cycles of objects after so many new ones; its own value is 700. Probes leave no cycles, and looking
for them took 4 % of the CPU time of 500 appliances.
"""

_SHUTDOWN: Final = 5.0
"""Seconds, used twice by aiohttp: running handlers get 10 s in all before they are cancelled, as long as a probe."""

_WATCH_INTERVAL: Final = 5.0
"""Seconds between two looks at the configuration files."""

_WEB_WATCH_INTERVAL: Final = 1.0
"""Seconds between two looks at the files of the web configuration; a certificate or a user is expected to work soon."""

_log: Final = structlog.get_logger()


async def serve(settings: ServerSettings) -> None:
    """Serve the fleet until SIGTERM or SIGINT; SIGHUP reloads its configuration. Running probes are answered.

    Raises ConfigError if the configuration has a problem, and ExporterError if an address cannot be listened on.
    """
    loaded = config.try_load(*settings.config_files)
    if loaded.config is None:
        raise ConfigError([*loaded.problems, *try_load_web_config(settings.web_config_file).problems])
    telemetry = Telemetry()
    web_config = LiveWebConfig(settings.web_config_file, telemetry)
    note_loaded(loaded.config, telemetry)
    async with AsyncExitStack() as open_parts:
        fleet = Fleet(loaded.config, telemetry)
        open_parts.push_async_callback(fleet.close)
        reloader = Reloader(fleet, telemetry, settings.config_files, loaded.files)
        open_parts.push_async_callback(reloader.close)
        application = http_application(fleet, telemetry, reloader, Access(web_config), settings)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.start)
        stopped = stop_on_signals(application[RUNNING_PROBES])
        _leave_out_of_collections()
        addresses = await open_parts.enter_async_context(_open_port(application, settings, web_config.tls))
        for work in _background_work(settings, reloader, web_config):
            await open_parts.enter_async_context(_running(work))
        _log.info("listening", version=__version__, address=", ".join(addresses), appliances=len(fleet.probers))
        systemd.notify("READY=1")
        await stopped.wait()
        systemd.notify("STOPPING=1")
        _log.info("stopping")


def _leave_out_of_collections() -> None:
    """Keep what stays, modules and configuration, out of Python's full garbage collections: these took 40 to 110 ms.

    A full collection of what is kept for 500 appliances takes 40 ms. Only every hundredth collection is a full
    one: about one in ten thousand probes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _open_port(
    application: web.Application, settings: ServerSettings, tls: ssl.SSLContext | None
) -> AbstractAsyncContextManager[list[str]]:
    if settings.systemd_socket:
        return accepting(application, systemd.activated_sockets(), tls)
    return listening(application, settings.listen_addresses, tls)


def _background_work(
    settings: ServerSettings, reloader: Reloader, web_config: LiveWebConfig
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what runs beside the server, as long as it does."""
    yield systemd.keep_watchdog_calm()
    if settings.auto_reload:
        yield reloader.watch(partial(asyncio.sleep, _WATCH_INTERVAL))
    if settings.web_config_file:
        yield web_config.watch(partial(asyncio.sleep, _WEB_WATCH_INTERVAL))


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def listening(
    application: web.Application, addresses: Sequence[ListenAddress], tls: ssl.SSLContext | None = None
) -> AsyncIterator[list[str]]:
    """Accept connections on all addresses; gives each with its port, which the kernel chooses where it is 0.

    Raises ExporterError, without having accepted any connection, if one of the addresses cannot be used.
    """
    with ExitStack() as open_sockets:
        sockets = await _bound(addresses, open_sockets)
        async with accepting(application, sockets, tls) as names:
            yield names


@asynccontextmanager
async def accepting(
    application: web.Application, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None
) -> AsyncIterator[list[str]]:
    """Accept connections on sockets, which are closed in the end; gives their addresses."""
    # aiohttp itself answers what is not HTTP, past every middleware.
    vars(web_response)["SERVER_SOFTWARE"] = SERVER
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=_SHUTDOWN)
    connections = Connections(runner, tls)
    application.middlewares.insert(0, connections.note_request)
    await runner.setup()
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as open_parts:
        open_parts.push_async_callback(runner.cleanup)
        open_parts.callback(connections.close_unread)
        await open_parts.enter_async_context(_running(connections.close_slow(partial(asyncio.sleep, 1))))
        for bound in sockets:
            server = await loop.create_server(connections, sock=bound)
            open_parts.callback(server.close)
        yield [_address(bound) for bound in sockets]


def _address(bound: socket.socket) -> str:
    """Return host and port of a socket, or the path of one in the file system."""
    name = bound.getsockname()
    return name if isinstance(name, str) else str(ListenAddress(*name[:2]))


async def _bound(addresses: Sequence[ListenAddress], open_sockets: ExitStack) -> list[socket.socket]:
    """Return a socket for each address, or several for a name with several; they close with the stack."""
    sockets: list[socket.socket] = []
    failures: list[str] = []
    for address in addresses:
        try:
            for host, family in await _resolved(address):
                sockets.append(open_sockets.enter_context(_create_socket(host, address.port, family)))
        except OSError as error:
            failures.append(f"{address} ({_reason(error)})")
    if failures:
        raise ExporterError(
            f"Cannot listen on {' and '.join(failures)}. Choose another address with --web.listen-address."
        )
    return sockets


async def _resolved(address: ListenAddress) -> list[tuple[str, socket.AddressFamily]]:
    """Return the IP addresses of a host name, each with its family; the empty host stays as it is."""
    if not address.host:
        return [("", socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET)]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((str(socket_address[0]), family) for family, *_, socket_address in found))


def _create_socket(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """Return a socket that listens; without a host it is one for IPv4 and IPv6, so that port 0 is one port."""
    dualstack = not host and family == socket.AF_INET6
    return socket.create_server((host, port), family=family, dualstack_ipv6=dualstack)


def _reason(error: OSError) -> str:
    # asyncio and socket have different texts; a name that does not resolve has a negative number and its own text.
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror or error)
