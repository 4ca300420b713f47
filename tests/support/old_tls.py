"""TLS as old appliances have it: weak certificates, and no safe renegotiation."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from support.processes import program


def weak_context(authority: trustme.CA, bits: int, digest: str) -> ssl.SSLContext:
    """Return the context of a server for 127.0.0.1 whose RSA key has so many bits, signed with this digest."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with TemporaryDirectory() as folder:
        context.load_cert_chain(_issue(Path(folder), authority, bits, digest))
    return context


def _issue(folder: Path, authority: trustme.CA, bits: int, digest: str) -> Path:
    """Write key and certificate by openssl: Python's cryptography signs nothing with SHA-1."""
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.private_key_pem.write_to_path(str(folder / "ca.key"))
    issuer = ["-x509", "-CA", "ca.pem", "-CAkey", "ca.key", f"-{digest}", "-days", "1"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = ["-newkey", f"rsa:{bits}", "-noenc", "-keyout", "weak.pem", "-out", "weak.crt"]
    command = [program("openssl"), "req", *issuer, *subject, *key]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    file = folder / "weak.pem"
    file.write_text(file.read_text() + (folder / "weak.crt").read_text())
    return file


async def answer_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a TLS handshake as a TLS 1.2 server that does not know RFC 5746: its hello has no extensions."""
    await reader.readexactly(5)
    hello = b"\x03\x03" + bytes(32) + b"\x00" + b"\xc0\x2f" + b"\x00"
    message = b"\x02" + len(hello).to_bytes(3, "big") + hello
    writer.write(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
