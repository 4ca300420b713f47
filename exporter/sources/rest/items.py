"""The items of the REST interface's answers, which the conversions of the catalogue read.

The structure is that of a public integration and of its test data (AsyncOS 15). It is not verified on a device.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from exporter.errors import MalformedError
from exporter.metrics.reading import Reading
from exporter.sources.rest.answers import JsonValue, another_form

STATUS_PARTS: Final = ("gauges", "counters", "mail_system_status", "version_details")
"""The parts of system_status that are read. Its rates are not: whether they are per minute or per hour is unknown."""

_CONTAINERS: Final[Mapping[type, str]] = {dict: "an object", list: "a list"}


def read_system_status(data: JsonValue, reading: Reading) -> None:
    """Record `PART/NAME` for every value of the parts. Raises MalformedError if a part is missing.

    Each part is a list with one object.
    """
    result = _result_set(data)
    if not isinstance(result, dict):
        raise another_form("its resultSet is no object")
    found = {part: _only_object(result.get(part)) for part in STATUS_PARTS}
    for part, values in found.items():
        _record(part, values, reading)
    if missing := [part for part, values in found.items() if not values]:
        raise MalformedError(f"the answer has no {' and no '.join(missing)}: check the release of AsyncOS")


def read_health(data: JsonValue, reading: Reading) -> None:
    """Record `health/NAME` for every value. Raises MalformedError for another form."""
    if not isinstance(data, dict):
        raise another_form("its data are no object")
    if not data:
        raise MalformedError("the answer is empty: if this happens again, check the appliance's load")
    _record("health", data, reading)


def _result_set(data: JsonValue) -> JsonValue:
    """Return what `data` has as `resultSet`. Raises MalformedError if it has none, or an empty object."""
    if not isinstance(data, dict) or "resultSet" not in data:
        raise another_form("its data have no resultSet")
    if data["resultSet"] in ({}, None):
        raise MalformedError("the result set is empty: if this happens again, check the appliance's load")
    return data["resultSet"]


def _only_object(part: JsonValue) -> dict[str, JsonValue]:
    """Return the object in a list; an empty one if there is none."""
    first = part[0] if isinstance(part, list) and part else part
    return first if isinstance(first, dict) else {}


def _record(part: str, values: Mapping[str, JsonValue], reading: Reading) -> None:
    for name, value in values.items():
        record_value(f"{part}/{name}", value, reading)
    reading.up = reading.up or bool(values)


def record_value(item: str, value: JsonValue, reading: Reading) -> None:
    """Record a number or a text; anything else cannot be read."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        reading.set(item, value)
    else:
        reading.set_unreadable(item, _CONTAINERS.get(type(value)) or json.dumps(value))
