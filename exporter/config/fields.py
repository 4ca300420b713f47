"""The kinds of values that the configuration file holds, each with its check.

A check raises a fault: the end of a sentence that begins with the value's place in the file, and that never quotes
what could be a secret. What depends on this machine (files, the environment, OpenSSL) is checked only where the
validation context says which `folder` the file lies in.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from exporter.metrics.catalog import LABELS


class Block(BaseModel):
    """A mapping of the file, all of whose keys are known; frozen and comparable."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


def fault(text: str, key: str | None = None) -> PydanticCustomError:
    """Return the error that ends a sentence about the value, or about another `key` beside it."""
    return PydanticCustomError("fault", "{text}", {"text": text, "key": key})


def _printable(text: str) -> str:
    if not text.isprintable():
        raise fault("must not hold control characters or line ends")
    return text


def _name(text: str) -> str:
    if not text or text != text.strip():
        raise fault("must not be empty, nor begin or end with a blank")
    return _printable(text)


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"minLength": 1})]
"""Text that names something, fit for a label's value."""

LabelValue = Annotated[str, AfterValidator(_printable), WithJsonSchema({"type": ["string", "number", "boolean"]})]

_OURS: Final = frozenset({"instance", "job", "site", "pool", "stream", "traffic", "role"})


def _label_name(text: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
        raise fault("is no label name: use letters, digits and _, and no digit first")
    if text.startswith("__"):
        raise fault("is kept for Prometheus: use a name that does not begin with __")
    if text in _OURS:
        raise fault("is set by service discovery: use another name")
    if text in LABELS:
        raise fault("is a label of a metric, which Prometheus would rename: use another name")
    return text


LabelName = Annotated[str, AfterValidator(_label_name)]

_HOST: Final = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*(?!\d+\.?$)[A-Za-z0-9_-]{1,63}\.?"
)


def _address(text: str) -> str:
    if _is_ip(text) or _HOST.fullmatch(text):
        return text
    if "/" in text:
        raise fault("must be a host alone: the scheme goes into xml.scheme, and the path is known")
    if _is_ip(text.strip("[]")):
        raise fault("must be an IPv6 address without brackets")
    if re.search(r"^[^:]+:\d+$|\]:\d+$", text):
        raise fault("must be a host without a port: the ports go into snmp.port and xml.port")
    raise fault("must be a host name (ASCII), an IPv4 or an IPv6 address")


def _is_ip(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


Address = Annotated[str, AfterValidator(_address)]

Port = Annotated[int, Field(ge=1, le=65535)]

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _snmp_user(text: str) -> str:
    if len(text.encode()) > 32:
        raise fault("must have at most 32 bytes, as SNMPv3 has it (RFC 3414)")
    return _name(text)


def _http_user(text: str) -> str:
    if ":" in text:
        raise fault("must not hold a colon, which HTTP basic authentication cannot send (RFC 7617)")
    return _name(text)


SnmpUser = Annotated[str, AfterValidator(_snmp_user)]
HttpUser = Annotated[str, AfterValidator(_http_user)]


def _pages(names: tuple[str, ...]) -> tuple[str, ...]:
    if "status" not in names:
        raise fault("must hold status, from which nearly every figure comes")
    if len(set(names)) < len(names):
        raise fault("must name each page once")
    return names


WithStatus = AfterValidator(_pages)


def _some(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise fault("must hold at least one")
    return items


NotEmpty = AfterValidator(_some)  # pydantic's own min_length counts only the items without a fault


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise fault(
            "must have 64 hexadecimal digits, with or without colons: "
            "openssl x509 -noout -fingerprint -sha256 prints them"
        )
    return digits


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


def _ca_file(text: str, info: ValidationInfo) -> str:
    if info.context is None:
        return text
    path = info.context["folder"] / text
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise fault(f"holds no certificate that can be read: put PEM certificates into {path}") from None
    except OSError as error:
        raise fault(f"names a file that cannot be read ({error.strerror}): check {path}") from None
    if not context.cert_store_stats()["x509"]:
        raise fault(f"holds no certificate: put PEM certificates into {path}")
    return str(path)


CaFile = Annotated[str, AfterValidator(_ca_file)]


def _ciphers(text: str, info: ValidationInfo) -> str:
    try:
        if info.context is not None:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(text)
    except ssl.SSLError:
        raise fault("selects no cipher that OpenSSL has here: openssl ciphers -v tells which it has") from None
    return text


Ciphers = Annotated[str, AfterValidator(_ciphers)]


def _forms(key: str) -> tuple[str, str, str]:
    return key, f"{key}_file", f"{key}_env"


@dataclass(frozen=True, slots=True)
class _Written:
    """A secret as the file gives it: what stands at those of its three keys that are there."""

    forms: dict[str, object] = field(repr=False)


class SecretHolder(Block):
    """A block with one secret, at the key `holds`, that is given as a value, in a file or in the environment."""

    holds: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        forms = {key: data[key] for key in _forms(cls.holds) if key in data}
        return {key: value for key, value in data.items() if key not in forms} | {cls.holds: _Written(forms)}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the file: any one of the secret's three keys."""
        reference = handler(core_schema)
        block = handler.resolve_ref_schema(reference)
        value, file, env = _forms(cls.holds)
        block["properties"] |= {
            file: {"type": "string", "description": f"A file with the {value}, relative to the folder of this file."},
            env: {"type": "string", "description": f"The environment variable that holds the {value}."},
        }
        block["required"].remove(value)
        block["oneOf"] = [{"required": [key]} for key in (value, file, env)]
        return reference


def _secret(written: _Written, info: ValidationInfo, shortest: int) -> str | SecretStr:
    key, value = _only_form(written, str(info.field_name))
    if isinstance(value, SecretStr):  # not from a file
        return value
    if key.endswith("_file"):
        value = _from_file(value, key, info)
    elif key.endswith("_env"):
        value = _from_environment(value, key)
    if not value:
        raise fault("gives an empty text: put the secret there", key)
    if len(value.encode()) < shortest:  # bytes are what the keys are made from
        raise fault(f"gives fewer than the {shortest} characters that SNMPv3 asks for (RFC 3414)", key)
    return value


def _only_form(written: _Written, key: str) -> tuple[str, str | SecretStr]:
    names = " or ".join(_forms(key))
    if not written.forms:
        raise fault(f"is missing: give {names}")
    if len(written.forms) > 1:
        raise fault(f"is given more than once: keep one of {names}")
    ((key, value),) = written.forms.items()
    if value is None:
        raise fault("is empty: give it a value, in quotes if it begins with # or &", key)
    if not isinstance(value, str | SecretStr):
        raise fault("must be text: put it in quotes", key)
    return key, value


def _from_file(name: str, key: str, info: ValidationInfo) -> str:
    folder: Path = info.context["folder"] if info.context else Path()
    try:
        return (folder / name).read_text("utf-8").removesuffix("\n")
    except OSError as error:
        raise fault(
            f"names a file that cannot be read ({error.strerror}): create it or correct the path", key
        ) from None
    except UnicodeDecodeError:
        raise fault("names a file that is not UTF-8 text: save it as UTF-8", key) from None


def _from_environment(name: str, key: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise fault("names an environment variable that is not set: set it for the exporter", key) from None


_HIDDEN: Final = PlainSerializer(lambda _: "<secret>", return_type=str)

Secret = Annotated[SecretStr, BeforeValidator(partial(_secret, shortest=1)), _HIDDEN]

Passphrase = Annotated[SecretStr, BeforeValidator(partial(_secret, shortest=8)), _HIDDEN]
