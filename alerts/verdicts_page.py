"""Write docs/how-a-verdict-is-reached.md from rule templates and thresholds: `python -m alerts.verdicts_page`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import fill
from typing import Final

from exporter.bundle import thresholds
from exporter.bundle.rule_templates import templates
from exporter.explain.conditions import Compared, Condition, Either, Every, Known, Not
from exporter.explain.promql import one_line, parse_call
from exporter.explain.tree import Branch, Tree, tree_of
from exporter.explain.words import figure_words, limit_words, limits, spelled, words
from exporter.incidents.names import incident_name
from exporter.phrases import Phrases
from exporter.prometheus.rule_files import read_rules

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "how-a-verdict-is-reached.md"

_HEAD: Final = """\
# How a verdict is reached

A verdict is an alert that says what is wrong with a pool or a unit, for example "one heavy sender". This page has the
conditions of each verdict on waiting mail: which figure is compared with which threshold, over which window, and why.
[How it works](how-it-works.md#the-way-of-a-verdict) has pictures of the same.

`python -m alerts.verdicts_page` writes this page from the rules in `alerts/templates` and from
`alerts/thresholds.yml`. A test checks that it is up to date.

## See it for your own pool

`explain` prints these conditions with the figures of your pool, now or at a time in the past. It asks your
[Prometheus](connecting.md), which must have loaded the rules of `alerts/rules`.

```console
ironport-exporter explain --prometheus.url http://localhost:9090 --pool inbound
ironport-exporter explain --prometheus.url http://localhost:9090 --at 2026-10-14T09:30:00Z --json
```

The first line is the verdict. Below it come a block for the pool and a block for every unit with a verdict. Every other
unit has a line. This example is shortened: the block of the pool and some lines about mx2 are left out.

```text
Pool inbound (job ironport) at 2026-10-14 09:30:12 UTC: One heavy sender on mx2 (IronPortJabbererSuspected, firing).

mx2
  verdicts:
    One heavy sender (IronPortJabbererSuspected, firing): yes
    Unit slow (IronPortUnitSlow): no, because "slow" does not hold
  conditions:
    backlogged? yes
      work queue (lowest in 2 min): 12,566 messages > 1,167 messages? yes
      wait: 352 s > 60 s? yes
    exit rate / rated: 1.01 >= 0.75? yes: full speed
    pool in trouble? no
      backlogged units: 1 >= 2? no: too few

other units
  mx1  wait: 0 s > 60 s? no
```

- A condition is a figure, its value, an operator and a limit. `yes` or `no` says whether the condition holds, and the
  words after `yes` or `no` say what that means. Indented lines are parts of the condition above them.
- `cannot be told` in place of `yes` or `no` means that a value is missing: the condition may hold or not.
- `unknown` stands for the missing value. A sentence then names the missing series and what it needs. `none` means that
  there is nothing to compare, for example the exit rate of backlogged units while no unit is backlogged.
- `firing` and `pending` are the states of the alert in Prometheus. A pending alert waits for its `for`. After its
  conditions have ended, an alert continues to fire for its `keep_firing_for`.
- `--json` prints every verdict with all its conditions, and their PromQL.

An [incident card](incidents.md) shows the conditions of the verdict when the alert fired.
"""

_ORDER: Final = """\
## The order

The conditions of several verdicts may hold at the same time. The first line of `explain` then names a verdict whose
alert fires already, if there is one. If there are several, it names the first of them in this table. The verdict that
it names may be about one unit. The dashboards use the same order.
"""

_VERDICTS: Final = """\
## The verdicts

Each row of a table is a condition: a figure, and what it must be. The column "over" is the time over which the figure
is measured. The indented rows below "one of these" or "all of these" are its parts.

- "Known" means that Prometheus has a value for the figure.
- `0.75 (service_ratio)` is the value of a threshold and its name.
- "Rated" is the rating of a unit: how much mail it can handle, from fleet.yml or learned from history. A learned
  rating may be too low until the unit has been at its limit.
- "60 s of rated work" are the messages that the unit is rated to handle in 60 seconds.
- A "peer" is another unit of the pool that takes mail.
- "Usual", in messages per second, is at least threshold_usual_floor.
- A unit is "missing" if it has not answered for 3 minutes, or if its arrivals / rated are less than
  threshold_peer_serves_ratio of the mean of the pool.
- The "attack limit" is threshold_attack_ratio times the usual mail. While a unit of the pool is missing, and for 30
  minutes after that, it is threshold_attack_sudden_ratio times the usual mail.

Conditions such as "pool in trouble" or "as much mail as in an attack" have their own tables under
[Conditions with a name](#conditions-with-a-name). The [glossary](glossary.md) explains the other words.
"""

_STATES: Final = """\
## Conditions with a name

The verdicts use these. Each is a series that the rules record, so you can also query it.
"""

_THRESHOLDS: Final = """\
## The thresholds

You can change them in `alerts/thresholds.yml`.
"""

_MARK: Final = "threshold_"
"""Begins the name that stands for a threshold while an expression is read."""

_PLACEHOLDER: Final = re.compile(r"<<(\w+)>>")
_MARKED: Final = re.compile(rf"\b{_MARK}(\w+)( (?:s|messages)\b)?")
_COMMENTED: Final = re.compile(r"((?:^  #.*\n)+)  - (?:alert|record): (\S+)\n", re.MULTILINE)
_SERIES: Final = re.compile(r"[a-z]+:\w+:[\w:]+")
_GROUPS: Final = {True: "all of these:", False: "one of these:"}
"""The row above the parts of a group: whether all of them are needed."""

_OPERATORS: Final = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most", "==": "exactly"}
_OPPOSITES: Final = {">": "at most", ">=": "less than", "<": "at least", "<=": "more than", "==": "not"}
_WINDOW: Final = re.compile(r"\[(\w+)|:(?!last)[a-z_]+(\d+[smhd])$")


def verdicts_page() -> str:
    tree = _tree(templates())
    branches = [branch for branch in tree.branches if branch.of_mail]
    reasons = {name: text for template in templates().values() for name, text in _comments(template)}
    parts = [
        _HEAD,
        f"{_ORDER}\n{_order(branches)}",
        _shown(_VERDICTS),
        *(_section(tree, _title(branch), reasons.get(branch.rule.alert, ""), branch.condition) for branch in branches),
        _STATES,
        *(
            _section(tree, figure_words(name).words.capitalize(), _series_reason(name, reasons), condition)
            for name, condition in _named(tree, branches)
        ),
    ]
    page = "\n".join(parts)
    return f"{page}\n{_THRESHOLDS}\n{_threshold_table(page)}"


def _tree(files: Mapping[str, str]) -> Tree:
    """Return the tree of rule files in which names stand in place of thresholds."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(_PLACEHOLDER.sub(rf"{_MARK}\1", text), encoding="utf-8")
        return tree_of(read_rules(f"{folder}/*.yml"))


def _comments(template: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each rule that has a comment above it, and the comment with the values of thresholds."""
    for comment, name in _COMMENTED.findall(template):
        lines = (line.removeprefix("  #").removeprefix(" ") for line in comment.splitlines())
        text = "\n".join(line for line in lines if not line.startswith("---"))
        yield name, _shown(_PLACEHOLDER.sub(rf"{_MARK}\1", text))


def _named(tree: Tree, branches: Iterable[Branch]) -> Iterator[tuple[str, Condition | None]]:
    """Yield the recorded series that stand for conditions, and these, in the order in which they are used.

    The conditions are None if only the comment of the rule says them.
    """
    waiting, seen = [branch.condition for branch in branches], set[str]()
    while waiting:
        for name in _series_in(tree, waiting.pop(0)):
            if name in seen:
                continue
            seen.add(name)
            if behind := tree.behind(Known(name)):
                waiting.append(behind)
            if behind or name.endswith(":bool"):
                yield name, behind


def _series_in(tree: Tree, condition: Condition) -> Iterator[str]:
    """Yield the recorded series in a condition, and those that they count."""
    for name in _SERIES.findall(str(condition)):
        yield name
        call = parse_call(one_line(tree.recorded[name].expression))
        if call and call.function == "sum":
            yield from _SERIES.findall(call.argument)


def _title(branch: Branch) -> str:
    return f"{incident_name(branch.rule.alert, Phrases('en'))} ({_name(branch)})"


def _name(branch: Branch) -> str:
    return branch.rule.alert.removeprefix("IronPort")


def _order(branches: Iterable[Branch]) -> str:
    rows = (
        f"| {incident_name(branch.rule.alert, Phrases('en'))} "
        f"| [{_name(branch)}](../alerts/runbooks/{branch.rule.alert}.md) | {branch.level} "
        f"| {branch.rule.labels['severity']} | {_seconds(branch.rule.for_seconds)} "
        f"| {_seconds(branch.rule.keep_firing_for_seconds)} |\n"
        for branch in branches
    )
    return _table(("verdict", "alert", "about", "severity", "`for`", "`keep_firing_for`"), rows)


def _seconds(seconds: float) -> str:
    return spelled(f"{seconds:g}s") if seconds else "-"


def _series_reason(name: str, reasons: Mapping[str, str]) -> str:
    return f"{reasons.get(name, '')}\n\nSeries: `{name}`.".strip()


def _section(tree: Tree, title: str, reason: str, condition: Condition | None) -> str:
    text = "\n\n".join(fill(" ".join(part.split()), 118) for part in reason.split("\n\n"))
    rows = (f"| {' | '.join(row)} |\n" for row in _rows(tree, condition)) if condition else ()
    table = _table(("figure", "must be", "over"), rows) if condition else ""
    return "\n\n".join(filter(None, (f"### {title}", text, table))).rstrip("\n") + "\n"


def _table(head: tuple[str, ...], rows: Iterable[str]) -> str:
    return f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n{''.join(rows)}"


def _rows(tree: Tree, condition: Condition, wanted: bool = True, before: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield a row for each condition; those of a group come after a row that says how many of them it takes.

    Of a group that must not hold, the parts are said the other way round: "not all of these" is "one of these not".
    """
    match condition:
        case Not(part):
            yield from _rows(tree, part, not wanted, before)
        case Every(parts) if not before and wanted:
            for part in parts:
                yield from _rows(tree, part)
        case Every(parts) | Either(parts):
            yield f"{before}{_GROUPS[isinstance(condition, Every) == wanted]}", "", ""
            for part in parts:
                yield from _rows(tree, part, wanted, f"{before}&nbsp;&nbsp;&nbsp;")
        case Compared(left):
            yield f"{before}{_shown(words(left))}", _must_be(tree, condition, wanted), _window(left)
        case Known(expression, truth):
            is_flag = truth or tree.behind(condition)
            outcome = ("yes" if wanted else "no") if is_flag else ("known" if wanted else "unknown")
            yield f"{before}{_shown(words(expression))}", outcome, _window(expression)


def _must_be(tree: Tree, condition: Compared, wanted: bool) -> str:
    """Return what the figure must be; what must not hold is said the other way round, and holds without a figure."""
    how = (_OPERATORS if wanted else _OPPOSITES)[condition.operator]
    found = limits(condition.operator, _limit(tree, condition.right))
    texts = [_shown(f"{how} {limit_words(limit, condition.left)}") for limit in found]
    return ", and ".join(texts) if wanted else ", or ".join([*texts, "unknown"])


def _limit(tree: Tree, expression: str) -> str:
    """Return a limit, or the expression of the rule that records it from one threshold."""
    rule = tree.recorded.get(expression)
    return one_line(rule.expression) if rule and rule.expression.count(_MARK) == 1 else expression


def _shown(text: str) -> str:
    """Return the text with the values of its thresholds, their units and their names."""
    values = thresholds.read_thresholds()
    return _MARKED.sub(lambda found: f"{values[found[1]]}{found[2] or ''} (`{found[1]}`)", text).replace("|", r"\|")


def _window(expression: str) -> str:
    """Return the window of a figure: its own one, or the one in the name of its series."""
    found = [first or second for first, second in _WINDOW.findall(expression)]
    return spelled(found[-1]) if found else ""


def _threshold_table(page: str) -> str:
    named, values = set(re.findall(r"`(\w+)`", page)), thresholds.read_thresholds()
    rows = (f"| `{name}` | {values[name]} | {reason} |\n" for name, reason in _threshold_reasons() if name in named)
    return _table(("threshold", "value", "meaning, and when to change it"), rows)


def _threshold_reasons() -> Iterator[tuple[str, str]]:
    """Yield the comment above each threshold; several thresholds under one comment share it."""
    comment = list[str]()
    for line in thresholds.FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("# ") and not line.startswith("# ---"):
            comment.append(line.removeprefix("# "))
        elif name := re.match(r"(\w+):", line):
            yield name[1], " ".join(comment)
        else:
            comment = []


if __name__ == "__main__":
    PAGE.write_text(verdicts_page(), encoding="utf-8")
