"""Commands that read from a server give the same JSON on every server."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from exporter.cli import main
from support.compatible import FLEET_END

AT = datetime.fromtimestamp(FLEET_END, UTC).isoformat()

DECIMALS = 6
"""Servers differ in more decimals, because they add in another order."""


def rounded(content: object) -> object:
    match content:
        case dict():
            return {name: rounded(value) for name, value in content.items()}
        case list():
            return [rounded(value) for value in content]
        case float():
            return round(content, DECIMALS)
    return content


CAPACITY = {
    "now": [],
    "after a loss": ["--lose", "ring1", "--growth", "20%"],
}


@pytest.mark.parametrize("changes", CAPACITY)
def test_capacity_is_the_same(changes: str, fleet_urls: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for kind, url in fleet_urls.items():
        assert main(["capacity", "--prometheus.url", url, "--at", AT, "--json", *CAPACITY[changes]]) == 0
        found[kind] = rounded(json.loads(capsys.readouterr().out))
    assert found == dict.fromkeys(found, found["prometheus"])
    assert "demand" in str(found["prometheus"])
