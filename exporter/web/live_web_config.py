"""The web configuration while the exporter runs: it is read again when one of its files changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog

from exporter.errors import ConfigError
from exporter.telemetry import Telemetry
from exporter.web.server_tls import LatestContext
from exporter.web.web_config import WebConfig, WebLoadResult, try_load_web_config

_log: Final = structlog.get_logger()


class LiveWebConfig:
    """The web configuration in force: that of the last load without a problem."""

    def __init__(self, path: Path | None, telemetry: Telemetry) -> None:
        """Load the configuration. Raises ConfigError with every problem."""
        loaded = try_load_web_config(path)
        if loaded.config is None:
            raise ConfigError(loaded.problems)
        self._path = path
        self._files = loaded.files
        self._telemetry = telemetry
        self.config: WebConfig = loaded.config
        self.tls = LatestContext.of(loaded.tls) if loaded.tls else None
        """The context of the server, None without TLS; its new connections use the certificates in force."""
        telemetry.web_config_successful.set(1)
        _log_notices(loaded)

    async def watch(self, tick: Callable[[], Awaitable[object]]) -> None:
        """After each tick, load again if one of the files has changed. Runs until it is cancelled."""
        while True:
            await tick()
            if await asyncio.to_thread(self._files.changed):
                loaded = await asyncio.to_thread(try_load_web_config, self._path)
                self._files = loaded.files
                self._take(loaded)

    def _take(self, loaded: WebLoadResult) -> None:
        problems = loaded.problems
        if not problems and (loaded.tls is None) != (self.tls is None):
            problems = [f"{self._path}: TLS cannot be switched on or off while the exporter runs: restart it."]
        self._telemetry.web_config_successful.set(not problems)
        if problems or loaded.config is None:
            _log.error("web configuration not reloaded, the old one stays", problems=problems)
            return
        self.config = loaded.config
        if self.tls and loaded.tls:
            self.tls.latest = loaded.tls
        _log.info("web configuration reloaded")
        _log_notices(loaded)


def _log_notices(loaded: WebLoadResult) -> None:
    for sentence in loaded.notices:
        _log.warning("credentials at risk", problem=sentence)
