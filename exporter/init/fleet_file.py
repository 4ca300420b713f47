"""fleet.yml with its comments, and the files of its secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.init.answers import AUTH_NAME, FileSection, FleetAnswers

SECRETS_FOLDER: Final = "secrets"

_SECRETS: Final = {
    ("snmp", "auth", "passphrase"): "snmp_auth",
    ("snmp", "priv", "passphrase"): "snmp_priv",
    ("snmp", "community"): "snmp_community",
    ("xml", "password"): "xml_password",
}
"""The name of the file of each secret, by its place in an auth."""

_HEAD: Final = """\
# The fleet of ironport-exporter, as `ironport-exporter init` wrote it. docs/configuration.md explains every key.
# After a change, run:
#
#   ironport-exporter check --live

auths:
  {auth}:
"""
_ABOUT: Final = {
    "snmp": "# SNMP. AsyncOS refuses v1 and v2c by default, and its SNMPv3 user is v3get (see snmpconfig).",
    "xml": "# The user of the status page. The role of a read-only operator is enough.",
}
_REST: Final = """\
    # The REST interface (AsyncOS API) of AsyncOS 12 and newer, which has the state of every destination of mail:
    # rest: {username: monitor, password_file: secrets/rest_password}

"""
_APPLIANCES: Final = """\

# The rules compare the units of a pool with each other. Give each appliance:
#
#   site: east                        its data centre
#   pool: inbound                     the units that share the mail behind one load balancer
#   traffic: inbound                  what the pool carries: inbound, outbound or mixed
#   role: spare                       if it stands by
#   rated_messages_per_hour: 140000   how much it can handle; leave it out if you do not know
#   connection_limit: 300             how many connections its listeners accept; leave it out if you do not know
appliances:
"""


def secret_files(folder: Path) -> list[Path]:
    """Return the files that may get a secret, if fleet.yml is in this folder."""
    return [folder / SECRETS_FOLDER / name for name in _SECRETS.values()]


def write_fleet(answers: FleetAnswers, file: Path) -> list[Path]:
    """Write fleet.yml, and each secret that is not in a file yet to a file with the mode 0600; return these files.

    Files that exist are replaced.
    """
    secrets = {
        file.parent / SECRETS_FOLDER / _SECRETS[place]: text
        for source, auth in answers.auths.items()
        for place, text in _typed_secrets((source,), auth)
    }
    if secrets:
        (file.parent / SECRETS_FOLDER).mkdir(mode=0o700, exist_ok=True)
    for path, text in secrets.items():
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(f"{text}\n")
    file.write_text(fleet_text(answers), encoding="utf-8")
    return list(secrets)


def fleet_text(answers: FleetAnswers) -> str:
    """Return fleet.yml, without any secret."""
    lines = [_HEAD.format(auth=AUTH_NAME)]
    for source, auth in answers.auths.items():
        lines += [f"    {_ABOUT[source]}\n", _indented({source: _named((source,), auth)}, 4)]
    settings = {name: answers.settings[name] for name in answers.auths if answers.settings[name]}
    lines += [_REST, _indented({"defaults": {"auth": AUTH_NAME, **settings}}, 0), _APPLIANCES]
    for name, address in answers.addresses.items():
        own = {"xml": pinned} if (pinned := answers.pinned(name)) else {}
        lines.append(_indented([{"name": name, "address": address, **own}], 2))
    return "".join(lines)


def _typed_secrets(place: tuple[str, ...], section: FileSection) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each secret that is a value, with its place."""
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _typed_secrets((*place, key), value)
        elif (*place, key) in _SECRETS:
            yield (*place, key), value


def _named(place: tuple[str, ...], section: FileSection) -> dict[str, Any]:
    """Return a section in which each secret is in a file."""
    named = dict[str, Any]()
    for key, value in section.items():
        if isinstance(value, Mapping):
            named[key] = _named((*place, key), value)
        elif name := _SECRETS.get((*place, key)):
            named[f"{key}_file"] = f"{SECRETS_FOLDER}/{name}"
        else:
            named[key] = value
    return named


def _indented(data: object, spaces: int) -> str:
    text = str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000))
    return "".join(f"{' ' * spaces}{line}" for line in text.splitlines(keepends=True))
