"""TLS to an appliance: which certificate to trust, when it expires, and what a failed handshake means."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from aiohttp import Fingerprint

from exporter.config import TlsSettings
from exporter.config.files import read_certificates
from exporter.errors import TlsError
from exporter.metrics.reading import Certificate, label_value

_VERSIONS: Final = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}

_OP_LEGACY_SERVER_CONNECT: Final = 0x4
"""OpenSSL's SSL_OP_LEGACY_SERVER_CONNECT, which Python has since 3.12."""

_RESUMED_SECONDS: Final = 600.0
"""A session is resumed for so long after its certificate was checked: resuming it does not check it again. After a
handshake that failed, none is resumed for so long.
"""

_NO_PIN: Final = "00" * 32
"""Takes the place of a fingerprint and is compared with none."""

_PIN: Final = "or pin the certificate with {key}.tls.fingerprint_sha256"
"""Hints have `{key}` where the section of fleet.yml belongs."""
_UNTRUSTED: Final = "name a file with its issuer's certificate in {key}.tls.ca_file, " + _PIN
_OTHER_NAME: Final = "set the appliance's address to a name in the certificate, " + _PIN
_SMALL: Final = 'renew it with SHA-256 and a larger key, set {key}.tls.ciphers to "DEFAULT:@SECLEVEL=0", ' + _PIN
_CERTIFICATE_HINTS: Final = {  # by OpenSSL's X509_V_ERR_* codes
    9: "check the clocks of the appliance and of this machine",
    10: "renew it on the appliance, " + _PIN,
    18: _UNTRUSTED,
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    21: _UNTRUSTED,
    62: _OTHER_NAME,
    64: _OTHER_NAME,
    66: _SMALL,
    67: _SMALL,
    68: _SMALL,
}

_OTHER_VERSION: Final = (
    "the appliance uses an older version of TLS than {key}.tls.min_version allows: lower it, "
    'and for TLSv1 and TLSv1.1 also set {key}.tls.ciphers to "DEFAULT:@SECLEVEL=0"'
)
_WEAK: Final = (
    "the appliance offers no cipher or key that is strong enough: "
    'for an old appliance set {key}.tls.ciphers to "DEFAULT:@SECLEVEL=0"'
)
_LEGACY_RENEGOTIATION: Final = (
    "the appliance cannot renegotiate safely (RFC 5746): update it, or read about the risk in docs/configuration.md "
    "and set {key}.tls.legacy_renegotiation to true"
)
_NOT_TLS: Final = "the port does not use TLS: check {key}.port, and set {key}.scheme to http if the port uses HTTP"
_HANDSHAKE_HINTS: Final = {
    "UNSUPPORTED_PROTOCOL": _OTHER_VERSION,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OTHER_VERSION,
    "NO_PROTOCOLS_AVAILABLE": _OTHER_VERSION,
    "WRONG_SSL_VERSION": _OTHER_VERSION,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _WEAK,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _WEAK,
    "NO_CIPHERS_AVAILABLE": _WEAK,
    "DH_KEY_TOO_SMALL": _WEAK,
    "EE_KEY_TOO_SMALL": _WEAK,
    "CA_MD_TOO_WEAK": _WEAK,
    "WRONG_SIGNATURE_TYPE": _WEAK,
    "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED": _WEAK,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": _LEGACY_RENEGOTIATION,
    "WRONG_VERSION_NUMBER": _NOT_TLS,
    "RECORD_LAYER_FAILURE": _NOT_TLS,
    "HTTP_REQUEST": _NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": _NOT_TLS,
}


def context(tls: TlsSettings) -> ssl.SSLContext:
    """Return OpenSSL's context for the TLS settings; call it in a thread, as it reads the CA file. Raises TlsError.

    With a fingerprint, exactly one certificate is trusted, and its issuer, names and dates do not matter.
    """
    if tls.fingerprint_sha256:  # whose certificate is checked by itself
        tls = tls.model_copy(update={"fingerprint_sha256": None, "verify": False})
    return _context(tls, _system_certificates() if tls.verify and not tls.ca_file else ())


def _system_certificates() -> tuple[tuple[str, int], ...]:
    """Return the file and folder of the system's certificates, and when each was changed."""
    paths = ssl.get_default_verify_paths()
    return tuple((path, Path(path).stat().st_mtime_ns) for path in (paths.cafile, paths.capath) if path)


@lru_cache(maxsize=64)
def _context(tls: TlsSettings, _system: tuple[tuple[str, int], ...]) -> ssl.SSLContext:
    """Return the context that appliances share: it takes up to 0.8 MB and, with the system's certificates, 17 ms."""
    result = _ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    if not tls.verify:
        result.check_hostname = False
        result.verify_mode = ssl.CERT_NONE
    elif tls.ca_file:
        _load_ca_file(result, tls.ca_file)
    else:
        result.load_default_certs()
    result.minimum_version = _VERSIONS[tls.min_version]
    if tls.ciphers:
        result.set_ciphers(tls.ciphers)
    if tls.legacy_renegotiation:
        result.options |= _OP_LEGACY_SERVER_CONNECT
    return result


def _load_ca_file(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(cadata=read_certificates(Path(ca_file)))
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or "not PEM"
        raise TlsError(f"the ca_file {ca_file} cannot be used ({reason}): it must be a PEM file") from error


class Resumption:
    """The TLS session of one appliance, which its next connection resumes.

    Then the appliance signs nothing, sends no certificate and, before TLS 1.3, needs one round trip less. If the
    connection fails all the same, this may be why, so the appliance gets ordinary handshakes for ten minutes.
    """

    def __init__(self) -> None:
        self._newest: ssl.SSLObject | None = None
        """The newest connection. Its session is taken when the next one begins: until then a copy would take memory."""
        self._until = 0.0
        self._not_before = 0.0
        self._is_offered = False

    def begin(self) -> None:
        """Let the next connection of this task resume the session."""
        self.failed()  # if the last request ended without an answer
        _resumption.set(self)

    def offered(self) -> ssl.SSLSession | None:
        """Return the session for a new connection; None for an ordinary handshake."""
        self.failed()  # if aiohttp asks again because no answer came
        newest, self._newest = self._newest, None
        if newest is None or not self._not_before <= time.monotonic() < self._until:
            return None
        self._is_offered = True
        return newest.session

    def connected(self, connection: ssl.SSLObject) -> None:
        """Note a connection whose handshake has ended, and whose certificate is accepted."""
        self._newest = connection
        if not connection.session_reused:
            self._until = time.monotonic() + _RESUMED_SECONDS

    def answered(self) -> None:
        """Note that the connection works."""
        self._is_offered = False

    def failed(self) -> bool:
        """Note that the connection does not work; return whether a session was offered for it."""
        was_offered, self._is_offered = self._is_offered, False
        if was_offered:
            self._not_before = time.monotonic() + _RESUMED_SECONDS
        return was_offered


_resumption: ContextVar[Resumption | None] = ContextVar("_resumption", default=None)


class _ResumingContext(ssl.SSLContext):
    """A context whose connections resume the session of the appliance at hand: asyncio has no way to pass one."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        if resumption := _resumption.get():
            session = resumption.offered()
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


class CertificateCheck(Fingerprint):
    """Checks the certificate of each new connection against the pin, if there is one, and keeps when it expires.

    aiohttp calls `check` once for each new TLS connection, after the handshake.
    """

    def __init__(self, tls: TlsSettings, resumption: Resumption) -> None:
        super().__init__(bytes.fromhex(tls.fingerprint_sha256 or _NO_PIN))
        self._pinned = tls.fingerprint_sha256 is not None
        self._verified_by: Literal["ca", "fingerprint", "nothing"] = (
            "fingerprint" if self._pinned else "ca" if tls.verify else "nothing"
        )
        self._resumption = resumption
        self.certificate: Certificate | None = None
        """The certificate of the newest connection; None without TLS, or if it cannot be read."""

    def check(self, transport: asyncio.Transport) -> None:
        connection: ssl.SSLObject = transport.get_extra_info("ssl_object")
        is_new = not connection.session_reused
        if is_new:
            self.certificate = None
        if self._pinned:
            super().check(transport)
        if is_new:
            end = expiry(connection.getpeercert(binary_form=True) or b"")
            self.certificate = None if end is None else Certificate(end, self._verified_by)
        self._resumption.connected(connection)


def expiry(certificate: bytes) -> float | None:
    """Return the end of validity of a certificate in DER, in Unix time; None if the certificate cannot be read."""
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # 9 MB, only for HTTPS and SNMPv3

    try:
        return load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except (ValueError, InvalidVersion):
        return None


def refused_certificate(error: ssl.SSLCertVerificationError, key: str) -> TlsError:
    """Return the error for a certificate that is not trusted; `key` is the section of fleet.yml for hints."""
    hint = _CERTIFICATE_HINTS.get(error.verify_code, "renew it, " + _PIN).format(key=key)
    return TlsError(f"the appliance's certificate is not accepted ({error.verify_message}): {hint}")


def other_certificate(got: bytes, key: str) -> TlsError:
    """Return the error for a certificate that is not the pinned one; `got` is its SHA-256 fingerprint."""
    return TlsError(
        f"the appliance's certificate is not the pinned one: if it was renewed, set {key}.tls.fingerprint_sha256 to "
        f"{got.hex(':')}; if not, another machine may answer in the appliance's place"
    )


def failed_handshake(error: ssl.SSLError, key: str) -> TlsError:
    reason = error.reason or "no reason given"
    hint = _HANDSHAKE_HINTS.get(reason, "check {key}.port, {key}.scheme and the {key}.tls settings").format(key=key)
    return TlsError(f"the TLS handshake failed ({label_value(reason)}): {hint}")


def broken_handshake(key: str) -> TlsError:
    """Return the error for an appliance that closed the connection during the handshake."""
    return TlsError(
        f"the appliance closed the connection during the TLS handshake: check {key}.port and {key}.scheme; "
        f'for an old appliance lower {key}.tls.min_version and set {key}.tls.ciphers to "DEFAULT:@SECLEVEL=0"'
    )
