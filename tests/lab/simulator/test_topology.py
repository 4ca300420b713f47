from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exporter.errors import ConfigError
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.topology import BUILT_IN, equal_units, load_topology

GOOD = """
pools:
  front: {daily_messages: 1000000, ham: 0.5}
  back: {fed_by: front}
defaults: {rated_messages_per_hour: 60000, labels: {rack: a}, traffic: inbound}
appliances:
  - {name: f1, pool: front, site: one, labels: {row: 2}}
  - {name: f2, pool: front, model: C100V, asyncos: 5.1.2-005}
  - {name: b1, pool: back, stream: mail, rated_messages_per_hour: 90000}
"""


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_topologies_have_half_load_when_busy(name: str) -> None:
    """Enough to notice a flood at once, little enough that a unit or a site may be lost."""
    fleet = FleetArrays(load_topology(name))
    load_of_production = (fleet.busy / fleet.capacity)[fleet.production]
    assert np.all((load_of_production > 0.42) & (load_of_production < 0.5))


def test_campus_rings_and_pair_match_their_names() -> None:
    campus, rings, pair = load_topology("campus"), load_topology("rings"), load_topology("pair")
    assert [len(campus.units(pool)) for pool in ("inbound", "outbound")] == [7, 2]
    assert {unit.site for unit in campus.units("inbound")} == {"east", "west"}
    assert [unit.name for unit in campus.appliances if unit.role == "spare"] == ["spare1"]
    assert [(unit.site, unit.pool) for unit in rings.appliances].count(("north", "edge")) == 2
    assert [(unit.site, unit.pool) for unit in rings.appliances].count(("south", "core")) == 2
    assert rings.pools["core"].fed_by == "edge"
    assert {unit.stream for unit in rings.appliances} == {"mail"}
    assert len(pair.appliances) == 2


def test_a_fleet_of_equal_units_has_their_number() -> None:
    fleet = FleetArrays(equal_units(500))
    assert len(fleet) == 500
    assert len(set(fleet.names)) == 500
    assert 0.4 < (fleet.busy / fleet.capacity).mean() < 0.5


def test_a_topology_file_fills_in_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(GOOD)
    topology = load_topology(str(path))
    f1, f2, b1 = topology.appliances
    assert (topology.name, f1.rated_messages_per_hour, b1.rated_messages_per_hour) == ("mine", 60000, 90000)
    assert (f1.stream, b1.stream) == ("front", "mail")
    assert f1.labels == {"rack": "a", "row": "2"}
    assert (f1.virtual, f2.virtual) == (False, True)


BAD = {
    "an appliance without a name": ("- {name: f1, pool", "- {pool", "7: appliances[0].name is missing: add it."),
    "an unknown key": (
        "site: one",
        "sight: one",
        "appliances[0] (f1) has an unknown key (did you mean site?).",
    ),
    "a key of a pool": ("ham: 0.5", "hams: 0.5", "3: pools.front has an unknown key (did you mean ham?)."),
    "a number that is none": ("1000000", "many", "pools.front.daily_messages must be a number."),
    "no mail": ("1000000", "0", "pools.front.daily_messages must be more than 0."),
    "a share over 1": ("ham: 0.5", "ham: 2", "pools.front.ham must be at most 1.0."),
    "a release that is none": ("5.1.2-005", "5.1", "asyncos must be a release such as 10.0.0-203."),
    "a model that is none": ("C100V", "laptop", "model must be a model such as C695, or C600V for a virtual one."),
    "a pool that is none": ("pool: back,", "pool: bak,", "pool is none of the pools (did you mean back?)."),
    "two pools' mail": ("pool: front, model", "pool: front, traffic: outbound, model", "carries inbound and outbound"),
    "an unknown feeder": ("fed_by: front", "fed_by: nobody", "fed_by must name a pool that has daily_messages."),
    "mail from both sides": ("fed_by: front", "fed_by: front, daily_messages: 5", "exactly one of daily_messages and"),
    "a pool of spares": ("pool: back, ", "pool: back, role: spare, ", "4: pools.back has no appliance in production"),
    "a name twice": ("name: f2", "name: f1", "8: appliances[1] (f1).name is the name of another appliance too"),
    "a key twice": ("site: one", "site: one, site: two", "appliances[0] (f1).site repeats a key of line 7"),
    "no capacity": ("rated_messages_per_hour: 60000,", "", "rated_messages_per_hour is missing: give it here or under"),
    "no YAML": ("{daily", "{{daily", "the file is not YAML"),
}


@pytest.mark.parametrize(("wrong", "instead", "sentence"), BAD.values(), ids=BAD)
def test_a_bad_topology_is_refused_with_a_sentence(wrong: str, instead: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(GOOD.replace(wrong, instead, 1))
    with pytest.raises(ConfigError) as error:
        load_topology(str(path))
    assert sentence in str(error.value)
    assert all(problem.startswith(str(path)) and problem.endswith(".") for problem in error.value.problems)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(GOOD.replace("ham: 0.5", "ham: 2").replace("C100V", "laptop"))
    with pytest.raises(ConfigError) as error:
        load_topology(str(path))
    assert len(error.value.problems) == 2


def test_an_unknown_topology_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"There is no topology 'campas': name one of campus, mixed, pair, rings, trio, or a YAML"
    ):
        load_topology("campas")
    with pytest.raises(ConfigError, match="does not exist"):
        load_topology(str(tmp_path / "gone.yml"))
    with pytest.raises(ConfigError, match="at least one unit, not 0"):
        equal_units(0)
