"""The web interface of an appliance on loopback. The test sets its pages; it keeps the requests that it got."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

PAGES: Final = Path(__file__).parents[1] / "pages"
"""Status pages by model and version."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its path, its headers, and the client's address and port, which identify the connection."""

    path: str
    headers: dict[str, str]
    peer: object


@dataclass
class WebInterface:
    """An HTTP server that answers from `pages`, by path, and with 404 for other paths."""

    pages: dict[str, bytes | Handler] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    keep_alive: float = 60.0
    port: int = 0

    async def start(self) -> None:
        """Listen, and set `port`."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            app, handler_cancellation=True, keepalive_timeout=self.keep_alive, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, 0, ssl_context=self.tls).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        self.asked.append(Asked(request.path, dict(request.headers), peer))
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="not found")
        if isinstance(page, bytes):
            return web.Response(body=page, content_type="text/xml")
        return await page(request)


class RawServer:
    """A TCP server that runs `talk` for each connection: for answers that no HTTP server gives."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._connections: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.port = 0

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen on 127.0.0.1, and set `port`, which a second start keeps."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        self._server.close()
        await self.disconnect()
        await self._server.wait_closed()

    async def disconnect(self) -> None:
        """Close every connection."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        self.accepted += 1
        try:
            await self._talk(reader, writer)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            writer.close()


def status_page(name: str = "c370_10.0.1-087") -> bytes:
    """Return the status page of a model and version."""
    return (PAGES / f"{name}.xml").read_bytes()


def answering_with(status: int, **headers: str) -> Handler:
    """Answer each request with this status."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=b"<html>secret</html>", headers=headers)

    return answer


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
