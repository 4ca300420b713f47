"""The faults of real appliances that can be asked for by name: a table, and what a form of them means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from exporter.errors import RequestError
from exporter.lab.simulator import agent, web
from exporter.sources.snmp.mib import TABLES, Oid

Kind = Literal["flag", "share", "seconds", "table", "answer"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one source of a unit; `field` is that of the source's `Faults`."""

    source: Literal["snmp", "xml"]
    field: str
    kind: Kind
    meaning: str

    @property
    def name(self) -> str:
        """What it is called in a form."""
        return f"{self.source}_{self.field}"


FAULTS: Final = (
    Fault("snmp", "dead", "flag", "the agent answers nothing"),
    Fault("snmp", "loss", "share", "requests that are not answered"),
    Fault("snmp", "delay", "seconds", "what an answer takes besides"),
    Fault("snmp", "deaf_to_bulk", "table", "GETBULK is not answered in this table"),
    Fault("snmp", "broken", "table", "this table is answered with genErr"),
    Fault("xml", "dead", "flag", "the port is closed"),
    Fault("xml", "loss", "share", "connections that break instead of an answer"),
    Fault("xml", "delay", "seconds", "what a page takes besides"),
    Fault("xml", "closing", "flag", "every connection is closed after an answer that does not say so"),
    Fault("xml", "answer", "answer", "the page, a login page with status 200, a part of the page, or status 500"),
)

_TABLES: Final[Mapping[str, tuple[Oid, ...]]] = {
    "none": (),
    **{table.name: (table.label.oid[:-2],) for table in TABLES},
}
_FLAGS: Final = {"no": False, "yes": True}

CHOICES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "flag": tuple(_FLAGS),
    "table": tuple(_TABLES),
    "answer": get_args(web.Answer),
}
"""The words that a fault can be, the first of them for none; the other kinds are numbers."""

_LONGEST: Final = 600.0


def read(form: Mapping[str, str]) -> tuple[agent.Faults, web.Faults]:
    """Return the faults of both sources; what the form does not name is well. Raises RequestError."""
    known = {fault.name: fault for fault in FAULTS}
    values: dict[str, dict[str, Any]] = {"snmp": {}, "xml": {}}
    for name, text in form.items():
        if name not in known:
            raise RequestError(f"There is no fault {name}; there are {', '.join(known)}.")
        fault = known[name]
        values[fault.source][fault.field] = _READERS[fault.kind](name, text.strip())
    return agent.Faults(**values["snmp"]), web.Faults(**values["xml"])


def written(snmp: agent.Faults, xml: web.Faults) -> dict[str, str]:
    """Return the form that means these faults, without what is well."""
    form = {}
    for fault in FAULTS:
        value = getattr(snmp if fault.source == "snmp" else xml, fault.field)
        usual = getattr(agent.NONE if fault.source == "snmp" else web.NONE, fault.field)
        if value != usual:
            form[fault.name] = _WRITERS.get(fault.kind, str)(value)
    return form


def _number(highest: float, unit: str) -> Callable[[str, str], float]:
    def read(name: str, text: str) -> float:
        try:
            value = float(text or 0)
        except ValueError:
            value = math.nan
        if not 0 <= value <= highest:
            raise RequestError(f"The fault {name} is {text!r}; it must be a number from 0 to {highest:g} ({unit}).")
        return value

    return read


def _word(meanings: Mapping[str, Any]) -> Callable[[str, str], Any]:
    def read(name: str, text: str) -> Any:
        if text not in meanings:
            raise RequestError(f"The fault {name} is {text!r}; it must be one of {', '.join(meanings)}.")
        return meanings[text]

    return read


_READERS: Final[Mapping[Kind, Callable[[str, str], Any]]] = {
    "flag": _word(_FLAGS),
    "share": _number(1.0, "share"),
    "seconds": _number(_LONGEST, "seconds"),
    "table": _word(_TABLES),
    "answer": _word({answer: answer for answer in get_args(web.Answer)}),
}

_WRITERS: Final[Mapping[Kind, Callable[[Any], str]]] = {
    "flag": lambda value: "yes" if value else "no",
    "share": lambda value: f"{value:g}",
    "seconds": lambda value: f"{value:g}",
    "table": lambda value: next(name for name, roots in _TABLES.items() if roots == value),
}
