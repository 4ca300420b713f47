"""The web interfaces of a simulated fleet: a TCP port for each unit, and one application for all."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import random
import socket
import ssl
import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from aiohttp import web

from exporter.config import BasicAuth
from exporter.lab.simulator import rest_answers, status_page
from exporter.lab.simulator.faults import NO_XML_FAULTS, Answer, XmlFaults
from exporter.lab.simulator.rest_answers import RestPage
from exporter.lab.simulator.status_items import PageName
from exporter.lab.simulator.view import View

_PAGES: Final[Mapping[str, PageName]] = {page: page for page in get_args(PageName)}
_REST_PAGES: Final[Mapping[str, RestPage]] = {page: page for page in get_args(RestPage)}
_REALM: Final = {"WWW-Authenticate": 'Basic realm="IronPort Web Interface"'}
_LOGIN_PAGE: Final = """<html>
<head><title>IronPort Web Interface: Login</title></head>
<body><form method="post" action="/login">Username <input name="username">
Password <input type="password" name="password"></form></body>
</html>
"""
_CUT: Final = 0.6
"""The share of a truncated page that is sent."""


@dataclass(slots=True)
class _ListeningPort:
    """The port of a unit. The `server` listens on it. While the web interface is dead, the `keeper` reserves it."""

    number: int
    server: asyncio.Server | None
    keeper: socket.socket | None = None


class WebInterfaces:
    """The web interfaces of the units, which are given by name with their generation of AsyncOS.

    They show what `view` returns, accept only `login`, and use HTTPS if `tls` is given. `faults` maps units to faults
    and may change at any time; `refresh` then opens and closes ports. The units `with_rest` have the REST interface on
    the same port, as AsyncOS has it behind its new web interface.
    """

    def __init__(
        self,
        units: Mapping[str, int],
        view: Callable[[], View],
        login: BasicAuth,
        tls: ssl.SSLContext | None,
        faults: Mapping[str, XmlFaults],
        with_rest: Collection[str] = (),
    ) -> None:
        self._units = units
        self._view = view
        plain = f"{login.username}:{login.password.get_secret_value()}"
        self._authorization = f"Basic {base64.b64encode(plain.encode()).decode()}".encode()
        self._tls = tls
        self._faults = faults
        self._with_rest = with_rest
        self._random = random.Random(0)  # noqa: S311 - decides what is lost, guards nothing
        self._ports: dict[str, _ListeningPort] = {}
        self._unit_at: dict[int, str] = {}
        app = web.Application()
        app.router.add_get("/xml/{page}", self._answer)
        app.router.add_get("/esa/api/v2.0/{rest_page:.+}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)

    async def start(self, host: str = "127.0.0.1") -> dict[str, int]:
        """Listen at `host` and return the port of each unit."""
        self._host = host
        await self._runner.setup()
        for unit in self._units:
            server = await self._listen(0)
            number = server.sockets[0].getsockname()[1]
            self._ports[unit] = _ListeningPort(number, server)
            self._unit_at[number] = unit
        await self.refresh()
        return {unit: port.number for unit, port in self._ports.items()}

    async def refresh(self) -> None:
        """Close the ports of dead web interfaces, with their connections, and open the others."""
        view = self._view()
        dead = {unit for unit in self._ports if not view.transport(unit).xml or self._fault(unit).dead}
        self._close(port for unit, port in self._ports.items() if unit in dead and port.server)
        for unit, port in self._ports.items():
            if unit not in dead and port.keeper:
                port.server = await self._listen(port.number)
                port.keeper.close()
                port.keeper = None

    async def stop(self) -> None:
        """Close every port and connection."""
        for port in self._ports.values():
            if port.server:
                port.server.close()
            if port.keeper:
                port.keeper.close()
        self._ports.clear()
        await self._runner.cleanup()

    def _fault(self, unit: str) -> XmlFaults:
        return self._faults.get(unit, NO_XML_FAULTS)

    async def _listen(self, number: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        server = self._runner.server
        if server is None:
            raise RuntimeError("The application is not set up.")
        # With SO_REUSEPORT the keeper can reserve the port before the server closes it, and the reverse.
        return await loop.create_server(server, self._host, number, ssl=self._tls, reuse_port=True, backlog=128)

    def _close(self, ports: Iterable[_ListeningPort]) -> None:
        closed = set()
        for port in ports:
            port.keeper = _kept(self._host, port.number)
            if port.server:
                port.server.close()
                port.server = None
            closed.add(port.number)
        if closed and self._runner.server:
            for connection in self._runner.server.connections:
                if connection.transport and _local_port(connection.transport) in closed:
                    _abort(connection.transport)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the unit of the port would."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        unit = self._unit_at[_local_port(transport)]
        way, faults = self._view().transport(unit), self._fault(unit)
        dead = "rest_page" in request.match_info and not way.rest
        if dead or self._loses(way.xml_loss, faults.loss):
            _abort(transport)
            return web.Response()
        await asyncio.sleep(way.delay + faults.delay)
        known = hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization)
        if not (known and self._view().transport(unit).admits):
            response = web.Response(status=401, headers=_REALM)
        else:
            response = self._page(unit, request.match_info, faults.answer)
        return await _closing(request, response) if faults.closing else response

    def _loses(self, *probabilities: float) -> bool:
        return any(self._random.random() < probability for probability in probabilities)

    def _page(self, unit: str, wanted: Mapping[str, str], answer: Answer) -> web.Response:
        page, rest_page = _PAGES.get(wanted.get("page", "")), _REST_PAGES.get(wanted.get("rest_page", ""))
        if page is None and (rest_page is None or unit not in self._with_rest):
            return web.Response(status=404)
        if answer == "error":
            return web.Response(status=500)
        if answer == "login":
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        if page:
            body = status_page.render(page, self._view().xml_items(unit, (page,)), self._units[unit])
        elif rest_page:
            body = json.dumps({"data": rest_answers.unit_answer(self._view(), unit, rest_page)}).encode()
        if answer == "truncated":
            body = body[: int(len(body) * _CUT)]
        return web.Response(body=body, content_type="text/xml" if page else "application/json")


async def _closing(request: web.Request, response: web.Response) -> web.Response:
    """Send the response and close the connection, without a header that says so."""
    await response.prepare(request)
    await response.write_eof()
    if request.transport:
        request.transport.close()
    return response


def _kept(host: str, number: int) -> socket.socket:
    """Return a socket that reserves the port and accepts no connection."""
    keeper = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    keeper.bind((host, number))
    return keeper


def _local_port(transport: asyncio.BaseTransport) -> int:
    return int(transport.get_extra_info("sockname")[1])


def _abort(transport: asyncio.BaseTransport) -> None:
    """Reset the connection. Data that is not sent yet is lost."""
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
