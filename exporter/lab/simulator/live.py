"""A simulated fleet that runs in real time: its model, an SNMP agent and a web interface for every unit."""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Literal, Self

import yaml

from exporter.config import Auth
from exporter.errors import RequestError
from exporter.lab.simulator import certificate
from exporter.lab.simulator.agent import Agent, instants
from exporter.lab.simulator.faults import NO_SNMP_FAULTS, NO_XML_FAULTS, SnmpFaults, XmlFaults
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.releases import generation, has_rest
from exporter.lab.simulator.status_items import PageName
from exporter.lab.simulator.topology import Unit
from exporter.lab.simulator.web_interfaces import WebInterfaces

Version = Literal["v3", "v2c"]

_AUTH: Final = "simulated"
_REST_AUTH: Final = "simulated_with_rest"
_IRONPORT: Final = 15497
_HEADER: Final = """# A simulated fleet. Ports, secrets and the certificate change at every start.
"""


class LiveFleet:
    """The units of `model` on loopback ports, with new secrets. `pages` are those that the exporter is to fetch.

    With `rest`, units whose release has a REST interface have one, and the exporter is to ask it.

    Use it as an asynchronous context manager. Inside, it listens on `ports` (SNMP and XML, by unit). Its time moves
    only during `run` and `step`.
    """

    def __init__(
        self,
        model: Model,
        *,
        snmp: Version = "v3",
        https: bool = True,
        host: str = "127.0.0.1",
        pages: Sequence[PageName] = ("status",),
        rest: bool = False,
    ) -> None:
        self.model = model
        self._with_rest = [unit.name for unit in self.units if rest and has_rest(unit.asyncos)]
        if rest and not self._with_rest:
            raise RequestError("No unit of this fleet has a REST interface: it came with AsyncOS 12.")
        self._pages = pages
        self._snmp_faults: dict[str, SnmpFaults] = {}
        self._xml_faults: dict[str, XmlFaults] = {}
        self.ports: dict[str, tuple[int, int]] = {}
        self._host = host
        self._login = new_login()
        self._secrets = {"snmp": new_user() if snmp == "v3" else _community(), "xml": self._login}
        self._tls: ssl.SSLContext | None = None
        self._fingerprint = ""
        if https:
            self._tls, self._fingerprint = certificate.self_signed(host)
        self._open = AsyncExitStack()

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units, in the order of the topology."""
        return self.model.fleet.topology.appliances

    async def __aenter__(self) -> Self:
        """Start every agent and every web interface."""
        async with AsyncExitStack() as opened:
            auth = Auth.model_validate(self._secrets)
            if auth.snmp is None or auth.xml is None:
                raise ValueError("a simulated unit has both sources")
            generations = {unit.name: generation(unit.asyncos) for unit in self.units}
            self._web = WebInterfaces(
                generations, lambda: self.model.view, auth.xml, self._tls, self._xml_faults, self._with_rest
            )
            opened.push_async_callback(self._web.stop)
            pages = await self._web.start(self._host)
            for name in generations:
                one = Agent(
                    name, instants(name, lambda: self.model.view), [auth.snmp], engine_id(name), self._snmp_faults
                )
                opened.callback(one.stop)
                self.ports[name] = await one.start(self._host), pages[name]
            self._open = opened.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every port and connection."""
        await self._open.aclose()

    async def run(self) -> None:
        """Advance in real time, without end. Steps that were missed are made one after the other."""
        while True:
            await asyncio.sleep(max(0.0, self.model.time + self.model.step - time.time()))
            await self.step()

    async def step(self) -> None:
        """Advance one step."""
        self.model.advance()
        await self._web.refresh()

    def has_rest(self, unit: Unit) -> bool:
        """Return whether the unit has a REST interface."""
        return unit.name in self._with_rest

    def faults(self, unit: str) -> tuple[SnmpFaults, XmlFaults]:
        """Return the faults that are set for the unit."""
        return self._snmp_faults.get(unit, NO_SNMP_FAULTS), self._xml_faults.get(unit, NO_XML_FAULTS)

    async def set_faults(self, unit: str, snmp: SnmpFaults, xml: XmlFaults) -> None:
        """Replace the faults of the unit."""
        self._snmp_faults[unit], self._xml_faults[unit] = snmp, xml
        await self._web.refresh()

    def fleet_file(self) -> str:
        """Return the fleet.yml for an exporter that probes this fleet."""
        auths, defaults = {_AUTH: self._secrets}, {"auth": _AUTH, "xml": self._xml()}
        if self._with_rest:
            auths[_REST_AUTH] = {**self._secrets, "rest": self._login}
            defaults["rest"] = self._transport()
        if classes := self._destinations():
            defaults["destinations"] = classes
        head = {"auths": auths, "defaults": defaults}
        entries = (_yaml(self._entry(unit), default_flow_style=True).strip() for unit in self.units)
        return "\n".join([f"{_HEADER}{_yaml(head)}appliances:", *(f"  - {entry}" for entry in entries), ""])

    def _xml(self) -> dict[str, Any]:
        """Return the settings for all web interfaces."""
        pages = {} if tuple(self._pages) == ("status",) else {"pages": list(self._pages)}
        return {**self._transport(), **pages}

    def _transport(self) -> dict[str, Any]:
        if self._tls is None:
            return {"scheme": "http"}
        return {"scheme": "https", "tls": {"fingerprint_sha256": self._fingerprint}}

    def _destinations(self) -> dict[str, list[str]]:
        """Return the named destinations by class, if the exporter asks for destinations."""
        asked = self._with_rest or "tophosts" in self._pages
        classes = self.model.fleet.topology.destination_classes() if asked else {}
        return {name: list(members) for name, members in classes.items()}

    def _entry(self, unit: Unit) -> dict[str, Any]:
        snmp, xml = self.ports[unit.name]
        known = {key: _short(value) for key, value in unit.fleet_entry().items() if value}
        head = {"name": unit.name, "address": self._host}
        rest = {"auth": _REST_AUTH, "rest": {"port": xml}} if unit.name in self._with_rest else {}
        return head | known | {"snmp": {"port": snmp}, "xml": {"port": xml}} | rest


def _short(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _yaml(document: Mapping[str, Any], **style: Any) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=math.inf, **style))


def new_user() -> dict[str, Any]:
    """Return an SNMPv3 user as AsyncOS has it, with new passphrases."""
    auth, priv = (secrets.token_urlsafe(12) for _ in range(2))
    return {
        "version": 3,
        "username": "v3get",
        "auth": {"protocol": "SHA", "passphrase": auth},
        "priv": {"protocol": "AES", "passphrase": priv},
    }


def _community() -> dict[str, Any]:
    return {"version": "2c", "community": secrets.token_urlsafe(12)}


def new_login() -> dict[str, Any]:
    return {"username": "monitor", "password": secrets.token_urlsafe(12)}


def engine_id(name: str) -> bytes:
    """Return the engine id of the unit: the number of the vendor, and octets of the unit (RFC 3411)."""
    return (0x80000000 | _IRONPORT).to_bytes(4, "big") + b"\x05" + hashlib.sha256(name.encode()).digest()[:12]
