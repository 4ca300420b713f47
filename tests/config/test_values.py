"""What each kind of value accepts, up to its bounds, and in which words it refuses the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import pytest
import trustme
from pydantic import TypeAdapter, ValidationError

from exporter.config import values as a
from exporter.config.files import FilesRead, LoadContext
from exporter.config.values import Section, is_documentation_address, is_host_name, seconds

ACCEPTED: list[tuple[Any, object, object]] = [
    (a.Port, 1, 1),
    (a.Port, 65535, 65535),
    (a.Seconds, 0, 0),
    (a.Seconds, 0.25, 0.25),
    (a.Name, "mx 1", "mx 1"),
    (a.Name, "Büro", "Büro"),
    (a.LabelValue, "", ""),
    (a.LabelName, "_rack", "_rack"),
    (a.LabelName, "Rack_2", "Rack_2"),
    (a.AsyncOsRelease, "15.5.1-055", "15.5.1-055"),
    (a.HostAddress, "mx1.example.edu.", "mx1.example.edu."),
    (a.HostAddress, "2001:db8::1", "2001:db8::1"),
    (a.IpAddress, "2001:DB8:0::1", "2001:db8::1"),
    (a.TimeZoneName, "Europe/Berlin", "Europe/Berlin"),
    (a.Fingerprint, "AB:" * 31 + "cd", "ab" * 31 + "cd"),
    (a.Ciphers, "no check without a machine", "no check without a machine"),
    (a.CaFile, "no check without a machine.pem", "no check without a machine.pem"),
]


@pytest.mark.parametrize(("kind", "given", "value"), ACCEPTED)
def test_a_value_within_bounds_is_accepted(kind: Any, given: object, value: object) -> None:
    assert TypeAdapter(kind).validate_python(given) == value


REFUSED: list[tuple[Any, object, str]] = [
    (a.Port, 0, "greater than or equal to 1"),
    (a.Port, 65536, "less than or equal to 65535"),
    (a.Seconds, -0.5, "greater than or equal to 0"),
    (a.Seconds, float("inf"), "finite number"),
    (a.Name, "", "must not be empty"),
    (a.Name, " mx1", "must not begin or end with a space"),
    (a.Name, "mx1 ", "must not begin or end with a space"),
    (a.Name, "m\x1bx", "control characters"),
    (a.LabelValue, "a\nb", "control characters"),
    (a.LabelName, "2nd", "is not a label name"),
    (a.LabelName, "", "is not a label name"),
    (a.LabelName, "__rack", "reserved for Prometheus"),
    (a.AsyncOsRelease, "15.x", "must be a release of AsyncOS"),
    (a.HostAddress, "", "must be a host name"),
    (a.HostAddress, "mx1/xml", "leave out the path"),
    (a.HostAddress, "[::1]", "without brackets"),
    (a.HostAddress, "mx1:161", "must not contain a port"),
    (a.HostAddress, "[::1]:161", "must not contain a port"),
    (a.IpAddress, "mx1", "must be an IPv4 address or an IPv6 address"),
    (a.TimeZoneName, "Berlin", "is not a time zone"),
    (a.TimeZoneName, "/etc/passwd", "is not a time zone"),
    (a.TimeZoneName, "Europe", "is not a time zone"),
    (a.Fingerprint, "ab" * 31, "must have 64 hexadecimal digits"),
    (a.Fingerprint, "ab" * 33, "must have 64 hexadecimal digits"),
    (a.Fingerprint, "xy" * 32, "must have 64 hexadecimal digits"),
]


@pytest.mark.parametrize(("kind", "given", "words"), REFUSED)
def test_a_value_out_of_bounds_is_refused(kind: Any, given: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(kind).validate_python(given)


@pytest.mark.parametrize(
    ("duration", "length"),
    [
        ("1h30m", 5400),
        ("90s", 90),
        ("1.5m", 90),
        (".5s", 0.5),
        ("2.s", 2),
        ("250ms", 0.25),
        ("3us4ns", 3.004e-6),
        ("3µs", 3e-6),
        ("3μs", 3e-6),
        ("0s", 0),
        ("1h1m1s1ms1us1ns", 3661.001001001),
    ],
)
def test_a_duration_is_read_as_go_writes_it(duration: str, length: float) -> None:
    assert seconds(duration) == pytest.approx(length, rel=1e-12, abs=0)


@pytest.mark.parametrize("text", ["", "10", "1d", "h", "-1s", "1 s", "1h 30m", "1,5s", "1.2.3s", "\u0661s", "1S"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 250ms, 90s or 1h30m"):
        seconds(text)


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("192.0.2.0", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("198.51.100.7", True),
        ("203.0.113.7", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("10.0.0.1", False),
        ("mx1.example", True),
        ("example.edu", True),
        ("MX1.Example.COM.", True),
        ("example.de", False),
        ("notexample.com", False),
        ("example.com.evil.net", False),
    ],
)
def test_addresses_of_documents_are_known(address: str, *, is_one: bool) -> None:
    assert is_documentation_address(address) is is_one


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a", True),
        ("a" * 63, True),
        ("a" * 64, False),
        (".".join(["a" * 49] * 5) + ".abc", True),
        (".".join(["a" * 49] * 5) + ".abcd", False),
        ("_dmarc.example", True),
        ("-a.example", False),
        ("a-.example", False),
        ("1.2.3.4", False),
        ("1.2.3.4.", False),
        ("a..b", False),
        ("", False),
    ],
)
def test_host_names_have_labels_of_63_characters_and_253_in_all(name: str, *, is_one: bool) -> None:
    assert is_host_name(name) is is_one


class Shelf(Section):
    """A section as those of a file."""

    rack: a.OptionalKey[str] = None
    """Where it stands."""


def test_a_section_is_frozen_and_knows_its_keys() -> None:
    shelf = Shelf.model_validate({"rack": "b12"})
    assert (shelf.rack, Shelf().rack) == ("b12", None)
    with pytest.raises(ValidationError, match="frozen"):
        shelf.rack = "c1"
    with pytest.raises(ValidationError, match="Extra inputs"):
        Shelf.model_validate({"rack": "b12", "shelf": 3})
    with pytest.raises(ValidationError, match="is empty: give it a value, or remove the key"):
        Shelf.model_validate({"rack": None})


def test_a_refused_section_does_not_quote_its_values() -> None:
    with pytest.raises(ValidationError) as refused:
        Shelf.model_validate({"rack": ["hidden"]})
    assert "hidden" not in str(refused.value)


def test_the_schema_of_a_section_has_its_texts_and_no_null() -> None:
    assert Shelf.model_json_schema()["properties"]["rack"] == {
        "default": None,
        "description": "Where it stands.",
        "title": "Rack",
        "type": "string",
    }


def test_a_schema_without_source_files_has_no_texts() -> None:
    with mock.patch("inspect.getsource", side_effect=OSError):
        assert "description" not in Shelf.model_json_schema()["properties"]["rack"]


def test_a_list_must_have_an_entry() -> None:
    kind: TypeAdapter[tuple[int, ...]] = TypeAdapter(Annotated[tuple[int, ...], a.NotEmpty])
    assert kind.validate_python([1]) == (1,)
    with pytest.raises(ValidationError, match="must have at least one entry"):
        kind.validate_python([])


def test_what_this_machine_must_have_is_checked_in_its_folder(tmp_path: Path, authority: trustme.CA) -> None:
    context = LoadContext(tmp_path, FilesRead())
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert TypeAdapter(a.CaFile).validate_python("ca.pem", context=context) == str(tmp_path / "ca.pem")
    assert list(context.files.certificates) == [tmp_path / "ca.pem"]
    with pytest.raises(ValidationError, match="cannot be read"):
        TypeAdapter(a.CaFile).validate_python("absent.pem", context=context)
    assert TypeAdapter(a.Ciphers).validate_python("HIGH", context=context) == "HIGH"
    with pytest.raises(ValidationError, match="selects no cipher"):
        TypeAdapter(a.Ciphers).validate_python("rot13", context=context)


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (a.Name, {"type": "string", "minLength": 1}),
        (a.LabelValue, {"type": ["string", "number", "boolean"]}),
        (a.AsyncOsRelease, {"type": ["string", "number"]}),
        (a.Port, {"type": "integer", "minimum": 1, "maximum": 65535}),
        (a.Seconds, {"type": "number", "minimum": 0}),
    ],
)
def test_editors_know_what_is_accepted(kind: Any, schema: dict[str, Any]) -> None:
    assert TypeAdapter(kind).json_schema() == schema
