"""Panels with the house's defaults, a function for each kind. Widths are in columns of Grafana's grid, which has 24."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders import stat as stat_panel
from grafana_foundation_sdk.builders import statetimeline as timeline_panel
from grafana_foundation_sdk.builders import table as table_panel
from grafana_foundation_sdk.builders import text as text_panel
from grafana_foundation_sdk.builders import timeseries as timeseries_panel
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from dashboards.source import palette
from dashboards.source.signals import Signal
from dashboards.source.variables import SOURCE

_STEP: Final = "1m"
"""No point is closer to the next than samples may be; $__rate_interval is four of these at least."""

_REFS: Final = string.ascii_uppercase
"""What Grafana calls the queries of a panel."""

_COLOURED: Final = common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
"""Cells filled with the colour of their value."""

_HEADINGS: Final = {"instance": "Unit", "alertname": "Alert"}
"""What the columns of labels are called, where it is not the label's own name."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a graph draws of a signal, or a figure shows: `legend` names the series by labels, `{{instance}}` say.

    `expression` is what is drawn where it is not that of the signal itself but, say, `signal.by("max", "pool")`. Lines
    without a colour, of many units or pools, have one by their name from Grafana, the same in every graph.
    """

    signal: Signal
    legend: str
    expression: str = ""
    colour: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: a signal, aggregated over what the rows of the table do not tell apart.

    With `label` the cells hold that label of the signal's series instead of its value.
    """

    signal: Signal
    aggregation: str = "max"
    name: str = ""
    label: str = ""

    @property
    def heading(self) -> str:
        """The column's heading."""
        return self.name or self.signal.name


@dataclass(frozen=True, slots=True)
class Link:
    """Where the cells of a label's column lead; the address may name other cells of the row as frame.address does."""

    label: str
    title: str
    address: str


def stat(*drawn: Line, title: str = "", description: str = "", width: int = 4, height: int = 4) -> Panel:
    """Return a figure for each series of the lines as they are now, in the unit and colours of the first's signal."""
    first = drawn[0].signal
    coloured = bool(first.limits or first.states)
    panel = (
        stat_panel.Panel()
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.BACKGROUND if coloured else common.BigValueColorMode.VALUE)
        .text_mode(common.BigValueTextMode.AUTO)
        .reduce_options(options.ReduceDataOptions().calcs(["lastNotNull"]))
        .targets([query.instant() for query in _queries(drawn)])
        .build()
    )
    return _finished(panel, title or first.name, description or first.description, width, height, first)


def timeseries(
    *drawn: Line, title: str = "", description: str = "", width: int = 12, height: int = 9, stacked: bool = False
) -> Panel:
    """Return a graph of the lines, in the unit of the first, whose limits are drawn dashed."""
    first = drawn[0].signal
    panel = (
        timeseries_panel.Panel()
        .line_width(1)
        .fill_opacity(60 if stacked else 0)
        .show_points(common.VisibilityMode.NEVER)
        .axis_soft_min(0)
        .stacking(options.StackingConfig().mode(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE))
        .legend(_legend())
        .tooltip(options.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
        .thresholds_style(options.GraphThresholdsStyleConfig().mode(_limit_style(first)))
        .targets([query.range() for query in _queries(drawn)])
        .build()
    )
    finished = _finished(panel, title or first.name, description or first.description, width, height, first)
    _defaults(finished).color = FieldColor(mode=FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    _overrides(finished).extend(_look(ref, line) for ref, line in zip(_REFS, drawn, strict=False))
    return finished


def table(
    rows: Sequence[str],
    *columns: Column,
    title: str,
    description: str,
    sort: str = "",
    width: int = 24,
    height: int = 9,
    no_value: str = "-",
    links: Sequence[Link] = (),
) -> Panel:
    """Return a table with a row for each set of values of the labels `rows`, and a column for each signal.

    `sort` is the heading of the column whose largest values come first. The label `job` is there for the links, and
    hidden.
    """
    panel = table_panel.Panel().show_header(True)
    if sort:
        panel.sort_by([options.TableSortByFieldState().display_name(sort).desc(True)])
    for ref, column in zip(_REFS, columns, strict=False):
        labels = (*rows, column.label) if column.label else rows
        query = _query(ref, column.signal.by(column.aggregation, *labels))
        panel.with_target(query.format(PromQueryFormat.TABLE).instant())
    built = _finished(panel.build(), title, description, width, height)
    _defaults(built).no_value = no_value
    _overrides(built).extend(_cells(column) for column in columns if not column.label)
    _overrides(built).extend(_link(link) for link in links)
    _overrides(built).append(_override("byName", "job", DynamicConfigValue("custom.hidden", True)))
    if "severity" in rows:
        _overrides(built).append(_severities())
    built.transformations = _joined(rows, columns)
    return built


def state_timeline(signal: Signal, legend: str, *, width: int = 24, height: int = 9) -> Panel:
    """Return a band for each series that shows its states over time, thirty on a page."""
    panel = (
        timeline_panel.Panel()
        .show_value(common.VisibilityMode.NEVER)
        .row_height(0.9)
        .line_width(0)
        .fill_opacity(80)
        .per_page(30)
        .legend(options.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.LIST))
        .tooltip(options.VizTooltipOptions().mode(common.TooltipDisplayMode.SINGLE))
        .with_target(_query("A", signal.expression).legend_format(legend).range())
        .build()
    )
    return _finished(panel, signal.name, signal.description, width, height, signal)


def text(title: str, description: str, markdown: str, *, width: int = 24, height: int = 8) -> Panel:
    """Return a text; it has no query."""
    panel = text_panel.Panel().mode(TextMode.MARKDOWN).content(markdown).build()
    finished = _finished(panel, title, description, width, height)
    finished.datasource = None
    return finished


def heading(label: str) -> str:
    """Return what the column of a label is called."""
    return _HEADINGS.get(label, label.capitalize() if label != "job" else label)


def _query(ref: str, expression: str) -> Dataquery:
    return Dataquery().datasource(SOURCE).ref_id(ref).expr(expression).interval(_STEP)


def _queries(drawn: Sequence[Line]) -> list[Dataquery]:
    return [
        _query(ref, line.expression or line.signal.expression).legend_format(line.legend)
        for ref, line in zip(_REFS, drawn, strict=False)
    ]


def _finished(
    panel: Panel, title: str, description: str, width: int, height: int, signal: Signal | None = None
) -> Panel:
    """Give a panel what all have; frame.py gives it its place and number."""
    panel.title, panel.description, panel.datasource = title, description, SOURCE
    panel.grid_pos = GridPos(h=height, w=width)
    defaults = _defaults(panel)
    if signal:
        defaults.unit, defaults.decimals, defaults.no_value = signal.unit, signal.decimals, signal.no_value
        defaults.mappings, defaults.thresholds = palette.mappings(signal.states), _thresholds(signal)
        defaults.color = FieldColor(mode=FieldColorModeId.THRESHOLDS)
    return panel


def _defaults(panel: Panel) -> FieldConfig:
    panel.field_config = panel.field_config or FieldConfigSource()
    panel.field_config.defaults = panel.field_config.defaults or FieldConfig()
    return panel.field_config.defaults


def _overrides(panel: Panel) -> list[DashboardFieldConfigSourceOverrides]:
    panel.field_config = panel.field_config or FieldConfigSource()
    panel.field_config.overrides = panel.field_config.overrides or []
    return panel.field_config.overrides


def _thresholds(signal: Signal) -> ThresholdsConfig:
    base = Threshold(value=None, color=signal.below if signal.limits else palette.DATA)
    steps = [Threshold(value=value, color=colour) for value, colour in signal.limits]
    return ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=[base, *steps])


def _limit_style(signal: Signal) -> common.GraphThresholdsStyleMode:
    return common.GraphThresholdsStyleMode.DASHED if signal.limits else common.GraphThresholdsStyleMode.OFF


def _legend() -> options.VizLegendOptions:
    return (
        options.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.RIGHT)
        .calcs(["lastNotNull", "max"])
        .sort_by("Max")
        .sort_desc(True)
    )


def _look(ref: str, line: Line) -> DashboardFieldConfigSourceOverrides:
    properties = []
    if line.colour:
        properties.append(DynamicConfigValue("color", {"mode": "fixed", "fixedColor": line.colour}))
    if line.dashed:
        properties.append(DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}))
    return _override("byFrameRefID", ref, *properties)


def _cells(column: Column) -> DashboardFieldConfigSourceOverrides:
    signal = column.signal
    properties = [DynamicConfigValue("unit", signal.unit), DynamicConfigValue("thresholds", _thresholds(signal))]
    if signal.decimals is not None:
        properties.append(DynamicConfigValue("decimals", signal.decimals))
    if signal.states:
        properties.append(DynamicConfigValue("mappings", palette.mappings(signal.states)))
    if signal.states or signal.limits:
        properties.append(DynamicConfigValue("custom.cellOptions", _COLOURED))
    return _override("byName", column.heading, *properties)


def _link(link: Link) -> DashboardFieldConfigSourceOverrides:
    return _override(
        "byName", heading(link.label), DynamicConfigValue("links", [{"title": link.title, "url": link.address}])
    )


def _severities() -> DashboardFieldConfigSourceOverrides:
    return _override(
        "byName",
        heading("severity"),
        DynamicConfigValue("mappings", palette.severities()),
        DynamicConfigValue("custom.cellOptions", _COLOURED),
    )


def _override(matcher: str, value: str, *properties: DynamicConfigValue) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(id_val=matcher, options=value), properties=list(properties)
    )


def _joined(rows: Sequence[str], columns: Sequence[Column]) -> list[DataTransformerConfig]:
    """Return what makes one table of the answers, with headings in order: Grafana calls the values by their query."""
    values = [f"Value #{ref}" for ref in _REFS[: len(columns)]] if len(columns) > 1 else ["Value"]
    shown = {column.label or value: column.heading for value, column in zip(values, columns, strict=True)}
    names = {label: heading(label) for label in rows} | shown
    organize = {
        "renameByName": names,
        "indexByName": {name: index for index, name in enumerate(names)},
        "excludeByName": {name: True for name in ("Time", *values) if name not in shown},
    }
    return [DataTransformerConfig("merge", options={}), DataTransformerConfig("organize", options=organize)]
