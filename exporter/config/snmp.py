"""SNMP in the configuration: its credentials, its settings and how long its polls are reused."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from exporter.config.secrets import Passphrase, Secret, SecretHolder
from exporter.config.values import IpAddress, Name, OptionalKey, Port, Section, bad_value

SNMP_MIN_INTERVAL: Final = 10
"""Seconds for which a successful poll is reused, unless the file says otherwise."""


class CommunityAuth(SecretHolder):
    """SNMP v2c."""

    value_key: ClassVar[str] = "community"

    version: Annotated[Literal["2c"], WithJsonSchema({"enum": ["2c", 2]})]
    """The version of SNMP."""
    community: Secret
    """The community. Whoever knows it can read the appliance's figures."""


class AuthKey(SecretHolder):
    """The authentication of an SNMPv3 user (RFC 3414, RFC 7860)."""

    value_key: ClassVar[str] = "passphrase"

    protocol: Literal["MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"]
    """The hash; SHA is SHA-1."""
    passphrase: Passphrase
    """The passphrase, of at least 8 characters."""


class PrivKey(SecretHolder):
    """The encryption for an SNMPv3 user (RFC 3414, RFC 3826); a final C means Cisco's key extension."""

    value_key: ClassVar[str] = "passphrase"

    protocol: Literal["DES", "AES", "AES192", "AES256", "AES192C", "AES256C"]
    """The cipher; AES is AES-128."""
    passphrase: Passphrase
    """The passphrase, of at least 8 characters."""


def _at_most_32_bytes(text: str) -> str:
    if len(text.encode()) > 32:
        raise bad_value("must have at most 32 bytes (RFC 3414)")
    return text


class UserAuth(Section):
    """SNMPv3 with the user-based security model. The keys that are given decide the security level."""

    version: Literal[3]
    """The version of SNMP."""
    username: Annotated[Name, AfterValidator(_at_most_32_bytes)]
    """The user; AsyncOS calls its own v3get."""
    auth: OptionalKey[AuthKey] = None
    """How requests and answers are authenticated; without it they are not."""
    priv: OptionalKey[PrivKey] = None
    """How requests and answers are encrypted, which needs auth; without it they are not."""

    @model_validator(mode="after")
    def _no_privacy_alone(self) -> UserAuth:
        if self.priv and not self.auth:
            raise bad_value("has priv but no auth: add auth, because SNMPv3 encrypts only what it authenticates")
        return self


def _with_version(data: object) -> object:
    if not isinstance(data, dict):
        return data
    version = {"2": "2c", "3": 3}.get(str(data.get("version")), data.get("version"))
    if version not in ("2c", 3):
        raise bad_value(
            "must have version: 3 or version: 2c (SNMPv1 is not supported; an appliance that speaks v1 also speaks v2c)"
        )
    return data | {"version": version}


SnmpCredentials = Annotated[CommunityAuth | UserAuth, Field(discriminator="version"), BeforeValidator(_with_version)]


class SnmpSettings(Section):
    """How the SNMP agent is polled."""

    port: Port = 161
    """The UDP port."""
    max_repetitions: Annotated[int, Field(ge=1, le=100)] = 25
    """How many rows of a table one request (GETBULK) asks for at most."""
    accept_from: tuple[IpAddress, ...] = ()
    """IP addresses from which the appliance may answer, besides its own."""
