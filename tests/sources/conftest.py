"""An appliance whose web interface is a server in the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from exporter.config import Appliance, Auth, BasicAuth, XmlSettings
from exporter.sources.http.fetch import Fetcher
from exporter.sources.xml.collect import XML_PAGES, XmlSource
from exporter.telemetry import Telemetry
from support.web_interface import RawServer, Talk, WebInterface, status_page

USER = "monitor"
PASSWORD = "pässw0rd:s3cret"


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def make_appliance() -> Callable[..., Appliance]:
    """Make an appliance from the keys of its `xml` section."""

    def make(address: str = "127.0.0.1", **xml: object) -> Appliance:
        return Appliance.model_validate(
            {
                "name": "mx1",
                "address": address,
                "auth": "ops",
                "credentials": Auth(xml=BasicAuth.model_validate({"username": USER, "password": PASSWORD})),
                "stream": "inbound",
                "xml": XmlSettings.model_validate({"scheme": "http"} | xml),
            }
        )

    return make


@pytest.fixture
async def make_source(
    make_appliance: Callable[..., Appliance], telemetry: Telemetry
) -> AsyncIterator[Callable[..., XmlSource]]:
    """Make the XML source of an appliance; it is closed with the test."""
    async with AsyncExitStack() as sources:

        def make(**settings: object) -> XmlSource:
            source = XmlSource(make_appliance(**settings), telemetry)
            sources.push_async_callback(source.close)
            return source

        yield make


@pytest.fixture
async def make_fetcher(
    make_appliance: Callable[..., Appliance], telemetry: Telemetry
) -> AsyncIterator[Callable[..., Fetcher]]:
    """Make the HTTP client of an appliance; it is closed with the test."""
    async with AsyncExitStack() as fetchers:

        def make(**settings: object) -> Fetcher:
            appliance = make_appliance(**settings)
            assert appliance.credentials.xml is not None
            fetcher = Fetcher(XML_PAGES, appliance, appliance.xml, appliance.credentials.xml, telemetry.xml_requests)
            fetchers.push_async_callback(fetcher.close)
            return fetcher

        yield make


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[WebInterface]]]:
    """Start a web interface with a status page, from the fields of `WebInterface`; it ends with the test."""
    async with AsyncExitStack() as servers:

        async def start(**fields: object) -> WebInterface:
            server = WebInterface(**fields)  # type: ignore[arg-type]  # the caller's keywords are its fields
            server.pages.setdefault("/xml/status", status_page())
            await server.start()
            servers.push_async_callback(server.stop)
            return server

        yield start


@pytest.fixture
async def serve_raw() -> AsyncIterator[Callable[[Talk], Awaitable[RawServer]]]:
    """Start a server that runs `talk` for each connection; it ends with the test."""
    async with AsyncExitStack() as servers:

        async def start(talk: Talk) -> RawServer:
            server = RawServer(talk)
            await server.start()
            servers.push_async_callback(server.stop)
            return server

        yield start
