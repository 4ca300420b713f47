from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import trustme

from exporter.config import Appliance, Auth, BasicAuth, RestSettings
from exporter.metrics.reading import Reading
from exporter.sources.rest.collect import RestSource
from exporter.telemetry import Telemetry
from support.rest_pages import HEALTH, SYSTEM_STATUS, rest_pages
from support.status_server import PASSWORD, USERNAME, Page, StatusServer
from support.web_interface import RawServer, Talk

MakeSource = Callable[..., RestSource]
ServeRaw = Callable[[Talk], Awaitable[RawServer]]


@pytest.fixture
async def make_source() -> AsyncIterator[MakeSource]:
    """Make the REST source of an appliance from the keys of its `rest` section; it is closed with the test."""
    async with AsyncExitStack() as sources:

        def make(password: str = PASSWORD, **rest: object) -> RestSource:
            user = BasicAuth.model_validate({"username": USERNAME, "password": password})
            appliance = Appliance.model_validate(
                {
                    "name": "mx1",
                    "address": "127.0.0.1",
                    "auth": "ops",
                    "credentials": Auth(rest=user),
                    "stream": "inbound",
                    "rest": RestSettings.model_validate({"scheme": "http", "destinations": False} | rest),
                }
            )
            source = RestSource(appliance, Telemetry())
            sources.push_async_callback(source.close)
            return source

        yield make


async def polled(source: RestSource) -> Reading:
    reading = Reading("rest")
    await source.poll(reading)
    return reading


def errors(reading: Reading) -> list[str]:
    return [f"{error.reason} {error}" for error in reading.errors]


async def test_an_appliance_is_polled_over_https(make_source: MakeSource) -> None:
    async with StatusServer(trustme.CA(), rest_pages()) as server:
        source = make_source(scheme="https", port=server.port, tls={"fingerprint_sha256": server.fingerprint_sha256})
        reading = await polled(source)
        assert server.requests == {SYSTEM_STATUS: 1, HEALTH: 1}
    assert reading.complete
    assert reading.certificate
    assert reading.requests == 2
    assert {"gauges/msgs_in_work_queue", "health/resource_conservation"} <= reading.items.keys()
    assert reading.notes[0].startswith(f"GET {SYSTEM_STATUS}: 200 application/json")


FAILURES: dict[str, tuple[Page, str]] = {
    "404": (Page(b"", status=404), rf"http_status {SYSTEM_STATUS}: .*HTTP 404.*AsyncOS 12 and newer"),
    "500": (Page(b"", status=500), "http_status .*HTTP 500"),
    "an empty result set": (Page(b'{"data": {"resultSet": {}}}'), "malformed .*the result set is empty"),
    "another shape": (Page(b'{"data": [1]}'), "malformed .*another form than expected"),
    "too large": (Page(b" " * 300_000), "too_large .*larger than 262144 bytes"),
}


@pytest.mark.parametrize(("page", "words"), FAILURES.values(), ids=FAILURES)
async def test_one_answer_that_fails_does_not_hide_the_other(make_source: MakeSource, page: Page, words: str) -> None:
    async with StatusServer(pages=rest_pages() | {SYSTEM_STATUS: page}) as server:
        reading = await polled(make_source(port=server.port))
    (error,) = errors(reading)
    assert re.search(words, error)
    assert reading.up
    assert not reading.complete
    assert "health/messages_in_workqueue" in reading.items


REFUSALS: dict[str, tuple[Page | None, str]] = {
    "401": (None, r'auth .*"monitor" \(HTTP 401\).*auths\.ops\.rest.*pages of the AsyncOS API'),
    "403": (Page(b"", status=403), r"auth .*HTTP 403.*operator"),
    "a redirect": (Page(b"", status=302, headers={"Location": "/login"}), "auth .*redirects to another page"),
    "a login page": (Page(b"<html><body>Password</body></html>"), "auth .*web page.*instead of JSON.*AsyncOS API"),
}


@pytest.mark.parametrize(("page", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_who_is_refused_asks_nothing_more(make_source: MakeSource, page: Page | None, words: str) -> None:
    async with StatusServer(pages=rest_pages() | ({SYSTEM_STATUS: page} if page else {})) as server:
        reading = await polled(make_source(port=server.port, password=PASSWORD if page else "another"))
        assert server.requests == {SYSTEM_STATUS: 1}
    (error,) = errors(reading)
    assert re.search(words, error)
    assert not reading.up


async def test_an_older_release_has_no_api(make_source: MakeSource) -> None:
    async with StatusServer(pages={}) as server:
        reading = await polled(make_source(port=server.port))
    assert [error.reason for error in reading.errors] == ["http_status"] * 2
    assert not reading.up


async def test_errors_name_the_keys_of_rest(make_source: MakeSource) -> None:
    async with StatusServer() as server:
        reading = await polled(make_source(scheme="https", port=server.port, tls={"verify": False}))
    (error,) = errors(reading)
    assert "tls " in error
    assert "rest.port" in error
    assert "xml" not in error


async def test_an_old_server_that_speaks_http_1_0_is_read(make_source: MakeSource, serve_raw: ServeRaw) -> None:
    pages = rest_pages()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        writer.write(b"HTTP/1.0 200 OK\r\nServer: EmailAPI/1.0\r\nContent-Type: application/json\r\n\r\n")
        writer.write(pages[path].body)
        await writer.drain()

    server = await serve_raw(talk)
    reading = await polled(make_source(port=server.port))
    assert reading.complete
    assert server.accepted == 2


async def test_a_deadline_is_explained(make_source: MakeSource) -> None:
    source = make_source(port=6080)
    assert "No request for 127.0.0.1 TCP port 6080" in str(source.timed_out(Reading("rest")))
    assert "No answer of the AsyncOS API from" in str(source.timed_out(Reading("rest", requests=1)))
    assert "only in part" in str(source.timed_out(Reading("rest", requests=2, up=True)))


def test_an_appliance_without_credentials_has_no_source() -> None:
    appliance = Appliance.model_validate(
        {
            "name": "mx1",
            "address": "127.0.0.1",
            "auth": "ops",
            "credentials": Auth(xml=BasicAuth.model_validate({"username": USERNAME, "password": PASSWORD})),
            "stream": "inbound",
        }
    )
    with pytest.raises(ValueError, match="has no credentials for its REST interface"):
        RestSource(appliance, Telemetry())
