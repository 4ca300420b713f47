from __future__ import annotations

import json

import pytest

from exporter.errors import AuthError, MalformedError, SourceError, TooLargeError
from exporter.sources.rest.answers import CONTAINER_LIMIT, DIGIT_LIMIT, VALUE_LIMIT, answer_data

REFUSED: dict[str, tuple[bytes, type[SourceError], str]] = {
    "empty": (b" \r\n", MalformedError, "is empty"),
    "a login page": (b"<!DOCTYPE html><html><form>Password</form></html>", AuthError, "web page.*instead of JSON"),
    "plain text": (b"Service unavailable", MalformedError, "not JSON"),
    "cut": (b'{"data": {"a": 1', MalformedError, "incomplete"),
    "not UTF-8": (b'{"data": "\xff"}', MalformedError, "not JSON"),
    "a long number": (b'{"data": ' + b"9" * DIGIT_LIMIT + b"}", TooLargeError, "a number of 100 digits"),
    "a list": (b"[1, 2]", MalformedError, "another form than expected, it has nothing instead of data"),
    "an error": (b'{"error": {"message": "secret"}}', MalformedError, "it has error instead of data"),
    "deep": (b'{"data": ' + b"[" * 7_000, MalformedError, "nests too deep|incomplete"),
    "many containers": (b'{"data": [' + b"[]" * CONTAINER_LIMIT, TooLargeError, "objects and lists"),
    "many values": (b'{"data": [' + b"1," * VALUE_LIMIT, TooLargeError, "values"),
}


@pytest.mark.parametrize(("body", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_an_answer_that_is_not_asked_for_is_refused(body: bytes, error: type[SourceError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        answer_data(body)
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)


def test_an_error_quotes_no_value_of_the_answer() -> None:
    """JSON's own error keeps the whole text."""
    with pytest.raises(MalformedError) as caught:
        answer_data(b'{"data": {"password": "s3cret"')
    assert caught.value.__cause__ is None


def test_what_an_answer_has_as_data_is_returned() -> None:
    assert answer_data(json.dumps({"data": {"a": [1, None, "x"]}}).encode()) == {"a": [1, None, "x"]}
