"""Rule files from the templates of alerts/templates.

Three things are added to a template: the fragments of fragments.yml, the links of every alert, and the thresholds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import indent
from typing import Final

import yaml

from exporter.bundle import thresholds
from exporter.bundle.thresholds import TemplateError, fill
from exporter.config.values import DISCOVERY_LABELS
from exporter.config.yaml_loader import load_yaml
from exporter.errors import UsageError

ALERTS: Final = thresholds.FILE.parent
"""The folder with the templates, the fragments and the thresholds."""

ALERT_DASHBOARDS: Final = {
    # group of rules: (dashboard of an alert about a unit, dashboard of an alert about a pool)
    "ironport-attacks": ("unit", "triage"),
    "ironport-availability": ("unit", "pool"),
    "ironport-capacity": ("capacity", "capacity"),
    "ironport-delivery": ("unit", "delivery"),
    "ironport-hardware": ("hardware", "hardware"),
    "ironport-mailflow": ("unit", "triage"),
    "ironport-monitoring": ("monitoring", "monitoring"),
    "ironport-queue": ("unit", "pool"),
    "ironport-upkeep": ("hardware", "hardware"),
}
OTHER_ALERT_DASHBOARDS: Final = {"IronPortBounceStorm": "delivery", "IronPortNoMailArriving": "pool"}
"""Alerts that another dashboard explains better than that of their group."""

_LABELS_IN_USE: Final = DISCOVERY_LABELS | {"alertname", "severity"}

_FRAGMENT: Final = re.compile(r"^( *)<<(\w+)\((.+)\)>>$", re.MULTILINE)
_GROUP: Final = re.compile(r"^- name: (.+)$", re.MULTILINE)
_ALERT: Final = re.compile(r"^  - alert: (.+)$", re.MULTILINE)
_LABELS: Final = re.compile(r"^    labels: \{(.+)\}$", re.MULTILINE)


def rule_files(head: str, values: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each rule file by name.

    Every text begins with `head`, in which {name} is the name of the file. `values` replace thresholds and links, and
    every alert gets `labels`. Raises TemplateError for what is unknown or not used.
    """
    whole = {name: with_links(text) for name, text in templates().items()}
    refuse_unused(thresholds.read_thresholds(), whole.values())
    return {
        name: head.format(name=name) + _filled(name, with_labels(text, labels), values) for name, text in whole.items()
    }


def templates() -> dict[str, str]:
    """Return the templates by file name, with their fragments."""
    files = sorted((ALERTS / "templates").glob("*.yml"))
    return {path.name: with_fragments(path.read_text(encoding="utf-8")) for path in files}


def with_fragments(template: str) -> str:
    """Replace each line `<<name(arguments)>>` by the fragment; raises TemplateError for a name without a fragment."""
    fragments: dict[str, str] = load_yaml((ALERTS / "fragments.yml").read_text(encoding="utf-8"))

    def fragment(line: re.Match[str]) -> str:
        space, name, arguments = line.groups()
        if name not in fragments:
            raise TemplateError(f"<<{name}(...)>> is not in fragments.yml: add it there, or correct the name.")
        text = fragments[name].rstrip()
        for number, argument in enumerate(arguments.split(", "), 1):
            text = text.replace(f"<<{number}>>", argument)
        return indent(text, space)

    return _FRAGMENT.sub(fragment, template)


def with_links(template: str) -> str:
    """Add the links to the runbook and the dashboard at the end of each alert, a block between empty lines."""
    group, blocks = "", []
    for block in template.rstrip("\n").split("\n\n"):
        named = _GROUP.search(block)
        group = named[1] if named else group
        alert = _ALERT.search(block)
        blocks.append(block + _links(group, alert[1], block) if alert else block)
    return "\n\n".join(blocks) + "\n"


def _links(group: str, alert: str, block: str) -> str:
    place = next((label for label in ("instance", "pool", "job") if f"$labels.{label} " in block), None)
    if group not in ALERT_DASHBOARDS:
        raise TemplateError(f"ALERT_DASHBOARDS in {Path(__file__).name} has no row for the group {group}: add one.")
    of_unit, of_pool = ALERT_DASHBOARDS[group]
    dashboard = OTHER_ALERT_DASHBOARDS.get(alert, of_unit if place == "instance" else of_pool)
    variables = "&".join(f"var-{label}={{{{ $labels.{label} }}}}" for label in dict.fromkeys(("job", place)) if place)
    return (
        f"\n      runbook_url: <<runbooks>>/{alert}.md"
        f"\n      dashboard_url: <<grafana>>/d/ironport-{dashboard}{variables and '?'}{variables}"
    )


def with_labels(template: str, labels: Mapping[str, str]) -> str:
    """Add labels to each alert, not to recorded series. Raises UsageError for a label that the rules use themselves."""
    if taken := sorted(labels.keys() & _LABELS_IN_USE):
        raise UsageError(f"The alerts have their own {', '.join(taken)}. Choose another name for the label.")
    more = "".join(f", {name}: {yaml_string(value)}" for name, value in labels.items())

    def with_more(block: str) -> str:
        return _LABELS.sub(lambda line: f"    labels: {{{line[1]}{more}}}", block) if _ALERT.search(block) else block

    return "\n\n".join(map(with_more, template.split("\n\n")))


def yaml_string(text: str) -> str:
    """Return a text as a YAML string in double quotes."""
    return str(yaml.safe_dump(text, default_style='"', width=10_000, allow_unicode=True)).rstrip("\n")


def refuse_unused(known: Mapping[str, object], texts: Iterable[str]) -> None:
    """Raise TemplateError for thresholds that no text names."""
    used = set().union(*map(thresholds.names, texts))
    if unused := sorted(known.keys() - used):
        raise TemplateError(f"thresholds.yml has {', '.join(unused)}, which no rule uses: remove it.")


def _filled(name: str, text: str, values: Mapping[str, str]) -> str:
    try:
        return fill(text, values)
    except TemplateError as error:
        raise TemplateError(f"alerts/templates/{name}: {error}") from None
