"""What the configuration has for every source that uses HTTP: the user, and how the pages are fetched."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, model_validator

from exporter.config.secrets import Secret, SecretHolder
from exporter.config.tls import TlsSettings
from exporter.config.values import Name, Port, Section, bad_value


def _without_colon(text: str) -> str:
    if ":" in text:
        raise bad_value("must not contain a colon: HTTP basic authentication does not allow one (RFC 7617)")
    return text


class BasicAuth(SecretHolder):
    """HTTP basic authentication."""

    value_key: ClassVar[str] = "password"

    username: Annotated[Name, AfterValidator(_without_colon)]
    """The user; a read-only operator is enough for the status pages."""
    password: Secret
    """The user's password."""


class HttpSettings(Section):
    """How pages are fetched over HTTP."""

    http_port: ClassVar[int]
    """The port with the scheme http, unless the file says otherwise."""

    scheme: Literal["http", "https"] = "https"
    """The scheme; http sends the password unencrypted."""
    port: Port
    """The TCP port."""
    tls: TlsSettings = TlsSettings()
    """How the certificate is checked, and which TLS versions and ciphers are used."""

    @model_validator(mode="before")
    @classmethod
    def _port_of_scheme(cls, data: object) -> object:
        is_http = isinstance(data, dict) and data.get("scheme") == "http"
        return {"port": cls.http_port} | data if isinstance(data, dict) and is_http else data
