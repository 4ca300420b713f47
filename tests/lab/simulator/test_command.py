"""`ironport-exporter simulate` as a program."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from exporter import cli, config
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.topology import BUILT_IN
from support import logs
from support.simulated import probed

restore = pytest.fixture(autouse=True)(logs.restored)

ROOT = Path(cli.__file__).parents[1]
LIMIT = 60.0
"""Seconds that no child process of a test needs."""

NEEDS_DEMO = (
    "This command needs optional packages that are not installed here."
    " Install them with: pip install 'ironport-exporter[demo]'\n"
)


class Child:
    """The command as a process of its own, and the address of its control."""

    def __init__(self, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exporter", "simulate", *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr
        self.first_line = self.process.stderr.readline()

    @property
    def control(self) -> str:
        address = re.search(r"msg=simulating .*control=(\S+)", self.first_line)
        assert address, self.first_line
        return address[1]

    def end(self, number: int) -> tuple[int, str, str]:
        """Send a signal; return exit code, standard output and the rest of standard error."""
        self.process.send_signal(number)
        out, log = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, out, log

    def close(self) -> None:
        """End it whatever it does."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start() -> Iterator[Callable[..., Child]]:
    with ExitStack() as children:

        def start(*arguments: str | Path) -> Child:
            child = Child(*arguments)
            children.callback(child.close)
            return child

        yield start


async def test_the_exporter_reads_every_unit_by_the_fleet_file(start: Callable[..., Child], tmp_path: Path) -> None:
    file = tmp_path / "fleet.yml"
    child = start("--topology", "pair", "--fleet.file", file, "--scenario", "raid-fault,unit=ring2")
    assert child.control.startswith("http://127.0.0.1:")
    read = config.load(file)
    assert list(read.appliances) == ["ring1", "ring2"]
    for name in read.appliances:
        assert (await probed(read, name)).complete
    code, out, log = child.end(signal.SIGTERM)
    assert (code, out) == (0, "")
    assert log.splitlines()[-1].endswith("msg=stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_the_fleet_file_by_default(start: Callable[..., Child], tmp_path: Path, number: int) -> None:
    child = start("--units", "3", "--snmp", "v2c", "--http")
    assert child.control
    code, out, log = child.end(number)
    assert code == 0
    assert "Traceback" not in log
    file = tmp_path / "fleet.yml"
    file.write_text(out)
    assert list(config.load(file).appliances) == ["mx1", "mx2", "mx3"]


def test_scenarios_run_and_others_join_them(start: Callable[..., Child], tmp_path: Path) -> None:
    child = start("--fleet.file", tmp_path / "fleet.yml", "--scenario", "flood@+1h", "--scenario", "fan-fault")
    urlopen(Request(f"{child.control}/scenarios", data=b"jabberer,unit=mx3"), timeout=LIMIT).close()
    with urlopen(f"{child.control}/scenarios", timeout=LIMIT) as answer:
        running = {incident["scenario"]: incident["running"] for incident in json.load(answer)}
    assert running == {"flood": False, "fan-fault": True, "jabberer": True}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--topology", "nowhere"],
            "There is no topology 'nowhere': name one of campus, mixed, pair, rings, trio, or a YAML file.",
        ),
        (["--scenario", "boredom"], "There is no scenario boredom. `ironport-exporter simulate --list` lists them."),
        (["--scenario", "jabberer,size=big"], "The size 'big' is not a number"),
        (["--scenario", "jabberer,unit=mx99"], "There is no unit mx99;"),
        (["--web.listen-address", ":9000"], "is served on the loopback interface only: use 127.0.0.1."),
        (["--units", "0"], "'--units': '0' is not a number of units from 1 to 5000"),
        (["--units", "3", "--topology", "pair"], "--topology has no effect with --units"),
        (["--seed", "-1"], "'--seed': '-1' is not a whole number, 0 or more"),
        (["--step", "7"], "'--step': '7' is not one of '15', '20', '30', '60'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["simulate", *arguments])
    out, complaint = capsys.readouterr()
    assert (code, out) == (2, "")
    (line,) = complaint.splitlines()
    assert sentence in line
    assert ": error: " in line


def test_a_topology_of_several_faults_tells_them_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "odd.yml"
    file.write_text("pools: {a: {daily_messages: -1}}\nappliances: [{name: mx1, pool: b}]\n")
    assert cli.main(["simulate", "--topology", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_the_list_has_each_scenario_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "--list"]) == 0
    first, *lines = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert first.endswith(SCENARIOS["jabberer"].meaning)
    assert lines[0] == "    unit=NAME, duration=40m, size=1.6, ramp=2m"
    assert lines[1] == "    size: the unit gets this many times the mail that it can handle"
    assert [line.split()[0] for line in [first, *lines] if not line.startswith(" ")] == list(SCENARIOS)
    defaults = [line for line in lines if re.match(r"    \w+=", line)]
    for line, scenario in zip(defaults, SCENARIOS.values(), strict=True):
        assert re.findall(r"([a-z]+)=", line) == [parameter.name for parameter in scenario.parameters]


def test_the_list_describes_each_topology(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "--list"]) == 0
    lines = capsys.readouterr().out.rpartition("\n\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == list(BUILT_IN)
    assert lines[0].endswith("Nine units at two sites: six for inbound mail, two for outbound mail, and a spare.")


def test_an_unwritable_fleet_file_is_a_sentence(start: Callable[..., Child], tmp_path: Path) -> None:
    child = start("--topology", "pair", "--fleet.file", tmp_path / "no" / "fleet.yml")
    assert re.match(r"Cannot write .*No such file or directory\. .*--fleet\.file\.", child.first_line)
    assert child.process.wait(LIMIT) == 1


def test_without_its_extra_it_says_what_to_install() -> None:
    """Without numpy, every other command is as it was."""
    program = "import sys; sys.modules['numpy'] = None; from exporter.cli import main; sys.exit(main(sys.argv[1:]))"

    def run(command: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-c", program, command]
        return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)

    simulated = run("simulate")
    assert simulated.returncode == 1
    assert simulated.stderr == (NEEDS_DEMO)
    assert run("schema").returncode == 0
