"""How the command line is read: flags with dots in their names, groups of commands, and the types of values."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial, wraps
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import click
from click.core import ParameterSource

from exporter import DEFAULT_PORT, log
from exporter.errors import UsageError, suggestion

if TYPE_CHECKING:
    from exporter.prometheus.client import Prometheus
    from exporter.report.mail import Outbox
    from exporter.web.discovery import BaseUrl

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_LISTEN: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})", re.ASCII)

_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*", re.ASCII)


_ORDER: Final = f"{__name__}.order"
"""Where a command notes the order of its flags."""


class Flag(click.Option):
    """A flag with dots in its name; its environment variable has the same name whatever the command.

    The value of `--config.file` is called config_file, and its variable is IRONPORT_EXPORTER_CONFIG_FILE. No flag may
    be called --port or --service-...: for a service called ironport-exporter, Kubernetes sets such variables.
    """

    def __init__(self, names: Sequence[str], **attributes: Any) -> None:
        word = re.sub(r"\W+", "_", names[0].lstrip("-"))
        own_name = [] if any(name.isidentifier() for name in names) else [word]
        attributes = {"show_default": True, **attributes}
        super().__init__([*names, *own_name], envvar=f"IRONPORT_EXPORTER_{word.upper()}", **attributes)

    def get_help_extra(self, ctx: click.Context) -> click.types.OptionHelpExtra:
        """Return what the help says in brackets; click would put words for a default in parentheses."""
        extra = super().get_help_extra(ctx)
        return {**extra, "default": self.show_default} if isinstance(self.show_default, str) else extra


flag: Final = partial(click.option, cls=Flag)
"""The decorator that gives a command a flag; it takes what click.option takes."""


def prometheus_flags(text: str, *, required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that gives a command the flags of a server, and it the argument `prometheus`, the client.

    `text` begins the help. If the flag is not `required` and not given, the argument is None.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_client(*, prometheus_url: str | None, http_config_file: Path | None, **arguments: Any) -> Any:
            return command(prometheus=_client(prometheus_url, http_config_file), **arguments)

        url = flag(
            "--prometheus.url",
            type=prometheus_url,
            required=required,
            metavar="URL",
            help=f"{text} VictoriaMetrics, Thanos and Mimir work too. The URL may contain user:password@.",
        )
        file = flag(
            "--http.config.file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="How to reach the server of --prometheus.url: credentials, certificates and headers, in the format of "
            "promtool's --http.config.file.",
        )
        return url(file(with_client))

    return decorate


def _client(url: str | None, file: Path | None) -> Prometheus | None:
    from exporter.prometheus.client import Prometheus
    from exporter.prometheus.http_config import read_http_config

    if url is None:
        refuse("http_config_file", reason="without --prometheus.url")
        return None
    return Prometheus(url, read_http_config(file) if file else None)


def list_flag(text: Callable[[], str], **attributes: Any) -> Callable[[Decorated], Decorated]:
    """Return the decorator that gives a command the flag --list, which prints the text and ends the program."""

    def print_list(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            click.echo(text())
            context.exit()

    return flag("--list", is_flag=True, is_eager=True, expose_value=False, callback=print_list, **attributes)


def machine_time_zone(etc: Path = Path("/etc")) -> str | ZoneInfo:
    """Return the time zone of this machine, whose files are in `etc`: that of TZ, of localtime or of timezone, or UTC.

    The zone that TZ names may not exist.
    """
    if name := os.environ.get("TZ", "").removeprefix(":").rpartition("zoneinfo/")[2]:
        return name
    localtime = etc / "localtime"
    with suppress(ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo(_link_target(localtime) or (etc / "timezone").read_text(encoding="utf-8").strip())
    with suppress(ValueError, OSError), localtime.open("rb") as file:
        return ZoneInfo.from_file(file, key="local time")
    return "UTC"


def _link_target(link: Path) -> str:
    """Return the name of the zone that a link leads to; empty for another file."""
    return os.readlink(link).rpartition("zoneinfo/")[2] if link.is_symlink() else ""


def time_zone(zone: str | ZoneInfo) -> ZoneInfo:
    """Return the time zone of a name."""
    if isinstance(zone, ZoneInfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a path, the name of a folder
        hint = suggestion(zone, available_timezones())
    raise click.BadParameter(f"{zone!r} is not a time zone like Europe/Berlin, America/New_York or UTC.{hint}")


timezone_flag: Final = flag(
    "--timezone",
    type=time_zone,
    metavar="ZONE",
    default=machine_time_zone,
    show_default="the time zone of this machine",
    help="The time zone of hours, days and months, such as Europe/Berlin.",
)
"""The decorator that gives a command a time zone, a ZoneInfo."""


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
        self.options_metavar = "[FLAGS]"
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

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the flags."""
        _write_flags(ctx, formatter, "Flags", self.get_params(ctx))

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own."""
        _write_lines(formatter, "Examples", self.examples)


class OrderedCommand(Command):
    """A command for which the order of its flags counts: `in_order` returns their values."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the order of the flags, and parse them."""
        _, _, given = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[_ORDER] = [parameter.opts[0] for parameter in given]
        return super().parse_args(ctx, args)


def in_order(values: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return the values of flags that may be repeated, each after its flag, in the order of the command line.

    Those of environment variables come last.
    """
    left = {name: list(those) for name, those in values.items()}
    order = [name for name in click.get_current_context().meta[_ORDER] if name in left]
    return [(name, left[name].pop(0)) for name in order] + [(name, each) for name in left for each in left[name]]


class CommandGroup(click.Group):
    """Commands, in the order of their definition; `default` runs if the command line names none.

    Flags may also stand before the name of the command: they are moved behind it. `notes` are paragraphs for the end of
    the help, by their heading.
    """

    ignore_unknown_options = True  # the command refuses what it does not know

    def __init__(
        self, *arguments: Any, default: str, notes: Mapping[str, Sequence[str]] | None = None, **attributes: Any
    ) -> None:
        super().__init__(*arguments, **attributes)
        self.options_metavar, self.subcommand_metavar = "[FLAGS]", "[COMMAND] [FLAGS]"
        self.default = default
        self.notes = notes or {}

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
        raise click.UsageError(f"There is no command {args[0]!r}.{suggestion(args[0], self.commands)}", ctx)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; SIGINT ends it with the exit code that a shell expects."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(130)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, the group's own flags, then the flags of the default command."""
        self.format_commands(ctx, formatter)
        _write_flags(ctx, formatter, "Flags", self.get_params(ctx))
        _write_flags(ctx, formatter, f"Flags of {self.default}, the default command", self._default_flags())

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first example of each command, and the notes."""
        _write_lines(formatter, "Examples", [line for command in self.commands.values() for line in _example(command)])
        for heading, lines in self.notes.items():
            _write_lines(formatter, heading, lines)

    def _default_flags(self) -> list[click.Parameter]:
        return self.commands[self.default].params


def _example(command: click.Command) -> Sequence[str]:
    """Return the first example of a command, or of the default command of a group."""
    if command.hidden:
        return ()
    if isinstance(command, CommandGroup):
        return _example(command.commands[command.default])
    return command.examples[:1] if isinstance(command, Command) else ()


def _write_flags(
    ctx: click.Context, formatter: click.HelpFormatter, heading: str, parameters: Sequence[click.Parameter]
) -> None:
    options = (parameter for parameter in parameters if isinstance(parameter, click.Option))
    records = [option.get_help_record(ctx) for option in options]
    with formatter.section(heading):
        formatter.write_dl([record for record in records if record])


def _write_lines(formatter: click.HelpFormatter, heading: str, lines: Sequence[str]) -> None:
    with formatter.section(heading):
        for line in lines:
            formatter.write(f"  {line}\n")


def listen_address(text: str) -> tuple[str, int]:
    parts = _LISTEN.fullmatch(text)
    if parts is None or int(parts["port"]) > 65535:
        raise click.BadParameter(
            f"{text!r} is not an address like :{DEFAULT_PORT}, 127.0.0.1:{DEFAULT_PORT} or [::1]:{DEFAULT_PORT}."
        )
    return parts["v6"] or parts["host"], int(parts["port"])


def smarthost(text: str) -> tuple[str, int]:
    parts = _LISTEN.fullmatch(text)
    host, port = (parts["v6"] or parts["host"], int(parts["port"])) if parts else ("", 0)
    if not host or not 0 < port <= 65535:
        raise click.BadParameter(f"{text!r} is not a mail server like mail.example.edu:587 or [2001:db8::25]:25.")
    return host, port


def mail_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise click.BadParameter(f"{text!r} is not a mail address like reports@example.edu.")
    return text


def external_url(text: str) -> BaseUrl:
    from exporter.web.discovery import BaseUrl

    try:
        return BaseUrl.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise click.BadParameter(f"{text!r} is not a URL like https://wiki.example.edu/ironport.")
    return text


def label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value or not _LABEL_NAME.fullmatch(name) or name.startswith("__"):
        raise click.BadParameter(f"{text!r} is not a label like team=mail.")
    return name, value


def network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is not an address like 127.0.0.1 or a network like 10.0.0.0/8: {error}."
        ) from error


def route_prefix(text: str) -> str:
    from exporter.web.settings import parse_route_prefix

    try:
        return parse_route_prefix(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def prometheus_url(text: str) -> str:
    """Return the URL of a Prometheus; the error does not repeat it, because it may have a password."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise click.BadParameter("it is not a URL like http://localhost:9090 or https://user:password@host/prefix.")
    return text.rstrip("/")


def decimal(what: str, highest: float) -> Callable[[str], float]:
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


def whole(what: str, lowest: int, highest: int) -> Callable[[str], int]:
    """Return the type of a whole number from `lowest` to `highest`."""

    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and lowest <= int(text) <= highest):
            raise click.BadParameter(f"{text!r} is not {what}.")
        return int(text)

    return convert


def refuse(*names: str, reason: str) -> None:
    """Raise UsageError if one of these flags is on the command line, where it would have no effect."""
    context = click.get_current_context()
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in names and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        has, it = ("has", "it") if len(given) == 1 else ("have", "them")
        raise UsageError(f"{', '.join(given)} {has} no effect {reason}. Leave {it} out.")


# --- mail -------------------------------------------------------------------------------------------------------------

_FILE: Final = click.Path(path_type=Path)
_MAIL_FLAGS: Final = (
    flag(
        "--mail-to",
        type=mail_address,
        multiple=True,
        metavar="ADDRESS",
        help="Mail the report to this address, too. Needs --mail-from and --mail-smarthost. May be repeated. Each run "
        "of the command sends a mail.",
    ),
    flag("--mail-from", type=mail_address, metavar="ADDRESS", help="With --mail-to: the sender of the mail."),
    flag(
        "--mail-smarthost",
        type=smarthost,
        metavar="HOST:PORT",
        help="With --mail-to: the mail server that takes the mail. It must not be an appliance that the report is "
        "about.",
    ),
    flag(
        "--mail-tls",
        type=click.Choice(["starttls", "tls", "none"]),
        default="starttls",
        help="With --mail-to: starttls connects first and then encrypts. tls encrypts from the beginning, usually on "
        "port 465. none sends the report unencrypted.",
    ),
    flag(
        "--mail-ca-file",
        type=_FILE,
        metavar="FILE",
        help="With --mail-to: a file of PEM certificates to trust, instead of those that this machine trusts.",
    ),
    flag(
        "--mail-username",
        metavar="NAME",
        help="With --mail-to: the user name for the mail server, if it asks for one. Needs --mail-password-file.",
    ),
    flag(
        "--mail-password-file",
        type=_FILE,
        metavar="FILE",
        help="With --mail-username: a file with the password of that user.",
    ),
    flag(
        "--config.file",
        type=_FILE,
        multiple=True,
        metavar="FILE|FOLDER",
        help="With --mail-to: the configuration of the fleet. The command uses it to check that the mail server is not "
        "an appliance.",
    ),
    flag(
        "--mail-through-fleet",
        is_flag=True,
        help="With --mail-to: send the mail even if the mail server is an appliance that the report is about.",
    ),
)


def mail_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the flags of mail, and it the argument `outbox`, which is None without --mail-to."""

    @wraps(command)
    def with_outbox(**arguments: Any) -> Any:
        names = ("config_file", *(name for name in arguments if name.startswith("mail_")))
        return command(outbox=_outbox(**{name: arguments.pop(name) for name in names}), **arguments)

    for each in reversed(_MAIL_FLAGS):
        with_outbox = each(with_outbox)
    return with_outbox


def _outbox(*, mail_to: tuple[str, ...], **values: Any) -> Outbox | None:
    from exporter.report.mail import Outbox

    if not mail_to:
        refuse(*values, reason="without --mail-to")
        return None
    if None in (values["mail_from"], values["mail_smarthost"]):
        raise UsageError("--mail-to needs --mail-from and --mail-smarthost.")
    if values["mail_tls"] == "none" and values["mail_username"] is not None:
        raise UsageError("With --mail-tls none the password would be sent unencrypted: leave out --mail-username.")
    host, port = values["mail_smarthost"]
    return Outbox(
        sender=values["mail_from"],
        recipients=mail_to,
        host=host,
        port=port,
        tls=values["mail_tls"],
        ca_file=values["mail_ca_file"],
        username=values["mail_username"],
        password=_password(values["mail_username"], values["mail_password_file"]),
        fleet=_appliances(values["config_file"]),
        through_fleet=values["mail_through_fleet"],
    )


_MAX_PASSWORD_BYTES: Final = 10_000


def _password(username: str | None, file: Path | None) -> str:
    if (username is None) != (file is None):
        raise UsageError("--mail-username and --mail-password-file need each other.")
    if file is None:
        return ""
    from exporter.config.files import read_regular

    password = read_regular(file, _MAX_PASSWORD_BYTES).decode(errors="replace").rstrip("\r\n")
    if not password:
        raise UsageError(f"{file} is empty: put the password there.")
    return password


def _appliances(files: tuple[Path, ...]) -> frozenset[str]:
    """Return the names and addresses of all appliances."""
    from exporter import config

    return config.load(*files).hosts if files else frozenset()
