"""Every capture in tests/captures, replayed, is read completely and by all its sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from exporter import config
from exporter.capture.capture_file import read_capture
from exporter.capture.placeholders import Placeholders
from exporter.lab.replay.appliance import ReplayedAppliance
from exporter.probe import Result
from support.simulated import probed

CAPTURES: Final = sorted((Path(__file__).parents[1] / "captures").glob("*.capture"))

each_capture: Final = pytest.mark.parametrize("file", CAPTURES, ids=lambda file: file.stem)


def labels(result: Result, family: str) -> list[str]:
    return [values[0] for known, series in result.exposition.families if known.name == family for values in series]


@each_capture
async def test_it_is_read_completely(file: Path, tmp_path: Path) -> None:
    async with ReplayedAppliance(read_capture(file)) as appliance:
        fleet = tmp_path / "fleet.yml"
        fleet.write_text(appliance.fleet_file())
        result = await probed(config.load(fleet), "replayed")
    assert result.complete, [str(error) for reading in result.readings for error in reading.errors]
    assert not any(result.exposition.unreadable.values()), result.exposition.unreadable
    model, release = file.stem.split("_")
    assert labels(result, "ironport_hardware_info") == [model]
    assert labels(result, "ironport_version_info") == [release]


@each_capture
def test_nothing_in_it_is_left_to_replace(file: Path) -> None:
    capture = read_capture(file)
    placeholders = Placeholders([])
    placeholders.applied(capture)
    own = re.compile(r"(unit|contact|location|user|key)\d+|domain\d+\.example|198\.18\.\d+\.\d+|\w+-serial\d+")
    assert [line for line in placeholders.listed() if not own.match(line)] == []
