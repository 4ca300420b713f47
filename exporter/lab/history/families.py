"""Which metric families a simulated history holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from exporter.metrics.catalog import FAMILIES
from exporter.project_files import project_folder
from exporter.prometheus.rule_files import Rule, project_rules, read_rules

ALL_FAMILIES: Final = frozenset(family.name for family in FAMILIES)

_METRIC: Final = re.compile(r"\bironport_\w+")


def families_of_rules(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the names of the catalogue's families that the rules read."""
    return frozenset(name for rule in rules for name in rule.names) & ALL_FAMILIES


def families_in_use() -> frozenset[str]:
    """Return the names of the catalogue's families that the project's rules or dashboards read."""
    pattern = project_rules()
    return families_of_dashboards() | families_of_rules(read_rules(pattern) if pattern else ())


def families_of_dashboards() -> frozenset[str]:
    """Return the names of the catalogue's families that the project's dashboards read."""
    dashboards = project_folder("dashboards")
    files = (dashboards / "json").glob("*.json") if dashboards else ()
    return frozenset(name for file in files for name in _METRIC.findall(file.read_text("utf-8"))) & ALL_FAMILIES
