"""Mails a report through a smarthost, which must not be an appliance that the report is about."""

from __future__ import annotations

import mimetypes
import re
import smtplib
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final, Literal

from exporter.config.files import read_certificates
from exporter.errors import ExporterError
from exporter.smarthosts import appliance_behind

TlsMode = Literal["starttls", "tls", "none"]

_TIMEOUT: Final = 60
"""Seconds that the smarthost may take for an answer; RFC 5321 allows it minutes."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Who sends a report to whom, and through which server."""

    sender: str
    recipients: tuple[str, ...]
    host: str
    port: int
    tls: TlsMode = "starttls"
    """`starttls` begins in the clear, `tls` does not."""
    ca_file: Path | None = None
    """Whom to trust, instead of the authorities that this machine trusts."""
    username: str | None = None
    password: str = field(default="", repr=False)
    fleet: frozenset[str] = frozenset()
    """Names and addresses of appliances that must not be the smarthost."""
    through_fleet: bool = False
    """Whether the smarthost may be one of them."""

    @property
    def server(self) -> str:
        return f"{self.host}:{self.port}"


def compose(outbox: Outbox, subject: str, text: str, html: str, attachments: Iterable[Path]) -> EmailMessage:
    """Return a mail with both bodies, the second one without charts: mail programs do not show them.

    No program answers it, because it says that a program has sent it (RFC 3834).
    """
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = outbox.sender
    message["To"] = ", ".join(outbox.recipients)
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=outbox.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    message.add_alternative(_without_charts(html), subtype="html")
    for file in attachments:
        _attach(message, file)
    return message


def _without_charts(html: str) -> str:
    return re.sub(r'<figure\b.*?</figure>|<(t[hd])\b[^>]*class="picture".*?</\1>', "", html, flags=re.DOTALL)


def _attach(message: EmailMessage, file: Path) -> None:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    main, _, sub = kind.partition("/")
    if main == "text":
        message.add_attachment(file.read_text(encoding="utf-8"), subtype=sub, filename=file.name)
    else:
        message.add_attachment(file.read_bytes(), maintype=main, subtype=sub, filename=file.name)


def send(outbox: Outbox, message: EmailMessage) -> None:
    """Send a mail. Raises ExporterError with what to do."""
    try:
        refused = _deliver(outbox, message)
    except (smtplib.SMTPException, OSError) as error:
        raise ExporterError(_failure(outbox, error)) from None
    if refused:
        raise ExporterError(f"{_refused(outbox, refused)} The other recipients get the mail.")


def _deliver(outbox: Outbox, message: EmailMessage) -> Mapping[str, tuple[int, bytes]]:
    """Return the answers for the recipients that the smarthost refuses, if it takes the mail for others."""
    with closing(_connection(outbox)) as smarthost:
        if outbox.username is not None:
            smarthost.login(outbox.username, outbox.password)
        refused = smarthost.send_message(message)
        with suppress(smtplib.SMTPException):  # the mail is sent, however the smarthost takes the farewell
            smarthost.quit()
    return refused


def _connection(outbox: Outbox) -> smtplib.SMTP:
    if outbox.tls == "tls":
        return smtplib.SMTP_SSL(outbox.host, outbox.port, timeout=_TIMEOUT, context=_trust(outbox))
    smarthost = smtplib.SMTP(outbox.host, outbox.port, timeout=_TIMEOUT)
    if outbox.tls == "starttls":
        try:
            smarthost.starttls(context=_trust(outbox))
        except BaseException:
            smarthost.close()
            raise
    return smarthost


def _trust(outbox: Outbox) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=read_certificates(outbox.ca_file) if outbox.ca_file else None)
    except ssl.SSLError:
        problem = f"{outbox.ca_file} has no certificates in PEM format: check --mail-ca-file."
    except OSError as error:
        problem = f"{outbox.ca_file} cannot be read ({error.strerror}): check --mail-ca-file."
    raise ExporterError(problem)


# --- what went wrong --------------------------------------------------------------------------------------------------


def _failure(outbox: Outbox, error: Exception) -> str:
    """Return a sentence that says what to do. None of them has the password."""
    server = f"The smarthost {outbox.server}"
    match error:
        case smtplib.SMTPNotSupportedError():
            return _not_offered(outbox, server)
        case smtplib.SMTPAuthenticationError():
            return f"{server} does not accept these credentials: check --mail-username and --mail-password-file."
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            return f"{_refused(outbox, refused)} Nobody gets the mail."
        case smtplib.SMTPSenderRefused(smtp_code=code, smtp_error=words):
            return f"{server} refuses the sender {outbox.sender} ({_words(code, words)}): check --mail-from."
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=words):
            return f"{server} does not take the mail ({_words(code, words)})."
        case smtplib.SMTPServerDisconnected():
            return f"{server} closed the connection: check its log, and whether --mail-tls {outbox.tls} fits the port."
        case smtplib.SMTPException():
            return f"{server} cannot be used: {str(error).rstrip('.')}."
        case ssl.SSLError():
            return _tls_failure(outbox, server, error)
    return _no_connection(outbox, server, error)


def _not_offered(outbox: Outbox, server: str) -> str:
    if outbox.tls == "starttls":
        return (
            f"{server} does not offer STARTTLS: use --mail-tls tls if it expects TLS from the beginning, usually on"
            " port 465. With --mail-tls none the report is sent unencrypted."
        )
    return f"{server} does not offer to sign in: leave out --mail-username, or check the port."


def _tls_failure(outbox: Outbox, server: str, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message.rstrip(".")
        return (
            f"The certificate of the smarthost {outbox.server} is not trusted ({reason}): name a file with its"
            " issuer's certificate in --mail-ca-file, and use a name of the certificate in --mail-smarthost."
        )
    other = "starttls" if outbox.tls == "tls" else "tls"
    return f"{server} ended the TLS handshake: check the port, and whether --mail-tls {other} fits it."


def _no_connection(outbox: Outbox, server: str, error: Exception) -> str:
    match error:
        case socket.gaierror():
            return f"The name {outbox.host} of the smarthost has no address: check --mail-smarthost and the DNS."
        case ConnectionRefusedError():
            return f"{server} refuses the connection: check --mail-smarthost."
        case TimeoutError():
            return f"{server} does not answer within {_TIMEOUT} s: check --mail-smarthost, --mail-tls and the firewall."
    return f"{server} cannot be reached ({error}): check --mail-smarthost and the network."


def _refused(outbox: Outbox, refused: Mapping[str, tuple[int, bytes]]) -> str:
    each = "; ".join(f"{address}: {_words(*answer)}" for address, answer in refused.items())
    return f"The smarthost {outbox.server} refuses recipients ({each}): check --mail-to."


def _words(code: int, words: bytes | str) -> str:
    """Return the answer of the smarthost in one line."""
    text = words.decode("ascii", "replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())[:200]}"


# --- appliances of the fleet ------------------------------------------------------------------------------------------


def refuse_appliance(outbox: Outbox, instances: Iterable[str]) -> None:
    """Raise ExporterError if the smarthost is an appliance by its name, or by an address that both names have.

    `instances` are more names of appliances than the configuration has.
    """
    if outbox.through_fleet:
        return
    if appliance := appliance_behind(outbox.host, outbox.fleet.union(instances)):
        raise ExporterError(
            f"The smarthost {outbox.host} is {appliance}, an appliance that the report is about: mail about a trouble"
            " would wait in the same trouble. Choose another --mail-smarthost, or add --mail-through-fleet."
        )
