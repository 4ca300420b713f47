"""Writes share/ from the command line: the man page, and the scripts for completion in bash, zsh and fish.

The wheel installs share/. Run this after a change of a command, a flag or the version: `python release/generate.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Final

import click
from click.shell_completion import get_completion_class

from exporter import __version__
from exporter.cli import cli
from exporter.command_line import Command, CommandGroup

SHARE: Final = Path(__file__).parents[1] / "share"

_NAME: Final = "ironport-exporter"

_SCRIPTS: Final[Mapping[str, str]] = {
    "bash": f"bash-completion/completions/{_NAME}",
    "zsh": f"zsh/site-functions/_{_NAME}",
    "fish": f"fish/vendor_completions.d/{_NAME}.fish",
}
"""Where each shell looks for the scripts of packages, below share/."""

_EXIT_CODES: Final = ((0, "All went well."), (1, "Something failed."), (2, "The command line is wrong."))


def shared_files() -> dict[str, str]:
    """Return the text of each file by its path below share/."""
    scripts = {path: _completion(shell) for shell, path in _SCRIPTS.items()}
    return {f"man/man1/{_NAME}.1": "\n".join(_page()) + "\n", **scripts}


def _completion(shell: str) -> str:
    kind = get_completion_class(shell)
    if kind is None:
        raise LookupError(f"click has no completion for {shell}.")
    source = kind(cli, {}, _NAME, "_IRONPORT_EXPORTER_COMPLETE").source()
    return "\n".join(line.rstrip() for line in source.strip().splitlines()) + "\n"


def _page() -> Iterator[str]:
    context = _context(cli, _NAME, None)
    summary, *rest = _paragraphs(cli)
    yield f'.TH IRONPORT\\-EXPORTER 1 "" "{_NAME} {__version__}" "User Commands"'
    yield from (".SH NAME", f"{_roff(_NAME)} \\- {_roff(summary.rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {_roff(_NAME)}", _roff(" ".join(cli.collect_usage_pieces(context))))
    yield from (".SH DESCRIPTION", *_spaced(rest))
    yield ".SH COMMANDS"
    yield from _commands(cli, context)
    yield ".SH EXIT STATUS"
    for code, meaning in _EXIT_CODES:
        yield from (".TP", f".B {code}", meaning)
    for heading, lines in cli.notes.items():
        yield from (f".SH {_roff(heading.upper())}", *_literal(lines))


def _commands(group: CommandGroup, context: click.Context) -> Iterator[str]:
    """Yield a section for each command of a group, and for those of a group within it."""
    for name, command in group.commands.items():
        own = _context(command, name, context)
        if isinstance(command, CommandGroup):
            yield from _commands(command, own)
        else:
            yield from _command(command, own)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f'.SS "{_roff(context.command_path.removeprefix(_NAME).strip())}"'
    yield from (f".B {_roff(context.command_path)}", _roff(" ".join(command.collect_usage_pieces(context))))
    yield from _spaced(_paragraphs(command))
    options = (each for each in command.params if isinstance(each, click.Option))
    for record in filter(None, (option.get_help_record(context) for option in options)):
        yield from (".TP", f".B {_roff(record[0])}", _roff(record[1]))
    if isinstance(command, Command):
        yield from (".PP", "Examples:", *_literal(command.examples))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(command, info_name=name, parent=parent)


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in cleandoc(command.help or "").split("\n\n")]


def _spaced(paragraphs: Iterable[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from (".PP", _roff(paragraph))


def _literal(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that troff neither fills nor breaks."""
    yield from (".PP", ".nf", *map(_roff, lines), ".fi")


def _roff(text: str) -> str:
    """Return a text as troff reads it: nothing in it is a request or an escape, and a hyphen can be copied."""
    escaped = text.replace("\\", r"\(rs").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    for path, text in shared_files().items():
        (SHARE / path).parent.mkdir(parents=True, exist_ok=True)
        (SHARE / path).write_text(text)


if __name__ == "__main__":
    main()
