"""Figures of the management summary: for mail that passes two pools, and at moments between two samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


def test_the_busiest_hour_needs_an_hour(tmp_path: Path) -> None:
    """The mean of some minutes is no hour: it would be more than all messages together."""
    for name in ("prometheus", "promtool"):
        program(name)
    blocks.write(_samples({"pool:ironport_messages_injected:rate1h": {"edge": 100.0}}), tmp_path)
    (summary,) = (each for each in dashboards() if each["uid"] == "ironport-management")
    (busiest,) = (panel for panel in panels(summary) if panel.title == "Busiest hour")
    with blocks.served(tmp_path) as url:
        words = [Grafana(url, end).words(busiest, all_of(summary)) for end in (END - 300, END)]
    assert words == [[], ["360000"]]


PHASE: Final = 137
"""Seconds from a full five minutes to the samples: rules are evaluated at any second."""

LATE: Final[Mapping[str, Mapping[str, Sequence[float]]]] = {
    "edge": {"1 minute": (0, 0.6, 1, 1, 1, 1), "5 minutes": (0, 0, 0.4, 1, 1, 1), "15 minutes": (0, 0, 0, 0, 0.2, 1)},
    "core": {"1 minute": (0.8, 1, 0, 0, 0, 0), "5 minutes": (0.2, 0, 0, 0, 0, 0), "15 minutes": (0, 0, 0, 0, 0, 0)},
}
"""Shares of five minutes in which mail was late: mail of the edge still is."""

LONGEST: Final = {"edge": (20, 200, 600, 800, 1000, 1500), "core": (310, 290, 30, 30, 30, 30)}


def _delays() -> Iterator[str]:
    period = range(END - 1800 + PHASE, END, 300)
    yield openmetrics.header("pool:ironport_work_queue_delay_seconds:ratio_over5m", "gauge")
    for pool, by_over in LATE.items():
        for over, shares in by_over.items():
            labels = {"job": "ironport", "stream": "mail", "pool": pool, "over": over}
            labelled = openmetrics.labelled("pool:ironport_work_queue_delay_seconds:ratio_over5m", labels)
            yield openmetrics.samples(labelled, [*shares], openmetrics.stamps(period))
    yield openmetrics.header("pool:ironport_work_queue_delay_seconds:max5m", "gauge")
    for pool, waits in LONGEST.items():
        labels = {"job": "ironport", "stream": "mail", "pool": pool}
        labelled = openmetrics.labelled("pool:ironport_work_queue_delay_seconds:max5m", labels)
        yield openmetrics.samples(labelled, [*waits], openmetrics.stamps(period))


def test_management_figures_agree_with_each_other(tmp_path: Path) -> None:
    """At any second of five minutes, the figures of one pool are those of its row, and those of all lie between."""
    for name in ("prometheus", "promtool"):
        program(name)
    blocks.write(_delays(), tmp_path)
    (summary,) = (each for each in dashboards() if each["uid"] == "ironport-management")
    shown = {panel.title: panel for panel in panels(summary)}
    with blocks.served(tmp_path) as url:
        for end in range(END - 200, END + 100, 43):
            grafana = Grafana(url, end, 1900)
            rows = {row["Pool"]: row for row in grafana.rows(shown["Pools"], all_of(summary))}
            edge, every = (
                [float(grafana.words(shown[title], all_of(summary) | {"pool": pools})[number]) for title, number in ALL]
                for pools in ("edge", ".+")
            )
            columns = {pool: [float(row[each]) for each in COLUMNS] for pool, row in rows.items()}
            assert edge == columns["edge"]
            for anywhere, *pools in zip(every, *columns.values(), strict=True):
                assert max(pools) <= anywhere <= sum(pools)
            for minutes, limit in zip(edge[:3], (60, 300, 900), strict=True):
                assert (minutes > 0) == (edge[3] > limit)


ALL: Final = (("Mail was late", 0), ("Mail was late", 1), ("Mail was late", 2), ("Longest wait", 0))
COLUMNS: Final = ("Late > 1 min", "> 5 min", "> 15 min", "Longest wait")
"""The same figures of all pools, and in the row of each."""
