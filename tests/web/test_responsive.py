"""The server answers while it makes the pages of a large fleet."""

from __future__ import annotations

import asyncio
import difflib
import threading
from collections.abc import Callable
from typing import Any

import pytest

from exporter import config
from exporter.web import application, discovery
from support.running_server import RunningServer


class Held:
    """A function that waits for `go` before it does its work; `calls` counts."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.calls = 0
        self._function = function

    def __call__(self, *arguments: object, **options: object) -> Any:
        self.calls += 1
        self.begun.set()
        assert self.go.wait(30)
        return self._function(*arguments, **options)


@pytest.mark.parametrize(
    ("path", "owner", "name", "status"),
    [
        ("/", application, "landing_page", 200),
        ("/sd", discovery, "groups_text", 200),
        ("/config", config, "effective", 200),
        ("/probe?target=mx9", difflib, "get_close_matches", 400),
    ],
)
async def test_the_server_answers_while_it_makes_a_page(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch, path: str, owner: object, name: str, status: int
) -> None:
    held = Held(getattr(owner, name))
    monkeypatch.setattr(owner, name, held)
    page = asyncio.create_task(running.get(path))
    assert await asyncio.to_thread(held.begun.wait, 30)
    assert (await running.get("/-/healthy"))[0] == 200
    held.go.set()
    assert (await page)[0] == status


async def test_the_configuration_is_written_out_once(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(config.effective)
    held.go.set()
    monkeypatch.setattr(config, "effective", held)
    pages = await asyncio.gather(*(running.get("/config") for _ in range(5)))
    assert (len(set(pages)), held.calls) == (1, 1)
    await running.reload()
    assert await running.get("/config") == pages[0]
    assert held.calls == 2
