"""The command line: `ironport-exporter [COMMAND] [FLAGS]`, with `serve` where no command is named.

A command imports its code when it runs, so that the exporter starts without what it does not need.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import click

from exporter import DEFAULT_PORT, DEFAULT_TIMEOUT, LONGEST_TIMEOUT, REVISION, __version__
from exporter.command_line import (
    Command,
    CommandGroup,
    Decorated,
    OrderedCommand,
    decimal,
    external_url,
    flag,
    in_order,
    label,
    list_flag,
    listen_address,
    mail_flags,
    network,
    prometheus_flags,
    refuse,
    route_prefix,
    timezone_flag,
    web_url,
    whole,
)
from exporter.errors import ConfigError, ExporterError, RequestError, UsageError, raised_at

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network
    from zoneinfo import ZoneInfo

    from exporter.config import Appliance, Config
    from exporter.fleet import Fleet
    from exporter.probe import Prober, Result
    from exporter.prometheus.client import Prometheus
    from exporter.report.mail import Outbox
    from exporter.web.discovery import BaseUrl

_PROGRAM: Final = "ironport-exporter"

_LABORATORY_MODULES: Final = ("numpy", "exporter.lab")
"""The optional packages `demo`, and our own package, which the container image does not have."""

_NO_LABORATORY: Final = not all(find_spec(module) for module in _LABORATORY_MODULES)
"""Whether commands that simulate cannot run; the help then does not list them."""


_REPORT_MODULES: Final = ("jinja2", "markupsafe")
"""The optional packages `report`."""

_NO_REPORTS: Final = not all(find_spec(module) for module in _REPORT_MODULES)


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
        import structlog

        structlog.get_logger().debug("unexpected error", exc_info=error)
        _complain(
            f"An unexpected error ended the command: {raised_at(error)}."
            " Please report it in the project's issue tracker."
        )
    return 1


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return int(cli.main(arguments, _PROGRAM, standalone_mode=False) or 0)
    finally:
        print(end="", flush=True)  # noqa: T201 - a reader that has gone is noticed here, not at exit


def _usage_sentence(error: click.UsageError) -> str:
    match error:
        case click.NoSuchOption():
            return _no_such_flag(error)
        case click.MissingParameter(param=click.Option() as parameter):
            message = f"The flag {parameter.opts[0]} is missing."
        case click.MissingParameter(param=click.Argument() as parameter):
            message = f"The argument {parameter.human_readable_name} is missing."
        case click.BadOptionUsage():
            message = f"The flag {error.option_name} needs a value."
        case _:
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
    where = f"It is a flag of {_listed(owners)}." if owners else "'--help' lists the flags."
    return f"There is no flag {error.option_name} here. {where}"


_PATH: Final = click.Path(path_type=Path)
_SECONDS: Final = decimal(f"a number of seconds from 0 to {LONGEST_TIMEOUT:g}", LONGEST_TIMEOUT)
_SEED: Final = whole("a whole number, 0 or more", 0, 2**63 - 1)
_PORT: Final = whole("a port from 1 to 65535", 1, 65535)
_UNITS: Final = whole("a number of units from 1 to 5000", 1, 5000)


def _complete_scenario(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    try:
        from exporter.lab.simulator.scenarios import SCENARIOS
    except ModuleNotFoundError:  # the optional packages are not installed
        return []
    return [name for name in SCENARIOS if name.startswith(incomplete)]


def _list_scenarios() -> str:
    with _laboratory():
        from exporter.lab.simulator import command

        return command.scenario_list()


def _list_cases() -> str:
    with _laboratory():
        from exporter.lab.backtest.cases import CASES

        return "\n".join(case.name for case in CASES)


def _config_file_flag(text: str) -> Callable[[Decorated], Decorated]:
    """Return the decorator that gives a command the files of its fleet; `text` begins the help."""
    return flag(
        "--config.file",
        type=_PATH,
        multiple=True,
        default=[Path("fleet.yml")],
        metavar="FILE|FOLDER",
        help=f"{text} May be repeated. A folder means all its *.yml and *.yaml files.",
    )


_config_file: Final = _config_file_flag("The configuration of the fleet.")
_WEB_CONFIG: Final = "TLS, users, headers and a rate limit for the port, in the format of Prometheus' exporters."
_timeout_flag: Final = partial(flag, "--timeout", type=_SECONDS, default=f"{DEFAULT_TIMEOUT:g}", metavar="SECONDS")
_topology: Final = flag(
    "--topology",
    metavar="NAME|FILE",
    default="campus",
    help="The fleet to simulate: campus, mixed, pair, rings, trio, or a YAML file. `simulate --list` describes them.",
)
_units: Final = flag(
    "--units",
    type=_UNITS,
    metavar="N",
    help="Simulate N equal units instead of a topology, for a load test.",
)
_fleet_file: Final = flag(
    "--fleet.file",
    type=_PATH,
    metavar="FILE",
    help="Write the matching fleet.yml to this file. By default, the command prints it.",
)
_seed: Final = flag(
    "--seed",
    type=_SEED,
    default="1",
    metavar="N",
    help="The seed of the simulated mail. The same seed gives the same mail.",
)
_bursty: Final = flag(
    "--bursty",
    is_flag=True,
    help="Make the mail less even, like real mail: it comes in bursts, which the units can handle. The clocks of the "
    "units also differ, each unit's share of the mail changes slowly, and a small destination is always down.",
)
_scenario: Final = flag(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME[@+OFFSET][,PARAMETER=VALUE]...",
    help="An incident to simulate. For example, jabberer@+5m,unit=mx1 begins 5 minutes after the start of the "
    "simulation. May be repeated. `simulate --list` lists the scenarios and their parameters.",
    shell_complete=_complete_scenario,
)


@click.group(
    cls=CommandGroup,
    default="serve",
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
    notes={
        "Environment variables": (
            "A flag that is not on the command line is read from its environment variable,",
            "for example --config.file from IRONPORT_EXPORTER_CONFIG_FILE.",
            "If the flag may be repeated, separate the values with spaces. Separate file names with colons.",
        ),
        "Completion in your shell": (
            'bash: eval "$(_IRONPORT_EXPORTER_COMPLETE=bash_source ironport-exporter)"',
            'zsh:  eval "$(_IRONPORT_EXPORTER_COMPLETE=zsh_source ironport-exporter)"',
            "fish: _IRONPORT_EXPORTER_COMPLETE=fish_source ironport-exporter | source",
        ),
    },
)
@click.version_option(
    __version__, message=f"%(prog)s %(version)s (revision {REVISION}, Python {platform.python_version()})"
)
def cli() -> None:
    """Prometheus exporter for IronPort / Cisco Secure Email Gateway fleets.

    COMMAND --help lists the flags of a command. Write flags after the command. A flag that the command and `serve` both
    have, such as --config.file, may also stand before the command.
    """


@cli.command(
    "serve",
    cls=Command,
    log_level="info",
    examples=(
        "ironport-exporter",
        "ironport-exporter serve --config.file /etc/ironport-exporter/fleet.yml --web.listen-address 127.0.0.1:10125",
        "ironport-exporter --web.external-url https://monitoring.example.edu/ironport --log.format json",
    ),
)
@_config_file
@flag(
    "--config.auto-reload",
    is_flag=True,
    help="Reload the configuration when one of its files, secrets or certificates changes.",
)
@flag(
    "--web.listen-address",
    type=listen_address,
    multiple=True,
    default=[f":{DEFAULT_PORT}"],
    metavar="[HOST]:PORT",
    help="The address to listen on. Without HOST, the exporter listens on every interface. May be repeated.",
)
@flag(
    "--web.systemd-socket",
    is_flag=True,
    help="Listen on the sockets that systemd passes (socket activation), not on --web.listen-address.",
)
@flag("--web.config.file", type=_PATH, metavar="FILE", help=_WEB_CONFIG)
@flag(
    "--web.external-url",
    type=external_url,
    metavar="URL",
    help="The URL under which Prometheus reaches the exporter, for example behind a proxy. By default it is taken "
    "from each request for /sd.",
)
@flag(
    "--web.route-prefix",
    type=route_prefix,
    metavar="PATH",
    help="Serve everything below this path, for example /ironport. By default it is the path of "
    "--web.external-url. Set / if your proxy removes that path.",
)
@flag(
    "--web.trusted-proxy",
    type=network,
    multiple=True,
    metavar="NETWORK",
    help="The address of a reverse proxy, or the network of several, such as 127.0.0.1 or 10.0.0.0/8. The exporter "
    "trusts the headers X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host from these. May be repeated.",
)
@flag(
    "--timeout-offset",
    type=_SECONDS,
    default=0.5,
    metavar="SECONDS",
    help="A probe ends this many seconds before Prometheus' scrape timeout.",
)
def _serve(
    config_file: tuple[Path, ...],
    config_auto_reload: bool,
    web_listen_address: tuple[tuple[str, int], ...],
    web_systemd_socket: bool,
    web_config_file: Path | None,
    web_external_url: BaseUrl | None,
    web_route_prefix: str | None,
    web_trusted_proxy: tuple[IPv4Network | IPv6Network, ...],
    timeout_offset: float,
) -> int:
    """Run the exporter (default)."""
    import asyncio

    import structlog

    with _no_trusted_certificates():
        from exporter.web import server
    from exporter.web.settings import ListenAddress, ServerSettings

    if web_systemd_socket:
        refuse("web_listen_address", reason="with --web.systemd-socket")
    settings = ServerSettings(
        config_files=config_file,
        listen_addresses=tuple(ListenAddress(host, port) for host, port in web_listen_address),
        timeout_offset=timeout_offset,
        external_url=web_external_url,
        route_prefix=web_route_prefix,
        trusted_proxies=web_trusted_proxy,
        auto_reload=config_auto_reload,
        systemd_socket=web_systemd_socket,
        web_config_file=web_config_file,
    )
    asyncio.run(server.serve(settings))
    structlog.get_logger().info("stopped")
    return 0


@contextmanager
def _no_trusted_certificates() -> Iterator[None]:
    """Let OpenSSL find no certificates to trust.

    aiohttp reads them when it is imported, for requests without a TLS context. `serve` makes no such request: reading
    them would take 30 to 50 ms of its start, and 2 MB.
    """
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # OpenSSL reads these variables
    given = {name: os.environ[name] for name in names if name in os.environ}
    os.environ |= dict.fromkeys(names, os.devnull)
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ |= given


@cli.command(
    "init",
    cls=Command,
    examples=(
        "ironport-exporter init",
        "ironport-exporter init --appliance mx1.example.edu --snmp.passphrase-file snmp_auth --xml.username monitor "
        "--xml.password-file xml_password --xml.pin",
    ),
)
@flag(
    "--appliance",
    "appliances",
    multiple=True,
    metavar="[NAME=]ADDRESS",
    help="The host name or IP address of an appliance, and the name that you give it. May be repeated.",
)
@flag(
    "--snmp.passphrase-file",
    type=_PATH,
    metavar="FILE",
    help="A file with the authentication passphrase of the SNMPv3 user v3get.",
)
@flag(
    "--snmp.privacy-passphrase-file",
    type=_PATH,
    metavar="FILE",
    help="A file with the privacy passphrase of this user, if there is one. Needs --snmp.passphrase-file.",
)
@flag("--snmp.community-file", type=_PATH, metavar="FILE", help="A file with the community, for SNMP v2c.")
@flag(
    "--snmp.auth-protocol",
    type=click.Choice(["MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"]),
    default="SHA",
    help="The authentication protocol of SNMPv3.",
)
@flag(
    "--snmp.priv-protocol",
    type=click.Choice(["DES", "AES", "AES192", "AES256", "AES192C", "AES256C"]),
    default="AES",
    help="The privacy protocol of SNMPv3.",
)
@flag("--snmp.port", type=_PORT, metavar="PORT", help="The UDP port of SNMP, by default 161.")
@flag("--xml.username", metavar="NAME", help="The user who may read the status page.")
@flag("--xml.password-file", type=_PATH, metavar="FILE", help="A file with the password of that user.")
@flag(
    "--xml.scheme",
    type=click.Choice(["https", "http"]),
    help="The scheme of the status page, by default https. http sends the password unencrypted.",
)
@flag(
    "--xml.port", type=_PORT, metavar="PORT", help="The TCP port of the status page, by default 443, or 80 with http."
)
@flag(
    "--xml.ca-file",
    type=_PATH,
    metavar="FILE",
    help="PEM certificates to trust, instead of those that this machine trusts.",
)
@flag(
    "--xml.pin",
    is_flag=True,
    help="Pin the certificate that each appliance shows, if this machine does not trust it. Without this flag, the "
    "command asks you, and shows the fingerprint.",
)
@flag("--out", type=_PATH, default=Path("fleet.yml"), metavar="FILE", help="The file to write.")
@flag("--overwrite", is_flag=True, help="Replace the file, and the files of its secrets, if they exist.")
@flag("--untried", is_flag=True, help="Do not try the answers on the appliances.")
@_timeout_flag(help="The time that a probe may take.")
def _init(
    out: Path,
    overwrite: bool,
    untried: bool,
    snmp_port: int | None,
    xml_scheme: str | None,
    xml_port: int | None,
    xml_ca_file: Path | None,
    **answers: Any,
) -> int:
    """Make the first fleet.yml from five answers.

    The command asks for every answer that you do not give as a flag, and tries each answer on the appliances. It writes
    secrets to files that only you can read, in the folder `secrets` beside fleet.yml. If a secret is in a file
    already, fleet.yml names this file.
    """
    from exporter.init.command import InitFlags, make_fleet, refuse_existing

    ca_file = {"ca_file": str(xml_ca_file.resolve())} if xml_ca_file else None
    xml = {"scheme": xml_scheme, "port": xml_port, "tls": ca_file}
    settings = {
        source: {key: value for key, value in keys.items() if value}
        for source, keys in (("snmp", {"port": snmp_port}), ("xml", xml))
    }
    flags = InitFlags(settings=settings, tried=not untried, **answers)
    if not overwrite:
        refuse_existing(out, flags)
    return 0 if make_fleet(flags, out, on_terminal=sys.stdin.isatty()) else 1


@cli.command(
    "check",
    cls=Command,
    examples=(
        "ironport-exporter check --config.file fleet.yml",
        "ironport-exporter check --config.file fleet.yml --web.config.file web.yml",
        "ironport-exporter check --alertmanager.config.file /etc/prometheus/alertmanager.yml",
        "ironport-exporter check --live",
    ),
)
@_config_file
@flag("--web.config.file", type=_PATH, metavar="FILE", help=f"Also check this file: {_WEB_CONFIG}")
@flag(
    "--alertmanager.config.file",
    type=_PATH,
    metavar="FILE",
    help="Also check that Alertmanager does not send its mail through an appliance of the fleet. To check the rest of "
    "this file, use Alertmanager's program amtool.",
)
@flag(
    "--live",
    is_flag=True,
    help="Also probe every appliance once, and print what to do for each fault.",
)
@_timeout_flag(help="With --live: the time that a probe may take.")
def _check(
    config_file: tuple[Path, ...],
    web_config_file: Path | None,
    alertmanager_config_file: Path | None,
    live: bool,
    timeout: float,
) -> int:
    """Check the configuration and print every fault in it."""
    from exporter import config
    from exporter.smarthosts import alertmanager_problems
    from exporter.web.web_config import try_load_web_config

    if not live:
        refuse("timeout", reason="without --live")

    loaded = config.try_load(*config_file)
    web = try_load_web_config(web_config_file)
    problems = loaded.problems + web.problems
    if loaded.config is None or problems:
        raise ConfigError(problems)
    if loaded.config.unfilled:
        raise ConfigError(list(loaded.config.unfilled))
    if alertmanager_config_file and (problems := alertmanager_problems(alertmanager_config_file, loaded.config.hosts)):
        raise ConfigError(problems)
    _complain(*(f"Notice: {sentence}" for sentence in (*loaded.config.notices, *web.notices)))
    appliances = loaded.config.appliances.values()
    pools = len({appliance.pool for appliance in appliances})
    files = [str(file) for file in (*config_file, web_config_file, alertmanager_config_file) if file]
    are = "is" if len(files) == 1 else "are"
    targets = ", and targets beyond the list" if loaded.config.target_template else ""
    fleet = f"{_count(len(appliances), 'appliance')} in {_count(pools, 'pool')}{targets}"
    _print(f"{_listed(files)} {are} all right: {fleet}.")
    return _check_live(loaded.config, timeout) if live else 0


def _check_live(loaded: Config, timeout: float) -> int:
    import asyncio

    from exporter.first_contact import first_contact, probe_all
    from exporter.prometheus import progress

    results = asyncio.run(probe_all(loaded, timeout, progress.show))
    _print("\n" + first_contact(loaded, results))
    return 0 if all(result.complete for result in results.values()) else 1


@cli.command(
    "probe",
    cls=Command,
    examples=(
        "ironport-exporter probe mx1",
        "ironport-exporter probe mx1 --debug --timeout 5",
    ),
)
@click.argument("name")
@_config_file
@flag("--debug", is_flag=True, help="Before the metrics, print what each source did.")
@_timeout_flag(help="The time that the probe may take.")
def _probe(name: str, config_file: tuple[Path, ...], debug: bool, timeout: float) -> int:
    """Probe one appliance and print its metrics.

    NAME is the name of the appliance in the configuration.
    """
    import asyncio

    from exporter import config
    from exporter.probe_debug import debug_output

    appliance, result = asyncio.run(_probe_once(config.load(*config_file), name, timeout))
    if debug:
        _print(debug_output(appliance, result))
    else:
        _print(result.exposition.text().decode())
        _complain(*(f"{reading.source}: {error}" for reading in result.readings for error in reading.errors))
    return 0 if result.success else 1


async def _probe_once(loaded: Config, name: str, timeout: float) -> tuple[Appliance, Result]:  # noqa: ASYNC109 - the probe's own
    from exporter.fleet import Fleet
    from exporter.telemetry import Telemetry

    fleet = Fleet(loaded, Telemetry())
    try:
        prober = _known(fleet, name)
        return prober.appliance, await prober.probe(timeout)
    finally:
        await fleet.close()


def _known(fleet: Fleet, name: str) -> Prober:
    prober = fleet.prober(name)
    if prober is None:
        raise RequestError(fleet.unknown(name))
    return prober


@cli.command(
    "capture",
    cls=Command,
    examples=(
        "ironport-exporter capture mx1 --show",
        "ironport-exporter capture mx1 --out mx1.capture",
    ),
)
@click.argument("name")
@_config_file
@flag("--out", type=_PATH, metavar="FILE", help="Write the capture to this file. Give --out, --show or both.")
@flag("--show", is_flag=True, help="Print the capture.")
def _capture(name: str, config_file: tuple[Path, ...], out: Path | None, show: bool) -> int:
    """Record the answers of one appliance, for a bug report.

    The command puts placeholders in place of names, addresses, serial numbers, domains, and long strings that
    may be secret keys. It lists what it replaced. Read the capture before you send it: some names may remain.

    NAME is the name of the appliance in the configuration.
    """
    from exporter import config
    from exporter.capture.command import captured, write_capture
    from exporter.fleet import Fleet
    from exporter.telemetry import Telemetry

    if not (out or show):
        raise UsageError("Give --out FILE to write the capture, or --show to print it.")
    found = captured(_known(Fleet(config.load(*config_file), Telemetry()), name).appliance)
    _complain(*(f"Not recorded: {sentence}" for sentence in found.faults), *found.replaced)
    if show:
        _print(found.capture.text())
    if out:
        write_capture(found.capture, out)
        _complain(f"Wrote {out}. Read it before you send it.")
    return 0


@cli.command(
    "sd",
    cls=Command,
    examples=("ironport-exporter sd --web.external-url http://exporter.example.edu:10125 > ironport.json",),
)
@_config_file
@flag(
    "--web.external-url",
    type=external_url,
    default=f"http://localhost:{DEFAULT_PORT}",
    metavar="URL",
    help="The URL under which Prometheus reaches the exporter.",
)
def _sd(config_file: tuple[Path, ...], web_external_url: BaseUrl) -> int:
    """Print the fleet as targets for Prometheus' file_sd_configs."""
    from exporter import config
    from exporter.web import discovery

    _print(discovery.groups_text(config.load(*config_file), web_external_url))
    return 0


@cli.command(
    "bundle",
    cls=Command,
    examples=(
        "ironport-exporter bundle ironport --grafana.url https://grafana.example.edu",
        "ironport-exporter bundle ironport --for operator --object-label release=kube-prometheus-stack",
        "ironport-exporter bundle ironport --thresholds.file thresholds.yml --label team=mail",
    ),
)
@click.argument("folder", metavar="DIR", type=_PATH)
@flag(
    "--for",
    "form",
    type=click.Choice(["prometheus", "operator", "mixin"]),
    default="prometheus",
    help="The program that will use the files: prometheus (with Grafana), the Prometheus Operator, or jsonnet (mixin).",
)
@flag(
    "--web.external-url",
    "exporter",
    type=external_url,
    metavar="URL",
    show_default=f"http://localhost:{DEFAULT_PORT}, or the Service ironport-exporter with --for operator",
    help="The URL under which Prometheus reaches the exporter.",
)
@flag(
    "--alertmanager.address",
    "alertmanager",
    default="localhost:9093",
    metavar="HOST:PORT",
    help="The address under which Prometheus reaches Alertmanager.",
)
@flag(
    "--prometheus.url",
    "prometheus",
    type=web_url,
    default="http://localhost:9090",
    metavar="URL",
    help="The URL under which Grafana reaches Prometheus.",
)
@flag("--job", default="ironport", metavar="JOB", help="The scrape job of the fleet in Prometheus.")
@flag(
    "--thresholds.file",
    type=_PATH,
    metavar="FILE",
    help="A YAML file with the thresholds that you want to change. alerts/thresholds.yml of a bundle has all of them.",
)
@flag(
    "--runbooks.url",
    "runbooks",
    type=web_url,
    metavar="URL",
    show_default="the path of this folder in DIR, as a URL with file://",
    help="The URL at which you publish the folder alerts/runbooks. Each alert links to its runbook there.",
)
@flag(
    "--grafana.url",
    "grafana",
    type=web_url,
    metavar="URL",
    show_default="http://localhost:3000",
    help="The URL of your Grafana. Each alert links to a dashboard there.",
)
@flag(
    "--label",
    "labels",
    type=label,
    multiple=True,
    metavar="NAME=VALUE",
    help="Add this label to every alert. May be repeated.",
)
@flag(
    "--config.file",
    type=_PATH,
    multiple=True,
    metavar="FILE|FOLDER",
    help="The configuration of the fleet. The dashboards give each of its units a fixed colour. May be repeated.",
)
@flag(
    "--datasource",
    "data_source",
    metavar="NAME",
    help="The name of the data source that is selected when a dashboard opens.",
)
@flag("--inputs", is_flag=True, help="Let Grafana ask for the data source when you import a dashboard by hand.")
@flag(
    "--namespace",
    default="monitoring",
    metavar="NAME",
    help="With --for operator: the namespace of the objects.",
)
@flag(
    "--object-label",
    "object_labels",
    type=label,
    multiple=True,
    metavar="NAME=VALUE",
    help="With --for operator: a label of every object, for example release=kube-prometheus-stack. May be repeated.",
)
@flag(
    "--probes",
    is_flag=True,
    help="With --for operator and --config.file: write Probe objects, for an operator older than 0.65, which does "
    "not know ScrapeConfig. Write the bundle again when the fleet changes.",
)
def _bundle(folder: Path, form: str, thresholds_file: Path | None, config_file: tuple[Path, ...], **chosen: Any) -> int:
    """Write rules, runbooks and dashboards for your monitoring.

    DIR has to be new or empty, or an earlier bundle without other files. The command replaces everything in it.
    """
    from exporter.bundle.command import write_bundle
    from exporter.bundle.options import BundleOptions
    from exporter.bundle.thresholds import read_own_thresholds
    from exporter.config.loading import load_entries

    host = "localhost"
    if form == "operator":
        host = f"ironport-exporter.{chosen['namespace']}"
    else:
        refuse("namespace", "object_labels", "probes", reason="without --for operator")
    if chosen["probes"] and not config_file:
        raise UsageError("--probes needs --config.file, which names the appliances.")
    chosen["exporter"] = chosen["exporter"] or external_url(f"http://{host}:{DEFAULT_PORT}")
    chosen |= {name: dict(chosen[name]) for name in ("labels", "object_labels")}
    options = BundleOptions(
        folder=folder.resolve(),
        thresholds=read_own_thresholds(thresholds_file) if thresholds_file else {},
        fleet=load_entries(*config_file) if config_file else (),
        **chosen,
    )
    count = write_bundle(form, options)
    if options.drawn_elsewhere:
        _complain(
            "Notice: the dashboards draw the limits of the project's own thresholds, not yours:"
            f" {_listed(options.drawn_elsewhere)}."
        )
    _print(f"Wrote {_count(count, 'file')} to {folder}. {folder / 'README.md'} says what to do next.")
    return 0


@cli.command("schema", cls=Command, examples=("ironport-exporter schema > fleet.schema.json",))
def _schema() -> int:
    """Print the JSON schema of the configuration, for editors."""
    from exporter import config

    _print(json.dumps(config.schema(), indent=2))
    return 0


@cli.command(
    "capacity",
    cls=OrderedCommand,
    examples=(
        "ironport-exporter capacity --prometheus.url http://localhost:9090 --add spare1:inbound --growth 20%",
        "ironport-exporter capacity --demand inbound=700k/h --demand outbound=90k/h --move out2:inbound",
    ),
)
@prometheus_flags("Read the fleet and its history from this Prometheus.", required=False)
@flag(
    "--at",
    default="0s",
    metavar="TIME",
    help="With --prometheus.url: the end of the history, as a duration before now or as a time such as "
    "2026-03-11T10:00:00Z. 0s is now.",
)
@flag(
    "--weeks",
    type=whole("a number of weeks from 1 to 260", 1, 260),
    default="13",
    metavar="N",
    help="With --prometheus.url: how many weeks of history to read. They show the demand and its growth.",
)
@flag(
    "--job",
    multiple=True,
    metavar="JOB",
    help="With --prometheus.url: use only the units of this job. May be repeated.",
)
@_config_file_flag("Without --prometheus.url: the configuration of the fleet.")
@flag(
    "--demand",
    multiple=True,
    metavar="POOL=MESSAGES/h",
    help="The mail of a pool in a busy hour, for example inbound=700000/h, inbound=700k/h or inbound=195/s. Needed "
    "without --prometheus.url. May be repeated.",
)
@flag("--move", multiple=True, metavar="UNIT:POOL", help="Move a unit to another pool. May be repeated.")
@flag(
    "--add",
    multiple=True,
    metavar="UNIT:POOL",
    help="Bring a spare into service in a pool. For a new unit, also give --rated. May be repeated.",
)
@flag("--lose", multiple=True, metavar="UNIT", help="Calculate without this unit. May be repeated.")
@flag("--lose-site", multiple=True, metavar="SITE", help="Calculate without the units of this site. May be repeated.")
@flag(
    "--growth",
    multiple=True,
    metavar="[POOL=]SHARE%",
    help="Increase the demand of all pools, for example 20%, or of one pool, for example inbound=20%. May be repeated.",
)
@flag(
    "--rated",
    multiple=True,
    metavar="UNIT=MESSAGES",
    help="The messages that a unit can handle in an hour, for example mx9=140000. May be repeated.",
)
@flag("--json", "as_json", is_flag=True, help="Print JSON.")
def _capacity(
    prometheus: Prometheus | None,
    at: str,
    weeks: int,
    job: tuple[str, ...],
    config_file: tuple[Path, ...],
    as_json: bool,
    **changes: tuple[str, ...],
) -> int:
    """Show whether the pools are large enough, now or after a change.

    The command reads the fleet and its history from a Prometheus. Without --prometheus.url, it reads the units from
    the configuration, and you give the demand with --demand. It applies the changes in the order in which you write
    them.
    """
    if prometheus:
        refuse("config_file", reason="with --prometheus.url")
    else:
        refuse("at", "weeks", "job", reason="without --prometheus.url")
    from exporter.capacity import command

    written = in_order({f"--{name.replace('_', '-')}": values for name, values in changes.items()})
    if prometheus:
        return command.review(prometheus, written, at=at, weeks=weeks, jobs=job, as_json=as_json)
    return command.plan_on_paper(config_file, written, as_json=as_json)


@cli.command(
    "explain",
    cls=Command,
    examples=(
        "ironport-exporter explain --prometheus.url http://localhost:9090 --pool inbound",
        "ironport-exporter explain --prometheus.url http://localhost:9090 --at 2026-10-14T09:30:00Z --json",
    ),
)
@prometheus_flags("The Prometheus that evaluates the rules.")
@flag(
    "--at",
    default="0s",
    metavar="TIME",
    help="Explain the verdict at this time. Give a duration before now, such as 3h, or a time such as "
    "2026-03-11T10:00:00Z. 0s is now.",
)
@flag(
    "--job",
    "jobs",
    multiple=True,
    metavar="JOB",
    help="Explain only the pools of this job of Prometheus. May be repeated.",
)
@flag("--pool", "pools", multiple=True, metavar="POOL", help="Explain only this pool. May be repeated.")
@flag("--json", "as_json", is_flag=True, help="Print JSON.")
def _explain(prometheus: Prometheus, at: str, jobs: tuple[str, ...], pools: tuple[str, ...], as_json: bool) -> int:
    """Show how the rules reach their verdict on a pool.

    The command prints each condition of the rules with its figures, its limit and its outcome. If a figure is missing,
    the command says what would supply it.
    """
    from exporter.explain import command
    from exporter.prometheus.selection import Selection

    _print(command.explanation(prometheus, at, Selection(jobs, pools), as_json=as_json))
    return 0


@cli.command(
    "report",
    cls=Command,
    hidden=_NO_REPORTS,
    examples=(
        "ironport-exporter report --prometheus.url http://localhost:9090 --out reports",
        "ironport-exporter report --prometheus.url http://localhost:9090 --month 2026-10 --client example.edu --out .",
    ),
)
@prometheus_flags("The Prometheus that has the history of the fleet.")
@flag("--month", metavar="YEAR-MONTH", show_default="the last full month", help="The month, for example 2026-10.")
@flag("--job", "jobs", multiple=True, metavar="JOB", help="Report only this job of Prometheus. May be repeated.")
@flag("--pool", "pools", multiple=True, metavar="POOL", help="Report only this pool. May be repeated.")
@flag("--site", "sites", multiple=True, metavar="SITE", help="Report only the units of this site. May be repeated.")
@flag(
    "--client",
    metavar="NAME[=DOMAIN,...]",
    help="Also show the mail delivered to the domains of this client: an organisation or department whose mail the "
    "fleet handles. Without DOMAIN, NAME is the domain.",
)
@flag("--lang", metavar="LANGUAGE", default="en", help="The language of the page: en or de.")
@timezone_flag
@flag(
    "--pdf",
    is_flag=True,
    help="Also write the page as PDF. This needs optional packages: pip install 'ironport-exporter[pdf]'.",
)
@flag("--out", type=_PATH, required=True, metavar="DIR", help="The folder for the files.")
@mail_flags
def _report(
    prometheus: Prometheus,
    month: str | None,
    jobs: tuple[str, ...],
    pools: tuple[str, ...],
    sites: tuple[str, ...],
    client: str | None,
    lang: str,
    timezone: ZoneInfo,
    pdf: bool,
    out: Path,
    outbox: Outbox | None,
) -> int:
    """Write the monthly report, and mail it if you give --mail-to.

    The files are HTML, CSV and JSON. They show volumes, delays, availability, incidents, capacity and changes. The same
    history gives the same files.
    """
    with _optional_packages("report", *_REPORT_MODULES):
        import time

        from exporter.phrases import Phrases
        from exporter.prometheus.selection import Selection
        from exporter.report import command
        from exporter.report.collect import ReportFilter
        from exporter.report.destinations import parse_client
        from exporter.report.period import report_period

        about = ReportFilter(Selection(jobs, pools, sites), *(parse_client(client) if client else ()))
        phrases, now = Phrases(lang), time.time()
        period = report_period(month, now, timezone)
        if outbox:
            command.refuse_unit(outbox, prometheus, now)
        report, files = command.write_report(prometheus, period, about, phrases, out, pdf=pdf)
        _print("\n".join(map(str, files)))
        if outbox:
            command.mail_report(outbox, report, phrases, files)
        return 0


@cli.command(
    "incident",
    cls=Command,
    hidden=_NO_REPORTS,
    examples=(
        "ironport-exporter incident --prometheus.url http://localhost:9090 > incident.md",
        "ironport-exporter incident --prometheus.url http://localhost:9090 --at 2026-10-14T09:30:00Z --out cards",
        "ironport-exporter incident --prometheus.url http://localhost:9090 --list",
    ),
)
@prometheus_flags("The Prometheus that has the history of the fleet and its alerts.")
@flag("--last", is_flag=True, help="Show the last incident of the last 30 days (default).")
@flag(
    "--at",
    metavar="TIME",
    help="Show the incident at this time, or the nearest one within a day. Give a duration before now, such as 3h, "
    "or a time such as 2026-10-14T09:30:00Z. Not with --last.",
)
@flag(
    "--list",
    "listed",
    is_flag=True,
    help="List the incidents of the last 30 days. Not with --last, --at or --out.",
)
@flag(
    "--job", "jobs", multiple=True, metavar="JOB", help="Use only incidents of this job of Prometheus. May be repeated."
)
@flag("--pool", "pools", multiple=True, metavar="POOL", help="Use only incidents of this pool. May be repeated.")
@timezone_flag
@flag(
    "--out",
    type=_PATH,
    metavar="DIR",
    help="Write the card to this folder, as HTML and Markdown. By default, the command prints Markdown.",
)
def _incident(
    prometheus: Prometheus,
    last: bool,
    at: str | None,
    listed: bool,
    jobs: tuple[str, ...],
    pools: tuple[str, ...],
    timezone: ZoneInfo,
    out: Path | None,
) -> int:
    """Write an incident card: a summary that is one page long.

    You can paste the summary into a post-mortem. It shows what happened, when it was detected, which units were
    affected, how late the mail was, and the figures over time.
    """
    if listed:
        refuse("last", "at", "out", reason="with --list")
    if last:
        refuse("at", reason="with --last")
    with _optional_packages("report", *_REPORT_MODULES):
        import time

        from exporter.prometheus.selection import Selection
        from exporter.report import incident_command as command

        chosen, now = Selection(jobs, pools), int(time.time())
        if listed:
            _print(command.list_incidents(prometheus, chosen, timezone, now))
            return 0
        card = command.incident_card(prometheus, chosen, timezone, now, at)
        _print("\n".join(map(str, command.write_card(card, out))) if out else command.markdown_card(card))
        return 0


@cli.command(
    "simulate",
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
@flag(
    "--step",
    type=click.Choice([15, 20, 30, 60]),
    default=15,
    help="The seconds between two changes of the simulated figures.",
)
@_bursty
@_scenario
@flag("--snmp", type=click.Choice(["v3", "v2c"]), default="v3", help="The version of SNMP that the units speak.")
@flag("--http", is_flag=True, help="Serve the status pages without TLS.")
@flag("--rest", is_flag=True, help="Also serve the REST interface, which AsyncOS has from release 12 on.")
@_fleet_file
@flag(
    "--web.listen-address",
    type=listen_address,
    default="127.0.0.1:0",
    metavar="HOST:PORT",
    help="The address of the page that controls the fleet. It must be a loopback address. Port 0 is any free port.",
)
@list_flag(_list_scenarios, help="Print each scenario with its parameters, and each topology, and exit.")
def _simulate(
    topology: str,
    units: int | None,
    seed: int,
    step: int,
    bursty: bool,
    scenarios: tuple[str, ...],
    snmp: Literal["v3", "v2c"],
    http: bool,
    rest: bool,
    fleet_file: Path | None,
    web_listen_address: tuple[str, int],
) -> int:
    """Simulate a fleet that can be scraped and attacked.

    Each unit has an SNMP agent and status pages. Ctrl-C ends the simulation.
    """
    _refuse_topology_beside_units(units)
    with _laboratory():
        from exporter.lab.simulator import command

        return command.run_simulation(
            command.choose_topology(topology, units),
            seed=seed,
            step=step,
            bursty=bursty,
            scenarios=scenarios,
            snmp=snmp,
            https=not http,
            rest=rest,
            fleet_file=fleet_file,
            address=web_listen_address,
        )


@cli.command(
    "replay",
    cls=Command,
    hidden=_NO_LABORATORY,
    log_level="info",
    examples=("ironport-exporter replay mx1.capture --fleet.file fleet.yml",),
)
@click.argument("file", type=_PATH)
@_fleet_file
def _replay(file: Path, fleet_file: Path | None) -> int:
    """Play an appliance that `capture` recorded.

    FILE is the capture. The replay answers SNMP and HTTP requests as recorded. Ctrl-C ends it.
    """
    with _laboratory():
        from exporter.lab.replay import command

        return command.run_replay(file, fleet_file)


@cli.command(
    "backfill",
    cls=Command,
    hidden=_NO_LABORATORY,
    examples=(
        "ironport-exporter backfill --last 30d --out data --scenario flood@+20d",
        "ironport-exporter backfill --last 8d --out data --rules 'alerts/rules/*.yml'",
    ),
)
@flag("--last", required=True, metavar="DURATION", help="The length of the history, for example 30d.")
@flag("--out", type=_PATH, required=True, metavar="DIR", help="An empty or new folder for the database.")
@_topology
@_units
@_seed
@flag("--step", type=click.Choice([15, 20, 30, 60]), default=60, help="The seconds between two samples.")
@_bursty
@_scenario
@flag(
    "--all",
    "every_metric",
    is_flag=True,
    help="Write every metric. By default, only the metrics that rules or dashboards use are written.",
)
@flag(
    "--rules",
    metavar="GLOB",
    help="Also evaluate the rules in these files, for example 'alerts/rules/*.yml', and write their results: recorded "
    "series, and alerts that fire.",
)
def _backfill(
    last: str,
    out: Path,
    topology: str,
    units: int | None,
    seed: int,
    step: int,
    bursty: bool,
    scenarios: tuple[str, ...],
    every_metric: bool,
    rules: str | None,
) -> int:
    """Write simulated history as a Prometheus database.

    The history ends now. The offset of a scenario, for example +20d, counts from the start of the history.
    """
    _refuse_topology_beside_units(units)
    with _laboratory():
        from exporter.lab.history import command as history
        from exporter.lab.simulator import command as simulator

        return history.write_history(
            simulator.choose_topology(topology, units),
            last=last,
            out=out,
            seed=seed,
            step=step,
            bursty=bursty,
            scenarios=scenarios,
            every_metric=every_metric,
            rules=rules,
        )


@cli.group("demo", cls=CommandGroup, default="start", hidden=_NO_LABORATORY)
def _demo() -> None:
    """Run a simulated fleet and its monitoring on this machine.

    The demo starts a simulated fleet and the exporter. If Prometheus and promtool are installed, it also starts
    Prometheus. If Alertmanager is installed, it also starts Alertmanager. With eight days of history, the start takes
    two to four minutes.
    """


_state: Final = flag(
    "--state",
    type=_PATH,
    metavar="FILE",
    show_default="demo.json in ~/.local/state/ironport-exporter",
    help="The file in which the demo keeps its addresses, as JSON. A second demo needs another file.",
)


@_demo.command("start", cls=Command, examples=("ironport-exporter demo", "ironport-exporter demo --history 0s"))
@flag(
    "--history",
    default="8d",
    metavar="DURATION",
    help="The length of the simulated history that Prometheus has at the start; 0s for none.",
)
@_state
def _start(history: str, state: Path | None) -> int:
    """Start the demo (default)."""
    with _laboratory():
        from exporter.lab.demo import command

        return command.start_demo(history, state)


@_demo.command(
    "attack",
    cls=Command,
    examples=(
        "ironport-exporter demo attack jabberer",
        "ironport-exporter demo attack flood,size=2",
        "ironport-exporter demo attack stop",
    ),
)
@click.argument("scenario", metavar="SCENARIO|stop", shell_complete=_complete_scenario)
@_state
def _attack(scenario: str, state: Path | None) -> int:
    """Start an attack in the running demo, or stop all attacks.

    SCENARIO is the name of a scenario. Parameters are optional, for example flood,size=2. The command
    `simulate --list` lists the scenarios and their parameters.
    """
    with _laboratory():
        from exporter.lab.demo import command

        return command.stop_attacks(state) if scenario == "stop" else command.start_attack(scenario, state)


@cli.command(
    "backtest",
    cls=Command,
    hidden=_NO_LABORATORY,
    examples=(
        "ironport-exporter backtest --only 'jabberer*' --seed 1 --seed 2",
        "ironport-exporter backtest --only '*quiet*' --quiet-weeks 5",
        "ironport-exporter backtest --prometheus.url http://localhost:9090 --from 7d --json backtest.json",
    ),
)
@flag("--only", multiple=True, metavar="CASE", help="Simulate only this case. * is a wildcard. May be repeated.")
@flag(
    "--seed",
    "seeds",
    type=_SEED,
    default=["1"],
    multiple=True,
    metavar="N",
    help="The seed of the simulated mail. May be repeated.",
)
@flag(
    "--quiet-weeks",
    type=whole("a number of weeks from 1 to 520", 1, 520),
    metavar="N",
    help="Also simulate N weeks without an incident. No alert should fire in them.",
)
@flag(
    "--topology",
    metavar="NAME|FILE",
    default="campus",
    help="With --quiet-weeks: the fleet of these weeks. `simulate --list` describes the topologies.",
)
@flag("--bursty", is_flag=True, help="With --quiet-weeks: make the mail less even, like real mail.")
@flag(
    "--drops",
    type=decimal("a share from 0 to 1", 1),
    default="0",
    show_default="0.02",
    metavar="SHARE",
    help="The share of SNMP requests that are lost, from 0 to 1. The simulated units drop at least 2 %, so a "
    "value below 0.02 has no effect.",
)
@flag(
    "--explain",
    "explained",
    is_flag=True,
    help="Also check that `explain` gives the same verdict as the alerts, whenever a verdict begins or ends. Not "
    "with --rules or --prometheus.url.",
)
@flag("--rest", is_flag=True, help="Also read the REST interface of the simulated units, if their release has one.")
@prometheus_flags(
    "Replay the history of your own fleet from this Prometheus, instead of simulated incidents.", required=False
)
@flag(
    "--from",
    "begin",
    default="7d",
    metavar="TIME",
    help="With --prometheus.url: the start of the history, as a duration before now or as a time such as "
    "2026-03-11T10:00:00Z.",
)
@flag("--to", "end", default="0s", metavar="TIME", help="With --prometheus.url: the end of the history. 0s is now.")
@flag("--step", type=click.Choice([15, 30, 60]), default=60, help="The seconds between two samples.")
@flag(
    "--rules",
    metavar="GLOB",
    help="Use the rules of these files, for example 'rules/*.yml', instead of the project's rules.",
)
@flag("--json", "json_file", type=_PATH, metavar="FILE", help="Also write the results as JSON.")
@list_flag(_list_cases, help="Print the names of all cases, and exit.")
def _backtest(
    only: tuple[str, ...],
    seeds: tuple[int, ...],
    quiet_weeks: int | None,
    topology: str,
    bursty: bool,
    drops: float,
    explained: bool,
    rest: bool,
    prometheus: Prometheus | None,
    begin: str,
    end: str,
    step: int,
    rules: str | None,
    json_file: Path | None,
) -> int:
    """Replay a history and show which alerts fire.

    The command evaluates the alerting rules on simulated incidents or, with --prometheus.url, on the history of your
    own fleet.

    --only, --seed, --quiet-weeks, --topology, --bursty, --drops, --explain and --rest are for simulated incidents only.
    """
    with _laboratory():
        if prometheus:
            simulated = ("only", "seeds", "quiet_weeks", "topology", "bursty", "drops", "explained", "rest")
            refuse(*simulated, reason="with --prometheus.url")
            from exporter.lab.backtest import past

            return past.replay_past(prometheus, begin=begin, end=end, step=step, rules=rules, json_file=json_file)
        refuse("begin", "end", reason="without --prometheus.url")
        if quiet_weeks is None:
            refuse("topology", "bursty", reason="without --quiet-weeks")
        if rules:
            refuse("explained", reason="with --rules: `explain` knows the project's rules")
        from exporter.lab.backtest import command

        return command.play_cases(
            only or ("*",),
            seeds=seeds,
            quiet_weeks=quiet_weeks,
            topology=topology,
            bursty=bursty,
            drops=drops,
            explained=explained,
            rest=rest,
            step=step,
            rules=rules,
            json_file=json_file,
        )


def _refuse_topology_beside_units(units: int | None) -> None:
    if units is not None:
        refuse("topology", reason="with --units")


@contextmanager
def _optional_packages(name: str, *modules: str) -> Iterator[None]:
    """Say how to install the optional packages `name`, if one of these modules is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in modules:
            raise
        raise ExporterError(
            "This command needs optional packages that are not installed here."
            f" Install them with: pip install 'ironport-exporter[{name}]'"
        ) from error


@contextmanager
def _laboratory() -> Iterator[None]:
    """Say how to install missing packages; what a simulation cannot do is wrong usage; SIGTERM is like Ctrl-C."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _optional_packages("demo", *_LABORATORY_MODULES):
            yield
    except ConfigError as error:
        raise UsageError(" ".join(error.problems)) from error
    except RequestError as error:
        raise UsageError(str(error)) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _print(text: str) -> None:
    print(text.removesuffix("\n"))  # noqa: T201 - what the command is for


def _complain(*sentences: str) -> None:
    for sentence in sentences:
        print(sentence, file=sys.stderr)  # noqa: T201 - what the operator must read


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
