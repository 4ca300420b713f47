"""Which of its two text formats a client wants metrics in, by its header `Accept`."""

from __future__ import annotations

from functools import lru_cache

_OPENMETRICS = "application/openmetrics-text"
_OPENMETRICS_VERSIONS = ("", "1.0.0")
_PLAIN = ("text/plain", "text/*", "*/*")
_PLAIN_VERSIONS = ("", "0.0.4")


@lru_cache(maxsize=64)  # each Prometheus always sends the same
def prefers_openmetrics(accept: str) -> bool:
    """Return whether a client would rather have OpenMetrics 1.0.0 than the text format 0.0.4.

    Of two types with the same weight (`q`), the first one counts.
    """
    openmetrics = plain = 0.0
    for media_type, version, weight in map(_media_range, accept.split(",")):
        if media_type == _OPENMETRICS and version in _OPENMETRICS_VERSIONS and weight > plain:
            openmetrics = max(openmetrics, weight)
        elif media_type in _PLAIN and version in _PLAIN_VERSIONS:
            plain = max(plain, weight)
    return openmetrics > 0 and openmetrics >= plain


def _media_range(text: str) -> tuple[str, str, float]:
    """Return the type, its version, and how much the client wants it: from 0 to 1, and 0 if that cannot be read."""
    media_type, *pairs = (part.strip() for part in text.lower().split(";"))
    parameters = {name.strip(): value.strip(' "') for name, _, value in (pair.partition("=") for pair in pairs)}
    try:
        weight = float(parameters.get("q", "1"))
    except ValueError:
        weight = 0.0
    return media_type, parameters.get("version", ""), weight
