"""The file of --web.config.file: what it sets, and what is refused in which words."""

from __future__ import annotations

import json
import os
import re
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

import bcrypt
import pytest
import trustme
from hypothesis import HealthCheck, example, given, settings, strategies

from exporter.errors import ConfigError
from exporter.web import web_config
from exporter.web.server_tls import TlsServerConfig
from exporter.web.web_config import HttpServerConfig, RateLimit, ResponseHeaders, WebConfig, try_load_web_config
from support.api_server import write_server_certificate
from support.config_files import expected_problems
from support.markdown import code_blocks
from support.prometheus import promtool

Read = Callable[[str], WebConfig]

PAGE = Path(__file__).parents[2] / "docs" / "web-config.md"
BAD = (Path(__file__).parent / "web.bad.yml").read_text()
NEWER = ("rate_limit:", "client_allowed_sans:", "cert: |")
"""What promtool 2.42 does not know yet; tests/compat asks today's exporter-toolkit."""
HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"


@pytest.fixture
def read(tmp_path: Path, authority: trustme.CA) -> Read:
    """Return what reads a file of this text, beside which are the certificates of server and authority."""
    write_server_certificate(authority, tmp_path)
    os.mkfifo(tmp_path / "pipe")

    def read_text(text: str) -> WebConfig:
        (tmp_path / "web.yml").write_text(text)
        loaded = try_load_web_config(tmp_path / "web.yml")
        if loaded.config is None:
            raise ConfigError(loaded.problems)
        return loaded.config

    return read_text


EXAMPLES = code_blocks(PAGE, "yaml")


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_documentation_are_read(example: str, read: Read) -> None:
    assert read(example) != WebConfig()


@pytest.mark.parametrize("example", [example for example in EXAMPLES if not any(key in example for key in NEWER)])
def test_promtool_accepts_the_examples(example: str, read: Read, tmp_path: Path) -> None:
    read(example)
    checked = promtool("check", "web-config", str(tmp_path / "web.yml"))
    assert checked.returncode == 0, checked.stderr


def test_promtool_accepts_the_scrape_job(read: Read, tmp_path: Path) -> None:
    (job,) = re.findall(r"^```\n(scrape_configs:.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(job)
    (tmp_path / "exporter-password").write_text("s3cret")
    checked = promtool("check", "config", str(tmp_path / "prometheus.yml"))
    assert checked.returncode == 0, checked.stderr


def test_the_user_of_the_first_example_has_the_stated_password(read: Read) -> None:
    (hashed,) = read(EXAMPLES[0]).basic_auth_users.values()
    assert bcrypt.checkpw(b"s3cret", hashed.get_secret_value().encode())


def test_the_documentation_has_every_key() -> None:
    text = PAGE.read_text()
    sections = (WebConfig, TlsServerConfig, HttpServerConfig, ResponseHeaders, RateLimit)
    fields = [(key, field) for section in sections for key, field in section.model_fields.items()]
    assert [key for key, field in fields if f"`{field.alias or key}`" not in text] == []


def test_every_problem_has_its_line(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read(BAD)
    assert sorted(refused.value.problems) == sorted(expected_problems(BAD, tmp_path / "web.yml"))


TLS = {
    "min_version: TLS13": "tls_server_config has no certificate: add cert_file and key_file, or remove the section",
    "cert_file: server.pem": "tls_server_config has a certificate without its key: add key_file",
    "cert_file: server.pem, key_file: other.key": "tls_server_config has a certificate and a key that cannot be used",
    "cert_file: server.key, key_file: server.key": "tls_server_config has a certificate and a key that cannot be used",
    "cert_file: server.pem, cert: x, key_file: server.key": "tls_server_config.cert_file cannot be set beside cert",
    "cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem": (
        "tls_server_config.client_ca_file has no effect without client_auth_type"
    ),
    "cert_file: server.pem, key_file: server.key, client_allowed_sans: [a]": (
        "tls_server_config.client_allowed_sans has no effect without client_auth_type"
    ),
    "cert_file: server.pem, key_file: server.key, client_auth_type: Sometimes": (
        "tls_server_config.client_auth_type must be 'NoClientCert', 'VerifyClientCertIfGiven'"
    ),
    "cert_file: server.pem, key_file: server.key, client_auth_type: VerifyClientCertIfGiven, client_ca: x": (
        "tls_server_config has no readable certificate of an authority: put PEM certificates into client_ca_file"
    ),
    "cert_file: server.pem, key_file: server.key, min_version: TLS13, max_version: TLS12": (
        "tls_server_config.max_version is older than min_version"
    ),
    "cert_file: server.pem, key_file: server.key, cipher_suites: [TLS_AES_128_GCM_SHA256]": (
        "tls_server_config.cipher_suites has only suites of TLS 1.3"
    ),
    "cert_file: pipe, key_file: server.key": "tls_server_config.cert_file names a file that cannot be read",
}


@pytest.mark.parametrize("section", TLS)
def test_tls_that_cannot_be_served_is_refused(read: Read, section: str, authority: trustme.CA, tmp_path: Path) -> None:
    authority.issue_cert("other.example.edu").private_key_pem.write_to_path(str(tmp_path / "other.key"))
    with pytest.raises(ConfigError) as refused:
        read(f"tls_server_config: {{{section}}}")
    assert TLS[section] in refused.value.problems[0]


def test_certificates_may_stand_in_the_file(read: Read, authority: trustme.CA) -> None:
    ours = authority.issue_cert("localhost")
    pems = {"cert": ours.cert_chain_pems[0], "key": ours.private_key_pem, "client_ca": authority.cert_pem}
    blocks = [f"  {key}: |\n{indent(pem.bytes().decode(), '    ')}" for key, pem in pems.items()]
    config = read("tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n" + "".join(blocks))
    context = config.tls_server_config.context()
    assert context is not None
    assert context.cert_store_stats()["x509_ca"] == 1


MARKER = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "basic_auth_users: {{me: {marker}}}",
        "basic_auth_users: {{{marker}: x}}",
        "basic_auth_users: {{{marker}}}",
        "basic_auth_users: {marker}",
        "basic_auth_users: [{marker}]",
        "basic_auth_users: {{me: *{marker}}}",
        "basic_auth_users: {{{marker}: a, {marker}: a}}",
        "tls_server_config: {{cert: {marker}, key: {marker}}}",
        "tls_server_config: {{cert: {marker}, key: [{marker}]}}",
        "tls_server_config: {{cert_file: {marker}}}",
        "tls_server_config: {marker}",
    ],
)
def test_no_refusal_quotes_a_secret(read: Read, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text.format(marker=MARKER))
    assert MARKER not in str(refused.value)


def test_no_repr_or_dump_shows_a_secret(read: Read, authority: trustme.CA) -> None:
    config = read(
        f"tls_server_config: {{cert_file: server.pem, key_file: server.key}}\nbasic_auth_users: {{me: {HASH}}}"
    )
    shown = f"{config} {config!r} {config.model_dump()} {config.model_dump_json()}"
    assert HASH not in shown
    assert "PRIVATE KEY" not in shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("1s", 1), ("250ms", 0.25), ("1m30s", 90), ("1.5h", 5400), (".5s", 0.5), ("20us", 2e-5)],
)
def test_durations_are_written_as_in_go(read: Read, text: str, seconds: float) -> None:
    assert read(f"rate_limit: {{interval: {text}, burst: 1}}").rate_limit.interval == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["1", "-1s", "1d", "1 s", "s", "1.2.3s", "one"])
def test_what_is_no_duration_is_refused(read: Read, text: str) -> None:
    with pytest.raises(ConfigError, match=r"rate_limit\.interval must be a duration such as 250ms"):
        read(f"rate_limit: {{interval: {text}, burst: 1}}")


def test_a_limit_that_lets_nothing_through_is_refused(read: Read) -> None:
    with pytest.raises(ConfigError, match=r"rate_limit must have a burst of at least 1"):
        read("rate_limit: {interval: 1s}")


@pytest.mark.parametrize(
    ("cost", "accepted"), [("03", False), ("04", True), ("16", True), ("17", False), ("99", False)]
)
@pytest.mark.parametrize("version", ["2a", "2b", "2x", "2y"])
def test_hashes_of_every_version_have_a_bearable_cost(read: Read, version: str, cost: str, accepted: bool) -> None:
    text = f"basic_auth_users: {{me: ${version}${cost}${HASH[7:]}}}"
    if accepted:
        assert read(text).basic_auth_users
    else:
        with pytest.raises(ConfigError, match="basic_auth_users has a user whose hash is"):
            read(text)


def test_one_version_of_tls_is_a_range(read: Read) -> None:
    section = "{cert_file: server.pem, key_file: server.key, min_version: TLS12, max_version: TLS12}"
    assert read(f"tls_server_config: {section}").tls_server_config.max_version == "TLS12"


def test_clients_cannot_renegotiate(read: Read) -> None:
    context = read("tls_server_config: {cert_file: server.pem, key_file: server.key}").tls_server_config.context()
    assert context is not None
    assert context.options & ssl.OP_NO_RENEGOTIATION


def notices(folder: Path, text: str) -> list[str]:
    """Return what is at risk, each without the name of the file."""
    (folder / "web.yml").write_text(text)
    return [sentence.removeprefix(f"{folder}/web.yml:") for sentence in try_load_web_config(folder / "web.yml").notices]


def test_passwords_without_tls_are_a_notice(read: Read, tmp_path: Path) -> None:
    (tmp_path / "server.key").chmod(0o600)
    tls, users = (
        "tls_server_config: {cert_file: server.pem, key_file: server.key}\n",
        f"basic_auth_users: {{me: {HASH}}}\n",
    )
    assert notices(tmp_path, tls + users) == notices(tmp_path, tls) == []
    assert notices(tmp_path, f"rate_limit: {{}}\n{users}") == [
        "2: basic_auth_users has users, whose passwords come unencrypted: add tls_server_config, "
        "unless a proxy in front has TLS."
    ]


def test_a_key_that_everyone_can_read_is_a_notice(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_config, "everyone_reads", lambda path: bool(path.stat().st_mode & stat.S_IROTH))
    (tmp_path / "server.key").chmod(0o644)
    assert notices(tmp_path, "tls_server_config: {cert_file: server.pem, key_file: server.key}") == [
        "1: tls_server_config.key_file names a file that everyone on this machine can read: chmod o-r it."
    ]
    key = indent((tmp_path / "server.key").read_text(), "    ")
    assert notices(tmp_path, f"tls_server_config:\n  cert_file: server.pem\n  key: |\n{key}") == [
        "3: tls_server_config.key is in a file that everyone on this machine can read: chmod o-r it."
    ]


def test_an_empty_mapping_protects_nothing(read: Read) -> None:
    assert read("{}") == WebConfig()


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    loaded = try_load_web_config(tmp_path / "web.yml")
    assert loaded.problems == [f"{tmp_path}/web.yml: the file does not exist: create it, or correct the path."]


KEYS = sorted(
    {key for section in (WebConfig, TlsServerConfig, HttpServerConfig, RateLimit) for key in section.model_fields}
)
WORDS = [
    "server.pem",
    "server.key",
    "pipe",
    ".",
    "TLS12",
    "RequireAndVerifyClientCert",
    "1s",
    "0",
    "true",
    HASH,
    "\ud800",
]

values = strategies.recursive(
    strategies.none() | strategies.sampled_from(WORDS) | strategies.text(max_size=20) | strategies.integers(),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.sampled_from(KEYS) | strategies.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=strategies.dictionaries(strategies.sampled_from(sorted(WebConfig.model_fields)), values))
@example(data={"tls_server_config": {"client_auth_type": []}})
def test_any_content_is_a_configuration_or_problems(read: Read, tmp_path: Path, data: dict[str, Any]) -> None:
    (tmp_path / "web.yml").write_text(json.dumps(data))  # JSON is YAML
    loaded = try_load_web_config(tmp_path / "web.yml")
    assert (loaded.config is None) is bool(loaded.problems)
    assert all(problem.startswith(f"{tmp_path}/web.yml") and problem.endswith(".") for problem in loaded.problems)
