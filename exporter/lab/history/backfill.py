"""The history of a simulated fleet as a Prometheus database: samples, then what recording rules make of them.

The model is quick and must go step by step; everything else is slow, and can be done for the periods of several blocks
at a time. So the model runs ahead. At the beginning of each period a copy of it goes to a pool of processes, and one of
them runs the copy through the period and takes the samples.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from exporter.errors import RequestError
from exporter.lab.history import blocks, recording
from exporter.lab.history.alerts import record_alerts
from exporter.lab.history.families import families_in_use, families_of_rules
from exporter.lab.history.sampling import Sampling, write_samples
from exporter.lab.history.workers import workers
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import ScenarioRequest
from exporter.lab.simulator.topology import Topology
from exporter.prometheus.progress import Progress, silent
from exporter.prometheus.rule_files import Rule, depending_on, levels


def backfill(
    topology: Topology,
    *,
    seed: int,
    seconds: float,
    end: float,
    out: Path,
    scenarios: Iterable[ScenarioRequest] = (),
    step: int = 60,
    families: frozenset[str] | None = None,
    without: frozenset[str] = frozenset(),
    since: Mapping[str, float] | None = None,
    skipped: range = range(0),
    rules: Sequence[Rule] = (),
    pace: int = 0,
    bursty: bool = False,
    live: bool = False,
    rest: bool = False,
    progress: Progress = silent,
) -> Model:
    """Write the last `seconds` before `end` (Unix time) to the folder `out` as blocks; return the model at the end.

    Offsets of `scenarios` count from the beginning. Rules are evaluated every `pace` seconds at least, by default every
    `step` seconds. Without a `pace`, the alerts that fire are written too. The catalogue's families are written that
    are in `families` or that `rules` read, except those in `without`. By default these are the families that the
    project's rules and dashboards read. Blocks that lie in `skipped` (Unix time) are not written. With `live`, `end` is
    now, and the minutes of the writing are written as well: otherwise every rate would fall where the live fleet goes
    on. With `rest`, the exporter reads the REST interfaces, too.

    Raises RequestError if `out` is not empty or cannot be used, ExporterError if promtool or Prometheus is missing or
    fails.
    """
    late = depending_on(rules, "ALERTS")
    parts = [[rule for rule in rules if rule not in late], late]
    recorded = [levels(part) for part in parts]
    blocks.program("promtool")
    if rules:
        blocks.program("prometheus")
    model = Model(topology, seed, end - seconds, step, bursty=bursty)
    if seconds < step:
        raise RequestError(f"A history of {seconds:g} s has no sample: it must be {step} s at least.")
    for scenario in scenarios:
        model.begin(scenario)
    _prepare(out)
    used = families_in_use() if families is None else families
    sampling = Sampling(topology, seed, (used | families_of_rules(rules)) - without, out, rest)

    def write(until: float, progress: Progress) -> None:
        periods = [
            period
            for period in blocks.periods(int(model.time) + step, int(until), step)
            if not (period[0] in skipped and period[-1] in skipped)
        ]
        recording.finish(_submit(pool, sampling, model, periods, since or {}), "samples", len(periods), progress)
        for part, by_level in zip(parts, recorded, strict=True):
            recording.record(out, by_level, periods, pool, progress, pace=pace or step)
            if not pace and any(rule.alert for rule in part):
                record_alerts(out, part, periods)

    with workers() as pool:
        write(end, progress)
        if live and time.time() >= model.time + step:
            write(time.time(), silent)
    return model


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        empty = not any(out.iterdir())
    except OSError as error:
        raise RequestError(f"The folder {out} cannot be used: {error.strerror}.") from error
    if not empty:
        raise RequestError(f"The folder {out} is not empty: name a new one, or remove what is in it.")


def _submit(
    pool: ProcessPoolExecutor, sampling: Sampling, model: Model, periods: Iterable[range], since: Mapping[str, float]
) -> Iterator[Future[None]]:
    for period in periods:
        families = frozenset(name for name in sampling.families if since.get(name, period[0]) <= period[-1])
        model.advance(period[0] - model.step)
        yield pool.submit(write_samples, replace(sampling, families=families), copy.deepcopy(model), period)
        model.advance(period[-1])
