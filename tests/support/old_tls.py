"""TLS as old appliances have it: weak certificates, and no safe renegotiation."""

from __future__ import annotations

import asyncio
import hmac
import os
import ssl
import subprocess
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from support.processes import program
from support.web_interface import Talk


def weak_context(authority: trustme.CA, bits: int, digest: str) -> ssl.SSLContext:
    """Return the context of a server for 127.0.0.1 whose RSA key has so many bits, signed with this digest."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with TemporaryDirectory() as folder:
        context.load_cert_chain(_issue(Path(folder), authority, bits, digest))
    return context


def self_signed_context(folder: Path) -> ssl.SSLContext:
    """Return the context of a server for 127.0.0.1 whose certificate is its own issuer's; the folder gets its files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certify(folder, "-x509", bits=2048, digest="sha256"))
    return context


def _issue(folder: Path, authority: trustme.CA, bits: int, digest: str) -> Path:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.private_key_pem.write_to_path(str(folder / "ca.key"))
    return _certify(folder, "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", bits=bits, digest=digest)


def _certify(folder: Path, *issuer: str, bits: int, digest: str) -> Path:
    """Write key and certificate by openssl: Python's cryptography signs nothing with SHA-1."""
    validity = [f"-{digest}", "-days", "1"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = ["-newkey", f"rsa:{bits}", "-noenc", "-keyout", "weak.pem", "-out", "weak.crt"]
    command = [program("openssl"), "req", *issuer, *validity, *subject, *key]
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


class _OldTls:
    """A connection of a TLS 1.2 server without RFC 5746: OpenSSL's own servers all know it.

    It has one cipher suite, ECDHE-ECDSA-AES128-GCM-SHA256 (RFC 5246, 5288 and 8422), and sends no extensions.
    """

    _CHANGE_CIPHER, _HANDSHAKE, _DATA = 20, 22, 23
    _HELLO, _CERTIFICATE, _KEY, _DONE, _FINISHED = 2, 11, 12, 14, 20

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._said = b""
        self._ciphers: tuple[tuple[AESGCM, bytes], ...] = ()
        """Key and the fixed part of the nonce: the client's and ours."""
        self._numbers = [0, 0]
        """Of the next record of the client and of ours."""

    async def shake_hands(self, certificate: trustme.LeafCert) -> None:
        key, random = ec.generate_private_key(ec.SECP256R1()), os.urandom(32)
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        client_random = (await self._handshake())[6:38]
        self._say(self._HELLO, b"\x03\x03" + random + b"\x00" + b"\xc0\x2b" + b"\x00")
        chain = _sized(3, load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER))
        self._say(self._CERTIFICATE, _sized(3, chain))
        parameters = b"\x03\x00\x17" + _sized(1, point)
        signer = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        signature = signer.sign(client_random + random + parameters, ec.ECDSA(SHA256()))
        self._say(self._KEY, parameters + b"\x04\x03" + _sized(2, signature))
        self._say(self._DONE, b"")
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), (await self._handshake())[5:])
        master = _expanded(key.exchange(ec.ECDH(), peer), b"master secret" + client_random + random, 48)
        block = _expanded(master, b"key expansion" + random + client_random, 40)
        assert (await self._record())[0] == self._CHANGE_CIPHER
        self._ciphers = (AESGCM(block[:16]), block[32:36]), (AESGCM(block[16:32]), block[36:])
        await self._handshake()
        self._writer.write(b"\x14\x03\x03\x00\x01\x01")
        self._say(self._FINISHED, _expanded(master, b"server finished" + sha256(self._said).digest(), 12))

    async def feed(self, clear: asyncio.StreamReader) -> None:
        """Pass on the octets of the client until it sends no more."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            kind, octets = await self._record()
            while kind == self._DATA:
                clear.feed_data(octets)
                kind, octets = await self._record()
        clear.feed_eof()

    def write(self, octets: bytes, kind: int = _DATA) -> None:
        for begin in range(0, len(octets), 2**14):
            piece = octets[begin : begin + 2**14]
            if self._ciphers:
                (cipher, fixed), number = self._ciphers[1], self._number(1)
                about = number + bytes([kind]) + b"\x03\x03" + len(piece).to_bytes(2, "big")
                piece = number + cipher.encrypt(fixed + number, piece, about)
            self._writer.write(bytes([kind]) + b"\x03\x03" + _sized(2, piece))

    async def drain(self) -> None:
        await self._writer.drain()

    def _say(self, message: int, content: bytes) -> None:
        said = bytes([message]) + _sized(3, content)
        self.write(said, self._HANDSHAKE)
        self._said += said

    async def _handshake(self) -> bytes:
        """Return the next message of the client's handshake, which OpenSSL puts into a record of its own."""
        kind, message = await self._record()
        assert kind == self._HANDSHAKE
        self._said += message
        return message

    async def _record(self) -> tuple[int, bytes]:
        kind, _, _, *size = await self._reader.readexactly(5)
        octets = await self._reader.readexactly(int.from_bytes(bytes(size), "big"))
        if self._ciphers:
            (cipher, fixed), number = self._ciphers[0], self._number(0)
            about = number + bytes([kind]) + b"\x03\x03" + (len(octets) - 24).to_bytes(2, "big")
            octets = cipher.decrypt(fixed + octets[:8], octets[8:], about)
        return kind, octets

    def _number(self, side: int) -> bytes:
        self._numbers[side] += 1
        return (self._numbers[side] - 1).to_bytes(8, "big")


def _sized(octets_of_size: int, octets: bytes) -> bytes:
    return len(octets).to_bytes(octets_of_size, "big") + octets


def _expanded(secret: bytes, seed: bytes, length: int) -> bytes:
    """Return so many octets of TLS 1.2's pseudorandom function (RFC 5246, section 5); `seed` begins with the label."""
    found, link = b"", seed
    while len(found) < length:
        link = hmac.digest(secret, link, "sha256")
        found += hmac.digest(secret, link + seed, "sha256")
    return found[:length]


def in_old_tls(certificate: trustme.LeafCert, talk: Talk) -> Talk:
    """Talk as a TLS 1.2 server that does not know RFC 5746. Of the writer, only `write` and `drain` may be used."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, clear = _OldTls(reader, writer), asyncio.StreamReader()
        await connection.shake_hands(certificate)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(connection.feed(clear))
            await talk(clear, cast("asyncio.StreamWriter", connection))

    return accept
