"""Take a picture of a dashboard in Grafana with Chromium: picture.py URL FILE [WIDTHxHEIGHT].

FILE is .png, .webp or .jpeg. Grafana must show the dashboard without a login. With `&kiosk` and `&theme=light` in the
URL, the picture has no menu and is white; dashboards/README.md also hides the variables.
"""

from __future__ import annotations

import asyncio
import base64
import re
import shutil
import sys
import tempfile
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientWebSocketResponse

_KINDS: Final = ("png", "webp", "jpeg")
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--remote-debugging-port=0")
_SIZE: Final = "1600x1000"
_QUALITY: Final = 80
"""Of .webp and .jpeg: small text is still sharp."""

_QUERY: Final = "/api/ds/query"
"""The path of the requests in which Grafana gets the data of panels."""
_SILENCE: Final = 3.0
"""Seconds without a request after which all panels have their data."""
_PATIENCE: Final = 180.0
"""Seconds until which the dashboard must be there."""


class Tab:
    """A tab of Chromium, which is asked by the DevTools protocol."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return the result of a method. Events that come before it are dropped."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self._socket.receive_json()).get("id") != number:
            pass
        result: dict[str, Any] = message["result"]
        return result

    async def until_silent(self) -> None:
        """Wait until panels have asked for their data, and nothing is requested any more."""
        requests: set[str] = set()
        has_asked = False
        while True:
            try:
                message = await self._socket.receive_json(timeout=_SILENCE)
            except TimeoutError:
                if has_asked and not requests:
                    return
                continue
            event, details = message.get("method"), message.get("params", {})
            if event == "Network.requestWillBeSent":
                requests.add(details["requestId"])
                has_asked |= _QUERY in details["request"]["url"]
            elif event in ("Network.loadingFinished", "Network.loadingFailed"):
                requests.discard(details["requestId"])


async def picture(url: str, kind: str, width: int, height: int) -> bytes:
    """Return the picture as a file of its kind: png, webp or jpeg."""
    quality = {} if kind == "png" else {"quality": _QUALITY}
    async with _opened_tab() as tab:
        await tab.ask("Network.enable")
        await tab.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        if error := (await tab.ask("Page.navigate", url=url)).get("errorText"):
            sys.exit(f"{url} cannot be opened: {error}")
        await tab.until_silent()
        shot = await tab.ask("Page.captureScreenshot", format=kind, **quality)
    return base64.b64decode(shot["data"])


@asynccontextmanager
async def _opened_tab() -> AsyncIterator[Tab]:
    """Run a Chromium with a profile of its own, and open a tab."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        sys.exit(f"Chromium is not installed: none of {', '.join(_PROGRAMS)} is on the PATH.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = (*_FLAGS, f"--user-data-dir={profile}", "about:blank")
        browser = await asyncio.create_subprocess_exec(program, *flags, stdout=DEVNULL, stderr=PIPE)
        try:
            address = await _address(browser.stderr)
            async with ClientSession() as client:
                async with client.get(f"http://{address}/json/list") as answer:
                    blank = next(page for page in await answer.json() if page["type"] == "page")
                async with client.ws_connect(blank["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            browser.terminate()
            await browser.wait()


async def _address(messages: StreamReader | None) -> str:
    """Return where Chromium listens, which is one of its first messages."""
    while messages and (line := await messages.readline()):
        if found := re.search(rb"DevTools listening on ws://([^/]+)/", line):
            return found[1].decode()
    sys.exit("Chromium does not start. Run it by hand to see why.")


def main() -> None:
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    url, file, size, *_ = *sys.argv[1:], _SIZE
    kind = Path(file).suffix.removeprefix(".")
    if kind not in _KINDS:
        sys.exit(f"{file} must end in .png, .webp or .jpeg.")
    if not (numbers := re.fullmatch(r"([1-9]\d{1,3})x([1-9]\d{1,3})", size)):
        sys.exit(f"{size} is not a size: write WIDTHxHEIGHT in pixels, such as {_SIZE}.")
    width, height = map(int, numbers.groups())

    async def patiently() -> bytes:
        async with asyncio.timeout(_PATIENCE):
            return await picture(url, kind, width, height)

    try:
        shot = asyncio.run(patiently())
    except TimeoutError:
        sys.exit(f"{url} shows no data after {_PATIENCE:.0f} seconds. Does Grafana ask for a login?")
    try:
        Path(file).write_bytes(shot)
    except OSError as error:
        sys.exit(f"{file} cannot be written ({error.strerror}): create its folder, or correct the path.")


if __name__ == "__main__":
    main()
