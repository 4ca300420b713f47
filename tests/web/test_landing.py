"""The landing page shows what happened, and nothing that an appliance sends runs in it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from yarl import URL

from exporter.errors import RefusedError, SourceTimeout
from exporter.metrics.reading import Reading
from exporter.web.landing import time_ago
from support.fake_fleet import MX1, MX2, MX3, healthy, result, write_fleet
from support.prometheus import promtool
from support.running_server import RunningServer, StartServer

SILENT = Reading("snmp", requests=9, retries=8, errors=[SourceTimeout("No answer from 192.0.2.1 in 9.5 s.")])
REFUSED = Reading("xml", errors=[RefusedError("The port is closed.")])
HALF = Reading("snmp", up=True, requests=3, errors=[SourceTimeout("The table of fans gave no answer.")] * 3)


class Outline(HTMLParser):
    """The rows of the page's table as text, its links, and the elements that are open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self._open or "th" in self._open:
            self.rows[-1][-1] += data

    def row(self, name: str) -> list[str]:
        """Return the cells of an appliance's row."""
        return next(row for row in self.rows if row[0] == name)


async def landing(running: RunningServer) -> Outline:
    async with running.client.get("/") as answer:
        assert (answer.status, answer.content_type, answer.charset) == (200, "text/html", "utf-8")
        return Outline(await answer.text())


async def test_appliances_are_grouped_by_site_and_pool(running: RunningServer) -> None:
    outline = await landing(running)
    assert [row[0] for row in outline.rows[1:]] == [
        *("Pool outbound", "mx3"),
        *("Site east, pool edge", "mx1"),
        *("Site west, pool edge", "mx2"),
    ]
    assert outline.row("mx3")[1:4] == ["2001:db8::3", "outbound", "spare"]


@pytest.mark.parametrize(
    ("readings", "states", "errors"),
    [
        ((healthy("snmp"), healthy("xml")), ["✓ complete", "✓ complete"], None),
        (
            (HALF, healthy("xml")),
            ["◐ partial", "✓ complete"],
            "SNMP timeout: The table of fans gave no answer. (and 2 more)",
        ),
        ((SILENT, healthy("xml")), ["✕ failed", "✓ complete"], "SNMP timeout: No answer from 192.0.2.1 in 9.5 s."),
        (
            (SILENT, REFUSED),
            ["✕ failed", "✕ failed"],
            "SNMP timeout: No answer from 192.0.2.1 in 9.5 s.XML refused: The port is closed.",
        ),
    ],
)
async def test_each_source_has_its_state_and_error(
    running: RunningServer, readings: tuple[Reading, ...], states: list[str], errors: str | None
) -> None:
    running.prober("mx1").readings = readings
    await running.get("/probe?target=mx1")
    outline = await landing(running)
    row = outline.row("mx1")
    assert re.fullmatch(r"\d s ago", row[4])
    assert row[5:7] == states
    assert row[-2] == ("15.0.1-030" if readings[1].up else "")
    below = outline.rows[outline.rows.index(row) + 1]
    assert below == (["", errors] if errors else ["Site west, pool edge"])


async def test_an_appliance_that_nobody_probed_says_so(running: RunningServer) -> None:
    row = (await landing(running)).row("mx2")
    assert row[4:7] == ["never", "… not probed yet", "… not probed yet"]
    assert row[-2] == ""


async def test_a_source_without_credentials_says_so(running: RunningServer) -> None:
    without_snmp = running.file.read_text().replace("snmp: {version: 2c, community: s3cret-community}, ", "")
    running.file.write_text(without_snmp)
    assert (await running.reload())[0] == 200
    assert (await landing(running)).row("mx2")[5:7] == ["○ not configured", "… not probed yet"]


async def test_the_summary_links_incomplete_probes(running: RunningServer) -> None:
    running.prober("mx1").readings = (SILENT, REFUSED)
    running.prober("mx2").readings = (SILENT, healthy("xml"))
    for name in ("mx1", "mx2"):
        await running.get(f"/probe?target={name}")
    _, text = await running.get("/")
    summary = re.sub("<[^>]+>", "", text)
    assert "3 appliances; last probes: 1 ◐ partial, 1 ✕ failed, 1 … not probed yet." in summary
    assert "Not complete: ✕ mx1, ◐ mx2." in summary
    assert [link for link in Outline(text).links if link.startswith("#")] == ["#mx1", "#mx2"]
    assert '<tr id="mx1"' in text


async def test_text_from_outside_is_never_an_element(running: RunningServer) -> None:
    hostile = '<script>alert("x")</script>'
    write_fleet(running.file, MX1.replace("mx1", f"'{hostile}'").replace("pool: edge", f"pool: '{hostile}'"), MX2)
    assert (await running.reload())[0] == 200
    prober = running.fleet.probers[hostile]
    unknown_build = replace(healthy("xml"))
    unknown_build.items = {"status/build": {(): f"phoebe {hostile}"}}
    prober.last = result(Reading("snmp", errors=[SourceTimeout(hostile)]), unknown_build)
    outline = await landing(running)
    assert "script" not in outline.tags
    assert f"SNMP timeout: {hostile}" in outline.rows[outline.rows.index(outline.row(hostile)) + 1]


async def test_targets_beyond_the_list_are_named(running: RunningServer) -> None:
    assert "other targets" not in (await running.get("/"))[1]
    targets = "targets: {allow: [10.0.0.0/8, '*.mx.example.edu'], auth: lab}\n"
    running.file.write_text(running.file.read_text() + targets)
    assert await running.reload() == (200, "The configuration is reloaded.\n")
    assert "also allows other targets: 10.0.0.0/8, *.mx.example.edu." in (await running.get("/"))[1]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic b3BzOnMzY3JldA=="}])
async def test_who_gave_a_password_reads_that_prometheus_must(running: RunningServer, headers: dict[str, str]) -> None:
    assert ("basic_auth" in (await running.get("/", **headers))[1]) is bool(headers)


async def test_the_links_lead_to_pages_that_are_there(running: RunningServer) -> None:
    write_fleet(running.file, MX1.replace("mx1", "'mx 1/a?b&c'"), MX2, MX3)
    assert (await running.reload())[0] == 200
    links = (await landing(running)).links
    assert all(not link.startswith("/") for link in links), "relative, for a proxy that adds a prefix"
    own = [link for link in links if not link.startswith("probe?")]
    assert own == ["sd", "metrics", "config"]
    assert {"probe?target=mx2", "probe?target=mx2&debug=true", "probe?target=mx%201%2Fa%3Fb%26c"} < set(links)
    for link in [*own, "probe?target=mx2", "probe?target=mx2&debug=true"]:
        assert (await running.get(f"/{link}"))[0] == 200


async def test_links_work_below_a_route_prefix(start: StartServer) -> None:
    running = await start(route_prefix="/iron/port")
    async with running.client.get("/") as answer:
        page = answer.url
        links = [link for link in Outline(await answer.text()).links if not link.startswith("#")]
    assert links[:3] == ["sd", "metrics", "config"]
    for link in links:
        async with running.client.get(page.join(URL(link)).relative()) as answer:
            assert (answer.status, answer.url.path.startswith("/iron/port/")) == (200, True)


@pytest.mark.parametrize("url", [None, "https://proxy.example.edu/ironport"])
async def test_prometheus_accepts_the_scrape_jobs_on_the_page(
    start: StartServer, tmp_path: Path, url: str | None
) -> None:
    running = await start(url)
    _, page = await running.get("/")  # redirects to the route prefix
    found = re.search("<pre>(.*)</pre>", page, re.DOTALL)
    assert found
    file = tmp_path / "prometheus.yml"
    file.write_text(unescape(found[1]))
    fleet, own = yaml.safe_load(file.read_text())["scrape_configs"]
    base = url or f"http://127.0.0.1:{running.port}"
    assert [each["url"].replace(":443/", "/") for each in fleet["http_sd_configs"]] == [f"{base}/sd"]
    assert own.get("metrics_path", "/metrics") == ("/ironport/metrics" if url else "/metrics")
    checked = await asyncio.to_thread(promtool, "check", "config", str(file))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-2, "0 s"), (0.9, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (86400 * 3.9, "3 d")],
)
def test_how_long_ago_has_one_unit(seconds: float, words: str) -> None:
    assert time_ago(seconds) == f"{words} ago"
