"""SNMPv3 with the user-based security model (RFC 3412, RFC 3414), for one user of one agent.

The agent's engine is learned with the first request and kept: its id, how often it booted, its clock, our keys on it.
When the agent reports that it is another engine or in another time (it was rebooted or replaced), it is learned again
and the request is asked anew, within the same poll.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from exporter.config import UserAuth
from exporter.errors import AuthError
from exporter.sources.snmp import ber
from exporter.sources.snmp.keys import Keys
from exporter.sources.snmp.messages import Rejected, Request, Response, encode, response
from exporter.sources.snmp.mib import Oid

VERSION: Final = 3
MODEL: Final = 3  # the user-based security model
_MAX_SIZE: Final = 65507  # octets in a UDP datagram over IPv4
AUTH: Final = 1
PRIV: Final = 2
REPORTABLE: Final = 4
_MAX_COUNT: Final = 0x7FFFFFFF
WINDOW: Final = 150  # seconds; RFC 3414, section 2.2.3

USM_STATS: Final[Oid] = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_NOT_IN_TIME_WINDOW: Final[Oid] = (*USM_STATS, 2, 0)
_UNKNOWN_ENGINE: Final[Oid] = (*USM_STATS, 4, 0)
_REFUSALS: Final[dict[Oid, str]] = {
    (*USM_STATS, 1, 0): "does not let user {user} in at the security level {level} (unsupportedSecLevels): "
    "check which of auth and priv the appliance asks for",
    (*USM_STATS, 3, 0): "does not know the user {user} (unknownUserNames): check username; AsyncOS calls it v3get",
    (*USM_STATS, 5, 0): "does not accept the digest of user {user} (wrongDigests): "
    "check protocol and passphrase under auth",
    (*USM_STATS, 6, 0): "cannot decrypt what user {user} sends (decryptionErrors): "
    "check protocol and passphrase under priv",
}
"""usmStats objects that a report names, and what they say to the operator."""

_DISCOVERY: Final = Request("get", ())


@dataclass(slots=True)
class _Engine:
    """An authoritative engine; `offset` is its clock less our monotonic one, `latest` the last time that it told."""

    id: bytes
    keys: Keys
    boots: int = 0
    latest: int = 0
    offset: float = 0.0

    def set_time(self, boots: int, seconds: int) -> None:
        self.boots, self.latest = boots, seconds
        self.offset = seconds - time.monotonic()

    @property
    def time(self) -> int:
        return max(0, min(int(time.monotonic() + self.offset), _MAX_COUNT))


@dataclass(frozen=True, slots=True)
class _Message:
    """What a datagram holds; `level` is how it was secured: 0, `AUTH`, or both."""

    request_id: int
    level: int
    engine_id: bytes
    boots: int
    time: int
    pdu: ber.Pdu


class UsmCodec:
    """SNMP v3 for one user of one agent."""

    def __init__(self, user: UserAuth) -> None:
        self._user = user
        self._name = user.username.encode()
        self._level = (AUTH if user.auth else 0) | (PRIV if user.priv else 0)
        self._engine: _Engine | None = None

    @property
    def discovered(self) -> bool:
        """Whether the agent has told which engine it is: a silent agent has not."""
        return self._engine is not None

    def encode(self, request: Request, request_id: int) -> bytes:
        """Return the datagram that asks `request`, or while the engine is unknown the one that asks for the engine."""
        engine = self._engine
        if engine is None:
            return seal(scoped(b"", encode(_DISCOVERY, request_id)), request_id, REPORTABLE, b"", 0, 0)
        content = scoped(engine.id, encode(request, request_id))
        flags = self._level | REPORTABLE
        return seal(content, request_id, flags, engine.id, engine.boots, engine.time, self._name, engine.keys)

    def decode(self, datagram: bytes) -> _Message:
        """Return the message in a datagram: authentic and of our engine and user, or an unauthenticated report."""
        (version, (message_id, _, flags, model), security, payload), rest = ber.decode(datagram)
        if rest or (version, model) != (VERSION, MODEL):
            raise Rejected("malformed")
        (engine_id, boots, seconds, name, digest, salt), _ = ber.decode(security)
        if not (_is_count(boots) and _is_count(seconds)):
            raise Rejected("malformed")
        level = flags[0] & (AUTH | PRIV)
        if level:
            self._authenticate(datagram, security, level, engine_id, name, digest, salt)
        if level & PRIV:
            assert self._engine is not None  # noqa: S101 - authenticated by its keys
            payload, _ = ber.decode(self._engine.keys.decrypt(boots, seconds, salt, payload))
        _, _, pdu = payload
        if not isinstance(pdu, ber.Pdu) or pdu.kind not in (ber.RESPONSE, ber.REPORT):
            raise Rejected("malformed")
        if pdu.kind == ber.RESPONSE and (level != self._level or pdu[0] != message_id or name != self._name):
            raise Rejected("wrong_identity")
        return _Message(message_id, level, engine_id, boots, seconds, pdu)

    def accept(self, message: _Message) -> Response | None:
        """Return the response, or None after learning from a report what the agent's engine is."""
        if message.pdu.kind == ber.REPORT:
            self._learn(message)
            return None
        if self._engine is None or message.engine_id != self._engine.id:
            raise Rejected("wrong_identity")
        if message.level & AUTH:
            self._follow(self._engine, message)
        return response(message.pdu)

    def _authenticate(
        self, datagram: bytes, security: bytes, level: int, engine_id: bytes, name: bytes, digest: bytes, salt: bytes
    ) -> None:
        engine = self._engine
        if engine is None or level & ~self._level or not level & AUTH:
            raise Rejected("wrong_identity")
        if engine_id != engine.id or name != self._name or len(digest) != engine.keys.digest_length:
            raise Rejected("wrong_identity")
        check_digest(engine.keys, datagram, security, digest, salt)

    def _learn(self, report: _Message) -> None:
        """Take over what a report tells of the engine; raises `AuthError` for one that refuses us."""
        (oid, _), *_ = report.pdu[3]
        if oid == _UNKNOWN_ENGINE:
            if not 5 <= len(report.engine_id) <= 32:  # SnmpEngineID, RFC 3411
                raise Rejected("malformed")
            if self._engine is None or report.engine_id != self._engine.id:
                self._engine = _Engine(report.engine_id, Keys(self._user, report.engine_id))
                self._engine.set_time(report.boots, report.time)
        elif oid == _NOT_IN_TIME_WINDOW:
            if not report.level & AUTH or self._engine is None:
                raise Rejected("wrong_identity")
            # Authentic, and the answer to a fresh random id: no replay, so boots may fall too.
            self._engine.set_time(report.boots, report.time)
        else:
            raise self._refusal(oid)

    def _refusal(self, oid: Oid) -> AuthError:
        if oid not in _REFUSALS:
            raise Rejected("malformed")
        level = {0: "noAuthNoPriv", AUTH: "authNoPriv", AUTH | PRIV: "authPriv"}[self._level]
        return AuthError(f"The SNMP agent {_REFUSALS[oid].format(user=self._user.username, level=level)}.")

    @staticmethod
    def _follow(engine: _Engine, message: _Message) -> None:
        """Keep to the engine's clock; reject what is older than the time window (RFC 3414, section 3.2.7 b)."""
        if (message.boots, message.time) > (engine.boots, engine.latest):
            engine.set_time(message.boots, message.time)
        elif message.boots < engine.boots or message.time < engine.time - WINDOW:
            raise Rejected("wrong_identity")


def _is_count(value: object) -> bool:
    """Whether it is an INTEGER (0..2147483647), as boots and time are (RFC 3414, section 2.4)."""
    return type(value) is int and 0 <= value <= _MAX_COUNT


def scoped(engine_id: bytes, pdu: bytes) -> bytes:
    """Return the PDU as ScopedPDU in the default context (RFC 3412, section 6)."""
    return ber.encode(ber.SEQUENCE, ber.encode(ber.OCTETS, engine_id), ber.encode(ber.OCTETS), pdu)


def seal(
    content: bytes,
    message_id: int,
    flags: int,
    engine_id: bytes,
    boots: int,
    seconds: int,
    name: bytes = b"",
    keys: Keys | None = None,
) -> bytes:
    """Return the message that holds the scoped PDU `content`, encrypted and signed with `keys` as its `flags` say."""
    salt, length = b"", 0
    if keys and flags & PRIV:
        encrypted, salt = keys.encrypt(boots, seconds, content)
        content = ber.encode(ber.OCTETS, encrypted)
    if keys and flags & AUTH:
        length = keys.digest_length
    message = _message(message_id, flags, _security(engine_id, boots, seconds, name, length, salt), content)
    if not keys or not length:
        return message
    at = len(message) - len(content) - len(salt) - 2 - length
    return message[:at] + keys.digest(message) + message[at + length :]


def check_digest(keys: Keys, datagram: bytes, security: bytes, digest: bytes, salt: bytes) -> None:
    """Raise `Rejected` unless `digest`, which the security parameters hold before the salt, is the datagram's."""
    at = datagram.index(security) + len(security) - len(salt) - 2 - len(digest)
    if datagram[at : at + len(digest)] != digest:
        raise Rejected("malformed")
    keys.check(datagram, at)


def _security(engine_id: bytes, boots: int, seconds: int, name: bytes, digest_length: int, salt: bytes) -> bytes:
    """UsmSecurityParameters with a digest of zero octets (RFC 3414, section 2.4)."""
    return ber.encode(
        ber.SEQUENCE,
        ber.encode(ber.OCTETS, engine_id),
        ber.encode_integer(boots),
        ber.encode_integer(seconds),
        ber.encode(ber.OCTETS, name),
        ber.encode(ber.OCTETS, bytes(digest_length)),
        ber.encode(ber.OCTETS, salt),
    )


def _message(message_id: int, flags: int, security: bytes, payload: bytes) -> bytes:
    """SNMPv3Message (RFC 3412, section 6)."""
    header = ber.encode(
        ber.SEQUENCE,
        ber.encode_integer(message_id),
        ber.encode_integer(_MAX_SIZE),
        ber.encode(ber.OCTETS, bytes((flags,))),
        ber.encode_integer(MODEL),
    )
    return ber.encode(ber.SEQUENCE, ber.encode_integer(VERSION), header, ber.encode(ber.OCTETS, security), payload)
