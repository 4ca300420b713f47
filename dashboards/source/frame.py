"""What all dashboards have around their panels: uid, variables, links, annotations, and the places on the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardLink,
    DashboardLinkType,
    GridPos,
    Panel,
    RowPanel,
)
from grafana_foundation_sdk.models.prometheus import Dataquery

from dashboards.source import palette, panels, variables
from dashboards.source.variables import SOURCE, Filter

TAG: Final = "ironport"
"""By this the dashboards find each other."""

_COLUMNS: Final = 24
_SCHEMA: Final = 39
"""Grafana 10's version of the format of dashboards; newer ones convert it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels beside and below each other, under a title that opens and closes them; the top row has none."""

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


def top(*shown: Panel) -> Row:
    """Return the row that answers the question in the title."""
    return Row("", shown)


def opened(title: str, *shown: Panel) -> Row:
    """Return a row that is open."""
    return Row(title, shown)


def collapsed(title: str, *shown: Panel) -> Row:
    """Return a row of detail, for whoever opens it."""
    return Row(title, shown, collapsed=True)


def address(page: str, *labels: str) -> str:
    """Return the address of another dashboard for a cell of a table: about that row's values of the labels.

    `${__data.fields.X}` is Grafana's for the cell of the same row under the heading X.
    """
    chosen = "".join(f"&var-{label}=${{__data.fields.{panels.heading(label)}}}" for label in labels)
    return f"/d/ironport-{page}?${{datasource:queryparam}}&${{__url_time_range}}{chosen}"


def dashboard(
    module: str, title: str, question: str, *, filters: Sequence[Filter], rows: Sequence[Row], since: str = "now-6h"
) -> Dashboard:
    """Return the dashboard of a module of pages, which answers the question, by default of the last hours."""
    built = (
        build.Dashboard(f"IronPort / {title}")
        .uid(f"ironport-{module.rpartition('.')[2]}")
        .description(question)
        .tags([TAG])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("1m")
        .time(since, "now")
        .build()
    )
    built.schema_version = _SCHEMA
    built.links = _links()
    built.templating = DashboardDashboardTemplating(variables.variables(filters))
    built.annotations = AnnotationContainer([_annotation(*each, filters) for each in _ANNOTATIONS])
    built.panels = list(_placed(rows))
    for panel in _every(built.panels):
        for query in panel.targets or ():
            if isinstance(query, Dataquery):
                query.expr = variables.filled(query.expr, filters)
    return built


def _placed(rows: Sequence[Row]) -> Iterator[Panel | RowPanel]:
    """Yield the panels of all rows, numbered and each in its place; those of a closed row are within it."""
    numbers, bottom = count(1), 0
    for row in rows:
        header = _header(row, bottom, next(numbers)) if row.title else None
        start = bottom + 1 if header else bottom
        end = _flow(row.panels, start, numbers)
        if header:
            yield header
        if not row.collapsed:
            yield from row.panels
        bottom = start if row.collapsed else end


def _header(row: Row, y: int, number: int) -> RowPanel:
    return RowPanel(
        row.collapsed,
        row.title,
        grid_pos=GridPos(h=1, w=_COLUMNS, x=0, y=y),
        id_val=number,
        panels=list(row.panels) if row.collapsed else [],
    )


def _flow(row: Sequence[Panel], start: int, numbers: Iterator[int]) -> int:
    """Put panels beside each other from `start` on, as many as fit, then below; returns where they end."""
    x, y, tallest = 0, start, 0
    for panel in row:
        place = panel.grid_pos or GridPos()
        if x + place.w > _COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        place.x, place.y, panel.id_val = x, y, next(numbers)
        x, tallest = x + place.w, max(tallest, place.h)
    return y + tallest


def _every(placed: Sequence[Panel | RowPanel]) -> Iterator[Panel]:
    for panel in placed:
        if isinstance(panel, RowPanel):
            yield from panel.panels
        else:
            yield panel


def _links() -> list[DashboardLink]:
    """Return the links to the wall and to all others, in sight and not in a menu, as the builders would have it."""
    links = [_to_the_wall(), _to_the_others()]
    for link in links:
        link.placement = ""
    return links


def _to_the_wall() -> DashboardLink:
    return DashboardLink(
        "Fleet wall",
        DashboardLinkType.LINK,
        icon="dashboard",
        url="/d/ironport-fleet",
        include_vars=True,
        keep_time=True,
    )


def _to_the_others() -> DashboardLink:
    return DashboardLink(
        "IronPort",
        DashboardLinkType.DASHBOARDS,
        icon="external link",
        tags=[TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )


_ANNOTATIONS: Final = (
    ("Critical alerts", True, palette.CRITICAL, 'severity="critical"'),
    ("Warnings", False, palette.WARNING, 'severity="warning"'),
    ("Restarts of units", True, palette.OTHER, 'alertname="IronPortUnitRebooted"'),
)
"""What is marked in every graph where it begins: its name, whether at first, its colour, and which alerts it is."""


def _annotation(name: str, shown: bool, colour: str, alerts: str, filters: Sequence[Filter]) -> AnnotationQuery:
    """Return the marks where alerts begin to fire; for as long as they do, they would cover what is below.

    Their switches are in sight and not in a menu, as the model would have it.
    """
    firing = f'ALERTS{{alertstate="firing",{alerts},<alerts>}}'
    annotation = AnnotationQuery(
        name=name,
        datasource=SOURCE,
        enable=shown,
        icon_color=colour,
        expr=variables.filled(f"{firing} unless {firing} offset $__interval", filters),
        title_format="{{alertname}}",
        text_format="{{pool}} {{instance}}",
        tag_keys="severity",
        step="60s",
    )
    annotation.placement = ""
    return annotation
