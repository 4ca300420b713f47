"""The XML status pages in the configuration: settings and how long polls are reused."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from exporter.config.http import HttpSettings
from exporter.config.values import Port, bad_value

XML_MIN_INTERVAL: Final = 25
"""Seconds for which a successful poll is reused, unless the file says otherwise."""


def _status_and_more(names: tuple[str, ...]) -> tuple[str, ...]:
    if "status" not in names:
        raise bad_value("must include status: nearly all metrics come from it")
    if len(set(names)) < len(names):
        raise bad_value("must name each page once")
    return names


class XmlSettings(HttpSettings):
    """How the status pages are fetched."""

    http_port: ClassVar[int] = 80

    port: Port = 443
    """The TCP port; with the scheme http the default is 80."""
    pages: Annotated[
        tuple[Literal["status", "dnsstatus", "tophosts", "topin"], ...], AfterValidator(_status_and_more)
    ] = ("status",)
    """The pages to fetch; tophosts and topin have not been tried on a real appliance."""
    top: Annotated[int, Field(ge=1, le=100)] = 20
    """How many destinations (tophosts) and senders (topin) to export at most."""
