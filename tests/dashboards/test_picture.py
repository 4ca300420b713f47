"""The picture of a dashboard, and the script that takes it."""

from __future__ import annotations

import asyncio
import struct
import sys
import zlib
from pathlib import Path
from socket import SOCK_STREAM
from typing import Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from support.grafana import DASHBOARDS
from support.processes import free_port, program

PROJECT: Final = DASHBOARDS.parent
SCRIPT: Final = DASHBOARDS / "picture.py"

PAGE: Final = """\
<body style="margin: 0; background: red">
<script>
fetch("/api/ds/query").then(answer => answer.text()).then(colour => document.body.style.background = colour)
</script>
"""
"""A page whose content comes from a query, like that of a panel."""


def test_the_readme_begins_with_a_light_picture() -> None:
    claim, picture = (PROJECT / "README.md").read_text().split("\n\n")[1:3]
    assert claim.startswith("**ironport-exporter says")
    file = PROJECT / picture.partition("](")[2].removesuffix(")")
    assert file.stat().st_size < 200_000


async def test_a_picture_shows_what_the_queries_have_given(tmp_path: Path) -> None:
    program("chromium")
    application = web.Application()
    application.router.add_get("/", _page)
    application.router.add_get("/api/ds/query", _query)
    async with TestServer(application) as server:
        file = tmp_path / "page.png"
        assert await _run(str(server.make_url("/")), str(file), "60x40") == ""
    assert _size_and_first_pixel(file.read_bytes()) == ((60, 40), (0, 0, 255))


async def test_a_page_that_does_not_answer_is_named(tmp_path: Path) -> None:
    program("chromium")
    url = f"http://127.0.0.1:{free_port(SOCK_STREAM)}/"
    assert await _run(url, str(tmp_path / "page.png")) == f"{url} cannot be opened: net::ERR_CONNECTION_REFUSED\n"


@pytest.mark.parametrize(
    ("file", "size", "said"),
    [
        ("wall.jpg", "60x40", "wall.jpg must end in .png, .webp or .jpeg.\n"),
        ("wall.png", "wide", "wide is not a size: write WIDTHxHEIGHT in pixels, such as 1600x1000.\n"),
        ("wall.png", "60x0", "60x0 is not a size: write WIDTHxHEIGHT in pixels, such as 1600x1000.\n"),
    ],
)
async def test_a_wrong_argument_is_named(file: str, size: str, said: str) -> None:
    assert await _run("http://localhost/", file, size) == said


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


async def _query(_request: web.Request) -> web.Response:
    return web.Response(text="blue")


async def _run(*arguments: str) -> str:
    """Run the script and return what it writes to standard error."""
    command = (sys.executable, str(SCRIPT), *arguments)
    script = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, error = await script.communicate()
    return error.decode()


def _size_and_first_pixel(png: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return width and height, and red, green and blue at the upper left, which PNG's filters leave as they are."""
    size = struct.unpack(">II", png[16:24])
    data = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[data - 4 : data])
    _filter, *colours = zlib.decompressobj().decompress(png[data + 4 : data + 4 + length])[:4]
    return size, tuple(colours)
