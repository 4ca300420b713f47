"""The section tls_server_config of --web.config.file, and the TLS context that it asks for."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping, Set
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from exporter.config.files import pem_text
from exporter.config.secrets import FileText, revealed
from exporter.config.tls_context import TLS_VERSIONS, TlsVersion, load_identity
from exporter.config.values import OptionalKey, Section, Value, bad_value

_CIPHERS: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""OpenSSL's names of the suites for TLS 1.2 and older by Go's names."""

_TLS13_CIPHERS: Final = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""The suites of TLS 1.3, which are always on, here and in Go."""

_CURVES: Final = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
"""OpenSSL's names by Go's names."""

_VERIFY_MODES: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

_UNVERIFIED: Final = frozenset({"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"})


def _verified(value: object) -> object:
    if isinstance(value, str) and value in _UNVERIFIED:
        raise bad_value(
            "is not supported, because it does not verify the certificate: "
            "use VerifyClientCertIfGiven or RequireAndVerifyClientCert"
        )
    return value


ClientAuthType = Annotated[
    Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"], BeforeValidator(_verified)
]


def _cipher(text: str) -> str:
    if text not in _CIPHERS and text not in _TLS13_CIPHERS:
        raise bad_value("is not a suite that is supported: use those that the documentation lists")
    return text


Cipher = Annotated[str, AfterValidator(_cipher)]


def _at_most_one(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > 1:
        raise bad_value("may have one curve only: Python cannot set several")
    return names


class TlsServerConfig(Section):
    """The certificate of the server, which clients are let in, and which TLS is spoken. Without any key: no TLS."""

    cert: OptionalKey[SecretStr] = None
    """The PEM certificate, followed by its chain."""
    cert_file: OptionalKey[FileText] = None
    """A file with it."""
    key: OptionalKey[SecretStr] = None
    """The PEM key of the certificate."""
    key_file: OptionalKey[FileText] = None
    """A file with it."""
    client_auth_type: ClientAuthType = "NoClientCert"
    """Whether clients are asked for a certificate, and must have one."""
    client_ca: OptionalKey[SecretStr] = None
    """The PEM certificates of the authorities of clients, instead of those that this machine trusts."""
    client_ca_file: OptionalKey[FileText] = None
    """A file with them."""
    client_allowed_sans: tuple[str, ...] = ()
    """The names, addresses and URIs of which a client's certificate must have one."""
    min_version: TlsVersion = "TLS12"
    """The oldest version of TLS to accept."""
    max_version: TlsVersion = "TLS13"
    """The newest version of TLS to accept."""
    cipher_suites: tuple[Cipher, ...] = ()
    """The suites for TLS 1.2 and older, by Go's names."""
    prefer_server_cipher_suites: bool = True
    """Whether the order of cipher_suites decides, and not that of the client."""
    curve_preferences: Annotated[
        tuple[Literal["CurveP256", "CurveP384", "CurveP521", "X25519"], ...], AfterValidator(_at_most_one)
    ] = ()
    """The elliptic curve to use."""

    @field_validator("client_ca", "client_ca_file", "client_allowed_sans")
    @classmethod
    def _has_effect(cls, value: Value, info: ValidationInfo) -> Value:
        if info.data.get("client_auth_type") == "NoClientCert":
            raise bad_value("has no effect without client_auth_type: set it to RequireAndVerifyClientCert")
        return value

    @field_validator("max_version")
    @classmethod
    def _not_below_min_version(cls, version: TlsVersion, info: ValidationInfo) -> TlsVersion:
        if version < info.data.get("min_version", "TLS10"):
            raise bad_value("is older than min_version: raise it, or lower min_version")
        return version

    @field_validator("cipher_suites")
    @classmethod
    def _has_suites_to_choose(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if names and not _openssl_names(names) and info.data.get("min_version") != "TLS13":
            raise bad_value("has only suites of TLS 1.3: add one of TLS 1.2, or set min_version to TLS13")
        return names

    @model_validator(mode="after")
    def _usable(self) -> TlsServerConfig:
        if self.model_fields_set and not revealed(self.cert, self.cert_file):
            raise bad_value("has no certificate: add cert_file and key_file, or remove the section")
        if self.model_fields_set and not revealed(self.key, self.key_file):
            raise bad_value("has a certificate without its key: add key_file")
        self.context()
        return self

    def context(self) -> ssl.SSLContext | None:
        """Return the context of connections; None without TLS."""
        if not (certificate := revealed(self.cert, self.cert_file)):
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        load_identity(context, certificate, revealed(self.key, self.key_file))
        self._agree_on_ciphers(context)
        self._verify_clients(context)
        return context

    def _agree_on_ciphers(self, context: ssl.SSLContext) -> None:
        context.minimum_version, context.maximum_version = (
            TLS_VERSIONS[self.min_version],
            TLS_VERSIONS[self.max_version],
        )
        context.options |= ssl.OP_NO_RENEGOTIATION
        if not self.prefer_server_cipher_suites:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        # OpenSSL 3 has TLS 1.0 and 1.1 at its lowest level only.
        level = [] if self.min_version >= "TLS12" else ["@SECLEVEL=0"]
        if names := _openssl_names(self.cipher_suites) or (["DEFAULT"] if level else []):
            context.set_ciphers(":".join([*names, *level]))
        for name in self.curve_preferences:
            context.set_ecdh_curve(_CURVES[name])

    def _verify_clients(self, context: ssl.SSLContext) -> None:
        context.verify_mode = _VERIFY_MODES[self.client_auth_type]
        if context.verify_mode == ssl.CERT_NONE:
            return
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # any of these certificates is trusted, as in Go
        if self.client_ca is None and self.client_ca_file is None:
            context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        else:
            self._trust(context)
        if self.client_allowed_sans:
            context.sslobject_class = _connection_of(frozenset(self.client_allowed_sans))

    def _trust(self, context: ssl.SSLContext) -> None:
        try:
            context.load_verify_locations(cadata=pem_text(revealed(self.client_ca, self.client_ca_file).encode()))
        except (ssl.SSLError, ValueError):  # ValueError: empty, or not ASCII
            raise bad_value(
                "has no readable certificate of an authority: put PEM certificates into client_ca_file"
            ) from None


def _openssl_names(suites: Iterable[str]) -> list[str]:
    return [_CIPHERS[name] for name in suites if name in _CIPHERS]


def _connection_of(allowed: Set[str]) -> type[ssl.SSLObject]:
    """Return the class of connections that end unless the client's certificate has one of the allowed names."""

    class Connection(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            if allowed.isdisjoint(_alternative_names(self.getpeercert() or {})):
                raise ssl.SSLCertVerificationError("the client's certificate has none of client_allowed_sans")

    return Connection


def _alternative_names(certificate: Mapping[str, Any]) -> Iterator[str]:
    for kind, name in certificate.get("subjectAltName", ()):
        yield _short(name.strip()) if kind == "IP Address" else name


def _short(address: str) -> str:
    """Return an address as people write it; OpenSSL has 2001:DB8:0:0:0:0:0:1."""
    try:
        return str(ip_address(address))
    except ValueError:  # the certificate has another number of bytes there
        return address


class LatestContext(ssl.SSLContext):
    """The context of a server whose certificates change: each new connection gets the one that is the latest then."""

    latest: ssl.SSLContext

    @classmethod
    def of(cls, first: ssl.SSLContext) -> Self:
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context.latest = first
        return context

    def wrap_bio(self, *arguments: Any, **keywords: Any) -> ssl.SSLObject:
        """Return the TLS of a connection."""
        return self.latest.wrap_bio(*arguments, **keywords)
