"""The demo's exporter is the demo's alone."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from exporter.lab.demo.monitoring import start_exporter
from support.fake_fleet import write_fleet


async def test_variables_for_your_own_exporter_have_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fleet(tmp_path / "fleet.yml")
    monkeypatch.setenv("IRONPORT_EXPORTER_WEB_CONFIG_FILE", str(tmp_path / "web.yml"))
    monkeypatch.setenv("IRONPORT_EXPORTER_WEB_ROUTE_PREFIX", "/mine")
    async with AsyncExitStack() as parts, aiohttp.ClientSession() as client:
        address = await start_exporter(parts, tmp_path / "fleet.yml")
        async with client.get(f"http://{address}/sd") as answer:
            assert answer.status == 200
