"""What watches the simulated fleet: the exporter, and Prometheus and Alertmanager where they are installed."""

from __future__ import annotations

import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.lab.demo import programs
from exporter.lab.history.sampling import JOB
from exporter.project_files import project_folder
from exporter.prometheus import rule_files

SCRAPE_INTERVAL: Final = 30
"""Seconds between two scrapes, and between two evaluations of the rules."""

_ALERTMANAGER: Final = ("alertmanager", "prometheus-alertmanager")  # the latter is Debian's name


def has_prometheus() -> bool:
    """Return whether Prometheus is installed, and promtool, which writes its history."""
    return all(map(shutil.which, ("prometheus", "promtool")))


def data_folder(folder: Path) -> Path:
    """Return the place of Prometheus' database in the folder of the demo."""
    return folder / "data"


async def start_exporter(parts: AsyncExitStack, fleet_file: Path) -> str:
    """Start the exporter on the fleet and return its address; it ends with `parts`."""
    address = programs.free_address()
    command = [sys.executable, "-m", "exporter", "serve"]
    flags = ["--config.file", str(fleet_file), "--web.listen-address", address]
    await parts.enter_async_context(programs.running("exporter", [*command, *flags], address, fleet_file.parent))
    return address


async def start_alertmanager(parts: AsyncExitStack, folder: Path) -> str | None:
    """Start Alertmanager and return its address, or None where it or the project's alerts are not installed."""
    path = next(filter(None, map(shutil.which, _ALERTMANAGER)), None)
    alerts = project_folder("alerts")
    if path is None or alerts is None:
        return None
    address, file = programs.free_address(), folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(_without_receivers(alerts / "alertmanager.yml"), sort_keys=False))
    flags = [
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    await parts.enter_async_context(programs.running("alertmanager", [path, *flags], address, folder))
    return address


def _without_receivers(file: Path) -> dict[str, Any]:
    """Return the project's configuration of Alertmanager, with receivers that send nothing.

    The receivers of the file are examples: nobody listens at their addresses, and Alertmanager would log every try.
    """
    config: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {**config, "receivers": [{"name": receiver["name"]} for receiver in config["receivers"]]}


async def start_prometheus(parts: AsyncExitStack, folder: Path, exporter: str, alertmanager: str | None) -> str | None:
    """Start Prometheus on the database of `data_folder` and return its address, or None where it is not installed."""
    if not has_prometheus():
        return None
    address, file = programs.free_address(), folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(_prometheus_config(exporter, alertmanager), sort_keys=False))
    flags = [
        f"--config.file={file}",
        f"--storage.tsdb.path={data_folder(folder)}",
        f"--web.listen-address={address}",
        # The blocks of the history overlap, because samples and recorded series have blocks of their own. Prometheus
        # merges them, and warns of each until it has.
        "--log.level=error",
    ]
    await parts.enter_async_context(programs.running("prometheus", ["prometheus", *flags], address, folder))
    return address


def _prometheus_config(exporter: str, alertmanager: str | None) -> dict[str, Any]:
    rules = rule_files.project_rules()
    interval = f"{SCRAPE_INTERVAL}s"
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [rules] if rules else [],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []},
        "scrape_configs": [
            {"job_name": JOB, "http_sd_configs": [{"url": f"http://{exporter}/sd"}]},
            {"job_name": f"{JOB}-exporter", "static_configs": [{"targets": [exporter]}]},
        ],
    }
