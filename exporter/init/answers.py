"""The answers from which fleet.yml is made, and the configuration that they give."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from exporter.config import Appliance, ApplianceEntry, Auth, AuthKey, Config
from exporter.config.files import read_regular
from exporter.init.terminal import WrongAnswerError

AUTH_NAME: Final = "ops"
"""What fleet.yml calls the credentials."""

SNMP_USER: Final = "v3get"
"""The only SNMPv3 user of AsyncOS."""

FileSection = Mapping[str, Any]
"""A mapping as fleet.yml has it."""


@dataclass(frozen=True, slots=True)
class FleetAnswers:
    """What is known so far."""

    addresses: Mapping[str, str]
    """The address of each appliance, by its name."""
    settings: Mapping[str, FileSection]
    """How each source is reached, as under `defaults`."""
    auths: Mapping[str, FileSection] = field(default_factory=dict, repr=False)
    """The credentials of each source, as under `auths`; a secret is a value, or in a file that the person named."""
    pins: Mapping[str, str] = field(default_factory=dict)
    """The fingerprint of each certificate to pin, by the name of the appliance."""

    def with_auth(self, source: str, credentials: FileSection) -> FleetAnswers:
        """Return the answers with the credentials of a source."""
        return replace(self, auths={**self.auths, source: credentials})

    def without_auth(self, source: str) -> FleetAnswers:
        """Return the answers without a source."""
        return replace(self, auths={name: auth for name, auth in self.auths.items() if name != source})

    def config(self, source: str) -> Config:
        """Return a fleet that has one source only, to try it."""
        auth = Auth.model_validate({source: self.auths[source]})
        return Config(appliances={name: self._appliance(name, auth) for name in self.addresses})

    def _appliance(self, name: str, auth: Auth) -> Appliance:
        known = {"name": name, "address": self.addresses[name], "auth": AUTH_NAME, "stream": "default"}
        xml = {**self.settings["xml"], **self.pinned(name)}
        return Appliance.model_validate({**known, "credentials": auth, **self.settings, "xml": xml})

    def pinned(self, name: str) -> FileSection:
        """Return the settings `xml` of an appliance: its pinned certificate, if it has one."""
        return {"tls": {"fingerprint_sha256": self.pins[name]}} if name in self.pins else {}


def read_appliances(text: str) -> dict[str, str]:
    """Return the address of each appliance by its name, from a list such as `mx1.example.edu west=192.0.2.2`.

    An appliance without a name is called by the first label of its host name, or else by its address.
    """
    found = dict[str, str]()
    for word in re.split(r"[\s,]+", text.strip()):
        name, equals, address = word.partition("=")
        address = address if equals else word
        name = name if equals else _name_of(address, found)
        if name in found:
            raise WrongAnswerError(f"Two appliances are called {name}: write NAME=ADDRESS, such as mx2={address}.")
        _check(address, name)
        found[name] = address
    return found


def _name_of(address: str, taken: Mapping[str, str]) -> str:
    label = address.partition(".")[0]
    return address if not re.match("[A-Za-z]", address) or label in taken else label


def _check(address: str, name: str) -> None:
    if not address:
        raise WrongAnswerError("Give the host name or the IP address of an appliance.")
    try:
        ApplianceEntry.model_validate({"name": name, "address": address})
    except ValidationError as error:
        raise WrongAnswerError(f"{address} {_end_of_sentence(error)}.") from None


def read_community(text: str) -> FileSection:
    """Return the credentials for SNMP v2c."""
    return checked("snmp", {"version": "2c", "community": text}, "The community")


def read_passphrase(text: str) -> FileSection:
    """Return the key for a passphrase of SNMPv3."""
    try:
        AuthKey.model_validate({"protocol": "SHA", "passphrase": text})
    except ValidationError as error:
        raise WrongAnswerError(f"The passphrase {_end_of_sentence(error)}.") from None
    return {"passphrase": text}


def in_file(key: str, file: Path) -> FileSection:
    """Return the key for a secret that is in a file already."""
    try:
        read_regular(file, 0)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise WrongAnswerError(
                f"{file} cannot be read ({error.strerror}): create it, or correct the path."
            ) from None
    return {f"{key}_file": str(file.resolve())}


def checked(source: str, credentials: FileSection, name: str) -> FileSection:
    """Return the credentials of a source. `name` begins the sentence about those that are wrong."""
    try:
        Auth.model_validate({source: credentials})
    except ValidationError as error:
        raise WrongAnswerError(f"{name} {_end_of_sentence(error)}.") from None
    return credentials


def _end_of_sentence(error: ValidationError) -> str:
    return str(error.errors(include_url=False, include_input=False)[0]["msg"])
