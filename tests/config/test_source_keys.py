"""Every source of the registry has its keys in the configuration."""

from __future__ import annotations

import pytest

from exporter.config import Auth, MinInterval
from exporter.config.source_keys import SOURCE_NAMES
from exporter.sources.source import SOURCES


@pytest.mark.parametrize("keys", [Auth.model_fields, SOURCE_NAMES, MinInterval.model_fields])
def test_every_source_of_the_registry_has_its_keys(keys: dict[str, object] | tuple[str, ...]) -> None:
    assert list(keys) == list(SOURCES)
