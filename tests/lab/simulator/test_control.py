from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from exporter.errors import ExporterError
from exporter.lab.simulator import control
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.scenarios import SCENARIOS
from support.simulated import START, simulated

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@dataclass(frozen=True, slots=True)
class Desk:
    """A fleet, the address of its control, and a client."""

    fleet: LiveFleet
    url: str
    client: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **how: Any) -> tuple[int, str]:
        async with self.client.request(method, path, allow_redirects=False, **how) as answer:
            return answer.status, await answer.text()

    async def json(self, path: str) -> Any:
        async with self.client.get(path) as answer:
            assert answer.status == 200
            return await answer.json()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with (
        simulated(https=False) as fleet,
        control.serving(fleet, "127.0.0.1", 0) as url,
        aiohttp.ClientSession(url) as client,
    ):
        yield Desk(fleet, url, client)


@pytest.mark.parametrize(
    "data",
    [
        "jabberer@+5m,unit=mx3,size=3",
        {"scenario": "jabberer@+5m,unit=mx3,size=3"},
        {"scenario": "jabberer", "offset": "5m", "unit": "mx3", "size": "3", "ramp": ""},
    ],
    ids=["body", "field", "fields"],
)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_a_scenario_starts_however_it_is_written(desk: Desk, data: Any, kind: str) -> None:
    """The text is understood under curl's usual content type too."""
    how = {"data": data, "headers": {"Content-Type": kind} if isinstance(data, str) else None}
    async with desk.client.post("/scenarios", **how) as answer:
        assert answer.status == 201
        started = await answer.json()
    assert started["number"] == 1
    assert (started["begin"], started["running"]) == (START + 300, False)
    assert started["units"] == ["mx3"]
    assert started["values"]["size"] == 3
    assert await desk.json("/scenarios") == [started]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("nonsense", "There is no scenario nonsense."),
        ("", "'' is not a scenario;"),
        ("jabberer,unit=mx99", "There is no unit mx99;"),
        ({"scenario": "jabberer", "size": "big"}, "The size 'big' is not a number"),
        (b"\xff", "The request is not text in UTF-8."),
    ],
)
async def test_a_bad_scenario_is_a_sentence(desk: Desk, data: Any, sentence: str) -> None:
    status, text = await desk.ask("POST", "/scenarios", data=data)
    assert (status, text.startswith(sentence)) == (400, True)
    assert not desk.fleet.model.scenarios


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/scenarios/2"), ("POST", "/scenarios/2/stop")])
async def test_a_scenario_is_stopped_by_its_number(desk: Desk, method: str, path: str) -> None:
    for text in ("raid-fault", "flood"):
        await desk.ask("POST", "/scenarios", data=text)
    assert await desk.ask(method, path) == (200, '{"number": 2}')
    assert [incident.scenario.name for incident in desk.fleet.model.scenarios] == ["raid-fault"]
    assert (await desk.ask(method, path))[0] == 400


async def test_the_truth_table_says_what_should_be_raised(desk: Desk) -> None:
    await desk.ask("POST", "/scenarios", data="raid-fault@+1h,unit=mx2")
    (row,) = await desk.json("/truth")
    assert (row["scenario"], row["onset"], row["units"], row["pools"]) == (
        "raid-fault",
        START + 3600,
        ["mx2"],
        ["inbound"],
    )
    assert [alert["severity"] for alert in row["expected"]] == ["warning"]


async def test_the_fleet_file_is_given(desk: Desk) -> None:
    assert await desk.ask("GET", "/fleet.yml") == (200, desk.fleet.fleet_file())


async def test_faults_are_set_shown_and_taken_back(desk: Desk) -> None:
    path = "/units/mx2/faults"
    assert await desk.ask("POST", path, data={"xml_delay": "2"}) == (200, '{"xml_delay": "2"}')
    assert await desk.json(path) == {"xml_delay": "2"}
    assert desk.fleet.faults("mx2")[1].delay == 2
    assert await desk.ask("POST", path) == (200, "{}")
    assert (await desk.ask("POST", path, data={"xml_delay": "-1"}))[0] == 400
    assert await desk.ask("GET", "/units/mx99/faults") == (400, "There is no unit mx99; / names every unit.\n")


async def test_the_page_has_a_form_for_each_scenario(desk: Desk) -> None:
    status, page = await desk.ask("GET", "/", headers=BROWSER)
    assert status == 200
    forms = re.findall(r'<form method="post" action="/scenarios">(.*?)</form>', page, re.DOTALL)
    fields = {}
    for form in forms:
        (name,) = re.findall('name="scenario" value="(.*?)"', form)
        fields[name] = re.findall('<input name="(.*?)"', form)
    assert fields == {
        scenario.name: ["offset", *(parameter.name for parameter in scenario.parameters)]
        for scenario in SCENARIOS.values()
    }
    assert "<script" not in page


async def test_the_page_shows_running_scenarios_and_stops_them(desk: Desk) -> None:
    async with desk.client.post("/scenarios", data={"scenario": "flood"}, headers=BROWSER) as answer:
        assert [step.status for step in answer.history] == [303]
        page = await answer.text()
    assert 'action="/scenarios/1/stop"' in page
    async with desk.client.post("/scenarios/1/stop", headers=BROWSER) as answer:
        assert "No scenario is running." in await answer.text()


async def test_a_wrong_form_is_explained_on_its_page(desk: Desk) -> None:
    status, page = await desk.ask("POST", "/scenarios", data={"scenario": "<b>"}, headers=BROWSER)
    assert status == 400
    assert "There is no scenario &lt;b&gt;." in page
    status, page = await desk.ask("POST", "/units/mx1/faults", data={"xml_loss": "2"}, headers=BROWSER)
    assert status == 400
    assert "The fault xml_loss is &#x27;2&#x27;" in page
    assert "<h1>mx1 " in page


async def test_the_page_shows_dead_sources_and_faults(desk: Desk) -> None:
    await desk.ask("POST", "/scenarios", data="unit-down,unit=mx4")
    await desk.ask("POST", "/units/mx5/faults", data={"snmp_loss": "0.5"})
    await desk.fleet.step()
    _, page = await desk.ask("GET", "/", headers=BROWSER)
    rows = {row.split("</a>")[0].split(">")[-1]: row for row in page.split("<tr>") if "/faults" in row}
    assert "no SNMP and no XML" in rows["mx4"]
    assert "snmp_loss=0.5" in rows["mx5"]
    assert "no SNMP" not in rows["mx5"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "192.0.2.1", "", "localhost.evil.example"])
async def test_a_host_name_off_the_loopback_is_refused(desk: Desk, host: str) -> None:
    """A web site whose name is made to mean 127.0.0.1 reads nothing and starts nothing."""
    for method in ("GET", "POST"):
        path = "/fleet.yml" if method == "GET" else "/scenarios"
        status, text = await desk.ask(method, path, data="flood", headers={"Host": host})
        assert (status, "loopback" in text) == (403, True)
    assert not desk.fleet.model.scenarios


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9877", "[::1]:9877", "127.0.0.2"])
async def test_every_name_of_the_loopback_is_served(desk: Desk, host: str) -> None:
    assert (await desk.ask("GET", "/truth", headers={"Host": host}))[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_form_of_another_origin_starts_nothing(desk: Desk, origin: str) -> None:
    status, _ = await desk.ask("POST", "/scenarios", data="flood", headers={"Origin": origin})
    assert status == 403
    assert not desk.fleet.model.scenarios


async def test_the_pages_own_forms_are_served(desk: Desk) -> None:
    status, _ = await desk.ask("POST", "/scenarios", data="flood", headers={"Origin": desk.url} | BROWSER)
    assert status == 303


async def test_pages_allow_no_script_or_foreign_form(desk: Desk) -> None:
    async with desk.client.get("/", headers=BROWSER) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/truth", 405)])
async def test_what_is_not_there_is_a_sentence(desk: Desk, method: str, path: str, status: int) -> None:
    got, text = await desk.ask(method, path)
    assert (got, text.startswith(f"{method} {path}: ")) == (status, True)


async def test_an_address_in_use_is_reported(desk: Desk) -> None:
    port = int(desk.url.rpartition(":")[2])
    with pytest.raises(ExporterError, match=rf"Cannot listen on 127\.0\.0\.1 port {port}: .*--web\.listen-address\."):
        async with control.serving(desk.fleet, "127.0.0.1", port):
            pass
