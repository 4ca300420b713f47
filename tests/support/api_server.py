"""HTTP servers in a thread of their own, for clients that block: one answers as a test says, one is a reverse proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiohttp
import trustme
from aiohttp import web

Returned = TypeVar("Returned")
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_HOP: Final = frozenset({"host", "connection", "transfer-encoding", "content-length", "content-encoding"})
"""Headers that a proxy does not pass on."""


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request that came."""

    method: str
    path: str
    """The path with the query string; for a proxy, the URL or the host that is asked for."""
    headers: Mapping[str, str]
    form: str


class ApiServer:
    """A server on a free port of 127.0.0.1, with TLS where a context is given; use it as a context manager."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[SeenRequest] = []
        self._answer, self._tls = answer, tls
        self._loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        self._running = self._thread.submit(self._loop.run_forever)
        port = self._run(self._start())
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port and every connection."""
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._running.result()
        self._thread.shutdown()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Returned]) -> Returned:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> int:
        self._runner = web.ServerRunner(web.Server(self._see, handler_cancellation=True), shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _see(self, request: web.BaseRequest) -> web.StreamResponse:
        form = (await request.read()).decode()
        self.seen.append(SeenRequest(request.method, request.raw_path, request.headers, form))
        return await self._answer(request)


def answering(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    """Return what answers every request alike."""

    async def answer(_: web.BaseRequest) -> web.Response:
        text = body.encode() if isinstance(body, str) else body
        return web.Response(body=text, status=status, headers=headers)

    return answer


@dataclass(frozen=True, slots=True)
class Gate:
    """What a reverse proxy requires of a request."""

    prefix: str = "/prometheus"
    """The path below which the server is, as with Thanos and Mimir."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that must be there, such as Authorization or X-Scope-OrgID."""


def forwarding(target: str, gate: Gate = Gate()) -> Answer:
    """Return what passes a request on to the server at `target`, or refuses it as a proxy does."""

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        if not request.path.startswith(f"{gate.prefix}/"):
            return web.Response(status=404, text="404 page not found")
        missing = [name for name, value in gate.headers.items() if request.headers.get(name) != value]
        if missing:
            return web.Response(status=401, text="no org id" if "X-Scope-OrgID" in missing else "Unauthorized")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        url = target + request.raw_path.removeprefix(gate.prefix)
        async with (
            aiohttp.ClientSession() as session,
            session.request(request.method, url, data=await request.read(), headers=headers) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    return forward


def server_tls(authority: trustme.CA, *names: str, client: bool = False) -> ssl.SSLContext:
    """Return the context of a server whose certificate is for the names; it may require one of its `client`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    if client:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def write_certificates(authority: trustme.CA, folder: Path) -> None:
    """Write ca.pem, and client.pem with client.key, the certificate of a client."""
    ours = authority.issue_cert("client.example.edu")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    ours.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    ours.private_key_pem.write_to_path(str(folder / "client.key"))


def write_server_certificate(authority: trustme.CA, folder: Path) -> None:
    """Write ca.pem, and server.pem with server.key, the certificate of a server on this machine."""
    ours = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    ours.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    ours.private_key_pem.write_to_path(str(folder / "server.key"))
