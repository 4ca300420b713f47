"""A headless Chromium that shows a page as a reader has it, and answers questions about it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal

from aiohttp import ClientSession, ClientWebSocketResponse

from support.processes import Process, program

Scheme = Literal["light", "dark"]

_FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0")


class Browser:
    """A browser of its own profile, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._port_file = folder / "profile" / "DevToolsActivePort"
        profile = f"--user-data-dir={folder / 'profile'}"
        self._process = Process([program("chromium"), *_FLAGS, profile, "about:blank"], folder / "log")
        self._process.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        return self._port_file.exists() and self._port_file.read_text().count("\n") > 0

    def stop(self) -> None:
        self._process.stop()

    @asynccontextmanager
    async def show(self, page: Path, *, width: int, scheme: Scheme = "light") -> AsyncIterator[Shown]:
        """Open a page in a tab of its own."""
        port, path = self._port_file.read_text().splitlines()
        async with (
            ClientSession() as client,
            client.ws_connect(f"http://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
        ):
            target = await _Link(socket).ask("Target.createTarget", url="about:blank")
            session = await _Link(socket).ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            link = _Link(socket, session["sessionId"])
            try:
                yield await _open(link, page, width, scheme)
            finally:
                await _Link(socket).ask("Target.closeTarget", targetId=target["targetId"])


async def _open(link: _Link, page: Path, width: int, scheme: Scheme) -> Shown:
    for domain in ("Page", "Network"):
        await link.ask(f"{domain}.enable")
    await link.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    await link.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    await link.ask("Page.navigate", url=page.as_uri())
    await link.until("Page.loadEventFired")
    return Shown(link)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that is loaded."""

    _link: _Link

    async def ask(self, script: str) -> Any:
        """Return what a JavaScript expression gives; it must be JSON."""
        answer = await self._link.ask("Runtime.evaluate", expression=f"JSON.stringify({script})")
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return json.loads(answer["result"]["value"])

    @property
    def requests(self) -> list[str]:
        """The URLs that the page has requested, its own included."""
        return [
            event["params"]["request"]["url"]
            for event in self._link.events
            if event["method"] == "Network.requestWillBeSent"
        ]


@dataclass(slots=True)
class _Link:
    """The DevTools protocol of the browser, or of one tab."""

    socket: ClientWebSocketResponse
    session: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, method: str, **parameters: Any) -> Any:
        number = next(_NUMBERS)
        request = {"id": number, "method": method, "params": parameters}
        await self.socket.send_json(request | ({"sessionId": self.session} if self.session else {}))
        while (message := await self._receive()).get("id") != number:
            pass
        assert "error" not in message, message
        return message["result"]

    async def until(self, event: str) -> None:
        """Wait for an event, unless it has come already."""
        while all(seen["method"] != event for seen in self.events):
            await self._receive()

    async def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.socket.receive_json(timeout=30)
        if "method" in message:
            self.events.append(message)
        return message


_NUMBERS: Final = count(1)
