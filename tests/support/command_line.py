"""What the command line understands, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import click

from exporter.cli import cli


def parse_command_line(arguments: Sequence[str]) -> tuple[str | None, dict[str, Any]]:
    """Return the name of the command and the values of its parameters; raises click.UsageError for wrong usage."""
    seen: list[tuple[str | None, dict[str, Any]]] = []

    def record(_command: click.Command, context: click.Context) -> None:
        seen.append((context.info_name, context.params))

    with mock.patch.object(click.Command, "invoke", record):
        cli.main(list(arguments), standalone_mode=False)
    return seen[-1]
