"""Which alerts would have fired in a history, after the rules have recorded their series."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from exporter.incidents.firings import Firing
from exporter.lab.history import recording
from exporter.lab.history.alerts import SHORT_LOOKBACK, firings
from exporter.lab.history.blocks import served
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import DAY
from exporter.prometheus.progress import Progress
from exporter.prometheus.rule_files import Rule, levels

PACE: Final = 300
"""Seconds between evaluations in the history.

Over a history of two weeks, evaluating every rule once a minute takes too long. The rules read the history only through
windows of an hour or more, in which a value every five minutes is enough.
"""

HISTORY: Final = 15 * DAY
"""Seconds before the first alert that rules read: two weeks, to learn what is usual, and one day more.

It is also what Prometheus keeps by default.
"""


def replay(
    folder: Path,
    rules: Sequence[Rule],
    periods: Sequence[range],
    pool: Executor,
    progress: Progress,
    history: Sequence[range] = (),
) -> list[Firing]:
    """Return the alerts that fire in the periods. What the rules record is added to the samples in `folder`.

    In the periods of `history`, which come before, the rules only record. Raises ExporterError if promtool or
    Prometheus is missing or fails, RequestError for rules that read each other in a circle.
    """
    recorded = levels(rules)
    if history:
        recording.record(folder, recorded, history, pool, progress, pace=PACE, lookback=SHORT_LOOKBACK)
    recording.record(folder, recorded, periods, pool, progress, lookback=SHORT_LOOKBACK)
    with served(folder, SHORT_LOOKBACK) as url:
        return firings(Prometheus(url), rules, periods)
