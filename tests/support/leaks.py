"""The watch that no test leaves a socket, a child process or a task behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from itertools import chain
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """Fail a test that leaves a socket or a child process behind."""
    before = _sockets() | _children()
    yield
    left = (_sockets() | _children()) - before
    if left:
        gc.collect()
        left = (_sockets() | _children()) - before
    assert not left, f"left open: {', '.join(sorted(left))}"


@pytest.fixture(autouse=True)
def _no_task_left(request: pytest.FixtureRequest, _nothing_left_open: None) -> None:
    """Watch the event loop of a test that has one. For all others, the loop alone would take a third of their time."""
    if _has_loop(request.node):
        request.getfixturevalue("_loop_watched")


@pytest.fixture
async def _loop_watched() -> AsyncIterator[None]:
    """Fail a test that leaves a task running in its event loop, or an exception in one that nobody saw."""
    unseen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    yield
    gc.collect(1)  # what the test made is young; a full collection after every test would cost most of the run
    assert not unseen, f"raised where nobody looks: {unseen}"
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"left running: {left}"


def _has_loop(test: pytest.Function) -> bool:
    """Whether the test or one of its fixtures is asynchronous."""
    fixtures = chain.from_iterable(test._fixtureinfo.name2fixturedefs.values())
    return test.get_closest_marker("asyncio") is not None or any(_is_asynchronous(one.func) for one in fixtures)


def _is_asynchronous(function: Callable[..., object]) -> bool:
    plain = inspect.unwrap(function)
    return inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain)


def _sockets() -> set[str]:
    """Return the sockets of this process, as the kernel calls them."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):  # `Path` would take three times as long, and this runs 30,000 times
        with suppress(FileNotFoundError):  # the listing's own descriptor has gone
            found.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    return {name for name in found if name.startswith("socket:")}


def _children() -> set[str]:
    """Return the child processes of this process, ended ones that nobody waited for included."""
    numbers: list[str] = []
    for thread in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended has gone
            numbers += Path(f"/proc/self/task/{thread}/children").read_text().split()
    # Once Python has spawned a process, it keeps another one to the end. It has no public name.
    kept = getattr(resource_tracker._resource_tracker, "_pid", None)
    return {f"process {number}" for number in numbers if int(number) != kept}
