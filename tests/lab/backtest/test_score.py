from __future__ import annotations

import copy
from functools import cache

import pytest

from exporter.incidents.firings import Firing
from exporter.lab.backtest.cases import CASES, Case
from exporter.lab.backtest.score import Score, score
from exporter.lab.backtest.score_report import scores_json, scores_table
from exporter.lab.backtest.trials import Played, Trial
from exporter.lab.simulator import topology
from exporter.lab.simulator.incident import Alert
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.prometheus.durations import HOUR

JABBERER = Case("a jabberer", ("jabberer,unit=mx2",), 2 * HOUR, minutes=7)


def of(case: Case, *fired: Firing) -> Score:
    """Score a case in which these alerts fired, with the truth that the simulator has about it."""
    trial = Trial(case, 1)
    model = copy.deepcopy(_fleet(case.topology, trial.onset))
    start = model.time
    for text in case.scenarios:
        model.begin(parse_scenario(text).at(trial.onset - start))
    return score(Played(trial, tuple(model.truth()), fired))


@cache
def _fleet(name: str, onset: int) -> Model:
    return Model(topology.load_topology(name), 1, onset)


def firing(name: str, severity: str, minute: float, case: Case = JABBERER, **place: str) -> Firing:
    where = {"job": "ironport", "stream": "inbound", "pool": "inbound", **place}
    begin = int(Trial(case, 1).onset + 60 * minute)
    return Firing(f"IronPort{name}", {"severity": severity, **where}, begin, begin + 600)


NAMED = firing("JabbererSuspected", "warning", 4, instance="mx2")


def test_the_right_alert_counts_from_the_onset() -> None:
    found = of(JABBERER, NAMED)
    assert (found.delay, found.expected, found.faults, found.notifications) == (
        240,
        ("IronPortJabbererSuspected",),
        [],
        0,
    )


@pytest.mark.parametrize(
    ("fired", "faults"),
    [
        ([], ["missed"]),
        ([firing("JabbererSuspected", "warning", 8, instance="mx2")], ["late"]),
        ([NAMED, firing("WorkQueueHigh", "warning", 6, instance="mx2")], []),
        ([firing("JabbererSuspected", "warning", 4, instance="mx1")], ["missed", "false alarm JabbererSuspected mx1"]),
        (
            [NAMED, firing("DistributedAttackSuspected", "critical", 5)],
            ["wrong critical DistributedAttackSuspected inbound"],
        ),
        ([NAMED, firing("FanFailed", "warning", 5, instance="mx3")], ["false alarm FanFailed mx3"]),
        ([NAMED, firing("WorkQueueHigh", "warning", -5, instance="mx2")], ["false alarm WorkQueueHigh mx2"]),
        ([NAMED, firing("WorkQueueHigh", "warning", 119, instance="mx2")], ["false alarm WorkQueueHigh mx2"]),
        (
            [NAMED, firing("WorkQueueHigh", "warning", 5, stream="outbound", pool="outbound", instance="out1")],
            ["false alarm WorkQueueHigh out1"],
        ),
        ([NAMED, firing("WorkQueueHigh", "critical", 5)], ["wrong critical WorkQueueHigh inbound"]),
        ([NAMED, firing("UnitOverloaded", "warning", 5, instance="mx5")], ["false alarm UnitOverloaded mx5"]),
        ([firing("JabbererSuspected", "warning", 51, instance="mx2")], ["missed"]),
    ],
)
def test_what_should_not_be_is_told(fired: list[Firing], faults: list[str]) -> None:
    assert of(JABBERER, *fired).faults == faults


def test_where_nothing_happens_every_alert_is_false() -> None:
    quiet = Case("nothing", (), HOUR)
    assert of(quiet).faults == []
    assert of(quiet, firing("UnitRebooted", "info", 5, quiet, instance="mx1")).faults == [
        "false alarm UnitRebooted mx1"
    ]


def test_a_case_may_expect_and_forbid_other_alerts() -> None:
    case = Case(
        "x",
        ("flood",),
        HOUR,
        expected=(Alert("IronPortPoolOverloaded", "critical"),),
        never=("IronPortConnectionFlood",),
    )
    found = of(case, firing("PoolOverloaded", "critical", 3, case), firing("ConnectionFlood", "warning", 9, case))
    assert found.delay == 180
    assert found.faults == ["false alarm ConnectionFlood inbound"]
    assert of(case, firing("PoolOverloaded", "warning", 3, case)).missed, "another severity is another alert"


def test_one_incident_is_one_notification() -> None:
    case = Case("x", ("flood",), 2 * HOUR)
    attack = firing("DistributedAttackSuspected", "critical", 3, case)
    again = firing("WorkQueueHigh", "critical", 50, case)
    assert of(case, attack, firing("WorkQueueHigh", "critical", 5, case)).faults == []
    assert of(case, attack, again).faults == ["notified 2 times"]


def test_peers_may_alert_only_if_mail_shifts() -> None:
    down = Case("x", ("unit-down,unit=mx2",), 2 * HOUR)
    dead = firing("UnitUnreachable", "warning", 5, down, instance="mx2")
    assert of(down, dead, firing("UnitOverloaded", "warning", 9, down, instance="mx1")).faults == []
    assert of(down, dead, firing("CapacityInsufficient", "critical", 9, down)).faults == [
        "wrong critical CapacityInsufficient inbound"
    ]


def test_later_pools_of_the_stream_may_alert_too() -> None:
    case = Case("x", ("flood,pool=edge",), 2 * HOUR, topology="rings")
    place = {"stream": "mail", "pool": "core", "instance": "core1"}
    edge = firing("DistributedAttackSuspected", "critical", 3, case, stream="mail", pool="edge")
    assert of(case, edge, firing("WorkQueueHigh", "warning", 9, case, **place)).faults == []
    assert of(case, edge, firing("UnitSlow", "warning", 9, case, **place)).faults == ["false alarm UnitSlow core1"]


def test_a_case_may_name_the_unit_to_find() -> None:
    case = next(case for case in CASES if case.unit)
    place = {"stream": "ring", "pool": "ring"}
    assert case.unit == "ring2"
    for unit, missed in (("ring1", True), ("ring2", False)):
        assert of(case, firing("UnitOverloaded", "warning", 9, case, **place, instance=unit)).missed is missed


def test_every_scenario_has_a_case_and_names_differ() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(SCENARIOS) <= set(names)
    silent = {case.name for case in CASES if not of(case).expected}
    assert silent == {
        *("snmp-drops", "counter-reset", "spare-promoted", "lb-toggle", "holiday", "dst", "newsletter", "list-bomb"),
        *("snowshoe", "blackout", "exporter-restart", "quiet", "small unit in a mixed pool", "destination-slow"),
        "spare brought in while mail is heavy",
    }


def test_the_table_has_a_row_for_each_case() -> None:
    one, other = of(JABBERER, NAMED), of(JABBERER)
    head, _, row = scores_table([one, other]).splitlines()
    assert [cell.strip() for cell in head.split("|")[1:-1]] == [
        *("case", "fleet", "right alert", "minutes to it", "at most", "notified", "faults"),
    ]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        *("a jabberer", "campus", "JabbererSuspected", "4.0, missed", "7", "0, 0", "missed (seed 1)"),
    ]


def test_the_json_has_what_was_wrong() -> None:
    (found,) = scores_json([of(JABBERER, NAMED, firing("FanFailed", "warning", 5, instance="mx3"))])
    assert (found["case"], found["seed"], found["delay"], found["limit"], found["wrong"]) == (
        "a jabberer",
        1,
        240,
        420,
        [],
    )
    assert [alert["alert"] for alert in found["false"]] == ["IronPortFanFailed"]
