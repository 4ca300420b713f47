"""The keys of an SNMPv3 user on one engine: signing, checking, encrypting, decrypting (RFC 3414, RFC 3826, RFC 7860).

pysnmp makes the localised keys from passphrases. The work for each packet is done by hmac and cryptography, which are
several times faster than pysnmp's services.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from pyasn1.type.univ import OctetString
from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel

from exporter.config import UserAuth
from exporter.sources.snmp.messages import Rejected

_AUTH_OIDS: Final = (1, 3, 6, 1, 6, 3, 10, 1, 1)  # snmpAuthProtocols
_PRIV_OIDS: Final = (1, 3, 6, 1, 6, 3, 10, 1, 2)  # snmpPrivProtocols
_CISCO_PRIV_OIDS: Final = (1, 3, 6, 1, 4, 1, 9, 12, 6, 1)

_AUTH_PROTOCOLS: Final = {
    "MD5": ((*_AUTH_OIDS, 2), "md5", 12),
    "SHA": ((*_AUTH_OIDS, 3), "sha1", 12),
    "SHA224": ((*_AUTH_OIDS, 4), "sha224", 16),
    "SHA256": ((*_AUTH_OIDS, 5), "sha256", 24),
    "SHA384": ((*_AUTH_OIDS, 6), "sha384", 32),
    "SHA512": ((*_AUTH_OIDS, 7), "sha512", 48),
}
"""Authentication protocols: usmAuthProtocol, hash, and length of the digest in octets."""

_PRIV_PROTOCOLS: Final = {
    "DES": (*_PRIV_OIDS, 2),
    "AES": (*_PRIV_OIDS, 4),
    "AES192": (*_CISCO_PRIV_OIDS, 1),
    "AES256": (*_CISCO_PRIV_OIDS, 2),
    "AES192C": (*_CISCO_PRIV_OIDS, 101),
    "AES256C": (*_CISCO_PRIV_OIDS, 102),
}
"""Privacy protocols: usmPrivProtocol."""

SALT_OCTETS: Final = 8
_DES_BLOCK: Final = 8  # octets

_salts: Final[Iterator[int]] = count(secrets.randbits(63))
"""Numbers for the salts of encrypted messages.

A key must never encrypt two messages with the same initialisation vector, which is made from the salt. Users on several
appliances may have the same key, so they all share this one counter. It starts at random, because a restart of the
exporter must not repeat it.
"""


class Keys:
    """The localised keys of one user on one engine; `digest_length` is in octets, 0 without authentication."""

    def __init__(self, user: UserAuth, engine_id: bytes) -> None:
        self.digest_length = 0
        if user.auth:
            protocol, self._hash, self.digest_length = _AUTH_PROTOCOLS[user.auth.protocol]
            master = _auth_master(protocol, user.auth.passphrase.get_secret_value())
            self._auth_key = bytes(
                SnmpUSMSecurityModel.AUTH_SERVICES[protocol].localize_key(master, OctetString(engine_id))
            )
            if user.priv:
                self._des = user.priv.protocol == "DES"
                self._priv_key = _priv_key(user, protocol, engine_id)
                self._aes = None if self._des else AES(self._priv_key)

    def digest(self, message: bytes) -> bytes:
        """Return the digest of a message that has zeros in the place of its digest."""
        return hmac.digest(self._auth_key, message, self._hash)[: self.digest_length]

    def check(self, message: bytes, at: int) -> None:
        """Raise `Rejected` unless the octets at `at` are the digest of the message.

        The comparison takes the same time however many octets are right: otherwise an attacker could measure how far a
        guessed digest is right, and find it octet by octet.
        """
        end = at + self.digest_length
        expected = self.digest(message[:at] + bytes(self.digest_length) + message[end:])
        if not hmac.compare_digest(message[at:end], expected):
            raise Rejected("wrong_identity")

    def encrypt(self, boots: int, time: int, plain: bytes) -> tuple[bytes, bytes]:
        """Return the encrypted octets and their salt."""
        number = next(_salts)
        if self._des:
            salt = (boots & 0xFFFFFFFF).to_bytes(4, "big") + (number & 0xFFFFFFFF).to_bytes(4, "big")
            plain += bytes(-len(plain) % _DES_BLOCK)
        else:
            salt = (number & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")
        return _through(self._cipher(boots, time, salt).encryptor(), plain), salt

    def decrypt(self, boots: int, time: int, salt: bytes, encrypted: bytes) -> bytes:
        """Return the plain octets, with up to 7 octets of padding behind them under DES.

        Raises `Rejected` for lengths that the protocol never makes.
        """
        if len(salt) != SALT_OCTETS or (self._des and len(encrypted) % _DES_BLOCK):
            raise Rejected("malformed")
        return _through(self._cipher(boots, time, salt).decryptor(), encrypted)

    def _cipher(self, boots: int, time: int, salt: bytes) -> Cipher[CBC] | Cipher[CFB]:
        if self._aes:
            return Cipher(self._aes, CFB(boots.to_bytes(4, "big") + time.to_bytes(4, "big") + salt))
        vector = bytes(a ^ b for a, b in zip(salt, self._priv_key[8:16], strict=True))
        return Cipher(TripleDES(self._priv_key[:8] * 3), CBC(vector))


def _through(context: CipherContext, octets: bytes) -> bytes:
    return context.update(octets) + context.finalize()


def _priv_key(user: UserAuth, auth_protocol: tuple[int, ...], engine_id: bytes) -> bytes:
    assert user.priv is not None  # noqa: S101 - called only then
    protocol = _PRIV_PROTOCOLS[user.priv.protocol]
    master = _priv_master(protocol, auth_protocol, user.priv.passphrase.get_secret_value())
    service = SnmpUSMSecurityModel.PRIV_SERVICES[protocol]
    return bytes(service.localize_key(auth_protocol, master, OctetString(engine_id)))


@lru_cache(maxsize=256)  # hashing takes milliseconds: appliances with the same user share it
def _auth_master(protocol: tuple[int, ...], passphrase: str) -> OctetString:
    return SnmpUSMSecurityModel.AUTH_SERVICES[protocol].hash_passphrase(passphrase.encode())


@lru_cache(maxsize=256)
def _priv_master(protocol: tuple[int, ...], auth_protocol: tuple[int, ...], passphrase: str) -> OctetString:
    return SnmpUSMSecurityModel.PRIV_SERVICES[protocol].hash_passphrase(auth_protocol, passphrase.encode())
