"""`check --live` names the state of every appliance, and what to do for those that are not well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter import config
from exporter.first_contact import AT_ONCE, first_contact, probe_all
from exporter.prometheus.progress import silent
from support.simulated import configured, simulated

Rows = dict[str, dict[str, str]]


def rows(text: str) -> Rows:
    """Return the table by appliance and column."""
    header, *lines = text.partition("\n\n")[0].splitlines()
    columns = re.split(r"  +", header)
    cells = [re.split(r"  +", line) for line in lines]
    return {line[0]: dict(zip(columns[1:], line[1:], strict=True)) for line in cells}


async def contact(loaded: config.Config) -> str:
    return first_contact(loaded, await probe_all(loaded, 10, silent))


async def test_a_healthy_fleet_is_complete(tmp_path: Path) -> None:
    async with simulated("pair") as fleet:
        loaded = configured(fleet, tmp_path)
        text = await contact(loaded)
    table = rows(text)
    assert table.keys() == loaded.appliances.keys()
    for row in table.values():
        assert (row["SNMP"], row["XML"], row["REST"]) == ("complete", "complete", "not configured")
        assert re.fullmatch(r"\d+\.\d+\.\d+-\d+", row["AsyncOS"]), row
        assert row["model"] != "-"
        assert int(row["series"]) > 100
    assert text.endswith(f"\n\n{len(table)} of {len(table)} appliances are complete.")


async def test_a_fault_is_said_once_for_all_that_have_it(tmp_path: Path) -> None:
    async with simulated("pair") as fleet:
        file = tmp_path / "fleet.yml"
        file.write_text(re.sub(r"(?m)^(\s*)(password): .*$", r"\1\2: wrong", fleet.fleet_file()))
        loaded = config.load(file)
        text = await contact(loaded)
    assert {row["XML"] for row in rows(text).values()} == {"failed"}
    (fault,) = re.findall(r"^(.*), XML \(auth\): (.*)$", text, re.MULTILINE)
    assert fault[0].split(", ") == list(loaded.appliances)
    assert "check username and password" in fault[1]
    assert text.count("On the appliance: ") == 1
    assert "`userconfig`" in text
    assert "wrong" not in text


async def test_a_closed_port_names_the_command_of_asyncos(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(
        "auths: {ops: {snmp: {version: 2c, community: public}, xml: {username: monitor, password: hunter2}}}\n"
        "defaults: {auth: ops, snmp: {port: 1}, xml: {port: 1, scheme: http}}\n"
        "appliances: [{name: mx1, address: 127.0.0.1}]\n"
    )
    text = await contact(config.load(file))
    assert rows(text)["mx1"]["AsyncOS"] == "-"
    assert "mx1, SNMP (refused): " in text
    assert [text.count(word) for word in ("`snmpconfig`", "`interfaceconfig`")] == [1, 1]
    assert text.endswith("0 of 1 appliances are complete.")


async def test_few_appliances_are_probed_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from support import fake_fleet

    running, most = set[str](), list[int]()

    class Prober(fake_fleet.FakeProber):
        async def probe(self, timeout: float) -> object:  # type: ignore[override]  # noqa: ASYNC109 - as the real one
            running.add(self.appliance.name)
            most.append(len(running))
            try:
                return await super().probe(timeout)
            finally:
                running.remove(self.appliance.name)

    monkeypatch.setattr("exporter.fleet.Prober", Prober)
    names = [f"mx{number}" for number in range(3 * AT_ONCE)]
    fake_fleet.write_fleet(tmp_path / "fleet.yml", *(f"{{name: {name}, address: 192.0.2.1}}" for name in names))
    shares = list[float]()
    results = await probe_all(config.load(tmp_path / "fleet.yml"), 10, lambda _what, share: shares.append(share))
    assert list(results) == names
    assert max(most) <= AT_ONCE
    assert shares == sorted(shares)
    assert shares[-1] == 1
