"""What a probe exports of three generations of appliances is, to the letter, what the files in tests/golden hold.

HELP texts are not compared: docs/metrics.md holds them. After a change that is meant to change an exposition, write the
files again with `WRITE_GOLDEN=1 .venv/bin/pytest tests/test_golden.py` and read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

import pytest

from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.topology import load_topology
from support.oracle import is_as_the_library_writes_it
from support.simulated import START, STEP, configured, probed

GOLDEN: Final = Path(__file__).parent / "golden"
UNITS: Final = {"C60": "4.5.0-639", "C695": "10.0.0-203", "C600V": "15.0.1-030"}
"""Models with their AsyncOS release: the oldest known page, the commonest, and a virtual model of today."""

VARYING: Final = re.compile(
    r"^(ironport_(?:probe_duration_seconds|source_duration_seconds\{.*?\}|source_re(?:quests|tries)\{source=\"snmp\"\}"
    r"|tls_certificate_expiry_timestamp_seconds\{.*?\})) .*",
    re.MULTILINE,
)


def compared(exposition: str) -> str:
    """Return what does not vary from probe to probe: durations and the packets of lossy agents do."""
    without_help = re.sub(r"^# HELP .*\n", "", exposition, flags=re.MULTILINE)
    return VARYING.sub(r"\1 varies", without_help)


@pytest.mark.parametrize("model", UNITS)
async def test_an_exposition_is_as_recorded(model: str, tmp_path: Path) -> None:
    topology = load_topology("pair")
    unit = topology.appliances[0].model_copy(update={"model": model, "asyncos": UNITS[model]})
    fleet_model = Model(topology.model_copy(update={"appliances": (unit,)}), 1, START, STEP)
    async with LiveFleet(fleet_model) as fleet:
        for _ in range(20):
            await fleet.step()
        exposition = (await probed(configured(fleet, tmp_path), unit.name)).exposition
    assert is_as_the_library_writes_it(exposition)
    text = exposition.text().decode()
    golden = GOLDEN / f"{model}_{UNITS[model]}.prom"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(compared(text))
    assert compared(text) == golden.read_text()
