"""`ironport-exporter init`: asks, tries each answer on the appliances, and writes fleet.yml."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from exporter import config
from exporter.errors import ExporterError, UsageError
from exporter.first_contact import faults, first_contact, probe_all
from exporter.init.answers import (
    SNMP_USER,
    FileSection,
    FleetAnswers,
    checked,
    in_file,
    read_appliances,
    read_community,
    read_passphrase,
)
from exporter.init.certificates import shown_fingerprint
from exporter.init.fleet_file import secret_files, write_fleet
from exporter.init.terminal import Given, WrongAnswerError, ask, choose, confirm, say
from exporter.probe import Result
from exporter.prometheus import progress
from exporter.sources.source import source_title

_NONE: Final = "none"
"""The answer of a person who leaves a source out."""

_AGAIN, _KEEP, _LEAVE_OUT = _AFTER_A_FAULT = ("again", "keep", "leave out")
"""What a person may do after answers that do not work."""


@dataclass(frozen=True, slots=True)
class InitFlags:
    """The answers that the command line gives. A person is asked only for what it leaves out."""

    appliances: tuple[str, ...]
    """Each as NAME=ADDRESS, or the address alone."""
    snmp_passphrase_file: Path | None
    """The authentication passphrase of SNMPv3."""
    snmp_privacy_passphrase_file: Path | None
    """The privacy passphrase of SNMPv3."""
    snmp_community_file: Path | None
    """The community of SNMP v2c."""
    snmp_auth_protocol: str
    snmp_priv_protocol: str
    xml_username: str | None
    """The user of the status page."""
    xml_password_file: Path | None
    """The password of that user."""
    xml_pin: bool
    """Whether to pin the certificates that the appliances show, if this machine does not trust them."""
    settings: Mapping[str, FileSection]
    """How each source is reached, as under `defaults`."""
    tried: bool
    """Whether the answers are tried on the appliances."""
    timeout: float
    """Seconds that each probe may take."""

    def secret_files(self) -> tuple[Path | None, ...]:
        """Return the files with secrets, None for each that is not given."""
        return (
            self.snmp_passphrase_file,
            self.snmp_privacy_passphrase_file,
            self.snmp_community_file,
            self.xml_password_file,
        )

    def problem(self, on_terminal: bool) -> str | None:
        """Return a sentence about flags that need each other, or that exclude each other."""
        if self.snmp_community_file and self.snmp_passphrase_file:
            return "Give --snmp.community-file for SNMP v2c, or --snmp.passphrase-file for SNMPv3, not both."
        if self.snmp_privacy_passphrase_file and not self.snmp_passphrase_file:
            return "--snmp.privacy-passphrase-file needs --snmp.passphrase-file."
        if not on_terminal and bool(self.xml_username) != bool(self.xml_password_file):
            return "--xml.username and --xml.password-file need each other."
        return None


def refuse_existing(file: Path, flags: InitFlags) -> None:
    """Raise ExporterError if fleet.yml is there already, or a file for a secret that the flags do not give."""
    given = {path.resolve() for path in flags.secret_files() if path}
    for path in (file, *secret_files(file.parent)):
        if path.exists() and path.resolve() not in given:
            raise ExporterError(f"{path} is there already. Choose another file with --out, or give --overwrite.")


def make_fleet(flags: InitFlags, file: Path, *, on_terminal: bool) -> bool:
    """Write fleet.yml and return whether every appliance is complete, or was not to be tried.

    On a terminal, a person is asked for what the flags leave out, and again for what is wrong. Otherwise a wrong answer
    raises UsageError, and one that does not work ExporterError.
    """
    if problem := flags.problem(on_terminal):
        raise UsageError(problem)
    try:
        answers = _Interview(flags, on_terminal).answers()
    except WrongAnswerError as wrong:
        raise UsageError(str(wrong)) from None
    secrets = write_fleet(answers, file)
    say(f"\nWrote {', '.join(map(str, (file, *secrets)))}. Give each appliance its site and its pool there.\n")
    loaded = config.load(file)
    for notice in loaded.notices:
        say(f"Notice: {notice}")
    if not flags.tried:
        return True
    results = asyncio.run(probe_all(loaded, flags.timeout, progress.show))
    say(first_contact(loaded, results))
    return all(result.complete for result in results.values())


class _Interview:
    """Gets each answer from a flag or from a person, and tries it."""

    def __init__(self, flags: InitFlags, on_terminal: bool) -> None:
        self._flags = flags
        self._on_terminal = on_terminal
        self._answers = FleetAnswers({}, flags.settings)

    def answers(self) -> FleetAnswers:
        self._answers = replace(self._answers, addresses=self._addresses())
        self._find("snmp", self._snmp)
        self._find("xml", self._xml)
        if self._answers.auths:
            return self._answers
        raise WrongAnswerError(
            "Without SNMP and without the status page, there is nothing to read. Give --snmp.passphrase-file, "
            "--snmp.community-file, or --xml.username and --xml.password-file."
        )

    def _addresses(self) -> Mapping[str, str]:
        if self._flags.appliances:
            return read_appliances(" ".join(self._flags.appliances))
        if self._on_terminal:
            return _ask(1, "Addresses of your appliances, with spaces between them", read_appliances)
        raise WrongAnswerError("There is no terminal to ask on: give --appliance ADDRESS.")

    def _find(self, source: str, credentials_from: Callable[[InitFlags], FileSection | None]) -> None:
        """Find credentials that work, or that the person keeps all the same; none if the source is left out."""
        flags = self._flags
        while credentials := credentials_from(flags):
            self._answers = self._answers.with_auth(source, credentials)
            sentences = self._try(source) if self._flags.tried else []
            if not sentences:
                return
            if not self._on_terminal:
                raise ExporterError("\n".join(sentences))
            say("\n".join([*sentences, f"Keys such as {source}.port are also flags of this command: see --help."]))
            then = choose(f"Answer again, keep the answers, or leave {source_title(source)} out?", _AFTER_A_FAULT)
            if then == _KEEP:
                return
            self._answers = self._answers.without_auth(source)
            if then == _LEAVE_OUT:
                return
            flags = _without_credentials(flags)

    def _snmp(self, flags: InitFlags) -> FileSection | None:
        if flags.snmp_community_file:
            return _community(flags.snmp_community_file)
        if flags.snmp_passphrase_file:
            priv = flags.snmp_privacy_passphrase_file
            auth = in_file("passphrase", flags.snmp_passphrase_file)
            return _user(flags, auth, in_file("passphrase", priv) if priv else None)
        if not self._on_terminal:
            return None
        version = _ask(2, "Version of SNMP: 3, 2c or none", _version, default="3")
        if version == _NONE:
            return None
        if version == "2c":
            return _ask(3, "Community (it is not shown)", read_community, hidden=True)
        auth = _ask(3, f"Authentication passphrase of {SNMP_USER} (it is not shown)", read_passphrase, hidden=True)
        return _user(flags, auth, _ask(3, "Privacy passphrase (Enter if there is none)", _optional, hidden=True))

    def _xml(self, flags: InitFlags) -> FileSection | None:
        file = flags.xml_password_file
        username = flags.xml_username
        if not self._on_terminal and not (username and file):
            return None
        username = username or _ask(4, f"User of the status page, or {_NONE}", _username, default="monitor")
        if username == _NONE:
            return None
        if file:
            return _login(username, in_file("password", file))
        return _ask(
            5,
            f"Password of {username} (it is not shown)",
            lambda text: _login(username, {"password": text}),
            hidden=True,
        )

    def _try(self, source: str) -> list[str]:
        """Try a source on all appliances; return a sentence for each fault."""
        results = self._probe(source)
        if source == "xml" and (shown := self._untrusted(results)):
            if not self._may_pin(shown):
                return [*faults(results), *map(_pin_hint, shown.items())]
            self._answers = replace(self._answers, pins=shown)
            results = self._probe(source)
        sentences = list(faults(results))
        if not sentences:
            say(f"{source_title(source)} of {', '.join(results)}: complete.")
        return sentences

    def _probe(self, source: str) -> dict[str, Result]:
        return asyncio.run(probe_all(self._answers.config(source), self._flags.timeout, progress.show))

    def _untrusted(self, results: Mapping[str, Result]) -> dict[str, str]:
        """Return the fingerprint of each certificate that is not trusted, unless a flag says what to trust."""
        if "tls" in self._flags.settings["xml"]:
            return {}
        appliances = self._answers.config("xml").appliances
        failed = (
            name
            for name, result in results.items()
            if any(error.reason == "tls" for reading in result.readings for error in reading.errors)
        )
        shown = {name: asyncio.run(shown_fingerprint(appliances[name], self._flags.timeout)) for name in failed}
        return {name: fingerprint for name, fingerprint in shown.items() if fingerprint}

    def _may_pin(self, shown: Mapping[str, str]) -> bool:
        if self._flags.xml_pin or not self._on_terminal:
            return self._flags.xml_pin
        for name, fingerprint in shown.items():
            say(f"{name} has a certificate that this machine does not trust. Its SHA-256 fingerprint:")
            say(_with_colons(fingerprint))
        return confirm(
            "Compare it with the certificate on the appliance. Is it the same? Then the exporter will pin it."
        )


def _ask(number: int, question: str, read: Callable[[str], Given], *, default: str = "", hidden: bool = False) -> Given:
    """Ask one of the five questions."""
    return ask(f"{number}/5 {question}", read, default=default, hidden=hidden)


def _version(answer: str) -> str:
    if answer not in ("3", "2c", _NONE):
        raise WrongAnswerError("Answer 3, 2c or none. An appliance that speaks version 1 also speaks 2c.")
    return answer


def _optional(answer: str) -> FileSection | None:
    return read_passphrase(answer) if answer else None


def _username(answer: str) -> str:
    return answer if answer == _NONE else str(_login(answer, {"password": "any"})["username"])


def _community(file: Path) -> FileSection:
    return checked("snmp", {"version": "2c", **in_file("community", file)}, f"{file}: the community")


def _user(flags: InitFlags, auth: FileSection, priv: FileSection | None) -> FileSection:
    keys = {"auth": {"protocol": flags.snmp_auth_protocol, **auth}}
    if priv:
        keys["priv"] = {"protocol": flags.snmp_priv_protocol, **priv}
    return checked("snmp", {"version": 3, "username": SNMP_USER, **keys}, "A passphrase of SNMP")


def _login(username: str, password: FileSection) -> FileSection:
    return checked("xml", {"username": username, **password}, "The user or the password of the status page")


def _without_credentials(flags: InitFlags) -> InitFlags:
    """Return the flags without what did not work, so that a person is asked for it."""
    return replace(
        flags,
        snmp_passphrase_file=None,
        snmp_privacy_passphrase_file=None,
        snmp_community_file=None,
        xml_username=None,
        xml_password_file=None,
    )


def _pin_hint(shown: tuple[str, str]) -> str:
    name, fingerprint = shown
    return f"{name} shows the fingerprint {_with_colons(fingerprint)}. If it is the right one, give --xml.pin."


def _with_colons(fingerprint: str) -> str:
    return bytes.fromhex(fingerprint).hex(":").upper()
