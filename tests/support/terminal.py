"""A program on a pseudo-terminal, and a person who answers its questions."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

PATIENCE: Final = 90.0
"""Seconds within which a question must come; generous, for a busy machine."""


def converse(
    command: Sequence[str], folder: Path, answers: Iterable[tuple[str, str]], env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command on a terminal; answer each question once its words have come. Return exit code and all it wrote."""
    ours, theirs = os.openpty()
    child = subprocess.Popen(
        command,
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, **(env or {})},
    )
    os.close(theirs)
    screen = _Screen(ours)
    try:
        for question, answer in answers:
            screen.read_until(question)
            os.write(ours, f"{answer}\n".encode())
        screen.read_until(None)
        return child.wait(PATIENCE), screen.text
    finally:
        child.kill()
        child.wait()
        os.close(ours)


class _Screen:
    """What a program has written to its terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = 0
        self.text = ""

    def read_until(self, words: str | None) -> None:
        """Read until the words come after those of the last call; without words, until the program ends."""
        limit = time.monotonic() + PATIENCE
        while words is None or words not in self.text[self._seen :]:
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, limit - time.monotonic()))
            if not ready:
                pytest.fail(f"{words!r} did not come: {self.text}")
            try:
                self.text += os.read(self._descriptor, 4096).decode()
            except OSError:  # Linux says so when nobody has the other side open
                if words is None:
                    return
                pytest.fail(f"the program ended before {words!r} came: {self.text}")
        self._seen = self.text.index(words, self._seen) + len(words)
