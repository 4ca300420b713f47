"""A client of any server that has the HTTP API of Prometheus."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from exporter.errors import ExporterError

QUERY_TIMEOUT: Final = 900
"""Time in seconds that a query may take: quantiles over weeks take long."""


def query_range(url: str, expression: str, instants: range) -> list[dict[str, Any]]:
    """Return the series of the expression at the instants: `metric`, its labels, and `values`, pairs of time and text.

    Raises ExporterError with what Prometheus says where it cannot evaluate the expression.
    """
    window = {"query": expression, "start": instants[0], "end": instants[-1], "step": instants.step}
    series: list[dict[str, Any]] = _ask(url, "query_range", window, expression)["result"]
    return series


def metric_names(url: str) -> list[str]:
    """Return the names of all metrics that the Prometheus has; raises ExporterError with what it says instead."""
    names: list[str] = _ask(url, "label/__name__/values", None, "to tell its metrics")
    return names


def without_password(url: str) -> str:
    """Return the URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _ask(url: str, path: str, parameters: Mapping[str, object] | None, what: str) -> Any:
    """Return the data of an answer of the HTTP API; with parameters the question is posted."""
    body = urlencode(parameters).encode() if parameters else None
    request = Request(f"{without_password(url)}/api/v1/{path}", body, _authorization(url))  # noqa: S310 - http
    try:
        with opener(url).open(request, timeout=QUERY_TIMEOUT) as answer:
            return json.load(answer)["data"]
    except HTTPError as error:
        with error:
            raise ExporterError(f"Prometheus refuses {' '.join(what.split())}: {_error(error)}.") from None
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise ExporterError(
            f"The Prometheus at {without_password(url)} did not answer a query: {_why(error)}."
            " See whether it runs there."
        ) from None


def _why(error: Exception) -> str:
    cause = getattr(error, "reason", error)  # the error beneath that of urllib
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _authorization(url: str) -> dict[str, str]:
    """Return the header for the user and password that the URL has, if any (RFC 7617)."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    return {"Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"} if at else {}


def opener(url: str) -> OpenerDirector:
    """Return what opens the URL; a URL of this machine is opened without the proxies of the environment."""
    local = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
    return build_opener(ProxyHandler({})) if local else build_opener()


def _error(answer: HTTPError) -> str:
    """Return what Prometheus says, or what whoever stands before it answers with."""
    try:
        return str(json.load(answer)["error"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return f"{answer.code} {answer.reason}"
