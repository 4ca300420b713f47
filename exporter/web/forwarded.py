"""Requests that a reverse proxy forwards: what it says of the client is believed if the proxy is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

Proxies = Sequence[IPv4Network | IPv6Network]

_SCHEMES: Final = ("http", "https")


def believe(proxies: Proxies) -> Middleware:
    """Return a middleware that gives each request of a trusted proxy the client's address, its scheme and its Host."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_within(request.remote or "", proxies):
            request = _as_the_client_sent_it(request, proxies)
        return await handler(request)

    return middleware


def _as_the_client_sent_it(request: web.Request, proxies: Proxies) -> web.Request:
    headers = request.headers.copy()
    *_, host = ["", *_values(request, hdrs.X_FORWARDED_HOST)]
    if host:
        headers[hdrs.HOST] = host
    *_, scheme = [request.scheme, *_values(request, hdrs.X_FORWARDED_PROTO)]
    return request.clone(
        headers=headers,
        scheme=scheme if scheme in _SCHEMES else request.scheme,
        remote=client_address([*_values(request, hdrs.X_FORWARDED_FOR), request.remote or ""], proxies),
    )


def _values(request: web.Request, header: str) -> list[str]:
    """Return the values of a header to which each proxy may add one, the last proxy's last."""
    return [value.strip() for line in request.headers.getall(header, []) for value in line.split(",")]


def client_address(path: Sequence[str], proxies: Proxies) -> str:
    """Return the last address on the path of a request that is not a proxy's: what comes before may be invented."""
    return next((address for address in reversed(path) if not _is_within(address, proxies)), path[0])


def _is_within(text: str, networks: Proxies) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address  # so a socket for both names the clients that use IPv4
    return any(address in network for network in networks)
