"""A watch of files whose ticks the test gives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any


class Watch:
    """Runs what looks after each tick."""

    def __init__(self, watch: Callable[[Callable[[], Awaitable[None]]], Coroutine[Any, Any, None]]) -> None:
        self._ticks: asyncio.Queue[None] = asyncio.Queue()
        self._waiting = asyncio.Event()
        self._task = asyncio.create_task(watch(self._tick))

    async def _tick(self) -> None:
        self._waiting.set()
        await self._ticks.get()

    async def look(self) -> None:
        """Let it look once, and wait until it has done what it does then."""
        await self._waiting.wait()
        self._waiting.clear()
        self._ticks.put_nowait(None)
        await self._waiting.wait()

    async def stop(self) -> None:
        """Cancel it."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
