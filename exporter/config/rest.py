"""The REST interface in the configuration: settings and how long polls are reused."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field

from exporter.config.http import HttpSettings
from exporter.config.values import Port

REST_MIN_INTERVAL: Final = 30
"""Seconds for which a successful poll is reused, unless the file says otherwise."""


class RestSettings(HttpSettings):
    """How the REST interface is asked."""

    http_port: ClassVar[int] = 6080

    port: Port = 6443
    """The TCP port; with the scheme http the default is 6080."""
    destinations: bool = True
    """Whether to ask for the state of each destination of mail."""
    top: Annotated[int, Field(ge=1, le=100)] = 20
    """How many destinations to export at most, besides those that `destinations` of the appliance names."""
