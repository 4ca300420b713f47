"""How long it takes to write a history: of the campus topology (nine units), with a sample a minute.

    python benchmarks/backfill.py [RULES [DAYS...]]

RULES names rule files, by default those in alerts/rules. DAYS are the lengths of the history, by default 8 (as in the
demo) and 30.

For each length it prints:
- seconds on one core for the model, for views and mapping, and for promtool (the last two measured on one block),
- seconds on the clock, with all cores, until the samples are written, for the rules, and in total,
- seconds of CPU time in total, which depend less on how busy the machine is.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from exporter.errors import RequestError  # noqa: E402 - the path comes first
from exporter.lab.history import backfill, blocks  # noqa: E402
from exporter.lab.history.families import families_in_use, families_of_rules  # noqa: E402
from exporter.lab.history.sampling import Sampling, sample_text  # noqa: E402
from exporter.lab.simulator.model import Model  # noqa: E402
from exporter.lab.simulator.topology import load_topology  # noqa: E402
from exporter.prometheus import rule_files  # noqa: E402
from exporter.prometheus.rule_files import Rule  # noqa: E402

DAY = 86400
END = 1_767_916_800 // blocks.LENGTH * blocks.LENGTH
"""In January 2026, where a block ends."""


def main() -> None:
    """Measure each length of history and print a line of figures for it."""
    pattern, *days = sys.argv[1:] or [str(ROOT / "alerts/rules/*.yml")]
    rules = rules_of(pattern)
    print(f"{sum(bool(rule.record) for rule in rules)} recording rules on {len(rule_files.levels(rules))} levels")
    print("days   model mapping promtool | samples   rules   total | work")
    per_block = one_block(rules)
    for number in map(int, days or ("8", "30")):
        model = seconds(lambda: Model(load_topology("campus"), 1, END - number * DAY, 60).advance(END))  # noqa: B023 - called here
        mapping, promtool = (figure * number * DAY / blocks.LENGTH for figure in per_block)
        before = work()
        samples, total = whole(number, rules)
        print(
            f"{number:4} {model:7.1f} {mapping:7.1f} {promtool:8.1f} |"
            f" {samples:7.1f} {total - samples:7.1f} {total:7.1f} | {work() - before:4.0f}",
            flush=True,
        )


def rules_of(pattern: str) -> list[Rule]:
    """Return the rules of the files, none if there is no file."""
    try:
        return rule_files.read_rules(pattern)
    except RequestError as error:
        print(error)
        return []


def one_block(rules: list[Rule]) -> tuple[float, float]:
    """Return the seconds that the samples of a block take: as text, less the model's share, and by promtool."""
    period = range(END - blocks.LENGTH, END, 60)
    model = Model(load_topology("campus"), 1, period[0] - 60, 60)
    alone = seconds(lambda: Model(load_topology("campus"), 1, period[0] - 60, 60).advance(period[-1]))
    with tempfile.TemporaryDirectory() as folder:
        families = families_in_use() | families_of_rules(rules)
        sampling = Sampling(load_topology("campus"), 1, families, Path(folder))
        text: list[str] = []
        mapping = seconds(lambda: text.extend(sample_text(sampling, model, period)))
        return mapping - alone, seconds(lambda: blocks.write(text, Path(folder)))


def whole(days: int, rules: list[Rule]) -> tuple[float, float]:
    """Return the seconds by the clock until the samples were written, and until all was."""
    begin, times = time.perf_counter(), {}

    def progress(what: str, _share: float) -> None:
        times[what] = time.perf_counter() - begin

    with tempfile.TemporaryDirectory() as folder:
        backfill.backfill(
            load_topology("campus"),
            seed=1,
            seconds=days * DAY,
            end=END,
            out=Path(folder),
            rules=rules,
            progress=progress,
        )
    return times["samples"], time.perf_counter() - begin


def seconds(task: Callable[[], object]) -> float:
    """Return the seconds that the task takes."""
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def work() -> float:
    """Return the seconds of CPU that this process and those that it waited for have used."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main()
