"""The command line: `ironport-exporter [COMMAND] [FLAGS]`, with `serve` where no command is named."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import re
import sys
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from exporter import DEFAULT_PORT, __version__, config, log
from exporter.errors import ConfigError, ExporterError, UsageError
from exporter.fleet import Fleet
from exporter.lab.backtest import past
from exporter.probe import DEFAULT_TIMEOUT, Result
from exporter.probe_debug import debug_output
from exporter.telemetry import Telemetry
from exporter.web import discovery
from exporter.web.app import Settings, serve
from exporter.web.discovery import BaseUrl

_log: Final = structlog.get_logger()

_LISTEN: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})", re.ASCII)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 well, 1 something failed, 2 (by argparse) wrong usage."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except UsageError as error:
        _complain(f"ironport-exporter: error: {error}")
        return 2
    except ConfigError as error:
        _complain(*error.problems)
    except ExporterError as error:
        _complain(str(error))
    except KeyboardInterrupt:
        return 130  # what a shell expects of a program that SIGINT ended
    except BrokenPipeError:
        # Python flushes standard output once more at exit, and would complain that nobody reads it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001 - a trace says nothing to an operator
        _log.debug("unexpected error", exc_info=error)
        _complain(f"An unexpected error ended the command: {type(error).__name__}: {error}. Please report it.")
    return 1


def _run(arguments: Sequence[str]) -> int:
    try:
        flags = parse(arguments)
        log.setup(flags.log_format, flags.log_level)
        code: int = flags.run(flags)
        return code
    finally:
        print(end="", flush=True)  # noqa: T201 - a reader that has gone is noticed here, not at exit


def parse(arguments: Sequence[str]) -> Namespace:
    """Return the flags of a command line, with the command as `run`; wrong usage ends the program."""
    named = arguments and (not arguments[0].startswith("-") or arguments[0] in ("-h", "--help", "--version"))
    return _parser().parse_args(arguments if named else ["serve", *arguments])


def _serve(flags: Namespace) -> int:
    host, port = flags.web_listen_address
    settings = Settings(flags.config_file, host, port, flags.timeout_offset, flags.web_external_url)
    loaded = config.load(flags.config_file)
    _log.info("starting", version=__version__, config=str(flags.config_file), appliances=len(loaded.appliances))
    asyncio.run(serve(loaded, settings))
    _log.info("stopped")
    return 0


def _check(flags: Namespace) -> int:
    appliances = config.load(flags.config_file).appliances.values()
    pools = len({appliance.pool for appliance in appliances})
    _print(f"{flags.config_file} is well: {_count(len(appliances), 'appliance')} in {_count(pools, 'pool')}.")
    return 0


def _probe(flags: Namespace) -> int:
    loaded = config.load(flags.config_file)
    result = asyncio.run(_probe_once(loaded, flags.name, flags.timeout))
    if flags.debug:
        _print(debug_output(loaded.appliances[flags.name], result))
    else:
        _print(result.exposition.text().decode())
        _complain(*(f"{reading.source}: {error}" for reading in result.readings for error in reading.errors))
    return 0 if result.success else 1


async def _probe_once(loaded: config.Config, name: str, timeout: float) -> Result:  # noqa: ASYNC109 - the probe's own
    fleet = Fleet(loaded, Telemetry())
    try:
        return await fleet.prober(name).probe(timeout)
    finally:
        await fleet.close()


def _sd(flags: Namespace) -> int:
    groups = discovery.groups(config.load(flags.config_file), flags.web_external_url)
    _print(json.dumps(groups, indent=2))
    return 0


def _schema(_flags: Namespace) -> int:
    _print(json.dumps(config.schema(), indent=2))
    return 0


def _simulate(flags: Namespace) -> int:
    return _with_numpy("exporter.lab.simulator.command", "simulate", flags)


def _demo(flags: Namespace) -> int:
    return _with_numpy("exporter.lab.demo", "demo", flags)


def _backtest(flags: Namespace) -> int:
    if flags.prometheus:
        return past.backtest(flags)
    return _with_numpy("exporter.lab.backtest.command", "backtest", flags)


def _with_numpy(module: str, name: str, flags: Namespace) -> int:
    """Run a command that simulates, the libraries for which are an extra."""
    try:
        command = import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        raise ExporterError("The simulator needs numpy: pip install 'ironport-exporter[demo]' brings it.") from error
    code: int = getattr(command, name)(flags)
    return code


def _print(text: str) -> None:
    print(text.removesuffix("\n"))  # noqa: T201 - what the command is for


def _complain(*sentences: str) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr)  # noqa: T201 - what the operator must read


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listen_address(text: str) -> tuple[str, int]:
    parts = _LISTEN.fullmatch(text)
    if parts is None or int(parts["port"]) > 65535:
        raise ArgumentTypeError(
            f"{text!r} is not an address like :{DEFAULT_PORT}, 127.0.0.1:{DEFAULT_PORT} or [::1]:{DEFAULT_PORT}"
        )
    return parts["v6"] or parts["host"], int(parts["port"])


def _external_url(text: str) -> BaseUrl:
    try:
        return BaseUrl.parse(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return seconds


def _count_of_units(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 5000):
        raise ArgumentTypeError(f"{text!r} is not a number of units from 1 to 5000")
    return int(text)


def _prometheus(text: str) -> str:
    """Return the URL of a Prometheus; what is wrong is told without it, for it may have a password."""
    try:
        parts = urlsplit(text)
        well = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well = False
    if not well or parts.query or parts.fragment:
        raise ArgumentTypeError("it is not a URL like http://localhost:9090 or https://user:password@host/prefix")
    return text.rstrip("/")


def _weeks(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 520):
        raise ArgumentTypeError(f"{text!r} is not a number of weeks from 1 to 520")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return share


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


@dataclass(frozen=True, slots=True)
class Argument:
    """A flag, or a positional argument, as argparse takes it."""

    name: str
    options: dict[str, Any]

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add it; the value of `--config.file` is called config_file."""
        action = parser.add_argument(self.name, **self.options)
        action.dest = re.sub(r"\W+", "_", action.dest)


def _argument(name: str, **options: Any) -> Argument:
    return Argument(name, options)


_CONFIG_FILE: Final = _argument(
    "--config.file",
    type=Path,
    default=Path("fleet.yml"),
    metavar="FILE",
    help="the fleet's configuration (default: %(default)s)",
)
_LOG: Final = (
    _argument("--log.level", choices=log.LEVELS, help="log this and above to standard error (default: %(default)s)"),
    _argument(
        "--log.format", choices=log.FORMATS, default="logfmt", help="how to write the log (default: %(default)s)"
    ),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it does in a line, what runs it, its arguments, and command lines that show its use."""

    name: str
    summary: str
    run: Callable[[Namespace], int]
    arguments: tuple[Argument, ...] = ()
    examples: tuple[str, ...] = ()
    log_level: log.Level = "error"


COMMANDS: Final = (
    Command(
        "serve",
        "answer Prometheus: the command where none is named",
        _serve,
        (
            _CONFIG_FILE,
            _argument(
                "--web.listen-address",
                type=_listen_address,
                default=f":{DEFAULT_PORT}",
                metavar="[HOST]:PORT",
                help="where to listen; without a host on every interface (default: %(default)s)",
            ),
            _argument(
                "--web.external-url",
                type=_external_url,
                metavar="URL",
                help="where Prometheus reaches the exporter, if not as it asks for /sd: behind a proxy, say",
            ),
            _argument(
                "--timeout-offset",
                type=_seconds,
                default=0.5,
                metavar="SECONDS",
                help="how much earlier than Prometheus' scrape timeout a probe answers (default: %(default)s)",
            ),
        ),
        (
            "ironport-exporter",
            "ironport-exporter serve --config.file /etc/ironport/fleet.yml --web.listen-address 127.0.0.1:10125",
            "ironport-exporter --web.external-url https://monitoring.example.edu/ironport --log.format json",
        ),
        log_level="info",
    ),
    Command(
        "check",
        "check the configuration and say everything that is wrong with it",
        _check,
        (_CONFIG_FILE,),
        ("ironport-exporter check --config.file fleet.yml",),
    ),
    Command(
        "probe",
        "probe one appliance and print its metrics",
        _probe,
        (
            _argument("name", metavar="NAME", help="the appliance, as the configuration calls it"),
            _CONFIG_FILE,
            _argument("--debug", action="store_true", help="tell first what each source did"),
            _argument(
                "--timeout",
                type=_seconds,
                default=DEFAULT_TIMEOUT,
                metavar="SECONDS",
                help="how long the probe may take (default: %(default)g)",
            ),
        ),
        ("ironport-exporter probe mx1", "ironport-exporter probe mx1 --debug --timeout 5"),
    ),
    Command(
        "sd",
        "print the fleet as targets for Prometheus' file_sd_configs",
        _sd,
        (
            _CONFIG_FILE,
            _argument(
                "--web.external-url",
                type=_external_url,
                default=f"http://localhost:{DEFAULT_PORT}",
                metavar="URL",
                help="where Prometheus reaches the exporter (default: %(default)s)",
            ),
        ),
        ("ironport-exporter sd --web.external-url http://exporter.example.edu:10125 > ironport.json",),
    ),
    Command(
        "simulate",
        "simulate a fleet that can be scraped and attacked",
        _simulate,
        (
            _argument(
                "--topology",
                metavar="NAME|FILE",
                help="the fleet: campus, mixed, pair, rings or a YAML file (default: campus)",
            ),
            _argument(
                "--units",
                type=_count_of_units,
                metavar="N",
                help="instead of a topology, so many equal units, for load",
            ),
            _argument(
                "--seed", type=_seed, default=1, metavar="N", help="another seed, another mail (default: %(default)s)"
            ),
            _argument(
                "--step",
                type=int,
                choices=(15, 20, 30, 60),
                help="seconds from one state of the fleet to the next (default: 15, with --backfill 60)",
            ),
            _argument(
                "--scenario",
                action="append",
                default=[],
                metavar="NAME[@+OFFSET][,KEY=VALUE]...",
                help="what befalls it, such as jabberer@+5m,unit=mx1; may be given more than once",
            ),
            _argument(
                "--snmp",
                choices=("v3", "v2c"),
                default="v3",
                help="the version of SNMP that the units speak (default: %(default)s)",
            ),
            _argument("--http", action="store_true", help="serve the status pages without TLS"),
            _argument(
                "--fleet.file",
                type=Path,
                metavar="FILE",
                help="where to write the matching fleet.yml (default: standard output)",
            ),
            _argument(
                "--web.listen-address",
                type=_listen_address,
                default="127.0.0.1:0",
                metavar="HOST:PORT",
                help="where to listen for the control, loopback only; 0 is any free port (default: %(default)s)",
            ),
            _argument(
                "--backfill",
                metavar="DURATION",
                help="instead write what Prometheus would have recorded in the time until now, such as 30d",
            ),
            _argument("--out", type=Path, metavar="DIR", help="the empty folder in which --backfill makes a database"),
            _argument("--all", action="store_true", help="backfill every metric, not those alone that anything reads"),
            _argument(
                "--rules", metavar="GLOB", help="rule files whose recorded series to backfill, 'rules/*.yml' say"
            ),
        ),
        (
            "ironport-exporter simulate --fleet.file fleet.yml --scenario jabberer@+5m",
            "ironport-exporter simulate --topology rings --scenario flood@+10m,size=2 --scenario raid-fault",
            "ironport-exporter simulate --units 200 --snmp v2c --http --fleet.file fleet.yml",
            "ironport-exporter simulate --backfill 30d --out data --scenario flood@+20d",
        ),
        log_level="info",
    ),
    Command(
        "demo",
        "show everything at work: a simulated fleet, the exporter, Prometheus and Alertmanager",
        _demo,
        (
            _argument("words", nargs="*", metavar="attack SCENARIO", help="start an attack in the demo that runs"),
            _argument(
                "--history",
                default="8d",
                metavar="DURATION",
                help="how much of the past Prometheus knows at the start, 0s for none (default: %(default)s)",
            ),
            _argument(
                "--state",
                type=Path,
                metavar="FILE",
                help="where to write what runs where, as JSON (default: demo.json in your folder for such state)",
            ),
        ),
        (
            "ironport-exporter demo",
            "ironport-exporter demo attack jabberer",
            "ironport-exporter demo attack flood,size=2",
        ),
    ),
    Command(
        "backtest",
        "tell what the alerts would have said: of simulated incidents, or of your own fleet's past",
        _backtest,
        (
            _argument(
                "--only", action="append", metavar="CASE", help="play this case only, * stands for anything; repeatable"
            ),
            _argument(
                "--seed", type=_seed, action="append", metavar="N", help="another seed, another mail; repeatable (1)"
            ),
            _argument(
                "--quiet-weeks", type=_weeks, metavar="N", help="play so many weeks besides in which nothing happens"
            ),
            _argument(
                "--topology", default="campus", metavar="NAME|FILE", help="the fleet of the quiet weeks (%(default)s)"
            ),
            _argument(
                "--step", type=int, choices=(15, 30, 60), default=60, help="seconds between samples (%(default)s)"
            ),
            _argument(
                "--drops",
                type=_share,
                default=0.0,
                metavar="SHARE",
                help="share of the SNMP probes that get lost, at least; 2 %% always do",
            ),
            _argument(
                "--prometheus",
                type=_prometheus,
                metavar="URL",
                help="instead of a simulation, the past that this Prometheus knows; may have user:password@",
            ),
            _argument(
                "--from",
                default="7d",
                metavar="TIME",
                help="where that past begins: how long ago, or a time such as 2026-03-11T10:00:00Z (%(default)s)",
            ),
            _argument("--to", default="0s", metavar="TIME", help="where it ends (%(default)s: now)"),
            _argument("--rules", metavar="GLOB", help="rule files, 'rules/*.yml' say; the project's own if not given"),
            _argument("--json", type=Path, metavar="FILE", help="where to write everything as JSON, too"),
        ),
        (
            "ironport-exporter backtest --only 'jabberer*' --seed 1 --seed 2",
            "ironport-exporter backtest --only '*quiet*' --quiet-weeks 5",
            "ironport-exporter backtest --prometheus http://localhost:9090 --from 7d --json backtest.json",
        ),
    ),
    Command(
        "schema",
        "print the JSON schema of the configuration, for editors",
        _schema,
        examples=("ironport-exporter schema > fleet.schema.json",),
    ),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ironport-exporter",
        description="Prometheus exporter for IronPort / Cisco Secure Email Gateway fleets.",
        epilog=_examples(example for command in COMMANDS for example in command.examples)
        + "\n\n`ironport-exporter COMMAND --help` lists the flags of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"ironport-exporter {__version__} (Python {platform.python_version()})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        _add(commands, command)
    return parser


def _add(commands: Any, command: Command) -> None:
    parser = commands.add_parser(
        command.name,
        help=command.summary,
        description=f"{command.summary[0].upper()}{command.summary[1:]}.",
        epilog=_examples(command.examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for argument in (*command.arguments, *_LOG):
        argument.add_to(parser)
    parser.set_defaults(run=command.run, log_level=command.log_level)


def _examples(lines: Iterable[str]) -> str:
    return "\n".join(["examples:", *(f"  {line}" for line in lines)])
