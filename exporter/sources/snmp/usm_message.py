"""The octets of SNMPv3 messages under the user-based security model (RFC 3412, section 6; RFC 3414, section 2.4).

This module reads, writes, signs and encrypts messages. `usm` decides which of them to believe.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import BerError, Pdu, Reader, ResponseHead, VarBindsReader
from exporter.sources.snmp.keys import SALT_OCTETS, Keys
from exporter.sources.snmp.messages import Rejected

AUTH_FLAG: Final = 1
PRIV_FLAG: Final = 2
REPORTABLE_FLAG: Final = 4

MAX_COUNT: Final = 0x7FFFFFFF
"""The highest number of boots and the highest time of an engine."""

_DIGEST_TO_SALT: Final = 2
"""Octets between the end of the digest and the salt: the tag and the length of the salt."""

MAX_PADDING: Final = 7
"""Octets that DES may need behind a PDU."""

_SNMP_V3: Final = 3
_ENCODED_VERSION: Final = ber.encode_integer(_SNMP_V3)
_DEFAULT_CONTEXT: Final = ber.encode(ber.OCTETS)  # an empty name
_USER_BASED: Final = 3  # the security model

_MESSAGE: Final = (ber.INTEGER, ber.SEQUENCE, ber.OCTETS, None)
"""The tags of version, header, security parameters, and `ScopedPdu`, which is OCTETS if it is encrypted."""

_HEADER: Final = (ber.INTEGER, ber.INTEGER, ber.OCTETS, ber.INTEGER)
_SECURITY: Final = (ber.OCTETS, ber.INTEGER, ber.INTEGER, ber.OCTETS, ber.OCTETS, ber.OCTETS)
"""The tags of the header and of `SecurityParameters`."""

_MAX_SIZE: Final = 65507  # octets in a UDP datagram over IPv4


class SecurityParameters(NamedTuple):
    """UsmSecurityParameters."""

    engine_id: bytes = b""
    """The id of the agent's engine; empty in a request that asks for it."""
    boots: int = 0
    """How often the engine has started."""
    time: int = 0
    """For how many seconds the engine has run since it last started."""
    user: bytes = b""
    digest: bytes = b""
    """The authentication parameters; empty in a message that is not authenticated."""
    salt: bytes = b""
    """The privacy parameters; empty in a message that is not encrypted."""

    def encode(self) -> bytes:
        before_digest = _before_digest(self.engine_id, self.boots, self.time, self.user)
        return ber.encode(
            ber.SEQUENCE, before_digest, ber.encode(ber.OCTETS, self.digest), ber.encode(ber.OCTETS, self.salt)
        )


@lru_cache(maxsize=64)  # for the requests of a second, and for those that go on at the same time
def _before_digest(engine_id: bytes, boots: int, time: int, user: bytes) -> bytes:
    return b"".join(
        (
            ber.encode(ber.OCTETS, engine_id),
            ber.encode_integer(boots),
            ber.encode_integer(time),
            ber.encode(ber.OCTETS, user),
        )
    )


@lru_cache
def _behind_message_id(level: int) -> bytes:
    flags = ber.encode(ber.OCTETS, bytes((level | REPORTABLE_FLAG,)))
    return b"".join((ber.encode_integer(_MAX_SIZE), flags, ber.encode_integer(_USER_BASED)))


class ScopedPdu(NamedTuple):
    """A PDU and the context that it is about: the id of the context's engine, and its name."""

    engine_id: bytes
    context: bytes
    pdu: Pdu


class UsmMessage(NamedTuple):
    """A message as its octets show it: it is neither authenticated nor decrypted yet."""

    datagram: bytes
    message_id: int
    max_size: int
    """The longest answer that the sender takes, in octets."""
    flags: int
    """The security level, and `REPORTABLE_FLAG` if the sender wants reports."""
    security: SecurityParameters
    digest_offset: int
    """Where the digest begins in the datagram."""
    payload: bytes
    """The octets of the `ScopedPdu`, encrypted if the level says so."""

    @property
    def level(self) -> int:
        """How the message is secured: 0, `AUTH_FLAG`, or `AUTH_FLAG | PRIV_FLAG`."""
        return self.flags & (AUTH_FLAG | PRIV_FLAG)

    @classmethod
    def decode(cls, datagram: bytes) -> UsmMessage:
        """Read a message; raises `BerError` for malformed octets."""
        ((begin, end),) = ber.places(datagram, 0, len(datagram), (ber.SEQUENCE,))
        version, header, parameters, payload = ber.places(datagram, begin, end, _MESSAGE)
        _check_version(datagram[slice(*version)])
        message_id, max_size, flags = _header(datagram, *header)
        security, digest_offset = _security(datagram, *parameters)
        if flags & PRIV_FLAG and datagram[parameters[1]] != ber.OCTETS:
            raise BerError("an encrypted message without encrypted octets")
        octets = datagram[payload[0] if flags & PRIV_FLAG else parameters[1] : end]
        return cls(datagram, message_id, max_size, flags, security, digest_offset, octets)

    @staticmethod
    def peek(datagram: bytes) -> int:
        """Return the message id from the first octets; raises `BerError` for malformed octets."""
        message = ber.message_fields(datagram)
        _check_version(message.enter(ber.INTEGER).rest())
        return message.enter(ber.SEQUENCE).integer()

    def authenticate(self, keys: Keys) -> None:
        """Raise `Rejected` unless the message carries the digest that `keys` give it."""
        if len(self.security.digest) != keys.digest_length:
            raise Rejected("wrong_identity")
        keys.check(self.datagram, self.digest_offset)

    def pdu(self, keys: Keys | None, read: VarBindsReader | None = None, head: ResponseHead | None = None) -> Pdu:
        """Return the PDU, which `keys` decrypt if it is encrypted; raises `BerError` if it is malformed.

        `head` reads a response in the default context of the engine, which is the usual case.
        """
        octets, padding = self.payload, 0
        if self.level & PRIV_FLAG and keys:
            boots, seconds, salt = self.security.boots, self.security.time, self.security.salt
            octets, padding = keys.decrypt(boots, seconds, salt, octets), MAX_PADDING
        if read and head and (known := head.read(octets)):
            return Pdu(ber.RESPONSE, known[0], 0, 0, read(known[1]))
        return read_scoped(octets, padding, read).pdu


_NUMBER: Final = rb"\x02(\x01[\x00-\x7f]|\x02[\x00-\x7f].|\x03[\x00-\x7f]..|\x04[\x00-\x7f]...)"
"""The pattern of a number up to `MAX_COUNT`, with its length."""


class MessageHead:
    """Reads messages to one user at one security level, in a fifth of the time of `UsmMessage.decode`.

    The two patterns are for what stands before and behind the engine id. So appliances with the same user share them.
    """

    def __init__(self, level: int, user: bytes, digest_length: int) -> None:
        self._level, self._user = level, user
        salt_length = SALT_OCTETS if level & PRIV_FLAG else 0
        payload = b"\x04" if level & PRIV_FLAG else b"\x30"
        before = rb"\x30%b\x02\x01\x03\x30%b\x02\x04(.{4})%b\x04\x01%b\x02\x01\x03()\x04%b\x30%b" % (
            ber.LENGTH_PATTERN,
            ber.LENGTH_PATTERN,
            _NUMBER,
            re.escape(bytes((level,))),
            ber.LENGTH_PATTERN,
            ber.LENGTH_PATTERN,
        )
        behind = rb"%b%b%b\x04%b(.{%d})\x04%b(.{%d})()%b%b" % (
            _NUMBER,
            _NUMBER,
            re.escape(ber.encode(ber.OCTETS, user)),
            re.escape(bytes((digest_length,))),
            digest_length,
            re.escape(bytes((salt_length,))),
            salt_length,
            payload,
            ber.LENGTH_PATTERN,
        )
        self._match_before = re.compile(before, re.DOTALL).match
        self._match_behind = re.compile(behind, re.DOTALL).match

    def read(self, datagram: bytes, engine_id: bytes) -> UsmMessage | None:
        """Return a message of an engine, None for one that `UsmMessage.decode` must read."""
        engine = _octets(engine_id)
        before = self._match_before(datagram)
        if before is None or not datagram.startswith(engine, before.end()):
            return None
        behind = self._match_behind(datagram, before.end() + len(engine))
        if behind is None:
            return None
        end = len(datagram)
        right = [end, before.start(5), behind.start(5), behind.start(5), end]
        if [*ber.ends(before, (1, 2, 6, 7)), *ber.ends(behind, (6,))] != right:
            return None
        boots, seconds, digest, salt = _number(behind[1]), _number(behind[2]), behind[3], behind[4]
        return UsmMessage(
            datagram,
            int.from_bytes(before[3], "big", signed=True),
            _number(before[4]),
            self._level,
            SecurityParameters(engine_id, boots, seconds, self._user, digest, salt),
            behind.start(3),
            datagram[behind.end() if self._level & PRIV_FLAG else behind.start(5) :],
        )


message_head: Final = lru_cache(maxsize=64)(MessageHead)  # a fleet has few users


@lru_cache(maxsize=1024)  # the engine ids of a fleet
def _octets(engine_id: bytes) -> bytes:
    return ber.encode(ber.OCTETS, engine_id)


def _number(octets: bytes) -> int:
    """Return the number that follows its length."""
    return int.from_bytes(octets[1:], "big")


def response_head(engine_id: bytes) -> ResponseHead:
    """Return what reads a response in the default context of an engine."""
    return ResponseHead(_octets(engine_id) + _DEFAULT_CONTEXT)


def read_scoped(octets: bytes, padding: int = 0, read: VarBindsReader | None = None) -> ScopedPdu:
    """Read a `ScopedPdu` with up to `padding` octets behind it; raises `BerError` if it is malformed."""
    whole = Reader(octets)
    fields = whole.enter(ber.SEQUENCE)
    if whole.end - whole.at > padding:
        raise BerError("octets behind the PDU")
    scoped = ScopedPdu(fields.octet_string(), fields.octet_string(), fields.pdu(read))
    fields.finish()
    return scoped


def _check_version(octets: bytes) -> None:
    version = ber.decode_integer(octets)
    if version != _SNMP_V3:
        raise BerError(f"version {version} of SNMP, not {_SNMP_V3}")


def _header(datagram: bytes, begin: int, end: int) -> tuple[int, int, int]:
    """Return message id, the longest answer that the sender takes, and flags."""
    message_id, max_size, flags, model = [datagram[at:to] for at, to in ber.places(datagram, begin, end, _HEADER)]
    if len(flags) != 1 or ber.decode_integer(model) != _USER_BASED:
        raise BerError("not a message of the user-based security model")
    return ber.decode_integer(message_id), ber.decode_integer(max_size), flags[0]


def _security(datagram: bytes, begin: int, end: int) -> tuple[SecurityParameters, int]:
    """Return the security parameters, and where the digest begins."""
    ((begin, end),) = ber.places(datagram, begin, end, (ber.SEQUENCE,))
    found = ber.places(datagram, begin, end, _SECURITY)
    engine_id, boots, seconds, user, digest, salt = [datagram[at:to] for at, to in found]
    return SecurityParameters(engine_id, _count(boots), _count(seconds), user, digest, salt), found[4][0]


def _count(octets: bytes) -> int:
    count = ber.decode_integer(octets)
    if not 0 <= count <= MAX_COUNT:
        raise BerError(f"the engine's boots or time are {count}")
    return count


def encode_message(
    pdu: bytes, message_id: int, level: int, security: SecurityParameters, keys: Keys | None = None
) -> bytes:
    """Return the message that carries a PDU in the default context, encrypted and signed with `keys` as `level` says.

    It asks the agent for a report if the agent refuses it.
    """
    payload = ber.encode(ber.SEQUENCE, _octets(security.engine_id), _DEFAULT_CONTEXT, pdu)
    salt = b""
    if keys and level & PRIV_FLAG:
        encrypted, salt = keys.encrypt(security.boots, security.time, payload)
        payload = ber.encode(ber.OCTETS, encrypted)
    if not keys or not level & AUTH_FLAG:
        return _encode(message_id, level, security, payload)
    # The digest covers the whole message, with zeros in the digest's own place.
    message = _encode(message_id, level, security._replace(digest=bytes(keys.digest_length), salt=salt), payload)
    end = len(message) - len(payload) - len(salt) - _DIGEST_TO_SALT
    return message[: end - keys.digest_length] + keys.digest(message) + message[end:]


def _encode(message_id: int, level: int, security: SecurityParameters, payload: bytes) -> bytes:
    header = ber.encode(ber.SEQUENCE, ber.encode_integer(message_id), _behind_message_id(level))
    parameters = ber.encode(ber.OCTETS, security.encode())
    return ber.encode(ber.SEQUENCE, _ENCODED_VERSION, header, parameters, payload)
