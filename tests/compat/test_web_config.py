"""The web configuration means the same here and in today's exporter-toolkit, which `tests/compat/build` builds."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import bcrypt
import pytest
import trustme
from aiohttp import web

from exporter.telemetry import Telemetry
from exporter.web.access import Access
from exporter.web.live_web_config import LiveWebConfig
from exporter.web.server import listening
from exporter.web.settings import ListenAddress
from exporter.web.web_config import try_load_web_config
from support.api_server import write_server_certificate
from support.compatible import TODAY
from support.markdown import code_blocks
from support.processes import Process, free_port

TOOLKIT = f"{TODAY}/toolkit"
PAGE = Path(__file__).parents[2] / "docs" / "web-config.md"


@pytest.fixture
def file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Return the path of the configuration, beside which are the certificates that it may name."""
    write_server_certificate(authority, tmp_path)
    return tmp_path / "web.yml"


@pytest.mark.parametrize("example", code_blocks(PAGE, "yaml"))
def test_the_toolkit_accepts_the_examples_of_the_documentation(example: str, file: Path) -> None:
    file.write_text(example)
    checked = subprocess.run([TOOLKIT, str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


SERVER = "cert_file: server.pem, key_file: server.key"
REFUSED_BY_BOTH = [
    "tls_server_config: {cert_file: server.pem}",
    "tls_server_config: {cert_file: server.pem, key_file: missing}",
    f"tls_server_config: {{{SERVER}, client_ca_file: ca.pem}}",
    f"tls_server_config: {{{SERVER}, min_version: TLS111}}",
    f"tls_server_config: {{{SERVER}, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}}",
    f"tls_server_config: {{{SERVER}, curve_preferences: [CurveP257]}}",
    f"tls_server_config: {{{SERVER}, client_auth_type: Always}}",
    "http_server_config: {headers: {Content-Type: a}}",
    "http_server_config: {headers: {X-Frame-Options: a}}",
    "basic_auth_users: {john: doe}",
    "rate_limit: {interval: soon, burst: 1}",
    "oauth2: {}",
]


@pytest.mark.parametrize("text", REFUSED_BY_BOTH)
def test_both_refuse_the_same_faults(text: str, file: Path) -> None:
    file.write_text(text)
    checked = subprocess.run([TOOLKIT, str(file)], capture_output=True, timeout=60, check=False)
    assert checked.returncode == 1
    assert try_load_web_config(file).config is None


@pytest.fixture
async def ports(file: Path, tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[list[int]]]]:
    """Return what serves with a configuration, here and in the toolkit, and returns both ports."""
    async with AsyncExitStack() as running:

        async def serve(text: str) -> list[int]:
            file.write_text(text)
            access = Access(live := LiveWebConfig(file, Telemetry()))
            application = web.Application(middlewares=[access.add_headers, access.admit])
            application.add_routes([web.get("/", served)])
            (ours,) = await running.enter_async_context(
                listening(application, [ListenAddress("127.0.0.1", 0)], live.tls)
            )
            port = free_port(socket.SOCK_STREAM)
            toolkit = Process([TOOLKIT, str(file), f"127.0.0.1:{port}"], tmp_path / "toolkit.log")
            running.callback(toolkit.stop)
            await asyncio.to_thread(toolkit.wait_until, lambda: "TLS is" in toolkit.output and listens(port))
            return [int(ours.rpartition(":")[2]), port]

        yield serve


async def served(_: web.Request) -> web.Response:
    return web.Response(text="served\n")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


Answer = tuple[int, dict[str, str]]


async def answer(port: int, authorization: str = "", tls: ssl.SSLContext | None = None) -> Answer | None:
    """Return the status of an answer and the headers that the configuration may set; None without an answer."""
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/"
    headers = {"Authorization": authorization} if authorization else {}
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls or True)) as client,
            client.get(url, headers=headers) as found,
        ):
            return found.status, {name: found.headers[name] for name in SET_HEADERS if name in found.headers}
    except (aiohttp.ClientError, ConnectionError):
        return None


async def status(port: int, authorization: str = "", tls: ssl.SSLContext | None = None) -> int | None:
    found = await answer(port, authorization, tls)
    return found[0] if found else None


SET_HEADERS = ("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Strict-Transport-Security")
HASHES = {
    name: bcrypt.hashpw(password, bcrypt.gensalt(4)).decode() for name, password in (("ops", b"s3cret"), ("é", b"\xff"))
}
USERS = f"basic_auth_users: {{ops: {HASHES['ops']}, é: {HASHES['é']}}}\n"


def basic(credentials: bytes) -> str:
    return f"Basic {b64encode(credentials).decode()}"


AUTHORIZATIONS = [
    "",
    basic(b"ops:s3cret"),
    basic(b"ops:s3cret").replace("Basic", "bASIC"),
    basic(b"ops:s3cret").replace("Basic", "Bearer"),
    basic(b"ops:s3cret\0"),
    basic(b"ops:S3cret"),
    basic(b"Ops:s3cret"),
    basic(b"ops:"),
    basic(b"ops"),
    basic(b":s3cret"),
    basic("é:".encode() + b"\xff"),
    basic(b"\xe9:\xff"),
    basic(b"ops:" + b"x" * 73),
    basic(b"ops:s3cret").rstrip("="),
    f"{basic(b'ops:s3cret')}!",
    "Basic",
    "Basic ops:s3cret",
]


async def test_both_let_in_the_same_users(ports: Callable[[str], Awaitable[list[int]]]) -> None:
    ours, toolkit = await ports(USERS)
    for authorization in AUTHORIZATIONS:
        assert await status(ours, authorization) == await status(toolkit, authorization), authorization


async def test_both_set_the_same_headers(ports: Callable[[str], Awaitable[list[int]]]) -> None:
    lines = "".join(
        f"    {name}: {value}\n"
        for name, value in zip(SET_HEADERS, ("default-src 'self'", "deny", "nosniff", "max-age=1"), strict=True)
    )
    ours, toolkit = await ports(f"http_server_config:\n  headers:\n{lines}{USERS}")
    for authorization in ("", basic(b"ops:s3cret")):
        found = await answer(ours, authorization)
        assert found == await answer(toolkit, authorization)
        assert found is not None
        assert len(found[1]) == 4


async def test_both_limit_the_rate_alike(ports: Callable[[str], Awaitable[list[int]]]) -> None:
    both = await ports("rate_limit: {interval: 1h, burst: 3}")
    for port in both:
        assert [await status(port) for _ in range(5)] == [200, 200, 200, 429, 429]


SECTIONS = [
    SERVER,
    f"{SERVER}, min_version: TLS13",
    f"{SERVER}, max_version: TLS12",
    *(
        f"{SERVER}, client_ca_file: ca.pem, client_auth_type: {policy}{names}"
        for policy in ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
        for names in ("", ", client_allowed_sans: [scraper.example.edu]", ", client_allowed_sans: ['2001:db8::7']")
    ),
]


def clients(authority: trustme.CA) -> dict[str, ssl.SSLContext]:
    """Return clients with different certificates and versions."""
    contexts = {
        name: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for name in ("none", "old", "known", "address", "foreign")
    }
    for context in contexts.values():
        authority.configure_trust(context)
    contexts["old"].maximum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("scraper.example.edu").configure_cert(contexts["known"])
    authority.issue_cert("2001:db8::7", "mx1.example.edu").configure_cert(contexts["address"])
    trustme.CA().issue_cert("scraper.example.edu").configure_cert(contexts["foreign"])
    return contexts


@pytest.mark.parametrize("section", SECTIONS)
async def test_both_let_in_the_same_clients(
    ports: Callable[[str], Awaitable[list[int]]], section: str, authority: trustme.CA
) -> None:
    ours, toolkit = await ports(f"tls_server_config: {{{section}}}")
    for name, context in clients(authority).items():
        assert await status(ours, tls=context) == await status(toolkit, tls=context), name
