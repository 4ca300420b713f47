"""Reading a JSON answer of the REST interface within limits, so that a hostile one holds the event loop for little."""

from __future__ import annotations

import json
from typing import Final

from pydantic_core import SchemaValidator, ValidationError

from exporter.errors import MalformedError, TooLargeError
from exporter.metrics.reading import label_value
from exporter.sources.http.login_page import refuse_web_page

PAGES_NAME: Final = "pages of the AsyncOS API"

VALUE_LIMIT: Final = 60_000
CONTAINER_LIMIT: Final = 8_000
DIGIT_LIMIT: Final = 100
"""Limits for answers that would hold the event loop: one within them takes about 20 ms. Each destination is an
object with seven values. A status page with 625 destinations in memory is the largest that we have seen."""

_AS_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


def answer_data(body: bytes, known_form: SchemaValidator | None = None) -> JsonValue:
    """Return the content of the `data` that an answer has.

    An answer of the `known_form` is read faster. The result then may lack values that nobody reads. Any other is JSON.
    Raises AuthError for a web page, MalformedError for what has another form, and TooLargeError for too many values.
    """
    if not body.strip():
        raise MalformedError("the answer is empty: if this happens again, check the appliance's load")
    refuse_web_page(body, "JSON", PAGES_NAME)
    _check_size(body)
    document = _known(body, known_form) or _decoded(body)
    if not isinstance(document, dict) or "data" not in document:
        raise another_form(f"it has {_keys(document)} instead of data")
    return document["data"]


def another_form(difference: str) -> MalformedError:
    """Return the error for an answer of another form than asked for; `difference` begins with "it"."""
    return MalformedError(
        f"the answer has another form than expected, {difference}: check that address and port are those of a mail "
        "gateway. If they are, please report it with the answer and the release of AsyncOS"
    )


def _check_size(body: bytes) -> None:
    """Count before parsing: nothing can stop the parser."""
    for found, limit, what in (
        (body.count(b",") + 1, VALUE_LIMIT, "values"),
        (body.count(b"{") + body.count(b"["), CONTAINER_LIMIT, "objects and lists"),
    ):
        if found > limit:
            hint = "if it is a real list of destinations, set rest.destinations to false"
            raise TooLargeError(f"the answer has {found} {what}, over the limit of {limit}: it is not read; {hint}")
    if _has_long_number(body):  # reading thousands of digits takes long
        raise TooLargeError(f"the answer has a number of {DIGIT_LIMIT} digits or more: it is not read")


def _has_long_number(body: bytes) -> bool:
    """Whether there are `DIGIT_LIMIT` digits in a row. Then every tenth octet is a digit, too: a tenth of the work."""
    every_tenth = body[::10].translate(_AS_ZEROS)
    return b"0" * (DIGIT_LIMIT // 10) in every_tenth and b"0" * DIGIT_LIMIT in body.translate(_AS_ZEROS)


def _known(body: bytes, form: SchemaValidator | None) -> JsonValue:
    """Return an answer of the form, None if it has another."""
    if form is None:
        return None
    try:
        document: JsonValue = form.validate_json(body, strict=True)
    except ValidationError:
        return None
    return document


def _decoded(body: bytes) -> JsonValue:
    try:
        document: JsonValue = json.loads(body)
    except RecursionError:
        raise MalformedError("the answer nests too deep: it is not read") from None
    except ValueError as error:  # also for octets that are not UTF-8
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise MalformedError(
            f"the answer is incomplete or not JSON ({reason}): check the appliance's load and the network"
        ) from None
    return document


def _keys(document: JsonValue) -> str:
    names = ", ".join(label_value(key) for key in list(document)[:5]) if isinstance(document, dict) else ""
    return names or "nothing"
