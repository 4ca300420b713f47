"""The blocks of a Prometheus database: made of OpenMetrics text by promtool, and read by a Prometheus of their own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from exporter.errors import ExporterError
from exporter.tsdb import openmetrics

LENGTH: Final = 64800
"""Time in seconds that a block spans, from a multiple of it since the epoch.

Of the lengths that Prometheus compacts to it is the longest that its default retention of 15 days allows.
"""

_STATE: Final = ("wal", "chunks_head", "lock", "queries.active")
"""What Prometheus leaves beside the blocks; nothing was scraped, so that there is nothing in it."""

_PATIENCE: Final = 120.0
"""Seconds within which Prometheus must have started, or ended; generous, for a busy machine."""

LOOKBACK: Final = 300
"""Seconds after a sample for which its series is there still: Prometheus' own default.

Prometheus marks the end of a series that a scrape or a rule no longer has; text has no such mark, so that here every
series lasts for so long.
"""

_QUERY_LIMIT: Final = 900
"""Seconds that a query may take: quantiles over weeks take their time."""


def program(name: str) -> str:
    """Return the path of a program; raises ExporterError where it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise ExporterError(f"{name} is not on the PATH; it comes with Prometheus (Debian: apt install prometheus).")
    return path


def periods(begin: int, end: int, step: int) -> Iterator[range]:
    """Yield the instants from `begin` to `end`, both included, so that each range lies in one block."""
    while begin <= end:
        border = (begin // LENGTH + 1) * LENGTH
        instants = range(begin, min(border - 1, end) + 1, step)
        yield instants
        begin = instants[-1] + step


def write(text: Iterable[str], folder: Path) -> None:
    """Add the samples of the metric families in `text`, which lie in one block, to the database in `folder`.

    promtool reads its input once to find the block and once for its samples, and would for each further block again.
    """
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".openmetrics") as file:
        try:
            file.writelines(text)
            file.write(openmetrics.END)
            file.flush()
        except OSError as error:
            raise ExporterError(f"Cannot write samples to {file.name}: {error.strerror}. Make room there.") from error
        command = ["tsdb", "create-blocks-from", "--quiet", f"--max-block-duration={LENGTH}s", "openmetrics"]
        result = subprocess.run(  # noqa: S603 - no shell, and no argument from outside but the folder
            [program("promtool"), *command, file.name, str(folder)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if result.returncode:
        raise ExporterError(f"promtool could not make blocks in {folder}: {_last_line(result.stderr)}")


@contextmanager
def served(folder: Path, lookback: int = LOOKBACK) -> Iterator[str]:
    """Run Prometheus on the database in `folder` and give its URL; afterwards there are but blocks again."""
    url = f"http://127.0.0.1:{_free_port()}"
    command = [
        program("prometheus"),
        "--config.file=/dev/null",
        f"--storage.tsdb.path={folder}",
        "--storage.tsdb.retention.time=100y",
        f"--storage.tsdb.max-block-duration={LENGTH}s",  # a block stays what it is
        f"--web.listen-address={url.removeprefix('http://')}",
        f"--query.timeout={_QUERY_LIMIT}s",
        f"--query.lookback-delta={lookback}s",
        "--log.level=error",
    ]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        server = subprocess.Popen(  # noqa: S603 - no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_ready(server, url, log)
            yield url
        finally:
            _end(server)
    for name in _STATE:
        state = folder / name
        shutil.rmtree(state) if state.is_dir() else state.unlink(missing_ok=True)


def query_range(url: str, expression: str, instants: range) -> list[dict[str, Any]]:
    """Return the series of the expression at the instants: `metric`, its labels, and `values`, pairs of time and text.

    Raises ExporterError with what Prometheus says where it cannot evaluate the expression.
    """
    window = {"query": expression, "start": instants[0], "end": instants[-1], "step": instants.step}
    series: list[dict[str, Any]] = _asked(url, "query_range", window, expression)["result"]
    return series


def metric_names(url: str) -> list[str]:
    """Return the names of all metrics that the Prometheus has; raises ExporterError with what it says instead."""
    names: list[str] = _asked(url, "label/__name__/values", None, "to tell its metrics")
    return names


def shown(url: str) -> str:
    """Return the URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _asked(url: str, path: str, parameters: Mapping[str, object] | None, what: str) -> Any:
    """Return the data of an answer of the HTTP API; with parameters the question is posted."""
    body = urlencode(parameters).encode() if parameters else None
    request = Request(f"{shown(url)}/api/v1/{path}", body, _authorization(url))  # noqa: S310 - http
    try:
        with _opener(url).open(request, timeout=_QUERY_LIMIT) as answer:
            return json.load(answer)["data"]
    except HTTPError as error:
        with error:
            raise ExporterError(f"Prometheus refuses {' '.join(what.split())}: {_error(error)}.") from None
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise ExporterError(
            f"The Prometheus at {shown(url)} did not answer a query: {_why(error)}. See whether it runs there."
        ) from None


def _why(error: Exception) -> str:
    cause = getattr(error, "reason", error)  # the error beneath that of urllib
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _authorization(url: str) -> dict[str, str]:
    """Return the header for the user and password that the URL has, if any (RFC 7617)."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    return {"Authorization": f"Basic {b64encode(unquote(user).encode()).decode()}"} if at else {}


def _opener(url: str) -> OpenerDirector:
    """Return what opens the URL: past the proxies of the environment where it is on this machine."""
    local = urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
    return build_opener(ProxyHandler({})) if local else build_opener()


def _error(answer: HTTPError) -> str:
    """Return what Prometheus says, or what whoever stands before it answers with."""
    try:
        return str(json.load(answer)["error"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return f"{answer.code} {answer.reason}"


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: IO[str]) -> None:
    limit = time.monotonic() + _PATIENCE
    while not _is_ready(url):
        if server.poll() is not None or time.monotonic() > limit:
            log.seek(0)
            raise ExporterError(f"Prometheus did not start on the history: {_last_line(log.read())}")
        time.sleep(0.05)


def _is_ready(url: str) -> bool:
    try:
        with _opener(url).open(f"{url}/-/ready", timeout=_PATIENCE):
            return True
    except HTTPError as error:
        error.close()
    except (OSError, HTTPException):
        pass
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it did not say why"])[-1]
