"""The file of --http.config.file: how to reach a Prometheus, in the format of promtool's flag of the same name.

What cannot be honoured is refused, and so is every unknown key.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError

from exporter.config.files import FilesRead, LoadContext
from exporter.config.problems import Explainer, Problem
from exporter.config.secrets import FileText, revealed
from exporter.config.values import OptionalKey, Section, bad_value
from exporter.config.yaml_file import KeyPath, YamlFile, as_mapping, read_yaml
from exporter.errors import ConfigError
from exporter.prometheus.proxies import is_this_machine, lists_host
from exporter.prometheus.tls_config import ClientTlsConfig

_OWN_HEADERS: Final = frozenset(
    {"accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type", "host"}
    | {"keep-alive", "proxy-authenticate", "proxy-authorization", "transfer-encoding", "user-agent", "www-authenticate"}
)
"""Headers that belong to the connection, or that other keys set."""


def _header_value(secret: SecretStr) -> SecretStr:
    """Return the text without white space around it, which a header cannot have (RFC 9110)."""
    text = secret.get_secret_value().strip()
    if not text.isprintable():
        raise bad_value("must not contain control characters or line breaks")
    return SecretStr(text)


HeaderText = Annotated[SecretStr, AfterValidator(_header_value)]
HeaderFile = Annotated[FileText, AfterValidator(_header_value)]


class HttpBasicAuth(Section):
    """A user and a password (RFC 7617)."""

    username: OptionalKey[HeaderText] = None
    """The user."""
    username_file: OptionalKey[HeaderFile] = None
    """A file with the user."""
    password: OptionalKey[HeaderText] = None
    """The password."""
    password_file: OptionalKey[HeaderFile] = None
    """A file with the password."""

    def header(self) -> str:
        user, password = revealed(self.username, self.username_file), revealed(self.password, self.password_file)
        return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _authorization_type(text: str) -> str:
    if text.lower() == "basic":
        raise bad_value("cannot be Basic: use basic_auth")
    return _token(text)


def _token(text: str) -> str:
    """Return what may stand in a header as a name (RFC 9110)."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", text):
        raise bad_value("must be one word, without spaces and colons")
    return text


class HttpAuthorization(Section):
    """The header Authorization of any other type."""

    type: Annotated[str, AfterValidator(_authorization_type)] = "Bearer"
    """The type of the credentials."""
    credentials: OptionalKey[HeaderText] = None
    """The credentials, such as a token."""
    credentials_file: OptionalKey[HeaderFile] = None
    """A file with the credentials."""

    def header(self) -> str:
        return f"{self.type} {revealed(self.credentials, self.credentials_file)}"


class HttpHeader(Section):
    """The values of one header."""

    values: tuple[HeaderText, ...] = ()
    """Values."""
    secrets: tuple[HeaderText, ...] = ()
    """Values that are secret."""
    files: tuple[HeaderFile, ...] = ()
    """Files with a value each."""


def _header_name(name: str) -> str:
    if name.lower() in _OWN_HEADERS:
        raise bad_value("cannot be set here: other keys set it, or it belongs to the connection")
    return _token(name)


HeaderName = Annotated[str, AfterValidator(_header_name)]


def _proxy_url(secret: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(secret.get_secret_value())
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise bad_value(
            "must be a URL like http://proxy:3128, or http://user:password@proxy:3128: no other kind is supported"
        )
    return secret


def _no_oauth2(_: object) -> None:
    raise bad_value("is not supported: use authorization with a token, or a proxy that fetches one")


class HttpClientConfig(Section):
    """How to reach a Prometheus over HTTP."""

    basic_auth: OptionalKey[HttpBasicAuth] = None
    """A user and a password."""
    authorization: OptionalKey[HttpAuthorization] = None
    """A token, or credentials of another type."""
    bearer_token: OptionalKey[HeaderText] = None
    """A token; an old form of authorization.credentials."""
    bearer_token_file: OptionalKey[HeaderFile] = None
    """A file with a token; an old form of authorization.credentials_file."""
    oauth2: Annotated[None, BeforeValidator(_no_oauth2)] = None
    """Not supported."""
    tls_config: ClientTlsConfig = Field(default_factory=ClientTlsConfig)
    """How a connection with https is made."""
    http_headers: dict[HeaderName, HttpHeader] = Field(default={})
    """Further headers of each request."""
    follow_redirects: bool = True
    """Whether redirects within the same server are followed. Those to another server never are."""
    enable_http2: bool = True
    """Has no effect: the protocol is HTTP/1.1."""
    proxy_url: OptionalKey[Annotated[SecretStr, AfterValidator(_proxy_url)]] = None
    """The proxy to use."""
    no_proxy: OptionalKey[str] = None
    """The names, domains, addresses and networks that are reached without the proxy, with commas between them."""
    proxy_from_environment: bool = False
    """Whether HTTP_PROXY, HTTPS_PROXY and NO_PROXY say which proxy to use."""

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield the headers of each request, with their secrets."""
        for name, header in self.http_headers.items():
            for value in (*header.values, *header.secrets, *header.files):
                yield name, value.get_secret_value()
        if own := self.basic_auth or self.authorization:
            yield "Authorization", own.header()
        elif token := revealed(self.bearer_token, self.bearer_token_file):
            yield "Authorization", f"Bearer {token}"

    @property
    def has_credentials(self) -> bool:
        """Whether there is a header Authorization."""
        return any(getattr(self, key) is not None for key in _CREDENTIALS)

    def proxy(self, scheme: str, host: str) -> str | None:
        """Return the URL of the proxy for a server, with its password; None without a proxy."""
        if self.proxy_url is not None:
            return None if lists_host(self.no_proxy or "", host) else self.proxy_url.get_secret_value()
        proxies = getproxies_environment() if self.proxy_from_environment else {}
        return None if is_this_machine(host) or lists_host(proxies.get("no", ""), host) else proxies.get(scheme)


_CREDENTIALS: Final = ("basic_auth", "authorization", "bearer_token", "bearer_token_file")

_ALTERNATIVES: Final[Sequence[tuple[KeyPath, tuple[str, ...]]]] = (
    ((), _CREDENTIALS),
    ((), ("proxy_from_environment", "proxy_url")),
    ((), ("proxy_from_environment", "no_proxy")),
    (("basic_auth",), ("username", "username_file")),
    (("basic_auth",), ("password", "password_file")),
    (("authorization",), ("credentials", "credentials_file")),
    (("tls_config",), ("ca", "ca_file")),
    (("tls_config",), ("cert", "cert_file")),
    (("tls_config",), ("key", "key_file")),
)
"""Keys of a mapping of which one may be set."""


def read_http_config(path: Path) -> HttpClientConfig:
    """Return the configuration in a file. Raises ConfigError with every problem at once."""
    file = read_yaml(path)
    explainer = Explainer(file, HttpClientConfig, frozenset({*_CREDENTIALS, "http_headers"}))
    problems = [Problem(at, f"repeats a key of line {line}: keep one of them") for at, line in file.repeats]
    problems += _conflicts(file)
    config = HttpClientConfig()
    try:
        config = HttpClientConfig.model_validate(file.data, context=LoadContext(path.parent, FilesRead()))
    except ValidationError as error:
        problems += explainer.problems(error)
    if problems:
        problems.sort(key=lambda problem: file.line(problem.key_path))
        raise ConfigError([explainer.sentence(problem) for problem in problems])
    return config


def _conflicts(file: YamlFile) -> Iterator[Problem]:
    for place, keys in _ALTERNATIVES:
        section = as_mapping(file.value(place))
        given = [key for key in keys if section.get(key, "false") != "false"]
        if len(given) > 1:
            yield Problem((*place, given[-1]), f"cannot be set beside {' and '.join(given[:-1])}: keep one of them")
