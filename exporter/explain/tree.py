"""The decision tree: the verdicts in their order, each with its conditions, as the rule files have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.errors import ExporterError
from exporter.explain.conditions import Condition, Known, comparisons, parse_condition
from exporter.explain.words import figure_words
from exporter.incidents.incidents import INCIDENT_VERDICTS, AlertLevel
from exporter.prometheus.rule_files import Rule, project_rules, read_rules

MAIL_GROUP: Final = "ironport-mailflow"
"""The group of rules that decides about mail that waits. Its conditions are always shown."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A verdict and what must be so for it."""

    rank: int
    """0 is the most telling."""
    level: AlertLevel
    rule: Rule
    condition: Condition

    @property
    def of_mail(self) -> bool:
        return self.rule.group == MAIL_GROUP


@dataclass(frozen=True, slots=True)
class Tree:
    branches: tuple[Branch, ...]
    """The most telling verdict first: the first one whose conditions hold is the verdict."""
    recorded: Mapping[str, Rule]
    """The rules that record a series, by its name; of several, the first."""

    def recorded_by(self, group: str) -> list[str]:
        """Return the series that a group of rules records."""
        return [name for name, rule in self.recorded.items() if rule.group == group]

    def behind(self, condition: Condition) -> Condition | None:
        """Return the conditions that a recorded series stands for; None if it is a figure."""
        if not isinstance(condition, Known) or not figure_words(condition.expression).conditions:
            return None
        rule = self.recorded.get(condition.expression)
        found = parse_condition(rule.expression) if rule else None
        return found if found and any(comparisons(found)) else None


def read_tree() -> Tree:
    """Return the tree of the project's rules; raises ExporterError where they are not installed."""
    pattern = project_rules()
    if pattern is None:
        raise ExporterError("The rule files are missing in this installation: install ironport-exporter again.")
    return tree_of(read_rules(pattern))


def tree_of(rules: Sequence[Rule]) -> Tree:
    return Tree(tuple(_branches(rules)), {rule.record: rule for rule in reversed(rules) if rule.record})


def _branches(rules: Sequence[Rule]) -> list[Branch]:
    return [
        Branch(rank, level, rule, parse_condition(rule.expression))
        for rank, (level, names) in enumerate(INCIDENT_VERDICTS)
        for name in names
        for rule in rules
        if rule.alert == f"IronPort{name}" and _level(rule) == level
    ]


def _level(rule: Rule) -> AlertLevel:
    """Return what an alert is about: one about a unit names the unit in its description."""
    return "unit" if "$labels.instance" in rule.annotations.get("description", "") else "pool"
