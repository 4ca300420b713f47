"""The octets of SNMPv3 messages under the user-based security model (RFC 3412, section 6; RFC 3414, section 2.4).

This module reads, writes, signs and encrypts messages. `usm` decides which of them to believe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import BerError, Pdu, Reader, ResponseHead, VarBindsReader
from exporter.sources.snmp.keys import Keys
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
_USER_BASED: Final = 3  # the security model
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
        return ber.encode(
            ber.SEQUENCE,
            ber.encode(ber.OCTETS, self.engine_id),
            ber.encode_integer(self.boots),
            ber.encode_integer(self.time),
            ber.encode(ber.OCTETS, self.user),
            ber.encode(ber.OCTETS, self.digest),
            ber.encode(ber.OCTETS, self.salt),
        )


class ScopedPdu(NamedTuple):
    """A PDU and the context that it is about: the id of the context's engine, and its name."""

    engine_id: bytes
    context: bytes
    pdu: Pdu


@dataclass(frozen=True, slots=True)
class UsmMessage:
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
        message = ber.message_fields(datagram)
        _check_version(message)
        message_id, max_size, flags = _header(message.enter(ber.SEQUENCE))
        security, digest_offset = _security(message.enter(ber.OCTETS))
        payload = message.octet_string() if flags & PRIV_FLAG else message.rest()
        message.finish()
        return cls(datagram, message_id, max_size, flags, security, digest_offset, payload)

    @staticmethod
    def peek(datagram: bytes) -> int:
        """Return the message id from the first octets; raises `BerError` for malformed octets."""
        message = ber.message_fields(datagram)
        _check_version(message)
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


def response_head(engine_id: bytes) -> ResponseHead:
    """Return what reads a response in the default context of an engine."""
    return ResponseHead(ber.encode(ber.OCTETS, engine_id) + ber.encode(ber.OCTETS))


def read_scoped(octets: bytes, padding: int = 0, read: VarBindsReader | None = None) -> ScopedPdu:
    """Read a `ScopedPdu` with up to `padding` octets behind it; raises `BerError` if it is malformed."""
    whole = Reader(octets)
    fields = whole.enter(ber.SEQUENCE)
    if whole.end - whole.at > padding:
        raise BerError("octets behind the PDU")
    scoped = ScopedPdu(fields.octet_string(), fields.octet_string(), fields.pdu(read))
    fields.finish()
    return scoped


def _check_version(message: Reader) -> None:
    version = message.integer()
    if version != _SNMP_V3:
        raise BerError(f"version {version} of SNMP, not {_SNMP_V3}")


def _header(header: Reader) -> tuple[int, int, int]:
    """Return message id, the longest answer that the sender takes, and flags."""
    message_id, max_size, flags, model = header.integer(), header.integer(), header.octet_string(), header.integer()
    header.finish()
    if len(flags) != 1 or model != _USER_BASED:
        raise BerError("not a message of the user-based security model")
    return message_id, max_size, flags[0]


def _security(octets: Reader) -> tuple[SecurityParameters, int]:
    """Return the security parameters, and where the digest begins."""
    fields = octets.enter(ber.SEQUENCE)
    octets.finish()
    engine_id, boots, seconds, user = fields.octet_string(), _count(fields), _count(fields), fields.octet_string()
    digest = fields.octet_string()
    digest_offset = fields.at - len(digest)
    security = SecurityParameters(engine_id, boots, seconds, user, digest, fields.octet_string())
    fields.finish()
    return security, digest_offset


def _count(fields: Reader) -> int:
    count = fields.integer()
    if not 0 <= count <= MAX_COUNT:
        raise BerError(f"the engine's boots or time are {count}")
    return count


def encode_message(
    pdu: bytes, message_id: int, level: int, security: SecurityParameters, keys: Keys | None = None
) -> bytes:
    """Return the message that carries a PDU in the default context, encrypted and signed with `keys` as `level` says.

    It asks the agent for a report if the agent refuses it.
    """
    payload = ber.encode(ber.SEQUENCE, ber.encode(ber.OCTETS, security.engine_id), ber.encode(ber.OCTETS), pdu)
    if keys and level & PRIV_FLAG:
        encrypted, salt = keys.encrypt(security.boots, security.time, payload)
        payload, security = ber.encode(ber.OCTETS, encrypted), security._replace(salt=salt)
    if not keys or not level & AUTH_FLAG:
        return _encode(message_id, level, security, payload)
    # The digest covers the whole message, with zeros in the digest's own place.
    message = _encode(message_id, level, security._replace(digest=bytes(keys.digest_length)), payload)
    end = len(message) - len(payload) - len(security.salt) - _DIGEST_TO_SALT
    return message[: end - keys.digest_length] + keys.digest(message) + message[end:]


def _encode(message_id: int, level: int, security: SecurityParameters, payload: bytes) -> bytes:
    header = ber.encode(
        ber.SEQUENCE,
        ber.encode_integer(message_id),
        ber.encode_integer(_MAX_SIZE),
        ber.encode(ber.OCTETS, bytes((level | REPORTABLE_FLAG,))),
        ber.encode_integer(_USER_BASED),
    )
    parameters = ber.encode(ber.OCTETS, security.encode())
    return ber.encode(ber.SEQUENCE, ber.encode_integer(_SNMP_V3), header, parameters, payload)
