"""The XML status pages in the configuration: credentials, settings and how long polls are reused."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from exporter.config.secrets import Secret, SecretHolder
from exporter.config.tls import TlsSettings
from exporter.config.values import Name, Port, Section, bad_value

XML_MIN_INTERVAL: Final = 25
"""Seconds for which a successful poll is reused, unless the file says otherwise."""


def _without_colon(text: str) -> str:
    if ":" in text:
        raise bad_value("must not contain a colon: HTTP basic authentication does not allow one (RFC 7617)")
    return text


class BasicAuth(SecretHolder):
    """HTTP basic authentication for the status pages."""

    value_key: ClassVar[str] = "password"

    username: Annotated[Name, AfterValidator(_without_colon)]
    """The user; a read-only operator is enough."""
    password: Secret
    """The user's password."""


def _status_and_more(names: tuple[str, ...]) -> tuple[str, ...]:
    if "status" not in names:
        raise bad_value("must include status: nearly all metrics come from it")
    if len(set(names)) < len(names):
        raise bad_value("must name each page once")
    return names


class XmlSettings(Section):
    """How the status pages are fetched."""

    scheme: Literal["http", "https"] = "https"
    """The scheme; http sends the password unencrypted."""
    port: Port = 443
    """The TCP port; with the scheme http the default is 80."""
    pages: Annotated[
        tuple[Literal["status", "dnsstatus", "tophosts", "topin"], ...], AfterValidator(_status_and_more)
    ] = ("status",)
    """The pages to fetch; tophosts and topin have not been tried on a real appliance."""
    top: Annotated[int, Field(ge=1, le=100)] = 20
    """How many destinations (tophosts) and senders (topin) to export at most."""
    tls: TlsSettings = TlsSettings()
    """How the certificate is checked, and which TLS versions and ciphers are used."""

    @model_validator(mode="before")
    @classmethod
    def _port_of_scheme(cls, data: object) -> object:
        return {"port": 80} | data if isinstance(data, dict) and data.get("scheme") == "http" else data
