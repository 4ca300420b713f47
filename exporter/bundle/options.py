"""What an operator can choose about a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exporter.bundle import thresholds
from exporter.config import ApplianceEntry
from exporter.web.discovery import BaseUrl

_LINKS: Final = ("runbooks", "grafana")
"""The names in thresholds.yml that are URLs."""


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """The choices; the defaults are those of a first try on one machine."""

    folder: Path
    """The absolute path of the bundle, which its files name."""
    exporter: BaseUrl
    """The URL under which Prometheus reaches the exporter."""
    alertmanager: str = "localhost:9093"
    """HOST:PORT of Alertmanager, as Prometheus reaches it."""
    prometheus: str = "http://localhost:9090"
    """The URL under which Grafana reaches Prometheus."""
    job: str = "ironport"
    """The job of the fleet. The job of the exporter itself ends with `-exporter`."""
    thresholds: Mapping[str, str] = field(default_factory=dict)
    """Thresholds that differ from thresholds.yml."""
    runbooks: str | None = None
    """The URL of the folder with the runbooks. None: that of the thresholds, or the files of the bundle."""
    grafana: str | None = None
    """The URL of Grafana. None: that of the thresholds, or a Grafana on the same machine."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that every alert gets."""
    data_source: str | None = None
    """The name of the data source that dashboards open with. None: Grafana's default."""
    fleet: Sequence[ApplianceEntry] = ()
    """The units that have a colour of their own in the dashboards. Empty: those of the demo."""
    inputs: bool = False
    """Whether Grafana asks for the data source when somebody imports a dashboard."""
    namespace: str = "monitoring"
    """The namespace of the objects in Kubernetes."""
    object_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the objects in Kubernetes, by which the operator selects them."""
    probes: bool = False
    """Whether the operator gets Probe objects for the units, because it is too old for ScrapeConfig."""

    @property
    def values(self) -> dict[str, str]:
        """The thresholds that differ, and both links."""
        links = {"runbooks": (self.folder / "alerts" / "runbooks").as_uri(), "grafana": "http://localhost:3000"}
        given = dict(zip(_LINKS, (self.runbooks, self.grafana), strict=True))
        return links | dict(self.thresholds) | {name: url.rstrip("/") for name, url in given.items() if url}

    @property
    def drawn_elsewhere(self) -> list[str]:
        """The numbers that differ; the limits in dashboards stay at the values of thresholds.yml."""
        known = thresholds.read_thresholds()
        return [name for name, value in self.thresholds.items() if value != str(known[name]) and name not in _LINKS]
