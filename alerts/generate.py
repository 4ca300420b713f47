"""Write alerts/rules/*.yml: the rules of alerts/source/ with every `<<name>>` replaced from alerts/thresholds.yml.

The rules carry plain numbers rather than recorded constants: `scalar()` of a constant that two servers have recorded is
NaN where their data meet, and the alert would be silent.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

HERE: Final = Path(__file__).resolve().parent
THRESHOLDS: Final = HERE / "thresholds.yml"
HEADER: Final = """\
# Generated. Change thresholds in alerts/thresholds.yml and rules in alerts/source/{name}, then run
# `python alerts/generate.py`. Loads as it is into Prometheus 2.42 and newer.
"""

_PLACE: Final = re.compile(r"<<(.*?)>>")

Thresholds = Mapping[str, object]


class ThresholdError(Exception):
    """A threshold that stands in a rule and not in the file, or in the file and in no rule."""


def generated(thresholds: Thresholds, sources: Mapping[str, str]) -> dict[str, str]:
    """Return the rule files by name; raises ThresholdError for thresholds that are unknown or that no rule uses."""
    used = {match for text in sources.values() for match in _PLACE.findall(text)}
    if unused := sorted(thresholds.keys() - used):
        raise ThresholdError(f"{THRESHOLDS.name} has {', '.join(unused)}, which no rule uses: remove it.")
    return {name: HEADER.format(name=name) + _filled(name, text, thresholds) for name, text in sources.items()}


def read() -> tuple[Thresholds, dict[str, str]]:
    """Return the thresholds, and the sources by file name."""
    sources = sorted((HERE / "source").glob("*.yml"))
    return yaml.safe_load(THRESHOLDS.read_text()), {path.name: path.read_text() for path in sources}


def _filled(name: str, text: str, thresholds: Thresholds) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in thresholds:
            raise ThresholdError(f"source/{name} asks for {match[0]}, which is not in {THRESHOLDS.name}: add it there.")
        return str(thresholds[match[1]])

    return _PLACE.sub(value, text)


def main() -> None:
    """Write the rule files."""
    for name, text in generated(*read()).items():
        (HERE / "rules" / name).write_text(text)


if __name__ == "__main__":
    try:
        main()
    except ThresholdError as error:
        sys.exit(str(error))
