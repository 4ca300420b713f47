"""A Prometheus with a month of several fleets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.lab.history import blocks
from support.built_once import built_once
from support.october import write_october
from support.processes import program


@pytest.fixture(scope="session")
def october_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for name in ("prometheus", "promtool"):
        program(name)
    with blocks.served(built_once(tmp_path_factory, "october", write_october)) as url:
        yield url
