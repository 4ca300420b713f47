from __future__ import annotations

import json
import re
from pathlib import Path

from exporter.lab.history.families import ALL_FAMILIES, families_in_use, families_of_rules
from exporter.prometheus.rule_files import Rule, read_rules

DASHBOARDS = Path(__file__).parents[3] / "dashboards" / "json"


def test_every_family_of_a_dashboard_is_written() -> None:
    """The names are read here from the queries alone, so that a text that names a metric proves nothing."""
    queries = [query for file in DASHBOARDS.glob("*.json") for query in strings(json.loads(file.read_text()), "expr")]
    read = {name for query in queries for name in re.findall(r"\w+", query)} & ALL_FAMILIES
    assert len(read) > 30
    assert read <= families_in_use() < ALL_FAMILIES


def strings(node: object, key: str) -> list[str]:
    if isinstance(node, list):
        return [text for child in node for text in strings(child, key)]
    if isinstance(node, dict):
        own = [str(node[key])] if key in node else []
        return own + [text for child in node.values() for text in strings(child, key)]
    return []


def test_every_family_of_a_rule_is_written() -> None:
    read = families_of_rules(read_rules(str(DASHBOARDS.parents[1] / "alerts" / "rules" / "*.yml")))
    assert "ironport_rated_messages_per_second" in read
    assert read <= families_in_use()


def test_rules_name_the_families_that_they_read() -> None:
    rule = Rule("a:b", "rate(ironport_messages_injected_total[5m]) + other_total", {}, 60)
    assert families_of_rules([rule]) == {"ironport_messages_injected_total"}
