"""Panels: a function for each kind, with this project's defaults. Widths are in columns of Grafana's grid of 24."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as grafana
from grafana_foundation_sdk.models import stat as stat_model
from grafana_foundation_sdk.models import statetimeline as timeline_model
from grafana_foundation_sdk.models import table as table_model
from grafana_foundation_sdk.models import text as text_model
from grafana_foundation_sdk.models import timeseries as graph_model
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat

from dashboards.source import palette
from dashboards.source.signals import Signal
from dashboards.source.variables import DATA_SOURCE

_Item = TypeVar("_Item")

_SHORTEST_STEP: Final = "1m"
"""The smallest step: no two points are closer than scrapes may be. $__rate_interval is at least four of these."""

_DAILY_STEP: Final = "1d"
"""With this step, Grafana places the points at the beginning of each day."""

_REFS: Final = string.ascii_uppercase
"""Grafana's names for the queries of a panel."""

_GRID_PIXELS: Final = 38
"""Of a row of Grafana's grid, with the gap below it."""

_TITLE_PIXELS: Final = 48
"""Of the title of a panel, its margins and the gap below it."""

_HEADING_PIXELS: Final = 56
_ROW_PIXELS: Final = 36
_TALL_ROW_PIXELS: Final = 42
"""Of a heading of two lines, of a table's row, and of a row in which texts can have two lines."""

_BAND_PIXELS: Final = 16
_AROUND_BANDS_PIXELS: Final = 155
"""Of a band of a state timeline with its name, and of what is above and below the bands."""

_TEXT_LINE_PIXELS: Final = 22.3
_AROUND_TEXT_PIXELS: Final = 20
_TEXT_LETTERS: Final = 140
"""Of a line of a text, of what surrounds the text, and the letters that a line has on the narrowest screen."""

_LEAST_PIXELS: Final = 1107
_MARGIN_PIXELS: Final = 20
"""Of a panel over the whole width on a screen of 1440 pixels where Grafana's menu is open, and around a table in it."""

_LETTER_PIXELS: Final = 7.6
_CELL_MARGIN_PIXELS: Final = 18
_HEADING_MARGIN_PIXELS: Final = 25
"""Of a letter, and of what surrounds the text of a cell or of a heading."""

_ARROW_PIXELS: Final = 26
"""Of the arrow in the heading of the column by which a table is sorted."""

_LABEL_LETTERS: Final = {
    "alertname": 35,
    "role": 10,
    "version": 11,
    "sender": 24,
    "destination": 32,
    "feature": 24,
    "service": 24,
    "reason": 12,
    "figure": 28,
    "points_to": 32,
    "Exporter": 26,
}
_OTHER_LETTERS: Final = 8
"""Letters of the values of labels, or of those under a heading: a longer value is cut, as nobody knows how long names
are."""

_FIGURE_LETTERS: Final = {
    "percentunit": 5,
    "short": 7,
    "celsius": 6,
    "none": 6,
    "s": 7,
    "m": 8,
    "dateTimeFromNow": 15,
    "time:ddd HH:mm": 9,
    "dtdhms": 14,
    "time:YYYY-MM-DD HH:mm": 16,
}
"""Letters of the longest figures by unit."""

_OTHER_FIGURES: Final = 8
_WRAPPED_LETTERS: Final = 32

_NO_VALUE: Final = "-"
"""Stands in cells without a value, and in a table without rows unless there is a reason to tell."""

_NAMED_WORDS: Final = common.VizTextDisplayOptions(title_size=16, value_size=26)
"""Sizes in pixels of a name and the word below it: a long word would otherwise be too small to read."""

_SENTENCE: Final = common.VizTextDisplayOptions(value_size=18)
"""Size in pixels of a value that is a sentence: four lines have room in a tile."""

_FILLED_CELLS: Final = common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)

_WRAPPED_CELLS: Final = {"type": "auto", "wrapText": True}

_GRAPH_OPTIONS: Final = graph_model.Options(
    legend=common.VizLegendOptions(
        show_legend=True,
        display_mode=common.LegendDisplayMode.LIST,
        placement=common.LegendPlacement.BOTTOM,
        calcs=[],
    ),
    tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.MULTI, common.SortOrder.DESCENDING),
)

HEADINGS: Final = {"instance": "Unit", "alertname": "Alert", "points_to": "Points to"}
"""Headings of the columns of labels, where they are not the label itself."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel without its position and number."""

    kind: str
    """Grafana's word for it: stat, table ..."""
    title: str
    description: str
    width: int
    height: int
    options: object
    """The model of the kind's options."""
    fields: grafana.FieldConfigSource
    """How values are shown: units, colours, words."""
    queries: Sequence[Dataquery] = ()
    transformations: Sequence[grafana.DataTransformerConfig] = ()
    repeat: str = ""
    """A variable: Grafana repeats the panel for each selected value, two beside each other."""

    def placed(self, number: int, x: int, y: int) -> grafana.Panel:
        """Return Grafana's model of the panel."""
        return grafana.Panel(
            type_val=self.kind,
            id_val=number,
            title=self.title,
            description=self.description,
            datasource=DATA_SOURCE if self.queries else None,
            grid_pos=grafana.GridPos(h=self.height, w=self.width, x=x, y=y),
            repeat=self.repeat or None,
            repeat_direction="h",
            max_per_row=2 if self.repeat else None,
            targets=list(self.queries) or None,
            transformations=list(self.transformations) or None,
            options=self.options,
            field_config=self.fields,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A signal in a graph or a stat. Without a colour of its own, a line gets one by its place (line_colours.py)."""

    signal: Signal
    legend: str = ""
    """The name of each series, for example `{{instance}}`; by default that of the signal's dimension."""
    colour: str = ""
    dashed: bool = False

    @property
    def name(self) -> str:
        return self.legend or self.signal.dimension.legend


@dataclass(frozen=True, slots=True)
class Link:
    """Where the cells of a column lead; the address may name other cells of the row (see `dashboard_url`)."""

    label: str
    title: str
    address: str

    def json(self) -> dict[str, str]:
        return {"title": self.title, "url": self.address}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    signal: Signal
    aggregation: str = "max"
    """Joins the series that belong to one row."""
    name: str = ""
    """The heading, if not the signal's name."""
    label: str = ""
    """The label of the signal's series that is shown instead of the value."""
    width: int = 0
    """In pixels; columns without one share the rest."""
    wraps: bool = False
    """Break a long text into lines."""
    hidden: bool = False
    """Only links read it."""
    links: Sequence[Link] = ()

    @property
    def heading(self) -> str:
        return self.name or self.signal.name


def stat(
    *drawn: Signal | Line,
    title: str = "",
    description: str = "",
    width: int = 4,
    named: bool = False,
    sentence: bool = False,
) -> Panel:
    """Show the latest value of each series, in the unit of the first signal.

    If `named`, each has its name. A `sentence` is small enough for several lines.
    """
    lines = _lines(drawn)
    first = lines[0].signal
    coloured = _is_coloured(first)
    return Panel(
        kind="stat",
        title=title or first.name,
        description=description or first.description,
        width=width,
        height=4,
        options=stat_model.Options(
            graph_mode=common.BigValueGraphMode.NONE,
            text_mode=common.BigValueTextMode.VALUE_AND_NAME if named else None,
            text=_SENTENCE if sentence else _NAMED_WORDS if named and first.is_state else None,
            # The name above the figure, however wide the tile is: beside each other, both would be small.
            wide_layout=False,
            color_mode=common.BigValueColorMode.BACKGROUND_SOLID if coloured else common.BigValueColorMode.VALUE,
            reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"]),
        ),
        fields=grafana.FieldConfigSource(
            defaults=_fields(
                first,
                grafana.FieldColor(mode=grafana.FieldColorModeId.THRESHOLDS),
                mappings=_cell_mappings(first),
                decimals=first.decimals,
                no_value=first.no_value,
            ),
            overrides=[
                _override("byFrameRefID", ref, thresholds=_thresholds(line.signal))
                for ref, line in _with_refs(lines)
                if line.signal.limits != first.limits
            ],
        ),
        queries=[_instant(ref, line) for ref, line in _with_refs(lines)],
    )


def graph(
    *drawn: Signal | Line,
    title: str = "",
    description: str = "",
    width: int = 12,
    height: int = 9,
    stacked: bool = False,
    daily: bool = False,
    repeat: str = "",
    values: Sequence[str] = (),
) -> Panel:
    """Draw the signals over time, in the unit of the first, whose limits are dashed lines.

    If `daily`, draw a bar for each day, of signals whose value at the beginning of a day is that of the day. `values`
    are those that a legend can have which is the value of a label.
    """
    lines = _lines(drawn)
    first = lines[0].signal
    return Panel(
        kind="timeseries",
        title=title or first.name,
        description=f"{description or first.description}{_limited_to(lines)}{_of_all(lines)}",
        width=width,
        height=height,
        repeat=repeat,
        options=_GRAPH_OPTIONS,
        fields=grafana.FieldConfigSource(
            defaults=_fields(
                first,
                grafana.FieldColor(mode=grafana.FieldColorModeId.PALETTE_CLASSIC),
                mappings=palette.mappings(first.words),
                # Grafana knows best how many digits the marks of an axis need. Only units are never halved.
                decimals=first.decimals if first.unit == "none" and first.decimals == 0 else None,
                no_value=first.no_value,
                custom=_drawing(first, stacked, daily),
                is_graph=True,
            ),
            overrides=[
                *_value_colours(values),
                *(_line_style(*each) for each in zip(_REFS, lines, palette.LINES, strict=False)),
            ],
        ),
        queries=[_range(ref, line, _DAILY_STEP if daily else _SHORTEST_STEP) for ref, line in _with_refs(lines)],
    )


def state_timeline(signal: Signal, *, legend: str = "", width: int = 24, height: int = 9) -> Panel:
    """Draw a band for each series that shows its states over time; a page has as many as have room for their names."""
    return Panel(
        kind="state-timeline",
        title=signal.name,
        description=signal.description,
        width=width,
        height=height,
        options=timeline_model.Options(
            show_value=common.VisibilityMode.NEVER,
            per_page=(height * _GRID_PIXELS - _AROUND_BANDS_PIXELS) // _BAND_PIXELS,
            legend=common.VizLegendOptions(show_legend=True, display_mode=common.LegendDisplayMode.LIST),
            tooltip=common.VizTooltipOptions(common.TooltipDisplayMode.SINGLE),
        ),
        fields=grafana.FieldConfigSource(
            # Coloured by thresholds, the timeline would join all states into one.
            defaults=_fields(
                signal,
                grafana.FieldColor(mode=grafana.FieldColorModeId.FIXED, fixed_color=palette.DATA),
                mappings=palette.mappings(signal.words),
                decimals=signal.decimals,
                # The legend would show the text as a state, in a colour that no band has.
                no_value=None,
                custom=timeline_model.FieldConfig(line_width=0, fill_opacity=80),
            )
        ),
        queries=[_range("A", Line(signal, legend))],
    )


def table(
    rows: Sequence[str],
    *columns: Column,
    title: str,
    description: str,
    sort: str = "",
    ascending: bool = False,
    width: int = 24,
    height: int = 9,
    no_value: str = _NO_VALUE,
    links: Sequence[Link] = (),
    headings: Mapping[str, str] = HEADINGS,
    words: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Panel:
    """Show a row for each set of values of the labels `rows`, and a column for each signal.

    `sort` is the heading of the column whose largest values come first, or the smallest if `ascending`. `headings` are
    those of labels, and `words` stand for values of labels. The label `job` is hidden: only links need it.
    """
    return Panel(
        kind="table",
        title=title,
        description=description,
        width=width,
        height=height,
        options=table_model.Options(
            sort_by=[common.TableSortByFieldState(display_name=sort, desc=not ascending)] if sort else None,
            # A long text takes up to two lines, for which these rows are just high enough.
            cell_height=common.TableCellHeight.MD if any(column.wraps for column in columns) else None,
        ),
        fields=grafana.FieldConfigSource(
            defaults=grafana.FieldConfig(
                no_value=no_value,
                custom={"align": "auto", "wrapHeaderText": True},
            ),
            overrides=[
                *_table_overrides(rows, columns, links, headings, sort, width),
                *(
                    _override("byName", heading(label, headings), mappings=palette.texts(each))
                    for label, each in words.items()
                ),
            ],
        ),
        queries=[_of_column(ref, rows, column) for ref, column in _with_refs(columns)],
        transformations=_joined(rows, columns, headings, says_why_empty=no_value != _NO_VALUE),
    )


def markdown(title: str, description: str, content: str) -> Panel:
    """Show a text whose paragraphs each begin with `- `, as high as it is on the narrowest screen."""
    lines = sum(math.ceil(len(paragraph) / _TEXT_LETTERS) for paragraph in re.split(r"\n(?=- )", content.strip()))
    return Panel(
        kind="text",
        title=title,
        description=description,
        width=24,
        height=math.ceil((_TITLE_PIXELS + _AROUND_TEXT_PIXELS + lines * _TEXT_LINE_PIXELS) / _GRID_PIXELS),
        options=text_model.Options(mode=text_model.TextMode.MARKDOWN, content=content),
        fields=grafana.FieldConfigSource(),
    )


def height_of(rows: int, *, tall: bool = False) -> int:
    """Return the height of a table that shows so many rows without scrolling; tall ones have texts of two lines."""
    return math.ceil(
        (_TITLE_PIXELS + _HEADING_PIXELS + rows * (_TALL_ROW_PIXELS if tall else _ROW_PIXELS)) / _GRID_PIXELS
    )


def heading(label: str, headings: Mapping[str, str] = HEADINGS) -> str:
    """Return the heading of a label's column."""
    return headings.get(label, label if label == "job" else label.capitalize())


# --- queries ----------------------------------------------------------------------------------------------------------


def _lines(drawn: Iterable[Signal | Line]) -> list[Line]:
    return [Line(each) if isinstance(each, Signal) else each for each in drawn]


def _with_refs(items: Sequence[_Item]) -> Iterator[tuple[str, _Item]]:
    return zip(_REFS, items, strict=False)


def _instant(ref: str, line: Line) -> Dataquery:
    return _query(ref, line.signal, legend_format=line.name, instant=True)


def _range(ref: str, line: Line, step: str = _SHORTEST_STEP) -> Dataquery:
    return _query(ref, line.signal, legend_format=line.name, instant=False, step=step)


def _of_column(ref: str, rows: Sequence[str], column: Column) -> Dataquery:
    labels = (*rows, column.label) if column.label else rows
    signal = column.signal.by(column.aggregation, *labels)
    return _query(ref, signal, instant=True, format_val=PromQueryFormat.TABLE)


def _query(
    ref: str,
    signal: Signal,
    *,
    instant: bool,
    step: str = _SHORTEST_STEP,
    legend_format: str | None = None,
    format_val: PromQueryFormat | None = None,
) -> Dataquery:
    return Dataquery(
        datasource=DATA_SOURCE,
        ref_id=ref,
        expr=signal.expression,
        interval=step,
        instant=instant,
        range_val=not instant,
        legend_format=legend_format,
        format_val=format_val,
    )


# --- how values are shown ---------------------------------------------------------------------------------------------


def _fields(
    signal: Signal,
    colour: grafana.FieldColor,
    *,
    mappings: list[grafana.ValueMapping],
    decimals: int | None,
    no_value: str | None,
    custom: object = None,
    is_graph: bool = False,
) -> grafana.FieldConfig:
    return grafana.FieldConfig(
        unit=_axis_unit(signal) if is_graph else _in_digits(signal),
        decimals=decimals,
        no_value=no_value,
        mappings=mappings,
        thresholds=_thresholds(signal, filled=not is_graph),
        color=colour,
        custom=custom,
    )


def _drawing(signal: Signal, stacked: bool, daily: bool) -> common.GraphFieldConfig:
    return common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.BARS if daily else None,
        bar_alignment=common.BarAlignment.AFTER if daily else None,
        bar_width_factor=0.8 if daily else None,
        line_width=0 if daily else 2,
        fill_opacity=80 if daily else 60 if stacked else 0,
        axis_soft_min=0,
        axis_soft_max=_least_axis(signal, stacked),
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE),
        thresholds_style=common.GraphThresholdsStyleConfig(
            common.GraphThresholdsStyleMode.DASHED if _has_bad_limit(signal) else common.GraphThresholdsStyleMode.OFF
        ),
    )


def _least_axis(signal: Signal, stacked: bool) -> int | None:
    """Return up to where an axis reaches at least: that of zero minutes or units would reach to 100."""
    if stacked and signal.unit == "percentunit":
        return 1
    is_counted = signal.unit == "none" and signal.decimals == 0
    return 5 if is_counted or _axis_unit(signal) == "suffix:min" else None


def _has_bad_limit(signal: Signal) -> bool:
    return any(colour != palette.GOOD for _, colour in signal.limits)


def _axis_unit(signal: Signal) -> str:
    """Return the unit of a graph, whose marks stand at round numbers of minutes."""
    return "suffix:min" if signal.unit == "m" else signal.unit


def _thresholds(signal: Signal, *, filled: bool = True) -> grafana.ThresholdsConfig:
    """Return the colours of a figure: behind its text, or of a graph's limits."""
    colour_of = palette.behind_text if filled else str
    base = grafana.Threshold(value=None, color=colour_of(signal.below if signal.limits else palette.DATA))
    steps = [grafana.Threshold(value=value, color=colour_of(colour)) for value, colour in signal.limits]
    return grafana.ThresholdsConfig(mode=grafana.ThresholdsMode.ABSOLUTE, steps=[base, *steps])


def _is_coloured(signal: Signal) -> bool:
    return bool(signal.limits or signal.words)


def _cell_mappings(signal: Signal) -> list[grafana.ValueMapping]:
    return [*palette.mappings(signal.words), palette.absence()] if _is_coloured(signal) else []


def _limited_to(lines: Sequence[Line]) -> str:
    """Return the sentence that says which units or pools a graph shows, where there may be more."""
    limited = [line.signal.limited for line in lines if line.signal.limited]
    if not limited:
        return ""
    rankings = {each.ranking for each in limited}
    shown = f"{limited[0].count} {limited[0].plural} are shown"
    if len(rankings) > 1:
        return f" At most {shown} for each figure: those where it was largest."
    return f' At most {shown}: those where "{rankings.pop()}" was largest.'


def _of_all(lines: Sequence[Line]) -> str:
    """Return the sentence that says that a graph shows no single unit or pool, if so."""
    dimensions = [line.signal.dimension for line in lines]
    if any({"instance", "pool", "site"} & {*each.labels} for each in dimensions):
        return ""
    return "".join(f" Of all selected {each} together." for each in ("units", "pools") if each == dimensions[0].plural)


def _line_style(ref: str, line: Line, by_place: str) -> grafana.DashboardFieldConfigSourceOverrides:
    """Give a line its own colour, or the one of its place; lines that have names of labels get theirs by name."""
    colour = line.colour or ("" if "{{" in line.name else by_place)
    colours = {"color": _fixed(colour)} if colour else {}
    dashes = {"custom.lineStyle": {"fill": "dash", "dash": [8, 8]}} if line.dashed else {}
    return _override("byFrameRefID", ref, **colours, **dashes)


def _value_colours(values: Sequence[str]) -> Iterator[grafana.DashboardFieldConfigSourceOverrides]:
    for value, colour in zip(values, palette.LINES, strict=False):
        plain = {"displayName": value.replace("_", " ")} if "_" in value else {}
        yield _override("byName", value, color=_fixed(colour), **plain)


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}


def _cells(column: Column) -> grafana.DashboardFieldConfigSourceOverrides:
    signal = column.signal
    decimals = {} if signal.decimals is None else {"decimals": signal.decimals}
    mapped = {"mappings": _cell_mappings(signal)} if _is_coloured(signal) else {}
    drawn = {"custom.cellOptions": _cell_options(column)} if mapped else {}
    aligned = {"custom.align": "left"} if signal.is_state else {}
    return _override(
        "byName",
        column.heading,
        unit=_short(_in_digits(signal)),
        thresholds=_thresholds(signal),
        **decimals,
        **mapped,
        **drawn,
        **aligned,
    )


def _in_digits(signal: Signal) -> str:
    """Return the unit of a figure: what is counted has all its digits, not 1.29 K. An axis may shorten it."""
    return "locale" if signal.unit == "short" and signal.decimals == 0 else signal.unit


def _short(unit: str) -> str:
    """Leave out what is counted: a column's heading says it, and the unit would be cut."""
    return re.sub(r"^suffix:\w+/s$", "suffix:/s", unit)


def _cell_options(column: Column) -> object:
    return _WRAPPED_CELLS if column.wraps else _FILLED_CELLS


def _table_overrides(
    rows: Sequence[str],
    columns: Sequence[Column],
    links: Sequence[Link],
    headings: Mapping[str, str],
    sort: str,
    width: int,
) -> list[grafana.DashboardFieldConfigSourceOverrides]:
    return [
        *(_cells(column) for column in columns if not column.label),
        *(
            _override("byName", each.heading, **{"custom.cellOptions": _WRAPPED_CELLS})
            for each in columns
            if each.label and each.wraps
        ),
        *_widths([label for label in rows if label != "job"], columns, headings, sort, width),
        *(
            _override("byName", each.heading, links=[link.json() for link in each.links])
            for each in columns
            if each.links
        ),
        *(_override("byName", each.heading, **{"custom.hidden": True}) for each in columns if each.hidden),
        *(_override("byName", heading(link.label), links=[link.json()]) for link in links),
        *(_override("byType", kind, noValue=_NO_VALUE) for kind in ("string", "number")),
        _override("byName", "job", **{"custom.hidden": True}),
        *([_severities()] if "severity" in rows else []),
    ]


def _widths(
    labels: Sequence[str], columns: Sequence[Column], headings: Mapping[str, str], sort: str, panel_width: int
) -> Iterator[grafana.DashboardFieldConfigSourceOverrides]:
    """Make each column at least as wide as what it holds.

    The columns that `_growing` returns share what is left.
    """
    visible = [column for column in columns if not column.hidden]
    titles = {label: heading(label, headings) for label in labels}
    pixels = {
        title: _pixels(title, _LABEL_LETTERS.get(title) or _LABEL_LETTERS.get(label, _OTHER_LETTERS))
        for label, title in titles.items()
    }
    pixels |= {column.heading: column.width or _pixels(column.heading, _letters(column)) for column in visible}
    if sort in pixels:
        pixels[sort] = max(pixels[sort], _pixels(sort, 0) + _ARROW_PIXELS)
    spare = _LEAST_PIXELS * panel_width / 24 - _MARGIN_PIXELS - sum(pixels.values())
    growing = _growing(titles[labels[-1]], [column for column in visible if not column.width], pixels, spare)
    for title, width in pixels.items():
        yield _override("byName", title, **{"custom.minWidth" if title in growing else "custom.width": width})


def _growing(last_name: str, columns: Sequence[Column], pixels: Mapping[str, int], spare: float) -> Sequence[str]:
    """Return the columns that share the spare pixels, of columns without a width of their own.

    These are the long texts. Where there are none, several columns share them, so that the names and figures of a row
    stand close together: most of the figures if they can, otherwise all that are equally wide. If the last name of a
    row is neither a pool nor a unit, it may be long, and has all.
    """
    if texts := [each.heading for each in columns if each.wraps]:
        return texts
    figures = [each.heading for each in columns if not (each.label or each.signal.is_state)]
    alike = _alike({title: pixels[title] for title in figures}, spare)
    if len(alike) > max(1, len(figures) / 2):
        return alike
    return _alike(pixels, 0) if last_name in ("Pool", "Unit") else [last_name]


def _alike(widths: Mapping[str, int], spare: float) -> list[str]:
    """Return the most columns for which the spare pixels are enough to make each as wide as the widest of them.

    Grafana makes all growing columns equally wide.
    """
    most: list[str] = []
    for widest in sorted({*widths.values()}):
        left, alike = spare, []
        for title, width in sorted(widths.items(), key=lambda each: -each[1]):
            if width <= widest and widest - width <= left:
                left -= widest - width
                alike.append(title)
        most = max(most, alike, key=len)
    return most


def _pixels(title: str, letters: int) -> int:
    """Return the room for the cells of a column and for each word of its heading, which breaks into lines."""
    words = max(map(len, title.split())) * _LETTER_PIXELS + _HEADING_MARGIN_PIXELS
    return round(max(letters * _LETTER_PIXELS + _CELL_MARGIN_PIXELS, words))


def _letters(column: Column) -> int:
    if column.label:
        return _LABEL_LETTERS.get(column.label, _OTHER_LETTERS)
    if column.wraps:
        return _WRAPPED_LETTERS
    words = max((len(each.word) for each in column.signal.words), default=0)
    if column.signal.is_state:
        return words
    tenths = 2 if column.signal.unit == "s" and column.signal.decimals else 0
    return max(words, tenths + _FIGURE_LETTERS.get(column.signal.unit, _OTHER_FIGURES))


def _severities() -> grafana.DashboardFieldConfigSourceOverrides:
    cells = {"mappings": palette.severities(), "custom.cellOptions": _FILLED_CELLS}
    return _override("byName", heading("severity"), **cells)


def _override(matcher: str, value: str, **properties: object) -> grafana.DashboardFieldConfigSourceOverrides:
    return grafana.DashboardFieldConfigSourceOverrides(
        matcher=grafana.MatcherConfig(id_val=matcher, options=value),
        properties=[grafana.DynamicConfigValue(name, setting) for name, setting in properties.items()],
    )


def _joined(
    rows: Sequence[str], columns: Sequence[Column], headings: Mapping[str, str], *, says_why_empty: bool
) -> list[grafana.DataTransformerConfig]:
    """Join the queries of a table into one, with headings in order. Grafana calls the values by their query.

    Several queries without data give a table without rows, which would not show why it is empty. Split by the time,
    which is the same in all rows, a table without rows is none.
    """
    split = grafana.DataTransformerConfig(
        "partitionByValues", options={"fields": ["Time"], "naming": {"asLabels": False}}
    )
    values = [f"Value #{ref}" for ref in _REFS[: len(columns)]] if len(columns) > 1 else ["Value"]
    shown = {column.label or value: column.heading for value, column in zip(values, columns, strict=True)}
    names = {label: heading(label, headings) for label in rows} | shown
    organize = {
        "renameByName": names,
        "indexByName": {name: index for index, name in enumerate(names)},
        "excludeByName": {name: True for name in ("Time", *values) if name not in shown},
    }
    return [
        grafana.DataTransformerConfig("merge", options={}),
        *([split] if says_why_empty and len(columns) > 1 else []),
        grafana.DataTransformerConfig("organize", options=organize),
    ]
