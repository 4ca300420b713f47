"""What the configuration file can say, as it is written and as it is resolved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, PrivateAttr, WithJsonSchema, field_validator, model_validator

from exporter.config.fields import (
    Address,
    Block,
    CaFile,
    Ciphers,
    Fingerprint,
    HttpUser,
    LabelName,
    LabelValue,
    Name,
    NotEmpty,
    Passphrase,
    Port,
    Seconds,
    Secret,
    SecretHolder,
    SnmpUser,
    WithStatus,
    fault,
)


class CommunityAuth(SecretHolder):
    """SNMP v2c."""

    holds: ClassVar[str] = "community"

    version: Annotated[Literal["2c"], WithJsonSchema({"enum": ["2c", 2]})]
    """The version of SNMP."""
    community: Secret
    """The community, which is all that protects the appliance's figures."""


class AuthKey(SecretHolder):
    """The authentication of an SNMPv3 user (RFC 3414, RFC 7860)."""

    holds: ClassVar[str] = "passphrase"

    protocol: Literal["MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"]
    """The hash; SHA is SHA-1."""
    passphrase: Passphrase
    """The passphrase, of at least 8 characters."""


class PrivKey(SecretHolder):
    """The privacy of an SNMPv3 user (RFC 3414, RFC 3826); a final C means Cisco's key extension."""

    holds: ClassVar[str] = "passphrase"

    protocol: Literal["DES", "AES", "AES192", "AES256", "AES192C", "AES256C"]
    """The cipher; AES is AES-128."""
    passphrase: Passphrase
    """The passphrase, of at least 8 characters."""


class UserAuth(Block):
    """SNMPv3 with the user-based security model; the level follows from the keys that are there."""

    version: Literal[3]
    """The version of SNMP."""
    username: SnmpUser
    """The user; AsyncOS calls its own v3get."""
    auth: AuthKey | None = None
    """How requests and answers are authenticated; without it they are not."""
    priv: PrivKey | None = None
    """How requests and answers are encrypted, which needs auth; without it they are not."""

    @model_validator(mode="after")
    def _no_privacy_alone(self) -> UserAuth:
        if self.priv and not self.auth:
            raise fault("has priv but no auth, and SNMPv3 encrypts only what it authenticates: add auth")
        return self


class BasicAuth(SecretHolder):
    """HTTP basic authentication for the status pages."""

    holds: ClassVar[str] = "password"

    username: HttpUser
    """The user; a read-only operator is enough."""
    password: Secret
    """The user's password."""


class Auth(Block):
    """The credentials of one or both sources; a source without credentials is not polled."""

    snmp: Annotated[CommunityAuth | UserAuth, Field(discriminator="version")] | None = None
    """The credentials for SNMP."""
    xml: BasicAuth | None = None
    """The credentials for the status pages."""

    @field_validator("snmp", mode="before")
    @classmethod
    def _name_version(cls, data: Any) -> Any:
        names = {"2": "2c", "3": 3}
        if isinstance(data, dict) and "version" in data:
            return data | {"version": names.get(str(data["version"]), data["version"])}
        return data

    @model_validator(mode="after")
    def _some_source(self) -> Auth:
        if not (self.snmp or self.xml):
            raise fault("has neither snmp nor xml: give the credentials of one source at least")
        return self


class SnmpSettings(Block):
    """Where and how the SNMP agent is asked."""

    port: Port = 161
    """The UDP port."""
    max_repetitions: Annotated[int, Field(ge=1, le=100)] = 25
    """How many rows of a table one request (GETBULK) asks for at most."""


class TlsSettings(Block):
    """How the status page's certificate is checked.

    By `ca_file`, by `fingerprint_sha256`, with `verify: false` not at all, and without any of the three by the
    authorities that this machine trusts.
    """

    ca_file: CaFile | None = None
    """A file with the PEM certificates to trust, relative to the folder of this file."""
    fingerprint_sha256: Fingerprint | None = None
    """The SHA-256 of the one certificate to accept: 64 hexadecimal digits, with or without colons."""
    verify: bool = True
    """Whether the certificate is checked; without, whoever stands between learns the password."""
    min_version: Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    """The oldest version to speak; below TLSv1.2 the ciphers must allow it too."""
    ciphers: Ciphers | None = None
    """The ciphers to offer up to TLSv1.2, as OpenSSL lists them; "DEFAULT:@SECLEVEL=0" for old appliances."""

    _authorities: bytes = PrivateAttr(default=b"")
    """What ca_file holds: with a renewed file, a reload gives settings that differ."""

    def model_post_init(self, context: dict[str, Path] | None, /) -> None:
        """Read the CA file where the settings come from a file."""
        if context and self.ca_file:
            self._authorities = Path(self.ca_file).read_bytes()

    @model_validator(mode="after")
    def _one_trust(self) -> TlsSettings:
        if [self.ca_file is None, self.fingerprint_sha256 is None, self.verify].count(False) > 1:
            raise fault("has more than one of ca_file, fingerprint_sha256 and verify: false: keep one")
        return self


TRUST: Final = frozenset({"ca_file", "fingerprint_sha256", "verify"})
"""The alternatives of `tls`: an appliance's own replaces the default."""


class XmlSettings(Block):
    """Where and how the status pages are fetched."""

    scheme: Literal["http", "https"] = "https"
    """The scheme; http sends the password in the clear."""
    port: Port = 443
    """The TCP port; 80 unless given where the scheme is http."""
    pages: Annotated[tuple[Literal["status", "dnsstatus", "tophosts", "topin"], ...], WithStatus] = ("status",)
    """The pages to fetch; tophosts and topin are not verified on a device."""
    top: Annotated[int, Field(ge=1, le=100)] = 20
    """How many destinations and senders of tophosts and topin to export at most."""
    tls: TlsSettings = TlsSettings()
    """How the certificate is checked, and which TLS to speak."""

    @model_validator(mode="before")
    @classmethod
    def _port_of_scheme(cls, data: Any) -> Any:
        return {"port": 80} | data if isinstance(data, dict) and data.get("scheme") == "http" else data


class MinInterval(Block):
    """For how many seconds after it began a complete poll may be served again."""

    snmp: Seconds = 10
    """Time in seconds for SNMP."""
    xml: Seconds = 25
    """Time in seconds for the status pages."""


class Settings(Block):
    """What an appliance may set, and `defaults` for all."""

    auth: Name | None = None
    """The credentials, by their name under `auths`."""
    site: Name | None = None
    """The data centre."""
    pool: Name = "default"
    """The units that share one stream behind the load balancer: the peers for every comparison."""
    stream: Name | None = None
    """What joins pools that see the same mail; unless given, the name of the pool."""
    traffic: Literal["inbound", "outbound", "mixed"] = "mixed"
    """What the pool carries."""
    role: Literal["production", "spare"] = "production"
    """Whether the appliance takes part, or stands by."""
    rated_messages_per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How many messages per hour the appliance is known to carry."""
    connection_limit: Annotated[int, Field(gt=0)] | None = None
    """How many inbound connections its listeners accept at a time."""
    labels: dict[LabelName, LabelValue] = Field(default={})
    """Further labels for its series; those of the defaults are added."""
    snmp: SnmpSettings = SnmpSettings()
    """Where and how the SNMP agent is asked."""
    xml: XmlSettings = XmlSettings()
    """Where and how the status pages are fetched."""
    min_interval: MinInterval = MinInterval()
    """For how many seconds after it began a complete poll may be served again."""


class Entry(Settings):
    """One appliance as the file has it; what it leaves out, the defaults give."""

    name: Name
    """How the appliance is called: the target of a probe and the label `instance`."""
    address: Address
    """Its host name, IPv4 or IPv6 address."""


class Appliance(Entry):
    """One appliance, with the defaults and its credentials resolved."""

    auth: str
    credentials: Auth
    stream: str


class Config(Block):
    """A fleet: its appliances by name, in the order of the file."""

    appliances: dict[str, Appliance]


class FleetFile(Block):
    """The fleet of ironport-exporter: its appliances, and how they are reached."""

    auths: dict[Name, Auth]
    """Credentials, named once and used by many."""
    defaults: Settings | None = None
    """What holds for every appliance that does not say otherwise."""
    appliances: Annotated[tuple[Entry, ...], NotEmpty, Field(json_schema_extra={"minItems": 1})]
    """The appliances."""
