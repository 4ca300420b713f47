"""How a server is reached, and the one sentence for each way in which that fails."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import trustme
from aiohttp import web

from exporter.errors import ExporterError, UsageError
from exporter.prometheus import connection
from exporter.prometheus.client import Prometheus
from exporter.prometheus.http_config import HttpClientConfig, read_http_config
from support.api_server import Answer, ApiServer, answering, server_tls, write_certificates

EMPTY = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}})
OK = answering(EMPTY)


def http(**keys: object) -> HttpClientConfig:
    return HttpClientConfig.model_validate(keys)


def failure(url: str, config: HttpClientConfig | None = None) -> str:
    """Return the sentence of a query that fails."""
    with pytest.raises(ExporterError) as caught:
        Prometheus(url, config).query("up", 0)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


@contextmanager
def saying(words: bytes) -> Iterator[str]:
    """Run a server that reads once, says the words, whatever they are, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            with server.accept()[0] as connected:
                connected.recv(65536)
                connected.sendall(words)

        thread = Thread(target=talk)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_user_and_password_of_the_url_are_sent() -> None:
    with ApiServer(OK) as server:
        Prometheus(server.url.replace("//", "//admin:s3cr%40t@")).query("up", 0)
    assert server.seen[0].headers["Authorization"] == f"Basic {b64encode(b'admin:s3cr@t').decode()}"


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        (
            {"basic_auth": {"username": "ü", "password": "p:w"}},
            "Authorization",
            f"Basic {b64encode('ü:p:w'.encode()).decode()}",
        ),
        ({"authorization": {"credentials": "t0ken"}}, "Authorization", "Bearer t0ken"),
        ({"authorization": {"type": "Token", "credentials": "t0ken"}}, "Authorization", "Token t0ken"),
        ({"bearer_token": "t0ken"}, "Authorization", "Bearer t0ken"),
        ({"http_headers": {"X-Scope-OrgID": {"values": ["mail"]}}}, "X-Scope-OrgID", "mail"),
        ({"http_headers": {"X-Key": {"secrets": ["k3y"]}}}, "X-Key", "k3y"),
    ],
)
def test_headers_of_the_file_are_sent(keys: dict[str, object], name: str, value: str) -> None:
    with ApiServer(OK) as server:
        Prometheus(server.url, http(**keys)).query("up", 0)
    assert server.seen[0].headers[name] == value


def test_answers_are_packed_unless_they_come_from_this_machine() -> None:
    with ApiServer(OK) as server:
        Prometheus(server.url).query("up", 0)
        Prometheus("http://prometheus.invalid", http(proxy_url=server.url)).query("up", 0)
    assert [each.headers["Accept-Encoding"].split(",")[0] for each in server.seen] == ["identity", "gzip"]


def test_two_kinds_of_credentials_are_refused() -> None:
    with pytest.raises(UsageError, match="both have credentials") as refused:
        Prometheus("http://user:s3cret@localhost", http(bearer_token="s3cret"))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_elsewhere_gets_no_credentials(status: int) -> None:
    with ApiServer(OK) as other, ApiServer(answering("", status, Location=f"{other.url}/new?a=s3cret")) as server:
        sentence = failure(server.url.replace("//", "//user:s3cret@"))
    assert sentence == (
        f"The Prometheus at {server.url} redirects to another server, {other.url}/new, which is not followed:"
        " give the URL of the server that answers queries."
    )
    assert not other.seen


def redirecting(location: str, status: int = 302) -> Answer:
    """Answer the API with a redirect, and everything else with an empty result."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        at_start = request.path.startswith("/api")
        return await (answering("", status, Location=location) if at_start else OK)(request)

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_server_is_followed(status: int) -> None:
    with ApiServer(redirecting("/prometheus/api/v1/query", status)) as server:
        Prometheus(server.url.replace("//", "//user:s3cret@")).query("up", 0)
    assert [(each.method, each.path, each.form) for each in server.seen] == [
        ("POST", "/api/v1/query", "query=up&time=0&partial_response=false"),
        ("POST", "/prometheus/api/v1/query", "query=up&time=0&partial_response=false"),
    ]
    assert all("Authorization" in each.headers for each in server.seen)


def test_follow_redirects_can_be_turned_off() -> None:
    with ApiServer(redirecting("/other/")) as server:
        assert "redirects to" in failure(server.url, http(follow_redirects="false"))
    assert len(server.seen) == 1


@pytest.mark.parametrize("location", ["", "/api/v1/query", "http://[", "http://:x"])
def test_an_odd_redirect_is_a_sentence(location: str) -> None:
    with ApiServer(answering("", 302, Location=location)) as server:
        assert "check the URL" in failure(server.url)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    with ApiServer(OK) as proxy:
        monkeypatch.setenv(name, proxy.url)
        assert "has no address" in failure("http://user:s3cret@prometheus.invalid:9090")
    assert not proxy.seen


def test_the_file_can_allow_the_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ApiServer(OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        Prometheus("http://prometheus.invalid", http(proxy_from_environment="true")).query("up", 0)
        monkeypatch.setenv("no_proxy", "a.example, .invalid")
        assert "has no address" in failure("http://prometheus.invalid", http(proxy_from_environment="true"))
    assert [each.path for each in proxy.seen] == ["http://prometheus.invalid/api/v1/query"]


def test_the_file_can_name_a_proxy() -> None:
    with ApiServer(OK) as proxy:
        url = proxy.url.replace("//", "//me:s3cret@")
        Prometheus("http://prometheus.invalid", http(proxy_url=url)).query("up", 0)
        assert "has no address" in failure("http://a.invalid", http(proxy_url=url, no_proxy="10.0.0.0/8,invalid"))
    assert proxy.seen[0].headers["Proxy-Authorization"] == f"Basic {b64encode(b'me:s3cret').decode()}"
    assert len(proxy.seen) == 1


def test_a_refusing_or_missing_proxy_is_a_sentence() -> None:
    with ApiServer(answering("no", 403)) as proxy:
        url = proxy.url.replace("//", "//me:s3cret@")
        assert failure("https://prometheus.invalid", http(proxy_url=url)) == (
            "The proxy does not connect to https://prometheus.invalid (it answers 403): check proxy_url."
        )
    assert failure("http://prometheus.invalid", http(proxy_url=url)) == (
        "The proxy to http://prometheus.invalid cannot be reached: check proxy_url."
    )


STATUS = {
    401: "asks for credentials (401 Unauthorized): give them in the URL (https://user:password@host) or",
    403: "asks for credentials (403 Forbidden): give them in the URL (https://user:password@host) or",
    404: "has no API of Prometheus (404): check the path of the URL.",
    500: "refuses up: 500 Internal Server Error.",
    502: "refuses up: 502 Bad Gateway.",
}


@pytest.mark.parametrize("status", STATUS)
def test_a_status_is_a_sentence(status: int) -> None:
    with ApiServer(answering("<html>s3cret", status)) as server:
        assert STATUS[status] in failure(server.url)


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_a_sentence(status: int) -> None:
    with ApiServer(answering("", status)) as server:
        for url, config in ((server.url.replace("//", "//a:s3cret@"), None), (server.url, http(bearer_token="s3cret"))):
            assert f"{server.url} does not accept the credentials ({status} " in failure(url, config)


BODIES = {
    "<!DOCTYPE html><title>Log in</title>": "a web page, perhaps a login page",
    " \n<html>": "a web page, perhaps a login page",
    "pong": "something that is no JSON",
    "": "something that is no JSON",
    "[1]": "something that is no JSON",
    '{"status": "success"}': "other JSON",
    '{"status": "success", "data": []}': "other JSON",
    '{"status": "success", "data": {"result": 1}}': "other JSON",
    '{"data": {"resultType"': "something that is no JSON",
    "[" * 100_000: "something that is no JSON",
}


@pytest.mark.parametrize("body", BODIES)
def test_other_content_is_a_sentence(body: str) -> None:
    with ApiServer(answering(body)) as server:
        assert failure(server.url) == (
            f"The Prometheus at {server.url} answered with {BODIES[body]}, not as a Prometheus does: check the URL."
        )


def test_an_error_may_come_with_status_200() -> None:
    with ApiServer(answering('{"status": "error", "error": "no such tenant"}')) as server:
        assert failure(server.url) == "Prometheus refuses up: no such tenant."


def test_a_part_of_the_data_is_an_error() -> None:
    with ApiServer(answering('{"status": "success", "isPartial": true, "data": {"result": []}}')) as server:
        assert "gave only a part of the data" in failure(server.url)


SAID = {
    b"": "closed the connection before it answered",
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{": "did not finish its answer",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{": "did not finish its answer",
    b"SSH-2.0-OpenSSH_9.2\r\n": "does not speak HTTP",
    b"\x15\x03\x01\x00\x02\x02\x16": "does not speak HTTP",
}


@pytest.mark.parametrize("words", SAID)
def test_a_broken_answer_is_a_sentence(words: bytes) -> None:
    with saying(words) as url:
        assert f"The Prometheus at {url} {SAID[words]}" in failure(url.replace("//", "//a:s3cret@"))


def endless(pause: float) -> Answer:
    """Answer for ever, with a pause after each piece."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)
            await asyncio.sleep(pause)

    return answer


def test_an_endless_answer_ends_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER_LIMIT", 100_000)
    with ApiServer(endless(0)) as server:
        assert "is larger than 100,000 bytes" in failure(server.url)


def test_an_endless_answer_ends_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "QUERY_TIMEOUT", 0.3)
    with ApiServer(endless(0.01)) as server:
        assert "did not finish an answer within 0.3 s" in failure(server.url)


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> Callable[[str], HttpClientConfig]:
    """Return what reads a file with this section tls_config."""
    write_certificates(authority, tmp_path)

    def read(section: str) -> HttpClientConfig:
        file = tmp_path / "http.yml"
        file.write_text(f"tls_config: {{{section}}}")
        return read_http_config(file)

    return read


def test_an_unknown_authority_is_a_sentence(authority: trustme.CA) -> None:
    with ApiServer(OK, server_tls(authority, "127.0.0.1")) as server:
        assert failure(server.url).startswith(
            f"The certificate of {server.url} is not trusted (unable to get local issuer certificate): name a file"
        )
    assert not server.seen


def test_an_authority_of_the_file_is_trusted(authority: trustme.CA, tls: Callable[[str], HttpClientConfig]) -> None:
    with ApiServer(OK, server_tls(authority, "127.0.0.1")) as server:
        Prometheus(server.url, tls("ca_file: ca.pem")).query("up", 0)
        Prometheus(server.url, tls("insecure_skip_verify: true")).query("up", 0)


def test_another_name_is_a_sentence(authority: trustme.CA, tls: Callable[[str], HttpClientConfig]) -> None:
    with ApiServer(OK, server_tls(authority, "prometheus.example.edu")) as server:
        assert "is not trusted (IP address mismatch" in failure(server.url, tls("ca_file: ca.pem"))
        Prometheus(server.url, tls("ca_file: ca.pem, server_name: prometheus.example.edu")).query("up", 0)


def test_a_client_certificate_is_shown(authority: trustme.CA, tls: Callable[[str], HttpClientConfig]) -> None:
    with ApiServer(OK, server_tls(authority, "127.0.0.1", client=True)) as server:
        assert "set tls_config.cert_file and key_file" in failure(server.url, tls("ca_file: ca.pem"))
        Prometheus(server.url, tls("ca_file: ca.pem, cert_file: client.pem, key_file: client.key")).query("up", 0)
    assert len(server.seen) == 1


def test_an_old_version_of_tls_is_a_sentence(authority: trustme.CA, tls: Callable[[str], HttpClientConfig]) -> None:
    context = server_tls(authority, "127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with ApiServer(OK, context) as server:
        assert "ended the TLS handshake (connection reset)" in failure(
            server.url, tls("ca_file: ca.pem, min_version: TLS13")
        )


def test_tls_to_a_server_without_it_is_a_sentence() -> None:
    with ApiServer(OK) as server:
        assert "whether the URL must begin with http:" in failure(server.url.replace("http:", "https:"))


def test_http_to_a_server_with_tls_is_a_sentence(authority: trustme.CA) -> None:
    with ApiServer(OK, server_tls(authority, "127.0.0.1")) as server:
        assert "check" in failure(server.url.replace("https:", "http:"))


@pytest.mark.parametrize("host", ["a..b", "1.2.3.4.5", "a" * 70, "..."])
def test_an_impossible_name_is_a_sentence(host: str) -> None:
    assert failure(f"http://u:s3cret@{host}") == (
        f"The host of http://{host} is neither a name nor an address: check the URL."
    )


def test_an_unknown_name_is_a_sentence() -> None:
    assert failure("http://u:s3cret@nowhere.invalid/prefix") == (
        "The name nowhere.invalid of http://nowhere.invalid/prefix has no address: check the URL and the DNS."
    )
