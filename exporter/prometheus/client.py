"""A client of any server that has the HTTP API of Prometheus.

A URL may hold a user and a password, as in https://user:password@host/prefix. Errors never show them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final, TypedDict
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from exporter.errors import ExporterError

QUERY_TIMEOUT: Final = 900
"""How long a query may take, in seconds: quantiles over weeks take long."""


class RangeSeries(TypedDict):
    """A series of a range query."""

    metric: dict[str, str]
    """Its labels."""
    values: list[tuple[float, str]]
    """Unix time and value."""


def query_range(url: str, expression: str, instants: range) -> list[RangeSeries]:
    """Return the series of the expression at the instants.

    Raises ExporterError with the server's own words if it cannot evaluate the expression.
    """
    window = {"query": expression, "start": instants[0], "end": instants[-1], "step": instants.step}
    series: list[RangeSeries] = _data(url, "query_range", window, what=expression)["result"]
    return series


def metric_names(url: str) -> list[str]:
    """Return the names of all metrics that the server has. Raises ExporterError."""
    names: list[str] = _data(url, "label/__name__/values", None, what="to list its metrics")
    return names


def without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def opener(url: str) -> OpenerDirector:
    """Return what opens the URL. The proxies of the environment are not used for this machine itself."""
    local = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
    return build_opener(ProxyHandler({})) if local else build_opener()


def _data(url: str, path: str, parameters: Mapping[str, object] | None, what: str) -> Any:
    """Return the field `data` of an answer, whose type depends on the path. Parameters are sent by POST."""
    body = urlencode(parameters).encode() if parameters else None
    server = without_password(url)
    request = Request(f"{server}/api/v1/{path}", body, _authorization(url))  # noqa: S310 - http or https, by the caller
    try:
        with opener(url).open(request, timeout=QUERY_TIMEOUT) as answer:
            return json.load(answer)["data"]
    except HTTPError as error:
        with error:
            raise ExporterError(f"Prometheus refuses {' '.join(what.split())}: {_refusal(error)}.") from None
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise ExporterError(
            f"The Prometheus at {server} did not answer a query: {_reason(error)}. Check that it runs there."
        ) from None


def _authorization(url: str) -> dict[str, str]:
    """Return the header for the user and password of the URL, if it has them (RFC 7617)."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    return {"Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"} if at else {}


def _refusal(answer: HTTPError) -> str:
    """Return the server's own words, or the status of a proxy that answered in its place."""
    try:
        return str(json.load(answer)["error"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return f"{answer.code} {answer.reason}"


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__
