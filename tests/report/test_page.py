"""The page of a month, as its readers see it: on a screen, on a phone, in the dark, and without any network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from tinyhtml5.parser import HTMLParser

from exporter.phrases import LANGUAGES, Phrases
from exporter.report.model import ChangeKind, FleetChange, MonthReport
from exporter.report.page import write_page
from support.browser import Browser, Scheme, Shown
from support.months import client_month, empty_month, full_month, moment, month_of_long_names

CHECKS: Final = (Path(__file__).parents[1] / "support" / "page_checks.js").read_text()
MONTHS: Final = {"full": full_month, "empty": empty_month, "client": client_month, "long": month_of_long_names}
PHONE: Final = 390
"""The width of a common phone in pixels."""
SCREEN: Final = 1280


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("browser"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Write the page of each month in each language."""
    folder = tmp_path_factory.mktemp("pages")
    files = {(month, language): folder / f"{month}-{language}.html" for month in MONTHS for language in LANGUAGES}
    for (month, language), file in files.items():
        file.write_text(write_page(MONTHS[month](), Phrases(language)), encoding="utf-8")
    return files


@pytest.fixture(params=[(month, language) for month in MONTHS for language in LANGUAGES], ids="-".join)
def page(request: pytest.FixtureRequest, pages: dict[tuple[str, str], Path]) -> Path:
    return pages[request.param]


async def check(shown: Shown, name: str) -> Any:
    return await shown.ask(f"(() => {{ {CHECKS}; return checks.{name}(); }})()")


BAD_PAGE: Final = """<!doctype html><title>x</title>
<style>body { color: #777; margin: 0; width: 400px; }
div { width: 20px; overflow: hidden; white-space: nowrap; }</style>
<p>grey</p><div style="color: #000">cut off text</div>
<svg><text x="0" y="9">one</text><text x="5" y="9">two</text></svg>
"""


async def test_the_checks_find_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(BAD_PAGE)
    async with browser.show(bad, width=PHONE) as shown:
        found = {name: await check(shown, name) for name in re.findall(r"^  (\w+)\(\) {", CHECKS, re.MULTILINE)[1:]}
    assert [each["text"] for each in found.pop("faintTexts")] == ["grey"]
    (picture,) = found.pop("silentPictures")
    assert picture.startswith("<svg>")
    assert found == {"cutTexts": ["cut off text"], "overlappingLabels": ["one"], "scrollsSideways": 10}


def test_the_page_is_valid_html(page: Path) -> None:
    parser = HTMLParser()
    parser.parse(page.read_text())
    assert parser.errors == []


async def test_the_page_needs_no_network(browser: Browser, page: Path) -> None:
    async with browser.show(page, width=SCREEN) as shown:
        assert shown.requests == [page.as_uri()]
    assert "default-src 'none'" in page.read_text()
    assert not re.search(r"<script|@import|url\(|\bsrc=|https?://", page.read_text())


@pytest.mark.parametrize("width", [PHONE, SCREEN])
async def test_nothing_is_cut_off(browser: Browser, page: Path, width: int) -> None:
    async with browser.show(page, width=width) as shown:
        assert await check(shown, "scrollsSideways") == 0
        assert await check(shown, "cutTexts") == []
        assert await check(shown, "overlappingLabels") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_contrast(browser: Browser, page: Path, scheme: Scheme) -> None:
    async with browser.show(page, width=SCREEN, scheme=scheme) as shown:
        assert await check(shown, "faintTexts") == []


async def test_every_picture_has_a_text(browser: Browser, page: Path) -> None:
    async with browser.show(page, width=SCREEN) as shown:
        assert await check(shown, "silentPictures") == []


def text_of(month: MonthReport, language: str = "en") -> str:
    """Return the text of the page, without its style, its charts and the meaning of the words."""
    html = re.sub(r"<(style|svg|footer|details)\b.*?</\1>", " ", write_page(month, Phrases(language)), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_a_figure_says_for_how_much_of_the_time_there_are_data() -> None:
    text = text_of(full_month())
    assert "For 6.5% of the time there are no data." in text
    assert "October 2026 27,789,297 93.5% measured" in text
    assert "September 2026 27,310,442 910,348 36.8%" in text
    assert "October 2025 no data no data no data" in text


def test_a_month_without_data_has_no_number() -> None:
    text = text_of(empty_month())
    assert "There are no data for this month." in text
    assert re.findall(r"\d[\d.,]*(?= messages|%)|\d+ (?:h|min|s)\b", text) == []


def test_a_month_that_is_not_over_says_so() -> None:
    month = full_month()
    scope = replace(month.scope, until=moment(20, 9))
    assert "The month is not over. The figures are those until 20 October 2026, 09:00." in text_of(
        replace(month, scope=scope)
    )
    assert "not over" not in text_of(month)


def test_every_incident_has_its_duration_and_who_was_hit() -> None:
    text = text_of(full_month())
    assert "Distributed attack Serious 6 October 2026, 09:50 2 h 14 min inbound: mx1, mx2, mx4, mx5 25 min 5 s" in text
    assert "1 h 50 min not ended when the month did outbound no data" in text


def test_every_unit_has_its_time_down() -> None:
    text = text_of(full_month())
    assert "mx3 east 98.94% 93.5% measured 7 h 25 min" in text
    assert "mx4 west 100% 93.5% measured 0 s" in text


@pytest.mark.parametrize("kind", get_args(ChangeKind))
def test_every_kind_of_change_is_a_sentence(kind: ChangeKind) -> None:
    change = FleetChange(moment(13), kind, "mx1", "before", "after")
    text = text_of(replace(full_month(), changes=(change,)))
    assert re.search(r"What changed 13 October 2026: [\w ]+\.( It \w+ before\.)?$", text)


def test_roles_are_written_in_the_language_of_the_report() -> None:
    change = FleetChange(moment(13), "role", "mx1", "spare", "production")
    assert "mx1 ist jetzt im Einsatz, vorher Reserve." in text_of(replace(full_month(), changes=(change,)), "de")


def test_a_client_without_destinations_is_told_why() -> None:
    assert "Mail to single domains is not measured" in text_of(replace(client_month(), destinations=None))
    assert "chem.example.edu 182,344 1,201" in text_of(client_month())
    assert "Mail to the domains" not in text_of(full_month())


def test_pools_of_several_jobs_are_told_apart() -> None:
    month = full_month()
    other = replace(month.pools[0], job="old")
    assert "inbound (old)" in text_of(replace(month, pools=(*month.pools, other)))


@pytest.mark.parametrize(
    ("figures", "note"),
    [("delays", "the delays are those of the whole pools"), ("capacity", "the capacity is that of the whole pools")],
)
def test_figures_of_whole_pools_are_named_as_such(figures: str, note: str) -> None:
    assert note in text_of(replace(full_month(), whole_pool=(figures,)))
    assert note not in text_of(full_month())


def test_a_week_without_data_is_marked_in_the_chart_of_weeks() -> None:
    month = full_month()
    assert month.capacity is not None
    pool = month.capacity.pools[0]
    torn = replace(pool, weekly=(*pool.weekly[:4], *pool.weekly[6:]))
    page = write_page(replace(month, capacity=replace(month.capacity, pools=(torn,))), Phrases("en"))
    assert page.count("no data</title>") == write_page(month, Phrases("en")).count("no data</title>") + 2


def test_names_cannot_break_the_page() -> None:
    page = write_page(
        replace(full_month(), scope=replace(full_month().scope, client="<script>alert(1)</script>")), Phrases("en")
    )
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_same_month_gives_the_same_page() -> None:
    assert write_page(full_month(), Phrases("de")) == write_page(full_month(), Phrases("de"))
