"""The types of values and the flags that commands share."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

import click
import pytest

from exporter.command_line import Command, machine_time_zone, timezone_flag


def zone(arguments: Sequence[str] = ()) -> ZoneInfo:
    """Return the time zone that a command with the flag gets."""

    @click.command(cls=Command, examples=())
    @timezone_flag
    def command(timezone: ZoneInfo) -> ZoneInfo:
        return timezone

    found = command.main(list(arguments), standalone_mode=False)
    assert isinstance(found, ZoneInfo)
    return found


def named(path: str) -> Path:
    """Return the file of a time zone on this machine, or skip the test."""
    found = next((file for folder in TZPATH if (file := Path(folder, path)).is_file()), None)
    if found is None:
        pytest.skip("this machine has no files of time zones; Debian has them in the package tzdata")
    return found


@pytest.fixture(autouse=True)
def _no_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)


def test_the_flag_gives_a_time_zone() -> None:
    assert zone(["--timezone", "Europe/Berlin"]) is ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("text", ["Europe/Berlni", "Europe", "/etc/passwd", "../UTC", "", "CET-1CEST"])
def test_an_unknown_time_zone_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not a time zone like Europe/Berlin, America/New_York or UTC\."):
        zone(["--timezone", text])


def test_a_mistyped_time_zone_gets_a_suggestion() -> None:
    with pytest.raises(click.BadParameter, match=r"Did you mean Europe/Berlin\?"):
        zone(["--timezone", "Europe/Berlni"])


@pytest.mark.parametrize("value", ["Asia/Tokyo", ":Asia/Tokyo", "/usr/share/zoneinfo/Asia/Tokyo"])
def test_the_default_is_the_zone_of_tz(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", value)
    assert zone() is ZoneInfo("Asia/Tokyo")


def test_an_unknown_zone_in_tz_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST")
    with pytest.raises(click.BadParameter, match="'CET-1CEST' is not a time zone"):
        zone()


def test_a_link_names_the_zone_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("../usr/share/zoneinfo/Asia/Tokyo")
    (tmp_path / "timezone").write_text("Europe/Berlin\n")
    assert machine_time_zone(tmp_path) is ZoneInfo("Asia/Tokyo")


def test_a_file_names_the_zone_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "timezone").write_text("Europe/Berlin\n")
    assert machine_time_zone(tmp_path) is ZoneInfo("Europe/Berlin")


def test_a_copied_zone_needs_no_name(tmp_path: Path) -> None:
    shutil.copy(named("Asia/Tokyo"), tmp_path / "localtime")
    found = machine_time_zone(tmp_path)
    assert isinstance(found, ZoneInfo)
    assert found.utcoffset(datetime(2026, 11, 26)) == timedelta(hours=9)


def test_a_machine_without_a_zone_has_utc(tmp_path: Path) -> None:
    assert machine_time_zone(tmp_path) == "UTC"
