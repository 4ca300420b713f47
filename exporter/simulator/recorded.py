"""The series that recording rules would have recorded: range queries over a history, level by level.

First come the rules that read samples alone, then those that read what these have recorded, and so on. (promtool has a
command for rules, which makes a block for every rule and two hours, and knows no levels.) A series that ends is there
for five minutes more, because text has no mark for the end of a series.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.errors import RequestError
from exporter.simulator.blocks import query_range
from exporter.simulator.openmetrics import header, labelled
from exporter.simulator.timeline import seconds

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_DEFAULT_INTERVAL: Final = "1m"
"""Prometheus' own default for the time from one evaluation to the next."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is evaluated every `interval` seconds; `record` is "" for an alerting rule."""

    record: str
    expression: str
    labels: Mapping[str, str]
    interval: int

    @property
    def names(self) -> frozenset[str]:
        """Every name in the expression: of metrics, and besides of functions and labels."""
        return frozenset(_NAME.findall(self.expression))


def read(pattern: str) -> list[Rule]:
    """Return the rules of the files that the pattern names, as in prometheus.yml; files without groups have none.

    Raises RequestError where there is no such file, or one that is no rule file.
    """
    files = [Path(name) for name in sorted(glob.glob(pattern))]
    if not files:
        raise RequestError(f"No file is called {pattern}: name rule files as in prometheus.yml, 'rules/*.yml' say.")
    return [rule for file in files for rule in _rules(file)]


def levels(rules: Iterable[Rule]) -> list[list[Rule]]:
    """Return the recording rules in such groups that each reads nothing but samples and what earlier groups record.

    Raises RequestError where rules read each other.
    """
    waiting = sorted((rule for rule in rules if rule.record), key=lambda rule: rule.record)
    result: list[list[Rule]] = []
    while waiting:
        missing = {rule.record for rule in waiting}
        blocked = {rule.record for rule in waiting if rule.names & missing}
        if blocked == missing:
            raise RequestError(f"These rules wait for each other: {', '.join(sorted(missing))}.")
        result.append([rule for rule in waiting if rule.record not in blocked])
        waiting = [rule for rule in waiting if rule.record in blocked]
    return result


def evaluate(url: str, rules: Sequence[Rule], period: range) -> Iterator[str]:
    """Yield the OpenMetrics text of what the rules, those of one name side by side, record in the period.

    No rule is evaluated more often than there are samples. Of rules that record the same series, the first has it.
    """
    for name, same in groupby(rules, lambda rule: rule.record):
        yield header(name, "gauge")
        recorded: dict[str, dict[float, str]] = {}
        for rule in same:
            for series, values in _record(url, rule, period):
                recorded[series] = values | recorded.get(series, {})
        for series, values in recorded.items():
            yield "".join(f"{series} {value} {time}\n" for time, value in sorted(values.items()))


def _record(url: str, rule: Rule, period: range) -> Iterator[tuple[str, dict[float, str]]]:
    """Yield the series that a rule records, with its values by time."""
    interval = max(rule.interval, period.step)
    first = -(-period[0] // interval) * interval
    instants = range(first, period[-1] + 1, interval)
    for series in query_range(url, rule.expression, instants) if instants else ():
        labels = {label: value for label, value in series["metric"].items() if label != "__name__"}
        yield labelled(rule.record, {**labels, **rule.labels}), dict(series["values"])


def _rules(file: Path) -> Iterator[Rule]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        for group in document.get("groups", ()):
            interval = int(seconds(str(group.get("interval", _DEFAULT_INTERVAL)), f"interval in {file}"))
            yield from (_rule(rule, interval) for rule in group["rules"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise RequestError(f"{file} cannot be read as a rule file; promtool check rules {file} tells more.") from error


def _rule(rule: Mapping[str, Any], interval: int) -> Rule:
    return Rule(str(rule.get("record", "")), str(rule["expr"]), dict(rule.get("labels") or {}), interval)
