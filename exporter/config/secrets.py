"""Secrets: each is given as a value, in a file or in an environment variable, and is never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import (
    BeforeValidator,
    GetJsonSchemaHandler,
    PlainSerializer,
    SecretStr,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from exporter.config.files import LoadContext, read_regular
from exporter.config.values import Section, bad_value

_MAX_SECRET_BYTES: Final = 1_000_000
"""Enough for the certificates of all public authorities, which have a quarter of it."""


def _forms(key: str) -> tuple[str, str, str]:
    return key, f"{key}_file", f"{key}_env"


@dataclass(frozen=True, slots=True)
class _WrittenSecret:
    """A secret as the file gives it: the values of those of its three keys that are there."""

    forms: dict[str, object] = field(repr=False)


class SecretHolder(Section):
    """A section with one secret at the key `value_key`."""

    value_key: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        forms = {key: data[key] for key in _forms(cls.value_key) if key in data}
        others = {key: value for key, value in data.items() if key not in forms}
        return others | {cls.value_key: _WrittenSecret(forms)}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the file: exactly one of the secret's three keys."""
        reference = super().__get_pydantic_json_schema__(core_schema, handler)
        section = handler.resolve_ref_schema(reference)
        value, file, env = _forms(cls.value_key)
        section["properties"] |= {
            file: {"type": "string", "description": f"A file with the {value}, relative to the folder of this file."},
            env: {"type": "string", "description": f"The environment variable with the {value}."},
        }
        section["required"].remove(value)
        section["oneOf"] = [{"required": [key]} for key in (value, file, env)]
        return reference


def _secret(written: _WrittenSecret, info: ValidationInfo, shortest: int) -> str | SecretStr:
    key, value = _only_form(written, str(info.field_name))
    if isinstance(value, SecretStr):  # made by a program, not from a file
        return value
    if key.endswith("_file"):
        value = _from_file(value, key, info)
    elif key.endswith("_env"):
        value = _from_environment(value, key)
    if not value:
        raise bad_value("is an empty secret: put the secret there", key)
    if len(value.encode()) < shortest:  # bytes are what the keys are made from
        raise bad_value(f"is too short: SNMPv3 needs at least {shortest} characters (RFC 3414)", key)
    return value


def _only_form(written: _WrittenSecret, key: str) -> tuple[str, str | SecretStr]:
    names = " or ".join(_forms(key))
    if not written.forms:
        raise bad_value(f"is missing: add {names}")
    if len(written.forms) > 1:
        raise bad_value(f"is given more than once: keep one of {names}")
    ((key, value),) = written.forms.items()
    if value is None:
        raise bad_value("is empty: give it a value, in quotes if it begins with # or &", key)
    if not isinstance(value, str | SecretStr):
        raise bad_value("must be text: put it in quotes", key)
    return key, value


def _from_file(name: str, key: str | None, info: ValidationInfo) -> str:
    path = info.context.path(name) if isinstance(info.context, LoadContext) else Path(name)
    try:
        return read_regular(path, _MAX_SECRET_BYTES).decode().removesuffix("\n")
    except OSError as error:
        text = f"names a file that cannot be read ({error.strerror}): create it, or correct the path"
    except UnicodeDecodeError:
        text = "names a file that is not UTF-8 text: save it as UTF-8"
    raise bad_value(text, key)


def _from_environment(name: str, key: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise bad_value("names an environment variable that is not set: set it for the exporter", key) from None


_HIDDEN: Final = PlainSerializer(lambda _: "<secret>", return_type=str)


def _file_text(name: object, info: ValidationInfo) -> object:
    return _from_file(name, None, info) if isinstance(name, str) else name


FileText = Annotated[SecretStr, BeforeValidator(_file_text), _HIDDEN]
"""The text of a file that the configuration names, without a line break at its end."""

Secret = Annotated[SecretStr, BeforeValidator(partial(_secret, shortest=1)), _HIDDEN]

Passphrase = Annotated[SecretStr, BeforeValidator(partial(_secret, shortest=8)), _HIDDEN]


def revealed(*secrets: SecretStr | None) -> str:
    """Return the text of the one that is given; nothing if none is."""
    return next((secret.get_secret_value() for secret in secrets if secret is not None), "")
