"""The project's own files as they stand in a bundle: rules, runbooks, pages and dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any, Final

from exporter.bundle import rule_templates, thresholds
from exporter.bundle.line_colours import coloured
from exporter.bundle.options import BundleOptions
from exporter.errors import ExporterError
from exporter.project_files import project_folder

_RULES_HEAD: Final = """\
# From alerts/templates/{name} of ironport-exporter, written by `ironport-exporter bundle`, which replaces this file.
# To change a number, give the command your own --thresholds.file. Prometheus 2.42 and newer loads this file unchanged.
"""
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")

_INPUT: Final = "DS_PROMETHEUS"
"""The name under which Grafana asks for the data source at import."""


def rules(options: BundleOptions) -> dict[str, str]:
    """Return the rule files by name."""
    return rule_templates.rule_files(_RULES_HEAD, options.values, options.labels)


def alertmanager_configuration() -> str:
    """Return alertmanager.yml, with its comments."""
    return _read(_folder("alerts") / "alertmanager.yml")


def threshold_file(options: BundleOptions) -> str:
    """Return thresholds.yml with the values of the bundle, and the comments that explain each."""
    text = _read(thresholds.FILE)
    for name, value in options.values.items():
        text = re.sub(rf"^{name}: .*$", lambda _, line=f"{name}: {value}": line, text, flags=re.MULTILINE)  # type: ignore[misc]
    return text


def dashboards(options: BundleOptions) -> dict[str, str]:
    """Return the dashboards by file name."""
    files = sorted((_folder("dashboards") / "json").glob("*.json"))
    return {file.name: _dashboard(_read(file), options) for file in files}


def pages() -> dict[str, str]:
    """Return the runbooks and the documentation by path; a link to what a bundle does not have becomes plain text."""
    found = dict(_markdown())
    return {path: _with_links_to(found, path, text) for path, text in found.items()}


def _markdown() -> Iterator[tuple[str, str]]:
    for name in ("alerts", "docs"):
        folder = _folder(name)
        for file in sorted(folder.rglob("*.md")):
            yield str(PurePosixPath(name, *file.relative_to(folder).parts)), _read(file)


def _with_links_to(known: Container[str], page: str, text: str) -> str:
    def link_or_text(link: re.Match[str]) -> str:
        file = link[2].partition("#")[0]
        leads_somewhere = not file or "://" in file or normpath(PurePosixPath(page).parent / file) in known
        return link[0] if leads_somewhere else link[1]

    return _LINK.sub(link_or_text, text)


def _dashboard(text: str, options: BundleOptions) -> str:
    default = str(thresholds.read_thresholds()["runbooks"])
    dashboard: dict[str, Any] = json.loads(text.replace(default, json.dumps(options.values["runbooks"])[1:-1]))
    _select_data_source(dashboard, options)
    shown = coloured(dashboard, options.fleet) if options.fleet else dashboard
    return json.dumps(shown, indent=2, sort_keys=True) + "\n"


def _select_data_source(dashboard: dict[str, Any], options: BundleOptions) -> None:
    (variable,) = (each for each in dashboard["templating"]["list"] if each["type"] == "datasource")
    if options.inputs:
        variable["current"] = {"text": f"${{{_INPUT}}}", "value": f"${{{_INPUT}}}"}
        dashboard["__inputs"] = [
            {"name": _INPUT, "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}
        ]
    elif options.data_source:
        variable["current"] = {"text": options.data_source, "value": options.data_source}


def _folder(name: str) -> Path:
    folder = project_folder(name)
    if folder is None:
        raise ExporterError(f"The installed package lacks the folder {name}. Install ironport-exporter again.")
    return folder


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
