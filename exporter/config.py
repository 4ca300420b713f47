"""The configuration file: what an appliance is, where it answers and with which credentials."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CommunityAuth(_Model):
    """SNMP v2c."""

    version: Literal["2c"]
    community: SecretStr


class AuthKey(_Model):
    """The authentication of an SNMPv3 user (RFC 3414, RFC 7860)."""

    protocol: Literal["MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"]
    passphrase: SecretStr


class PrivKey(_Model):
    """The privacy of an SNMPv3 user (RFC 3414, RFC 3826); a final C means Cisco's key extension."""

    protocol: Literal["DES", "AES", "AES192", "AES256", "AES192C", "AES256C"]
    passphrase: SecretStr


class UserAuth(_Model):
    """SNMPv3 with the user-based security model; the level follows from the keys that are there."""

    version: Literal[3]
    username: str
    auth: AuthKey | None = None
    priv: PrivKey | None = None


class BasicAuth(_Model):
    """HTTP basic authentication for the status pages."""

    username: str
    password: SecretStr


class Auth(_Model):
    """The credentials of one or both sources; a source without credentials is not polled."""

    snmp: CommunityAuth | UserAuth | None = None
    xml: BasicAuth | None = None


class SnmpSettings(_Model):
    """Where and how the SNMP agent is asked."""

    port: int = 161
    max_repetitions: int = 25


class TlsSettings(_Model):
    """How the status page's certificate is checked: by `ca_file`, by fingerprint, or (`verify: false`) not at all."""

    ca_file: str | None = None
    fingerprint_sha256: str | None = None
    verify: bool = True
    min_version: Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    ciphers: str | None = None


class XmlSettings(_Model):
    """Where and how the status pages are fetched."""

    scheme: Literal["http", "https"] = "https"
    port: int = 443
    pages: tuple[Literal["status", "dnsstatus", "tophosts", "topin"], ...] = ("status",)
    top: int = 20
    tls: TlsSettings = TlsSettings()


class MinInterval(_Model):
    """For how many seconds after it began a complete poll may be served again."""

    snmp: float = 10
    xml: float = 25


class Appliance(_Model):
    """One appliance, with the defaults and its credentials resolved."""

    name: str
    address: str
    auth: str
    credentials: Auth
    site: str | None = None
    pool: str = "default"
    stream: str
    traffic: Literal["inbound", "outbound", "mixed"] = "mixed"
    role: Literal["production", "spare"] = "production"
    rated_messages_per_hour: float | None = None
    connection_limit: int | None = None
    labels: dict[str, str] = {}
    snmp: SnmpSettings = SnmpSettings()
    xml: XmlSettings = XmlSettings()
    min_interval: MinInterval = MinInterval()


class Config(_Model):
    """A fleet: its appliances by name, in the order of the file."""

    appliances: dict[str, Appliance]
