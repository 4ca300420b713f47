"""A user of a simulated agent: pysnmp's services with the user's keys on the agent's engine (RFC 3414)."""

from __future__ import annotations

from typing import Any, Final

from pyasn1.type.univ import OctetString
from pysnmp.entity import config
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.secmod.rfc3414.service import SnmpUSMSecurityModel

from exporter.config import UserAuth

AUTHENTICATED: Final = 1
ENCRYPTED: Final = 2
"""How a message is secured: flags of a security level."""

_AUTH_SERVICES: Final = {
    "MD5": config.USM_AUTH_HMAC96_MD5,
    "SHA": config.USM_AUTH_HMAC96_SHA,
    "SHA224": config.USM_AUTH_HMAC128_SHA224,
    "SHA256": config.USM_AUTH_HMAC192_SHA256,
    "SHA384": config.USM_AUTH_HMAC256_SHA384,
    "SHA512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIV_SERVICES: Final = {
    "DES": config.USM_PRIV_CBC56_DES,
    "AES": config.USM_PRIV_CFB128_AES,
    "AES192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "AES256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "AES192C": config.USM_PRIV_CFB192_AES,
    "AES256C": config.USM_PRIV_CFB256_AES,
}


class EngineUser:
    """`level` is the security level that the user has keys for."""

    def __init__(self, user: UserAuth, engine_id: bytes) -> None:
        self.level = self.digest_length = 0
        engine = OctetString(engine_id)
        if user.auth:
            protocol = _AUTH_SERVICES[user.auth.protocol]
            self._auth: Any = SnmpUSMSecurityModel.AUTH_SERVICES[protocol]
            passphrase = user.auth.passphrase.get_secret_value().encode()
            self._auth_key = self._auth.localize_key(self._auth.hash_passphrase(passphrase), engine)
            self.digest_length = int(self._auth.digest_length)
            self.level = AUTHENTICATED
            if user.priv:
                self._priv: Any = SnmpUSMSecurityModel.PRIV_SERVICES[_PRIV_SERVICES[user.priv.protocol]]
                secret = self._priv.hash_passphrase(protocol, user.priv.passphrase.get_secret_value().encode())
                self._priv_key = self._priv.localize_key(protocol, secret, engine)
                self.level |= ENCRYPTED

    def is_authentic(self, datagram: bytes, digest: bytes) -> bool:
        try:
            self._auth.authenticate_incoming_message(self._auth_key, OctetString(digest), datagram)
        except StatusInformation:
            return False
        return True

    def sign(self, message: bytes) -> bytes:
        """Return the message with its digest in the place of the first `digest_length` octets of zero."""
        return bytes(self._auth.authenticate_outgoing_message(self._auth_key, message))

    def encrypt(self, boots: int, seconds: int, plain: bytes) -> tuple[bytes, bytes]:
        """Return the encrypted octets and their salt."""
        encrypted, salt = self._priv.encrypt_data(self._priv_key, (boots, seconds, None), plain)
        return bytes(encrypted), bytes(salt)

    def decrypt(self, boots: int, seconds: int, salt: bytes, encrypted: bytes) -> bytes:
        parameters = (boots, seconds, OctetString(salt))
        return bytes(self._priv.decrypt_data(self._priv_key, parameters, OctetString(encrypted)))
