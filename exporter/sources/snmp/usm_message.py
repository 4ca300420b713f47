"""The octets of SNMPv3 messages under the user-based security model (RFC 3412, section 6; RFC 3414, section 2.4).

This module reads, writes, signs and encrypts messages. `usm` decides which of them to believe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.sources.snmp import ber
from exporter.sources.snmp.keys import Keys
from exporter.sources.snmp.messages import Rejected

AUTH_FLAG: Final = 1
PRIV_FLAG: Final = 2
_REPORTABLE_FLAG: Final = 4

MAX_COUNT: Final = 0x7FFFFFFF
"""The highest number of boots and the highest time of an engine."""

_DIGEST_TO_SALT: Final = 2
"""Octets between the end of the digest and the salt: the tag and the length of the salt."""

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


@dataclass(frozen=True, slots=True)
class UsmMessage:
    """A message as its octets show it: it is neither authenticated nor decrypted yet."""

    datagram: bytes
    message_id: int
    level: int
    """How the message is secured: 0, `AUTH_FLAG`, or `AUTH_FLAG | PRIV_FLAG`."""
    security: SecurityParameters
    digest_offset: int
    """Where the digest begins in the datagram."""
    payload: object
    """ScopedPDU: a list of engine id, context and PDU, or its octets if it is encrypted."""

    @classmethod
    def decode(cls, datagram: bytes) -> UsmMessage:
        """Read a message; raises `Rejected`, or another exception for malformed octets."""
        (version, (message_id, _, flags, model), octets, payload), rest = ber.decode(datagram)
        security = SecurityParameters(*ber.decode(octets)[0])
        if rest or (version, model) != (_SNMP_V3, _USER_BASED) or not _is_well_typed(security):
            raise Rejected("malformed")
        end_of_security = datagram.index(octets) + len(octets)
        offset = end_of_security - len(security.salt) - _DIGEST_TO_SALT - len(security.digest)
        return cls(datagram, message_id, flags[0] & (AUTH_FLAG | PRIV_FLAG), security, offset, payload)

    @staticmethod
    def peek(datagram: bytes) -> int:
        """Return the message id from the first octets; raises an exception for malformed octets."""
        _, start, _ = ber.decode_header(datagram, 0)
        version, at = ber.decode_number(datagram, start)
        if version != _SNMP_V3:
            raise Rejected("malformed")
        _, start, _ = ber.decode_header(datagram, at)
        message_id, _ = ber.decode_number(datagram, start)
        return message_id

    def authenticate(self, keys: Keys) -> None:
        """Raise `Rejected` unless the message carries the digest that `keys` give it."""
        digest = self.security.digest
        if len(digest) != keys.digest_length:
            raise Rejected("wrong_identity")
        if not self.datagram.startswith(digest, self.digest_offset):
            raise Rejected("malformed")  # a length is encoded in more octets than it needs
        keys.check(self.datagram, self.digest_offset)

    def pdu(self, keys: Keys | None) -> ber.Pdu:
        """Return the PDU, which `keys` decrypt if it is encrypted; raises an exception if it is malformed."""
        scoped = self.payload
        if self.level & PRIV_FLAG and keys and isinstance(scoped, bytes):
            scoped, _ = ber.decode(keys.decrypt(self.security.boots, self.security.time, self.security.salt, scoped))
        if not isinstance(scoped, list) or not isinstance(scoped[2], ber.Pdu):
            raise Rejected("malformed")
        return scoped[2]


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
        ber.encode(ber.OCTETS, bytes((level | _REPORTABLE_FLAG,))),
        ber.encode_integer(_USER_BASED),
    )
    parameters = ber.encode(ber.OCTETS, security.encode())
    return ber.encode(ber.SEQUENCE, ber.encode_integer(_SNMP_V3), header, parameters, payload)


def _is_well_typed(security: SecurityParameters) -> bool:
    """Whether boots and time are INTEGER (0..2147483647), and the rest are OCTET STRINGs."""
    numbers = (security.boots, security.time)
    texts = (security.engine_id, security.user, security.digest, security.salt)
    return all(type(number) is int and 0 <= number <= MAX_COUNT for number in numbers) and all(
        isinstance(text, bytes) for text in texts
    )
