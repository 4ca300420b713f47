"""The command `capacity` on paper: sentences, tables and JSON from a configuration and a demand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exporter import cli
from support import logs

restore = pytest.fixture(autouse=True)(logs.restored)

FLEET = """\
auths:
  monitor: {snmp: {version: 2c, community_file: secrets/community}, xml: {username: monitor, password_env: NOT_SET}}
defaults: {auth: monitor, pool: inbound, traffic: inbound, xml: {tls: {ca_file: missing.pem}}}
appliances:
  - {name: mx1, address: mx1, site: east, rated_messages_per_hour: 100000}
  - {name: mx2, address: mx2, site: east, rated_messages_per_hour: 100000}
  - {name: mx3, address: mx3, site: west, rated_messages_per_hour: 100000}
  - {name: mx4, address: mx4, site: east, rated_messages_per_hour: 140000}
  - {name: mx5, address: mx5, site: west, rated_messages_per_hour: 140000}
  - {name: mx6, address: mx6, site: west, rated_messages_per_hour: 140000}
  - {name: out1, address: out1, site: east, pool: outbound, traffic: outbound, rated_messages_per_hour: 100000}
  - {name: out2, address: out2, site: west, pool: outbound, traffic: outbound, rated_messages_per_hour: 100000}
  - {name: spare1, address: spare1, site: west, role: spare, rated_messages_per_hour: 100000}
"""
DEMAND = ("--demand", "inbound=500k/h", "--demand", "outbound=70k/h")


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Give a configuration whose secrets and certificates are on another machine."""
    file = tmp_path / "fleet.yml"
    file.write_text(FLEET)
    return file


def run(capsys: pytest.CaptureFixture[str], fleet: Path, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["capacity", "--config.file", str(fleet), *arguments])
    return code, *capsys.readouterr()


def result(capsys: pytest.CaptureFixture[str], fleet: Path, *arguments: str) -> dict[str, Any]:
    code, out, err = run(capsys, fleet, "--json", *arguments)
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    return document


def kinds(document: dict[str, Any], about: str) -> list[str]:
    return [statement["kind"] for statement in document[about]]


def test_the_verdict_comes_first(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    code, out, err = run(capsys, fleet, *DEMAND, "--add", "spare1:inbound", "--move", "out2:inbound")
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        "After --add spare1:inbound --move out2:inbound:",
        "inbound survives the loss of any one unit.",
        "outbound has no redundancy: one unit is left, out1.",
    ]
    assert "inbound can carry 28% more.\n" in out


def test_tables_fit_a_terminal(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    _, out, _ = run(capsys, fleet, *DEMAND, "--add", "spare1:inbound", "--lose-site", "east")
    assert max(map(len, out.splitlines())) <= 100


def test_a_table_shows_before_and_after(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    _, out, _ = run(capsys, fleet, *DEMAND, "--lose", "mx4")
    assert "N+1: without the largest unit  580,000   86%  440,000  114%" in out.splitlines()
    (mx1,) = (line.split() for line in out.splitlines() if line.startswith("  mx1 "))
    assert mx1 == ["mx1", "east", "100,000", "rated", "69,444", "69%", "86,207", "86%"]


def test_json_has_the_figures_before_and_after(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    document = result(capsys, fleet, *DEMAND, "--lose", "mx4")
    before, after = (document[state]["pools"][0]["n_plus_1"] for state in ("before", "after"))
    assert (before["messages_per_hour"], before["is_enough"]) == (580_000, True)
    assert (after["headroom_messages_per_hour"], after["is_enough"]) == (-60_000, False)
    assert document["changes"] == ["--lose mx4"]
    assert kinds(document, "verdicts")[0] == "capacity_not_without_unit"


def test_changes_are_applied_in_their_order(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    changes = ("--lose", "mx1", "--growth", "10%", "--lose", "mx2", "--growth", "inbound=20%")
    assert result(capsys, fleet, *DEMAND, *changes)["changes"] == [
        "--lose mx1",
        "--growth 10%",
        "--lose mx2",
        "--growth inbound=20%",
    ]


def test_without_a_rating_the_verdict_is_unknown(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    fleet.write_text(FLEET.replace(", rated_messages_per_hour: 140000", ""))
    document = result(capsys, fleet, *DEMAND)
    assert document["verdicts"][0]["kind"] == "capacity_unknown"
    assert document["verdicts"][0]["units"] == ["mx4", "mx5", "mx6"]
    assert document["after"]["pools"][0]["n_plus_1"]["messages_per_hour"] is None


def test_a_demand_that_is_not_given_is_asked_for(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    assert "capacity_demand_not_given" in kinds(result(capsys, fleet, *DEMAND[:2]), "verdicts")


def test_the_demand_of_a_day_warns(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    assert kinds(result(capsys, fleet, "--demand", "inbound=4.8M/d"), "warnings") == ["capacity_daily_demand"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "The demand is not known"),
        ((*DEMAND, "--lose", "mx44"), "There is no unit 'mx44'. Did you mean mx4?"),
        (("--demand", "inbuond=1/h"), "There is no pool 'inbuond'. Did you mean inbound?"),
        ((*DEMAND, "--demand", "inbound=1/h"), "inbound is named twice"),
    ],
)
def test_wrong_usage_is_a_sentence(
    capsys: pytest.CaptureFixture[str], fleet: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = run(capsys, fleet, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


def test_a_fault_of_the_configuration_is_named(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    fleet.write_text(FLEET.replace("rated_", "ratde_"))
    code, out, err = run(capsys, fleet, *DEMAND)
    assert (code, out) == (1, "")
    assert "fleet.yml:5: appliances[0] (mx1) has an unknown key" in err
