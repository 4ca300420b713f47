"""What a server answered: the data, or one sentence about the error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from exporter.errors import ExporterError, QueryTooLargeError

_TOO_LARGE: Final = re.compile(
    "too many samples|maximum resolution"  # Prometheus: --query.max-samples, and 11,000 points
    r"|-search\.max|too many points|not enough memory"  # VictoriaMetrics
    "|err-mimir-max|time range exceeds|exceeded the max"  # Mimir
    r"|exceeded \w+ limit|limit \d+ violated|larger than max|resource ?exhausted"  # Thanos
    "|timed out|timeout|deadline exceeded",
    re.IGNORECASE,
)
"""How servers say that a query reads or returns too much, or takes too long."""

_TOO_LARGE_STATUS: Final = (413, 504)
"""How proxies say it: Content Too Large, Gateway Timeout."""

_MOST_WORDS: Final = 300
"""How many characters of a server's own words are shown."""


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """An answer other than a redirect."""

    server: str
    """The URL of the server, without the password."""
    authorized: bool
    """Whether the request had credentials."""
    status: int
    reason: str
    """What HTTP calls the status."""
    body: bytes

    def data(self, what: str) -> Any:
        """Return the field `data`. Raises ExporterError, which calls the request `what`.

        An answer of which a part is missing, because stores behind the server do not answer, is an error.
        """
        content = _mapping(self.body)
        if self.status == 200 and "data" in content and not content.get("isPartial"):
            return content["data"]
        words = self._words(content)
        if self.status in _TOO_LARGE_STATUS or _TOO_LARGE.search(str(content.get("error"))):
            raise QueryTooLargeError(f"Prometheus refuses {what}: {words}.")
        raise ExporterError(self._sentence(content, what, words))

    def series(self, what: str) -> Any:
        """Return the series of a query. Raises what `data` raises."""
        data = self.data(what)
        if isinstance(data, dict) and isinstance(data.get("result"), list):
            return data["result"]
        raise ExporterError(self._sentence({}, what, ""))

    def _sentence(self, content: Mapping[str, Any], what: str, words: str) -> str:
        place = f"The Prometheus at {self.server}"
        match self.status:
            case 200 if content.get("isPartial"):
                return f"{place} gave only a part of the data: some of the stores behind it do not answer."
            case 200 if not content.get("error"):
                return f"{place} answered with {self._kind}, not as a Prometheus does: check the URL."
            case 401 | 403 if self.authorized:
                return f"{place} does not accept the credentials ({words}): check them and what they allow."
            case 401 | 403:
                return f"{place} asks for credentials ({words}): {_GIVE_CREDENTIALS}"
            case 404:
                return f"{place} has no API of Prometheus (404): check the path of the URL."
        return f"Prometheus refuses {what}: {words}."

    def _words(self, content: Mapping[str, Any]) -> str:
        """Return what the server, or a proxy in its place, says about the error."""
        said = content.get("error") or self.body[:_MOST_WORDS].decode(errors="replace")
        text = " ".join(str(said).split()).rstrip(".")
        if len(text) > _MOST_WORDS:
            text = f"...{text[-_MOST_WORDS:]}"  # the cause comes last
        return text if text.isprintable() and text[:1] not in "<{[" else f"{self.status} {self.reason}"

    @property
    def _kind(self) -> str:
        if re.match(rb"\s*<(!doctype html|html)", self.body, re.IGNORECASE):
            return "a web page, perhaps a login page"
        return "other JSON" if _mapping(self.body) else "something that is no JSON"


_GIVE_CREDENTIALS: Final = "give them in the URL (https://user:password@host) or in the file of --http.config.file."


def _mapping(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
