"""The kinds of values that a configuration file holds, each with its check.

A failed check raises `bad_value`: the end of a sentence that begins with the value's place in the file. It never quotes
what could be a secret. Checks that depend on this machine (files, OpenSSL) run only where the validation has a
`LoadContext`.
"""

from __future__ import annotations

import ast
import inspect
import ipaddress
import re
import ssl
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from exporter.config.files import LoadContext, read_certificates
from exporter.metrics.catalog import LABELS
from exporter.metrics.conversions import UnknownValueError, release_number


class Section(BaseModel):
    """A mapping of the file, all of whose keys are known; frozen and comparable."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe each key with the docstring below it.

        Pydantic can do so when it makes the class (`use_attribute_docstrings`), but then each start of the exporter
        takes a tenth longer, because it reads the source of all classes.
        """
        reference = handler(core_schema)
        properties = handler.resolve_ref_schema(reference)["properties"]
        for name, text in _attribute_docstrings(cls):
            properties[cls.model_fields[name].alias or name].setdefault("description", text)
        return reference

    @classmethod
    @cache
    def schema_of_file(cls) -> JsonSchemaValue:
        """Return the JSON schema of a file that is such a mapping."""
        return cls.model_json_schema()


def _attribute_docstrings(section: type[Section]) -> Iterator[tuple[str, str]]:
    """Yield the keys of a section with the docstrings below them; for a key that repeats, its own comes first.

    An installation without source files has none.
    """
    for ancestor in section.__mro__[: section.__mro__.index(Section)]:
        try:
            source = inspect.getsource(ancestor)
        except (OSError, TypeError):
            continue
        (tree,) = ast.parse(textwrap.dedent(source)).body
        for key, text in pairwise(tree.body if isinstance(tree, ast.ClassDef) else ()):
            match key, text:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(docstring))):
                    if name in section.model_fields:
                        yield name, inspect.cleandoc(docstring)


def bad_value(text: str, key: str | None = None) -> PydanticCustomError:
    """Return the error whose text ends a sentence about the value, or about another `key` beside it."""
    return PydanticCustomError("bad_value", "{text}", {"text": text, "key": key})


class _NotNull:
    """Refuses null in a file, and takes it out of the JSON schema; None then means that the key is left out."""

    @staticmethod
    def __get_pydantic_core_schema__(source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_not_null, handler(source))

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        given: JsonSchemaValue
        (given,) = (variant for variant in handler(schema)["anyOf"] if variant != {"type": "null"})
        return given


def _not_null(value: object) -> object:
    if value is None:
        raise bad_value("is empty: give it a value, or remove the key")
    return value


Value = TypeVar("Value")
OptionalKey = Annotated[Value | None, _NotNull]
"""A key that may be left out. In a file it must have a value, so that an empty key never clears a setting."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise bad_value("must not contain control characters or line breaks")
    return text


def _name(text: str) -> str:
    if not text or text != text.strip():
        raise bad_value("must not be empty, and must not begin or end with a space")
    return _printable(text)


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"minLength": 1})]
"""Text that names something and can be the value of a label."""

LabelValue = Annotated[str, AfterValidator(_printable), WithJsonSchema({"type": ["string", "number", "boolean"]})]

DISCOVERY_LABELS: Final = frozenset({"instance", "job", "site", "pool", "stream", "traffic", "role"})


def _label_name(text: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
        raise bad_value("is not a label name: use letters, digits and _, and do not begin with a digit")
    if text.startswith("__"):
        raise bad_value("is reserved for Prometheus: use a name that does not begin with __")
    if text in DISCOVERY_LABELS:
        raise bad_value("is set by service discovery: use another name")
    if text in LABELS:
        raise bad_value("is a label of a metric, and Prometheus would rename it: use another name")
    return text


LabelName = Annotated[str, AfterValidator(_label_name)]


def _asyncos_release(text: str) -> str:
    try:
        release_number(text)
    except UnknownValueError:
        raise bad_value("must be a release of AsyncOS such as 15.5.1-055, or its first numbers such as 15.5") from None
    return text


AsyncOsRelease = Annotated[str, AfterValidator(_asyncos_release), WithJsonSchema({"type": ["string", "number"]})]

_HOST: Final = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*(?!\d+\.?$)[A-Za-z0-9_-]{1,63}\.?"
)


def _host_address(text: str) -> str:
    if is_ip_address(text) or is_host_name(text):
        return text
    if "/" in text:
        raise bad_value(
            "must be a host name or an IP address only: leave out the path, and set the scheme with xml.scheme"
        )
    if is_ip_address(text.strip("[]")):
        raise bad_value("must be an IPv6 address without brackets")
    if re.search(r"^[^:]+:\d+$|\]:\d+$", text):
        raise bad_value("must not contain a port: set it for each source, such as snmp.port")
    raise bad_value("must be a host name (ASCII), an IPv4 address or an IPv6 address")


def is_host_name(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def is_ip_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


HostAddress = Annotated[str, AfterValidator(_host_address)]


def _ip_address(text: str) -> str:
    if not is_ip_address(text):
        raise bad_value("must be an IPv4 address or an IPv6 address")
    return str(ipaddress.ip_address(text))


IpAddress = Annotated[str, AfterValidator(_ip_address)]

_DOCUMENTATION_NETWORKS: Final = tuple(
    ipaddress.ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
"""RFC 5737 and RFC 3849."""

_DOCUMENTATION_HOST: Final = re.compile(r"(?:.*\.)?example(?:\.(?:com|edu|net|org))?\.?", re.IGNORECASE)
"""RFC 2606, section 2 and 3, and example.edu, which is kept for the same use."""


def is_documentation_address(text: str) -> bool:
    """Return whether an address is one that documents use as an example."""
    if is_ip_address(text):
        return any(ipaddress.ip_address(text) in network for network in _DOCUMENTATION_NETWORKS)
    return bool(_DOCUMENTATION_HOST.fullmatch(text))


Port = Annotated[int, Field(ge=1, le=65535)]

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _time_zone_name(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a path, the name of a folder
        raise bad_value("is not a time zone: use a name such as Europe/Berlin, America/New_York or UTC") from None
    return text


TimeZoneName = Annotated[str, AfterValidator(_time_zone_name)]

_DURATION: Final = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_DURATION_PART: Final = re.compile(r"([\d.]+)([a-zµμ]+)")
_DURATION_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def seconds(duration: str) -> float:
    """Return the seconds of a duration as Go writes it, "1h30m"."""
    if not _DURATION.fullmatch(duration):
        raise bad_value("must be a duration such as 250ms, 90s or 1h30m")
    return sum(float(number) * _DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(duration))


def _not_without_items(items: tuple[Value, ...]) -> tuple[Value, ...]:
    if not items:
        raise bad_value("must have at least one entry")
    return items


NotEmpty = AfterValidator(_not_without_items)  # pydantic's own min_length counts only the items without a problem


def _ca_file(text: str, info: ValidationInfo) -> str:
    if not isinstance(info.context, LoadContext):
        return text
    path, known = info.context.path(text), info.context.files.certificates
    if path not in known:
        known[path] = _certificates(path)
    return str(path)


def _certificates(path: Path) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        certificates = read_certificates(path)
        context.load_verify_locations(cadata=certificates)
    except ssl.SSLError:
        raise bad_value(f"has no readable certificate: put PEM certificates into {path}") from None
    except OSError as error:
        raise bad_value(f"names a file that cannot be read ({error.strerror}): check {path}") from None
    return certificates


CaFile = Annotated[str, AfterValidator(_printable), AfterValidator(_ca_file)]


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise bad_value(
            "must have 64 hexadecimal digits, with or without colons: "
            "openssl x509 -noout -fingerprint -sha256 prints them"
        )
    return digits


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


def _ciphers(text: str, info: ValidationInfo) -> str:
    try:
        if info.context is not None:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(text)
    except ssl.SSLError:
        raise bad_value("selects no cipher that this machine has: openssl ciphers -v lists those that it has") from None
    return text


Ciphers = Annotated[str, AfterValidator(_ciphers)]
