"""The HTTP application: every path, and a sentence for every request that makes no sense."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from exporter import __version__, config
from exporter.config import Config
from exporter.errors import RequestError
from exporter.fleet import Fleet
from exporter.probe import TIMEOUT_HEADER, Prober, probe_timeout
from exporter.probe_debug import debug_output
from exporter.telemetry import Telemetry
from exporter.web import discovery
from exporter.web.access import Access
from exporter.web.connections import most_connections
from exporter.web.discovery import BaseUrl
from exporter.web.forwarded import believe
from exporter.web.landing import landing_page
from exporter.web.negotiation import prefers_openmetrics
from exporter.web.reload import Reloader
from exporter.web.running_probes import RunningProbes
from exporter.web.same_site import refuse_foreign_host, refuse_foreign_origin
from exporter.web.settings import ServerSettings
from exporter.web.shares import Shares

SERVER: Final = f"ironport-exporter/{__version__}"
"""The header `Server` of every answer."""

_TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_COMMON_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Server": SERVER,
    "Vary": "Accept, Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_AT_ONCE: Final = 128 * 1024
"""Octets of an answer that are compressed without a thread. An appliance has about 14,000, which take 0.05 ms: less
than a thread costs."""

_GZIP_FORMAT: Final = 31
"""zlib's number for the format of gzip, with the greatest window."""

_GZIP: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)

_MOST_PAGES: Final = 20
"""How many requests may wait for a page that is made in a thread. For 5,000 appliances one takes about 0.1 s."""

RUNNING_PROBES: Final = web.AppKey("running_probes", RunningProbes)
"""Where the application keeps the probes that run."""

_log: Final = structlog.get_logger()


def http_application(
    fleet: Fleet, telemetry: Telemetry, reloader: Reloader, access: Access, settings: ServerSettings
) -> web.Application:
    """Return the application, with all paths below the prefix of the settings."""
    probes = RunningProbes()
    handlers = _Handlers(fleet, reloader, probes, settings)
    prefix = settings.prefix
    forwarded = believe(settings.trusted_proxies)
    middlewares = [access.add_headers, _complete_headers, _explain_errors, forwarded, _sharing(), access.admit]
    application = web.Application(middlewares=middlewares)
    application[RUNNING_PROBES] = probes
    application.add_routes(
        [
            web.get(f"{prefix}/", handlers.landing),
            web.get(f"{prefix}/probe", handlers.probe),
            web.get(f"{prefix}/sd", handlers.sd),
            web.get(f"{prefix}/metrics", _metrics_handler(telemetry.registry)),
            web.get(f"{prefix}/config", handlers.config),
            web.get(f"{prefix}/-/healthy", handlers.healthy),
            web.get(f"{prefix}/-/ready", handlers.ready),
            web.post(f"{prefix}/-/reload", handlers.reload),
        ]
    )
    if prefix:
        application.add_routes([web.get(path, handlers.redirect) for path in ("/", prefix)])
    return application


class _Handlers:
    """What each path answers."""

    def __init__(self, fleet: Fleet, reloader: Reloader, probes: RunningProbes, settings: ServerSettings) -> None:
        self._fleet = fleet
        self._reloader = reloader
        self._probes = probes
        self._settings = settings
        self._effective = _EffectiveConfig()
        self._one_page = asyncio.Lock()
        self._pages = Shares(lambda: _MOST_PAGES)

    async def landing(self, request: web.Request) -> web.Response:
        refuse_foreign_host(request, self._settings.external_url)
        with_password = hdrs.AUTHORIZATION in request.headers  # so Prometheus needs one, too
        page = await self._off_the_loop(request, landing_page, self._fleet, self._base(request), with_password)
        return web.Response(text=page, content_type="text/html")

    async def redirect(self, _request: web.Request) -> web.Response:
        landing = f"{self._settings.prefix}/"
        return web.Response(status=HTTPStatus.FOUND, headers={"Location": landing}, text=f"See {landing}\n")

    async def probe(self, request: web.Request) -> web.Response:
        prober = await self._prober(request, _single(request, "target"))
        debug = _flag(request, "debug")
        timeout = probe_timeout(request.headers.get(TIMEOUT_HEADER), self._settings.timeout_offset)
        with self._probes.admit(prober.appliance.name, _client(request), timeout):
            result = await prober.probe(timeout)
        if debug:
            return web.Response(text=debug_output(prober.appliance, result))
        if _wants_openmetrics(request):
            return _exposition(result.exposition.openmetrics(), _OPENMETRICS)
        return _exposition(result.exposition.text(), _TEXT_FORMAT)

    async def sd(self, request: web.Request) -> web.Response:
        found = await self._off_the_loop(request, discovery.groups_text, self._fleet.config, self._base(request))
        return web.json_response(text=found)

    async def config(self, request: web.Request) -> web.Response:
        refuse_foreign_host(request, self._settings.external_url)
        return web.Response(text=await self._effective.text(self._fleet.config))

    async def healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="ironport-exporter is healthy.\n")

    async def ready(self, _request: web.Request) -> web.Response:
        return web.Response(text="ironport-exporter is ready.\n")

    async def reload(self, request: web.Request) -> web.Response:
        refuse_foreign_host(request, self._settings.external_url)
        refuse_foreign_origin(request, self._settings.external_url)
        problems = await asyncio.shield(self._reloader.start())
        if problems:
            return web.Response(status=500, text="".join(f"{problem}\n" for problem in problems))
        return web.Response(text="The configuration is reloaded.\n")

    async def _prober(self, request: web.Request, target: str) -> Prober:
        prober = self._fleet.prober(target)
        if prober is None:
            raise RequestError(await self._off_the_loop(request, self._fleet.unknown, target))
        return prober

    async def _off_the_loop(self, request: web.Request, make: Callable[..., str], *arguments: object) -> str:
        """Make the text of a page in a thread: for thousands of appliances it takes a while. One page at a time."""
        with self._pages.use(_client(request), "Too many requests for pages wait already. Send them less often."):
            async with self._one_page:
                return await asyncio.to_thread(make, *arguments)

    def _base(self, request: web.Request) -> BaseUrl:
        if self._settings.external_url:
            return self._settings.external_url
        reached = BaseUrl.from_host(request.scheme, request.headers.get("Host", ""))
        return replace(reached, prefix=self._settings.prefix)


class _EffectiveConfig:
    """The text of /config, which is made once for each configuration: for 5,000 appliances it takes seconds."""

    def __init__(self) -> None:
        self._config: Config | None = None
        self._text: asyncio.Task[str]

    async def text(self, loaded: Config) -> str:
        """Return the text for the running configuration."""
        if self._config is not loaded:
            self._config, self._text = loaded, asyncio.create_task(asyncio.to_thread(config.effective, loaded))
        return await asyncio.shield(self._text)


def _metrics_handler(registry: CollectorRegistry) -> Handler:
    """Return prometheus-client's handler, which is in 0.23 and newer, for the two formats that /probe has."""
    try:
        from prometheus_client.aiohttp import make_aiohttp_handler
    except ImportError:
        return _plain_metrics_handler(registry)
    library_handler = make_aiohttp_handler(registry, disable_compression=True)

    async def metrics(request: web.Request) -> web.StreamResponse:
        headers = request.headers.copy()
        headers[hdrs.ACCEPT] = "application/openmetrics-text" if _wants_openmetrics(request) else "text/plain"
        return await library_handler(request.clone(headers=headers))

    return metrics


def _plain_metrics_handler(registry: CollectorRegistry) -> Handler:
    async def metrics(request: web.Request) -> web.StreamResponse:
        if _wants_openmetrics(request):
            text = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # the library does not annotate it
            return _exposition(text, _OPENMETRICS)
        return _exposition(generate_latest(registry), _TEXT_FORMAT)

    return metrics


def _sharing() -> Middleware:
    """Return a middleware that refuses a request if its client has its share of the connections already."""
    connections = Shares(most_connections)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.use(_client(request), "Too many of your requests are being answered. Send them less often."):
            return await handler(request)

    return middleware


def _client(request: web.Request) -> str:
    """Return the address of the client, which a trusted proxy has told if it was not the client that connected."""
    return request.remote or ""


def _single(request: web.Request, parameter: str) -> str:
    values = request.query.getall(parameter, [])
    if len(values) != 1 or not values[0]:
        raise RequestError(f"Give {parameter} once: {request.path}?{parameter}=NAME. /sd lists every appliance.")
    return values[0]


def _flag(request: web.Request, parameter: str) -> bool:
    values = request.query.getall(parameter, ["false"])
    if values not in (["true"], ["false"]):
        raise RequestError(f"{parameter} must be true or false, and be given at most once.")
    return values == ["true"]


def _wants_openmetrics(request: web.Request) -> bool:
    return prefers_openmetrics(",".join(request.headers.getall(hdrs.ACCEPT, ())))


def _exposition(text: bytes, content_type: str) -> web.Response:
    return web.Response(body=text, headers={"Content-Type": content_type})


@web.middleware
async def _complete_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Add the headers that every answer has, and compress it for clients that accept gzip."""
    response = await handler(request)
    response.headers.update(_COMMON_HEADERS)
    if _GZIP.search(request.headers.get("Accept-Encoding", "")):
        _compress(response)
    return response


def _compress(response: web.StreamResponse) -> None:
    """Compress an answer with gzip, at the lowest level: a tenth more octets in half of the time."""
    if isinstance(response, web.Response) and isinstance(response.body, bytes) and len(response.body) <= _AT_ONCE:
        response.body = zlib.compress(response.body, level=1, wbits=_GZIP_FORMAT)
        response.headers[hdrs.CONTENT_ENCODING] = web.ContentCoding.gzip.value
    else:
        response.enable_compression(web.ContentCoding.gzip)


@web.middleware
async def _explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with a sentence."""
    try:
        return await handler(request)
    except RequestError as error:
        return _sentence(HTTPStatus(error.status), str(error))
    except web.HTTPNotFound:
        paths = sorted({route.resource.canonical for route in request.app.router.routes() if route.resource})
        return _sentence(HTTPStatus.NOT_FOUND, f"There is nothing here. The paths are {', '.join(paths)}.")
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = _sentence(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.path} takes {allowed}, not {request.method}.")
        response.headers["Allow"] = allowed
        return response
    except web.HTTPException as error:
        return _sentence(HTTPStatus(error.status), f"{error.reason}.")
    except Exception as error:  # noqa: BLE001 - no client may see a trace
        _log.error("request failed unexpectedly", path=request.path, exc_info=error)
        return _sentence(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "The exporter failed on this request; its log says why. Please report it in the project's issue tracker.",
        )


def _sentence(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
