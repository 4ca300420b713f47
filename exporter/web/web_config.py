"""The file of --web.config.file: TLS, users, headers and a rate limit, in the format of Prometheus' exporter-toolkit.

What cannot be honoured is refused, and so is every unknown key.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, WithJsonSchema, model_validator

from exporter.config.files import FilesRead, LoadContext
from exporter.config.notices import everyone_reads
from exporter.config.problems import Explainer, Problem
from exporter.config.values import Section, bad_value, seconds
from exporter.config.yaml_file import YamlFile, as_mapping, read_yaml
from exporter.errors import ConfigError
from exporter.web.server_tls import TlsServerConfig

_MAX_COST: Final = 16
"""The highest cost of a hash; its check takes some seconds, and each step more doubles them."""

_HASH: Final = re.compile(r"\$2[abxy]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")


def _bcrypt_hash(secret: SecretStr) -> SecretStr:
    parts = _HASH.fullmatch(secret.get_secret_value())
    if parts is None or int(parts["cost"]) < 4:
        raise bad_value("has a user whose hash is not one of bcrypt: make one with htpasswd -nBC 10 USER")
    if int(parts["cost"]) > _MAX_COST:
        raise bad_value(f"has a user whose hash is slow to check: make one with a cost of 10, {_MAX_COST} at most")
    return secret


BcryptHash = Annotated[SecretStr, AfterValidator(_bcrypt_hash)]


def _user(name: str) -> str:
    if ":" in name:
        raise bad_value("has a user with a colon in the name: HTTP basic authentication does not allow one (RFC 7617)")
    return name


UserName = Annotated[str, AfterValidator(_user)]


def _header_value(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise bad_value("must be ASCII text without line breaks")
    return text


HeaderValue = Annotated[str, AfterValidator(_header_value)]


class ResponseHeaders(Section):
    """Headers of every answer, in place of the exporter's own; an empty one changes nothing."""

    content_security_policy: HeaderValue = Field(default="", alias="Content-Security-Policy")
    """What browsers may load."""
    x_frame_options: Literal["", "deny", "sameorigin"] = Field(default="", alias="X-Frame-Options")
    """Whether browsers may show a page inside another."""
    x_content_type_options: Literal["", "nosniff"] = Field(default="", alias="X-Content-Type-Options")
    """Whether browsers may guess types."""
    x_xss_protection: HeaderValue = Field(default="", alias="X-XSS-Protection")
    """A filter of old browsers."""
    strict_transport_security: HeaderValue = Field(default="", alias="Strict-Transport-Security")
    """For how long browsers use https alone."""


class HttpServerConfig(Section):
    """HTTP."""

    http2: bool = True
    """Has no effect: the protocol is HTTP/1.1."""
    headers: ResponseHeaders = ResponseHeaders()
    """Headers of every answer."""


def _duration(value: object) -> object:
    """Return the seconds of a duration; a bare number would be nanoseconds in Go."""
    return seconds(value) if isinstance(value, str) and value != "0" else value


class RateLimit(Section):
    """How many requests are answered: `burst` at once, then one each `interval`."""

    interval: Annotated[float, BeforeValidator(_duration), WithJsonSchema({"type": "string"})] = 0
    """Seconds between two requests; 0 is no limit."""
    burst: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """How many requests may come at once."""

    @model_validator(mode="after")
    def _lets_requests_through(self) -> RateLimit:
        if self.interval and not self.burst:
            raise bad_value("must have a burst of at least 1: otherwise no request would be answered")
        return self


class WebConfig(Section):
    """How the port is protected; by default it is not."""

    tls_server_config: TlsServerConfig = TlsServerConfig()
    """Certificates and versions of TLS."""
    http_server_config: HttpServerConfig = HttpServerConfig()
    """HTTP."""
    basic_auth_users: Annotated[dict[UserName, BcryptHash], WithJsonSchema({"type": "object"})] = Field(default={})
    """The users and the bcrypt hashes of their passwords. Without any, no password is needed."""
    rate_limit: RateLimit = RateLimit()
    """How many requests are answered."""

    def headers(self) -> dict[str, str]:
        """Return the headers of every answer."""
        headers: dict[str, str] = self.http_server_config.headers.model_dump(by_alias=True)
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True, slots=True)
class WebLoadResult:
    """What an attempt to load gave: a configuration, or problems, each a sentence."""

    config: WebConfig | None
    tls: ssl.SSLContext | None
    """The context of connections; None without TLS."""
    problems: list[str]
    notices: list[str]
    """One sentence for each thing that puts credentials at risk."""
    files: FilesRead


def try_load_web_config(path: Path | None) -> WebLoadResult:
    """Read the file and those that it names; without a file, nothing is protected."""
    files = FilesRead()
    try:
        config, notices = _read(path, files) if path else (WebConfig(), [])
        return WebLoadResult(config, config.tls_server_config.context(), [], notices, files)
    except ConfigError as error:
        return WebLoadResult(None, None, error.problems, [], files)


_ALTERNATIVES: Final = (("cert", "cert_file"), ("key", "key_file"), ("client_ca", "client_ca_file"))
"""Keys of tls_server_config of which one may be set."""

_CREDENTIALS: Final = frozenset({"basic_auth_users"})


def _read(path: Path, files: FilesRead) -> tuple[WebConfig, list[str]]:
    """Return what the file says, and what in it puts credentials at risk."""
    files.note(path)
    file = read_yaml(path)
    explainer = Explainer(file, WebConfig, _CREDENTIALS)
    problems = [Problem(at, f"repeats a key of line {line}: keep one of them") for at, line in file.repeats]
    problems += _conflicts(file)
    config = WebConfig()
    try:
        config = WebConfig.model_validate(file.data, context=LoadContext(path.parent, files))
    except ValidationError as error:
        problems += explainer.problems(error)
    if problems:
        problems.sort(key=lambda problem: file.line(problem.key_path))
        raise ConfigError([explainer.sentence(problem) for problem in problems])
    return config, [explainer.sentence(notice) for notice in _notices(file, config)]


def _conflicts(file: YamlFile) -> Iterator[Problem]:
    section = as_mapping(file.value(("tls_server_config",)))
    for value, name in _ALTERNATIVES:
        if {value, name} <= section.keys():
            yield Problem(("tls_server_config", name), f"cannot be set beside {value}: keep one of them")


def _notices(file: YamlFile, config: WebConfig) -> Iterator[Problem]:
    key, key_file = ("tls_server_config", "key"), ("tls_server_config", "key_file")
    name = file.value(key_file)
    if isinstance(name, str) and everyone_reads(file.path.parent / name):
        yield Problem(key_file, "names a file that everyone on this machine can read: chmod o-r it")
    if file.value(key) and everyone_reads(file.path):
        yield Problem(key, "is in a file that everyone on this machine can read: chmod o-r it")
    if config.basic_auth_users and config.tls_server_config == TlsServerConfig():
        text = "has users, whose passwords come unencrypted: add tls_server_config, unless a proxy in front has TLS"
        yield Problem(("basic_auth_users",), text)
