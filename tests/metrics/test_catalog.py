from __future__ import annotations

import re
from collections import Counter

import pytest

from exporter.metrics.catalog import FAMILIES, LABELS, PROBE, Family
from exporter.metrics.exposition import Exposition, PlainPart
from exporter.sources.snmp.mib import SCALARS, TABLES
from exporter.sources.source import SOURCES
from support.prometheus import promtool

UNITS = {"in seconds": "_seconds", "in bytes": "_bytes", "0 to 1": "_ratio"}

NAMES = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def test_names_are_unique() -> None:
    assert max(Counter(family.name for family in FAMILIES).values()) == 1


@NAMES
def test_names_follow_the_naming_rules(family: Family) -> None:
    assert re.fullmatch(r"ironport(_[a-z0-9]+)+", family.name)
    assert family.name.endswith("_total") == (family.kind == "counter")
    assert not family.name.startswith("ironport_exporter_")  # those are the exporter's own


@NAMES
def test_the_help_is_one_sentence_that_names_the_items(family: Family) -> None:
    assert re.fullmatch(r"[A-Z0-9].*[^.]\.", family.help)
    for feed in family.feeds:
        if feed.source in ("xml", "snmp"):
            assert family.items_pattern or all(item in family.help for item in feed.items)


@NAMES
def test_help_and_name_agree_on_the_unit(family: Family) -> None:
    for words, suffix in UNITS.items():
        if words in family.meaning:
            assert suffix in family.name


@NAMES
def test_labels_are_valid_and_not_those_of_discovery(family: Family) -> None:
    assert all(re.fullmatch(r"[a-z_]+", label) for label in family.labels)
    assert len(set(family.labels)) == len(family.labels)
    assert not set(family.labels) & {"instance", "job", "site", "pool", "stream", "traffic", "role"}
    assert set(family.labels) <= LABELS


def test_the_catalogue_uses_exactly_the_objects_read() -> None:
    read = {scalar.name for scalar in SCALARS} | {column.name for table in TABLES for column in table.columns}
    fed = {item for family in FAMILIES for feed in family.feeds if feed.source == "snmp" for item in feed.items}
    assert fed == read


@NAMES
def test_rows_and_conversions_give_the_labels(family: Family) -> None:
    for feed in family.feeds:
        series = feed.convert(*(WORDED.get(item, PLAIN) for item in feed.items))
        added = {0} if feed.across_rows else {row_length(feed.items[0]) + len(labels) for labels in series}
        assert added == {len(family.labels)}


PLAIN = "2"
WORDED = {
    "status/build": "phoebe 1.0-1",
    "sysDescr": "Model C1, AsyncOS Version: 1.0-1",
    "birth_time/timestamp": "(1s)",
    "mail_system_status/oldest_message": "0:00:01",
    "version_details/operating_system": "AsyncOS 1.0",
}
DESTINATIONS = ("tophosts/", "delivery_status/")
COLUMNS = {column.name for table in TABLES for column in table.columns}


def row_length(item: str) -> int:
    """Return how many labels the row of an item has: none for a scalar."""
    if item in ("topin/connections", "source_error", "certificate_expiry") or item.startswith(DESTINATIONS):
        return 2
    return int(item in COLUMNS or item.startswith(("source_", "features/")))


def test_the_catalogue_names_exactly_the_registered_sources() -> None:
    assert {*SOURCES, "config", "probe"} == {source for family in FAMILIES for source in family.sources}
    assert {source for family in PROBE for source in family.sources} == {"probe"}


def test_promtool_accepts_every_family() -> None:
    every = Exposition([PlainPart([(family, {tuple("x" for _ in family.labels): 1.0}) for family in FAMILIES])], {})
    verdict = promtool("check", "metrics", stdin=every.text().decode())
    assert (verdict.returncode, verdict.stdout, verdict.stderr) == (0, "", "")
