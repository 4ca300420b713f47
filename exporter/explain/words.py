"""The words for figures: a table of the recorded series, and how PromQL around them is read aloud."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from exporter.explain.conditions import is_truth
from exporter.explain.promql import AND, COMPARISON, OR, PRODUCT, SUM, CallParts, names_in, operands, parse_call
from exporter.metrics.catalog import FAMILIES
from exporter.prometheus.durations import format_duration, parse_duration


@dataclass(frozen=True, slots=True)
class FigureWords:
    """What a figure is called."""

    words: str
    unit: str = ""
    """Empty for shares and ratios."""
    above: str = ""
    """What it means if the figure is over its limit, or the condition holds."""
    below: str = ""
    """What it means if it is not."""
    conditions: bool = True
    """Whether it helps to show the conditions behind it."""


FIGURE_WORDS: Final = {
    # --- a unit ---
    "ironport_work_queue_messages": FigureWords("work queue", "messages"),
    "ironport_source_up": FigureWords("a source answers"),
    "ironport_messages_injected_total": FigureWords("arrivals", "/s"),
    "instance:ironport_work_queue_messages:last3m": FigureWords("work queue", "messages"),
    "instance:ironport_work_queue_wait_seconds:estimate3m": FigureWords("wait", "s"),
    "instance:ironport_work_queue_growth_messages:rate3m": FigureWords(
        "growth of the work queue", "/s", "the queue grows", "the queue does not grow"
    ),
    "instance:ironport_work_queue_exit_messages:rate3m": FigureWords("exit rate", "/s"),
    "instance:ironport_work_queue_exit_messages:rate6m": FigureWords("exit rate over 6 min", "/s"),
    "instance:ironport_work_queue_exit_messages:ratio_rated3m": FigureWords(
        "exit rate / rated", "", "too much demand", "slow service"
    ),
    "instance:ironport_work_queue_exit_messages:ratio_rated6m": FigureWords(
        "exit rate / rated over 6 min", "", "too much demand", "slow service"
    ),
    "instance:ironport_rated_messages:rate": FigureWords("rated", "/s"),
    "instance:ironport_rated_messages:rate_or_zero": FigureWords("rated", "/s"),
    "instance:ironport_messages_injected:rate3m": FigureWords("arrivals", "/s"),
    "instance:ironport_messages_injected:irate3m": FigureWords("arrivals in the last two samples", "/s"),
    "instance:ironport_messages_injected:rate1h_before": FigureWords("arrivals in the hour before", "/s"),
    "instance:ironport_messages_injected:ratio_rated3m": FigureWords("arrivals / rated"),
    "instance:ironport_messages_injected:ratio_peers3m": FigureWords(
        "arrivals / rated, divided by that of its peers", "", "far more than its peers", "about as much as its peers"
    ),
    "instance:ironport_messages_injected:heavy_peers3m": FigureWords("heavy sender"),
    "instance:ironport_messages_injected_shifted:bool": FigureWords(
        "mail shifted from peers", "", "a shift", "new mail"
    ),
    "instance:ironport_messages_injected:rise3m": FigureWords("rise of the arrivals above the hour before", "/s"),
    "instance:ironport_messages_injected:rate3m_or_silent": FigureWords("arrivals (0 if silent)", "/s"),
    "instance:ironport_silent:bool": FigureWords("silent"),
    "instance:ironport_in_service:bool": FigureWords("in service", conditions=False),
    "instance:ironport_work_queue_backlogged:bool": FigureWords("backlogged"),
    "instance:ironport_work_queue_filling:bool": FigureWords("filling"),
    "instance:ironport_work_queue_crawling:bool": FigureWords("crawling"),
    "instance:ironport_work_queue_slow:bool": FigureWords("slow"),
    "instance:ironport_work_queue_stalled:bool": FigureWords("stalled"),
    "instance:ironport_work_queue_high:bool": FigureWords("long work queue"),
    "instance:ironport_resource_conservation:bool": FigureWords("resource conservation", conditions=False),
    "instance:ironport_not_accepting:bool": FigureWords("refuses mail"),
    "instance:ironport_source_up:max3m": FigureWords("answers by SNMP or XML"),
    "ironport_online": FigureWords("online"),
    "instance:ironport_recipients_hard_bounced:ratio5m": FigureWords("hard bounces / completed recipients"),
    "instance:ironport_delivery_queue_recipients:last5m": FigureWords("recipients in the delivery queue"),
    "instance:ironport_injection_connections:rate3m": FigureWords("new connections", "/s"),
    # --- a pool ---
    "pool:ironport_messages_injected:rate3m": FigureWords("arrivals of the pool", "/s"),
    "pool:ironport_messages_injected:rate1h": FigureWords("arrivals of the pool over an hour", "/s"),
    "pool:ironport_messages_injected:rate1h_usual_high": FigureWords("usual arrivals of the pool", "/s"),
    "pool:ironport_messages_injected:rate1h_usual_low": FigureWords("usual arrivals of the pool", "/s"),
    "pool:ironport_messages_injected:ratio_usual3m": FigureWords(
        "arrivals of the pool / usual", "", "more than usual", "not more than usual"
    ),
    "pool:ironport_messages_injected:ratio_usual_latest": FigureWords(
        "arrivals of the pool in the last two samples / usual", "", "more than usual", "not more than usual"
    ),
    "pool:ironport_attack_arrivals:bool": FigureWords(
        "as much mail as in an attack", "", "more than usual", "not more than usual"
    ),
    "pool:ironport_sudden_arrivals:bool": FigureWords("sudden flood"),
    "pool:ironport_units_reachable:count": FigureWords("reachable units"),
    "pool:ironport_units_reachable:trouble_limit": FigureWords("a third of the reachable units, but at least 2"),
    "pool:ironport_work_queue_backlogged:count": FigureWords("backlogged units", "", "many", "few"),
    "pool:ironport_work_queue_filling:count": FigureWords("filling units", "", "many", "few"),
    "pool:ironport_work_queue_slow:count": FigureWords("slow units"),
    "pool:ironport_work_queue_growth_messages:rate3m": FigureWords(
        "growth of the pool's work queues", "/s", "the queues grow", "the queues do not grow"
    ),
    "pool:ironport_work_queue_exit_messages:ratio_rated_backlogged3m": FigureWords(
        "exit rate / rated of the backlogged units", "", "too much demand", "slow service"
    ),
    "pool:ironport_work_queue_high:count": FigureWords("units with a long work queue"),
    "pool:ironport_injection_connections:rate3m": FigureWords("new connections of the pool", "/s"),
    "pool:ironport_injection_connections:ratio_usual3m": FigureWords("new connections of the pool / usual"),
    "pool:ironport_injection_connections:ratio_mail3m": FigureWords("rise of connections / rise of mail"),
    "pool:ironport_recipients_rejected:rate3m": FigureWords("rejected recipients", "/s"),
    "pool:ironport_recipients_rejected:rate1h_busy2w": FigureWords("rejected recipients in busy hours", "/s"),
    "pool:ironport_recipients_rejected:ratio3m": FigureWords("rejected / all recipients"),
    "pool:ironport_recipients_bounce_generated:rate3m": FigureWords("generated bounces", "/s"),
    "pool:ironport_recipients_bounce_generated:rate1h_busy2w": FigureWords("generated bounces in busy hours", "/s"),
    "pool:ironport_delivery_queue_recipients:last5m": FigureWords("recipients in the delivery queues"),
    "pool:ironport_delivery_queue_recipients:mean1h_usual": FigureWords("usual recipients in the delivery queues"),
    "pool:ironport_recipients_completed:ratio_injected15m": FigureWords("completed / injected recipients"),
    "pool:ironport_available_capacity_messages:rate": FigureWords("capacity of the units that can be reached", "/s"),
    "pool:ironport_work_queue_troubled:bool": FigureWords("pool in trouble", "", "many units", "not enough units"),
}
"""By series. A metric of the exporter that is not here has the words of the catalogue."""

_CATALOGUE: Final = {family.name: FigureWords(family.meaning.partition(" (")[0]) for family in FAMILIES}

_OVER_TIME: Final = {
    "min_over_time": "lowest of",
    "max_over_time": "highest of",
    "avg_over_time": "mean of",
    "last_over_time": "",
    "delta": "growth in",
    "deriv": "growth a second in",
    "rate": "rate over",
    "irate": "per second in the last two samples of",
    "quantile_over_time": "high quantile of",
    "count_over_time": "samples in",
}
"""The words for a function of a window, before the window; the newest sample needs none."""

_TRUE_OVER_TIME: Final = {"min_over_time": "all the time for", "max_over_time": "at any time in"}
"""The same for a condition, which is 0 or 1."""

_AGGREGATIONS: Final = {
    "sum": "sum of",
    "max": "highest",
    "min": "lowest",
    "avg": "mean",
    "count": "number of units:",
    "group": "",
}

_SELECTOR: Final = re.compile(r"([a-zA-Z_:][\w:]*)(\{[^}]*\})?(?:\[(\w+)(?::\w*)?\])?(?: offset (\w+))?")


@cache
def figure_words(expression: str) -> FigureWords:
    """Return what is known of the first series in an expression that has words."""
    return next((found for name in names_in(expression) if (found := _series(name))), FigureWords(expression))


@cache
def unit(expression: str) -> str:
    """Return the unit of an expression's value: that of its series, unless it counts or divides."""
    call = parse_call(expression)
    if (call and call.function == "count") or "/" in (part.operator for part in operands(expression, PRODUCT)):
        return ""
    return figure_words(expression).unit


@cache
def words(expression: str) -> str:
    """Return the words for an expression; what only chooses among its series is left out."""
    if len(parts := operands(expression, AND)) > 1:
        return words(parts[0].text)
    for operators in (OR, COMPARISON, SUM, PRODUCT):
        if len(parts := operands(expression, operators)) > 1:
            joined = "and" if operators is PRODUCT and is_truth(expression) else ""
            found = ((joined or part.operator) * bool(part.operator) + f" {_grouped(part.text)}" for part in parts)
            return " ".join(found).strip()
    if call := parse_call(expression):
        return _call_words(call)
    match = _SELECTOR.fullmatch(expression)
    return _selector_words(match) if match else expression


def _grouped(text: str) -> str:
    """Return the words for an operand; a sum or a choice in it needs its parentheses."""
    found = words(text)
    return f"({found})" if any(len(operands(text, operators)) > 1 for operators in (OR, SUM)) else found


def _call_words(call: CallParts) -> str:
    if call.function in _OVER_TIME:
        window = re.search(r"\[(\w+)", call.argument)
        how = (is_truth(call.argument) and _TRUE_OVER_TIME.get(call.function)) or _OVER_TIME[call.function]
        return f"{words(call.argument)}, {how} {spelled(window[1])}" if how and window else words(call.argument)
    if call.function == "clamp_min":
        *_, first, lowest = _arguments(call.argument)
        return f"{words(first)}, but at least {lowest}"
    if call.function == "predict_linear":
        series, seconds = _arguments(call.argument)
        return f"{words(series)}, expected in {spelled(f'{seconds}s')}"
    if call.function == "count" and len(operands(call.argument, COMPARISON)) > 1:
        return f"number of units with ({words(call.argument)})"
    if call.function == "max" and is_truth(call.argument):
        return f"on a unit: {words(call.argument)}"
    if call.function in _AGGREGATIONS:
        return f"{_AGGREGATIONS[call.function]} {words(call.argument)}".strip()
    return f"{call.function}({words(call.argument)})"


def _arguments(text: str) -> list[str]:
    first, _, last = text.rpartition(", ")
    return [first, last]


def _selector_words(match: re.Match[str]) -> str:
    name, matchers, _, offset = match.groups()
    known = _series(name)
    ago = f", {spelled(offset)} ago" if offset else ""
    return f"{known.words if known else name}{matchers if matchers and not known else ''}{ago}"


def _series(name: str) -> FigureWords | None:
    return FIGURE_WORDS.get(name) or _CATALOGUE.get(name)


def spelled(window: str) -> str:
    """Return a window as people write it: 2 min, not 2m."""
    text = format_duration(parse_duration(window))
    return re.sub(r"(\d+)([a-z])", lambda part: f"{part[1]} {_UNITS[part[2]]} ", text).strip()


_UNITS: Final = {"s": "s", "m": "min", "h": "h", "d": "d"}
