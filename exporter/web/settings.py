"""How the exporter is served."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, NamedTuple

from exporter.web.discovery import BaseUrl

_ROUTE_PREFIX: Final = re.compile(r"(?:/(?!\.\.?(?:/|$))[\w.~-]+)*", re.ASCII)


class ListenAddress(NamedTuple):
    """An address to listen on."""

    host: str
    """A host name or IP address; empty for every interface."""
    port: int
    """The TCP port; 0 for one that the kernel chooses."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the command line says about the server."""

    config_files: tuple[Path, ...]
    """The configuration: files, or folders of files."""
    listen_addresses: tuple[ListenAddress, ...]
    timeout_offset: float = 0.5
    """Seconds by which a probe answers before the scrape timeout of Prometheus."""
    external_url: BaseUrl | None = None
    """The URL under which Prometheus reaches the exporter; by default it is taken from each request for /sd."""
    route_prefix: str | None = None
    """The path below which everything is served, such as `/ironport`; by default that of the external URL."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """The networks of the reverse proxies whose `X-Forwarded-` headers are believed."""
    auto_reload: bool = False
    """Whether a change of the configuration files is loaded without a request."""
    systemd_socket: bool = False
    """Whether systemd passes the sockets to listen on, in place of the addresses."""
    web_config_file: Path | None = None
    """TLS, users, headers and a rate limit; without it, the port is open."""

    @property
    def prefix(self) -> str:
        """The path below which everything is served; empty if there is none."""
        if self.route_prefix is not None:
            return self.route_prefix
        return self.external_url.prefix if self.external_url else ""


def parse_route_prefix(text: str) -> str:
    """Return a path without the slash at its end, empty for `/`. Raises ValueError if it is not one."""
    prefix = f"/{text.strip('/')}".rstrip("/")
    if not _ROUTE_PREFIX.fullmatch(prefix):
        raise ValueError(f"{text!r} is not a path like /ironport.")
    return prefix
