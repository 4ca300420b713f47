"""Structured logging to standard error, in logfmt or JSON: the keys ts, level and msg, then the event's own.

structlog is imported where logging is set up, because the command line, which only needs the names of the levels and
formats, must start quickly.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Final, Literal

from exporter.errors import calls_of, raised_at

if TYPE_CHECKING:
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["logfmt", "json"]
FORMATS: Final[tuple[Format, ...]] = ("logfmt", "json")

Level = Literal["debug", "info", "warning", "error"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")

_QUIET: Final = 60.0
"""Seconds in which `_OnceAMinute` does not log a message again."""

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters but the line feed, which the logfmt renderer escapes itself."""


def setup(form: Format = "logfmt", level: Level = "info") -> None:
    """Send what this program and its libraries log at `level` and above to standard error, one line each."""
    import structlog

    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(form))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("asyncio").addFilter(_OnceAMinute())  # it repeats that no descriptor is free
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


class _OnceAMinute(logging.Filter):
    """Drops events that were logged within the last minute, whatever else they tell."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.msg["event"] if isinstance(record.msg, dict) else record.getMessage()
        recent = {each: at for each, at in self._logged.items() if record.created - at < _QUIET}
        self._logged = {event: record.created} | recent
        return event not in recent


def once_a_minute(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger that logs each event once a minute: for what clients can cause 100 times a second."""
    import structlog

    logging.getLogger(name).addFilter(_OnceAMinute())
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger


def _formatter(form: Format) -> structlog.stdlib.ProcessorFormatter:
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.TimeStamper(fmt="iso", key="ts"),
            structlog.processors.EventRenamer("msg"),
            _name_exception,
            *_renderers(form),
        ],
    )


def _name_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type, its place and the calls that led to it."""
    if error := _exception(event.pop("exc_info", None)):
        event["msg"] = str(event["msg"]).partition("\n")[0]  # below it, asyncio quotes the exception
        event["error"] = raised_at(error)
        event["calls"] = " ".join(calls_of(error))
    return event


def _exception(exc_info: object) -> BaseException | None:
    """Read the three forms in which logging is told of an exception."""
    if isinstance(exc_info, tuple):
        return exc_info[1]  # type: ignore[no-any-return]  # the second of sys.exc_info()
    return exc_info if isinstance(exc_info, BaseException) else sys.exception() if exc_info else None


def _escape_control(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep control characters that an appliance may send from the operator's terminal."""
    return {key: _CONTROL.sub(lambda found: ascii(found[0])[1:-1], str(value)) for key, value in event.items()}


def _renderers(form: Format) -> tuple[Processor, ...]:
    from structlog.processors import JSONRenderer, LogfmtRenderer

    if form == "json":
        return (JSONRenderer(),)
    return (_escape_control, LogfmtRenderer(key_order=("ts", "level", "msg")))
