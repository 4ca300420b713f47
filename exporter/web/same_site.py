"""Requests that a browser sends for a web site of somebody else, and what of them is refused.

Only what changes something or is meant for people is guarded. Prometheus, probes of Kubernetes and the like may use any
name of the exporter.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from aiohttp import hdrs, web

from exporter.errors import ForbiddenError, RequestError
from exporter.web.discovery import BaseUrl

_FOREIGN_SITES: Final = ("cross-site", "same-site")


def refuse_foreign_origin(request: web.Request, external_url: BaseUrl | None) -> None:
    """Raise ForbiddenError if the page that sends this request is not one of the exporter."""
    origin = request.headers.get(hdrs.ORIGIN)
    if request.headers.get("Sec-Fetch-Site") in _FOREIGN_SITES or (
        origin is not None and not _is_own(origin, request.headers.get(hdrs.HOST, ""), external_url)
    ):
        raise ForbiddenError("A page of another web site has sent this request. Send it with curl or the like.")


def refuse_foreign_host(request: web.Request, external_url: BaseUrl | None) -> None:
    """Raise ForbiddenError if the Host header has a domain other than that of the external URL.

    A web site whose own name leads to the exporter (DNS rebinding) could otherwise read the page as its own. It needs a
    domain for that: addresses and names without a dot, such as localhost, are accepted.
    """
    host = request.headers.get(hdrs.HOST, "")
    if external_url and "." in host and not _is_address(host) and _name(host) != _name(external_url.target):
        raise ForbiddenError(
            f"The Host header does not name the host of --web.external-url, {external_url}."
            " Use that URL, or an IP address."
        )


def _is_own(origin: str, host: str, external_url: BaseUrl | None) -> bool:
    try:
        sender = BaseUrl.parse(origin.lower())
        reached = BaseUrl.from_host(sender.scheme, host.lower())
    except (ValueError, RequestError):
        return False
    own = {reached.target, external_url.target.lower()} if external_url else {reached.target}
    return sender.target in own


def _name(host: str) -> str:
    """Return the host without its port."""
    name, _, port = host.lower().rpartition(":")
    return name if port.isdecimal() else host.lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(_name(host).strip("[]"))
    except ValueError:
        return False
    return True
