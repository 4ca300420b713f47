"""The file of --http.config.file: what it sets, and what is refused in which words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from exporter.errors import ConfigError
from exporter.prometheus.http_config import (
    HttpAuthorization,
    HttpBasicAuth,
    HttpClientConfig,
    HttpHeader,
    read_http_config,
)
from exporter.prometheus.tls_config import ClientTlsConfig
from support.api_server import write_certificates
from support.config_files import expected_problems
from support.markdown import code_blocks

Read = Callable[[str], HttpClientConfig]

CONNECTING = Path(__file__).parents[2] / "docs" / "connecting.md"
BAD = (Path(__file__).parent / "http.bad.yml").read_text()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return what reads a file of this text, beside which are other files."""
    (tmp_path / "token").write_text(" t0ken \r\n\n")
    (tmp_path / "huge").write_bytes(b"#" * 1_000_001)
    (tmp_path / "binary").write_bytes(b"\xff")
    os.mkfifo(tmp_path / "pipe")

    def read_text(text: str) -> HttpClientConfig:
        (tmp_path / "http.yml").write_text(text)
        return read_http_config(tmp_path / "http.yml")

    return read_text


@pytest.mark.parametrize("example", code_blocks(CONNECTING, "yaml"))
def test_the_examples_of_the_documentation_are_read(
    example: str, read: Read, authority: trustme.CA, tmp_path: Path
) -> None:
    write_certificates(authority, tmp_path)
    (tmp_path / "password").write_text("s3cret\n")
    assert read(example) != HttpClientConfig()


def test_the_documentation_has_every_key() -> None:
    text = CONNECTING.read_text()
    sections = (HttpClientConfig, HttpBasicAuth, HttpAuthorization, ClientTlsConfig, HttpHeader)
    keys = {key for section in sections for key in section.model_fields}
    assert {key for key in keys if f"`{key}`" not in text and not key.endswith(("_file", "files"))} == set()


def test_every_problem_has_its_line(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read(BAD)
    assert sorted(refused.value.problems) == sorted(expected_problems(BAD, tmp_path / "http.yml"))


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("basic_auth: {username: me, password_file: token}", ("Authorization", "Basic bWU6dDBrZW4=")),
        ("basic_auth: {username_file: token}", ("Authorization", "Basic dDBrZW46")),
        ("authorization: {credentials_file: token}", ("Authorization", "Bearer t0ken")),
        ("authorization: {type: Api-Key, credentials: 0123}", ("Authorization", "Api-Key 0123")),
        ("bearer_token_file: token", ("Authorization", "Bearer t0ken")),
        ("http_headers: {X-Key: {files: [token]}}", ("X-Key", "t0ken")),
    ],
)
def test_credentials_come_from_values_and_files(read: Read, text: str, header: tuple[str, str]) -> None:
    assert list(read(text).headers()) == [header]


def test_a_header_may_have_several_values(read: Read) -> None:
    headers = read("http_headers: {X-A: {values: [a, b], secrets: [c], files: [token]}, X-B: {values: [d]}}").headers()
    assert list(headers) == [("X-A", "a"), ("X-A", "b"), ("X-A", "c"), ("X-A", "t0ken"), ("X-B", "d")]


MARKER = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "basic_auth: {{username: me, password: {marker}}}",
        "basic_auth: {{username: {marker}}}",
        "authorization: {{credentials: {marker}}}",
        "bearer_token: {marker}",
        "http_headers: {{X-A: {{values: [{marker}], secrets: [{marker}]}}}}",
        "proxy_url: http://me:{marker}@proxy",
    ],
)
def test_no_repr_or_dump_shows_a_secret(read: Read, text: str) -> None:
    config = read(text.format(marker=MARKER))
    assert MARKER not in f"{config} {config!r} {config.model_dump()} {config.model_dump_json()}"


@pytest.mark.parametrize(
    "text",
    [
        "basic_auth: {marker}",
        "basic_auth: {{password: [{marker}]}}",
        "basic_auth: {{password: a,{marker}: b}}",
        "basic_auth: {{pasword: {marker}}}",
        "basic_auth: {{password: *{marker}}}",
        "basic_auth: {{password: {marker}, password: {marker}}}",
        "basic_auth: {{password_file: {marker}}}",
        "authorization: {{type: basic, credentials: {marker}}}",
        "authorization: {{type: a {marker}}}",
        "authorization: Bearer {marker}",
        "{{bearer_token: a,{marker}: b}}",
        "bearer_token: {{{marker}: b}}",
        'bearer_token: "{marker}\\x01"',
        "bearer_token {marker}",
        "http_headers: {{X-A: {marker}}}",
        "http_headers: {{X-A: {{secrets: [a], {marker}: b}}}}",
        "tls_config: {{key: {marker}, cert: {marker}}}",
        "tls_config: {{ca: {marker}}}",
        "proxy_url: ftp://me:{marker}@proxy",
        "oauth2: {{client_secret: {marker}}}",
    ],
)
def test_no_refusal_quotes_a_secret(read: Read, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text.format(marker=MARKER))
    chain = [refused.value, refused.value.__cause__, refused.value.__context__]
    assert MARKER not in " ".join(f"{error} {error!r}" for error in chain)


TLS = {
    "cert_file: client.pem": "has a certificate without its key: add key_file",
    "key_file: client.key": "has a key without a certificate: add cert_file",
    "cert_file: client.pem, key_file: other.key": "has a certificate and a key that cannot be used",
    "cert_file: client.key, key_file: client.key": "has a certificate and a key that cannot be used",
    "cert_file: client.pem, key_file: locked.key": "has a certificate and a key that cannot be used",
    "ca_file: client.key": "has no readable certificate of an authority",
    "ca_file: token": "has no readable certificate of an authority",
    "ca_file: empty": "has no readable certificate of an authority",
}


@pytest.mark.parametrize("section", TLS)
def test_unusable_certificates_are_refused(read: Read, section: str, authority: trustme.CA, tmp_path: Path) -> None:
    write_certificates(authority, tmp_path)
    authority.issue_cert("other.example.edu").private_key_pem.write_to_path(str(tmp_path / "other.key"))
    key = load_pem_private_key((tmp_path / "client.key").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    (tmp_path / "locked.key").write_bytes(locked)
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match=f"tls_config {TLS[section]}"):
        read(f"tls_config: {{{section}}}")


def test_certificates_may_stand_in_the_file(read: Read, authority: trustme.CA) -> None:
    ours = authority.issue_cert("client.example.edu")
    pems = {"ca": authority.cert_pem, "cert": ours.cert_chain_pems[0], "key": ours.private_key_pem}
    blocks = [f"  {key}: |\n{indent(pem.bytes().decode(), '    ')}" for key, pem in pems.items()]
    context = read("tls_config:\n" + "".join(blocks)).tls_config.context()
    assert context.cert_store_stats()["x509_ca"] == 1


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the file does not exist: create it, or correct the path"):
        read_http_config(tmp_path / "http.yml")


PROXIES = {
    "": "http://p",
    "*": None,
    "prometheus.example.edu": None,
    "example.edu": None,
    ".example.edu": None,
    "ample.edu": "http://p",
    "other.example.edu , example.edu": None,
    ",": "http://p",
}


@pytest.mark.parametrize("no_proxy", PROXIES)
def test_no_proxy_lists_names_and_domains(no_proxy: str) -> None:
    config = HttpClientConfig.model_validate({"proxy_url": "http://p", "no_proxy": no_proxy})
    assert config.proxy("https", "prometheus.example.edu") == PROXIES[no_proxy]


@pytest.mark.parametrize(("host", "proxy"), [("192.0.2.7", None), ("192.0.3.7", "http://p"), ("2001:db8::1", None)])
def test_no_proxy_lists_networks(host: str, proxy: str | None) -> None:
    config = HttpClientConfig.model_validate({"proxy_url": "http://p", "no_proxy": "192.0.2.0/24,2001:db8::/32"})
    assert config.proxy("https", host) == proxy


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_the_environment_has_no_proxy_for_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://p")
    config = HttpClientConfig.model_validate({"proxy_from_environment": True})
    assert config.proxy("https", host) is None
    assert config.proxy("https", "192.0.2.7") == "http://p"
