"""Rule files of Prometheus: what they record and what they alert on, and which rules read what others record."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import yaml

from exporter.errors import RequestError
from exporter.prometheus import durations

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_DEFAULT_INTERVAL: Final = "1m"
"""Prometheus' own default for the time from one evaluation to the next."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the group `group`, evaluated every `interval` seconds: `record` or `alert` is its name, the other "".

    `hold` and `keep` are the seconds of `for` and `keep_firing_for`.
    """

    record: str
    expression: str
    labels: Mapping[str, str]
    interval: int
    group: str = ""
    alert: str = ""
    hold: float = 0.0
    keep: float = 0.0
    names: frozenset[str] = field(init=False)
    """Every name in the expression: of metrics, and besides of functions and labels."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(_NAME.findall(self.expression)))

    @property
    def offset(self) -> int:
        """Seconds from a multiple of the interval to the evaluations: each group has its own, as in Prometheus."""
        return crc32(self.group.encode()) % self.interval


def project() -> Path | None:
    """Return the folder with the project's rules: in a checkout, or where an installation has put them."""
    package = Path(__file__).parents[1]
    return next((folder for folder in (package / "alerts", package.parent / "alerts") if folder.is_dir()), None)


def own() -> str | None:
    """Return the pattern of the project's rule files, if there are any."""
    alerts = project()
    return str(alerts / "rules" / "*.yml") if alerts and any((alerts / "rules").glob("*.yml")) else None


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


def _rules(file: Path) -> Iterator[Rule]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        for group in document.get("groups", ()):
            interval = int(durations.seconds(str(group.get("interval", _DEFAULT_INTERVAL))))
            yield from (_rule(rule, str(group["name"]), interval) for rule in group["rules"])
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise RequestError(f"{file} cannot be read as a rule file; promtool check rules {file} tells more.") from error


def _rule(rule: Mapping[str, Any], group: str, interval: int) -> Rule:
    hold, keep = (durations.seconds(str(rule.get(name, "0s"))) for name in ("for", "keep_firing_for"))
    return Rule(
        record=str(rule.get("record", "")),
        expression=str(rule["expr"]),
        labels={name: str(value) for name, value in (rule.get("labels") or {}).items()},
        interval=interval,
        group=group,
        alert=str(rule.get("alert", "")),
        hold=hold,
        keep=keep,
    )
