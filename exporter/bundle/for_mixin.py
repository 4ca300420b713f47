"""A bundle as a jsonnet mixin: `prometheusAlerts`, `prometheusRules` and `grafanaDashboards`, as mixtool reads them."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.bundle import project
from exporter.bundle.options import BundleOptions


def mixin_files(options: BundleOptions) -> dict[str, str]:
    """Return the files by path."""
    rules, dashboards = project.rules(options), project.dashboards(options)
    return {
        "mixin.libsonnet": _mixin(rules, dashboards),
        **{f"rules/{name}": text for name, text in rules.items()},
        **{f"dashboards/{name}": text for name, text in dashboards.items()},
    }


def _mixin(rules: Iterable[str], dashboards: Iterable[str]) -> str:
    rule_lines = "".join(f"  std.parseYaml(importstr 'rules/{name}'),\n" for name in rules)
    dashboard_lines = "".join(f"    '{name}': import 'dashboards/{name}',\n" for name in dashboards)
    return f"""\
// A mixin for jsonnet 0.18 and newer. Its files are replaced by `ironport-exporter bundle --for mixin`.
// A group that has alerts also keeps the series that it records, because Prometheus evaluates a group in order.
local files = [
{rule_lines}];
local groups = std.flattenArrays([file.groups for file in files]);
local hasAlerts(group) = std.length([rule for rule in group.rules if 'alert' in rule]) > 0;
{{
  prometheusAlerts+:: {{
    groups+: [group for group in groups if hasAlerts(group)],
  }},
  prometheusRules+:: {{
    groups+: [group for group in groups if !hasAlerts(group)],
  }},
  grafanaDashboards+:: {{
{dashboard_lines}  }},
}}
"""
