from __future__ import annotations

import pytest

from exporter.errors import RequestError
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.incident import Alert
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.timeline import Timeline
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus.rule_files import project_rules, read_rules

NOW = 1_767_571_200.0

BAD = {
    "jaberer": "There is no scenario jaberer. Did you mean jabberer?",
    "": "'' is not a scenario; write NAME[@+OFFSET][,PARAMETER=VALUE]..., such as flood@+5m,size=2.",
    "flood@5m": "'flood@5m' is not a scenario; write",
    "flood,size": "'flood,size' is not a scenario; write",
    "flood@+5": "The offset '5' is not a time; write it like 90s, 5m, 2h or 3d.",
    "flood,duration=long": "The duration 'long' is not a time; write it like",
    "flood,duration=0s": "The duration must be more than 0s.",
    "flood,size=big": "The size 'big' is not a number from 0 to 1e+06 (x capacity).",
    "flood,size=-1": "The size '-1' is not a number from 0 to",
    "flood,size=nan": "The size 'nan' is not a number from 0 to",
    "unit-slow,size=1.5": "The size '1.5' is not a number from 0 to 1 (share).",
    "flood,unit=mx1": "The scenario flood has no parameter unit; it has pool, duration, size, ramp.",
    "flood,size=1,size=2": "The scenario flood has the parameter size twice.",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text or "nothing")
def test_a_scenario_with_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_scenario(text)
    assert str(error.value).startswith(BAD[text])
    assert str(error.value).endswith((".", "?"))


NOWHERE = {
    "jabberer,unit=mx9": "There is no unit mx9; there are mx1, mx2,",
    "flood,pool=in": "There is no pool in; there are inbound, outbound.",
    "site-down,site=north": "There is no site north; there are east, west.",
    "flood,pool=outbound": "The pool outbound is outbound: flood needs one with inbound or mixed mail.",
    "jabberer,unit=out1": "The unit out1 cannot have jabberer: it needs one in a pool with inbound or mixed mail.",
    "raid-fault,unit=mx6": "The unit mx6 cannot have raid-fault: it needs one in a pool with inbound or mixed",
    "spare-promoted,unit=mx1": "The unit mx1 cannot have spare-promoted: it needs one in a pool",
    "key-expired,feature=Receiving": "mx1 has no running key Receiving; it has Sophos, IronPort Anti-Spam, Outbreak",
    "version-mismatch,version=11": "The version '11' is not a release of AsyncOS, such as 10.0.1-087.",
}


@pytest.mark.parametrize("text", NOWHERE)
def test_a_scenario_that_cannot_fit_is_refused(text: str) -> None:
    with pytest.raises(RequestError) as error:
        Timeline(FleetArrays(load_topology("campus")), 1).add(parse_scenario(text), NOW)
    assert str(error.value).startswith(NOWHERE[text])
    assert str(error.value).endswith((".", "?"))


def test_a_fleet_without_fitting_units_is_reported() -> None:
    timeline = Timeline(FleetArrays(load_topology("rings")), 1)
    with pytest.raises(RequestError, match="no unit for outbound-abuse: it needs one in a pool with outbound or mixed"):
        timeline.add(parse_scenario("outbound-abuse"), NOW)
    with pytest.raises(RequestError, match=r"no unit for spare-promoted.* that is a spare"):
        timeline.add(parse_scenario("spare-promoted"), NOW)


def test_a_scenario_is_placed_as_it_is_written() -> None:
    fleet = FleetArrays(load_topology("campus"))
    incident = Timeline(fleet, 1).add(parse_scenario("jabberer@+5m,unit=mx2,size=3,duration=1.5h,ramp=0s"), NOW)
    assert (incident.begin, incident.end) == (NOW + 300, NOW + 300 + 5400)
    assert [fleet.names[unit] for unit in incident.units] == ["mx2"]
    assert (incident.size, incident.values["ramp"]) == (3, 0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_fits_the_campus(name: str) -> None:
    scenario = SCENARIOS[name]
    timeline = Timeline(FleetArrays(load_topology("campus")), 1)
    timeline.add(parse_scenario(f"{name}@+1h"), NOW)
    (row,) = timeline.truth()
    assert (row.scenario, row.onset) == (name, NOW + 3600)
    assert row.end - row.onset == scenario.parameters[scenario.scope != "fleet"].default
    assert row.units
    assert row.pools
    assert set(row.expected).isdisjoint(row.allowed)
    assert scenario.meaning.endswith((".", "?"))
    assert scenario.meaning.count(". ") == 0


def test_the_likeliest_units_are_chosen() -> None:
    timeline = Timeline(FleetArrays(load_topology("campus")), 1)
    for text in ("flood", "jabberer", "outbound-abuse", "destination-down", "spare-promoted", "site-down"):
        timeline.add(parse_scenario(text), NOW)
    flood, jabberer, abuse, destination, spare, site = timeline.truth()
    assert flood.units == ("mx1", "mx2", "mx3", "mx4", "mx5", "mx6")
    assert (jabberer.units, abuse.units, spare.units) == (("mx1",), ("out1",), ("spare1",))
    assert destination.pools == ("outbound",)
    assert site.units == ("mx4", "mx5", "mx6", "out2", "spare1")
    assert flood.expected == (Alert("IronPortDistributedAttackSuspected", "critical"),)
    assert jabberer.expected == (Alert("IronPortJabbererSuspected", "warning"),)


def test_a_stopped_scenario_ends_or_never_was() -> None:
    timeline = Timeline(FleetArrays(load_topology("campus")), 1)
    running = timeline.add(parse_scenario("flood"), NOW)
    to_come = timeline.add(parse_scenario("flood@+1h"), NOW)
    timeline.stop(running.number, NOW + 60)
    timeline.stop(to_come.number, NOW + 60)
    assert [(row.onset, row.end) for row in timeline.truth()] == [(NOW, NOW + 60)]
    assert timeline.current(NOW + 60) == []
    with pytest.raises(RequestError, match="flood with the number 1 has ended already"):
        timeline.stop(running.number, NOW + 120)
    with pytest.raises(RequestError, match="no scenario with the number 9"):
        timeline.stop(9, NOW)


def test_the_truth_names_only_alerts_that_there_are() -> None:
    named = {alert.name for scenario in SCENARIOS.values() for alert in (*scenario.expected, *scenario.allowed)}
    assert named <= {rule.alert for rule in read_rules(str(project_rules()))}
