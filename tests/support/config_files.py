"""Configuration files that tests read: tables of good and bad ones, the example, and those of the reference."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from exporter.config import Config

_PROJECT: Final = Path(__file__).parents[2]
_TABLES: Final = _PROJECT / "tests/config"

GOOD: Final = sorted(_TABLES.glob("*.good.yml"))
BAD: Final = sorted(_TABLES.glob("*.bad.yml"))
REFERENCE: Final = (_PROJECT / "docs/configuration.md").read_text()
EXAMPLE: Final = _PROJECT / "fleet.example.yml"
EXAMPLES: Final = (EXAMPLE.read_text(), *re.findall(r"^```yaml\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL))

FLEET: Final = (_TABLES / "fleet.good.yml").read_text()
"""Four appliances with different settings, credentials and ways to trust a certificate."""

MINIMAL: Final = "auths: {lab: {snmp: {version: 2c, community: public}}}\nappliances:\n"
"""A file that lacks only its list of appliances, whose auth is lab."""

Load = Callable[[str], Config]


def expected_problems(text: str, file: Path) -> list[str]:
    """Return the sentences that stand in the comments of a bad file, each at its line."""
    return [
        f"{file}:{number}: {sentence.strip().format(folder=file.parent)}"
        for number, line in enumerate(text.splitlines(), 1)
        for sentence in re.split(r"\s#!", line)[1:]
    ]
