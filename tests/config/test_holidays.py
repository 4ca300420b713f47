"""When it is a holiday."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from exporter import config
from exporter.probe import configured_reading
from support.config_files import GOOD, MINIMAL, Load

FLEET = next(path for path in GOOD if path.name == "holidays.good.yml").read_text()


@pytest.mark.parametrize(
    ("time", "holiday"),
    [
        ("2026-12-31T22:59Z", 0),
        ("2026-12-31T23:00Z", 1),  # the new year in Berlin
        ("2027-01-01T22:59Z", 1),
        ("2027-01-01T23:00Z", 0),
        ("2027-03-25T22:59Z", 0),
        ("2027-03-25T23:00Z", 1),
        ("2027-03-29T21:59Z", 1),  # in summer time
        ("2027-03-29T22:00Z", 0),
    ],
)
def test_days_begin_and_end_in_the_time_zone(load: Load, time: str, holiday: int) -> None:
    mx1 = load(FLEET).appliances["mx1"]
    assert configured_reading(mx1, datetime.fromisoformat(time)).items["holidays"][()] == holiday


def test_without_holidays_nothing_is_exported(load: Load) -> None:
    mx1 = load(MINIMAL + "- {name: mx1, address: mx1, auth: lab}").appliances["mx1"]
    assert "holidays" not in configured_reading(mx1, datetime.fromisoformat("2026-12-25T12:00Z")).items


def test_the_holidays_are_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(FLEET)
    (tmp_path / "b.yml").write_text("holidays: {timezone: UTC, days: []}")
    (problem,) = config.try_load(tmp_path).problems
    assert problem.endswith(f"holidays is already at {tmp_path / 'a.yml'}:5: keep one of them.")
