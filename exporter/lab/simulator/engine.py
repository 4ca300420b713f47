"""The authoritative SNMPv3 engine of a simulated agent: the user-based security model from its side (RFC 3414)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from exporter.config import UserAuth
from exporter.lab.simulator.instances import failed
from exporter.sources.snmp import ber
from exporter.sources.snmp.keys import Keys
from exporter.sources.snmp.messages import Rejected
from exporter.sources.snmp.usm import AUTH, MODEL, PRIV, REPORTABLE, USM_STATS, WINDOW, check_digest, scoped, seal

_UNSUPPORTED_LEVELS: Final = 1
_NOT_IN_TIME_WINDOWS: Final = 2
_UNKNOWN_USER_NAMES: Final = 3
_UNKNOWN_ENGINE_IDS: Final = 4
_WRONG_DIGESTS: Final = 5
"""The usmStats counters, by their number, that a report names."""

_AUTHORIZATION_ERROR: Final = 16
_REPORT: Final = 0xA0 | ber.REPORT
_COUNTER32: Final = 0x41

_ENVELOPE: Final = 240
"""Octets that a message takes around its variable bindings at most: names, engine ids and digests of the longest."""

Respond = Callable[[ber.Pdu, int], bytes | None]
"""Gives the response to a request within so many octets of variable bindings, or None to stay silent."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How often an engine has started, in a number that only grows, and for how many seconds it has run."""

    boots: int
    seconds: int


@dataclass(frozen=True, slots=True)
class _User:
    keys: Keys
    level: int


@dataclass(frozen=True, slots=True)
class _Message:
    """What a datagram says before it is believed; `security` are the octets that the security parameters are in."""

    datagram: bytes
    id: int
    max_size: int
    flags: int
    security: bytes
    engine_id: bytes
    boots: int
    seconds: int
    name: bytes
    digest: bytes
    salt: bytes
    payload: Any

    @property
    def level(self) -> int:
        return self.flags & (AUTH | PRIV)


class _Refused(Exception):  # noqa: N818 - named after what the engine does
    """A message to answer with a report of this usmStats counter, at this security level."""

    def __init__(self, counter: int, level: int = 0) -> None:
        super().__init__(counter)
        self.counter = counter
        self.level = level


class Engine:
    """The engine of one agent, with its users; it counts what it refuses."""

    def __init__(self, engine_id: bytes, users: Iterable[UserAuth]) -> None:
        self.id = engine_id
        self._refused: Counter[int] = Counter()
        self._users = {
            user.username.encode(): _User(
                Keys(user, engine_id), (AUTH if user.auth else 0) | (PRIV if user.priv else 0)
            )
            for user in users
        }

    def answer(self, datagram: bytes, fields: list[Any], clock: Clock, limit: int, respond: Respond) -> bytes | None:
        """Return the message of at most `limit` octets that answers a datagram with these fields: response or report.

        Raises `Rejected`, or any `Exception` for malformed octets, where the answer is silence.
        """
        message = _message(datagram, fields)
        try:
            user = self._admit(message, clock)
        except _Refused as refused:
            return self._report(message, refused, clock) if message.flags & REPORTABLE else None
        pdu = self._open(message, user)
        if message.level < user.level:
            response: bytes | None = failed(pdu, _AUTHORIZATION_ERROR)  # as net-snmp's agent says it
        else:
            response = respond(pdu, min(limit, message.max_size) - _ENVELOPE)
        return response and self._seal(message, response, message.level, clock)

    def _admit(self, message: _Message, clock: Clock) -> _User:
        """Return the user of a message that is genuine and of this time; in the order of RFC 3414, section 3.2."""
        if message.engine_id != self.id:
            raise _Refused(_UNKNOWN_ENGINE_IDS)
        user = self._users.get(message.name)
        if user is None:
            raise _Refused(_UNKNOWN_USER_NAMES)
        if message.level & ~user.level:
            raise _Refused(_UNSUPPORTED_LEVELS)
        if message.level & AUTH:
            self._authenticate(message, user)
            if message.boots != clock.boots or abs(message.seconds - clock.seconds) > WINDOW:
                raise _Refused(_NOT_IN_TIME_WINDOWS, AUTH)
        return user

    @staticmethod
    def _authenticate(message: _Message, user: _User) -> None:
        try:
            check_digest(user.keys, message.datagram, message.security, message.digest, message.salt)
        except Rejected as error:
            raise _Refused(_WRONG_DIGESTS) from error

    def _open(self, message: _Message, user: _User) -> ber.Pdu:
        """Return what is asked; wrong keys show as octets that make no sense, to which every agent is silent."""
        payload = message.payload
        if message.level & PRIV:
            payload, _ = ber.decode(user.keys.decrypt(message.boots, message.seconds, message.salt, payload))
        engine_id, context, pdu = payload
        if engine_id != self.id or context or not isinstance(pdu, ber.Pdu):
            raise Rejected("malformed")
        return pdu

    def _report(self, message: _Message, refused: _Refused, clock: Clock) -> bytes:
        self._refused[refused.counter] += 1
        count = ber.encode(_COUNTER32, ber.contents(self._refused[refused.counter]))
        varbind = ber.encode(ber.SEQUENCE, ber.encode_oid((*USM_STATS, refused.counter, 0)), count)
        numbers = (ber.encode_integer(number) for number in (_request_id(message), 0, 0))
        return self._seal(
            message, ber.encode(_REPORT, *numbers, ber.encode(ber.SEQUENCE, varbind)), refused.level, clock
        )

    def _seal(self, message: _Message, pdu: bytes, level: int, clock: Clock) -> bytes:
        user = self._users.get(message.name)
        keys = user.keys if user else None
        return seal(scoped(self.id, pdu), message.id, level, self.id, clock.boots, clock.seconds, message.name, keys)


def _message(datagram: bytes, fields: list[Any]) -> _Message:
    _, (message_id, max_size, flags, model), security, payload = fields
    (engine_id, boots, seconds, name, digest, salt), rest = ber.decode(security)
    if rest or model != MODEL or flags[0] & (AUTH | PRIV) == PRIV:
        raise Rejected("malformed")
    return _Message(
        datagram, message_id, max_size, flags[0], security, engine_id, boots, seconds, name, digest, salt, payload
    )


def _request_id(message: _Message) -> int:
    """Return the id of the request, 0 where it is encrypted."""
    if message.level & PRIV:
        return 0
    _, _, (request_id, *_) = message.payload
    return int(request_id)
