from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from exporter.config import Appliance, Auth, CommunityAuth
from exporter.errors import AuthError, HttpStatusError, MalformedError, RefusedError
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Reading
from exporter.sources.http import connection
from exporter.sources.xml import document
from exporter.sources.xml.collect import XmlSource
from exporter.sources.xml.document import Element
from exporter.sources.xml.pages import parse_status
from exporter.telemetry import Telemetry
from support.processes import free_port
from support.web_interface import RawServer, Talk, WebInterface, answering_with, status_page

Serve = Callable[..., Awaitable[WebInterface]]
MakeSource = Callable[..., XmlSource]
ServeRaw = Callable[[Talk], Awaitable[RawServer]]

DNSSTATUS = b'<counters><counter name="dns_reqs" lifetime="12"/></counters>'
TOPHOSTS = b'<tophosts><host name="a.example" active="7"/><host name="b.example" active="9"/></tophosts>'
TOPIN = b'<topin><row ip="192.0.2.1" listener="In" conn_in="3"/></topin>'
XML_REQUESTS = "ironport_exporter_xml_requests_total"
EVERY = ("status", "dnsstatus", "tophosts", "topin")
BODIES = {"/xml/dnsstatus": DNSSTATUS, "/xml/tophosts": TOPHOSTS, "/xml/topin": TOPIN}


async def test_only_the_status_page_is_read_by_default(serve: Serve, make_source: MakeSource) -> None:
    server = await serve(pages=dict(BODIES))
    reading = Reading("xml")
    await make_source(port=server.port).poll(reading)
    assert [asked.path for asked in server.asked] == ["/xml/status"]
    assert reading.complete
    assert reading.items == parse_status(document.parse(status_page()).elements)


async def test_other_work_runs_between_the_steps_of_a_page(
    serve: Serve, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []

    def steps(body: bytes) -> document.Steps:
        for _ in range(3):
            turns.append("step")
            asyncio.get_running_loop().call_soon(turns.append, "other work")
            yield
        return document.parse(body)

    server = await serve(pages={})
    monkeypatch.setattr(document, "steps", steps)
    monkeypatch.setattr(document, "parse", lambda _: document.Document([Element("", "status", {})]))
    await make_source(port=server.port).poll(Reading("xml"))
    assert turns == ["step", "other work"] * 3


async def test_further_pages_use_the_same_connection(serve: Serve, make_source: MakeSource) -> None:
    server = await serve(pages=dict(BODIES))
    source = make_source(port=server.port, pages=("topin", "dnsstatus", "status", "tophosts"), top=1)
    for _ in range(2):
        reading = Reading("xml")
        await source.poll(reading)
        assert reading.complete
        assert reading.requests == 4
        assert len(reading.notes) == 4
    paths = ["/xml/status", "/xml/topin", "/xml/dnsstatus", "/xml/tophosts"]
    assert [asked.path for asked in server.asked] == paths * 2
    assert len({asked.peer for asked in server.asked}) == 1
    series = {family.name: series for family, series in fuse([reading]).families}
    assert series["ironport_dns_operations_total"] == {("request",): 12}
    assert series["ironport_destination_active_recipients"] == {("b.example", ""): 9, ("other", ""): 7}
    assert series["ironport_sender_connections"] == {("192.0.2.1", "In"): 3}


async def test_a_page_that_fails_leaves_the_others_standing(serve: Serve, make_source: MakeSource) -> None:
    server = await serve(pages={**BODIES, "/xml/dnsstatus": answering_with(403), "/xml/tophosts": b"<tophosts>"})
    reading = Reading("xml")
    await make_source(port=server.port, pages=EVERY).poll(reading)
    assert reading.up
    assert not reading.complete
    assert [type(error) for error in reading.errors] == [AuthError, MalformedError]
    assert str(reading.errors[0]).startswith('/xml/dnsstatus: the user "monitor"')
    assert str(reading.errors[1]).startswith("/xml/tophosts: ")
    assert reading.items["topin/connections"] == {("192.0.2.1", "In"): 3}
    assert "gauges/ram_utilization/current" in reading.items


async def test_what_came_of_a_broken_page_is_served(serve: Serve, make_source: MakeSource) -> None:
    server = await serve(pages={"/xml/status": status_page()[:3000]})
    reading = Reading("xml")
    await make_source(port=server.port).poll(reading)
    assert reading.up
    assert [error.reason for error in reading.errors] == ["malformed"]
    assert str(reading.errors[0]).startswith("/xml/status: the page is incomplete or not XML")
    assert "ironport_messages_injected_total" in {family.name for family, _ in fuse([reading]).families}


@pytest.mark.parametrize(
    ("page", "error"), [(answering_with(500), HttpStatusError), (b"<rss/>", MalformedError)], ids=["500", "other root"]
)
async def test_further_pages_count_without_a_status_page(
    serve: Serve, make_source: MakeSource, page: object, error: type[Exception]
) -> None:
    server = await serve(pages={**BODIES, "/xml/status": page})
    reading = Reading("xml")
    await make_source(port=server.port, pages=EVERY).poll(reading)
    assert not reading.up
    assert [type(failed) for failed in reading.errors] == [error]
    assert reading.items["topin/connections"] == {("192.0.2.1", "In"): 3}


@pytest.mark.parametrize("page", [answering_with(401), b"<html><body>Login</body></html>"], ids=["401", "login page"])
async def test_an_appliance_that_refuses_the_user_is_asked_once(
    serve: Serve, make_source: MakeSource, page: object
) -> None:
    server = await serve(pages={**BODIES, "/xml/status": page})
    reading = Reading("xml")
    await make_source(port=server.port, pages=EVERY).poll(reading)
    assert len(server.asked) == 1
    assert [type(error) for error in reading.errors] == [AuthError]


async def test_an_unreachable_appliance_is_asked_once(make_source: MakeSource, telemetry: Telemetry) -> None:
    reading = Reading("xml")
    await make_source(port=free_port(socket.SOCK_STREAM), pages=EVERY).poll(reading)
    assert [type(error) for error in reading.errors] == [RefusedError]
    assert (reading.up, reading.requests) == (False, 1)


async def test_a_cancelled_poll_keeps_what_has_arrived(serve: Serve, make_source: MakeSource) -> None:
    waiting = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    server = await serve(pages={**BODIES, "/xml/tophosts": never})
    source = make_source(port=server.port, pages=EVERY)
    reading = Reading("xml")
    poll = asyncio.create_task(source.poll(reading))
    await asyncio.wait_for(waiting.wait(), 10)
    poll.cancel()
    await asyncio.wait([poll])
    assert poll.cancelled()
    assert reading.up
    assert not reading.errors
    assert reading.items["counters/dns_reqs/lifetime"] == {(): "12"}
    assert reading.notes[-1].startswith("GET /xml/tophosts: cancelled; ")
    assert "came only in part" in str(source.timed_out(reading))
    server.pages["/xml/tophosts"] = TOPHOSTS
    again = Reading("xml")
    await source.poll(again)
    assert again.complete


def half_a_page(page: bytes) -> Talk:
    """Send the first half of a page, and be silent then."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page[: len(page) // 2])
        await asyncio.Event().wait()

    return talk


async def test_a_cancelled_poll_keeps_the_beginning_of_a_page(
    make_source: MakeSource, serve_raw: ServeRaw, telemetry: Telemetry
) -> None:
    page = status_page()
    source = make_source(port=(await serve_raw(half_a_page(page))).port)
    reading = Reading("xml")
    poll = asyncio.create_task(source.poll(reading))
    got = {"code": "200"}
    async with asyncio.timeout(10):
        while not telemetry.registry.get_sample_value(XML_REQUESTS, got):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
    poll.cancel()
    await asyncio.wait([poll])
    assert poll.cancelled()
    assert reading.up
    assert reading.items == parse_status(document.parse(page[: len(page) // 2]).elements)
    assert not reading.errors  # whoever cancels says why
    assert "came only in part" in str(source.timed_out(reading))


async def test_a_page_that_comes_too_slowly_counts_as_far_as_it_came(
    make_source: MakeSource, serve_raw: ServeRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.0)
    monkeypatch.setattr(connection, "LEAST_SPEED", 1e6)
    page = status_page()
    reading = Reading("xml")
    await make_source(port=(await serve_raw(half_a_page(page))).port).poll(reading)
    assert reading.up
    assert [error.reason for error in reading.errors] == ["timeout"]
    assert reading.items == parse_status(document.parse(page[: len(page) // 2]).elements)


@pytest.mark.parametrize(("requests", "words"), [(0, "No request for"), (1, "No status page from")])
def test_a_late_status_page_is_a_timeout(make_appliance: Callable[..., Appliance], requests: int, words: str) -> None:
    source = XmlSource(make_appliance(address="mx1.example.edu", port=8080), Telemetry())
    error = source.timed_out(Reading("xml", requests=requests))
    assert words in str(error)
    assert "mx1.example.edu TCP port 8080" in str(error)


async def test_no_secret_is_in_any_text(serve: Serve, make_source: MakeSource) -> None:
    async def echo(request: web.Request) -> web.Response:
        header = request.headers["Authorization"]
        return web.Response(status=302, headers={"Location": f"/login?{header}"}, text=header, reason=header)

    server = await serve(pages={"/xml/status": echo, "/xml/dnsstatus": answering_with(401)})
    source = make_source(port=server.port, pages=("status", "dnsstatus"))
    reading = Reading("xml")
    await source.poll(reading)
    said = "\n".join([repr(reading), repr(source), repr(vars(source)), *map(str, reading.errors), *reading.notes])
    assert "pässw0rd" not in said
    assert "s3cret" not in said
    assert base64.b64encode("monitor:pässw0rd:s3cret".encode()).decode() not in said


def test_the_xml_source_needs_credentials(
    make_appliance: Callable[..., Appliance],
) -> None:
    snmp_only = Auth(snmp=CommunityAuth.model_validate({"version": "2c", "community": "x"}))
    appliance = make_appliance().model_copy(update={"credentials": snmp_only})
    with pytest.raises(ValueError, match="mx1 has no credentials for its status pages"):
        XmlSource(appliance, Telemetry())
