from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.lab.simulator.model import Model
from exporter.lab.simulator.releases import CURRENT, LEGACY, MIDDLE, generation
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.status_items import PageName
from exporter.lab.simulator.status_page import render
from exporter.metrics.reading import Items
from exporter.sources.destinations import REMAINDER, DestinationChoice
from exporter.sources.xml import document, pages
from exporter.sources.xml.document import Element
from support.simulated import START, model_at_start
from support.status_page import every_item

SAMPLES = Path(__file__).parents[2] / "pages"

READERS: dict[PageName, Callable[[bytes], Items]] = {
    "status": every_item,
    "dnsstatus": lambda page: pages.parse_dnsstatus(elements(page)),
    "tophosts": lambda page: pages.parse_tophosts(elements(page), DestinationChoice({}, 20)),
    "topin": lambda page: pages.parse_topin(elements(page), 20),
}


def elements(page: bytes) -> list[Element]:
    return document.parse(page).elements


@pytest.fixture(scope="module")
def models() -> dict[int, Model]:
    """One fleet of each generation in the middle of an attack, with figures of every size."""
    models = {LEGACY: model_at_start("pair", 60), CURRENT: model_at_start("campus", 60)}
    models[MIDDLE] = models[LEGACY]
    for model in (models[LEGACY], models[CURRENT]):
        for text in ("flood", "queue-paused", "key-expired", "counter-reset", "destination-down"):
            model.begin(parse_scenario(text))
        model.advance(START + 1800)
    return models


UNITS = {LEGACY: "ring2", MIDDLE: "ring1", CURRENT: "mx1"}


@pytest.mark.parametrize("page", READERS)
@pytest.mark.parametrize("release", UNITS)
def test_the_exporter_reads_all_written_items(models: dict[int, Model], release: int, page: PageName) -> None:
    items = models[release].view.xml_items(UNITS[release], (page,))
    assert items
    read = READERS[page](render(page, items, release))
    assert (_without_choice(read) if page == "tophosts" else read) == items


def _without_choice(items: Items) -> Items:
    """Return the figures of destinations by domain, without the class and without the remainder."""
    return {
        item: {(domain,): value for (domain, _), value in rows.items() if domain != REMAINDER}
        for item, rows in items.items()
    }


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.xml")), ids=lambda sample: sample.stem)
def test_a_page_equals_the_real_one_by_line(sample: Path) -> None:
    body = sample.read_bytes()
    release = generation(sample.stem.partition("_")[2])
    written = render("status", every_item(body), release)
    assert lines(written) == lines(body)


def lines(page: bytes) -> list[str]:
    """Return the lines from the root on; the second log_used of an old page reads as the first."""
    body = page[page.index(b"<status") :].decode("iso-8859-1")
    found = [line.rstrip() for line in body.splitlines()]
    (first, *_) = re.findall('log_used" current="(.*?)"', body)
    return [re.sub('(log_used" current=)".*?"', rf'\1"{first}"', line) for line in found]


@pytest.mark.parametrize(("release", "twice"), [(LEGACY, 2), (MIDDLE, 2), (CURRENT, 1)])
def test_log_used_stands_twice_on_old_pages(models: dict[int, Model], release: int, twice: int) -> None:
    items = models[release].view.xml_items(UNITS[release])
    assert render("status", items, release).count(b'"log_used"') == twice


@pytest.mark.parametrize("release", UNITS)
def test_the_prologue_declares_latin_1(models: dict[int, Model], release: int) -> None:
    body = render("status", models[release].view.xml_items(UNITS[release]), release)
    assert re.match(rb'<\?xml version="1\.0" encoding="ISO-8859-1" standalone="yes"\?>\n\s*\n<status build=', body)


def test_characters_outside_latin_1_reach_the_exporter(models: dict[int, Model]) -> None:
    items = models[CURRENT].view.xml_items("mx1") | {"status/hostname": {(): 'pošta "ž" <ł> & é'}}
    assert every_item(render("status", items, CURRENT)) == items
