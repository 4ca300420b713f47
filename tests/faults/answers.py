"""What a faulty web server answers to a request for a page."""

from __future__ import annotations

import asyncio

from faults.appliance import HEAD, Answer

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def bytes_of(data: bytes) -> Answer:
    """Answer with these bytes."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return answer


def status(code: int, reason: str, *fields: str) -> Answer:
    """Answer with an HTTP status and an empty body."""
    return bytes_of("\r\n".join([f"HTTP/1.1 {code} {reason}", *fields, "Content-Length: 0", "", ""]).encode())


def endless(first: bytes, more: bytes, pause: float) -> Answer:
    """Send the first bytes, and then others again and again, every `pause` seconds, until the client has gone."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing() and not reader.at_eof():
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


def broken_off(data: bytes) -> Answer:
    """Answer with these bytes and close the connection."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return answer
