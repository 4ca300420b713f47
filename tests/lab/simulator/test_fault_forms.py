from __future__ import annotations

import pytest

from exporter.errors import RequestError
from exporter.lab.simulator.fault_forms import CHOICES, FAULT_FIELDS, format_faults, parse_faults
from exporter.lab.simulator.faults import NO_SNMP_FAULTS, NO_XML_FAULTS
from exporter.sources.snmp.mib import TABLES

FORM = {
    "snmp_dead": "yes",
    "snmp_loss": "0.25",
    "snmp_delay": "1.5",
    "snmp_deaf_to_bulk": "raidTable",
    "snmp_broken": "fanTable",
    "xml_dead": "yes",
    "xml_loss": "1",
    "xml_delay": "30",
    "xml_closing": "yes",
    "xml_answer": "login",
}


def test_every_fault_survives_a_round_trip() -> None:
    assert set(FORM) == {fault.name for fault in FAULT_FIELDS}
    assert format_faults(*parse_faults(FORM)) == FORM


def test_an_empty_form_means_no_faults() -> None:
    nothing = {fault.name: CHOICES[fault.kind][0] if fault.kind in CHOICES else "" for fault in FAULT_FIELDS}
    assert parse_faults({}) == parse_faults(nothing) == (NO_SNMP_FAULTS, NO_XML_FAULTS)
    assert format_faults(NO_SNMP_FAULTS, NO_XML_FAULTS) == {}


def test_a_table_stands_for_the_objects_below_it() -> None:
    snmp, _ = parse_faults({"snmp_broken": "raidTable"})
    ((*root,),) = snmp.broken
    (table,) = (table for table in TABLES if table.name == "raidTable")
    assert all(list(column.oid[: len(root)]) == root for column in (table.label, *table.columns))
    assert not any(list(other.label.oid[: len(root)]) == root for other in TABLES if other is not table)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"snmp_los": "1"}, "There is no fault snmp_los. The faults are snmp_dead, .*"),
        ({"snmp_loss": "2"}, r"The fault snmp_loss is '2'; it must be a number from 0 to 1 \(share\)\."),
        ({"xml_delay": "nan"}, r"The fault xml_delay is 'nan'; it must be a number from 0 to 600 \(seconds\)\."),
        ({"xml_dead": "maybe"}, r"The fault xml_dead is 'maybe'; it must be one of no, yes\."),
        ({"snmp_broken": "table"}, "The fault snmp_broken is 'table'; it must be one of none, powerSupplyTable, .*"),
    ],
)
def test_what_is_none_is_refused_with_a_sentence(form: dict[str, str], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        parse_faults(form)
