"""Only small regular files are read, and a change of anything that was read is noticed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter import config
from exporter.config import LoadResult
from support.config_files import MINIMAL, Load


@pytest.fixture
def result(folder: Path) -> LoadResult:
    """Load a folder of files that reads a secret and a CA file."""
    (folder / "fleet").mkdir()
    (folder / "fleet/a.yml").write_text(
        "auths: {ops: {xml: {username: monitor, password_file: ../secrets/password}}}\n"
        "appliances: [{name: mx1, address: mx1, auth: ops, xml: {tls: {ca_file: ../ca.pem}}}]\n"
    )
    result = config.try_load(folder / "fleet")
    assert result.config
    assert not result.files.changed()
    return result


CHANGES: dict[str, Callable[[Path], object]] = {
    "the file": lambda folder: (folder / "fleet/a.yml").write_text("auths: {}\n"),
    "a new file": lambda folder: (folder / "fleet/b.yml").write_text("auths: {}\n"),
    "no file": lambda folder: (folder / "fleet/a.yml").unlink(),
    "the secret": lambda folder: (folder / "secrets/password").write_text("another"),
    "the CA file": lambda folder: (folder / "ca.pem").write_text("another"),
    "only the time": lambda folder: os.utime(folder / "ca.pem", (0, 0)),
    "a replaced file": lambda folder: os.replace(folder / "fleet-ca.pem", folder / "ca.pem"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(change: str, result: LoadResult, folder: Path) -> None:
    CHANGES[change](folder)
    assert result.files.changed()


def test_a_file_that_was_missing_is_noticed(folder: Path) -> None:
    file = folder / "fleet.yml"
    file.write_text("auths: {ops: {snmp: {version: 2c, community_file: later}}}\n")
    result = config.try_load(file)
    assert (result.config, result.files.changed()) == (None, False)
    (folder / "later").write_text("public")
    assert result.files.changed()


ODD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "Not a regular file"),
    "a device": (lambda file: file.symlink_to("/dev/zero"), "Not a regular file"),
    "a folder": (os.mkdir, "Is a directory"),
    "a huge file": (lambda file: file.write_bytes(b"#" * 10_000_001), r"More than [\d,]+ bytes"),
    "a circle of links": (lambda file: file.symlink_to(file), "Too many levels of symbolic links"),
}

PLACES = {
    "password_file": "{xml: {username: u, password_file: odd}}",
    "community_file": "{snmp: {version: 2c, community_file: odd}}",
    "passphrase_file": "{snmp: {version: 3, username: u, auth: {protocol: SHA, passphrase_file: odd}}}",
}


@pytest.mark.parametrize("kind", ODD_FILES)
def test_only_small_regular_files_are_read(kind: str, folder: Path, refusal: Callable[[str], list[str]]) -> None:
    make, reason = ODD_FILES[kind]
    make(folder / "odd")
    for key, auth in PLACES.items():
        (problem,) = refusal(f"auths: {{lab: {auth}}}\nappliances: [{{name: mx1, address: mx1, auth: lab}}]")
        assert re.search(rf"{key} names a file that cannot be read \({reason}\): ", problem)
    (problem,) = refusal(f"{MINIMAL}- {{name: mx1, address: mx1, auth: lab, xml: {{tls: {{ca_file: odd}}}}}}")
    assert re.search(rf"ca_file names a file that cannot be read \({reason}\): ", problem)


@pytest.mark.parametrize("kind", sorted(set(ODD_FILES) - {"a folder"}))
def test_the_configuration_is_a_small_regular_file(kind: str, folder: Path) -> None:
    make, reason = ODD_FILES[kind]
    make(folder / "fleet.yml")
    (problem,) = config.try_load(folder / "fleet.yml").problems
    assert re.fullmatch(rf"{folder}/fleet\.yml: the file cannot be read \({reason}\): .*\.", problem)


def test_links_lead_to_regular_files(folder: Path, load: Load) -> None:
    """As Kubernetes mounts secrets."""
    (folder / "..data").symlink_to("secrets")
    (folder / "password").symlink_to("..data/password")
    mx1 = load(
        "auths: {lab: {xml: {username: u, password_file: password}}}\n"
        "appliances: [{name: mx1, address: mx1, auth: lab}]"
    ).appliances["mx1"]
    assert mx1.credentials.xml
    assert mx1.credentials.xml.password.get_secret_value() == "monitor password"


def test_certificates_may_have_comments_in_any_language(folder: Path, load: Load) -> None:
    pem = (folder / "ca.pem").read_bytes()
    (folder / "ca.pem").write_bytes("# Főtanúsítvány\n".encode() + pem)
    assert load(f"{MINIMAL}- {{name: mx1, address: mx1, auth: lab, xml: {{tls: {{ca_file: ca.pem}}}}}}")
