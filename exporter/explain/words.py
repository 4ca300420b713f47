"""The words for figures: a table of the recorded series, and how PromQL around them is read aloud."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from exporter.explain.conditions import is_truth
from exporter.explain.promql import (
    AND,
    COMPARISON,
    OR,
    PRODUCT,
    SUM,
    CallParts,
    Operand,
    names_in,
    operands,
    parse_call,
)
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
    times: str = ""
    """The words after a number that the figure is multiplied by."""


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
    "instance:ironport_work_queue_exit_messages:rate6m": FigureWords(
        "exit rate over 6 min", "/s", times="s of mail at the exit rate over 6 min"
    ),
    "instance:ironport_work_queue_exit_messages:ratio_rated3m": FigureWords(
        "exit rate / rated", "", "full speed", "less than full speed"
    ),
    "instance:ironport_work_queue_exit_messages:ratio_rated6m": FigureWords(
        "exit rate over 6 min / rated", "", "full speed", "less than full speed"
    ),
    "instance:ironport_rated_messages:rate": FigureWords("rated", "/s", times="s of rated work"),
    "instance:ironport_rated_messages:rate_or_zero": FigureWords("rated", "/s", times="s of rated work"),
    "instance:ironport_messages_injected:rate3m": FigureWords("arrivals", "/s"),
    "instance:ironport_messages_injected:irate3m": FigureWords("arrivals (last two samples)", "/s"),
    "instance:ironport_messages_injected:rate1h_before": FigureWords("arrivals (hour before)", "/s"),
    "instance:ironport_messages_injected:ratio_rated3m": FigureWords("arrivals / rated"),
    "instance:ironport_messages_injected:ratio_peers3m": FigureWords(
        "arrivals / rated, as a multiple of the mean of its peers",
        "",
        "far more than its peers",
        "about as much as its peers",
    ),
    "instance:ironport_messages_injected:heavy_peers3m": FigureWords("heavy sender"),
    "instance:ironport_messages_injected_shifted:bool": FigureWords(
        "mail has moved here from peers", "", "not new mail", "new mail"
    ),
    "instance:ironport_messages_injected:rise3m": FigureWords("rise of the arrivals since the hour before", "/s"),
    "instance:ironport_messages_injected:rate3m_or_silent": FigureWords("arrivals (0 if silent)", "/s"),
    "instance:ironport_silent:bool": FigureWords("silent (no arrivals)"),
    "instance:ironport_in_service:bool": FigureWords("in service", conditions=False),
    "instance:ironport_work_queue_backlogged:bool": FigureWords("backlogged"),
    "instance:ironport_work_queue_filling:bool": FigureWords("filling"),
    "instance:ironport_work_queue_crawling:bool": FigureWords("crawling"),
    "instance:ironport_work_queue_slow:bool": FigureWords("slow"),
    "instance:ironport_work_queue_stalled:bool": FigureWords("stalled"),
    "instance:ironport_work_queue_high:bool": FigureWords("long work queue"),
    "instance:ironport_resource_conservation:bool": FigureWords("resource conservation", conditions=False),
    "instance:ironport_not_accepting:bool": FigureWords("mail refused"),
    "instance:ironport_source_up:max3m": FigureWords("answers by SNMP or XML"),
    "ironport_online": FigureWords("online"),
    "ironport_connections": FigureWords("connections"),
    "ironport_connection_limit": FigureWords("connection limit"),
    "ironport_delivery_queue_recipients": FigureWords("recipients in the delivery queue"),
    "ironport_recipients_completed_total": FigureWords("finished recipients", "/s"),
    "ironport_oldest_message_age_seconds": FigureWords("age of the oldest message", "s"),
    "ironport_quarantine_messages": FigureWords("messages in quarantine"),
    "instance:ironport_work_queue_draining:bool": FigureWords("queue empty within an hour", conditions=False),
    "instance:ironport_delivery_starved_recipients:min4m": FigureWords("delivery slower than the arrivals"),
    "instance:ironport_recipients_hard_bounced:ratio5m": FigureWords("hard bounces / completed recipients"),
    "instance:ironport_delivery_queue_recipients:last5m": FigureWords("recipients in the delivery queue"),
    "instance:ironport_injection_connections:rate3m": FigureWords("new connections", "/s"),
    # --- a pool ---
    "pool:ironport_messages_injected:rate3m": FigureWords("arrivals of the pool", "/s"),
    "pool:ironport_messages_injected:rate1h": FigureWords("arrivals of the pool (one hour)", "/s"),
    "pool:ironport_messages_injected:rate1h_usual_high": FigureWords("usual arrivals of the pool", "/s"),
    "pool:ironport_messages_injected:rate1h_usual_low": FigureWords("usual arrivals of the pool", "/s"),
    "pool:ironport_messages_injected:ratio_usual3m": FigureWords(
        "arrivals of the pool / usual", "", "more than usual", "not more than usual"
    ),
    "pool:ironport_messages_injected:ratio_usual_latest": FigureWords(
        "arrivals of the pool (last two samples) / usual", "", "more than usual", "not more than usual"
    ),
    "pool:ironport_attack_arrivals:bool": FigureWords(
        "as much mail as in an attack", "", "more than usual", "not more than usual"
    ),
    "pool:ironport_attack_arrivals:last15m": FigureWords("in the last 15 minutes, as much mail as in an attack"),
    "pool:ironport_attack_arrivals:limit": FigureWords("the attack limit"),
    "pool:ironport_units_missing:count": FigureWords("missing units"),
    "pool:ironport_sudden_arrivals:bool": FigureWords("sudden flood"),
    "pool:ironport_units_reachable:count": FigureWords("reachable units", times="of the reachable units"),
    "pool:ironport_units_reachable:trouble_limit": FigureWords("a third of the reachable units, but at least 2"),
    "pool:ironport_work_queue_backlogged:count": FigureWords("backlogged units", "", "enough", "too few"),
    "pool:ironport_work_queue_filling:count": FigureWords("filling units", "", "enough", "too few"),
    "pool:ironport_work_queue_slow:count": FigureWords("slow units"),
    "pool:ironport_work_queue_growth_messages:rate3m": FigureWords(
        "growth of the pool's work queues", "/s", "the queues grow", "the queues do not grow"
    ),
    "pool:ironport_work_queue_exit_messages:ratio_rated_backlogged3m": FigureWords(
        "exit rate / rated (backlogged units)", "", "full speed", "less than full speed"
    ),
    "pool:ironport_work_queue_high:count": FigureWords("units with a long work queue"),
    "pool:ironport_injection_connections:rate3m": FigureWords("new connections of the pool", "/s"),
    "pool:ironport_injection_connections:ratio_usual3m": FigureWords("new connections of the pool / usual"),
    "pool:ironport_injection_connections:ratio_mail3m": FigureWords("connections / usual, divided by mail / usual"),
    "pool:ironport_recipients_rejected:rate3m": FigureWords("rejected recipients", "/s"),
    "pool:ironport_recipients_rejected:rate1h_busy2w": FigureWords("rejected recipients in busy hours", "/s"),
    "pool:ironport_recipients_rejected:ratio3m": FigureWords("rejected / all recipients"),
    "pool:ironport_recipients_bounce_generated:rate3m": FigureWords("generated bounces", "/s"),
    "pool:ironport_recipients_bounce_generated:rate1h_busy2w": FigureWords("generated bounces in busy hours", "/s"),
    "pool:ironport_delivery_queue_recipients:last5m": FigureWords("recipients in the delivery queues"),
    "pool:ironport_delivery_queue_recipients:mean1h_usual": FigureWords("usual recipients in the delivery queues"),
    "pool:ironport_recipients_completed:ratio_injected15m": FigureWords("completed / injected recipients"),
    "pool:ironport_delivery_queue_recipients:backlog10m": FigureWords("delivery backlog"),
    "pool:ironport_destination_active_recipients:last5m": FigureWords("recipients waiting for the destination"),
    "pool:ironport_destination_stuck_recipients:min3m": FigureWords("stuck recipients"),
    "pool:ironport_destination_dead_recipients:last5m": FigureWords(
        "recipients waiting for a destination that has been down for a week"
    ),
    "ironport_destination_delivered_recipients_total": FigureWords("recipients delivered to the destination", "/s"),
    "pool:ironport_available_capacity_messages:rate": FigureWords("capacity of the available units", "/s"),
    "pool:ironport_work_queue_troubled:bool": FigureWords("pool in trouble"),
}
"""By series. A metric of the exporter that is not here has the words of the catalogue."""

_CATALOGUE: Final = {family.name: FigureWords(family.meaning.partition(" (")[0]) for family in FAMILIES}

_OVER_TIME: Final = {
    "min_over_time": "lowest in",
    "max_over_time": "highest in",
    "avg_over_time": "mean over",
    "last_over_time": "",
    "delta": "growth in",
    "deriv": "growth per second over",
    "rate": "rate over",
    "irate": "last two samples in",
    "quantile_over_time": "high quantile over",
    "count_over_time": "samples in",
}
"""The words for a function of a window, before the window; the newest sample needs none."""

_TRUE_OVER_TIME: Final = {"min_over_time": "all the time for", "max_over_time": "at any time in"}
"""The same for a condition, which is 0 or 1."""

_AGGREGATIONS: Final = {
    "sum": "sum of all units:",
    "max": "highest of all units:",
    "min": "lowest of all units:",
    "avg": "mean of all units:",
    "group": "",
}

_SELECTOR: Final = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?(?:\[\w+(?::\w*)?\])?(?: offset (\w+))?")
_MATCHER: Final = re.compile(r'\w+(!?)="([^"]+)"')


@cache
def figure_words(expression: str) -> FigureWords:
    """Return what is known of the first series in an expression that has words."""
    return _first_known(expression) or FigureWords(expression)


@cache
def unit(expression: str) -> str:
    """Return the unit of an expression's value: that of its series, unless it counts or divides."""
    call = parse_call(expression)
    counts = call and call.function in ("count", "count_over_time")
    if counts or "/" in (part.operator for part in operands(expression, PRODUCT)):
        return ""
    known = figure_words(expression).unit
    return f"{known}/s" if call and call.function == "deriv" else known


@cache
def words(expression: str) -> str:
    """Return the words for an expression; what only chooses among its series is left out."""
    if len(parts := operands(expression, AND)) > 1:
        return words(parts[0].text)
    if len(parts := operands(expression, OR)) > 1:
        return ", otherwise ".join(words(part.text) for part in parts)
    if len(parts := operands(expression, COMPARISON)) > 1:
        return " ".join([words(parts[0].text), *(_compared_words(parts[0].text, part) for part in parts[1:])])
    if len(parts := operands(expression, SUM)) > 1:
        return _joined([part for part in parts if not part.text.startswith("0 * ")])
    if len(parts := operands(expression, PRODUCT)) > 1:
        return _product_words(parts) or _joined(parts, "and" if is_truth(expression) else "")
    if call := parse_call(expression):
        return _call_words(call)
    match = _SELECTOR.fullmatch(expression)
    return _selector_words(match) if match else expression


def limits(operator: str, limit: str) -> tuple[str, ...]:
    """Return the limits of a comparison: two if the limit is the larger of two, and a figure must be above it."""
    call = parse_call(limit)
    if call and call.function == "clamp_min" and operator in (">", ">="):
        return _arguments(call.argument)
    return (limit,)


def limit_words(limit: str, figure: str) -> str:
    """Return the words for a limit; a bare number has the unit of the figure that is compared with it."""
    suffix = "" if _first_known(limit) or limit == "0" else f" {unit(figure)}"
    return f"{words(limit)}{suffix}".replace(" /s", "/s").strip()


def _first_known(expression: str) -> FigureWords | None:
    return next((found for name in names_in(expression) if (found := _series(name))), None)


def _compared_words(figure: str, part: Operand) -> str:
    found = (f"{part.operator} {limit_words(limit, figure)}" for limit in limits(part.operator, part.text))
    return " and ".join(found)


def _product_words(parts: Sequence[Operand]) -> str:
    """Return the words for a number times a figure, if it has such words, and for a number times a condition."""
    if [part.operator for part in parts] != ["", "*"]:
        return ""
    number, factor = (part.text for part in parts)
    if is_truth(factor) and not is_truth(number):
        return f"{number} if {words(factor)}"
    times = figure_words(factor).times if _SELECTOR.fullmatch(factor) else ""
    return f"{number} {times}" if times else ""


def _joined(parts: Sequence[Operand], operator: str = "") -> str:
    found = ((operator or part.operator) * bool(part.operator) + f" {_grouped(part.text)}" for part in parts)
    return " ".join(found).strip()


def _grouped(text: str) -> str:
    """Return the words for an operand; a sum or a choice in it needs its parentheses."""
    found = words(text)
    return f"({found})" if any(len(operands(text, operators)) > 1 for operators in (OR, SUM)) else found


def _call_words(call: CallParts) -> str:
    if call.function in _OVER_TIME:
        window = re.search(r"\[(\w+)", call.argument)
        how = (is_truth(call.argument) and _TRUE_OVER_TIME.get(call.function)) or _OVER_TIME[call.function]
        return f"{words(call.argument)} ({how} {spelled(window[1])})" if how and window else words(call.argument)
    if call.function == "clamp_min":
        first, lowest = _arguments(call.argument)
        return f"{words(first)}, but at least {lowest}"
    if call.function == "predict_linear":
        series, seconds = _arguments(call.argument)
        return f"{words(series)} (expected in {spelled(f'{seconds}s')})"
    if call.function == "count":
        counted = "destinations" if "_destination_" in call.argument else "units"
        compares = len(operands(call.argument, COMPARISON)) > 1
        return f"number of {counted} {'on which' if compares else 'with'} {words(call.argument)}"
    if call.function == "max" and is_truth(call.argument):
        return f"on at least one unit: {words(call.argument)}"
    if call.function == "sum" and call.grouping == "without":
        return words(call.argument)
    if call.function in _AGGREGATIONS:
        return f"{_AGGREGATIONS[call.function]} {words(call.argument)}".strip()
    return f"{call.function}({words(call.argument)})"


def _arguments(text: str) -> tuple[str, str]:
    first, _, last = text.rpartition(", ")
    return first, last


def _selector_words(match: re.Match[str]) -> str:
    """Return the words for a series, with the values that its labels must or must not have."""
    name, matchers, offset = match.groups()
    known = _series(name)
    values = [f"{'not ' if negated else ''}{value}" for negated, value in _MATCHER.findall(matchers or "")]
    if offset:
        values.append(f"{spelled(offset)} ago")
    return (known.words if known else name) + (f" ({', '.join(values)})" if values else "")


def _series(name: str) -> FigureWords | None:
    return FIGURE_WORDS.get(name) or _CATALOGUE.get(name)


def spelled(window: str) -> str:
    """Return a window as people write it: 2 min, not 2m."""
    text = format_duration(parse_duration(window))
    return re.sub(r"(\d+)([a-z])", lambda part: f"{part[1]} {_UNITS[part[2]]} ", text).strip()


_UNITS: Final = {"s": "s", "m": "min", "h": "h", "d": "d"}
