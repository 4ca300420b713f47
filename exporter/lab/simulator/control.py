"""The control of a simulated fleet over HTTP: a page for people and a JSON API for programs, on the loopback only.

A client that accepts HTML gets pages, and is sent back to them after a form. Other clients get JSON. Errors are
sentences.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from exporter.errors import ExporterError, RequestError
from exporter.lab.simulator import control_page, scenario_text
from exporter.lab.simulator.fault_forms import format_faults, parse_faults
from exporter.lab.simulator.incident import SimulatedIncident
from exporter.lab.simulator.live import LiveFleet

_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}
_LARGEST: Final = 16_384
"""Largest body of a request, in bytes."""

_log: Final = structlog.get_logger()


class Control:
    """Answers the requests about one fleet."""

    def __init__(self, fleet: LiveFleet) -> None:
        self._fleet = fleet

    def application(self) -> web.Application:
        """Return the application with every path."""
        app = web.Application(middlewares=[_finish, self._explain, _guard], client_max_size=_LARGEST)
        app.add_routes(
            [
                web.get("/", self._overview),
                web.get("/scenarios", self._scenarios),
                web.post("/scenarios", self._start),
                web.delete(r"/scenarios/{number:\d{1,9}}", self._stop),
                web.post(r"/scenarios/{number:\d{1,9}}/stop", self._stop),
                web.get("/truth", self._truth),
                web.get("/fleet.yml", self._fleet_file),
                web.get("/units/{unit}/faults", self._faults),
                web.post("/units/{unit}/faults", self._set_faults),
            ]
        )
        return app

    async def _overview(self, _request: web.Request) -> web.Response:
        return _page(control_page.overview(self._fleet))

    async def _scenarios(self, _request: web.Request) -> web.Response:
        return web.json_response([self._described(incident) for incident in self._fleet.model.scenarios])

    async def _start(self, request: web.Request) -> web.Response:
        incident = self._fleet.model.begin(scenario_text.parse_scenario(_scenario(await _text(request))))
        _log.info("scenario", number=incident.number, name=incident.scenario.name, begin=incident.begin)
        return _done(request, self._described(incident), HTTPStatus.CREATED)

    async def _stop(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        self._fleet.model.stop(number)
        _log.info("scenario stopped", number=number)
        return _done(request, {"number": number})

    async def _truth(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(row) for row in self._fleet.model.truth()])

    async def _fleet_file(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._fleet.fleet_file(), content_type="text/plain")

    async def _faults(self, request: web.Request) -> web.Response:
        unit = self._unit(request)
        if _for_people(request):
            return _page(control_page.unit_faults(self._fleet, unit))
        return web.json_response(format_faults(*self._fleet.faults(unit)))

    async def _set_faults(self, request: web.Request) -> web.Response:
        unit = self._unit(request)
        form = dict(parse_qsl(await _text(request), keep_blank_values=True))
        await self._fleet.set_faults(unit, *parse_faults(form))
        now = format_faults(*self._fleet.faults(unit))
        _log.info("faults", unit=unit, **now)
        return _done(request, now)

    def _unit(self, request: web.Request) -> str:
        name = request.match_info["unit"]
        if name not in self._fleet.ports:
            raise RequestError(f"There is no unit {name}; / names every unit.")
        return name

    def _described(self, incident: SimulatedIncident) -> dict[str, Any]:
        model = self._fleet.model
        return {
            "number": incident.number,
            "scenario": incident.scenario.name,
            "begin": incident.begin,
            "end": incident.end,
            "running": incident.begin <= model.time,
            "units": [model.fleet.names[unit] for unit in incident.units],
            "values": dict(incident.values),
        }

    @web.middleware
    async def _explain(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer every error with a sentence. After a form, the page shows it above the form."""
        try:
            return await handler(request)
        except RequestError as error:
            if not _for_people(request):
                return _sentence(HTTPStatus.BAD_REQUEST, str(error))
            unit = request.match_info.get("unit")
            page = (
                control_page.unit_faults(self._fleet, unit, str(error))
                if unit in self._fleet.ports
                else control_page.overview(self._fleet, str(error))
            )
            return _page(page, HTTPStatus.BAD_REQUEST)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return _sentence(HTTPStatus(error.status), f"{request.method} {request.path}: {error.reason}.")
        except Exception as error:  # noqa: BLE001 - one request must not show its trace, nor end the fleet
            _log.error("request failed unexpectedly", path=request.path, exc_info=error)
            return _sentence(HTTPStatus.INTERNAL_SERVER_ERROR, "This request failed; the log says why.")


def _scenario(text: str) -> str:
    """Return the scenario as text. A form has a field for each parameter; other text is the scenario itself."""
    form = dict(parse_qsl(text))  # an empty field is left out
    if "scenario" not in form:
        return text
    name, offset = form.pop("scenario"), form.pop("offset", "")
    return ",".join([f"{name}@+{offset}" if offset else name, *(f"{key}={value}" for key, value in form.items())])


async def _text(request: web.Request) -> str:
    try:
        return await request.text()
    except (LookupError, UnicodeDecodeError) as error:
        raise RequestError("The request is not text in UTF-8.") from error


def _for_people(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _done(request: web.Request, result: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Answer a program with the result, and send a person back to the page of the fleet."""
    if _for_people(request):
        raise web.HTTPSeeOther("/")
    return web.json_response(result, status=status)


def _page(html: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(status=status, text=html, content_type="text/html")


def _sentence(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")


@web.middleware
async def _finish(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPSeeOther as redirect:
        redirect.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests that another web site makes a browser send, from its pages or to a name of its own."""
    host = request.headers.get("Host", "")
    if not _is_loopback(host):
        return _sentence(HTTPStatus.FORBIDDEN, "This is for the loopback alone: ask for localhost or 127.0.0.1.")
    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
        return _sentence(HTTPStatus.FORBIDDEN, "A page of another origin may not control the fleet.")
    return await handler(request)


def _is_loopback(host: str) -> bool:
    """Whether a Host header names the loopback, with any port."""
    try:
        name = URL(f"http://{host}").host
        return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def serving(fleet: LiveFleet, host: str, port: int) -> AsyncIterator[str]:
    """Listen at the address inside the context and yield the URL; raises ExporterError if that is not possible."""
    runner = web.AppRunner(Control(fleet).application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
            raise ExporterError(
                f"Cannot listen on {host} port {port}: {reason}. Choose another address with --web.listen-address."
            ) from error
        bound, number = runner.addresses[0][:2]
        yield f"http://[{bound}]:{number}" if ":" in bound else f"http://{bound}:{number}"
    finally:
        await runner.cleanup()
