"""The log is one line an event on standard error, in logfmt or JSON, whoever writes it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable

import pytest
import structlog

from exporter import log
from support import logs

restore = pytest.fixture(autouse=True)(logs.restored)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def by_structlog(error: BaseException) -> None:
    structlog.get_logger().error("it broke", exc_info=error)


def by_structlog_within(_error: BaseException) -> None:
    structlog.get_logger().exception("it broke")


def by_logging(_error: BaseException) -> None:
    logging.getLogger("aiohttp.server").exception("it broke")


WAYS = (by_structlog, by_structlog_within, by_logging)


def fall() -> None:
    raise ValueError("no such thing")


def break_it(tell: Callable[[BaseException], None]) -> None:
    try:
        fall()
    except ValueError as error:
        tell(error)


def test_logfmt_has_time_level_and_message_first(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("logfmt")
    structlog.get_logger().info("source down", appliance="mx1", reasons=["timeout"], port=161)
    written = capsys.readouterr()
    assert re.fullmatch(
        rf'ts={TIME} level=info msg="source down" appliance=mx1 reasons=\[\'timeout\'\] port=161\n', written.err
    )
    assert written.out == ""


def test_json_has_the_same_keys(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("json")
    structlog.get_logger().info("source down", appliance="mx1", reasons=["timeout"], port=161)
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert re.fullmatch(TIME, event.pop("ts"))
    assert event == {"level": "info", "msg": "source down", "appliance": "mx1", "reasons": ["timeout"], "port": 161}


def test_what_a_library_logs_has_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("logfmt")
    logging.getLogger("asyncio").warning("took %s seconds", 3)
    assert re.fullmatch(rf'ts={TIME} level=warning msg="took 3 seconds"\n', capsys.readouterr().err)


@pytest.mark.parametrize("level", log.LEVELS)
def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str], level: log.Level) -> None:
    log.setup("json", level)
    for each in log.LEVELS:
        structlog.get_logger().log(getattr(logging, each.upper()), "ours")
        logging.getLogger("aiohttp").log(getattr(logging, each.upper()), "theirs")
    written = [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()]
    assert written == [each for each in log.LEVELS[log.LEVELS.index(level) :] for _ in range(2)]


@pytest.mark.parametrize("form", log.FORMATS)
@pytest.mark.parametrize("tell", WAYS)
@pytest.mark.parametrize("level", ["error", "debug"])
def test_an_exception_is_type_and_place_on_one_line(
    capsys: pytest.CaptureFixture[str], form: log.Format, level: log.Level, tell: Callable[[BaseException], None]
) -> None:
    log.setup(form, level)
    break_it(tell)
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError at test_log.py:" in line
    assert "Traceback" not in line
    assert "no such thing" not in line  # the message may quote data


def test_an_exception_has_the_calls_that_led_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("json")
    break_it(by_structlog)
    calls = json.loads(capsys.readouterr().err)["calls"]
    assert re.fullmatch(r"test_log\.py:\d+ test_log\.py:\d+", calls)


def test_an_exception_that_nobody_raised_has_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("json")
    by_structlog(ValueError("no such thing"))
    assert json.loads(capsys.readouterr().err)["error"] == "ValueError"


async def test_the_message_of_a_lost_exception_is_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("logfmt")

    async def fail() -> None:
        fall()

    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    context = {"message": "Task exception was never retrieved", "exception": task.exception(), "future": task}
    asyncio.get_running_loop().default_exception_handler(context)
    (line,) = capsys.readouterr().err.splitlines()
    assert 'msg="Task exception was never retrieved" error="ValueError at test_log.py:' in line
    assert "no such thing" not in line


def test_a_value_cannot_forge_lines_or_steer_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("logfmt")
    structlog.get_logger().info("page", status="on\nlevel=error msg=forged\x1b[2J\r\x9b\u2028")
    written = capsys.readouterr().err
    assert written.endswith(r'status="on\nlevel=error msg=forged\\x1b[2J\\r\\x9b\\u2028"' + "\n")
    assert len(written.splitlines()) == 1


def test_events_of_a_noisy_logger_are_logged_once_a_minute_each(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("logfmt")
    noisy = log.once_a_minute("test_log.noisy")
    for number in range(10):
        noisy.warning("source down", target=f"mx{number}")
        noisy.info("values have changed", target=f"mx{number}")
    assert [line.partition("msg=")[2] for line in capsys.readouterr().err.splitlines()] == [
        '"source down" target=mx0',
        '"values have changed" target=mx0',
    ]


def test_what_asyncio_repeats_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("logfmt")
    for _ in range(100):
        logging.getLogger("asyncio").error("socket.accept() out of system resource")
    assert capsys.readouterr().err.count("out of system resource") == 1
