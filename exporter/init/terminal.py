"""Asking a person on the terminal until the answer can be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

Given = TypeVar("Given")


class WrongAnswerError(Exception):
    """An answer cannot be used; the message says why, and what to answer instead."""


def ask(question: str, read: Callable[[str], Given], *, default: str = "", hidden: bool = False) -> Given:
    """Ask until `read` takes the answer. It raises WrongAnswerError for one that is wrong."""
    while True:
        answer = _interruptible(
            lambda: str(click.prompt(question, default, hide_input=hidden, show_default=bool(default), err=True))
        )
        try:
            return read(answer if hidden else answer.strip())
        except WrongAnswerError as wrong:
            say(str(wrong))


def choose(question: str, options: Sequence[str]) -> str:
    """Ask which of the options it is; the first is the default."""

    def read(answer: str) -> str:
        if answer in options:
            return answer
        raise WrongAnswerError(f"Answer {', '.join(options[:-1])} or {options[-1]}.")

    return ask(f"{question} ({', '.join(options)})", read, default=options[0])


def confirm(question: str) -> bool:
    """Ask for yes or no; the default is no."""
    return _interruptible(lambda: click.confirm(question, err=True))


def say(text: str) -> None:
    """Tell the person something."""
    click.echo(text, err=True)


def _interruptible(prompt: Callable[[], Given]) -> Given:
    """Prompt; Ctrl-C, or the end of the input, ends the program as it does elsewhere."""
    try:
        return prompt()
    except click.Abort:
        raise KeyboardInterrupt from None
