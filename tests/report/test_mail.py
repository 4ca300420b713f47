"""A report reaches its readers by mail, and what goes wrong is one sentence that says what to do."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.errors import ExporterError
from exporter.phrases import Phrases
from exporter.report.mail import Outbox, compose, refuse_appliance, send
from exporter.report.page import write_page
from support.months import full_month
from support.processes import free_port
from support.smarthost import PASSWORD, USERNAME, Mailbox, mail_server, server_context

ANNA, BERND = "anna@example.edu", "bernd@example.edu"
OUTBOX = Outbox("reports@example.edu", (ANNA, BERND), "localhost", 25, tls="none")
MAIL = compose(OUTBOX, "Mail in October 2026", "Five sentences.\n", "<p>Five sentences.</p>", [])


@pytest.fixture
def start(authority: trustme.CA) -> Iterator[Any]:
    """Start a mail server with the arguments of `mail_server`; it ends with the test."""
    with ExitStack() as servers:

        def start_server(mailbox: Mailbox | None = None, mode: str = "none", **arguments: Any) -> Mailbox:
            if mode != "none":
                arguments[mode] = server_context(authority)
            return servers.enter_context(mail_server(mailbox or Mailbox(), **arguments))

        yield start_server


def failure(outbox: Outbox) -> str:
    with pytest.raises(ExporterError) as caught:
        send(outbox, MAIL)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_a_mail_has_both_bodies_and_the_files(tmp_path: Path) -> None:
    (tmp_path / "october.csv").write_text("figure,value\nmessages,ü\n")
    (tmp_path / "october.pdf").write_bytes(b"%PDF-1.7\n\xff")
    mail = compose(OUTBOX, "Mail in October 2026", "Fünf\n", "<p>Fünf</p>", sorted(tmp_path.iterdir()))
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert (text.get_content(), html.get_content()) == ("Fünf\n", "<p>Fünf</p>\n")
    files = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in mail.iter_attachments()]
    assert files == [
        ("october.csv", "text/csv", "figure,value\nmessages,ü\n"),
        ("october.pdf", "application/pdf", b"%PDF-1.7\n\xff"),
    ]


def test_the_body_of_a_mail_has_no_charts() -> None:
    page = write_page(full_month(), Phrases("en"))
    body = compose(OUTBOX, "Mail in October 2026", "Five sentences.\n", page, []).get_body(("html",))
    assert body is not None
    assert "<svg" in page
    assert not re.search('<svg|<figure|picture"', body.get_content())
    assert "27,789,297" in body.get_content()


def test_a_mail_says_that_a_program_sent_it() -> None:
    assert MAIL["Auto-Submitted"] == "auto-generated"
    assert MAIL["Message-ID"].endswith("@example.edu>")
    assert MAIL["Date"]


@pytest.mark.parametrize("mode", ["starttls", "tls", "none"])
def test_everyone_gets_the_mail(mode: Any, start: Any, ca_file: Path) -> None:
    mailbox = start(mode=mode)
    send(replace(OUTBOX, port=mailbox.port, tls=mode, ca_file=ca_file), MAIL)
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Mail in October 2026"
    assert (mailbox.recipients, mailbox.encrypted) == ([ANNA, BERND], mode != "none")


def test_credentials_sign_in(start: Any, ca_file: Path) -> None:
    mailbox = start(mode="starttls", sign_in=True)
    outbox = replace(OUTBOX, port=mailbox.port, tls="starttls", ca_file=ca_file, username=USERNAME, password=PASSWORD)
    send(outbox, MAIL)
    assert (len(mailbox.mails), mailbox.users) == (1, [USERNAME])
    assert PASSWORD not in repr(outbox)


def test_a_closed_port() -> None:
    port = free_port(socket.SOCK_STREAM)
    sentence = f"The smarthost localhost:{port} refuses the connection: check --mail-smarthost."
    assert failure(replace(OUTBOX, port=port)) == sentence


def test_a_name_without_address() -> None:
    assert failure(replace(OUTBOX, host="smarthost.invalid")) == (
        "The name smarthost.invalid of the smarthost has no address: check --mail-smarthost and the DNS."
    )


def test_no_starttls(start: Any) -> None:
    port = start().port
    assert failure(replace(OUTBOX, port=port, tls="starttls")) == (
        f"The smarthost localhost:{port} does not offer STARTTLS: use --mail-tls tls if it expects TLS from the "
        "beginning, usually on port 465. With --mail-tls none the report is sent unencrypted."
    )


def test_no_tls_from_the_beginning(start: Any) -> None:
    port = start(mode="starttls").port
    assert failure(replace(OUTBOX, port=port, tls="tls")) == (
        f"The smarthost localhost:{port} ended the TLS handshake: check the port, and whether --mail-tls starttls"
        " fits it."
    )


@pytest.mark.parametrize("mode", ["starttls", "tls"])
def test_a_certificate_that_is_not_trusted(mode: Any, start: Any, tmp_path: Path) -> None:
    port = start(mode=mode).port
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    assert failure(replace(OUTBOX, port=port, tls=mode, ca_file=tmp_path / "other.pem")) == (
        f"The certificate of the smarthost localhost:{port} is not trusted (unable to get local issuer certificate):"
        " name a file with its issuer's certificate in --mail-ca-file, and use a name of the certificate in"
        " --mail-smarthost."
    )


def test_a_ca_file_without_certificates(start: Any, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    outbox = replace(OUTBOX, port=start(mode="tls").port, tls="tls", ca_file=tmp_path / "ca.pem")
    assert failure(outbox) == f"{tmp_path}/ca.pem has no certificates in PEM format: check --mail-ca-file."
    outbox = replace(outbox, ca_file=tmp_path / "absent.pem")
    assert failure(outbox) == f"{tmp_path}/absent.pem cannot be read (No such file or directory): check --mail-ca-file."


def test_a_wrong_password(start: Any, ca_file: Path) -> None:
    port = start(mode="starttls", sign_in=True).port
    outbox = replace(OUTBOX, port=port, tls="starttls", ca_file=ca_file, username=USERNAME, password=f"x{PASSWORD}")
    assert failure(outbox) == (
        f"The smarthost localhost:{port} does not accept these credentials: check --mail-username and "
        "--mail-password-file."
    )


def test_credentials_that_nobody_wants(start: Any, ca_file: Path) -> None:
    port = start(mode="tls").port
    outbox = replace(OUTBOX, port=port, tls="tls", ca_file=ca_file, username=USERNAME, password=PASSWORD)
    assert failure(outbox) == (
        f"The smarthost localhost:{port} does not offer to sign in: leave out --mail-username, or check the port."
    )


def test_a_refused_recipient_does_not_stop_the_others(start: Any) -> None:
    mailbox = start(Mailbox(refused={BERND: "550 No such user"}))
    assert failure(replace(OUTBOX, port=mailbox.port)) == (
        f"The smarthost localhost:{mailbox.port} refuses recipients ({BERND}: 550 No such user): check --mail-to."
        " The other recipients get the mail."
    )
    assert mailbox.recipients == [ANNA]


def test_nobody_gets_what_all_recipients_refuse(start: Any) -> None:
    mailbox = start(Mailbox(refused={ANNA: "554 Relaying denied", BERND: "554 Relaying denied"}))
    sentence = failure(replace(OUTBOX, port=mailbox.port))
    assert sentence.endswith(f"{BERND}: 554 Relaying denied): check --mail-to. Nobody gets the mail.")
    assert mailbox.mails == []


@pytest.mark.parametrize(
    ("command", "answer", "sentence"),
    [
        (
            "MAIL",
            "553 Unknown domain",
            "refuses the sender reports@example.edu (553 Unknown domain): check --mail-from.",
        ),
        ("DATA", "552 Message too large", "does not take the mail (552 Message too large)."),
    ],
)
def test_a_refused_mail(command: str, answer: str, sentence: str, start: Any) -> None:
    port = start(Mailbox(answers={command: answer})).port
    assert failure(replace(OUTBOX, port=port)) == f"The smarthost localhost:{port} {sentence}"


REFUSED = (
    "The smarthost {} is {}, an appliance that the report is about: mail about a trouble would wait in the same"
    " trouble. Choose another --mail-smarthost, or add --mail-through-fleet."
)


def refusal(host: str, *instances: str, fleet: tuple[str, ...] = ()) -> str:
    with pytest.raises(ExporterError) as caught:
        refuse_appliance(replace(OUTBOX, host=host, fleet=frozenset(fleet)), instances)
    return str(caught.value)


@pytest.mark.parametrize(
    ("host", "appliance"),
    [
        ("mx1.example.edu", "mx1.example.edu"),
        ("MX1.example.edu.", "mx1.example.edu"),
        ("mx1.example.edu", "mx1"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_an_appliance_is_no_smarthost_by_its_name(host: str, appliance: str) -> None:
    assert refusal(host, "mx9", appliance) == REFUSED.format(host, appliance)
    assert refusal(host, "mx9", fleet=(appliance,)) == REFUSED.format(host, appliance)


def test_an_appliance_is_no_smarthost_by_its_address() -> None:
    assert refusal("localhost", "mx9.invalid", fleet=("127.0.0.1",)) == REFUSED.format("localhost", "127.0.0.1")


@pytest.mark.parametrize("appliance", ["mx1.example.org", "mx2", "192.0.2.2", "a..b"])
def test_another_server_may_be_the_smarthost(appliance: str) -> None:
    refuse_appliance(replace(OUTBOX, host="mx1.example.invalid"), [appliance])


def test_an_appliance_may_be_the_smarthost_if_told_so() -> None:
    refuse_appliance(replace(OUTBOX, through_fleet=True), ["localhost"])
