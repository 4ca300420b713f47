"""The file of --http.config.file: how to reach a Prometheus, in the format of promtool's flag of the same name.

What cannot be honoured is refused, and so is every unknown key.
"""

from __future__ import annotations

import ssl
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, model_validator

from exporter.config.files import FilesRead, LoadContext, read_regular
from exporter.config.problems import Explainer, Problem
from exporter.config.values import OptionalKey, Section, bad_value
from exporter.config.yaml_file import read_yaml
from exporter.errors import ConfigError

_MAX_BYTES: Final = 1_000_000
"""The size of the largest file that the configuration may name; all public authorities have a quarter of it."""

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

_OWN_HEADERS: Final = frozenset(
    {"accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type", "host"}
    | {"keep-alive", "proxy-authenticate", "proxy-authorization", "transfer-encoding", "user-agent", "www-authenticate"}
)
"""Headers that belong to the connection, or that other keys set."""


def _content(name: object, info: ValidationInfo) -> object:
    """Return the text of a file, without the white space around it, as promtool reads it."""
    if not isinstance(name, str):
        return name
    path = info.context.path(name) if isinstance(info.context, LoadContext) else Path(name)
    try:
        return read_regular(path, _MAX_BYTES).decode().strip()
    except OSError as error:
        text = f"names a file that cannot be read ({error.strerror}): create it, or correct the path"
    except UnicodeDecodeError:
        text = "names a file that is not UTF-8 text: save it as UTF-8"
    raise bad_value(text)


Content = Annotated[SecretStr, BeforeValidator(_content)]
"""The text of a file that the key names, relative to the folder of the configuration file."""


def _header_value(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isprintable():
        raise bad_value("must not contain control characters or line breaks")
    return secret


HeaderText = Annotated[SecretStr, AfterValidator(_header_value)]
HeaderContent = Annotated[Content, AfterValidator(_header_value)]


def _revealed(*secrets: SecretStr | None) -> str:
    """Return the text of the one that is given; nothing if none is."""
    return next((secret.get_secret_value() for secret in secrets if secret is not None), "")


def _refuse_both(section: Section, *keys: str) -> None:
    for key in keys:
        if getattr(section, key) is not None and getattr(section, f"{key}_file") is not None:
            raise bad_value(f"has both {key} and {key}_file: keep one of them")


class HttpBasicAuth(Section):
    """A user and a password (RFC 7617)."""

    username: OptionalKey[HeaderText] = None
    """The user."""
    username_file: OptionalKey[HeaderContent] = None
    """A file with the user."""
    password: OptionalKey[HeaderText] = None
    """The password."""
    password_file: OptionalKey[HeaderContent] = None
    """A file with the password."""

    @model_validator(mode="after")
    def _one_of_each(self) -> HttpBasicAuth:
        _refuse_both(self, "username", "password")
        return self

    def header(self) -> str:
        user, password = _revealed(self.username, self.username_file), _revealed(self.password, self.password_file)
        return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _not_basic(text: str) -> str:
    if text.lower() == "basic":
        raise bad_value("cannot be Basic: use basic_auth")
    return text


class HttpAuthorization(Section):
    """The header Authorization of any other type."""

    type: Annotated[str, Field(pattern=r"^[!-~]+$"), AfterValidator(_not_basic)] = "Bearer"
    """The type of the credentials."""
    credentials: OptionalKey[HeaderText] = None
    """The credentials, such as a token."""
    credentials_file: OptionalKey[HeaderContent] = None
    """A file with the credentials."""

    @model_validator(mode="after")
    def _one_of_each(self) -> HttpAuthorization:
        _refuse_both(self, "credentials")
        return self

    def header(self) -> str:
        return f"{self.type} {_revealed(self.credentials, self.credentials_file)}"


class ClientTlsConfig(Section):
    """Which certificate of the server is accepted, and with which certificate we prove who we are."""

    ca: OptionalKey[SecretStr] = None
    """The PEM certificates of the authorities to trust, instead of those that this machine trusts."""
    ca_file: OptionalKey[Content] = None
    """A file with them."""
    cert: OptionalKey[SecretStr] = None
    """Our own PEM certificate."""
    cert_file: OptionalKey[Content] = None
    """A file with it."""
    key: OptionalKey[SecretStr] = None
    """The key of our certificate."""
    key_file: OptionalKey[Content] = None
    """A file with it."""
    server_name: OptionalKey[str] = None
    """The name that the server's certificate must have, instead of the host of the URL."""
    insecure_skip_verify: bool = False
    """Whether any certificate is accepted. Then anyone on the way can read the credentials."""
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"
    """The oldest version of TLS to accept."""
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS13"
    """The newest version of TLS to accept."""

    @model_validator(mode="after")
    def _usable(self) -> ClientTlsConfig:
        _refuse_both(self, "ca", "cert", "key")
        if (self.cert or self.cert_file) is None and (self.key or self.key_file) is not None:
            raise bad_value("has a key without a certificate: add cert_file")
        if (self.cert or self.cert_file) is not None and (self.key or self.key_file) is None:
            raise bad_value("has a certificate without its key: add key_file")
        if self.model_fields_set:
            self.context()
        return self

    def context(self) -> ssl.SSLContext:
        """Return the context of connections."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version, context.maximum_version = _VERSIONS[self.min_version], _VERSIONS[self.max_version]
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._trust(context)
        self._identify(context)
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        authorities = _revealed(self.ca, self.ca_file)
        if not authorities:
            context.load_default_certs()
            return
        try:
            context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, ValueError):  # ValueError: not ASCII
            raise bad_value("has no readable certificate of an authority: put PEM certificates into ca_file") from None

    def _identify(self, context: ssl.SSLContext) -> None:
        """Load our certificate, which OpenSSL takes only from a file; this one is ours alone and soon gone."""
        certificate = _revealed(self.cert, self.cert_file)
        if not certificate:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            print(certificate, _revealed(self.key, self.key_file), sep="\n", file=file, flush=True)
            try:
                context.load_cert_chain(file.name, password="")  # never ask on the terminal
            except (ssl.SSLError, ValueError):
                raise bad_value(
                    "has a certificate and a key that cannot be used: both must be PEM, belong together, "
                    "and the key must not be encrypted"
                ) from None


class HttpHeader(Section):
    """The values of one header."""

    values: tuple[HeaderText, ...] = ()
    """Values."""
    secrets: tuple[HeaderText, ...] = ()
    """Values that are secret."""
    files: tuple[HeaderContent, ...] = ()
    """Files with a value each."""


def _header_name(name: str) -> str:
    if name.lower() in _OWN_HEADERS:
        raise bad_value("cannot be set here: other keys set it, or it belongs to the connection")
    return name


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"), AfterValidator(_header_name)]


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
    bearer_token_file: OptionalKey[HeaderContent] = None
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

    @model_validator(mode="after")
    def _one_of_each(self) -> HttpClientConfig:
        given = [key for key in _CREDENTIALS if getattr(self, key) is not None]
        if len(given) > 1:
            raise bad_value(f"has {' and '.join(given)}: keep one of them")
        if self.proxy_from_environment and (self.proxy_url or self.no_proxy):
            raise bad_value("has proxy_from_environment beside proxy_url or no_proxy: keep one of them")
        return self

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield the headers of each request, with their secrets."""
        for name, header in self.http_headers.items():
            for value in (*header.values, *header.secrets, *header.files):
                yield name, value.get_secret_value()
        if own := self.basic_auth or self.authorization:
            yield "Authorization", own.header()
        elif token := _revealed(self.bearer_token, self.bearer_token_file):
            yield "Authorization", f"Bearer {token}"

    @property
    def has_credentials(self) -> bool:
        """Whether there is a header Authorization."""
        return any(getattr(self, key) is not None for key in _CREDENTIALS)

    def proxy(self, scheme: str, host: str) -> str | None:
        """Return the URL of the proxy for a server, with its password; None without a proxy."""
        if self.proxy_url is not None:
            return None if _lists(self.no_proxy or "", host) else self.proxy_url.get_secret_value()
        proxies = getproxies_environment() if self.proxy_from_environment else {}
        return None if _is_this_machine(host) or _lists(proxies.get("no", ""), host) else proxies.get(scheme)


_CREDENTIALS: Final = ("basic_auth", "authorization", "bearer_token", "bearer_token_file")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _lists(entries: str, host: str) -> bool:
    """Whether a host is one of those in NO_PROXY: names, domains, addresses and networks, or * for all."""
    return any(_means(entry.strip(), host) for entry in entries.split(","))


def _means(entry: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(entry)
    except ValueError:
        name = entry.lower().lstrip(".")
        return entry == "*" or (bool(name) and (host == name or host.endswith(f".{name}")))


def read_http_config(path: Path) -> HttpClientConfig:
    """Return the configuration in a file. Raises ConfigError with every problem at once."""
    file = read_yaml(path)
    explainer = Explainer(file, HttpClientConfig.model_json_schema(), credentials=frozenset(_CREDENTIALS))
    problems = [Problem(at, f"repeats a key of line {line}: keep one of them") for at, line in file.repeats]
    config = HttpClientConfig()
    try:
        config = HttpClientConfig.model_validate(file.data, context=LoadContext(path.parent, FilesRead()))
    except ValidationError as error:
        problems += explainer.problems(error)
    if problems:
        problems.sort(key=lambda problem: file.line(problem.key_path))
        raise ConfigError([explainer.sentence(problem) for problem in problems])
    return config
