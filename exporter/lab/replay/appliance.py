"""A replayed appliance: its SNMP agent and its web interface, which answer what a capture holds."""

from __future__ import annotations

import time
from base64 import b64encode
from contextlib import AsyncExitStack
from typing import Any, Final, Self

import yaml
from aiohttp import web

from exporter.capture.capture_file import Capture
from exporter.config import Auth
from exporter.lab.simulator import certificate
from exporter.lab.simulator.agent import Agent, Instant
from exporter.lab.simulator.engine import Clock
from exporter.lab.simulator.instances import Instances, encode_number
from exporter.lab.simulator.live import engine_id, new_login, new_user
from exporter.lab.simulator.view import Transport
from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import SnmpValue, Unsigned

_HOST: Final = "127.0.0.1"
_NAME: Final = "replayed"
_GAUGE: Final = 0x42
_WELL: Final = Transport(
    scraped=True, answered=True, snmp=True, xml=True, rest=True, admits=True, snmp_loss=0.0, xml_loss=0.0, delay=0.0
)


class ReplayedAppliance:
    """An appliance on loopback ports with new secrets. Use it as an asynchronous context manager."""

    def __init__(self, capture: Capture) -> None:
        self._pages = {page.path: page.body for page in capture.pages}
        self._instant = Instant(
            _WELL, Instances((oid, _encoded(value)) for oid, value in capture.snmp.items()), Clock(int(time.time()), 1)
        )
        login = new_login()
        self._auths: dict[str, Any] = {"snmp": new_user()} if capture.snmp else {}
        folders = {"xml": "/xml/", "rest": "/esa/"}
        for source, folder in folders.items():
            if any(path.startswith(folder) for path in self._pages):
                self._auths[source] = login
        self._login = "Basic " + b64encode(f"{login['username']}:{login['password']}".encode()).decode()
        self._context, self._fingerprint = certificate.self_signed(_HOST)
        self._ports: dict[str, int] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the agent and the web interface, as far as the capture has them."""
        async with AsyncExitStack() as opened:
            if user := Auth.model_validate(self._auths).snmp:
                agent = Agent(_NAME, lambda: self._instant, [user], engine_id(_NAME), {})
                opened.callback(agent.stop)
                self._ports["snmp"] = await agent.start(_HOST)
            if self._pages:
                self._ports |= dict.fromkeys(self._auths.keys() - {"snmp"}, await self._serve(opened))
            self._open = opened.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every port and connection."""
        await self._open.aclose()

    def fleet_file(self) -> str:
        """Return the fleet.yml for an exporter that probes the appliance."""
        tls = {"tls": {"fingerprint_sha256": self._fingerprint}}
        settings = {
            source: {"port": port, **({} if source == "snmp" else tls)} for source, port in sorted(self._ports.items())
        }
        document = {
            "auths": {_NAME: self._auths},
            "appliances": [{"name": _NAME, "address": _HOST, "auth": _NAME, **settings}],
        }
        return "# A replayed appliance. Ports, secrets and the certificate change at every start.\n" + str(
            yaml.safe_dump(document, sort_keys=False)
        )

    async def _serve(self, opened: AsyncExitStack) -> int:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        opened.push_async_callback(runner.cleanup)
        await runner.setup()
        site = web.TCPSite(runner, _HOST, 0, ssl_context=self._context)
        await site.start()
        return int(runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != self._login:
            return web.Response(status=401)
        if request.path not in self._pages:
            return web.Response(status=404)
        return web.Response(body=self._pages[request.path].encode(), content_type="text/plain")


def _encoded(value: SnmpValue) -> bytes:
    match value:
        case Unsigned():
            return encode_number(_GAUGE, value)
        case int():
            return ber.encode_integer(value)
        case bytes():
            return ber.encode(ber.OCTETS, value)
    return ber.encode_oid(value)
