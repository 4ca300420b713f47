"""The faults of a simulated unit as fields of a form: names, meanings, and the words or numbers that each takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, get_args

from exporter.errors import RequestError
from exporter.lab.simulator.faults import NO_SNMP_FAULTS, NO_XML_FAULTS, Answer, SnmpFaults, XmlFaults
from exporter.sources.snmp.mib import TABLES, Oid

FieldKind = Literal["flag", "share", "seconds", "table", "answer"]
FaultForm = Mapping[str, str]
"""Field names to the text of the field. A field that is left out means no fault."""


@dataclass(frozen=True, slots=True)
class FaultField:
    """A field of the form."""

    source: Literal["snmp", "xml"]
    attribute: str
    """The attribute of SnmpFaults or XmlFaults that the field sets."""
    kind: FieldKind
    meaning: str

    @property
    def name(self) -> str:
        return f"{self.source}_{self.attribute}"


FAULT_FIELDS: Final = (
    FaultField("snmp", "dead", "flag", "the agent answers nothing"),
    FaultField("snmp", "loss", "share", "requests that are not answered"),
    FaultField("snmp", "delay", "seconds", "time before each answer"),
    FaultField("snmp", "deaf_to_bulk", "table", "GETBULK is not answered in this table"),
    FaultField("snmp", "broken", "table", "this table is answered with genErr"),
    FaultField("xml", "dead", "flag", "the port is closed"),
    FaultField("xml", "loss", "share", "connections that break instead of an answer"),
    FaultField("xml", "delay", "seconds", "time that a page takes longer"),
    FaultField("xml", "closing", "flag", "every connection is closed after an answer that does not say so"),
    FaultField("xml", "answer", "answer", "the page, a login page with status 200, a part of the page, or status 500"),
)

_TABLE_ROOTS: Final[Mapping[str, tuple[Oid, ...]]] = {
    "none": (),
    **{table.name: (table.label.oid[:-2],) for table in TABLES},
}
_FLAGS: Final = {"no": False, "yes": True}

CHOICES: Final[Mapping[FieldKind, tuple[str, ...]]] = {
    "flag": tuple(_FLAGS),
    "table": tuple(_TABLE_ROOTS),
    "answer": get_args(Answer),
}
"""The words that a field takes; the first of them means no fault. Fields of other kinds take numbers."""

_LONGEST_DELAY: Final = 600.0


def parse_faults(form: FaultForm) -> tuple[SnmpFaults, XmlFaults]:
    """Return the faults of both sources; raises RequestError."""
    known = {field.name: field for field in FAULT_FIELDS}
    values: dict[str, dict[str, Any]] = {"snmp": {}, "xml": {}}  # checked by the parser of each kind
    for name, text in form.items():
        if name not in known:
            raise RequestError(f"There is no fault {name}. The faults are {', '.join(known)}.")
        field = known[name]
        values[field.source][field.attribute] = _PARSERS[field.kind](name, text.strip())
    return SnmpFaults(**values["snmp"]), XmlFaults(**values["xml"])


def format_faults(snmp: SnmpFaults, xml: XmlFaults) -> dict[str, str]:
    """Return the form that means these faults, without the fields that mean no fault."""
    values = {"snmp": asdict(snmp), "xml": asdict(xml)}
    usual = {"snmp": asdict(NO_SNMP_FAULTS), "xml": asdict(NO_XML_FAULTS)}
    return {
        field.name: _FORMATTERS.get(field.kind, str)(values[field.source][field.attribute])
        for field in FAULT_FIELDS
        if values[field.source][field.attribute] != usual[field.source][field.attribute]
    }


def _number_parser(highest: float, unit: str) -> Callable[[str, str], float]:
    def parse_number(name: str, text: str) -> float:
        try:
            value = float(text or 0)
        except ValueError:
            value = math.nan
        if not 0 <= value <= highest:
            raise RequestError(f"The fault {name} is {text!r}; it must be a number from 0 to {highest:g} ({unit}).")
        return value

    return parse_number


def _word_parser(meanings: Mapping[str, object]) -> Callable[[str, str], object]:
    def parse_word(name: str, text: str) -> object:
        if text not in meanings:
            raise RequestError(f"The fault {name} is {text!r}; it must be one of {', '.join(meanings)}.")
        return meanings[text]

    return parse_word


_PARSERS: Final[Mapping[FieldKind, Callable[[str, str], object]]] = {
    "flag": _word_parser(_FLAGS),
    "share": _number_parser(1.0, "share"),
    "seconds": _number_parser(_LONGEST_DELAY, "seconds"),
    "table": _word_parser(_TABLE_ROOTS),
    "answer": _word_parser({answer: answer for answer in get_args(Answer)}),
}

_FORMATTERS: Final[Mapping[FieldKind, Callable[[Any], str]]] = {
    "flag": lambda flag: "yes" if flag else "no",
    "share": lambda share: f"{share:g}",
    "seconds": lambda seconds: f"{seconds:g}",
    "table": lambda roots: next(name for name, known in _TABLE_ROOTS.items() if known == roots),
}
