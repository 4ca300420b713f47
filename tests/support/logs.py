"""What a test that sets the logging up must put back."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import structlog


def restored() -> Iterator[None]:
    """Put back the logging of the test run; a fixture's body."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()
