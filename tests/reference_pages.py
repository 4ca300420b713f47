"""Write the reference pages that are made from the code: `python tests/reference_pages.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from exporter.cli import cli
from exporter.command_line import Command, CommandGroup

DOCS: Final = Path(__file__).parent.parent / "docs"

_HEAD: Final = """\
# Command line

`ironport-exporter COMMAND [FLAGS]`. A flag that the command and `serve` both have, such as `--config.file`, may also
stand before the command. `--help` prints the same texts.

The exit code is 0 if all went well, 1 if something failed, and 2 if the command line is wrong. `simulate`, `replay`,
`backfill`, `demo`, `backtest`, `report` and `incident` need [optional packages](installing.md#with-pip-pipx-or-uv).

Every command also has these flags; for `serve`, `simulate` and `replay` the default level is `info`:
"""


_FLAG_HEAD: Final = ("flag", "meaning")


def command_line_page() -> str:
    """Return docs/command-line.md."""
    commands, common = list(_commands(cli)), _flags(cli.commands["schema"])
    table = _table(("command", "what it does"), ((_linked(name), _summary(about)) for name, _, about in commands))
    sections = [_command(name, command, about, common) for name, command, about in commands]
    notes = [_section(heading, ["```", *lines, "```"]) for heading, lines in cli.notes.items()]
    head = [_HEAD, *_table(_FLAG_HEAD, common.items()), "", *table, "", *sections, *notes]
    return "\n".join(head).rstrip("\n") + "\n"


def _commands(group: CommandGroup, before: str = "") -> Iterator[tuple[str, Command, click.Command]]:
    """Yield each command with its name and what describes it: for the default one of a nested group, the group."""
    for name, command in group.commands.items():
        is_group = before and name == group.default
        if isinstance(command, CommandGroup):
            yield from _commands(command, f"{before}{name} ")
        elif isinstance(command, Command):
            yield (before.strip(), command, group) if is_group else (f"{before}{name}", command, command)


def _command(name: str, command: Command, about: click.Command, common: Mapping[str, str]) -> str:
    """Return the section of a command, without the flags that all commands have."""
    arguments = [each.human_readable_name for each in command.params if isinstance(each, click.Argument)]
    usage = " ".join(["ironport-exporter", name, *arguments, "[FLAGS]"])
    flags = {flag: text for flag, text in _flags(command).items() if flag.split()[0] not in _names(common)}
    table = [*_table(_FLAG_HEAD, flags.items()), ""] if flags else []
    return _section(f"`{name}`", [f"`{usage}`", "", _text(about), "", *table, "```sh", *command.examples, "```"])


def _flags(command: click.Command) -> dict[str, str]:
    """Return the flags of a command, each with its help."""
    context = click.Context(command)
    records = [each.get_help_record(context) for each in command.params if isinstance(each, click.Option)]
    return {f"`{record[0]}`": record[1].replace("*", r"\*") for record in records if record}


def _names(flags: Iterable[str]) -> set[str]:
    return {flag.split()[0] for flag in flags}


def _text(command: click.Command) -> str:
    """Return the help of a command, one line a paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n"))


def _summary(command: click.Command) -> str:
    return command.get_short_help_str(limit=200)


def _linked(name: str) -> str:
    return f"[`{name}`](#{name.replace(' ', '-')})"


def _section(heading: str, lines: Iterable[str]) -> str:
    return "\n".join([f"## {heading}", "", *lines, ""])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *escaped)]


PAGES: Final = {DOCS / "command-line.md": command_line_page}
"""What makes each page."""


if __name__ == "__main__":
    for page, make in PAGES.items():
        page.write_text(make(), encoding="utf-8")
