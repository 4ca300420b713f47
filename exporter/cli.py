"""The command line: `ironport-exporter [COMMAND] [FLAGS]`, with `serve` where no command is named.

A command imports its code when it runs, so that the exporter starts without what it does not need.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import math
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import click
import structlog
from click.core import ParameterSource

from exporter import DEFAULT_PORT, DEFAULT_TIMEOUT, __version__, log
from exporter.errors import ConfigError, ExporterError, RequestError, UsageError

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.probe import Result
    from exporter.web.discovery import BaseUrl

_PROGRAM: Final = "ironport-exporter"
_LISTEN: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})", re.ASCII)

_EXTRAS: Final = {"numpy": "demo", "exporter.lab": "demo"}
"""The extra of the distribution that installs a module; the container image has no exporter.lab."""

_NO_LABORATORY: Final = not all(find_spec(module) for module in _EXTRAS)
"""Whether commands that simulate cannot run; the help then does not list them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 all right, 1 something failed, 2 wrong usage, 130 interrupted."""
    try:
        return _run(arguments)
    except click.UsageError as error:
        _complain(f"{error.ctx.command_path if error.ctx else _PROGRAM}: error: {_usage_sentence(error)}")
        return 2
    except UsageError as error:
        _complain(f"{_PROGRAM}: error: {error}")
        return 2
    except ConfigError as error:
        _complain(*error.problems)
    except ExporterError as error:
        _complain(str(error))
    except BrokenPipeError:
        # Python flushes standard output once more at exit, and would complain that nobody reads it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.")
    except Exception as error:  # noqa: BLE001 - a trace says nothing to an operator
        structlog.get_logger().debug("unexpected error", exc_info=error)
        _complain(f"An unexpected error ended the command: {type(error).__name__}: {error}. Please report it.")
    return 1


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return int(cli.main(arguments, _PROGRAM, standalone_mode=False) or 0)
    finally:
        print(end="", flush=True)  # noqa: T201 - a reader that has gone is noticed here, not at exit


def _usage_sentence(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        return _no_such_flag(error)
    message = error.format_message()
    return f"{message} See '{error.ctx.command_path} --help'." if error.ctx else message


def _no_such_flag(error: click.NoSuchOption) -> str:
    """Suggest the flag that was meant, or the commands that have it."""
    if error.possibilities:
        return f"There is no flag {error.option_name}. Did you mean {error.possibilities[0]}?"
    owners = [
        name
        for name, command in cli.commands.items()
        if any(error.option_name in parameter.opts for parameter in command.params)
    ]
    where = f"It is a flag of {' and '.join(owners)}." if owners else "'--help' lists the flags."
    return f"There is no flag {error.option_name} here. {where}"


class Flag(click.Option):
    """A flag with dots in its name; its environment variable has the same name whatever the command.

    The value of `--config.file` is called config_file, and its variable is IRONPORT_EXPORTER_CONFIG_FILE.
    """

    def __init__(self, names: Sequence[str], **attributes: Any) -> None:
        word = re.sub(r"\W+", "_", names[0].lstrip("-"))
        own_name = [] if any(name.isidentifier() for name in names) else [word]
        attributes = {"show_default": True, **attributes}
        super().__init__([*names, *own_name], envvar=f"IRONPORT_EXPORTER_{word.upper()}", **attributes)


class LogLevel(click.Choice[str]):
    """The name of a level; `warn` is understood beside `warning`."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the level's name in full."""
        return super().convert("warning" if value == "warn" else value, param, ctx)


class Command(click.Command):
    """A command with examples in its help; it logs at `log_level` and above unless told otherwise."""

    def __init__(
        self, *arguments: Any, examples: Sequence[str], log_level: log.Level = "error", **attributes: Any
    ) -> None:
        super().__init__(*arguments, **attributes)
        self.examples = examples
        self.params += [
            Flag(
                ["--log.level"],
                type=LogLevel(log.LEVELS),
                default=log_level,
                help="Log messages of this level and above to standard error.",
            ),
            Flag(["--log.format"], type=click.Choice(log.FORMATS), default="logfmt", help="The format of the log."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Set up logging, then run the command."""
        log.setup(ctx.params.pop("log_format"), ctx.params.pop("log_level"))
        return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own."""
        _write_lines(formatter, "Examples", self.examples)


class Group(click.Group):
    """Commands, in the order of their definition; `default` runs where none is named.

    Flags may stand before the name of the command too: they are moved behind it.
    """

    ignore_unknown_options = True  # the command refuses what it does not know

    def __init__(self, *arguments: Any, default: str, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.default = default

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of definition."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring the name of the command to the front, `default` where there is none."""
        _, rest, given = self.make_parser(ctx).parse_args(list(args))
        if any(parameter.is_eager for parameter in given):  # --help and --version
            return super().parse_args(ctx, args)
        if rest and not rest[0].startswith("-"):
            before = args[: len(args) - len(rest)]
            return super().parse_args(ctx, [rest[0], *before, *rest[1:]])
        return super().parse_args(ctx, args if ctx.resilient_parsing else [self.default, *args])

    def make_parser(self, ctx: click.Context) -> Any:
        """Return a parser that knows which flags of the default command take a value."""
        parser = super().make_parser(ctx)
        if not ctx.resilient_parsing:
            for parameter in self._default_flags():
                parameter.add_to_parser(parser, ctx)
        return parser

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the group's own flags; completion offers those of the default command too."""
        own = super().get_params(ctx)
        return [*own, *self._default_flags()] if ctx.resilient_parsing else own

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a name that no command has gets a suggestion."""
        if args[0] in self.commands or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        close = difflib.get_close_matches(args[0], self.commands, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; SIGINT ends it with the exit code that a shell expects."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(130)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the flags of the default command."""
        super().format_options(ctx, formatter)
        records = [parameter.get_help_record(ctx) for parameter in self._default_flags()]
        with formatter.section(f"Flags of {self.default}"):
            formatter.write_dl([record for record in records if record])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first example of each command."""
        commands = (each for each in self.commands.values() if isinstance(each, Command) and not each.hidden)
        _write_lines(formatter, "Examples", [command.examples[0] for command in commands])
        super().format_epilog(ctx, formatter)

    def _default_flags(self) -> list[click.Parameter]:
        return self.commands[self.default].params


def _write_lines(formatter: click.HelpFormatter, heading: str, lines: Sequence[str]) -> None:
    with formatter.section(heading):
        for line in lines:
            formatter.write(f"  {line}\n")


def _listen_address(text: str) -> tuple[str, int]:
    parts = _LISTEN.fullmatch(text)
    if parts is None or int(parts["port"]) > 65535:
        raise click.BadParameter(
            f"{text!r} is not an address like :{DEFAULT_PORT}, 127.0.0.1:{DEFAULT_PORT} or [::1]:{DEFAULT_PORT}."
        )
    return parts["v6"] or parts["host"], int(parts["port"])


def _external_url(text: str) -> BaseUrl:
    from exporter.web.discovery import BaseUrl

    try:
        return BaseUrl.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _route_prefix(text: str) -> str:
    from exporter.web.settings import parse_route_prefix

    try:
        return parse_route_prefix(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _prometheus_url(text: str) -> str:
    """Return the URL of a Prometheus; the error does not repeat it, because it may have a password."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise click.BadParameter("it is not a URL like http://localhost:9090 or https://user:password@host/prefix.")
    return text.rstrip("/")


def _decimal(what: str, highest: float) -> Callable[[str], float]:
    """Return the type of a number from 0 to `highest`; infinity itself is never one."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not (0 <= number <= highest and number < math.inf):
            raise click.BadParameter(f"{text!r} is not {what}.")
        return number

    return convert


def _whole(what: str, lowest: int, highest: int) -> Callable[[str], int]:
    """Return the type of a whole number from `lowest` to `highest`."""

    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(text) <= highest):
            raise click.BadParameter(f"{text!r} is not {what}.")
        return int(text)

    return convert


_PATH: Final = click.Path(path_type=Path)
_SECONDS: Final = _decimal("a number of seconds, 0 or more", math.inf)
_SEED: Final = _whole("a whole number, 0 or more", 0, 2**63 - 1)
_UNITS: Final = _whole("a number of units from 1 to 5000", 1, 5000)

_config_file: Final = click.option(
    "--config.file",
    cls=Flag,
    type=_PATH,
    multiple=True,
    default=[Path("fleet.yml")],
    metavar="FILE|FOLDER",
    help="The configuration of the fleet. May be repeated; a folder stands for its *.yml and *.yaml files.",
)
_topology: Final = click.option(
    "--topology",
    cls=Flag,
    metavar="NAME|FILE",
    default="campus",
    help="The fleet to simulate: campus, mixed, pair, rings, or a YAML file.",
)
_units: Final = click.option(
    "--units",
    cls=Flag,
    type=_UNITS,
    metavar="N",
    help="Simulate N equal units instead of a topology, to test the load.",
)
_seed: Final = click.option(
    "--seed",
    cls=Flag,
    type=_SEED,
    default="1",
    metavar="N",
    help="The seed of the simulated mail. The same seed gives the same mail.",
)
_scenario: Final = click.option(
    "--scenario",
    "scenarios",
    cls=Flag,
    multiple=True,
    metavar="NAME[@+OFFSET][,KEY=VALUE]...",
    help="An incident to simulate, for example jabberer@+5m,unit=mx1. May be repeated.",
)
_rules: Final = click.option(
    "--rules",
    cls=Flag,
    metavar="GLOB",
    help="The rule files to evaluate, for example 'rules/*.yml'.",
)


@click.group(
    cls=Group,
    default="serve",
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
    epilog=(
        "Each flag can also be set by an environment variable, for example --config.file by "
        "IRONPORT_EXPORTER_CONFIG_FILE. COMMAND --help lists the flags of a command."
    ),
)
@click.version_option(__version__, message=f"%(prog)s %(version)s (Python {platform.python_version()})")
def cli() -> None:
    """Prometheus exporter for IronPort / Cisco Secure Email Gateway fleets."""


@cli.command(
    cls=Command,
    log_level="info",
    examples=(
        "ironport-exporter",
        "ironport-exporter serve --config.file /etc/ironport/fleet.yml --web.listen-address 127.0.0.1:10125",
        "ironport-exporter --web.external-url https://monitoring.example.edu/ironport --log.format json",
    ),
)
@_config_file
@click.option(
    "--config.auto-reload",
    cls=Flag,
    is_flag=True,
    help="Reload the configuration when one of its files, secrets or certificates changes.",
)
@click.option(
    "--web.listen-address",
    cls=Flag,
    type=_listen_address,
    multiple=True,
    default=[f":{DEFAULT_PORT}"],
    metavar="[HOST]:PORT",
    help="The address to listen on; without a host, every interface. May be repeated.",
)
@click.option(
    "--web.external-url",
    cls=Flag,
    type=_external_url,
    metavar="URL",
    help="The URL under which Prometheus reaches the exporter, for example behind a proxy. By default it is taken "
    "from each request for /sd.",
)
@click.option(
    "--web.route-prefix",
    cls=Flag,
    type=_route_prefix,
    metavar="PATH",
    help="The path before all paths, such as /ironport. By default that of --web.external-url; give / if a proxy "
    "removes it.",
)
@click.option(
    "--timeout-offset",
    cls=Flag,
    type=_SECONDS,
    default=0.5,
    metavar="SECONDS",
    help="A probe answers this much earlier than Prometheus' scrape timeout.",
)
def serve(
    config_file: tuple[Path, ...],
    config_auto_reload: bool,
    web_listen_address: tuple[tuple[str, int], ...],
    web_external_url: BaseUrl | None,
    web_route_prefix: str | None,
    timeout_offset: float,
) -> int:
    """Run the exporter (default)."""
    from exporter.web import server
    from exporter.web.settings import ListenAddress, ServerSettings

    settings = ServerSettings(
        config_files=config_file,
        listen_addresses=tuple(ListenAddress(host, port) for host, port in web_listen_address),
        timeout_offset=timeout_offset,
        external_url=web_external_url,
        route_prefix=web_route_prefix,
        auto_reload=config_auto_reload,
    )
    asyncio.run(server.serve(settings))
    structlog.get_logger().info("stopped")
    return 0


@cli.command(cls=Command, examples=("ironport-exporter check --config.file fleet.yml",))
@_config_file
def check(config_file: tuple[Path, ...]) -> int:
    """Check the configuration and print every fault in it."""
    from exporter import config

    loaded = config.load(*config_file)
    if loaded.unfilled:
        raise ConfigError(list(loaded.unfilled))
    appliances, files = loaded.appliances.values(), " and ".join(map(str, config_file))
    pools = len({appliance.pool for appliance in appliances})
    _print(f"{files} is all right: {_count(len(appliances), 'appliance')} in {_count(pools, 'pool')}.")
    return 0


@cli.command(cls=Command, examples=("ironport-exporter probe mx1", "ironport-exporter probe mx1 --debug --timeout 5"))
@click.argument("name")
@_config_file
@click.option("--debug", cls=Flag, is_flag=True, help="First print what each source did.")
@click.option(
    "--timeout",
    cls=Flag,
    type=_SECONDS,
    default=DEFAULT_TIMEOUT,
    metavar="SECONDS",
    help="The time that the probe may take.",
)
def probe(name: str, config_file: tuple[Path, ...], debug: bool, timeout: float) -> int:
    """Probe one appliance and print its metrics.

    NAME is the name of the appliance in the configuration.
    """
    from exporter import config
    from exporter.probe_debug import debug_output

    loaded = config.load(*config_file)
    result = asyncio.run(_probe_once(loaded, name, timeout))
    if debug:
        _print(debug_output(loaded.appliances[name], result))
    else:
        _print(result.exposition.text().decode())
        _complain(*(f"{reading.source}: {error}" for reading in result.readings for error in reading.errors))
    return 0 if result.success else 1


async def _probe_once(loaded: Config, name: str, timeout: float) -> Result:  # noqa: ASYNC109 - the probe's own
    from exporter.fleet import Fleet
    from exporter.telemetry import Telemetry

    fleet = Fleet(loaded, Telemetry())
    try:
        return await fleet.prober(name).probe(timeout)
    finally:
        await fleet.close()


@cli.command(
    cls=Command,
    examples=("ironport-exporter sd --web.external-url http://exporter.example.edu:10125 > ironport.json",),
)
@_config_file
@click.option(
    "--web.external-url",
    cls=Flag,
    type=_external_url,
    default=f"http://localhost:{DEFAULT_PORT}",
    metavar="URL",
    help="The URL under which Prometheus reaches the exporter.",
)
def sd(config_file: tuple[Path, ...], web_external_url: BaseUrl) -> int:
    """Print the fleet as targets for Prometheus' file_sd_configs."""
    from exporter import config
    from exporter.web import discovery

    _print(json.dumps(discovery.groups(config.load(*config_file), web_external_url), indent=2))
    return 0


@cli.command(cls=Command, examples=("ironport-exporter schema > fleet.schema.json",))
def schema() -> int:
    """Print the JSON schema of the configuration, for editors."""
    from exporter import config

    _print(json.dumps(config.schema(), indent=2))
    return 0


@cli.command(
    cls=Command,
    hidden=_NO_LABORATORY,
    log_level="info",
    examples=(
        "ironport-exporter simulate --fleet.file fleet.yml --scenario jabberer@+5m",
        "ironport-exporter simulate --topology rings --scenario flood@+10m,size=2 --scenario raid-fault",
        "ironport-exporter simulate --units 200 --snmp v2c --http --fleet.file fleet.yml",
    ),
)
@_topology
@_units
@_seed
@click.option(
    "--step",
    cls=Flag,
    type=click.Choice([15, 20, 30, 60]),
    default=15,
    help="The seconds from one state of the fleet to the next.",
)
@_scenario
@click.option(
    "--snmp", cls=Flag, type=click.Choice(["v3", "v2c"]), default="v3", help="The version of SNMP that the units speak."
)
@click.option("--http", cls=Flag, is_flag=True, help="Serve the status pages without TLS.")
@click.option(
    "--fleet.file",
    cls=Flag,
    type=_PATH,
    metavar="FILE",
    help="The file to which the matching fleet.yml is written; by default it is printed.",
)
@click.option(
    "--web.listen-address",
    cls=Flag,
    type=_listen_address,
    default="127.0.0.1:0",
    metavar="HOST:PORT",
    help="The loopback address of the page that controls the fleet. Port 0 is any free port.",
)
def simulate(
    topology: str,
    units: int | None,
    seed: int,
    step: int,
    scenarios: tuple[str, ...],
    snmp: Literal["v3", "v2c"],
    http: bool,
    fleet_file: Path | None,
    web_listen_address: tuple[str, int],
) -> int:
    """Simulate a fleet that can be scraped and attacked."""
    _refuse_topology_beside_units(units)
    with _laboratory():
        from exporter.lab.simulator import command

        return command.simulate(
            command.fleet(topology, units),
            seed=seed,
            step=step,
            scenarios=scenarios,
            snmp=snmp,
            https=not http,
            fleet_file=fleet_file,
            address=web_listen_address,
        )


@cli.command(
    cls=Command,
    hidden=_NO_LABORATORY,
    examples=(
        "ironport-exporter backfill --last 30d --out data --scenario flood@+20d",
        "ironport-exporter backfill --last 8d --out data --rules 'alerts/rules/*.yml'",
    ),
)
@click.option("--last", cls=Flag, required=True, metavar="DURATION", help="How much history to write, for example 30d.")
@click.option(
    "--out", cls=Flag, type=_PATH, required=True, metavar="DIR", help="An empty or new folder for the database."
)
@_topology
@_units
@_seed
@click.option(
    "--step", cls=Flag, type=click.Choice([15, 20, 30, 60]), default=60, help="The seconds between two samples."
)
@_scenario
@click.option(
    "--all",
    "every_metric",
    cls=Flag,
    is_flag=True,
    help="Write every metric. By default only those that rules or dashboards read are written.",
)
@_rules
def backfill(
    last: str,
    out: Path,
    topology: str,
    units: int | None,
    seed: int,
    step: int,
    scenarios: tuple[str, ...],
    every_metric: bool,
    rules: str | None,
) -> int:
    """Write simulated history as a Prometheus database.

    The history ends now. The offset of a scenario counts from the beginning of the history.
    """
    _refuse_topology_beside_units(units)
    with _laboratory():
        from exporter.lab.history import command as history
        from exporter.lab.simulator import command as simulator

        return history.write(
            simulator.fleet(topology, units),
            last=last,
            out=out,
            seed=seed,
            step=step,
            scenarios=scenarios,
            every_metric=every_metric,
            rules=rules,
        )


@cli.group(cls=Group, default="start", hidden=_NO_LABORATORY)
def demo() -> None:
    """Show everything at work on this machine.

    The demo starts a simulated fleet, the exporter, Prometheus and Alertmanager.
    """


_state: Final = click.option(
    "--state",
    cls=Flag,
    type=_PATH,
    metavar="FILE",
    help="The file in which the running demo keeps its addresses, as JSON.",
)


@demo.command(cls=Command, examples=("ironport-exporter demo", "ironport-exporter demo --history 0s"))
@click.option(
    "--history",
    cls=Flag,
    default="8d",
    metavar="DURATION",
    help="The length of the simulated history that Prometheus has at the start; 0s for none.",
)
@_state
def start(history: str, state: Path | None) -> int:
    """Start the demo (default)."""
    with _laboratory():
        from exporter.lab import demo

        return demo.start(history, state)


@demo.command(
    cls=Command, examples=("ironport-exporter demo attack jabberer", "ironport-exporter demo attack flood,size=2")
)
@click.argument("scenario")
@_state
def attack(scenario: str, state: Path | None) -> int:
    """Start the attack SCENARIO in the demo that runs."""
    with _laboratory():
        from exporter.lab import demo

        return demo.attack(scenario, state)


@cli.command(
    cls=Command,
    hidden=_NO_LABORATORY,
    examples=(
        "ironport-exporter backtest --only 'jabberer*' --seed 1 --seed 2",
        "ironport-exporter backtest --only '*quiet*' --quiet-weeks 5",
        "ironport-exporter backtest --prometheus http://localhost:9090 --from 7d --json backtest.json",
    ),
)
@click.option(
    "--only", cls=Flag, multiple=True, metavar="CASE", help="Play only this case; * is a wildcard. May be repeated."
)
@click.option(
    "--seed",
    "seeds",
    cls=Flag,
    type=_SEED,
    default=["1"],
    multiple=True,
    metavar="N",
    help="The seed of the simulated mail. May be repeated.",
)
@click.option(
    "--quiet-weeks",
    cls=Flag,
    type=_whole("a number of weeks from 1 to 520", 1, 520),
    metavar="N",
    help="Also play N weeks in which nothing happens.",
)
@_topology
@click.option(
    "--drops",
    cls=Flag,
    type=_decimal("a share from 0 to 1", 1),
    default=0.0,
    metavar="SHARE",
    help="The share of SNMP requests that are lost. At least 0.02 of them are always lost.",
)
@click.option(
    "--prometheus",
    cls=Flag,
    type=_prometheus_url,
    metavar="URL",
    help="Read the history of your own fleet from this Prometheus instead of simulating one. The URL may have "
    "user:password@.",
)
@click.option(
    "--from",
    "begin",
    cls=Flag,
    default="7d",
    metavar="TIME",
    help="The begin of that history: how long ago, or a time such as 2026-03-11T10:00:00Z.",
)
@click.option("--to", "end", cls=Flag, default="0s", metavar="TIME", help="The end of that history.")
@click.option("--step", cls=Flag, type=click.Choice([15, 30, 60]), default=60, help="The seconds between two samples.")
@_rules
@click.option("--json", "json_file", cls=Flag, type=_PATH, metavar="FILE", help="Also write the results as JSON.")
def backtest(
    only: tuple[str, ...],
    seeds: tuple[int, ...],
    quiet_weeks: int | None,
    topology: str,
    drops: float,
    prometheus: str | None,
    begin: str,
    end: str,
    step: int,
    rules: str | None,
    json_file: Path | None,
) -> int:
    """Show what the alerts would have done.

    They are tried on simulated incidents, or on the history of your own fleet.
    """
    with _laboratory():
        if prometheus:
            _refuse("only", "seeds", "quiet_weeks", "topology", "drops", reason="with --prometheus")
            from exporter.lab.backtest import past

            return past.backtest(prometheus, begin=begin, end=end, step=step, rules=rules, json_file=json_file)
        _refuse("begin", "end", reason="without --prometheus")
        if quiet_weeks is None:
            _refuse("topology", reason="without --quiet-weeks")
        from exporter.lab.backtest import command

        return command.backtest(
            only or ("*",),
            seeds=seeds,
            quiet_weeks=quiet_weeks,
            topology=topology,
            drops=drops,
            step=step,
            rules=rules,
            json_file=json_file,
        )


def _refuse(*names: str, reason: str) -> None:
    """Raise UsageError if one of these flags is on the command line, where it would have no effect."""
    context = click.get_current_context()
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in names and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise UsageError(f"{', '.join(given)} {'has' if len(given) == 1 else 'have'} no effect {reason}. Leave it out.")


def _refuse_topology_beside_units(units: int | None) -> None:
    if units is not None:
        _refuse("topology", reason="with --units")


@contextmanager
def _laboratory() -> Iterator[None]:
    """Name the extra that a command misses; what a simulation cannot do is wrong usage."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        extra = f"pip install 'ironport-exporter[{_EXTRAS[error.name]}]'"
        raise ExporterError(f"This command needs {error.name}. Install it with: {extra}") from error
    except ConfigError as error:
        raise UsageError(" ".join(error.problems)) from error
    except RequestError as error:
        raise UsageError(str(error)) from error


def _print(text: str) -> None:
    print(text.removesuffix("\n"))  # noqa: T201 - what the command is for


def _complain(*sentences: str) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr)  # noqa: T201 - what the operator must read


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
