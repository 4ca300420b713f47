"""The items of the REST interface's answers, which the conversions of the catalogue read.

The structure is that of a public integration and of its test data (AsyncOS 15). It is not verified on a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic_core import CoreSchema, SchemaValidator, core_schema

from exporter.errors import MalformedError
from exporter.metrics import catalog
from exporter.metrics.conversions import Raw
from exporter.metrics.reading import Reading
from exporter.sources.destinations import DestinationChoice, DestinationFigures
from exporter.sources.rest.answers import JsonValue, another_form

_USED: Final = frozenset(catalog.items_of("rest"))

STATUS_PARTS: Final = ("gauges", "counters", "mail_system_status", "version_details")
"""The parts of system_status that are read. Its rates are not: whether they are per minute or per hour is unknown."""

_DOMAIN: Final = "destination_domain"

FIGURES: Final = DestinationFigures(
    "delivery_status",
    gauges=("active_recipients", "connections_out"),
    counters=("delivered_recipients", "soft_bounces", "hard_bounces"),
    texts=("latest_host_status",),
)
"""The figures of a destination."""


def _object(fields: Mapping[str, CoreSchema]) -> CoreSchema:
    """Return the form of an object that has all these fields. What else it has is left out."""
    return core_schema.typed_dict_schema({name: core_schema.typed_dict_field(form) for name, form in fields.items()})


_DESTINATION: Final = _object(
    {
        **dict.fromkeys((_DOMAIN, *FIGURES.texts), core_schema.str_schema()),
        **dict.fromkeys(FIGURES.numbers, core_schema.int_schema()),
    }
)

DESTINATIONS_FORM: Final = SchemaValidator(
    _object({"data": _object({"resultSet": core_schema.list_schema(_DESTINATION, fail_fast=True)})})
)
"""The form that a list of destinations has nearly always. It is read in two thirds of the time that JSON takes."""


def read_system_status(data: JsonValue, reading: Reading) -> None:
    """Record `PART/NAME` for every value that the catalogue uses. Raises MalformedError if a part has none.

    Each part is a list with one object.
    """
    result = _result_set(data)
    if not isinstance(result, dict):
        raise another_form("its resultSet is no object")
    missing = [part for part in STATUS_PARTS if not _record(part, _only_object(result.get(part)), reading)]
    if missing:
        raise MalformedError(f"the answer has no {' and no '.join(missing)}: check the release of AsyncOS")


def read_health(data: JsonValue, reading: Reading) -> None:
    """Record `health/NAME` for every value that the catalogue uses. Raises MalformedError for another form."""
    if not isinstance(data, dict):
        raise another_form("its data are no object")
    if not _record("health", data, reading):
        raise another_form("its data have no known value")


def read_delivery_status(data: JsonValue, reading: Reading, choice: DestinationChoice) -> None:
    """Record `delivery_status/NAME` by (domain, class) for the destinations of the choice.

    Raises MalformedError for another form, and if something in the list is no destination.
    """
    result = _result_set(data)
    if not isinstance(result, list):
        raise another_form("its resultSet is no list")
    rows = [row for row in result if isinstance(row, dict) and isinstance(row.get(_DOMAIN), str)]
    if result and not rows:
        raise another_form(f"nothing in its list has a {_DOMAIN}")
    reading.notes.append(f"{len(rows)} destinations are listed")
    chosen = choice.items(FIGURES, [str(row[_DOMAIN]) for row in rows], rows)
    reading.items.update({item: {row: raw(value) for row, value in rows.items()} for item, rows in chosen.items()})
    if len(rows) < len(result):
        raise MalformedError(f"{len(result) - len(rows)} of {len(result)} in the list have no {_DOMAIN}")


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


def _record(part: str, values: Mapping[str, JsonValue], reading: Reading) -> bool:
    """Record the values that the catalogue uses, and return whether there is one."""
    items = {item: raw(value) for name, value in values.items() if (item := f"{part}/{name}") in _USED}
    for item, value in items.items():
        reading.set(item, value)
    reading.up = reading.up or bool(items)
    return bool(items)


def raw(value: JsonValue) -> Raw:
    """Return a number or a text as it is; "", which no conversion reads, for anything else. `true` is no number."""
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
