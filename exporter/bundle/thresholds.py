"""Read thresholds.yml, and fill texts that name a threshold as `<<name>>`: rule templates and dashboards' expressions.

The rules contain plain numbers and no recorded constants: where the data of two servers are merged, a constant has two
series, `scalar()` of it is NaN, and the alert would never fire.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Final

import yaml

from exporter.config.files import read_regular
from exporter.config.yaml_loader import load_yaml
from exporter.errors import RequestError, suggestion
from exporter.project_files import project_folder

FILE: Final = (project_folder("alerts") or Path("alerts")) / "thresholds.yml"

_MAX_BYTES: Final = 1_000_000
"""Size of the largest file of thresholds."""

_PLACEHOLDER: Final = re.compile(r"<<(.*?)>>")


class TemplateError(ValueError):
    """A text names a threshold or fragment that does not exist, or a threshold is used by no rule."""


@cache
def read_thresholds(file: Path = FILE) -> dict[str, str | float]:
    """Return the thresholds and links by name."""
    thresholds: dict[str, str | float] = load_yaml(file.read_text(encoding="utf-8"))
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


def read_own_thresholds(file: Path) -> dict[str, str]:
    """Return the thresholds and links of an operator's file, which has only those that differ from thresholds.yml.

    Raises RequestError for a file that cannot be read, and for a name or a value that the rules cannot use.
    """
    try:
        own = yaml.safe_load(read_regular(file, _MAX_BYTES))
    except OSError as error:
        raise RequestError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, yaml.YAMLError, RecursionError):
        raise RequestError(f"{file} is not YAML. Write one threshold on each line, such as queue_floor: 100.") from None
    if not isinstance(own, dict):
        raise RequestError(f"{file} has no thresholds. Write one on each line, such as queue_floor: 100.")
    return {str(name): _own_value(file, str(name), value) for name, value in own.items()}


def _own_value(file: Path, name: str, value: object) -> str:
    known = read_thresholds()
    if name not in known:
        raise RequestError(f"{file}: the rules have no threshold {name}.{suggestion(name, known)}")
    if isinstance(known[name], str):
        if isinstance(value, str) and value:
            return value
        raise RequestError(f"{file}: {name} must be a text such as {known[name]}.")
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return str(value)
    raise RequestError(f"{file}: {name} must be a number such as {known[name]}.")
