"""TLS as the web configuration asks for it, seen by real clients."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme

from exporter.web import connections
from support.api_server import write_server_certificate
from support.running_server import RunningServer, StartServer

SERVER = "cert_file: server.pem, key_file: server.key"
VERIFIED = f"{SERVER}, client_ca_file: ca.pem, client_auth_type"
CLIENT_NAMES = ("scraper.example.edu", "192.0.2.7", "2001:db8::7", "ops@example.edu")


@pytest.fixture(autouse=True)
def _certificate(authority: trustme.CA, tmp_path: Path) -> None:
    write_server_certificate(authority, tmp_path)


@pytest.fixture
def client(authority: trustme.CA) -> ssl.SSLContext:
    """Return the context of a client without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
def known_client(authority: trustme.CA, client: ssl.SSLContext) -> ssl.SSLContext:
    """Return the context of a client that has a certificate of the authority."""
    authority.issue_cert(*CLIENT_NAMES).configure_cert(client)
    return client


async def start_with(start: StartServer, section: str, trust: ssl.SSLContext) -> RunningServer:
    return await start(web_config=f"tls_server_config: {{{section}}}", trust=trust)


async def is_served(running: RunningServer) -> bool:
    try:
        return (await running.get("/-/ready"))[0] == 200
    except (aiohttp.ClientError, ConnectionError):
        return False


async def test_discovery_tells_prometheus_to_use_https(start: StartServer, client: ssl.SSLContext) -> None:
    running = await start_with(start, SERVER, client)
    _, text = await running.get("/sd")
    assert {group["labels"]["__scheme__"] for group in json.loads(text)} == {"https"}
    assert "https://127.0.0.1" in (await running.get("/"))[1]


async def test_plain_http_gets_no_answer_under_tls(start: StartServer, client: ssl.SSLContext) -> None:
    running = await start_with(start, SERVER, client)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(b"GET /config HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"HTTP/" not in await reader.read()
    writer.close()


async def test_a_handshake_that_hangs_is_ended(
    start: StartServer, client: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST", 0.1)
    running = await start_with(start, SERVER, client)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(b"\x16\x03\x01")
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()


async def test_handshakes_that_hang_make_room(
    start: StartServer, client: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 2)
    running = await start_with(start, SERVER, client)
    hung = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(3)]
    assert await is_served(running)
    async with asyncio.timeout(30):
        assert [await reader.read() for reader, _ in hung[:2]] == [b"", b""]
    for _, writer in hung:
        writer.close()


@pytest.mark.parametrize("policy", ["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"])
async def test_a_client_without_certificate_is_let_in_unless_required(
    start: StartServer, client: ssl.SSLContext, policy: str
) -> None:
    section = f"{SERVER}, client_auth_type: {policy}" if policy == "NoClientCert" else f"{VERIFIED}: {policy}"
    running = await start_with(start, section, client)
    assert await is_served(running) is (policy != "RequireAndVerifyClientCert")


@pytest.mark.parametrize("policy", ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"])
async def test_a_certificate_of_the_authority_is_let_in(
    start: StartServer, known_client: ssl.SSLContext, policy: str
) -> None:
    running = await start_with(start, f"{VERIFIED}: {policy}", known_client)
    assert await is_served(running)


@pytest.mark.parametrize("policy", ["VerifyClientCertIfGiven", "RequireAndVerifyClientCert"])
async def test_a_certificate_of_another_authority_is_refused(
    start: StartServer, client: ssl.SSLContext, policy: str
) -> None:
    trustme.CA().issue_cert("scraper.example.edu").configure_cert(client)
    running = await start_with(start, f"{VERIFIED}: {policy}", client)
    assert not await is_served(running)


async def test_a_single_certificate_may_be_trusted(
    start: StartServer, authority: trustme.CA, client: ssl.SSLContext, tmp_path: Path
) -> None:
    ours = authority.issue_cert("scraper.example.edu")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "scraper.pem"))
    section = f"{SERVER}, client_ca_file: scraper.pem, client_auth_type: RequireAndVerifyClientCert"
    running = await start_with(start, section, client)
    authority.issue_cert("other.example.edu").configure_cert(client)
    assert not await is_served(running)
    ours.configure_cert(client)
    assert await is_served(running)


@pytest.mark.parametrize("known", [True, False])
async def test_without_an_authority_those_of_the_machine_count(
    start: StartServer, known_client: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    (tmp_path / "none.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / ("ca.pem" if known else "none.pem")))
    section = f"{SERVER}, client_auth_type: RequireAndVerifyClientCert"
    assert await is_served(await start_with(start, section, known_client)) is known


@pytest.mark.parametrize("name", CLIENT_NAMES)
async def test_one_allowed_name_is_enough(start: StartServer, known_client: ssl.SSLContext, name: str) -> None:
    section = f"{VERIFIED}: RequireAndVerifyClientCert, client_allowed_sans: [other, '{name}']"
    assert await is_served(await start_with(start, section, known_client))


@pytest.mark.parametrize(
    "name", ["scraper.example.ed", "example.edu", "SCRAPER.example.edu", "192.0.2.70", "2001:DB8::7"]
)
async def test_another_name_ends_the_connection(start: StartServer, known_client: ssl.SSLContext, name: str) -> None:
    section = f"{VERIFIED}: RequireAndVerifyClientCert, client_allowed_sans: ['{name}']"
    assert not await is_served(await start_with(start, section, known_client))


async def test_allowed_names_need_a_certificate(start: StartServer, client: ssl.SSLContext) -> None:
    section = f"{VERIFIED}: VerifyClientCertIfGiven, client_allowed_sans: [scraper.example.edu]"
    assert not await is_served(await start_with(start, section, client))


async def test_http2_is_not_offered(start: StartServer, client: ssl.SSLContext) -> None:
    running = await start_with(start, SERVER, client)
    client.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("localhost", running.port, ssl=client)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    writer.close()
    await writer.wait_closed()


async def agreed(running: RunningServer, client: ssl.SSLContext) -> tuple[str | None, str | None]:
    """Return the version and the cipher that client and server agree on; None for both if on nothing."""
    try:
        _, writer = await asyncio.open_connection("localhost", running.port, ssl=client)
    except (ssl.SSLError, ConnectionError):
        return None, None
    tls = writer.get_extra_info("ssl_object")
    writer.close()
    await writer.wait_closed()
    return tls.version(), tls.cipher()[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize(
    ("section", "spoken", "version"),
    [
        ("", ssl.TLSVersion.TLSv1_1, None),
        ("", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_2, None),
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_3, None),
        ("min_version: TLS11", ssl.TLSVersion.TLSv1, None),
        ("min_version: TLS11", ssl.TLSVersion.TLSv1_1, "TLSv1.1"),
        ("min_version: TLS10", ssl.TLSVersion.TLSv1, "TLSv1"),
    ],
)
async def test_only_versions_within_the_limits_are_spoken(
    start: StartServer, client: ssl.SSLContext, section: str, spoken: ssl.TLSVersion, version: str | None
) -> None:
    running = await start_with(start, f"{SERVER}, {section}", client)
    client.minimum_version, client.maximum_version = spoken, spoken
    client.set_ciphers("DEFAULT:@SECLEVEL=0")
    assert (await agreed(running, client))[0] == version


A128, A256 = "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"
BOTH = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]"


@pytest.mark.parametrize(
    ("section", "cipher"),
    [
        (BOTH, A128),
        (f"{BOTH}, prefer_server_cipher_suites: false", A256),
        ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]", A256),
        ("cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]", None),
    ],
)
async def test_the_suites_and_their_order_are_used(
    start: StartServer, client: ssl.SSLContext, section: str, cipher: str | None
) -> None:
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(f"{A256}:{A128}")
    running = await start_with(start, f"{SERVER}, {section}", client)
    assert (await agreed(running, client))[1] == cipher


@pytest.mark.parametrize(("curve", "agrees"), [("CurveP384", True), ("CurveP521", False)])
async def test_the_curve_is_the_one_that_is_set(
    start: StartServer, client: ssl.SSLContext, curve: str, agrees: bool
) -> None:
    client.set_ecdh_curve("secp384r1")
    running = await start_with(start, f"{SERVER}, curve_preferences: [{curve}]", client)
    assert (await agreed(running, client) != (None, None)) is agrees
