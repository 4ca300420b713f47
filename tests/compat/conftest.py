"""The servers that the tests of this folder run against, each with the same samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.compatible import SERVERS, serving, write_samples
from support.processes import program


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the database that each server has."""
    program("promtool")
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture(scope="session", params=SERVERS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of a server."""
    return str(request.param)


@pytest.fixture(scope="session")
def url(kind: str, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server and return its URL."""
    with serving(kind, samples, tmp_path_factory.mktemp("server")) as address:
        yield address
