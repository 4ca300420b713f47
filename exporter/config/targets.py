"""Which targets beyond the list of appliances may be probed, and to which addresses their credentials may go."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from exporter.config.values import NotEmpty, Section, bad_value, is_host_name, is_ip_address

Network = IPv4Network | IPv6Network

_SPECIAL: Final = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"),  # this machine, link-local, many machines
        *("::/128", "::1/128", "fe80::/10", "ff00::/8"),
        *("100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128"),  # where clouds tell credentials
        *("64:ff9b::/96", "2002::/16", "2001::/32"),  # translated to IPv4
    )
)
"""Where no appliance is: only a network that lies within one of these allows such an address."""


def _allowed(text: str) -> str:
    if is_host_name(text.removeprefix("*.")):
        return text
    try:
        return str(ip_network(text))
    except ValueError as error:
        if "host bits" in str(error):
            raise bad_value(f"is an address within a network: write {ip_network(text, strict=False)}") from None
    raise bad_value("must be a network (10.0.0.0/8), an IP address, a host name, or *. and a domain (*.mx.example.edu)")


class TargetRule(Section):
    """Which targets may be probed although they are not in the list of appliances."""

    allow: Annotated[
        tuple[Annotated[str, AfterValidator(_allowed)], ...], NotEmpty, Field(json_schema_extra={"minItems": 1})
    ]
    """Networks, IP addresses, host names and domains (`*.mx.example.edu`). If there are networks or IP addresses, a
    name must also have an address in one of them."""

    def admits(self, target: str) -> bool:
        """Return whether a host name or an IP address may be probed, before names are looked up."""
        if is_host_name(target):
            return any(_matches(target, pattern) for pattern in self.allow)
        return is_ip_address(target) and bool(self._networks) and self.permits(target)

    def permits(self, address: str) -> bool:
        """Return whether credentials may go to an IP address."""
        found = _unmapped(ip_address(address))
        inside = [network for network in self._networks if found in network]
        special = [network for network in _SPECIAL if found in network]
        if special:
            return any(_lies_in(network, outer) for network in inside for outer in special)
        return bool(inside) or not self._networks

    @property
    def _networks(self) -> list[Network]:
        return [ip_network(text) for text in self.allow if not is_host_name(text.removeprefix("*."))]


def _matches(name: str, pattern: str) -> bool:
    """Return whether a host name fits; `*` stands for one label or several."""
    any_label = re.escape(pattern.lower().rstrip(".")).replace(r"\*", r"[^.].*", 1)
    return bool(re.fullmatch(any_label, name.lower().rstrip(".")))


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address such as ::ffff:192.0.2.1 stands for."""
    return getattr(address, "ipv4_mapped", None) or address


def _lies_in(network: Network, outer: Network) -> bool:
    return network.version == outer.version and network.subnet_of(outer)  # type: ignore[arg-type]
