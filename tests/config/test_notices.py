"""What puts credentials at risk is told with its place; the configuration is used all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exporter import config
from support.config_files import Load

RISKY = """
auths:
  weak:
    snmp:
      version: 3
      username: v3get
      auth: {protocol: MD5, passphrase_file: secrets/passphrase}  #! auths.weak.snmp.auth.protocol is MD5
      priv: {protocol: DES, passphrase_file: secrets/passphrase}  #! auths.weak.snmp.priv.protocol is DES
    xml: {username: monitor, password_file: secrets/password}
    rest: {username: monitor, password_file: secrets/password}
  community: {snmp: {version: 2c, community_file: secrets/password}}  #! auths.community.snmp.version is 2c
defaults:
  auth: weak
  xml: {scheme: http}  #! defaults.xml.scheme is http
  rest: {tls: {verify: false}}  #! defaults.rest.tls.verify is false
appliances:
  - {name: mx1, address: mx1}
  - {name: mx2, address: mx2}
  - {name: mx3, address: mx3, xml: {scheme: https}}
  - {name: mx4, address: m, xml: {scheme: https, tls: {verify: false}}}  #! appliances[3] (mx4).xml.tls.verify is false
  - {name: mx5, address: mx5, auth: community}
"""

SAFE = """
auths:
  ops:
    snmp:
      version: 3
      username: v3get
      auth: {protocol: SHA, passphrase_file: secrets/passphrase}
      priv: {protocol: AES, passphrase_file: secrets/passphrase}
    xml: {username: monitor, password_file: secrets/password}
  nothing: {snmp: {version: 3, username: v3get}}
appliances:
  - {name: mx1, address: mx1, auth: ops}
  - {name: mx2, address: mx2, auth: nothing, xml: {scheme: http}}
"""


def test_each_risk_is_told_once(load: Load, folder: Path) -> None:
    expected = [
        f"{folder}/fleet.yml:{number}: {line.partition('#! ')[2]}"
        for number, line in enumerate(RISKY.splitlines(), 1)
        if "#!" in line
    ]
    found = load(RISKY).notices
    assert len(found) == len(expected)
    assert all(any(notice.startswith(words) for notice in found) for words in expected)
    assert all(": use " in notice for notice in found)


def test_what_is_safe_has_no_notice(load: Load) -> None:
    assert load(SAFE).notices == ()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that everyone can enter, with a secret that only its owner can read."""
    with TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "password").write_text("hunter2")
        (folder / "password").chmod(0o600)
        yield folder


def test_a_secret_that_everyone_reads_is_told(open_folder: Path) -> None:
    file = open_folder / "fleet.yml"
    text = "auths: {ops: {xml: {username: u, password_file: password}}}\nappliances: [{name: a, address: a, auth: ops}]"
    file.write_text(text)
    assert config.load(file).notices == ()
    (open_folder / "password").chmod(0o604)
    assert config.load(file).notices == (
        f"{file}:1: auths.ops.xml.password_file names a file that everyone on this machine can read: chmod o-r it.",
    )
    open_folder.chmod(0o700)
    assert config.load(file).notices == ()


def test_a_fleet_with_secrets_that_everyone_reads_is_told(open_folder: Path) -> None:
    file = open_folder / "fleet.yml"
    file.write_text("auths: {ops: {xml: {username: u, password: a}}}\nappliances: [{name: a, address: a, auth: ops}]")
    file.chmod(0o644)
    assert config.load(file).notices == (
        f"{file}:1: auths.ops.xml.password is in a file that everyone on this machine can read: chmod o-r it, or use a "
        "file of its own (password_file).",
    )
    file.chmod(0o640)
    assert config.load(file).notices == ()
