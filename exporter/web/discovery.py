"""Prometheus service discovery: one target group per appliance, with everything that a scrape of it needs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, Self, TypedDict

from exporter import DEFAULT_PORT
from exporter.config import Appliance, ApplianceEntry, Config
from exporter.errors import RequestError

_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?"
    r"(?P<prefix>(?:/[\w.~-]+)*)/?",
    re.ASCII,
)
_SCHEME_PORTS: Final = {"http": 80, "https": 443}


class TargetGroup(TypedDict):
    """A target group as Prometheus' file and HTTP service discovery read it."""

    targets: list[str]
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """The URL under which Prometheus reaches the exporter."""

    scheme: str
    target: str
    """Host and port, as in `exporter.example.edu:10125`."""
    prefix: str = ""
    """The path before the paths of the exporter, without a slash at its end."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read http://host[:port][/prefix]. Raises ValueError for anything else."""
        parts = _URL.fullmatch(text)
        port = int(parts["port"] or _SCHEME_PORTS[parts["scheme"]]) if parts else 0
        if parts is None or not 0 < port < 65536:
            raise ValueError(
                f"{text!r} is not a URL like http://exporter.example.edu:{DEFAULT_PORT} or https://host/prefix."
            )
        return cls(parts["scheme"], f"{parts['host']}:{port}", parts["prefix"])

    @classmethod
    def from_host(cls, scheme: str, host: str) -> Self:
        """Read the Host header of a request. Raises RequestError if it is missing or malformed."""
        try:
            if "/" in host:
                raise ValueError("A Host header has no path.")
            return cls.parse(f"{scheme}://{host}")
        except ValueError as error:
            raise RequestError(
                "The Host header must have the host and port under which you reach the exporter."
                " If a proxy changes it, start the exporter with --web.external-url."
            ) from error

    def __str__(self) -> str:
        return f"{self.scheme}://{self.target}{self.prefix}"


def groups(config: Config, base: BaseUrl) -> list[TargetGroup]:
    """Return one group per appliance, in the order of the configuration."""
    return [
        TargetGroup(targets=[base.target], labels=_target_labels(appliance, base))
        for appliance in config.appliances.values()
    ]


def groups_text(config: Config, base: BaseUrl) -> str:
    """Return the groups as JSON."""
    return json.dumps(groups(config, base), indent=2)


def series_labels(appliance: ApplianceEntry) -> dict[str, str]:
    """Return the labels that all series of an appliance have."""
    return {
        "instance": appliance.name,
        **({"site": appliance.site} if appliance.site else {}),
        "pool": appliance.pool,
        "stream": appliance.stream or appliance.pool,
        "traffic": appliance.traffic,
        "role": appliance.role,
        **appliance.labels,
    }


def _target_labels(appliance: Appliance, base: BaseUrl) -> dict[str, str]:
    return {
        **({"__scheme__": base.scheme} if base.scheme == "https" else {}),
        "__metrics_path__": f"{base.prefix}/probe",
        "__param_target": appliance.name,
        **series_labels(appliance),
    }
