"""Panels with the house's defaults, a function for each kind. Widths are in columns of Grafana's grid, which has 24."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
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
from dashboards.source.signals import Largest, Signal
from dashboards.source.variables import SOURCE

_STEP: Final = "1m"
"""No point is closer to the next than samples may be; $__rate_interval is four of these at least."""

_DAY: Final = "1d"
"""Grafana puts the points of such a step where a day begins."""

_REFS: Final = string.ascii_uppercase
"""What Grafana calls the queries of a panel."""

_BY_MAPPING: Final = FieldColor(mode=FieldColorModeId.FIXED, fixed_color=palette.DATA)
"""The colours of the words that values stand for; by thresholds, a timeline would make one state of all of them."""

_NARROWEST: Final = 80
"""Pixels that a column of a table has at least; Grafana's own 150 would push the last ones out of sight."""

_COLOURED: Final = common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
"""Cells filled with the colour of their value."""

_HEADINGS: Final = {"instance": "Unit", "alertname": "Alert"}
"""What the columns of labels are called, where it is not the label's own name."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a graph draws of a signal, or a figure shows: `legend` names the series by labels, `{{instance}}` say.

    `drawn` is the PromQL where it is not that of the signal itself but, say, `signal.by("max", "pool")`, or says that
    the line is there for the largest alone. Lines without a colour have one from Grafana: those of units by their name,
    the same in every graph.
    """

    signal: Signal
    legend: str
    drawn: str | Largest = ""
    colour: str = ""
    dashed: bool = False

    @property
    def expression(self) -> str:
        """The PromQL of what is drawn."""
        return self.drawn.expression if isinstance(self.drawn, Largest) else self.drawn or self.signal.expression


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: a signal, aggregated over what the rows of the table do not tell apart.

    With `label` the cells hold that label of the signal's series instead of its value. The column is `width` pixels
    wide; those without one share what is left.
    """

    signal: Signal
    aggregation: str = "max"
    name: str = ""
    label: str = ""
    width: int = 0

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
    """Return a figure for each series of the lines as they are now, each in its own colours, in the first's unit."""
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
    finished = _finished(panel, title or first.name, description or first.description, width, height, first)
    if coloured:
        _defaults(finished).mappings = [*palette.mappings(first.states), palette.absence()]
    _overrides(finished).extend(
        _override("byFrameRefID", ref, DynamicConfigValue("thresholds", _thresholds(line.signal)))
        for ref, line in zip(_REFS, drawn, strict=False)
        if line.signal != first
    )
    return finished


def timeseries(
    *drawn: Line, title: str = "", description: str = "", width: int = 12, height: int = 9, stacked: bool = False
) -> Panel:
    """Return a graph of the lines, in the unit of the first, whose limits are drawn dashed."""
    drawing = timeseries_panel.Panel().line_width(1).fill_opacity(60 if stacked else 0)
    return _graph(drawing, drawn, _STEP, title, description, width, height, stacked)


def days(
    *drawn: Line, title: str = "", description: str = "", width: int = 12, height: int = 9, stacked: bool = False
) -> Panel:
    """Return a graph with a bar for each day and line, whose expressions tell where a day begins what it brings."""
    drawing = timeseries_panel.Panel().draw_style(common.GraphDrawStyle.BARS).line_width(0).fill_opacity(80)
    drawing.bar_alignment(common.BarAlignment.AFTER).bar_width_factor(0.8)
    return _graph(drawing, drawn, _DAY, title, description, width, height, stacked)


def table(
    rows: Sequence[str],
    *columns: Column,
    title: str,
    description: str,
    sort: str = "",
    ascending: bool = False,
    width: int = 24,
    height: int = 9,
    no_value: str = "-",
    links: Sequence[Link] = (),
    headings: Mapping[str, str] = _HEADINGS,
) -> Panel:
    """Return a table with a row for each set of values of the labels `rows`, and a column for each signal.

    `sort` is the heading of the column whose largest values come first, or the smallest if `ascending`; `headings` are
    those of labels where they are not the usual ones. The label `job` is there for the links, and hidden.
    """
    panel = table_panel.Panel().show_header(True).min_width(_NARROWEST)
    if sort:
        panel.sort_by([options.TableSortByFieldState().display_name(sort).desc(not ascending)])
    for ref, column in zip(_REFS, columns, strict=False):
        labels = (*rows, column.label) if column.label else rows
        query = _query(ref, column.signal.by(column.aggregation, *labels))
        panel.with_target(query.format(PromQueryFormat.TABLE).instant())
    built = _finished(panel.build(), title, description, width, height)
    _defaults(built).no_value = no_value
    _overrides(built).extend(_cells(column) for column in columns if not column.label)
    _overrides(built).extend(_width(column) for column in columns if column.width)
    _overrides(built).extend(_link(link) for link in links)
    _overrides(built).append(_override("byType", "string", DynamicConfigValue("noValue", "-")))
    _overrides(built).append(_override("byName", "job", DynamicConfigValue("custom.hidden", True)))
    if "severity" in rows:
        _overrides(built).append(_severities())
    built.transformations = _joined(rows, columns, headings)
    return built


def state_timeline(signal: Signal, legend: str, *, width: int = 24, height: int = 9) -> Panel:
    """Return a band for each series that shows its states over time, on a page as many as have room for their names."""
    panel = (
        timeline_panel.Panel()
        .show_value(common.VisibilityMode.NEVER)
        .row_height(0.9)
        .line_width(0)
        .fill_opacity(80)
        .per_page(height * 4 // 3)
        .legend(options.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.LIST))
        .tooltip(options.VizTooltipOptions().mode(common.TooltipDisplayMode.SINGLE))
        .with_target(_query("A", signal.expression).legend_format(legend).range())
        .build()
    )
    finished = _finished(panel, signal.name, signal.description, width, height, signal)
    _defaults(finished).color = _BY_MAPPING
    return finished


def text(title: str, description: str, markdown: str, *, width: int = 24, height: int = 8) -> Panel:
    """Return a text; it has no query."""
    panel = text_panel.Panel().mode(TextMode.MARKDOWN).content(markdown).build()
    finished = _finished(panel, title, description, width, height)
    finished.datasource = None
    return finished


def heading(label: str, headings: Mapping[str, str] = _HEADINGS) -> str:
    """Return what the column of a label is called."""
    return headings.get(label, label.capitalize() if label != "job" else label)


def _graph(
    drawing: timeseries_panel.Panel,
    drawn: Sequence[Line],
    step: str,
    title: str,
    description: str,
    width: int,
    height: int,
    stacked: bool,
) -> Panel:
    first = drawn[0].signal
    if stacked and first.unit == "percentunit":
        drawing.axis_soft_max(1)
    panel = (
        drawing.show_points(common.VisibilityMode.NEVER)
        .axis_soft_min(0)
        .stacking(options.StackingConfig().mode(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE))
        .legend(_legend())
        .tooltip(options.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
        .thresholds_style(options.GraphThresholdsStyleConfig().mode(_limit_style(first)))
        .targets([query.range() for query in _queries(drawn, step)])
        .build()
    )
    told = f"{description or first.description}{_left_out(drawn)}"
    finished = _finished(panel, title or first.name, told, width, height, first)
    _defaults(finished).color = FieldColor(mode=_palette(drawn))
    if first.unit == "percentunit":
        _defaults(finished).decimals = None  # with 0 of them the axis has marks at multiples of 1 only, which is 100 %
    _overrides(finished).extend(_look(ref, line) for ref, line in zip(_REFS, drawn, strict=False))
    return finished


def _left_out(drawn: Sequence[Line]) -> str:
    """Return the sentence that says which units or pools a graph shows, where there may be more."""
    chosen = [line.drawn for line in drawn if isinstance(line.drawn, Largest)]
    if not chosen:
        return ""
    names = {each.ranking.name for each in chosen}
    where = f'"{names.pop()}" was largest' if len(names) == 1 else "it was largest, for each figure"
    return f" At most {chosen[0].what} are shown: those where {where}."


def _palette(drawn: Sequence[Line]) -> FieldColorModeId:
    """Return how Grafana colours lines: by name two of a few pools may look alike, by order units may change colour."""
    of_units = any("{{instance}}" in line.legend for line in drawn)
    return FieldColorModeId.PALETTE_CLASSIC_BY_NAME if of_units else FieldColorModeId.PALETTE_CLASSIC


def _query(ref: str, expression: str, step: str = _STEP) -> Dataquery:
    return Dataquery().datasource(SOURCE).ref_id(ref).expr(expression).interval(step)


def _queries(drawn: Sequence[Line], step: str = _STEP) -> list[Dataquery]:
    return [
        _query(ref, line.expression, step).legend_format(line.legend) for ref, line in zip(_REFS, drawn, strict=False)
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
    if signal.states or signal.limits:
        properties.append(DynamicConfigValue("mappings", [*palette.mappings(signal.states), palette.absence()]))
        properties.append(DynamicConfigValue("custom.cellOptions", _COLOURED))
    return _override("byName", column.heading, *properties)


def _width(column: Column) -> DashboardFieldConfigSourceOverrides:
    return _override("byName", column.heading, DynamicConfigValue("custom.width", column.width))


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


def _joined(rows: Sequence[str], columns: Sequence[Column], headings: Mapping[str, str]) -> list[DataTransformerConfig]:
    """Return what makes one table of the answers, with headings in order: Grafana calls the values by their query."""
    values = [f"Value #{ref}" for ref in _REFS[: len(columns)]] if len(columns) > 1 else ["Value"]
    shown = {column.label or value: column.heading for value, column in zip(values, columns, strict=True)}
    names = {label: heading(label, headings) for label in rows} | shown
    organize = {
        "renameByName": names,
        "indexByName": {name: index for index, name in enumerate(names)},
        "excludeByName": {name: True for name in ("Time", *values) if name not in shown},
    }
    return [DataTransformerConfig("merge", options={}), DataTransformerConfig("organize", options=organize)]
