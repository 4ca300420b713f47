from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
import time
import tracemalloc
from asyncio import sslproto
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
import trustme
from aiohttp import web

from exporter.config import TlsSettings
from exporter.errors import TlsError, UnreachableError
from exporter.metrics.reading import Certificate, Reading
from exporter.sources.http import tls
from exporter.sources.http.fetch import Fetcher
from support.old_tls import answer_hello, self_signed_context, weak_context
from support.status_server import fingerprint
from support.web_interface import Handler, RawServer, Talk, WebInterface, reset, status_page

Serve = Callable[..., Awaitable[WebInterface]]
MakeFetcher = Callable[..., Fetcher]

YESTERDAY, TOMORROW = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
LEGACY = "DEFAULT:@SECLEVEL=0"


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(result)
    return result


def https(server: WebInterface | RawServer, **tls: object) -> dict[str, object]:
    return {"scheme": "https", "port": server.port, "tls": tls}


async def test_a_certificate_of_the_ca_file_is_trusted(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA, ca_file: Path
) -> None:
    server = await serve(tls=context(authority.issue_cert("127.0.0.1")))
    fetcher = make_fetcher(**https(server, ca_file=str(ca_file)))
    for _ in range(2):
        assert await fetcher.get("status", Reading("xml")) == status_page()
    assert len({asked.peer for asked in server.asked}) == 1


@pytest.mark.parametrize(("address", "host"), [("localhost", "127.0.0.1"), ("::1", "::1")])
async def test_the_certificate_is_held_to_the_address(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA, ca_file: Path, address: str, host: str
) -> None:
    server = await serve(tls=context(authority.issue_cert(address)), host=host)
    fetcher = make_fetcher(address=address, **https(server, ca_file=str(ca_file)))
    assert await fetcher.get("status", Reading("xml")) == status_page()


async def test_a_pinned_certificate_may_be_expired(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA
) -> None:
    certificate = authority.issue_cert("elsewhere.example", not_after=datetime.now(UTC) - timedelta(days=1))
    server = await serve(tls=context(certificate))
    fetcher = make_fetcher(**https(server, fingerprint_sha256=fingerprint(certificate)))
    for _ in range(2):
        assert await fetcher.get("status", Reading("xml")) == status_page()
    assert len({asked.peer for asked in server.asked}) == 1


async def test_a_tls_connection_keeps_little_memory(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA
) -> None:
    """Asyncio's buffers would take 256 KB on each side."""
    server = await serve(tls=context(authority.issue_cert("127.0.0.1")))
    fetcher = make_fetcher(**https(server, verify=False))
    tracemalloc.start()
    try:
        await fetcher.get("status", Reading("xml"))
        kept = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, sslproto.__file__)])
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in kept.traces) < 100_000


async def test_without_verification_any_certificate_is_accepted(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA
) -> None:
    server = await serve(tls=context(authority.issue_cert("elsewhere.example")))
    fetcher = make_fetcher(**https(server, verify=False))
    assert await fetcher.get("status", Reading("xml")) == status_page()


@pytest.mark.parametrize(
    ("verified_by", "not_after"),
    [("ca", TOMORROW), ("fingerprint", YESTERDAY), ("nothing", YESTERDAY)],
)
async def test_the_expiry_of_the_certificate_is_read(
    serve: Serve,
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
    ca_file: Path,
    verified_by: Literal["ca", "fingerprint", "nothing"],
    not_after: datetime,
) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_after=not_after)
    server = await serve(tls=context(certificate))
    trust: dict[str, dict[str, object]] = {
        "ca": {"ca_file": str(ca_file)},
        "fingerprint": {"fingerprint_sha256": fingerprint(certificate)},
        "nothing": {"verify": False},
    }
    fetcher = make_fetcher(**https(server, **trust[verified_by]))
    readings = [Reading("xml"), Reading("xml")]
    for reading in readings:
        await fetcher.get("status", reading)
    assert len({asked.peer for asked in server.asked}) == 1  # the connection is kept
    expected = Certificate(not_after.replace(microsecond=0).timestamp(), verified_by)
    assert [reading.certificate for reading in readings] == [expected] * 2


async def test_the_expiry_of_a_renewed_certificate_is_read(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = context(authority.issue_cert("127.0.0.1", not_after=TOMORROW))
    server = await serve(tls=held, keep_alive=0)
    fetcher = make_fetcher(**https(server, verify=False))
    await fetcher.get("status", Reading("xml"))
    authority.issue_cert("127.0.0.1", not_after=TOMORROW + timedelta(days=365)).configure_cert(held)
    monkeypatch.setattr(tls, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 601))
    reading = Reading("xml")
    await fetcher.get("status", reading)
    assert reading.certificate
    assert reading.certificate.expiry == (TOMORROW + timedelta(days=365)).replace(microsecond=0).timestamp()


def closing(resumed: list[bool]) -> Handler:
    """Answer with a status page and close the connection; add to `resumed` whether it resumed a session."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport
        resumed.append(request.transport.get_extra_info("ssl_object").session_reused)
        response = web.Response(body=status_page(), content_type="text/xml")
        response.force_close()
        return response

    return answer


def at_minute(minute: int) -> SimpleNamespace:
    """Return what takes the place of the module `time`."""
    return SimpleNamespace(monotonic=lambda: 60.0 * minute)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("trust", ["ca", "pin", "none"])
async def test_a_closed_connection_is_followed_by_a_resumed_one(
    serve: Serve,
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
    ca_file: Path,
    version: ssl.TLSVersion,
    trust: str,
) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_after=TOMORROW)
    resumed: list[bool] = []
    server = await serve(tls=speaking(certificate, version), pages={"/xml/status": closing(resumed)})
    trusts: dict[str, dict[str, object]] = {
        "ca": {"ca_file": str(ca_file)},
        "pin": {"fingerprint_sha256": fingerprint(certificate)},
        "none": {"verify": False},
    }
    fetcher = make_fetcher(**https(server, **trusts[trust]))
    readings = [Reading("xml") for _ in range(4)]
    for reading in readings:
        assert await fetcher.get("status", reading) == status_page()
    assert resumed == [False, True, True, True]
    assert [(reading.requests, reading.certificate) for reading in readings] == [(1, readings[0].certificate)] * 4
    assert readings[0].certificate


async def test_appliances_do_not_share_sessions(serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA) -> None:
    resumed: list[bool] = []
    held = context(authority.issue_cert("127.0.0.1"))
    server = await serve(tls=held, pages={"/xml/status": closing(resumed)})
    first, second = (make_fetcher(**https(server, verify=False)) for _ in range(2))
    for fetcher in (first, second, first, second):
        await fetcher.get("status", Reading("xml"))
    assert resumed == [False, False, True, True]


async def test_the_certificate_is_checked_again_after_ten_minutes(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although each resumption brings a new session."""
    resumed: list[bool] = []
    held = context(authority.issue_cert("127.0.0.1"))
    server = await serve(tls=held, pages={"/xml/status": closing(resumed)})
    fetcher = make_fetcher(**https(server, ca_file=str(ca_file)))
    for minute in (0, 4, 8, 9, 11, 12):
        monkeypatch.setattr(tls, "time", at_minute(minute))
        await fetcher.get("status", Reading("xml"))
    assert resumed == [False, True, True, True, False, True]


async def test_after_an_unanswered_resumption_comes_an_ordinary_handshake(
    serve: Serve,
    serve_raw: Callable[[Talk], Awaitable[RawServer]],
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
) -> None:
    """An appliance that is silent when a client resumes would otherwise be down for ten minutes, again and again."""
    resumed: list[bool] = []
    held = context(authority.issue_cert("127.0.0.1"))
    server = await serve(tls=held, pages={"/xml/status": closing(resumed)})
    greeted = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if relay.accepted == 2:
            await reader.readexactly(1)
            greeted.set()
            await reader.read()
        else:
            await passed_both_ways(reader, writer, server.port)

    relay = await serve_raw(talk)
    fetcher = make_fetcher(**https(relay, verify=False))
    await fetcher.get("status", Reading("xml"))
    hung = asyncio.create_task(fetcher.get("status", Reading("xml")))
    await asyncio.wait_for(greeted.wait(), 10)
    hung.cancel()
    await asyncio.wait([hung])
    for _ in range(2):
        await fetcher.get("status", Reading("xml"))
    assert resumed == [False, False, False]


@pytest.mark.parametrize("breaks_after", ["hello", "request"])
async def test_an_appliance_that_cannot_resume_gets_ordinary_handshakes(
    serve: Serve,
    serve_raw: Callable[[Talk], Awaitable[RawServer]],
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
    breaks_after: str,
) -> None:
    """It would otherwise fail at every second poll."""
    resumed: list[bool] = []
    answer = closing(resumed)

    async def break_off(request: web.Request) -> web.StreamResponse:
        answered = await answer(request)
        if resumed[-1] and request.transport:
            request.transport.abort()
        return answered

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if relay.accepted == 2 and breaks_after == "hello":
            await reader.readexactly(1)
            reset(writer)
        else:
            await passed_both_ways(reader, writer, server.port)

    page = break_off if breaks_after == "request" else answer
    server = await serve(tls=context(authority.issue_cert("127.0.0.1")), pages={"/xml/status": page})
    relay = await serve_raw(talk)
    fetcher = make_fetcher(**https(relay, verify=False))
    readings = [Reading("xml") for _ in range(3)]
    for reading in readings:
        assert await fetcher.get("status", reading) == status_page()
    broken_off = {"hello": [], "request": [True]}[breaks_after]
    assert resumed == [False, *broken_off, False, False]
    assert relay.accepted == 4
    assert [reading.requests for reading in readings] == [1, 2, 1]


async def passed_both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.TaskGroup() as ways:
        ways.create_task(passed_on(reader, to_server))
        ways.create_task(passed_on(from_server, writer))


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while octets := await reader.read(65536):
            writer.write(octets)
    writer.close()


async def test_without_tls_there_is_no_certificate(serve: Serve, make_fetcher: MakeFetcher) -> None:
    server = await serve()
    reading = Reading("xml")
    await make_fetcher(port=server.port).get("status", reading)
    assert reading.certificate is None


@pytest.mark.parametrize("der", [b"", b"0", b"no certificate"])
def test_an_unreadable_certificate_has_no_expiry(der: bytes) -> None:
    assert tls.expiry(der) is None


async def test_the_password_is_sent_only_to_the_pinned_certificate(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA
) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    server = await serve(tls=context(certificate))
    with pytest.raises(TlsError, match="is not the pinned one") as caught:
        await make_fetcher(**https(server, fingerprint_sha256="ab" * 32)).get("status", Reading("xml"))
    assert fingerprint(certificate) in str(caught.value).replace(":", "")
    assert not server.asked


@pytest.mark.parametrize(
    ("name", "not_before", "not_after", "words"),
    [
        ("127.0.0.1", None, YESTERDAY, r"certificate has expired\): renew it on the appliance"),
        ("127.0.0.1", TOMORROW, None, r"certificate is not yet valid\): check the clocks"),
        ("127.0.0.2", None, None, r"IP address mismatch.*: set the appliance's address to a name"),
        (
            "mx1.example.edu",
            None,
            None,
            r"IP address mismatch.*: set the appliance's address to a name",
        ),
    ],
    ids=["expired", "not yet valid", "other address", "a name only"],
)
async def test_an_invalid_certificate_is_refused_with_a_hint(
    serve: Serve,
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
    ca_file: Path,
    name: str,
    not_before: datetime | None,
    not_after: datetime | None,
    words: str,
) -> None:
    server = await serve(tls=context(authority.issue_cert(name, not_before=not_before, not_after=not_after)))
    reading = Reading("xml")
    with pytest.raises(TlsError, match=words):
        await make_fetcher(**https(server, ca_file=str(ca_file))).get("status", reading)
    assert not server.asked
    assert (reading.requests, reading.retries) == (1, 0)


async def test_a_certificate_for_another_name_is_refused(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA, ca_file: Path
) -> None:
    server = await serve(tls=context(authority.issue_cert("mx1.example.edu")))
    with pytest.raises(TlsError, match=r"Hostname mismatch.*: set the appliance's address to a name"):
        await make_fetcher(address="localhost", **https(server, ca_file=str(ca_file))).get("status", Reading("xml"))


async def test_a_self_signed_certificate_is_refused_with_a_hint(
    serve: Serve, make_fetcher: MakeFetcher, ca_file: Path, tmp_path: Path
) -> None:
    """Most appliances have one."""
    server = await serve(tls=self_signed_context(tmp_path))
    with pytest.raises(TlsError, match=r"self-signed certificate\): name a file with .* or pin the certificate"):
        await make_fetcher(**https(server, ca_file=str(ca_file))).get("status", Reading("xml"))


@pytest.mark.parametrize("with_file", [True, False], ids=["other CA file", "this machine's authorities"])
async def test_a_certificate_of_an_unknown_issuer_is_refused(
    serve: Serve, make_fetcher: MakeFetcher, ca_file: Path, with_file: bool
) -> None:
    server = await serve(tls=context(trustme.CA().issue_cert("127.0.0.1")))
    trust = {"ca_file": str(ca_file)} if with_file else {}
    with pytest.raises(TlsError, match=r"is not accepted .*: name a file with its issuer's certificate in xml\.tls"):
        await make_fetcher(**https(server, **trust)).get("status", Reading("xml"))


async def test_a_missing_ca_file_is_a_tls_error(
    serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA, tmp_path: Path
) -> None:
    server = await serve(tls=context(authority.issue_cert("127.0.0.1")))
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(TlsError, match=r"missing\.pem cannot be used \(No such file or directory\)"):
        await make_fetcher(**https(server, ca_file=missing)).get("status", Reading("xml"))


@pytest.fixture
def refuse() -> Iterator[Callable[[ssl.SSLContext], int]]:
    """Listen for one connection whose handshake fails; unlike asyncio's, this server sends OpenSSL's alert."""
    with ExitStack() as servers:

        def start(tls: ssl.SSLContext) -> int:
            listener = servers.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(10)
            thread = threading.Thread(target=_fail_handshake, args=(listener, tls))
            thread.start()
            servers.callback(thread.join)
            port: int = listener.getsockname()[1]
            return port

        yield start


def _fail_handshake(listener: socket.socket, tls: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        tls.wrap_socket(connection, server_side=True).close()


def speaking(certificate: trustme.LeafCert, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return the context of a server that speaks one version of TLS, however old."""
    result = context(certificate)
    result.set_ciphers(LEGACY)
    result.minimum_version = version
    result.maximum_version = version
    return result


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")  # old appliances use it
@pytest.mark.parametrize(
    ("spoken", "allowed"),
    [(ssl.TLSVersion.TLSv1, "TLSv1"), (ssl.TLSVersion.TLSv1_1, "TLSv1"), (ssl.TLSVersion.TLSv1_1, "TLSv1.1")],
)
@pytest.mark.parametrize("trust", ["pin", "none"])
async def test_old_versions_of_tls_are_spoken_when_allowed(
    serve: Serve,
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
    spoken: ssl.TLSVersion,
    allowed: str,
    trust: str,
) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    server = await serve(tls=speaking(certificate, spoken))
    tls: dict[str, object] = {"verify": False} if trust == "none" else {"fingerprint_sha256": fingerprint(certificate)}
    fetcher = make_fetcher(**https(server, **tls, min_version=allowed, ciphers=LEGACY))
    assert await fetcher.get("status", Reading("xml")) == status_page()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")  # old appliances use it
@pytest.mark.parametrize("spoken", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.parametrize("trust", ["pin", "none"])
async def test_older_versions_of_tls_than_allowed_are_refused(
    refuse: Callable[[ssl.SSLContext], int],
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
    spoken: ssl.TLSVersion,
    trust: str,
) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    port = refuse(speaking(certificate, spoken))
    tls: dict[str, object] = {"verify": False} if trust == "none" else {"fingerprint_sha256": fingerprint(certificate)}
    with pytest.raises(TlsError, match=r"uses an older version of TLS than xml\.tls\.min_version allows: lower it"):
        await make_fetcher(scheme="https", port=port, tls=tls).get("status", Reading("xml"))


async def test_weak_ciphers_are_refused_with_a_hint(
    refuse: Callable[[ssl.SSLContext], int], make_fetcher: MakeFetcher, authority: trustme.CA
) -> None:
    tls = speaking(authority.issue_cert("127.0.0.1"), ssl.TLSVersion.TLSv1_2)
    tls.set_ciphers("AES128-SHA:@SECLEVEL=0")
    strict = make_fetcher(scheme="https", port=refuse(tls), tls={"verify": False, "ciphers": "ECDHE+AESGCM"})
    with pytest.raises(TlsError, match=r'no cipher or key that is strong enough.*"DEFAULT:@SECLEVEL=0"'):
        await strict.get("status", Reading("xml"))


@pytest.mark.parametrize(
    ("allowed", "words"),
    [(False, r"RFC 5746.*set xml\.tls\.legacy_renegotiation to true"), (True, "closed the connection during")],
)
async def test_unsafe_renegotiation_is_accepted_when_allowed(
    serve_raw: Callable[[Talk], Awaitable[RawServer]], make_fetcher: MakeFetcher, *, allowed: bool, words: str
) -> None:
    server = await serve_raw(answer_hello)
    fetcher = make_fetcher(**https(server, verify=False, legacy_renegotiation=allowed))
    with pytest.raises(TlsError, match=words):
        await fetcher.get("status", Reading("xml"))


@pytest.mark.parametrize(("bits", "digest"), [(1024, "sha256"), (2048, "sha1")], ids=["1024 bits", "SHA-1"])
async def test_a_weak_certificate_is_refused_with_a_hint(
    refuse: Callable[[ssl.SSLContext], int],
    make_fetcher: MakeFetcher,
    authority: trustme.CA,
    ca_file: Path,
    bits: int,
    digest: str,
) -> None:
    port = refuse(weak_context(authority, bits, digest))
    fetcher = make_fetcher(scheme="https", port=port, tls={"ca_file": str(ca_file)})
    with pytest.raises(TlsError, match=r'(larger key|no cipher or key).*"DEFAULT:@SECLEVEL=0"'):
        await fetcher.get("status", Reading("xml"))


async def test_tls_to_an_http_port_has_a_hint(serve: Serve, make_fetcher: MakeFetcher) -> None:
    server = await serve()
    with pytest.raises(TlsError, match=r"does not use TLS: check xml\.port, and set xml\.scheme to http"):
        await make_fetcher(**https(server, verify=False)).get("status", Reading("xml"))


async def test_http_to_a_tls_port_has_a_hint(serve: Serve, make_fetcher: MakeFetcher, authority: trustme.CA) -> None:
    server = await serve(tls=context(authority.issue_cert("127.0.0.1")))
    with pytest.raises(UnreachableError, match=r"closed the connection.*: set xml\.scheme to https"):
        await make_fetcher(scheme="http", port=server.port).get("status", Reading("xml"))


async def test_an_unanswered_handshake_can_be_cancelled(
    serve_raw: Callable[[Talk], Awaitable[RawServer]], make_fetcher: MakeFetcher
) -> None:
    greeted, gone = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        greeted.set()
        await reader.read()
        gone.set()

    server = await serve_raw(talk)
    request = asyncio.create_task(make_fetcher(**https(server, verify=False)).get("status", Reading("xml")))
    await asyncio.wait_for(greeted.wait(), 10)
    request.cancel()
    await asyncio.wait([request])
    assert request.cancelled()
    await asyncio.wait_for(gone.wait(), 10)


async def test_a_broken_handshake_is_a_tls_error(
    serve_raw: Callable[[Talk], Awaitable[RawServer]], make_fetcher: MakeFetcher
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    server = await serve_raw(talk)
    with pytest.raises(TlsError, match="closed the connection during the TLS handshake"):
        await make_fetcher(**https(server, verify=False)).get("status", Reading("xml"))


def test_appliances_share_the_certificates_of_the_system(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not those that the system had before."""
    file = tmp_path / "system.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    before = tls.context(TlsSettings())
    assert tls.context(TlsSettings()) is before
    assert tls.context(TlsSettings(min_version="TLSv1.3")) is not before
    trustme.CA().cert_pem.write_to_path(str(file), append=True)
    os.utime(file, ns=(1, 1))
    assert len(tls.context(TlsSettings()).get_ca_certs()) == len(before.get_ca_certs()) + 1


def test_appliances_with_equal_settings_share_a_context(authority: trustme.CA, tmp_path: Path) -> None:
    """Which certificate is pinned makes no difference: it is checked by itself."""
    pinned = tls.context(TlsSettings(fingerprint_sha256="ab" * 32))
    assert tls.context(TlsSettings(fingerprint_sha256="cd" * 32)) is pinned
    assert tls.context(TlsSettings(verify=False)) is pinned
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    assert tls.context(TlsSettings(ca_file=str(file))) is tls.context(TlsSettings(ca_file=str(file)))
    assert tls.context(TlsSettings(ca_file=str(file))) is not pinned
