"""A change of anything that was read is noticed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter import config
from exporter.config import LoadResult


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
