"""Rule files of Prometheus: their recording and alerting rules, and which rule reads what another records."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import yaml

from exporter.config.files import read_regular
from exporter.config.yaml_loader import load_yaml
from exporter.errors import RequestError
from exporter.project_files import project_folder
from exporter.prometheus.durations import parse_duration

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_WINDOW: Final = re.compile(r"\[((?:\d+(?:ms|[smhdwy]))+)[]:]")
_OFFSET: Final = re.compile(r"\boffset ([0-9a-z]+)")
_DEFAULT_INTERVAL: Final = "1m"
"""The time between evaluations that Prometheus uses where a group sets none."""


_MAX_BYTES: Final = 10_000_000
"""Size of the largest rule file; the project's have less than a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A recording rule or an alerting rule."""

    record: str
    """Name of the series that the rule records; empty for an alerting rule."""
    expression: str
    labels: Mapping[str, str]
    """Labels that the rule sets."""
    interval: int
    """Seconds between evaluations; its group has it."""
    group: str = ""
    """Name of the group."""
    alert: str = ""
    """Name of the alert; empty for a recording rule."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Texts of the alert, as templates."""
    for_seconds: float = 0.0
    """Seconds that the expression must hold before the alert fires."""
    keep_firing_for_seconds: float = 0.0
    """Seconds that the alert goes on after the expression no longer holds."""
    names: frozenset[str] = field(init=False)
    """Every name in the expression: metrics, and also functions and labels."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(_NAME.findall(self.expression)))

    @property
    def lookback(self) -> float:
        """Seconds before its evaluation from which on samples matter to it, at most."""
        furthest = (max(map(parse_duration, one.findall(self.expression)), default=0.0) for one in (_WINDOW, _OFFSET))
        return sum(furthest) + self.for_seconds + self.keep_firing_for_seconds

    @property
    def offset(self) -> int:
        """Seconds between a multiple of the interval and the evaluation: each group has its own, as in Prometheus."""
        return crc32(self.group.encode()) % self.interval


def project_rules() -> str | None:
    """Return the pattern of the project's rule files, or None where they are not installed."""
    alerts = project_folder("alerts")
    return str(alerts / "rules" / "*.yml") if alerts and any((alerts / "rules").glob("*.yml")) else None


def read_rules(pattern: str) -> list[Rule]:
    """Return the rules of all files that match the pattern, which is written as in prometheus.yml.

    A YAML file without groups has no rules. Raises RequestError if no file matches or a file is not a rule file.
    """
    return [rule for file in _matching(pattern) for rule in _rules(file)]


def read_groups(pattern: str) -> list[dict[str, Any]]:
    """Return the groups of all files that match the pattern as plain YAML values; raises what read_rules raises."""
    return [group for file in _matching(pattern) for group in _groups(file)]


def levels(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Return the recording rules in levels: each level reads only samples and what earlier levels record.

    Raises RequestError if rules read each other in a circle.
    """
    waiting = sorted((rule for rule in rules if rule.record), key=lambda rule: rule.record)
    result: list[list[Rule]] = []
    while waiting:
        missing = {rule.record for rule in waiting}
        blocked = {rule.record for rule in waiting if rule.names & missing}
        if blocked == missing:
            raise RequestError(f"These rules read each other in a circle: {', '.join(sorted(missing))}.")
        result.append([rule for rule in waiting if rule.record not in blocked])
        waiting = [rule for rule in waiting if rule.record in blocked]
    return result


def read_by_alerts(rules: Sequence[Rule]) -> list[Rule]:
    """Return the alerting rules, and the recording rules that they read, themselves or through what others record."""
    found = [rule for rule in rules if rule.alert]
    while more := [rule for rule in rules if rule not in found and any(rule.record in each.names for each in found)]:
        found += more
    return [rule for rule in rules if rule in found]


def depending_on(rules: Sequence[Rule], series: str) -> list[Rule]:
    """Return the rules that read a series, themselves or through what other rules record."""
    read, found = {series}, list[Rule]()
    while more := [rule for rule in rules if rule not in found and rule.names & read]:
        found += more
        read |= {rule.record for rule in more if rule.record}
    return found


def lookbacks(rules: Sequence[Rule]) -> dict[str, float]:
    """Return how many seconds before an evaluation a series matters at most, by each name that the rules read.

    What a rule records matters as long before as those look back that read it. Raises what `levels` raises.
    """
    result: dict[str, float] = {}
    readers_first = [rule for level in reversed(levels(rules)) for rule in level]
    for rule in [*(rule for rule in rules if rule.alert), *readers_first]:
        furthest = result.get(rule.record, 0.0) + rule.lookback
        result.update({name: max(furthest, result.get(name, 0.0)) for name in rule.names})
    return result


def _matching(pattern: str) -> list[Path]:
    files = [Path(name) for name in sorted(glob.glob(pattern))]
    if not files:
        raise RequestError(
            f"No file matches {pattern}. Name rule files as in prometheus.yml, for example 'rules/*.yml'."
        )
    return files


def _groups(file: Path) -> list[dict[str, Any]]:
    with _refusing(file):
        return list(_yaml(file).get("groups", ()))


def _yaml(file: Path) -> Any:
    return load_yaml(read_regular(file, _MAX_BYTES))


def _rules(file: Path) -> list[Rule]:
    with _refusing(file):
        return [rule for group in _groups(file) for rule in _of_group(group)]


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RequestError(f"{file} cannot be read ({error.strerror}). Name rule files.") from error
    except (ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise RequestError(
            f"{file} cannot be read as a rule file. `promtool check rules {file}` shows what is wrong."
        ) from error


def _of_group(group: Mapping[str, Any]) -> list[Rule]:
    interval = int(parse_duration(str(group.get("interval", _DEFAULT_INTERVAL))))
    return [_rule(rule, str(group["name"]), interval) for rule in group["rules"]]


def _rule(rule: Mapping[str, Any], group: str, interval: int) -> Rule:
    return Rule(
        record=str(rule.get("record", "")),
        expression=str(rule["expr"]),
        labels=_texts(rule.get("labels")),
        interval=interval,
        group=group,
        alert=str(rule.get("alert", "")),
        annotations=_texts(rule.get("annotations")),
        for_seconds=parse_duration(str(rule.get("for", "0s"))),
        keep_firing_for_seconds=parse_duration(str(rule.get("keep_firing_for", "0s"))),
    )


def _texts(values: Mapping[str, object] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (values or {}).items()}
