"""Rules for all dashboards, panels, queries and variables: those of Grafana's dashboard-linter, and our own."""

from __future__ import annotations

import importlib
import pkgutil
import re
import string
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from dashboards.source import palette, signals, verdicts
from dashboards.source.layout import GENERATED
from dashboards.source.signals import Signal, monitoring, units
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT, matchers
from exporter.bundle import thresholds
from exporter.metrics.catalog import FAMILIES
from exporter.prometheus import rule_files
from exporter.telemetry import Telemetry
from support.completeness import assert_complete
from support.grafana import (
    LEAST_PIXELS,
    Json,
    Panel,
    all_of,
    dashboards,
    filled,
    overrides,
    panels,
    room,
    variables,
    widths,
)
from support.prometheus import promtool

THE_SET: Final = {
    f"ironport-{name}"
    for name in ("fleet", "pool", "unit", "triage", "delivery", "capacity", "hardware", "monitoring", "management")
}

DASHBOARDS: Final = {each["uid"]: each for each in dashboards()}
PANELS: Final = [panel for dashboard in DASHBOARDS.values() for panel in panels(dashboard)]
QUERIES: Final = [(panel, target) for panel in PANELS for target in panel.targets]
RULES: Final = rule_files.read_rules(str(rule_files.project_rules()))
RECORDED: Final = {rule.record for rule in RULES if rule.record}

BY_PROMETHEUS: Final = {"up", "ALERTS", "ALERTS_FOR_STATE"}
"""Metrics that come from Prometheus itself."""

FOR_COMMANDS: Final = {"site:ironport_messages_injected:rate1h_regular"}
"""Recorded series that only commands read."""

OF_JOBS: Final = [f'"{"|".join(verdict.alerts)}"' for verdict in verdicts.VERDICTS if verdict.level == "job"]
"""Matchers of alerts about whole jobs."""

_OF_A_WHOLE_POOL: Final = re.compile(r"\b\w+ by \(job, stream, pool\)\s*\([^()]*\)")
"""A figure of all units of a pool, whether or not they are selected."""

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_METRIC: Final = re.compile(
    r"(?<![\w:$])(?:(?:(?:instance|site|pool|job):)?ironport_\w+(?::\w+)?|ALERTS\w*|process_\w+|up)(?=\W|$)"
)
_SELECTOR: Final = re.compile(rf"({_METRIC.pattern})(\{{[^}}]*\}})?")


def _signals() -> Iterator[tuple[str, Signal]]:
    modules = [
        importlib.import_module(each.name)
        for each in pkgutil.iter_modules(signals.__path__, "dashboards.source.signals.")
    ]
    for module in (*modules, verdicts):
        for name, value in vars(module).items():
            several = value.values() if isinstance(value, dict) else value
            for each in several if isinstance(value, (dict, tuple)) else [value]:
                if isinstance(each, Signal):
                    yield f"{module.__name__}.{name} {each.name}", each


SIGNALS: Final = dict(_signals())

each_dashboard: Final = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
each_panel: Final = pytest.mark.parametrize("panel", PANELS, ids=str)
each_query: Final = pytest.mark.parametrize(
    ("panel", "target"), QUERIES, ids=[f"{panel} {target['refId']}" for panel, target in QUERIES]
)


def metrics(expression: str) -> set[str]:
    return set(_METRIC.findall(_STRING.sub("", expression)))


def selectors(expression: str) -> list[tuple[str, str]]:
    """Return every metric with its matchers, without names inside strings."""
    bare = _STRING.sub(lambda match: match[0].replace("IronPort", "").replace("ironport", ""), expression)
    return _SELECTOR.findall(bare)


def every(value: Any) -> Iterator[Json]:
    """Yield every object in a dashboard, however deep."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from every(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every(inner)


# --- the linter's rules -----------------------------------------------------------------------------------------------


@each_dashboard
def test_template_datasource(dashboard: Json) -> None:
    (source,) = (each for each in dashboard["templating"]["list"] if each["type"] == "datasource")
    assert (source["name"], source["label"], source["query"]) == ("datasource", "Data source", "prometheus")


@each_dashboard
def test_template_job_and_instance(dashboard: Json) -> None:
    """The variable for sites uses `.*`, because only that matches units without a site."""
    names = [each["name"] for each in variables(dashboard)]
    assert names == [name for name in ("job", "site", "pool", "instance") if name in names]
    assert "job" in names
    for each in variables(dashboard):
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert each["allValue"] == (".*" if each["name"] == "site" else ".+")
        assert each["label"]
        ranked = each["definition"].startswith("query_result(sort_desc(")
        assert ranked == (dashboard["uid"] == "ironport-unit" and each["name"] == "instance")
        assert (each["multi"], each.get("includeAll", False)) == (True, not ranked)
        assert (each["sort"], each.get("current", {}).get("value")) == ((0, None) if ranked else (1, ["$__all"]))


@each_dashboard
def test_template_on_time_change_reload(dashboard: Json) -> None:
    assert {each["refresh"] for each in variables(dashboard)} == {2}


@each_dashboard
def test_uneditable_dashboard(dashboard: Json) -> None:
    assert dashboard["editable"] is False


@each_panel
def test_panel_datasource(panel: Panel) -> None:
    asked = [panel.json.get("datasource"), *(target["datasource"] for target in panel.targets)]
    expected = {"type": "prometheus", "uid": "${datasource}"} if panel.targets else None
    assert all(source == expected for source in asked)


@each_panel
def test_panel_title_description(panel: Panel) -> None:
    assert panel.title
    assert re.fullmatch(r"[A-Z][^\n]*\.", panel.json["description"])


@each_panel
def test_panel_units(panel: Panel) -> None:
    """Tables have a unit for each column."""
    config = panel.json["fieldConfig"]
    if panel.json["type"] == "table":
        shown = panel.json["transformations"][-1]["options"]
        columns = {name for key, name in shown["renameByName"].items() if key.startswith("Value")}
        with_units = {
            override["matcher"]["options"]
            for override in config["overrides"]
            if any(each["id"] == "unit" for each in override["properties"])
        }
        assert columns <= with_units
    elif panel.targets:
        assert config["defaults"]["unit"]


@each_panel
def test_panel_no_targets(panel: Panel) -> None:
    assert bool(panel.targets) == (panel.json["type"] != "text")


def test_target_promql(tmp_path: Path) -> None:
    rules = [
        {"record": "expression", "expr": filled(target["expr"], all_of(DASHBOARDS[panel.uid]), 0)}
        for panel, target in QUERIES
    ]
    file = tmp_path / "expressions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    assert promtool("check", "rules", "--lint=none", str(file)).stderr == ""


@each_query
def test_target_rate_interval(panel: Panel, target: Json) -> None:
    windows = re.findall(r"\b(?:i?rate|increase)\([^()\[]*\[([^\]]+)\]", target["expr"])
    assert set(windows) <= {"$__rate_interval", "$__range"}
    by_day = panel.json["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars"
    assert target["interval"] == ("1d" if by_day else "1m"), "the least step, of which $__rate_interval is made"
    assert not (by_day and windows)


@each_query
def test_target_job(panel: Panel, target: Json) -> None:
    """Check the pool too if the dashboard has that variable, except for series and alerts of whole jobs.

    The exporter's own series come from another job, and no selection may hide them.
    """
    names = {each["name"] for each in variables(DASHBOARDS[panel.uid])}
    for metric, narrowed in selectors(target["expr"]):
        of_jobs = metric.startswith(("job:", "up")) or any(each in narrowed for each in OF_JOBS)
        wanted = {"job"} if of_jobs else {"job", "pool"}
        lacking = [name for name in wanted & names if not re.search(rf'{name}=~"\${name}\|?"', narrowed)]
        assert _is_the_exporters(metric) or not lacking, metric


def _is_the_exporters(metric: str) -> bool:
    return metric.startswith(("ironport_exporter_", "process_"))


@each_query
def test_target_instance(panel: Panel, target: Json) -> None:
    """Series of units are filtered by unit and site, except in figures of a whole pool."""
    names = {each["name"] for each in variables(DASHBOARDS[panel.uid])} & {"instance", "site"}
    for metric, narrowed in selectors(_OF_A_WHOLE_POOL.sub("", target["expr"])):
        lacking = [name for name in names if not re.search(rf'{name}=~"\${name}\|?"', narrowed)]
        assert not (_is_of_units(metric) and lacking), metric


def _is_of_units(metric: str) -> bool:
    return metric.startswith("instance:") or metric in {family.name for family in FAMILIES}


@each_query
def test_target_counter_agg(panel: Panel, target: Json) -> None:
    counters = re.findall(r"(\w+)\((\w+_total)\b", target["expr"])
    assert len(counters) == len(re.findall(r"\b(?:ironport|process)_\w+_total\b", target["expr"]))
    assert {function for function, _ in counters} <= {"rate", "irate", "increase", "resets"}


# --- ours -------------------------------------------------------------------------------------------------------------


def test_the_set_is_complete() -> None:
    assert DASHBOARDS.keys() == THE_SET


@each_dashboard
def test_a_dashboard_has_at_most_seventeen_panels(dashboard: Json) -> None:
    assert len(panels(dashboard)) <= 17


@each_dashboard
def test_every_dashboard_has_the_common_settings(dashboard: Json) -> None:
    """Check the shared crosshair, the refresh, and a question as the description."""
    assert (dashboard["graphTooltip"], dashboard["refresh"]) == (1, "1m")
    assert dashboard["description"].endswith(f"? {GENERATED}")


@each_dashboard
def test_at_most_one_row_is_open(dashboard: Json) -> None:
    assert dashboard["panels"][0]["type"] != "row"
    rows = [each["collapsed"] for each in dashboard["panels"] if each["type"] == "row"]
    assert rows == sorted(rows)
    assert rows.count(False) <= 1


@each_dashboard
def test_numbers_of_panels_are_unique(dashboard: Json) -> None:
    rows = [each for each in dashboard["panels"] if each["type"] == "row"]
    numbers = Counter([each["id"] for each in rows] + [panel.json["id"] for panel in panels(dashboard)])
    assert set(numbers.values()) == {1}
    assert 0 not in numbers


@each_dashboard
def test_titles_are_unique_within_a_dashboard(dashboard: Json) -> None:
    assert len({panel.title for panel in panels(dashboard)}) == len(panels(dashboard))


@each_dashboard
def test_panels_do_not_overlap(dashboard: Json) -> None:
    """Panels of a closed row may lie over others: an opened row pushes down what is below."""
    groups = [dashboard["panels"], *(each.get("panels", []) for each in dashboard["panels"])]
    for group in groups:
        places = [each["gridPos"] for each in group]
        assert all(place["x"] + place["w"] <= 24 for place in places)
        assert not [pair for pair in combinations(places, 2) if _overlap(*pair)]


def _overlap(one: Json, other: Json) -> bool:
    return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in ("xw", "yh"))


@each_dashboard
def test_a_row_of_panels_has_no_hole(dashboard: Json) -> None:
    groups = [dashboard["panels"], *(each.get("panels", []) for each in dashboard["panels"])]
    for group in groups:
        columns: Counter[int] = Counter()
        for each in group:
            columns[each["gridPos"]["y"]] += each["gridPos"]["w"]
        assert set(columns.values()) <= {24}


@each_dashboard
def test_queries_are_named_in_order(dashboard: Json) -> None:
    for panel in panels(dashboard):
        named = "".join(target["refId"] for target in panel.targets)
        assert named == string.ascii_uppercase[: len(named)]


@each_dashboard
def test_only_palette_colours_are_used(dashboard: Json) -> None:
    keys = ("color", "fixedColor", "iconColor")
    colours = {each[key] for each in every(dashboard) for key in keys if isinstance(each.get(key), str)}
    assert colours
    assert colours <= set(palette.COLOURS)


@each_dashboard
def test_every_link_leads_to_a_dashboard(dashboard: Json) -> None:
    addresses = [each["url"] for each in every(dashboard) if str(each.get("url", "")).startswith("/d/")]
    assert "/d/ironport-fleet" in addresses
    for address in addresses:
        _resolves(address)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.alert], ids=lambda rule: rule.alert)
def test_every_alert_links_a_dashboard(rule: rule_files.Rule) -> None:
    _resolves(urlsplit(rule.annotations["dashboard_url"])._replace(scheme="", netloc="").geturl())


def _resolves(address: str) -> None:
    split = urlsplit(address)
    uid = split.path.removeprefix("/d/")
    assert uid in THE_SET
    if uid in DASHBOARDS:
        names = {f"var-{each['name']}" for each in variables(DASHBOARDS[uid])}
        asked = {name for name, _ in parse_qsl(split.query, keep_blank_values=True) if name.startswith("var-")}
        assert asked <= names


@each_dashboard
def test_links_between_dashboards_keep_the_selection(dashboard: Json) -> None:
    assert dashboard["tags"] == ["ironport"]
    assert all(link["keepTime"] and link["includeVars"] for link in dashboard["links"])
    assert {link["type"] for link in dashboard["links"]} == {"link", "dashboards"}


def test_filters_keep_alerts_without_the_label() -> None:
    """The wall must show that an exporter is down, although that alert has no pool."""
    filters = matchers((BY_JOB, BY_SITE, BY_POOL, BY_UNIT))
    assert filters["alerts"] == 'job=~"$job",site=~"$site|",pool=~"$pool|",instance=~"$instance|"'


@each_dashboard
def test_links_and_switches_are_visible(dashboard: Json) -> None:
    """Grafana 12 hides them in a menu unless `placement` is empty."""
    marks = dashboard["annotations"]["list"]
    assert marks
    assert {each["placement"] for each in (*marks, *dashboard["links"])} == {""}


@each_query
def test_every_grouping_and_legend_has_the_job(panel: Panel, target: Json) -> None:
    """Otherwise, two pools of the same name in two jobs would be added up or look alike."""
    groupings = [re.split(r"\W+", each) for each in re.findall(r"\bby \(([^)]*)\)", target["expr"])]
    assert not [each for each in groupings if {"pool", "instance"} & set(each) and "job" not in each]
    legend = target.get("legendFormat", "")
    assert "${of_job}" in legend or not re.search(r"\{\{(pool|instance)\}\}", legend)
    if panel.json.get("repeat"):
        assert "${of_job}" in legend


@each_query
def test_every_metric_is_exported_or_recorded(panel: Panel, target: Json) -> None:
    names = {metric.name for metric in Telemetry().registry.collect()}
    own = {f"{name}{suffix}" for name in names for suffix in ("", "_total", "_bucket", "_sum", "_count")}
    unknown = metrics(target["expr"]) - own - {family.name for family in FAMILIES} - RECORDED - BY_PROMETHEUS
    assert not unknown, f"{unknown}: neither in exporter/metrics/catalog.py nor recorded by a rule of alerts/templates"


def test_every_recorded_series_is_read() -> None:
    read = set().union(*(rule.names for rule in RULES), *(metrics(target["expr"]) for _, target in QUERIES))
    assert read >= RECORDED - FOR_COMMANDS


@each_query
def test_gauges_are_read_through_a_window(panel: Panel, target: Json) -> None:
    """A dropped probe must not empty a panel. Recorded series are read through a window already."""
    raw = {family.name for family in FAMILIES}
    bare = re.findall(rf"({_METRIC.pattern})(?:\{{[^}}]*\}})?(?!\{{|\[|\w)", _STRING.sub('""', target["expr"]))
    assert not raw & set(bare)


@each_query
def test_a_query_is_not_too_long_for_victoriametrics(panel: Panel, target: Json) -> None:
    """It takes 16384 bytes. A selection of some pools and units makes a query longer than "All" does."""
    selected = dict.fromkeys(all_of(DASHBOARDS[panel.uid]), "(mx1|mx2)")
    assert len(filled(target["expr"], selected, 0)) < 16384


@each_query
def test_graphs_of_units_are_limited(panel: Panel, target: Json) -> None:
    """Otherwise eighty units would make a legend of eighty rows."""
    if panel.json["type"] == "timeseries" and "{{instance}}" in target["legendFormat"]:
        assert "topk(" in target["expr"]


@each_panel
def test_a_limited_graph_says_so(panel: Panel) -> None:
    counts = {each for target in panel.targets for each in re.findall(r"\btopk\((\d+)", target["expr"])}
    if panel.json["type"] == "timeseries" and counts:
        assert re.findall(
            r" At most (\d+) \w+ are shown(?: for each figure)?: those where ", panel.json["description"]
        ) == [*counts]


def test_a_state_has_the_same_colour_everywhere() -> None:
    """Unknown and unmonitored states have colours that no other state has."""
    states = [value for signal in SIGNALS.values() for value in signal.words]
    told = {colour: {each.word for each in states if each.colour == colour} for colour in palette.COLOURS}
    assert told[palette.UNREACHABLE] == {
        "Unreachable",
        "Unit unreachable",
        "Unknown",
        "Login refused",
        "Arrivals unknown",
        "Destinations unknown",
        "Hardware unknown",
    }
    assert told[palette.UNWATCHED] == {"Not monitored", "Unit not monitored"}
    colours: dict[str, set[str]] = {}
    for each in states:
        colours.setdefault(each.word, set()).add(each.colour)
    assert {words for words, own in colours.items() if len(own) > 1} == set()


@pytest.mark.parametrize("signal", [units.UNIT_STATE, monitoring.SOURCE_STATE], ids=lambda signal: signal.name)
def test_what_is_not_known_has_the_word_of_its_verdict(signal: Signal) -> None:
    known = {each.word for each in verdicts.VERDICTS}
    unknown = {each.word for each in signal.words if each.colour in (palette.UNREACHABLE, palette.UNWATCHED)}
    assert unknown <= known


def test_the_description_of_the_states_explains_each_word() -> None:
    told = units.UNIT_STATE.description.lower()
    assert [each.word for each in units.UNIT_STATE.words if each.word.lower() not in told] == ["OK"]


@each_panel
def test_a_forecast_is_called_one(panel: Panel) -> None:
    """The wait of mail that arrives now is no measured wait."""
    headings = panel.json["transformations"][-1]["options"]["renameByName"] if panel.json["type"] == "table" else {}
    for target in panel.targets:
        if "wait_seconds:estimate3m" in target["expr"]:
            assert "forecast" in headings.get(f"Value #{target['refId']}", panel.title).lower()


@each_panel
def test_a_graph_without_names_says_what_it_adds_up(panel: Panel) -> None:
    if panel.json["type"] == "timeseries" and not panel.json.get("repeat"):
        of_places = [each for each in panel.targets if "ironport_exporter_" not in each["expr"]]
        if of_places and not re.search(
            r"\{\{(?!result|reason|code)", "".join(each["legendFormat"] for each in of_places)
        ):
            assert re.search(r"\ball selected (units|pools)\b", panel.json["description"])


def of_the_wall(title: str) -> Panel:
    return next(each for each in PANELS if each.uid == "ironport-fleet" and each.json["title"] == title)


def test_the_states_of_the_units_are_seen_without_scrolling() -> None:
    """A page of 1080 pixels has room for 22 rows below Grafana's own bars and those of a browser; a row has 38."""
    position = of_the_wall("State").json["gridPos"]
    assert position["y"] + position["h"] <= 22


@pytest.mark.parametrize("title", ["Work queue", "Arrivals of each pool and what is usual"])
def test_the_first_graphs_are_seen_whole_on_the_screen_on_the_wall(title: str) -> None:
    """Without Grafana's own bars, 1080 pixels are 28 rows and the margin above them."""
    position = of_the_wall(title).json["gridPos"]
    assert position["y"] + position["h"] <= 28


def test_a_flood_fits_the_firing_alerts() -> None:
    """It has eight alerts; a row has 36 pixels, and the title and the headings 76."""
    assert of_the_wall("Firing alerts").json["gridPos"]["h"] * 38 - 8 >= 76 + 8 * 36


def test_a_short_wait_is_not_green_while_delivery_may_fail() -> None:
    steps = of_the_wall("Queue wait, forecast").json["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[0]["color"] == palette.NOTHING
    assert not {palette.GOOD, palette.behind_text(palette.GOOD)} & {each["color"] for each in steps}


def test_the_verdict_of_the_wall_names_its_pool_and_what_it_is_about() -> None:
    """Without sizes, a long word would be too small to read."""
    panel = of_the_wall("Verdict")
    assert panel.json["options"]["textMode"] == "value_and_name"
    assert panel.json["options"]["text"]["valueSize"] >= 24
    assert [each["legendFormat"] for each in panel.targets] == ["{{pool}} {{instance}}${of_job}"]


def test_the_first_step_of_every_verdict_has_room_in_its_tile() -> None:
    """Four lines of 18 pixels, with 9 pixels for a letter, on a screen of 1440 pixels beside the open menu."""
    panel = of_the_wall("First step")
    assert panel.json["options"]["text"]["valueSize"] == 18
    letters = int((LEAST_PIXELS * panel.json["gridPos"]["w"] / 24 - 40) / 9)
    lines = {each.word: len(textwrap.wrap(each.word, letters)) for each in verdicts.FIRST_STEPS}
    assert {word for word, number in lines.items() if number > 4} == set()


@each_panel
def test_the_axis_of_a_long_duration_has_round_marks(panel: Panel) -> None:
    """Grafana would write 100 seconds as 1.67 mins. Polls take less than a second."""
    if panel.json["type"] == "timeseries" and "poll" not in panel.json["title"].lower():
        assert panel.json["fieldConfig"]["defaults"]["unit"] not in ("s", "m")


@each_panel
def test_the_axis_of_zeros_is_short(panel: Panel) -> None:
    """Grafana's would reach to 100, for minutes and for units."""
    defaults = panel.json["fieldConfig"]["defaults"]
    if panel.json["type"] == "timeseries":
        is_counted = defaults["unit"] == "none" and defaults.get("decimals") == 0
        least = defaults["custom"].get("axisSoftMax")
        assert (least == 5) == (is_counted or defaults["unit"] == "suffix:min")


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
def test_a_signal_is_filtered_by_its_dimension(signal: Signal) -> None:
    """A sum over the fleet may be filtered by anything, the exporter's own series by nothing."""
    named = thresholds.names(signal.expression) & matchers(()).keys()
    wanted = {"sensors": "units"}.get(signal.dimension.plural, signal.dimension.plural)
    if wanted == "exporters":
        assert not named
    else:
        assert named if wanted == "fleet" else wanted in named


def test_every_signal_is_shown() -> None:
    shown = {_without_filters(target["expr"]) for _, target in QUERIES}
    expressions = {
        name: _without_filters(thresholds.fill(signal.expression, dict.fromkeys(matchers(()), "")))
        for name, signal in SIGNALS.items()
    }
    assert not [name for name, expression in expressions.items() if not any(expression in each for each in shown)]


def _without_filters(expression: str) -> str:
    return re.sub(r',?\w+=~"\$\w+\|?"', "", expression).replace("{,", "{").replace(",}", "}")


def test_every_verdict_names_existing_alerts() -> None:
    known = {rule.alert for rule in RULES}
    assert {alert for verdict in verdicts.VERDICTS for alert in verdict.alerts} <= known


def test_the_most_serious_verdict_has_the_largest_code() -> None:
    codes = [state.code for state in verdicts.WORDS]
    assert codes == sorted(set(codes), reverse=True)


# --- room ------------------------------------------------------------------------------------------------------------

TABLES: Final = [panel for panel in PANELS if panel.json["type"] == "table"]
each_table: Final = pytest.mark.parametrize("panel", TABLES, ids=str)


@each_table
def test_a_table_fits_its_panel(panel: Panel) -> None:
    """Columns with a least width share what the others leave, even if that is less than another one needs."""
    assert sum(widths(panel).values()) <= room(panel) + 1


@each_table
def test_no_heading_is_wider_than_its_column(panel: Panel) -> None:
    """Headings break between words."""
    shown = panel.json["transformations"][-1]["options"]["renameByName"].values()
    known = widths(panel) | dict.fromkeys(("job", *overrides(panel, "custom.hidden")), LEAST_PIXELS)
    for title in shown:
        assert known[title] >= 7.5 * max(map(len, title.split())) + 24, title


@each_table
def test_no_figure_is_wider_than_its_column(panel: Panel) -> None:
    """A figure that is cut at the left is another figure."""
    least = {"s": 71, "short": 71, "suffix:/s": 79, "percentunit": 56}
    for title, unit in overrides(panel, "unit").items():
        assert widths(panel).get(title, LEAST_PIXELS) >= least.get(unit, 0), title
        assert not re.match(r"suffix:\w+/s", unit), title


@each_table
def test_no_word_is_wider_than_its_column(panel: Panel) -> None:
    options, known = overrides(panel, "custom.cellOptions"), widths(panel)
    for title, mappings in overrides(panel, "mappings").items():
        longest = max((len(each.get("text", "")) for each in _results(mappings)), default=0)
        lines = 2 if options.get(title, {}).get("wrapText") else 1
        assert title not in known or lines * (known[title] - 18) >= 6.9 * longest, title


def _results(mappings: list[Json]) -> Iterator[Json]:
    for mapping in mappings:
        yield from mapping["options"].values() if mapping["type"] == "value" else [mapping["options"]["result"]]


@each_table
def test_a_table_of_units_or_pools_shows_all_of_a_usual_fleet(panel: Panel) -> None:
    """The tables of one unit, and of parts and exporters, are lower."""
    row = {"sm": 36, "md": 42}[panel.json["options"].get("cellHeight") or "sm"]
    rows = (panel.json["gridPos"]["h"] * 38 - 8 - 40 - 58) // row
    shown = panel.json["transformations"][-1]["options"]["renameByName"]
    least = 6 if "pool" in shown and panel.uid not in ("ironport-unit", "ironport-capacity") else 2
    assert rows >= (3 if panel.title in ("Pools", "What to do next") else least)
    assert rows >= 9 or panel.title not in ("Units", "Peers", "What each unit looks like", "Delivery queue by unit")


@each_panel
def test_units_of_events_are_words(panel: Panel) -> None:
    assert panel.json["fieldConfig"]["defaults"].get("unit") not in ("cps", "mps", "ops")


@each_panel
def test_legends_are_below_the_graph(panel: Panel) -> None:
    if panel.json["type"] == "timeseries":
        legend = panel.json["options"]["legend"]
        assert (legend["placement"], legend["displayMode"]) == ("bottom", "list")


@each_panel
def test_axes_of_time_have_no_rounded_marks(panel: Panel) -> None:
    """With a fixed number of decimals, several marks would say "1 min"."""
    defaults = panel.json["fieldConfig"]["defaults"]
    if panel.json["type"] == "timeseries" and defaults["unit"] in ("s", "m", "percentunit"):
        assert "decimals" not in defaults


@each_dashboard
def test_legends_name_the_job_only_if_there_are_several(dashboard: Json) -> None:
    (ending,) = (each for each in dashboard["templating"]["list"] if each["name"] == "of_job")
    assert (ending["hide"], ending["regex"]) == (2, '/legend="([^"]*)"/')
    assert "> 1" in ending["definition"]
    assert not [each for each in every(dashboard) if "({{job}})" in str(each.get("legendFormat", ""))]


NOT_SHOWN: Final[Mapping[str, str]] = {
    "ironport_source_age_seconds": "the age of a shared poll, for a person who reads a single probe",
    "ironport_source_requests": "the exporter's own totals are shown",
    "ironport_message_ids_total": "rejected transactions use ids too, so that it is no volume",
    "ironport_delivery_connections_total": "the open connections are shown",
    "ironport_global_unsubscribe_hits_total": "counts mail that an administrator has chosen to drop",
    "ironport_mail_rate_per_second": "the appliance's own averages: rates of the counters are shown",
    "ironport_status_page_info": "the build and the host name, which nobody compares over time",
    "ironport_snmp_agent_uptime_seconds": "the uptime of the unit is shown",
    "ironport_snmp_cpu_utilization_ratio": "covers only 5 seconds, in which the agent itself is busy",
    "ironport_dns_operations_total": "needs the optional page dnsstatus; DNS requests that wait are shown",
    "ironport_feature_key_perpetual": "such a key never expires",
}
"""Families that stand on no dashboard and in no rule, with the reason."""


def test_every_family_has_a_use_or_a_reason() -> None:
    read = set().union(*(rule.names for rule in RULES), *(metrics(target["expr"]) for _, target in QUERIES))
    place = "a dashboard, or with a reason to NOT_SHOWN in tests/dashboards/test_lint.py"
    assert_complete((read & {family.name for family in FAMILIES}) | NOT_SHOWN.keys(), {f.name for f in FAMILIES}, place)
    assert not read & NOT_SHOWN.keys()


@each_panel
def test_no_title_is_wider_than_its_panel(panel: Panel) -> None:
    """Beside the title is the sign that shows the description. A title with a variable has the whole width."""
    assert len(panel.title) * 6.8 + 86 <= LEAST_PIXELS * panel.json["gridPos"]["w"] / 24


STATS: Final = [panel for panel in PANELS if panel.json["type"] == "stat"]


@pytest.mark.parametrize("panel", STATS, ids=str)
def test_the_reason_for_a_missing_figure_can_be_read(panel: Panel) -> None:
    """Grafana writes the text of a tile in one size that fits its width: 40 letters would have 8 pixels."""
    assert len(panel.json["fieldConfig"]["defaults"]["noValue"]) <= 7 * panel.json["gridPos"]["w"]


UNNAMED: Final[Mapping[str, str]] = {
    "fleet: Queue wait, forecast": "the verdict beside it names the unit, the table below the pool",
    "fleet: First step": "the verdict beside it names the pool and the unit",
    "capacity: Conservation": "it is mostly 0, for all pools",
    "capacity: Long queues": "it is mostly 0, for all pools",
    "capacity: History": "it is the same for all pools",
    "management: Longest wait": "the table below names the pool",
}
"""Tiles with the worst figure of several units or pools that do not name it, with the reason."""


@pytest.mark.parametrize("panel", STATS, ids=str)
def test_the_worst_figure_of_several_has_a_name(panel: Panel) -> None:
    (query, *_) = (target["expr"] for target in panel.targets)
    assert (re.match(r"(max|min) \(", query) is not None) == (str(panel) in UNNAMED)
    if re.match(r"(top|bottom)k ?\(1,", query):
        assert panel.json["options"]["textMode"] == "value_and_name"


@pytest.mark.parametrize("panel", STATS, ids=str)
def test_a_name_stands_above_its_figure(panel: Panel) -> None:
    """In a wide tile, Grafana would write both beside each other, and so smaller."""
    assert panel.json["options"]["wideLayout"] is False


@each_panel
def test_a_text_is_not_cut(panel: Panel) -> None:
    """Beside the open menu, a line has about 145 letters and 22.3 pixels."""
    if panel.json["type"] == "text":
        paragraphs = re.split(r"\n(?=- )", panel.json["options"]["content"].strip())
        lines = sum(-(-len(each) // 145) for each in paragraphs)
        assert lines * 22.3 + 68 <= panel.json["gridPos"]["h"] * 38 - 8


@each_panel
def test_no_data_is_no_state_of_a_timeline(panel: Panel) -> None:
    """Grafana would add the text to the legend, in a colour that no band has."""
    if panel.json["type"] == "state-timeline":
        assert "noValue" not in panel.json["fieldConfig"]["defaults"]


@each_panel
def test_lines_have_colours_in_order(panel: Panel) -> None:
    """Colours by name are alike for some names; in the order of their names, the lines of a graph differ."""
    if panel.json["type"] == "timeseries":
        assert panel.json["fieldConfig"]["defaults"]["color"]["mode"] == "palette-classic"


@each_table
def test_an_empty_table_says_why(panel: Panel) -> None:
    """Several queries without data make a table without rows, which Grafana shows without the text."""
    transformations = [each["id"] for each in panel.json["transformations"]]
    has_reason = panel.json["fieldConfig"]["defaults"]["noValue"] != "-" and len(panel.targets) > 1
    assert transformations == ["merge", *(["partitionByValues"] if has_reason else []), "organize"]


@each_table
def test_links_in_tables_keep_time_and_data_source(panel: Panel) -> None:
    addresses = [link["url"] for links in overrides(panel, "links").values() for link in links]
    for address in addresses:
        if address.startswith("/d/"):
            assert "?${datasource:queryparam}&${__url_time_range}" in address
            assert "&var-job=${__data.fields.job}" in address
        else:
            assert address.startswith(str(thresholds.read_thresholds()["runbooks"])), "not relative, and no runbook"
