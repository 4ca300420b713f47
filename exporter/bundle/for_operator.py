"""A bundle for the Prometheus Operator and a Grafana whose sidecar reads ConfigMaps.

The kinds are PrometheusRule (monitoring.coreos.com/v1), ScrapeConfig and AlertmanagerConfig (v1alpha1). For an operator
that is too old for ScrapeConfig, Probe (v1) replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from textwrap import indent
from typing import Any, Final

import yaml

from exporter.bundle import project
from exporter.bundle.options import BundleOptions
from exporter.web import discovery

_INTERVAL: Final = "1m"
_MATCHER: Final = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')

_ALERTMANAGER_HEAD: Final = """\
# The routes and inhibitions of alerts/alertmanager.yml, whose comments explain them, as an AlertmanagerConfig.
# <- Replace the receivers. The operator adds a matcher for the namespace of this object to every route and inhibition.
# Alerts of several namespaces need `alertmanagerConfigMatcherStrategy: {type: None}` in the Alertmanager object.
"""


def operator_files(options: BundleOptions) -> dict[str, str]:
    """Return the files by path."""
    return {
        **{f"rules-{name}": _rule(name, text, options) for name, text in project.rules(options).items()},
        **{f"dashboard-{_stem(name)}.yml": _dashboard(name, text, options) for name, text in _dashboards(options)},
        "scrape.yml": "---\n".join(map(_object, (_probes if options.probes else _scrape_configs)(options))),
        "alertmanager.yml": _ALERTMANAGER_HEAD + _object(_alertmanager(options)),
    }


def _dashboards(options: BundleOptions) -> Iterable[tuple[str, str]]:
    return project.dashboards(options).items()


def _rule(name: str, text: str, options: BundleOptions) -> str:
    head = _head("monitoring.coreos.com/v1", "PrometheusRule", f"ironport-{_stem(name)}", options)
    return f"{_object(head)}spec:\n{indent(text, '  ')}"


def _dashboard(name: str, text: str, options: BundleOptions) -> str:
    head = _head("v1", "ConfigMap", _stem(name), options, {"grafana_dashboard": "1"})
    return f"{_object(head)}data:\n  {name}: |\n{indent(text, '    ')}"


def _scrape_configs(options: BundleOptions) -> list[dict[str, Any]]:
    fleet = {
        **_head("monitoring.coreos.com/v1alpha1", "ScrapeConfig", "ironport", options),
        "spec": {
            "jobName": options.job,
            "scrapeInterval": _INTERVAL,
            "httpSDConfigs": [{"url": f"{options.exporter}/sd"}],
        },
    }
    exporter = {
        **_head("monitoring.coreos.com/v1alpha1", "ScrapeConfig", "ironport-exporter", options),
        "spec": {
            "jobName": f"{options.job}-exporter",
            "scheme": options.exporter.scheme.upper(),
            "metricsPath": f"{options.exporter.prefix}/metrics",
            "staticConfigs": [{"targets": [options.exporter.target]}],
        },
    }
    return [fleet, exporter]


def _probes(options: BundleOptions) -> list[dict[str, Any]]:
    """Return a Probe for each group of units with equal labels, and one for the exporter itself."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for unit in options.fleet:
        shared = tuple((name, value) for name, value in discovery.series_labels(unit).items() if name != "instance")
        groups.setdefault(shared, []).append(unit.name)
    units = [
        _probe(f"ironport-{number}", options.job, "/probe", {"static": names, "labels": dict(shared)}, options)
        for number, (shared, names) in enumerate(groups.items(), 1)
    ]
    itself = {"static": [options.exporter.target]}
    return [*units, _probe("ironport-exporter", f"{options.job}-exporter", "/metrics", itself, options)]


def _probe(name: str, job: str, path: str, targets: Mapping[str, Any], options: BundleOptions) -> dict[str, Any]:
    url = options.exporter
    return {
        **_head("monitoring.coreos.com/v1", "Probe", name, options),
        "spec": {
            "jobName": job,
            "interval": _INTERVAL,
            "prober": {"url": url.target, "scheme": url.scheme, "path": f"{url.prefix}{path}"},
            "targets": {"staticConfig": targets},
        },
    }


def _alertmanager(options: BundleOptions) -> dict[str, Any]:
    configuration = yaml.safe_load(project.alertmanager_configuration())
    return {
        **_head("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig", "ironport", options),
        "spec": {
            "route": _route(configuration["route"]),
            "inhibitRules": [_inhibition(rule) for rule in configuration["inhibit_rules"]],
            "receivers": [_camel_case(receiver) for receiver in configuration["receivers"]],
        },
    }


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in route.items() if name not in ("matchers", "routes")}
    named: dict[str, Any] = _camel_case(plain)
    matchers = {"matchers": _matchers(route["matchers"])} if "matchers" in route else {}
    routes = {"routes": [_route(each) for each in route["routes"]]} if "routes" in route else {}
    return named | matchers | routes


def _inhibition(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sourceMatch": _matchers(rule["source_matchers"]),
        "targetMatch": _matchers(rule["target_matchers"]),
        "equal": rule["equal"],
    }


def _matchers(matchers: Iterable[str]) -> list[dict[str, str]]:
    return [
        dict(zip(("name", "matchType", "value"), parts.groups(), strict=True))
        for parts in map(_MATCHER.fullmatch, matchers)
        if parts
    ]


def _camel_case(value: Any) -> Any:
    """Return the value with the names of its keys as Kubernetes writes them: group_by becomes groupBy."""
    if isinstance(value, Mapping):
        return {re.sub(r"_(\w)", lambda name: name[1].upper(), key): _camel_case(each) for key, each in value.items()}
    return [_camel_case(each) for each in value] if isinstance(value, list) else value


def _head(
    version: str, kind: str, name: str, options: BundleOptions, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    named = {"name": name, "namespace": options.namespace}
    every_label = {"app.kubernetes.io/name": "ironport-exporter", **(labels or {}), **options.object_labels}
    return {"apiVersion": version, "kind": kind, "metadata": {**named, "labels": every_label}}


def _object(content: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))


def _stem(name: str) -> str:
    return PurePath(name).stem
