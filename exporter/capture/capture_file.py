"""The file of a capture: YAML that people can read and change.

It has three keys: `capture`, the version of the format; `snmp`, with a value such as `STRING PS 1` for each object
identifier; and `pages`, a list of `path` and `body`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.config.files import read_regular
from exporter.errors import RequestError
from exporter.sources.snmp.ber import SnmpValue, Unsigned
from exporter.sources.snmp.mib import Oid, dotted

FORMAT: Final = 1
_MAX_BYTES: Final = 20_000_000
"""Size of the largest file to read; one with 5,000 destinations has 1 MB."""


@dataclass(frozen=True, slots=True)
class CapturedPage:
    """A page that the appliance answered with HTTP 200."""

    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Capture:
    """What one appliance answered."""

    snmp: Mapping[Oid, SnmpValue]
    """Every instance of the agent, in the order of a walk."""
    pages: Sequence[CapturedPage]

    def text(self) -> str:
        """Return the text of the file."""
        snmp = {dotted(oid): _value_text(value) for oid, value in self.snmp.items()}
        document = {"capture": FORMAT, "snmp": snmp, "pages": [asdict(page) for page in self.pages]}
        return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000))


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as it stands."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def read_capture(file: Path) -> Capture:
    """Return a capture; raises RequestError for a file that is none."""
    try:
        document = yaml.safe_load(read_regular(file, _MAX_BYTES))
        version = document["capture"]
        if version != FORMAT:
            raise RequestError(f"{file} is a capture of format {version}. This release reads format {FORMAT}.")
        snmp = {_oid(oid): _value(text) for oid, text in document["snmp"].items()}
        return Capture(dict(sorted(snmp.items())), [CapturedPage(**page) for page in document["pages"]])
    except OSError as error:
        raise RequestError(f"{file} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RequestError(f"{file} is not a capture. `ironport-exporter capture` writes one.") from None


def _value_text(value: SnmpValue) -> str:
    match value:
        case Unsigned():
            return f"UNSIGNED {value}"
        case int():
            return f"INTEGER {value}"
        case tuple():
            return f"OID {dotted(value)}"
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        return f"HEX {value.hex()}"
    return f"STRING {text}" if text.isprintable() else f"HEX {value.hex()}"


def _value(text: str) -> SnmpValue:
    kind, _, rest = text.partition(" ")
    value: SnmpValue = _READ[kind](rest)
    return value


def _oid(text: str) -> Oid:
    return tuple(map(int, text.split(".")))


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "INTEGER": int,
    "UNSIGNED": Unsigned,
    "STRING": str.encode,
    "HEX": bytes.fromhex,
    "OID": _oid,
}
"""How to read a value, by its type. UNSIGNED is a counter, a gauge or a time."""
