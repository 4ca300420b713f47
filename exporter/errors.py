"""The exceptions of the exporter.

ExporterError
├── ConfigError              the configuration cannot be used; lists every problem
├── RequestError             a request to the exporter is wrong (HTTP 400)
│   ├── ForbiddenError       a browser sends it for a web site of somebody else (HTTP 403)
│   └── BusyError            there are too many such requests at this moment (HTTP 503)
├── TooManyChecksError       too many passwords wait to be checked (HTTP 429)
├── UsageError               a command line is wrong (exit code 2)
├── QueryTooLargeError       a Prometheus refuses a query that reads or returns too much
└── SourceError              a source of an appliance failed; `reason` is the metric's label
    ├── SourceTimeout        no usable answer came in time
    ├── RefusedError         the port is closed
    ├── UnreachableError     no route, or the connection broke
    ├── ResolveError         the name has no address
    ├── AuthError            the appliance does not accept our credentials
    ├── TlsError             the TLS handshake failed, or the certificate is not trusted
    ├── HttpStatusError      an unexpected HTTP status, such as 404 or 500
    ├── MalformedError       the answer is not what was requested
    ├── TooLargeError        the answer is over the size limit
    └── ResourceError        the exporter's process has no file descriptor left

Every message is a sentence for the operator and never holds a secret.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar, Self


class ExporterError(Exception):
    """Something went wrong; the message tells the operator what, and what to do."""


class ConfigError(ExporterError):
    """The configuration cannot be used; `problems` holds one sentence for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RequestError(ExporterError):
    """A request to the exporter is wrong; the message says what to send instead."""

    status: ClassVar[int] = 400


class ForbiddenError(RequestError):
    """A browser sends the request for a web site of somebody else."""

    status = 403


class BusyError(RequestError):
    """There are too many such requests at this moment."""

    status = 503


class TooManyChecksError(ExporterError):
    """Too many passwords wait to be checked."""


class UsageError(ExporterError):
    """A command line is wrong; the message says what to write instead."""


class QueryTooLargeError(ExporterError):
    """A Prometheus refuses a query that reads or returns too much, or takes too long; a part of it may pass."""


class SourceError(ExporterError):
    """A source of an appliance failed in this poll."""

    reason: ClassVar[str]

    def within(self, place: str) -> Self:
        """Return the same error with the place where it happened in front of its sentence."""
        error = type(self)(f"{place}: {str(self).rstrip('.')}.")
        error.__cause__ = self
        return error


class SourceTimeout(SourceError):  # noqa: N818 - the field says timeout, not timeout error
    """No usable answer came in time."""

    reason = "timeout"


class RefusedError(SourceError):
    """The port is closed."""

    reason = "refused"


class UnreachableError(SourceError):
    """There is no route to the appliance, or the connection broke."""

    reason = "unreachable"


class ResolveError(SourceError):
    """The appliance's name has no address."""

    reason = "resolve"


class AuthError(SourceError):
    """The appliance does not accept our credentials."""

    reason = "auth"


class TlsError(SourceError):
    """The TLS handshake failed, or the certificate is not trusted."""

    reason = "tls"


class HttpStatusError(SourceError):
    """The appliance answered with an unexpected HTTP status, such as 404 or 500."""

    reason = "http_status"


class MalformedError(SourceError):
    """The answer is not what was requested."""

    reason = "malformed"


class TooLargeError(SourceError):
    """The answer is over the size limit."""

    reason = "too_large"


class ResourceError(SourceError):
    """The exporter's process, or its machine, has no file descriptor left."""

    reason = "resources"


REASONS = tuple(error.reason for error in SourceError.__subclasses__())
"""Every value of the label `reason`, in the order of the tree."""


def raised_at(error: BaseException) -> str:
    """Return type and place of an exception that nobody expected, such as `KeyError at fusion.py:42`.

    Its message is left out: it may quote what an appliance sent or an operator wrote, and that may hold a secret.
    """
    return " at ".join([type(error).__name__, *calls_of(error)[-1:]])


def calls_of(error: BaseException) -> list[str]:
    """Return the calls that led to an exception as `fusion.py:42`, the place where it was raised last."""
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]


def forget_calls(error: BaseException) -> None:
    """Drop the calls that led to an exception that is kept, and to its causes.

    They hold all that was at hand there: an answer of an appliance, or the exception itself, which would then stay in
    memory until a full garbage collection.
    """
    cause: BaseException | None = error
    while cause:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a question for the end of a message, with a space before it, or nothing if no known word is close."""
    close = get_close_matches(word, list(known), 1)
    return f" Did you mean {close[0]}?" if close else ""
