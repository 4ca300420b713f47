"""Read thresholds.yml, and fill texts that name a threshold as `<<name>>`: rule templates and dashboards' expressions.

The rules contain plain numbers and no recorded constants: where the data of two servers are merged, a constant has two
series, `scalar()` of it is NaN, and the alert would never fire.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from exporter.project_files import project_folder

FILE: Final = (project_folder("alerts") or Path("alerts")) / "thresholds.yml"

_PLACEHOLDER: Final = re.compile(r"<<(.*?)>>")


class TemplateError(ValueError):
    """A text names a threshold or fragment that does not exist, or a threshold is used by no rule."""


@cache
def read_thresholds(file: Path = FILE) -> dict[str, str | float]:
    """Return the thresholds and links by name."""
    thresholds: dict[str, str | float] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return thresholds


def limit(name: str) -> float:
    """Return one threshold as a number; raises TemplateError for a name that thresholds.yml does not have."""
    return float(_value(name))


def names(text: str) -> set[str]:
    """Return the names of the thresholds that the text uses."""
    return set(_PLACEHOLDER.findall(text))


def fill(text: str, more: Mapping[str, str] | None = None) -> str:
    """Replace every `<<name>>` by its threshold, or by what `more` has for it.

    Raises TemplateError for a name that neither has.
    """
    own = more or {}
    return _PLACEHOLDER.sub(lambda match: own[match[1]] if match[1] in own else str(_value(match[1])), text)


def _value(name: str) -> str | float:
    try:
        return read_thresholds()[name]
    except KeyError:
        raise TemplateError(f"<<{name}>> is not in {FILE.name}: add it there, or correct the name.") from None
