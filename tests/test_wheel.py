"""The wheel, installed without extras, runs the exporter; the commands that simulate say what they lack."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

import exporter
from support.processes import Process, free_port
from support.prometheus import get, is_ready
from support.wheel import PROJECT, Installed, build_wheel, install

FLEET = """
auths: {ops: {snmp: {version: 2c, community: public}, xml: {username: monitor, password: hunter2}}}
defaults: {auth: ops, snmp: {port: 1}, xml: {port: 1, scheme: http}}
appliances: [{name: mx1, address: 127.0.0.1}]
"""
"""Nobody listens on port 1: a probe ends at once."""

NEEDS_DEMO = (
    "This command needs optional packages that are not installed here."
    " Install them with: pip install 'ironport-exporter[demo]'\n"
)


def project_files() -> Iterator[Path]:
    """Yield the files of the project that the package brings, beside its modules."""
    alerts = PROJECT / "alerts"
    yield from (alerts / "README.md", alerts / "alertmanager.yml", alerts / "fragments.yml", alerts / "thresholds.yml")
    for folder in (alerts / "rules", alerts / "runbooks", alerts / "templates", PROJECT / "dashboards/json"):
        yield from folder.iterdir()
    yield from (PROJECT / "docs").iterdir()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return the project installed without extras, with a fleet.yml in its folder."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "fleet.yml").write_text(FLEET)
    return install(wheel, folder)


@pytest.fixture(scope="module")
def complete(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return the project installed with its extras for simulation and reports."""
    return install(wheel, tmp_path_factory.mktemp("complete"), "demo", "report")


def test_the_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    names = [name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name]
    held = {name for name in names if ".data/" not in name}
    shared = {name.partition(".data/data/")[2] for name in names} - {""}
    package = {path.relative_to(PROJECT) for path in (PROJECT / "exporter").rglob("*") if path.is_file()}
    brought = {Path("exporter", path.relative_to(PROJECT)) for path in project_files()}
    wanted = package | brought
    assert held == {str(path) for path in wanted if "__pycache__" not in path.parts}
    assert "exporter/py.typed" in held
    assert shared == {str(path.relative_to(PROJECT)) for path in (PROJECT / "share").rglob("*") if path.is_file()}


def test_a_second_build_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """`release/build` also compares two source archives."""
    assert build_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_without_extras_a_fleet_is_checked_and_discovered(installed: Installed) -> None:
    check = installed.run("check")
    notices = check.stderr.splitlines()
    assert (check.returncode, [line for line in notices if not line.startswith("Notice: ")]) == (0, [])
    assert json.loads(installed.run("sd").stdout)[0]["labels"]["instance"] == "mx1"
    assert "properties" in json.loads(installed.run("schema").stdout)


def test_without_extras_a_bundle_is_written(installed: Installed) -> None:
    assert installed.run("bundle", "ironport").stdout.startswith("Wrote ")
    assert (installed.folder / "ironport" / "alerts" / "runbooks" / "IronPortPoolSlow.md").is_file()


def test_without_extras_an_appliance_is_probed(installed: Installed) -> None:
    probe = installed.run("probe", "mx1")
    assert (probe.returncode, "ironport_probe_success 0.0" in probe.stdout) == (1, True)
    assert [line.partition(":")[0] for line in probe.stderr.splitlines()] == ["snmp", "xml"]


def test_without_extras_the_exporter_serves(installed: Installed, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    command = installed.command("--config.file", str(installed.folder / "fleet.yml"), "--web.listen-address", address)
    build = {"IRONPORT_EXPORTER_REVISION": "4f2c1aa", "IRONPORT_EXPORTER_BRANCH": "main"}
    server = Process(command, tmp_path / "log", build)
    try:
        server.wait_until(partial(is_ready, f"http://{address}/-/ready"))
        metrics = get(f"http://{address}/metrics")
    finally:
        server.stop()
    labels = f'branch="main",revision="4f2c1aa",version="{exporter.__version__}"'
    assert f"ironport_exporter_build_info{{{labels}}} 1.0" in metrics


@pytest.mark.parametrize("command", ["simulate", "backfill --last 1d --out data", "demo", "backtest"])
def test_a_command_names_the_extra_that_it_lacks(command: str, installed: Installed) -> None:
    done = installed.run(*command.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == NEEDS_DEMO


def test_help_lists_only_commands_that_can_run(installed: Installed) -> None:
    text = installed.run("--help").stdout
    commands = text.partition("Commands:\n")[2].partition("\n\n")[0]
    able = ["serve", "init", "check", "probe", "capture", "sd", "bundle", "schema", "capacity", "explain"]
    assert re.findall(r"^  (\w+)", commands, re.MULTILINE) == able
    assert not re.search("simulate|backfill|demo|backtest", text)


def test_the_exporter_needs_no_laboratory(tmp_path: Path) -> None:
    """The container image is built without it."""
    image = install(build_wheel(tmp_path, without=["exporter/lab"]), tmp_path)
    (tmp_path / "fleet.yml").write_text(FLEET)
    assert image.run("check").returncode == 0
    assert image.run("probe", "mx1").returncode == 1
    assert "simulate" not in image.run("--help").stdout
    assert image.run("simulate").stderr == (NEEDS_DEMO)


def test_the_wheel_alone_replays_an_appliance_and_captures_it(complete: Installed, tmp_path: Path) -> None:
    recorded = PROJECT / "tests" / "captures" / "C600V_15.0.0-104.capture"
    fleet = tmp_path / "replayed.yml"
    replay = Process(complete.command("replay", str(recorded), "--fleet.file", str(fleet)), tmp_path / "log")
    try:
        replay.wait_until(fleet.exists)
        done = complete.run("capture", "replayed", "--config.file", str(fleet), "--show")
    finally:
        replay.stop()
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, recorded.read_text().splitlines()[0])


def test_the_wheel_alone_runs_the_demo(complete: Installed, tmp_path: Path) -> None:
    state = tmp_path / "demo.json"
    command = complete.command("demo", "--history", "0s", "--state", str(state))
    demo = Process(command, tmp_path / "log", {"PATH": str(tmp_path), "TMPDIR": str(tmp_path)})  # no Prometheus
    try:
        demo.wait_until(lambda: state.exists() and bool(state.read_text()))
        attack = complete.run("demo", "attack", "jabberer", "--state", str(state))
    finally:
        demo.stop()
    assert (attack.returncode, attack.stderr) == (0, "")


def test_the_wheel_alone_writes_a_report(complete: Installed, october_url: str) -> None:
    """`release/try` also runs a backtest."""
    flags = ("--month", "2026-10", "--job", "half", "--timezone", "Europe/Berlin", "--out", "reports")
    done = complete.run("report", "--prometheus.url", october_url, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((complete.folder / "reports").iterdir())) == len(done.stdout.splitlines()) > 1
