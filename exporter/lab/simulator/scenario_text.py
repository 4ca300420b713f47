"""Scenarios as text: NAME[@+OFFSET][,PARAMETER=VALUE]..., such as `jabberer@+5m,unit=mx1,size=3`.

Times are written 90s, 5m, 2h or 3d.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from exporter.errors import RequestError, suggestion
from exporter.lab.simulator.incident import Parameter, ParameterValue, Scenario
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.prometheus import durations

_TEXT: Final = re.compile(r"(?P<name>[^@,=\s]+)(?:@\+(?P<offset>[^,]*))?(?P<values>(?:,[^,=]+=[^,]*)*)")

SYNTAX: Final = "NAME[@+OFFSET][,PARAMETER=VALUE]..."
"""How a scenario is written."""


@dataclass(frozen=True, slots=True)
class ScenarioRequest:
    """A scenario as somebody asks for it, before it has a time and units."""

    scenario: Scenario
    offset: float
    """Seconds from now to the onset."""
    values: Mapping[str, ParameterValue]
    """The parameters that are given; the others have their defaults."""

    def at(self, offset: float) -> ScenarioRequest:
        return replace(self, offset=offset)


def parse_scenario(text: str) -> ScenarioRequest:
    """Return the request that the text means; raises RequestError with a sentence that says what is wrong."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"{text!r} is not a scenario; write {SYNTAX}, such as flood@+5m,size=2.")
    pairs = [pair.partition("=") for pair in match["values"].split(",")[1:]]
    names = [name.strip() for name, _, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise RequestError(f"The scenario {match['name']} has the parameter {twice[0]} twice.")
    offset = 0.0 if match["offset"] is None else checked_duration(match["offset"], "offset")
    values = dict(zip(names, (value.strip() for _, _, value in pairs), strict=True))
    return scenario_request(match["name"], values, offset)


def scenario_request(name: str, values: Mapping[str, str], offset: float = 0.0) -> ScenarioRequest:
    """Return the request for the scenario of this name with parameters given as text; raises RequestError."""
    if name not in SCENARIOS:
        hint = suggestion(name, SCENARIOS) or " `ironport-exporter simulate --list` lists them."
        raise RequestError(f"There is no scenario {name}.{hint}")
    scenario = SCENARIOS[name]
    return ScenarioRequest(
        scenario, offset, {key: _parameter_value(scenario, key, value) for key, value in values.items()}
    )


def value_text(parameter: Parameter, value: ParameterValue) -> str:
    """Return a value as it is written in a scenario."""
    if isinstance(value, str):
        return value
    return _duration_text(value) if parameter.unit == "s" else f"{value:g}"


def _duration_text(seconds: float) -> str:
    """Return a time in the largest unit that gives a whole number."""
    for unit, size in (("d", durations.DAY), ("h", durations.HOUR), ("m", durations.MINUTE)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def checked_duration(text: str, what: str) -> float:
    """Return a time such as "5m" in seconds; raises RequestError, whose text calls the time `what`."""
    try:
        return durations.parse_duration(text)
    except ValueError as error:
        raise RequestError(f"The {what} {error}.") from error


def _parameter_value(scenario: Scenario, key: str, text: str) -> ParameterValue:
    parameter = scenario.parameter(key)
    if parameter is None:
        known = ", ".join(parameter.name for parameter in scenario.parameters)
        raise RequestError(f"The scenario {scenario.name} has no parameter {key}; it has {known}.")
    if isinstance(parameter.default, str):
        return text
    value = checked_duration(text, key) if parameter.unit == "s" else _number(parameter, text)
    if key in ("duration", "period") and value <= 0:
        raise RequestError(f"The {key} must be more than 0s.")
    return value


def _number(parameter: Parameter, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    highest = 1.0 if parameter.unit == "share" else 1e6
    if not 0 <= value <= highest:
        raise RequestError(f"The {parameter.name} {text!r} is not a number from 0 to {highest:g} ({parameter.unit}).")
    return value
