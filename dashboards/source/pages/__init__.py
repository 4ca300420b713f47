"""The dashboards, a module each; the module's name is the end of the dashboard's uid."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Protocol, cast

from grafana_foundation_sdk.models.dashboard import Dashboard


class Page(Protocol):
    """What each module here has."""

    def dashboard(self) -> Dashboard:
        """Return the dashboard: its body lists the rows and their panels."""


def modules() -> Iterator[Page]:
    """Yield every module of this package."""
    for module in pkgutil.iter_modules(__path__):
        yield cast(Page, import_module(f"{__name__}.{module.name}"))
