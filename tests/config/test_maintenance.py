"""When a maintenance window covers a moment, and on which appliances."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from exporter import config
from exporter.probe import configured_reading
from support.config_files import GOOD, Load

FLEET = next(path for path in GOOD if path.name == "maintenance.good.yml").read_text()


@pytest.fixture
def planned(load: Load) -> Callable[[str, str], bool | None]:
    """Return a function that says whether work on an appliance is planned at a time; None if it never is."""
    fleet = load(FLEET).appliances

    def is_planned(name: str, time: str) -> bool | None:
        items = configured_reading(fleet[name], datetime.fromisoformat(time)).items
        return bool(items["maintenance"][()]) if "maintenance" in items else None

    return is_planned


@pytest.mark.parametrize(
    ("time", "covered"),
    [
        ("2026-12-01T20:59:59Z", False),
        ("2026-12-01T21:00Z", True),  # 22:00+01:00
        ("2026-12-02T00:59:59Z", True),
        ("2026-12-02T01:00Z", False),
        ("2026-12-08T21:30Z", False),  # a week later
    ],
)
def test_a_window_comes_once(planned: Callable[[str, str], bool | None], time: str, covered: bool) -> None:
    other = time.replace("2026-12-08", "2026-12-09")  # mx1 also has a weekly window, on Tuesdays
    assert planned("mx1", other) is covered


@pytest.mark.parametrize(
    ("time", "covered"),
    [
        ("2026-07-07T19:59Z", False),
        ("2026-07-07T20:00Z", True),  # a Tuesday, 22:00 in Berlin in summer
        ("2026-07-07T22:29Z", True),
        ("2026-07-07T22:30Z", False),  # already Wednesday in Berlin
        ("2026-11-10T20:59Z", False),
        ("2026-11-10T21:00Z", True),  # 22:00 in Berlin in winter
        ("2026-11-11T21:00Z", False),
    ],
)
def test_a_weekly_window_follows_its_clock(
    planned: Callable[[str, str], bool | None], time: str, covered: bool
) -> None:
    assert planned("mx1", time) is covered


def test_a_window_of_a_week_never_ends(planned: Callable[[str, str], bool | None]) -> None:
    assert planned("mx2", "2026-11-08T02:29Z") is True
    assert planned("mx2", "2026-11-08T02:30Z") is True


def test_a_window_concerns_the_appliances_that_it_names(load: Load) -> None:
    fleet = load(FLEET)
    once, inbound, west = fleet.maintenance
    windows = {name: appliance.maintenance for name, appliance in fleet.appliances.items()}
    assert windows == {"mx1": (once, inbound), "mx2": (inbound, west), "out1": (once, west), "old1": ()}


def test_an_appliance_without_windows_exports_nothing(planned: Callable[[str, str], bool | None]) -> None:
    assert planned("old1", "2026-12-01T22:00Z") is None


def test_windows_of_several_files_add_up(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(FLEET)
    once = "once: {start: 2026-01-01T00Z, end: 2026-01-02T00Z}"
    (tmp_path / "b.yml").write_text(f"maintenance: [{{appliances: [old1], {once}}}]")
    assert len(config.load(tmp_path).maintenance) == 4


def test_a_target_beyond_the_list_has_the_windows_of_its_pool(load: Load) -> None:
    targets = "targets: {allow: [10.0.0.0/8], pool: inbound}\n"
    target = load(FLEET + targets).beyond_list("10.1.2.3")
    assert target
    assert [window.pools for window in target.maintenance] == [("inbound",)]


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("appliances: [mx1, out2]", "maintenance[3].appliances[1] is none of the appliances (did you mean out1?)."),
        ("pools: [inbond]", "maintenance[3].pools[0] is none of the pools (did you mean inbound?)."),
        ("sites: [north]", "maintenance[3].sites[0] is none of the sites (known are: east, west)."),
    ],
)
def test_a_window_names_what_there_is(refusal: Callable[[str], list[str]], window: str, problem: str) -> None:
    weekly = "weekly: {day: friday, time: 12:00, duration: 1h, timezone: UTC}"
    assert [each.partition(": ")[2] for each in refusal(f"{FLEET}  - {{{window}, {weekly}}}\n")] == [problem]
