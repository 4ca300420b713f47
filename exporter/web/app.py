"""The HTTP application, and the server that runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import generate_latest

from exporter import config
from exporter.config import Config
from exporter.errors import ConfigError, ExporterError, RequestError
from exporter.fleet import Fleet
from exporter.probe import TIMEOUT_HEADER, probe_timeout
from exporter.probe_debug import debug_output
from exporter.telemetry import Telemetry
from exporter.web import discovery, pages
from exporter.web.discovery import BaseUrl

_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
_GZIP: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)

_KEEPALIVE: Final = 150.0
"""Seconds that an idle connection is kept: longer than scrape intervals are, and short enough for clients that stall,
which nothing else bounds.
"""

_SHUTDOWN: Final = 5.0
"""Seconds, used twice by aiohttp: running handlers get 10 s in all before they are cancelled, as long as a probe."""

_log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says about serving; `timeout_offset` in seconds, an empty `host` is every interface."""

    config_file: Path
    host: str
    port: int
    timeout_offset: float
    external_url: BaseUrl | None


class Face:
    """What the exporter answers over HTTP about one fleet."""

    def __init__(self, fleet: Fleet, telemetry: Telemetry, settings: Settings) -> None:
        self._fleet = fleet
        self._telemetry = telemetry
        self._settings = settings
        self._reloading = asyncio.Lock()
        self._reloads: set[asyncio.Task[list[str]]] = set()

    def application(self) -> web.Application:
        """Return the application with every path."""
        app = web.Application(middlewares=[_finish, _explain])
        app.add_routes(
            [
                web.get("/", self._landing),
                web.get("/probe", self._probe),
                web.get("/sd", self._sd),
                web.get("/metrics", self._metrics),
                web.get("/config", self._config),
                web.get("/-/healthy", self._healthy),
                web.get("/-/ready", self._ready),
                web.post("/-/reload", self._reload),
            ]
        )
        return app

    def reload(self) -> asyncio.Task[list[str]]:
        """Begin to load the configuration anew, after other reloads; the task gives what is wrong with it.

        The task is nobody's but ours: a client that goes away does not stop a reload halfway.
        """
        task = asyncio.create_task(self._load())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)
        return task

    async def close(self) -> None:
        """Let running reloads end."""
        await asyncio.gather(*self._reloads)

    async def _load(self) -> list[str]:
        async with self._reloading:
            try:
                # Secrets may lie on slow file systems, and probes are running.
                loaded = await asyncio.to_thread(config.load, self._settings.config_file)
            except ConfigError as error:
                return self._not_loaded(error.problems)
            except Exception as error:  # noqa: BLE001 - whatever happens to it, a reload ends with a word
                return self._not_loaded([f"Loading failed unexpectedly ({type(error).__name__}); please report it."])
            self._fleet.apply(loaded)
            note_loaded(self._telemetry)
            _log.info("configuration reloaded", appliances=len(loaded.appliances))
            return []

    def _not_loaded(self, problems: list[str]) -> list[str]:
        self._telemetry.reload_successful.set(0)
        _log.error("configuration not reloaded, the old one keeps running", problems=problems)
        return problems

    async def _landing(self, request: web.Request) -> web.Response:
        return web.Response(text=pages.landing(self._fleet, self._base(request)), content_type="text/html")

    async def _probe(self, request: web.Request) -> web.Response:
        prober = self._fleet.prober(_single(request, "target"))
        debug = _flag(request, "debug")
        result = await prober.probe(probe_timeout(request.headers.get(TIMEOUT_HEADER), self._settings.timeout_offset))
        if debug:
            return web.Response(text=debug_output(prober.appliance, result))
        return _exposition(result.exposition.text())

    async def _sd(self, request: web.Request) -> web.Response:
        found = discovery.groups(self._fleet.config, self._base(request))
        return web.json_response(text=json.dumps(found, indent=2))

    async def _metrics(self, _request: web.Request) -> web.Response:
        return _exposition(generate_latest(self._telemetry.registry))

    async def _config(self, _request: web.Request) -> web.Response:
        return web.Response(text=config.effective(self._fleet.config))

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="ironport-exporter is healthy.\n")

    async def _ready(self, _request: web.Request) -> web.Response:
        return web.Response(text="ironport-exporter is ready.\n")

    async def _reload(self, _request: web.Request) -> web.Response:
        problems = await asyncio.shield(self.reload())
        if problems:
            return web.Response(status=500, text="".join(f"{problem}\n" for problem in problems))
        return web.Response(text="The configuration is reloaded.\n")

    def _base(self, request: web.Request) -> BaseUrl:
        return self._settings.external_url or BaseUrl.from_host(request.scheme, request.headers.get("Host", ""))


def note_loaded(telemetry: Telemetry) -> None:
    """Record that a configuration has been loaded well just now."""
    telemetry.reload_successful.set(1)
    telemetry.reload_timestamp.set_to_current_time()


def _single(request: web.Request, parameter: str) -> str:
    values = request.query.getall(parameter, [])
    if len(values) != 1 or not values[0]:
        raise RequestError(f"Give {parameter} once: /probe?target=NAME. /sd lists every appliance.")
    return values[0]


def _flag(request: web.Request, parameter: str) -> bool:
    values = request.query.getall(parameter, ["false"])
    if values not in (["true"], ["false"]):
        raise RequestError(f"{parameter} is either true or false, and given once at most.")
    return values == ["true"]


def _exposition(text: bytes) -> web.Response:
    return web.Response(body=text, headers={"Content-Type": _METRICS_TYPE})


@web.middleware
async def _finish(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Add what every answer has."""
    response = await handler(request)
    response.headers.update(_HEADERS)
    if _GZIP.search(request.headers.get("Accept-Encoding", "")):
        response.enable_compression(web.ContentCoding.gzip)
    return response


@web.middleware
async def _explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with a sentence."""
    try:
        return await handler(request)
    except RequestError as error:
        return _sentence(HTTPStatus.BAD_REQUEST, str(error))
    except web.HTTPNotFound:
        paths = sorted({route.resource.canonical for route in request.app.router.routes() if route.resource})
        return _sentence(HTTPStatus.NOT_FOUND, f"There is nothing here. The paths are {', '.join(paths)}.")
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = _sentence(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path} takes {allowed}, not {request.method}.")
        response.headers["Allow"] = allowed
        return response
    except web.HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - one request must not show its trace, nor end the others
        _log.error("request failed unexpectedly", path=request.path, exc_info=error)
        return _sentence(
            HTTPStatus.INTERNAL_SERVER_ERROR, "The exporter failed on this request; its log says why. Please report it."
        )


def _sentence(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")


async def serve(loaded: Config, settings: Settings) -> None:
    """Serve the fleet until SIGTERM or SIGINT; SIGHUP reloads its configuration.

    Probes that are running may end; an ExporterError says why the address cannot be listened on.
    """
    telemetry = Telemetry()
    note_loaded(telemetry)
    async with AsyncExitStack() as open_parts:
        fleet = Fleet(loaded, telemetry)
        open_parts.push_async_callback(fleet.close)
        face = Face(fleet, telemetry, settings)
        open_parts.push_async_callback(face.close)
        stopped = _on_signals(face)
        runner = web.AppRunner(
            face.application(),
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=_KEEPALIVE,
            shutdown_timeout=_SHUTDOWN,
        )
        open_parts.push_async_callback(runner.cleanup)
        await runner.setup()
        await listen(runner, settings.host, settings.port)
        await stopped.wait()
        _log.info("stopping")


def _on_signals(face: Face) -> asyncio.Event:
    """Reload on SIGHUP; return the event that SIGTERM or SIGINT sets."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, face.reload)
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, stopped.set)
    return stopped


async def listen(runner: web.BaseRunner, host: str, port: int) -> None:
    """Accept connections; the log names each address, with the port that the kernel chose for port 0."""
    try:
        site = web.TCPSite(runner, host, port) if host else web.SockSite(runner, _every_interface(port))
        await site.start()
    except OSError as error:
        # asyncio and socket word it differently; a name that does not resolve has a negative number and its own word.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or error
        raise ExporterError(
            f"Cannot listen on {_address(host, port)}: {reason}. Choose another address with --web.listen-address."
        ) from error
    for address in runner.addresses:
        _log.info("listening", address=_address(*address[:2]))


def _every_interface(port: int) -> socket.socket:
    """Return a socket for IPv4 and IPv6 alike where there is IPv6: one socket, so that port 0 is one port."""
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
