"""Whatever fails, no family jumps: a gauge has the value of one of the sources, and a counter never falls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.conversions import Raw
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Items, Reading
from exporter.sources.destinations import DestinationChoice
from exporter.sources.rest import items as rest_items
from exporter.sources.rest.answers import answer_data
from exporter.sources.source import SOURCES
from exporter.sources.xml import document, pages
from support import rest_pages
from support.status_page import render_status, status_items

Values = dict[tuple[str, tuple[str, ...]], float]
"""The value of each series, by family and label values."""

CHOICE = DestinationChoice({"clients": ["uni-a.example.edu"]}, 1)
COMBINATIONS = tuple(chain.from_iterable(combinations(SOURCES, count) for count in range(1, len(SOURCES) + 1)))


def snmp(moment: int) -> Items:
    """Return what the agent tells at a moment; from moment to moment every figure grows."""
    figures: dict[str, Raw] = {
        "workQueueMessages": 40 + moment,
        "oldestMessageAge": 300 + moment,
        "perCentQueueUtilization": 3 + moment,
        "perCentMemoryUtilization": 31 + moment,
        "perCentDiskIOUtilization": 40 + moment,
        "sysDescr": "Cisco Model C600V, AsyncOS Version: 15.0.0-104, Build Date: 2024, Serial #: 420A-1A2B",
    }
    return {name: {(): value} for name, value in figures.items()}


def xml(moment: int) -> Items:
    """Return what the status page tells at a moment, and the page tophosts."""
    counters = {name: int(value) + moment for name, value in status_items().items() if name.endswith("/lifetime")}
    queue = {"gauges/msgs_in_work_queue/current": 45 + moment}
    page = render_status(status_items({**counters, **queue, "status/build": "phoebe 15.0.0-104"}))
    items = pages.parse_status(document.parse(page).elements)
    row = f'<host host="uni-a.example.edu" active_recips="9" delivered_recips="{moment}"/>'
    tophosts = document.parse(f"<tophosts>{row}</tophosts>".encode()).elements
    return items | pages.parse_tophosts(tophosts, CHOICE)


def rest(moment: int) -> Items:
    """Return what the REST interface tells at a moment; its two answers agree."""
    reading = Reading("rest")
    counters = {"messages_received_uptime": 6_000 + moment, "delivered_recipients_uptime": 5_000 + moment}
    status = rest_pages.system_status({"counters": counters, "gauges": {"msgs_in_work_queue": 46 + moment}})
    health = {
        "percentage_cpu_load": 21,
        "percentage_ram_utilization": 31,
        "percentage_queue_utilization": 12,
        "percentage_diskio": 107,
        "messages_in_workqueue": 46 + moment,
    }
    destinations = [("uni-a.example.edu", "Active", 3, 1_200 + moment, moment, 1, 1), ("b.example", "Active", *[7] * 5)]
    rest_items.read_system_status(answer_data(status), reading)
    rest_items.read_health(answer_data(rest_pages.health(health)), reading)
    rest_items.read_delivery_status(answer_data(rest_pages.delivery_status(destinations)), reading, CHOICE)
    return reading.items


TELLS = {"snmp": snmp, "xml": xml, "rest": rest}

Fate = tuple[float, int]
"""How much of a poll arrives, 0 to 1, and the seed of the chance that chooses what."""

UP: Final = (1.0, 0)
DOWN: Final = (0.0, 0)
FATES = st.tuples(st.sampled_from([0.0, 0.5, 0.9, 1.0]), st.integers(0, 999))


@cache
def tell(source: str, moment: int) -> Items:
    return TELLS[source](moment)


def read(source: str, moment: int, fate: Fate) -> Reading:
    """Return a poll of which a part may be missing."""
    share, seed = fate
    dice = Random(seed)
    items = {item: rows for item, rows in tell(source, moment).items() if dice.random() < share}
    return Reading(source, items, up=bool(items))


def exported(readings: list[Reading]) -> Values:
    families = fuse(readings).families
    return {(family.name, labels): value for family, series in families for labels, value in series.items()}


@cache
def told(sources: tuple[str, ...], moment: int) -> dict[str, Values]:
    """Return what each source exports where all others of the appliance are down."""
    return {
        source: exported([read(other, moment, UP if other == source else DOWN) for other in sources])
        for source in sources
    }


def counters(values: Values) -> Iterator[tuple[str, tuple[str, ...]]]:
    return (key for key in values if key[0].endswith("_total"))


@pytest.mark.parametrize("sources", COMBINATIONS, ids="+".join)
@given(data=st.data())
def test_no_family_jumps_when_sources_fail(sources: tuple[str, ...], data: st.DataObject) -> None:
    last: Values = {}
    for moment in range(data.draw(st.integers(2, 5), "moments")):
        fates = data.draw(st.tuples(*[FATES] * len(sources)), "fates")
        values = exported([read(source, moment, fate) for source, fate in zip(sources, fates, strict=True)])
        alone = told(sources, moment)
        for key, value in values.items():
            assert value in [each[key] for each in alone.values() if key in each], key
        for key in counters(values):
            assert values[key] >= last.get(key, 0.0), key
        last |= values


@pytest.mark.parametrize("sources", COMBINATIONS, ids="+".join)
def test_each_counter_has_one_source_only(sources: tuple[str, ...]) -> None:
    alone = told(sources, 1)
    found = [key for values in alone.values() for key in counters(values)]
    assert len(found) == len(set(found))


def test_an_appliance_with_every_source_has_what_it_has_without_rest() -> None:
    """REST adds series, and changes none."""
    without = exported([read("snmp", 1, UP), read("xml", 1, UP)])
    rest_too = exported([read("snmp", 1, UP), read("xml", 1, UP), read("rest", 1, UP)])
    destinations = {key for key in without if key[0].startswith("ironport_destination_")}
    assert {key: rest_too[key] for key in without.keys() - destinations} == {
        key: value for key, value in without.items() if key not in destinations
    }
