"""The index says by which source each alert can work, as it follows from the rules and from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from exporter.explain.promql import AND, COMPARISON, OR, PRODUCT, SUM, one_line, operands, parse_call
from exporter.metrics.catalog import FAMILIES, Feed
from exporter.metrics.conversions import UnknownValueError
from exporter.prometheus.rule_files import project_rules, read_rules
from exporter.sources.source import SOURCES
from support.completeness import assert_complete

INDEX: Final = Path(__file__).parents[2] / "alerts" / "README.md"

RULES: Final = read_rules(str(project_rules()))
ALERTS: Final = {
    rule.alert: [each.expression for each in RULES if each.alert == rule.alert] for rule in RULES if rule.alert
}
RECORDED: Final = {
    rule.record: [each.expression for each in RULES if each.record == rule.record] for rule in RULES if rule.record
}
CATALOGUE: Final = {family.name: family for family in FAMILIES}

ALWAYS: Final = ("ALERTS", "up", "ironport_exporter_build_info")
"""Series that do not come from an appliance."""

COLUMN: Final = {
    "none: Prometheus alone": {"snmp", "xml", "rest"},
    "any": {"snmp", "xml", "rest"},
    "the source in the name of the alert": set(),  # one source is not enough
    "SNMP": {"snmp"},
    "SNMP, status page": {"snmp", "xml"},
    "status page": {"xml"},
    "status page, REST": {"xml", "rest"},
    "status page `tophosts`, REST": {"xml", "rest"},
}
"""What the first column of the table means: the sources each of which is enough."""

OVER_HTTPS: Final = {"IronPortCertificateExpiring": {"xml", "rest"}}
"""Alerts that a source cannot raise for a reason that the catalogue does not tell: SNMP has no certificate."""

_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_SELECTOR: Final = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?")
_WINDOW: Final = re.compile(r"\s*\[[^\[\]]*\]$|\s*(offset\s+\w+|@\s*\w+)$")
_CONSTANT: Final = re.compile(r'-?[\d.]+|"[^"]*"')


def can_have_a_value(expression: str, source: str) -> bool:
    """Tell whether an expression can have a value for units that only the source is read of."""
    text = one_line(expression)
    while (outer := one_line(_WINDOW.sub("", text))) != text:
        text = outer
    if len(choices := operands(text, OR)) > 1:
        return any(can_have_a_value(each.text, source) for each in choices)
    for operators in (AND, COMPARISON, SUM, PRODUCT):
        if len(parts := operands(text, operators)) > 1:
            needed = [each.text for each in parts if each.operator != "unless" and each.text]
            return all(can_have_a_value(each, source) for each in needed)
    if call := parse_call(text):
        return all(can_have_a_value(each, source) for each in arguments(call.argument))
    if _CONSTANT.fullmatch(text):
        return True
    selector = _SELECTOR.fullmatch(text)
    assert selector, text
    return _is_there(selector[1], _MATCHER.findall(selector[2] or ""), source)


def arguments(text: str) -> Iterator[str]:
    """Yield the arguments of a call, which commas outside of parentheses and of quotes separate."""
    begin = depth = 0
    for token in re.finditer(r'"(?:\\.|[^"\\])*"|[(\[{]|[)\]}]|,', text):
        depth += (token[0] in "([{") - (token[0] in ")]}")
        if token[0] == "," and not depth:
            yield text[begin : token.start()].strip()
            begin = token.end()
    yield from filter(None, [text[begin:].strip()])


def _is_there(name: str, matchers: list[tuple[str, str, str]], source: str) -> bool:
    if name in ALWAYS:
        return True
    if name in RECORDED:
        return any(can_have_a_value(each, source) for each in RECORDED[name])
    family = CATALOGUE[name]
    feeds = [each for each in family.feeds if each.source in (source, "config", "probe") and source not in each.without]
    return any(
        all(_matches(row, matcher) for matcher in matchers)
        for feed in feeds
        for row in _rows(feed, family.labels, source)
    )


def _rows(feed: Feed, labels: tuple[str, ...], source: str) -> Iterator[dict[str, str]]:
    """Yield the labels of a feed's series whose values are known; those that come from the appliance are not."""
    known = {"source": source} if "source" in labels else {}
    try:
        series = feed.convert(*[1] * len(feed.items)) or {(): 1.0}
    except UnknownValueError:  # it reads texts
        series = {(): 1.0}
    for values in series:
        yield known | dict(zip(reversed(labels), reversed(values), strict=False))


def _matches(row: dict[str, str], matcher: tuple[str, str, str]) -> bool:
    """Tell whether a row can match; a label whose value is not known can."""
    label, operator, value = matcher
    found = re.fullmatch(value, row.get(label, "")) if "~" in operator else row.get(label, "") == value
    return label not in row or bool(found) == (operator[0] == "=")


def listed() -> dict[str, str]:
    """Return what the index says in the first column of the row of each alert."""
    needs = INDEX.read_text().split("## What each alert needs")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \|[^|]*\| ([^|]+) \|$", needs, re.MULTILINE)
    named = ((f"IronPort{name}", source) for source, row in rows for name in re.findall(r"[A-Z][A-Za-z]+[a-z]", row))
    return {name: source for name, source in named if name in ALERTS}


def test_the_index_has_the_needs_of_every_alert() -> None:
    assert_complete(listed(), ALERTS, 'the table "What each alert needs" in alerts/README.md')


@pytest.mark.parametrize("alert", ALERTS)
def test_the_index_says_which_source_is_enough(alert: str) -> None:
    enough = {each for each in SOURCES if all(can_have_a_value(rule, each) for rule in ALERTS[alert])}
    assert COLUMN[listed()[alert]] == OVER_HTTPS.get(alert, enough)


@pytest.mark.parametrize(
    ("expression", "sources"),
    [
        ("ironport_fan_speed_rpm == 0", {"snmp"}),
        ("ironport_work_queue_messages unless ironport_fan_speed_rpm", {"snmp", "xml", "rest"}),
        ("ironport_swap_utilization_ratio or ironport_uptime_seconds", {"xml", "rest"}),
        ('sum(last_over_time(ironport_delivery_queue_recipients{state="active"}[5m] offset 1h)) > 3', {"rest"}),
        ('max_over_time(ironport_source_up{source!="snmp"}[5m])', {"xml", "rest"}),
        ("clamp_min(rate(ironport_injection_connections_total[3m]), 0.1) * vector(2)", {"xml"}),
    ],
)
def test_an_expression_tells_the_sources_that_it_can_work_with(expression: str, sources: set[str]) -> None:
    assert {each for each in SOURCES if can_have_a_value(expression, each)} == sources
