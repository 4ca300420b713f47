"""net-snmp's snmpd as the SNMP agent of an appliance."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from exporter.sources.snmp.mib import Oid, Syntax
from support.mail_agent import Value, Values, mail_values
from support.processes import Process, free_port, has_ipv6, program

_HOSTS: Final = ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",)

COMMUNITY: Final = "c0mmunity"
AUTH_PASSPHRASE: Final = "auth passphrase"
PRIV_PASSPHRASE: Final = "priv passphrase"

_AUTH: Final[Mapping[str, str]] = {
    "MD5": "MD5",
    "SHA": "SHA",
    "SHA224": "SHA-224",
    "SHA256": "SHA-256",
    "SHA384": "SHA-384",
    "SHA512": "SHA-512",
}
_PRIV: Final[Mapping[str, str]] = {
    "DES": "DES",
    "AES": "AES",
    "AES192": "AES-192",
    "AES256": "AES-256",
    "AES192C": "AES-192-C",
    "AES256C": "AES-256-C",
}
"""net-snmp's names of the protocols, by their names in fleet.yml."""

_TYPES: Final[Mapping[Syntax, str]] = {
    Syntax.INTEGER: "integer",
    Syntax.GAUGE: "uinteger",
    Syntax.COUNTER: "counter",
    Syntax.TICKS: "timeticks",
    Syntax.STRING: "octet_str",
}


@dataclass(frozen=True, slots=True)
class User:
    """An SNMPv3 user with protocols as in fleet.yml. One that is not `allowed` is accepted but may read nothing."""

    name: str
    auth: str | None = None
    priv: str | None = None
    allowed: bool = True

    @property
    def options(self) -> list[str]:
        """Return the options with which net-snmp's tools make requests as this user."""
        options = [
            "-v3",
            "-u",
            self.name,
            "-l",
            {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}[self.level],
        ]
        if self.auth:
            options += ["-a", _AUTH[self.auth], "-A", AUTH_PASSPHRASE]
        if self.priv:
            options += ["-x", _PRIV[self.priv], "-X", PRIV_PASSPHRASE]
        return options

    @property
    def level(self) -> str:
        """Return the security level in the words of snmpd.conf."""
        return "priv" if self.priv else "auth" if self.auth else "noauth"

    @property
    def tool_level(self) -> str:
        """Return the security level in the words of net-snmp's tools and of snmp.yml."""
        return {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}[self.level]

    def lines(self) -> Iterable[str]:
        """Return the user's lines of snmpd.conf."""
        keys = [_AUTH[self.auth], f'"{AUTH_PASSPHRASE}"'] if self.auth else []
        keys += [_PRIV[self.priv], f'"{PRIV_PASSPHRASE}"'] if self.priv else []
        yield " ".join(["createUser", self.name, *keys])
        if self.allowed:
            yield f"rouser {self.name} {self.level} .1"


V3GET: Final = User("v3get", "SHA", "AES")
"""The only user of a real appliance."""

UNAUTHORIZED: Final = User("nobody", "SHA", "AES", allowed=False)
"""A user whom the agent answers with authorizationError."""

USERS: Final = (
    User("noauth"),
    *(User("-".join(filter(None, (auth, priv))), auth, priv) for auth in _AUTH for priv in (None, *_PRIV)),
)
"""A user for every combination of protocols that net-snmp and fleet.yml know."""


class Snmpd:
    """A running snmpd that answers `values`, on one free port of 127.0.0.1 and, if the machine has it, ::1.

    `folder` has its configuration, its log and its engine boots, which restarts keep. Each user makes the start some
    milliseconds longer. All methods block: use `asyncio.to_thread` in a coroutine.
    """

    def __init__(
        self,
        folder: Path,
        values: Values | None = None,
        users: Iterable[User] = (V3GET, UNAUTHORIZED),
        engine_id: str = "80001f8803aabbccddee01",
        community: str = COMMUNITY,
    ) -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        self.values = mail_values() if values is None else values
        self.community = community
        self.engine_id = engine_id
        self._users = tuple(users)
        self._folder = folder
        self._process: Process | None = None
        self.start()

    @property
    def boots(self) -> int:
        """How often the engine has started."""
        lines = (self._persistent / "snmpd.conf").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("engineBoots "))

    def start(self) -> None:
        """Start the agent and wait until it answers."""
        (self._folder / "snmpd.conf").write_text("\n".join(self._lines()) + "\n")
        env = {
            "SNMPCONFPATH": f"{self._folder}:{self._persistent}",
            "SNMP_PERSISTENT_DIR": str(self._persistent),
            "MIBS": "",  # without it net-snmp reads all its MIBs and logs their faults
        }
        command = [program("snmpd"), "-f", "-r", "-Lo", "-I", "override,vacm_conf,usmConf"]
        self._process = Process(command, self._folder / "snmpd.log", env)
        for host in _HOSTS:
            self._process.wait_until(partial(_answers, host, self.port, self.community))

    def stop(self) -> None:
        """Stop the agent and close its port."""
        if self._process:
            self._process.stop()
            self._process = None

    def restart(self, *, values: Values | None = None, engine_id: str | None = None, forget: bool = False) -> None:
        """Restart on the same port: engine boots grow by one, or are 1 again with `forget` or another `engine_id`.

        Another `engine_id` means that another appliance has taken its place.
        """
        self.stop()
        if forget or engine_id:
            shutil.rmtree(self._persistent)
        self.engine_id = engine_id or self.engine_id
        self.values = self.values if values is None else values
        self.start()

    @property
    def _persistent(self) -> Path:
        return self._folder / "persistent"

    def _lines(self) -> Iterable[str]:
        yield f"agentaddress {','.join(transport(host, self.port) for host in _HOSTS)}"
        yield f"exactEngineID 0x{self.engine_id}"
        yield f"rocommunity {self.community} 127.0.0.1"
        yield f"rocommunity6 {self.community} ::1"
        for user in self._users:
            yield from user.lines()
        for oid, value in self.values.items():
            yield _override(oid, value)


def transport(host: str, port: int) -> str:
    """Return an address in net-snmp's notation."""
    return f"udp6:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}"


def snmp_command(name: str, *arguments: str) -> list[str]:
    """Return the command line of a net-snmp tool that prints plain numbers, one value a line."""
    return [program(name), "-m", "", "-Onqet", "-r", "1", "-t", "5", *arguments]


def _override(oid: Oid, value: Value) -> str:
    syntax, content = value
    return f"override .{'.'.join(map(str, oid))} {_TYPES[syntax]} {_literal(content)}"


def _literal(content: int | str | bytes) -> str:
    if isinstance(content, int):
        return str(content)
    if isinstance(content, bytes):
        return f"0x{content.hex()}"
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _answers(host: str, port: int, community: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.connect((host, port))
        try:
            client.send(_get_sys_up_time(community))
            return bool(client.recv(1500))
        except (ConnectionRefusedError, TimeoutError):
            return False


def _get_sys_up_time(community: str) -> bytes:
    """Return a v2c GET of sysUpTime.0, without the exporter's code, as this request shows that the agent is ready."""
    varbind = _tlv(0x30, _tlv(0x06, bytes([0x2B, 6, 1, 2, 1, 1, 3, 0])) + _tlv(0x05, b""))
    pdu = _tlv(0xA0, _tlv(2, b"\x01") + _tlv(2, b"\x00") + _tlv(2, b"\x00") + _tlv(0x30, varbind))
    return _tlv(0x30, _tlv(2, b"\x01") + _tlv(4, community.encode()) + pdu)


def _tlv(tag: int, content: bytes) -> bytes:
    assert len(content) < 0x80
    return bytes([tag, len(content)]) + content
