"""The rejected share on the management summary, for mail that passes first the edge and then the core."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from exporter.lab.history import blocks, openmetrics
from support.grafana import Grafana, all_of, dashboards, panels
from support.processes import program

END: Final = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())
HOUR: Final = 3600
RATES: Final = {
    "pool:ironport_recipients_rejected:rate1h": {"edge": 3.0, "core": 0.0},
    "pool:ironport_recipients_injected:rate1h": {"edge": 7.0, "core": 7.0},
}
"""Recipients per second: the edge rejects three in ten, and passes the others on to the core."""


def _samples(rates: dict[str, dict[str, float]]) -> Iterator[str]:
    period = range(END - HOUR + 300, END + 1, 300)
    for name, by_pool in rates.items():
        yield openmetrics.header(name, "gauge")
        for pool, rate in by_pool.items():
            labelled = openmetrics.labelled(name, {"job": "ironport", "stream": "mail", "pool": pool})
            yield openmetrics.samples(labelled, [rate] * len(period), openmetrics.stamps(period))


@pytest.mark.parametrize(("pools", "share"), [(".+", "0.3"), ("edge", "0.3"), ("core", "0")])
def test_rejected_share_counts_only_pools_that_reject(tmp_path: Path, pools: str, share: str) -> None:
    for name in ("prometheus", "promtool"):
        program(name)
    blocks.write(_samples(RATES), tmp_path)
    (summary,) = (each for each in dashboards() if each["uid"] == "ironport-management")
    (refused,) = (panel for panel in panels(summary) if panel.title == "Rejected")
    with blocks.served(tmp_path) as url:
        assert Grafana(url, END).words(refused, all_of(summary) | {"pool": pools}) == [share]
