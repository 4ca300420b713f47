"""Which hosts are reached without a proxy."""

from __future__ import annotations

from ipaddress import ip_address, ip_network


def is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def lists_host(entries: str, host: str) -> bool:
    """Whether a host is one of those in NO_PROXY: names, domains, addresses and networks, or * for all."""
    return any(_means(entry.strip(), host) for entry in entries.split(","))


def _means(entry: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(entry)
    except ValueError:
        name = entry.lower().lstrip(".")
        return entry == "*" or (bool(name) and (host == name or host.endswith(f".{name}")))
