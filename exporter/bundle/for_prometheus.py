"""A bundle for a Prometheus and a Grafana that read files."""

from __future__ import annotations

from exporter.bundle import project
from exporter.bundle.options import BundleOptions
from exporter.bundle.rule_templates import yaml_string


def prometheus_files(options: BundleOptions) -> dict[str, str]:
    """Return the files by path."""
    return {
        "prometheus.yml": _prometheus(options),
        "grafana/provisioning/dashboards/ironport.yml": _dashboards(options),
        "grafana/provisioning/datasources/ironport.yml": _data_sources(options),
        "alerts/alertmanager.yml": project.alertmanager_configuration(),
        **{f"alerts/rules/{name}": text for name, text in project.rules(options).items()},
        **{f"dashboards/{name}": text for name, text in project.dashboards(options).items()},
    }


def _prometheus(options: BundleOptions) -> str:
    return f"""\
# For prometheus.yml: copy these parts into yours, or use the file as it is.
# Check it with `promtool check config prometheus.yml`.

global:
  scrape_interval: 1m
  evaluation_interval: 1m

rule_files:
  - {yaml_string(str(options.folder / "alerts" / "rules" / "*.yml"))}

alerting:
  alertmanagers:
    - static_configs:
        - targets: [{yaml_string(options.alertmanager)}]

scrape_configs:
  # The fleet: the exporter tells Prometheus its targets and their labels. It needs no relabelling.
  - job_name: {yaml_string(options.job)}
    http_sd_configs:
      - url: {yaml_string(f"{options.exporter}/sd")}
  # The exporter itself.
  - job_name: {yaml_string(f"{options.job}-exporter")}
    scheme: {options.exporter.scheme}
    metrics_path: {yaml_string(f"{options.exporter.prefix}/metrics")}
    static_configs:
      - targets: [{yaml_string(options.exporter.target)}]
"""


def _dashboards(options: BundleOptions) -> str:
    return f"""\
# For Grafana's folder provisioning/dashboards: Grafana reads the dashboards from the folder `path`.
apiVersion: 1
providers:
  - name: ironport
    folder: IronPort
    folderUid: ironport
    type: file
    disableDeletion: true
    allowUiUpdates: false
    updateIntervalSeconds: 60
    options:
      path: {yaml_string(str(options.folder / "dashboards"))}
"""


def _data_sources(options: BundleOptions) -> str:
    return f"""\
# For Grafana's folder provisioning/datasources: the Prometheus that scrapes the exporter. You need this only if Grafana
# has no Prometheus yet: in the dashboards you can select any, under "Data source".
apiVersion: 1
datasources:
  - name: {yaml_string(options.data_source or "Prometheus")}
    type: prometheus
    access: proxy
    url: {yaml_string(options.prometheus)}
    isDefault: true
    jsonData:
      httpMethod: POST
      timeInterval: 1m # the scrape interval of Prometheus, which is the shortest step of a graph
"""
