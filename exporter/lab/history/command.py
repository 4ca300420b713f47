"""What `ironport-exporter backfill` does: it writes the history of a simulated fleet as a Prometheus database."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from exporter.lab.history.backfill import backfill
from exporter.lab.history.families import ALL_FAMILIES
from exporter.lab.simulator import scenario_text
from exporter.lab.simulator.topology import Topology
from exporter.prometheus import progress, rule_files


def write_history(
    topology: Topology,
    *,
    last: str,
    out: Path,
    seed: int,
    step: int,
    scenarios: Sequence[str],
    bursty: bool,
    every_metric: bool,
    rules: str | None,
) -> int:
    """Write the history of the time `last` until now to the folder `out`; raises RequestError for what cannot be.

    `step` is in seconds, and `rules` is the pattern of the files whose recorded series are written too.
    """
    backfill(
        topology,
        seed=seed,
        seconds=scenario_text.checked_duration(last, "length of the history"),
        end=time.time(),
        out=out,
        scenarios=[scenario_text.parse_scenario(text) for text in scenarios],
        step=step,
        bursty=bursty,
        families=ALL_FAMILIES if every_metric else None,
        rules=rule_files.read_rules(rules) if rules else (),
        progress=progress.show,
    )
    print(f"The history is in {out}. Start Prometheus with --storage.tsdb.path={out}.")  # noqa: T201 - what it did
    return 0
