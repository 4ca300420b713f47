"""The authoritative SNMPv3 engine of a simulated agent: the user-based security model from its side (RFC 3414)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from exporter.config import UserAuth
from exporter.lab.simulator.engine_user import AUTHENTICATED, ENCRYPTED, EngineUser
from exporter.lab.simulator.instances import encode_number, failed
from exporter.sources.snmp import ber
from exporter.sources.snmp.mib import Oid
from exporter.sources.snmp.usm_message import MAX_PADDING, REPORTABLE_FLAG, UsmMessage, read_scoped

VERSION_3: Final = 3
_SECURITY_MODEL: Final = 3  # the user-based one
_ACCEPTED_SIZE: Final = 65507  # octets in a UDP datagram over IPv4
_WINDOW_SECONDS: Final = 150  # RFC 3414, section 2.2.3

_STATISTICS: Final[Oid] = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_UNSUPPORTED_LEVELS: Final = 1
_NOT_IN_TIME_WINDOWS: Final = 2
_UNKNOWN_USER_NAMES: Final = 3
_UNKNOWN_ENGINE_IDS: Final = 4
_WRONG_DIGESTS: Final = 5
"""The usmStats counters, by their number, that a report names."""

_AUTHORIZATION_ERROR: Final = 16
_REPORT_TAG: Final = 0xA0 | ber.REPORT
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
        self._users = {user.username.encode(): EngineUser(user, engine_id) for user in users}

    def answer(self, datagram: bytes, clock: Clock, limit: int, respond: Respond) -> bytes | None:
        """Return the message of at most `limit` octets that answers a datagram: response or report.

        Raises `ValueError` for octets to which the answer is silence.
        """
        message = UsmMessage.decode(datagram)
        if message.level == ENCRYPTED:
            raise ValueError("encrypted and not authenticated")
        try:
            user = self._admit(message, clock)
        except _Refused as refused:
            return self._report(message, refused, clock) if message.flags & REPORTABLE_FLAG else None
        pdu = self._open(message, user)
        if message.level < user.level:
            response: bytes | None = failed(pdu, _AUTHORIZATION_ERROR)  # as net-snmp's agent says it
        else:
            response = respond(pdu, min(limit, message.max_size) - _ENVELOPE)
        return response and self._seal(message, response, message.level, clock)

    def _admit(self, message: UsmMessage, clock: Clock) -> EngineUser:
        """Return the user of a message that is genuine and of this time; in the order of RFC 3414, section 3.2."""
        if message.security.engine_id != self.id:
            raise _Refused(_UNKNOWN_ENGINE_IDS)
        user = self._users.get(message.security.user)
        if user is None:
            raise _Refused(_UNKNOWN_USER_NAMES)
        if message.level & ~user.level:
            raise _Refused(_UNSUPPORTED_LEVELS)
        if message.level & AUTHENTICATED:
            if not user.is_authentic(message.datagram, message.security.digest):
                raise _Refused(_WRONG_DIGESTS)
            sent = message.security
            if sent.boots != clock.boots or abs(sent.time - clock.seconds) > _WINDOW_SECONDS:
                raise _Refused(_NOT_IN_TIME_WINDOWS, AUTHENTICATED)
        return user

    def _open(self, message: UsmMessage, user: EngineUser) -> ber.Pdu:
        """Return what is asked; wrong keys show as octets that make no sense, to which every agent is silent."""
        payload, sent = message.payload, message.security
        if message.level & ENCRYPTED:
            payload = user.decrypt(sent.boots, sent.time, sent.salt, payload)
        engine_id, context, pdu = read_scoped(payload, padding=MAX_PADDING)
        if engine_id != self.id or context:
            raise ValueError("not a PDU in the default context")
        return pdu

    def _report(self, message: UsmMessage, refused: _Refused, clock: Clock) -> bytes:
        self._refused[refused.counter] += 1
        count = encode_number(_COUNTER32, self._refused[refused.counter])
        varbind = ber.encode(ber.SEQUENCE, ber.encode_oid((*_STATISTICS, refused.counter, 0)), count)
        numbers = (ber.encode_integer(number) for number in (_request_id(message), 0, 0))
        pdu = ber.encode(_REPORT_TAG, *numbers, ber.encode(ber.SEQUENCE, varbind))
        return self._seal(message, pdu, refused.level, clock)

    def _seal(self, message: UsmMessage, pdu: bytes, level: int, clock: Clock) -> bytes:
        """Return the answer to a message, encrypted and signed with the user's keys as its `level` says."""
        payload = ber.encode(ber.SEQUENCE, ber.encode(ber.OCTETS, self.id), ber.encode(ber.OCTETS), pdu)
        user = self._users.get(message.security.user)
        digest = salt = b""
        if user and level & ENCRYPTED:
            encrypted, salt = user.encrypt(clock.boots, clock.seconds, payload)
            payload = ber.encode(ber.OCTETS, encrypted)
        if user and level & AUTHENTICATED:
            digest = bytes(user.digest_length)
        security = ber.encode(
            ber.SEQUENCE,
            ber.encode(ber.OCTETS, self.id),
            ber.encode_integer(clock.boots),
            ber.encode_integer(clock.seconds),
            *(ber.encode(ber.OCTETS, octets) for octets in (message.security.user, digest, salt)),
        )
        answer = ber.encode(
            ber.SEQUENCE,
            ber.encode_integer(VERSION_3),
            _header(message.message_id, level),
            ber.encode(ber.OCTETS, security),
            payload,
        )
        return user.sign(answer) if user and digest else answer


def _header(message_id: int, level: int) -> bytes:
    flags = ber.encode(ber.OCTETS, bytes((level,)))
    message_id_and_size = (ber.encode_integer(number) for number in (message_id, _ACCEPTED_SIZE))
    return ber.encode(ber.SEQUENCE, *message_id_and_size, flags, ber.encode_integer(_SECURITY_MODEL))


def _request_id(message: UsmMessage) -> int:
    """Return the id of the request, 0 if it is encrypted."""
    return 0 if message.level & ENCRYPTED else read_scoped(message.payload).pdu.request_id
