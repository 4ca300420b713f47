"""Every command does what its help says, ends with its exit code, and never shows a trace."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click
import pytest

from exporter import REVISION, __version__, cli, command_line, config
from exporter.errors import ConfigError
from support import logs
from support.command_line import parse_command_line
from support.fake_fleet import COMMUNITY, MX1, MX2, MX3, PASSWORD, write_fleet
from support.prometheus import parsed
from support.snmpd import COMMUNITY as SNMPD_COMMUNITY
from support.snmpd import Snmpd

restore = pytest.fixture(autouse=True)(logs.restored)

ROOT = Path(cli.__file__).parents[1]
LIMIT = 60.0
"""Seconds that no child process of a test needs."""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    file = tmp_path / "fleet.yml"
    write_fleet(file)
    return file


@pytest.fixture
def agentless(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """Give a fleet of one appliance that never answers, and its socket: a packet there means that a probe has begun."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(LIMIT)
        yield snmp_fleet(tmp_path, agent.getsockname()[1], COMMUNITY), agent


def snmp_fleet(folder: Path, port: int, community: str) -> Path:
    """Write a fleet of one appliance that has SNMP alone."""
    file = folder / "fleet.yml"
    file.write_text(
        f"auths: {{lab: {{snmp: {{version: 2c, community: {community}}}}}}}\n"
        f"appliances: [{{name: mx1, address: 127.0.0.1, auth: lab, snmp: {{port: {port}}}}}]\n"
    )
    return file


class Child:
    """The command as a process of its own; `log` has the lines of its standard error that were read."""

    def __init__(self, *arguments: str | Path, stdout: int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exporter", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": ""},  # with it, the gone reader would be noticed at once
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[str] = []

    def until(self, word: str) -> str:
        """Return the next line of the log that has `word` in it."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            if word in line:
                return line
        pytest.fail(f"the log ended without {word!r}: {self.log}")

    def listening(self) -> str:
        """Return the base URL once the server listens."""
        address = re.search(r"address=(\S+)", self.until("msg=listening"))
        assert address
        return f"http://{address[1]}"

    def end(self, number: int | None = None) -> tuple[int, str, str]:
        """Send a signal, if one is given; return exit code, standard output and the whole standard error."""
        if number:
            self.process.send_signal(number)
        out, rest = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, out, "".join(self.log) + rest

    def close(self) -> None:
        """End it whatever it does."""
        self.process.kill()
        self.process.communicate()


Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as children:

        def start(*arguments: str | Path, **options: Any) -> Child:
            child = Child(*arguments, **options)
            children.callback(child.close)
            return child

        yield start


def get(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urlopen(Request(url, headers=headers), timeout=LIMIT) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Run the command in this process; return exit code, standard output and standard error."""
    return cli.main([str(argument) for argument in arguments]), *capsys.readouterr()


def problems(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        config.load(file)
    return wrong.value.problems


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_is_the_default_and_ends_on_a_signal(start: Start, fleet: Path, ending: int) -> None:
    child = start("--config.file", fleet, "--web.listen-address", "127.0.0.1:0")
    assert get(f"{child.listening()}/-/ready") == (200, "ironport-exporter is ready.\n")
    code, out, log = child.end(ending)
    assert (code, out) == (0, "")
    assert re.findall(r"msg=(\w+)", log) == ["listening", "stopping", "stopped"]


def test_a_running_probe_is_answered_before_the_end(start: Start, agentless: tuple[Path, socket.socket]) -> None:
    fleet, agent = agentless
    child = start("serve", "--config.file", fleet, "--web.listen-address", "127.0.0.1:0")
    url = f"{child.listening()}/probe?target=mx1"
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(get, url, **{"X-Prometheus-Scrape-Timeout-Seconds": "2"})
        agent.recv(65535)
        code, _, log = child.end(signal.SIGTERM)
        status, text = answer.result()
    assert (status, code) == (200, 0)
    assert 'ironport_source_error{reason="timeout",source="snmp"} 1.0' in text
    assert "Traceback" not in log


def test_sighup_reloads_a_good_file_only(start: Start, fleet: Path) -> None:
    child = start("--config.file", fleet, "--web.listen-address", "127.0.0.1:0")
    url = child.listening()

    def names() -> list[str]:
        return [group["labels"]["instance"] for group in json.loads(get(f"{url}/sd")[1])]

    write_fleet(fleet, MX2)
    child.process.send_signal(signal.SIGHUP)
    child.until('msg="configuration reloaded"')
    assert names() == ["mx2"]
    write_fleet(fleet, MX1.replace("pool", "pol"))
    child.process.send_signal(signal.SIGHUP)
    assert "did you mean pool?" in child.until("configuration not reloaded")
    assert names() == ["mx2"]
    assert "ironport_exporter_config_last_reload_successful 0.0" in get(f"{url}/metrics")[1]
    assert child.end(signal.SIGTERM)[0] == 0


def test_a_port_in_use_is_a_sentence(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, _, err = run(capsys, "--config.file", fleet, "--web.listen-address", address, "--log.level", "error")
    assert code == 1
    assert err == (
        f"Cannot listen on {address} (Address already in use). Choose another address with --web.listen-address.\n"
    )


def test_the_log_is_json_where_asked(start: Start, fleet: Path) -> None:
    child = start("--config.file", fleet, "--web.listen-address", "127.0.0.1:0", "--log.format", "json")
    assert json.loads(child.until("listening"))["msg"] == "listening"
    _, _, log = child.end(signal.SIGTERM)
    assert {json.loads(line)["level"] for line in log.splitlines()} == {"info", "warning"}


def test_ctrl_c_ends_a_probe_without_a_trace(start: Start, agentless: tuple[Path, socket.socket]) -> None:
    fleet, agent = agentless
    child = start("probe", "mx1", "--config.file", fleet, "--timeout", str(LIMIT))
    agent.recv(65535)
    assert child.end(signal.SIGINT) == (130, "", "")


@pytest.mark.parametrize("arguments", [["schema"], ["--help"], ["serve", "--help"], ["--version"]])
def test_a_reader_that_has_gone_causes_no_complaint(start: Start, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    child = start(*arguments, stdout=writing)
    os.close(writing)
    code, _, err = child.end()
    assert (code, err) == (1, "")


@pytest.mark.parametrize(
    "command", [["serve"], [], ["check"], ["probe", "mx1"], ["sd"]], ids=lambda command: " ".join(command) or "none"
)
@pytest.mark.parametrize("content", [None, "", "a: [", "auths: {}\nappliances: []\nmore: 1\n"])
def test_every_command_lists_all_faults_of_the_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str], content: str | None
) -> None:
    file = tmp_path / "fleet.yml"
    if content is not None:
        file.write_text(content)
    code, out, err = run(capsys, *command, "--config.file", file)
    assert (code, out) == (1, "")
    assert err == "".join(f"{problem}\n" for problem in problems(file))


def test_check_reports_a_good_file_in_a_line(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    assert run(capsys, "check", "--config.file", fleet)[:2] == (0, f"{fleet} is all right: 3 appliances in 2 pools.\n")
    write_fleet(fleet, MX3)
    assert run(capsys, "check", "--config.file", fleet)[:2] == (0, f"{fleet} is all right: 1 appliance in 1 pool.\n")


def test_check_says_that_there_are_targets(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    fleet.write_text(fleet.read_text() + "targets: {allow: [10.0.0.0/8], auth: lab}\n")
    out = run(capsys, "check", "--config.file", fleet)[1]
    assert out == f"{fleet} is all right: 3 appliances in 2 pools, and targets beyond the list.\n"


def test_check_tells_what_puts_credentials_at_risk(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    code, _, err = run(capsys, "check", "--config.file", fleet)
    assert code == 0
    assert err.startswith(f"Notice: {fleet}:3: auths.lab.snmp.version is 2c, which sends the community unencrypted")


def test_check_refuses_an_appliance_as_the_mail_server_of_alertmanager(
    capsys: pytest.CaptureFixture[str], fleet: Path
) -> None:
    alertmanager = fleet.with_name("alertmanager.yml")
    flags = ("--config.file", fleet, "--alertmanager.config.file", alertmanager)
    alertmanager.write_text("global: {smtp_smarthost: 'mx1:25'}")
    code, out, err = run(capsys, "check", *flags)
    assert (code, out) == (1, "")
    assert err.startswith(f"{alertmanager}:1: global.smtp_smarthost is mx1, an appliance of the fleet.")
    alertmanager.write_text("global: {smtp_smarthost: '192.0.2.200:25'}")
    code, out, _ = run(capsys, "check", *flags)
    assert (code, out) == (0, f"{fleet} and {alertmanager} are all right: 3 appliances in 2 pools.\n")


def test_fleet_yml_of_the_working_folder_is_the_default(
    capsys: pytest.CaptureFixture[str], fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fleet.parent)
    assert run(capsys, "check")[:2] == (0, "fleet.yml is all right: 3 appliances in 2 pools.\n")


def test_probe_prints_the_metrics_of_an_appliance(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, snmpd: Snmpd
) -> None:
    fleet = snmp_fleet(tmp_path, snmpd.port, SNMPD_COMMUNITY)
    code, out, err = run(capsys, "probe", "mx1", "--config.file", fleet)
    assert (code, err) == (0, "")
    assert parsed(out)["ironport_probe_success", frozenset()] == 1
    assert parsed(out)["ironport_work_queue_messages", frozenset()] == 42


def test_probe_with_debug_describes_each_source(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, snmpd: Snmpd
) -> None:
    fleet = snmp_fleet(tmp_path, snmpd.port, SNMPD_COMMUNITY)
    code, out, err = run(capsys, "probe", "mx1", "--debug", "--config.file", fleet)
    assert (code, err) == (0, "")
    assert out.startswith("mx1 at 127.0.0.1, pool default, mixed, production\n")
    assert out.index("snmp: complete") < out.index("xml: not configured") < out.index("ironport_work_queue_messages 42")


def test_probe_and_web_page_describe_the_same(
    start: Start, capsys: pytest.CaptureFixture[str], tmp_path: Path, snmpd: Snmpd
) -> None:
    """Numbers aside, `probe --debug` prints what /probe?debug=true answers."""
    fleet = snmp_fleet(tmp_path, snmpd.port, SNMPD_COMMUNITY)
    child = start("--config.file", fleet, "--web.listen-address", "127.0.0.1:0")
    _, page = get(f"{child.listening()}/probe?target=mx1&debug=true")
    _, printed, _ = run(capsys, "probe", "mx1", "--debug", "--config.file", fleet)
    number = re.compile(r"\d+(\.\d+)?(e[+-]\d+)?")
    assert number.sub("N", printed) == number.sub("N", page)


def test_a_failed_probe_says_why_and_prints_metrics(
    capsys: pytest.CaptureFixture[str], agentless: tuple[Path, socket.socket]
) -> None:
    code, out, err = run(capsys, "probe", "mx1", "--timeout", "0.2", "--config.file", agentless[0])
    assert code == 1
    assert parsed(out)["ironport_source_error", frozenset({("source", "snmp"), ("reason", "timeout")})] == 1
    assert [line[:6] for line in err.splitlines()] == ["snmp: "]
    assert COMMUNITY not in out + err


def test_probe_knows_the_names_that_are_close(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    code, out, err = run(capsys, "probe", "mx11", "--config.file", fleet)
    assert (code, out) == (1, "")
    assert err.startswith('No appliance is called "mx11". Did you mean mx1')


@pytest.mark.parametrize(
    ("flags", "target"),
    [([], "localhost:10125"), (["--web.external-url", "https://exporter.example.edu"], "exporter.example.edu:443")],
)
def test_sd_prints_the_groups_for_a_file(
    capsys: pytest.CaptureFixture[str], fleet: Path, flags: list[str], target: str
) -> None:
    code, out, err = run(capsys, "sd", "--config.file", fleet, *flags)
    assert (code, err) == (0, "")
    assert [(group["targets"], group["labels"]["instance"]) for group in json.loads(out)] == [
        ([target], name) for name in ("mx1", "mx2", "mx3")
    ]
    assert PASSWORD not in out


def test_schema_prints_the_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "schema")
    assert (code, json.loads(out), err) == (0, config.schema(), "")


def test_version_has_the_revision_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out.startswith(f"ironport-exporter {__version__} (revision {REVISION}, Python 3.")


def commands(group: click.Group) -> Iterator[tuple[list[str], command_line.Command]]:
    """Yield the words that call each command, and the command."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from (([name, *words], found) for words, found in commands(command))
        elif isinstance(command, command_line.Command):
            yield [name], command


COMMANDS = list(commands(cli.cli))


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_help_has_examples_that_the_parser_takes(
    capsys: pytest.CaptureFixture[str], words: list[str], command: command_line.Command
) -> None:
    _, overview, _ = run(capsys, *words[:-1], "--help")
    code, out, _ = run(capsys, *words, "--help")
    assert code == 0
    assert f"  {command.examples[0]}\n" in overview
    for example in command.examples:
        assert f"  {example}\n" in out
        assert parse_command_line(shlex.split(example.split(" > ")[0])[1:])[0] == words[-1]


@pytest.mark.parametrize("words", [[], ["demo"]], ids=["", "demo"])
def test_the_help_cuts_no_summary_short(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run(capsys, *words, "--help")
    summaries = re.findall(r"^  \w+ +[A-Z].*", out.split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE)
    assert len(summaries) >= 2
    assert [summary for summary in summaries if not summary.endswith(".") or summary.endswith("...")] == []


@pytest.mark.parametrize("words", [["bundle"], ["report"], ["demo"]], ids=" ".join)
def test_the_help_gives_a_default_in_words_without_parentheses(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    _, out, _ = run(capsys, *words, "--help")
    defaults = re.findall(r"\[default:\s+([^]]+)", out)
    assert any(" " in default for default in defaults)
    assert [default for default in defaults if default.startswith("(")] == []


@pytest.mark.parametrize("words", [["probe"], ["demo", "attack"]], ids=" ".join)
def test_help_lists_no_argument_among_the_flags(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    _, out, _ = run(capsys, *words, "--help")
    assert out.split("Flags:\n")[1].startswith("  --")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["frob"], "There is no command 'frob'."),
        (["chek"], "There is no command 'chek'. Did you mean check?"),
        (["probe"], "The argument NAME is missing. See 'ironport-exporter probe --help'."),
        (["--frob"], "There is no flag --frob here. '--help' lists the flags."),
        (["--config", "fleet.yml"], "There is no flag --config. Did you mean --config.file?"),
        (["check", "--confg.file", "fleet.yml"], "Did you mean --config.file?"),
        (["serve", "--units", "3"], "There is no flag --units here. It is a flag of simulate and backfill."),
        (["--debug", "probe", "mx1"], "There is no flag --debug here. It is a flag of probe."),
        (
            ["--config.file", "fleet.yml", "schema"],
            "There is no flag --config.file here. "
            "It is a flag of serve, check, probe, capture, sd, bundle, capacity and report.",
        ),
        (["check", "mx1"], "Got unexpected extra argument (mx1)"),
        (["backtest", "--from", "3d"], "--from has no effect without --prometheus.url. Leave it out."),
        (
            ["backtest", "--prometheus", "http://localhost"],
            "There is no flag --prometheus. Did you mean --prometheus.url?",
        ),
        (["backtest", "--http.config.file", "x"], "--http.config.file has no effect without --prometheus.url."),
        (["backtest", "--topology", "pair"], "--topology has no effect without --quiet-weeks."),
        (["backtest", "--bursty"], "--bursty has no effect without --quiet-weeks."),
        (
            ["backtest", "--prometheus.url", "http://localhost:1", "--only", "x", "--seed", "1"],
            "--only, --seed have no effect with --prometheus.url. Leave them out.",
        ),
        (
            ["--web.systemd-socket", "--web.listen-address", ":1"],
            "--web.listen-address has no effect with --web.systemd-socket. Leave it out.",
        ),
        (["--web.listen-address", "10125"], "'10125' is not an address like :10125, 127.0.0.1:10125 or [::1]:10125"),
        (["--web.listen-address", "::1:10125"], "'::1:10125' is not an address like"),
        (["--web.listen-address", ":65536"], "':65536' is not an address like"),
        (["--web.external-url", "exporter"], "'exporter' is not a URL like"),
        (["--web.trusted-proxy", "10.0.0.1/8"], "'10.0.0.1/8' is not an address like 127.0.0.1 or a network"),
        (["--timeout-offset", "-1"], "'-1' is not a number of seconds"),
        (["probe", "mx1", "--timeout", "121"], "'121' is not a number of seconds from 0 to 120"),
        (["--timeout-offset", "nan"], "'nan' is not a number of seconds"),
        (["probe", "mx1", "--timeout", "soon"], "'soon' is not a number of seconds"),
        (["--log.level", "loud"], "'loud' is not one of 'debug', 'info', 'warning', 'error'"),
    ],
)
def test_wrong_usage_is_a_sentence_and_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


def test_the_help_of_backtest_lists_the_flags_of_simulated_incidents(capsys: pytest.CaptureFixture[str]) -> None:
    values = {
        "--only": "x",
        "--seed": "1",
        "--quiet-weeks": "1",
        "--topology": "pair",
        "--bursty": "",
        "--drops": "0.1",
    }
    flags = [*values, "--explain", "--rest"]
    given = [f"{flag}={values[flag]}" if values.get(flag) else flag for flag in flags]
    _, _, err = run(capsys, "backtest", "--prometheus.url=http://localhost:1", *given)
    assert f"{', '.join(flags)} have no effect with --prometheus.url." in err
    _, out, _ = run(capsys, "backtest", "--help")
    assert f"{', '.join(flags[:-1])} and {flags[-1]} are for simulated incidents only." in " ".join(out.split())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":10125", ("", 10125)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("localhost:80", ("localhost", 80)),
        ("[::1]:10125", ("::1", 10125)),
        ("[fe80::1%eth0]:10125", ("fe80::1%eth0", 10125)),
    ],
)
def test_a_listen_address_is_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_command_line(["--web.listen-address", text])[1]["web_listen_address"] == (address,)


@pytest.mark.parametrize(("level", "logged"), [("error", False), ("debug", True)])
def test_an_unexpected_error_shows_its_calls_for_debug_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, level: str, logged: bool
) -> None:
    def broken(_path: Path) -> None:
        raise ZeroDivisionError("a secret of the operator")

    monkeypatch.setattr(config, "load", broken)
    code, out, err = run(capsys, "sd", "--log.level", level)
    assert (code, out) == (1, "")
    assert re.fullmatch(
        r"An unexpected error ended the command: ZeroDivisionError at test_cli\.py:\d+\."
        r" Please report it in the project's issue tracker\.",
        err.splitlines()[-1],
    )
    assert ("calls=" in err) is logged
    assert "secret" not in err


def test_a_command_imports_only_what_it_needs(fleet: Path) -> None:
    """Neither a web server nor a simulation is loaded to check a file."""
    program = (
        "import sys; from exporter.cli import main; code = main(sys.argv[1:]);"
        "print(sorted({'aiohttp', 'numpy', 'exporter.lab'} & sys.modules.keys())); sys.exit(code)"
    )
    for arguments in (["--version"], ["schema"], ["check", "--config.file", str(fleet)]):
        ran = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=True,
        )
        assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("place", ["before", "after"])
def test_flags_work_before_and_after_the_command(capsys: pytest.CaptureFixture[str], fleet: Path, place: str) -> None:
    flags = ["--log.level", "warn", "--config.file", str(fleet)]
    code, out, _ = run(capsys, *([*flags, "check"] if place == "before" else ["check", *flags]))
    assert (code, out) == (0, f"{fleet} is all right: 3 appliances in 2 pools.\n")


def test_the_last_of_two_values_counts() -> None:
    _, values = parse_command_line(["--timeout-offset", "1", "serve", "--timeout-offset", "2"])
    assert values["timeout_offset"] == 2


def test_warn_is_understood_as_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "schema", "--log.level", "warn")[0] == 0
    assert logging.root.level == logging.WARNING


def test_all_configuration_files_count() -> None:
    _, values = parse_command_line(["--config.file", "a.yml", "check", "--config.file", "b"])
    assert values["config_file"] == (Path("a.yml"), Path("b"))


def test_check_refuses_an_example_that_nobody_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "--config.file", ROOT / "fleet.example.yml")
    assert (code, out) == (1, "")
    assert err.splitlines()[0].endswith("passphrase is still fill-me-in: put your own secret there.")


def test_check_finds_the_faults_of_both_files(capsys: pytest.CaptureFixture[str], fleet: Path) -> None:
    web = fleet.with_name("web.yml")
    flags = ("--config.file", fleet, "--web.config.file", web)
    web.write_text("rate_limit: {interval: 1s, burst: 5}")
    _, out, _ = run(capsys, "check", *flags)
    assert out == f"{fleet} and {web} are all right: 3 appliances in 2 pools.\n"
    web.write_text("rate_limt: {}")
    fleet.write_text(fleet.read_text().replace("pool: edge", "pol: edge"))
    code, out, err = run(capsys, "check", *flags)
    assert (code, out) == (1, "")
    assert [line.split(":")[0] for line in err.splitlines()] == [str(fleet), str(fleet), str(web)]


def test_an_environment_variable_sets_a_flag_everywhere(
    capsys: pytest.CaptureFixture[str], fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IRONPORT_EXPORTER_CONFIG_FILE", str(fleet))
    assert run(capsys, "check")[0] == run(capsys, "sd")[0] == 0
    assert run(capsys, "check", "--config.file", "no.yml")[0] == 1, "the command line comes first"
    assert run(capsys, "--config.file", "no.yml", "check")[0] == 1


def test_a_variable_may_have_several_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRONPORT_EXPORTER_CONFIG_FILE", "a.yml:b")
    monkeypatch.setenv("IRONPORT_EXPORTER_WEB_LISTEN_ADDRESS", ":80 :81")
    _, values = parse_command_line([])
    assert values["config_file"] == (Path("a.yml"), Path("b"))
    assert values["web_listen_address"] == (("", 80), ("", 81))


def test_a_variable_without_effect_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRONPORT_EXPORTER_TOPOLOGY", "pair")
    assert parse_command_line(["simulate", "--units", "3"])[1]["units"] == 3


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ironport-exporter ", {"serve", "check", "demo"}),
        ("ironport-exporter --web.li", {"--web.listen-address"}),
        ("ironport-exporter check --conf", {"--config.file"}),
        ("ironport-exporter check --log.level de", {"debug"}),
        ("ironport-exporter demo att", {"attack"}),
    ],
)
def test_the_shell_completes_commands_and_flags(line: str, offered: set[str]) -> None:
    environment = {
        "_IRONPORT_EXPORTER_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    ran = subprocess.run(
        [sys.executable, "-c", "from exporter.cli import main; main([])"],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert offered <= {item.partition(",")[2] for item in ran.stdout.splitlines()}
