"""A folder with the secrets and certificates that the tables and examples name, and files loaded from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import trustme

from exporter import config
from support.config_files import Load

_SECRETS: Final = {
    "password": b"monitor password\n",
    "xml_password": b"monitor password\n",
    "rest_password": b"monitor password\n",
    "passphrase": b"authentication passphrase\n",
    "snmp_auth": b"authentication passphrase\n",
    "snmp_priv": b"privacy passphrase\n",
    "short": b"seven77\n",
    "latin1": b"gepr\xfcft!",
}


@pytest.fixture
def folder(tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the secrets and certificates that the tables and examples name."""
    (tmp_path / "secrets").mkdir()
    for name, secret in _SECRETS.items():
        (tmp_path / "secrets" / name).write_bytes(secret)
    for name in ("ca.pem", "fleet-ca.pem"):
        authority.cert_pem.write_to_path(str(tmp_path / name))
    for name in ("FLEET_PASSPHRASE", "FLEET_COMMUNITY", "FLEET_PASSWORD"):
        monkeypatch.setenv(name, "from the environment")
    monkeypatch.setenv("FLEET_EMPTY", "")
    monkeypatch.delenv("FLEET_ABSENT", raising=False)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Load:
    """Return a function that loads a text as the fleet file of that folder."""

    def load(text: str) -> config.Config:
        path = folder / "fleet.yml"
        path.write_text(text)
        return config.load(path)

    return load


@pytest.fixture
def refusal(folder: Path) -> Callable[[str], list[str]]:
    """Return a function that gives the problems of a text, each without the path of its file."""

    def refusal(text: str) -> list[str]:
        path = folder / "fleet.yml"
        path.write_text(text)
        return [problem.removeprefix(f"{path}:") for problem in config.try_load(path).problems]

    return refusal
