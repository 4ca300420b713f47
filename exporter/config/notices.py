"""What works but puts credentials at risk, each with its place and what to do about it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from exporter.config.checks import FleetPart, Found
from exporter.config.http import HttpSettings
from exporter.config.models import Appliance
from exporter.config.problems import Problem
from exporter.config.snmp import CommunityAuth, SnmpCredentials, UserAuth
from exporter.config.source_keys import SOURCE_NAMES
from exporter.config.yaml_file import KeyPath

_CREDENTIALS: Final[Mapping[KeyPath, tuple[Callable[[SnmpCredentials], object], str]]] = {
    ("snmp", "version"): (
        lambda snmp: isinstance(snmp, CommunityAuth),
        "is 2c, which sends the community unencrypted, and whoever sees it can poll the appliance: use 3 if you can",
    ),
    ("snmp", "auth", "protocol"): (
        lambda snmp: isinstance(snmp, UserAuth) and snmp.auth and snmp.auth.protocol == "MD5",
        "is MD5, which is too weak today: use SHA or newer, if the appliance has it",
    ),
    ("snmp", "priv", "protocol"): (
        lambda snmp: isinstance(snmp, UserAuth) and snmp.priv and snmp.priv.protocol == "DES",
        "is DES, whose keys can be found by trying: use AES, if the appliance has it",
    ),
}
"""By its place in an auth, what is risky about it."""

_SETTINGS: Final[Mapping[KeyPath, tuple[Callable[[HttpSettings], object], str]]] = {
    ("scheme",): (
        lambda http: http.scheme == "http",
        "is http, which sends the user and the password unencrypted: use https",
    ),
    ("tls", "verify"): (
        lambda http: http.scheme == "https" and not http.tls.verify,
        "is false, so anyone between exporter and appliance can read the password: use ca_file or fingerprint_sha256",
    ),
}
"""By its place in the settings of a source over HTTP, what is risky if the appliance has a password."""

_SECRET_KEYS: Final = frozenset({"community", "passphrase", "password"})


def notices(parts: Sequence[FleetPart], appliances: Mapping[str, Appliance], template: Appliance | None) -> list[str]:
    """Return a sentence for each risk."""
    found = [*_weak_credentials(parts), *_risky_settings(parts, appliances, template), *_readable_secrets(parts)]
    return list(dict.fromkeys(part.explainer.sentence(problem) for part, problem in found))


def _weak_credentials(parts: Sequence[FleetPart]) -> Iterator[Found]:
    for part in parts:
        for name, auth in part.parsed.auths.items():
            for place, (is_risky, text) in _CREDENTIALS.items():
                if auth.snmp and is_risky(auth.snmp):
                    yield part, Problem(("auths", name, *place), text)


def _risky_settings(
    parts: Sequence[FleetPart], appliances: Mapping[str, Appliance], template: Appliance | None
) -> Iterator[Found]:
    """Yield the place that decides: at the appliance, or in the defaults."""
    usual = [(part, ("defaults",)) for part in parts if "defaults" in part.data]
    for part in parts:
        for own, entry in part.entries():
            appliance = appliances.get(str(entry.get("name")), template)
            for source, settings in _polled_over_http(appliance):
                for place, (is_risky, text) in _SETTINGS.items():
                    if is_risky(settings):
                        yield _deciding([(part, own), *usual], (source, *place), text)


def _polled_over_http(appliance: Appliance | None) -> Iterator[tuple[str, HttpSettings]]:
    """Yield the sources of an appliance that get a password over HTTP, with their settings."""
    for source in SOURCE_NAMES:
        settings = getattr(appliance, source, None)
        if appliance and isinstance(settings, HttpSettings) and getattr(appliance.credentials, source):
            yield source, settings


def _deciding(places: Iterable[tuple[FleetPart, KeyPath]], place: KeyPath, text: str) -> Found:
    return next((part, Problem((*around, *place), text)) for part, around in places if part.file.has((*around, *place)))


def _readable_secrets(parts: Sequence[FleetPart]) -> Iterator[Found]:
    """Yield the files with secrets that everyone on this machine can read."""
    for part in parts:
        for key_path in part.file.lines:
            key, value = str(key_path[-1]), part.file.value(key_path)
            if key_path[0] != "auths" or not isinstance(value, str):
                continue
            if key.removesuffix("_file") in _SECRET_KEYS - {key} and everyone_reads(part.folder / value):
                yield part, Problem(key_path, "names a file that everyone on this machine can read: chmod o-r it")
            if key in _SECRET_KEYS and everyone_reads(part.file.path):
                text = "is in a file that everyone on this machine can read: chmod o-r it, or use a file of its own"
                yield part, Problem(key_path, f"{text} ({key}_file)")


def everyone_reads(path: Path) -> bool:
    """Return whether every user of this machine can read a file."""
    file = path.resolve()
    try:
        return bool(file.stat().st_mode & stat.S_IROTH) and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in file.parents
        )
    except OSError:
        return False
