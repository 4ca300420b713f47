"""The flags of mail say who gets a report, and through which server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import pytest

from exporter.command_line import mail_flags
from exporter.errors import UsageError

FLEET = """
auths: {ops: {snmp: {version: 2c, community: public}}}
defaults: {auth: ops}
appliances: [{name: mx1, address: mx1.example.edu}, {name: mx2, address: 192.0.2.2}]
"""
TO = ("--mail-to", "anna@example.edu")
SENDER = ("--mail-from", "reports@example.edu")
SMARTHOST = ("--mail-smarthost", "[2001:db8::25]:587")


def outbox(*arguments: str) -> Any:
    """Return what a command gets that has the flags of mail."""

    @click.command
    @mail_flags
    def command(outbox: object) -> object:
        return outbox

    return command.main(arguments, standalone_mode=False)


def test_without_an_address_there_is_no_mail() -> None:
    assert outbox() is None


def test_mail_flags_are_read(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter 2\n")
    (tmp_path / "fleet.yml").write_text(FLEET)
    credentials = ("--mail-username", "reports", "--mail-password-file", str(tmp_path / "password"))
    fleet = ("--config.file", str(tmp_path / "fleet.yml"))
    read = outbox(*TO, "--mail-to", "bernd@example.edu", *SENDER, *SMARTHOST, *credentials, *fleet)
    assert (read.sender, read.recipients) == ("reports@example.edu", ("anna@example.edu", "bernd@example.edu"))
    assert (read.host, read.port, read.tls) == ("2001:db8::25", 587, "starttls")
    assert (read.username, read.password) == ("reports", "hunter 2")
    assert read.fleet == {"mx1", "mx1.example.edu", "mx2", "192.0.2.2"}
    assert not read.through_fleet


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (SENDER, "--mail-from has no effect without --mail-to. Leave it out."),
        ((*TO, *SENDER), "--mail-to needs --mail-from and --mail-smarthost."),
        (
            (*TO, *SENDER, *SMARTHOST, "--mail-username", "reports"),
            "--mail-username and --mail-password-file need each other.",
        ),
        (
            (*TO, *SENDER, *SMARTHOST, "--mail-username", "reports", "--mail-tls", "none"),
            "With --mail-tls none the password would be sent unencrypted: leave out --mail-username.",
        ),
    ],
)
def test_mail_flags_that_do_not_fit_together(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        outbox(*arguments)
    assert str(caught.value) == sentence


def test_an_empty_password_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    with pytest.raises(UsageError, match=r"password is empty: put the password there\.$"):
        outbox(*TO, *SENDER, *SMARTHOST, "--mail-username", "r", "--mail-password-file", str(tmp_path / "password"))


def test_a_pipe_is_no_password_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "password")
    with pytest.raises(OSError, match="Not a regular file"):
        outbox(*TO, *SENDER, *SMARTHOST, "--mail-username", "r", "--mail-password-file", str(tmp_path / "password"))


@pytest.mark.parametrize(
    "address", ["anna", "anna@", "a b@example.edu", "a@b\nBcc: c@d", "Anna <a@b>", "ä@example.edu"]
)
def test_what_is_no_mail_address(address: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not a mail address like reports@example\.edu"):
        outbox("--mail-to", address)


@pytest.mark.parametrize("server", ["mail.example.edu", ":25", "mail.example.edu:0", "mail.example.edu:99999"])
def test_what_is_no_mail_server(server: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not a mail server like mail\.example\.edu:587"):
        outbox("--mail-smarthost", server)
