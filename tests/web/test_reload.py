"""A reload replaces the configuration as a whole, or not at all; changes of files start it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter import config
from exporter.config import LoadResult
from exporter.errors import ConfigError
from support.fake_fleet import MX1, MX2, PASSWORD, write_fleet
from support.running_server import RunningServer
from support.watching import Watch


def own_metric(running: RunningServer, name: str) -> float:
    value = running.telemetry.registry.get_sample_value(f"ironport_exporter_{name}")
    assert value is not None
    return value


async def test_a_reload_keeps_unchanged_appliances(running: RunningServer) -> None:
    kept = running.fleet.probers["mx1"]
    write_fleet(running.file, MX1, MX2.replace("mx2", "mx4"))
    assert await running.reload() == (200, "The configuration is reloaded.\n")
    assert list(running.fleet.probers) == ["mx1", "mx4"]
    assert running.fleet.probers["mx1"] is kept
    assert own_metric(running, "appliances") == 2
    assert own_metric(running, "config_last_reload_successful") == 1
    assert own_metric(running, "config_last_reload_success_timestamp_seconds") > 0


async def test_a_bad_file_keeps_the_running_configuration(running: RunningServer) -> None:
    write_fleet(running.file, MX1.replace("pool", "pol"), MX1)
    with pytest.raises(ConfigError) as wrong:
        config.load(running.file)
    assert len(wrong.value.problems) > 1
    assert await running.reload() == (500, "".join(f"{problem}\n" for problem in wrong.value.problems))
    assert list(running.fleet.probers) == ["mx1", "mx2", "mx3"]
    assert own_metric(running, "config_last_reload_successful") == 0
    assert own_metric(running, "appliances") == 3
    write_fleet(running.file)
    assert (await running.reload())[0] == 200
    assert own_metric(running, "config_last_reload_successful") == 1


class SlowLoad:
    """Loads once `go` is set, and notes beginnings and ends."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.seen: list[str] = []
        self._load = config.try_load

    def __call__(self, *paths: Path) -> LoadResult:
        self.seen.append("begin")
        self.begun.set()
        assert self.go.wait(30)
        self.seen.append("end")
        return self._load(*paths)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> SlowLoad:
    slow = SlowLoad()
    monkeypatch.setattr(config, "try_load", slow)
    return slow


async def test_one_reload_runs_and_one_waits(running: RunningServer, load: SlowLoad) -> None:
    first = running.reloader.start()
    assert await asyncio.to_thread(load.begun.wait, 30)
    others = [running.reloader.start() for _ in range(50)]
    load.go.set()
    assert await asyncio.gather(first, *others) == [[]] * 51
    assert load.seen == ["begin", "end"] * 2


async def test_a_reload_that_waited_reads_later_changes(running: RunningServer, load: SlowLoad) -> None:
    running.reloader.start()
    assert await asyncio.to_thread(load.begun.wait, 30)
    waiting = running.reloader.start()
    write_fleet(running.file, MX1)
    load.go.set()
    await waiting
    assert list(running.fleet.probers) == ["mx1"]


async def test_a_reload_outlives_its_client(running: RunningServer, load: SlowLoad) -> None:
    write_fleet(running.file, MX1)
    request = asyncio.create_task(running.reload())
    assert await asyncio.to_thread(load.begun.wait, 30)
    request.cancel()
    await asyncio.wait({request})
    assert (await running.get("/-/healthy"))[0] == 200  # a reload stops no other request
    load.go.set()
    await running.reloader.close()
    assert list(running.fleet.probers) == ["mx1"]


async def test_what_is_unfilled_is_logged(running: RunningServer) -> None:
    running.file.write_text(running.file.read_text().replace(PASSWORD, "fill-me-in"))
    with capture_logs() as log:
        assert (await running.reload())[0] == 200
    assert [line["problem"] for line in log if line["event"] == "value not filled in"] == [
        f"{running.file}:3: auths.lab.xml.password is still fill-me-in: put your own secret there."
    ]


@pytest.fixture
async def watch(running: RunningServer) -> AsyncIterator[Watch]:
    watch = Watch(running.reloader.watch)
    yield watch
    await watch.stop()


def reloads(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that gets an item for each load."""
    count: list[None] = []
    load = config.try_load

    def counted(*paths: Path) -> LoadResult:
        count.append(None)
        return load(*paths)

    monkeypatch.setattr(config, "try_load", counted)
    return count


async def test_a_changed_file_is_reloaded_once(
    running: RunningServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = reloads(running, monkeypatch)
    await watch.look()
    assert loads == []
    write_fleet(running.file, MX1)
    await watch.look()
    await watch.look()
    assert list(running.fleet.probers) == ["mx1"]
    assert len(loads) == 1


async def test_a_broken_file_is_tried_once(
    running: RunningServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = reloads(running, monkeypatch)
    running.file.write_text("auths: [")
    await watch.look()
    await watch.look()
    assert len(loads) == 1
    assert list(running.fleet.probers) == ["mx1", "mx2", "mx3"]
    assert own_metric(running, "config_last_reload_successful") == 0
    write_fleet(running.file, MX2)
    await watch.look()
    assert list(running.fleet.probers) == ["mx2"]
    assert own_metric(running, "config_last_reload_successful") == 1


async def test_a_secret_that_comes_later_is_picked_up(running: RunningServer, watch: Watch) -> None:
    text = running.file.read_text().replace(f"password: {PASSWORD}", "password_file: secret")
    running.file.write_text(text)
    await watch.look()
    assert own_metric(running, "config_last_reload_successful") == 0
    (running.file.parent / "secret").write_text("a new secret")
    await watch.look()
    assert own_metric(running, "config_last_reload_successful") == 1


async def test_a_watch_that_stops_lets_its_reload_end(running: RunningServer, watch: Watch, load: SlowLoad) -> None:
    write_fleet(running.file, MX1)
    look = asyncio.create_task(watch.look())
    assert await asyncio.to_thread(load.begun.wait, 30)
    await watch.stop()
    look.cancel()
    load.go.set()
    await running.reloader.close()
    assert list(running.fleet.probers) == ["mx1"]
