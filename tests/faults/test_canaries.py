"""A secret is planted in every place that can hold one, and is in none of the texts that the exporter gives."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import bcrypt
import pytest
from aiohttp import web

from exporter.cli import main
from exporter.errors import ExporterError
from exporter.report.mail import Outbox, compose, send
from faults.appliance import PAGE
from support import logs
from support.api_server import Answer, ApiServer, answering
from support.exporter import PROJECT, Exporter
from support.smarthost import Mailbox, mail_server
from support.snmpd import V3GET, Snmpd

restore: Final = pytest.fixture(autouse=True)(logs.restored)

COMMUNITY: Final = "canary-community"
AUTH: Final = "canary-auth-passphrase"
PRIV: Final = "canary-priv-passphrase"
PAGE_PASSWORD: Final = "canary-page-password"
SERVER_PASSWORD: Final = "canary-server-password"
TOKEN: Final = "canary-token"
MAIL_PASSWORD: Final = "canary-mail-password"
WEB_PASSWORD: Final = "canary-web-password"
WEB_HASH: Final = bcrypt.hashpw(WEB_PASSWORD.encode(), bcrypt.gensalt(4)).decode()
MISPLACED: Final = "canary-in-a-wrong-place"


def login(user: str, password: str) -> str:
    """Return a user and a password as HTTP carries them."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


PASSWORDS: Final = (PAGE_PASSWORD, SERVER_PASSWORD, MAIL_PASSWORD)
PLANTED: Final = (
    *(COMMUNITY, AUTH, PRIV, TOKEN, WEB_PASSWORD, WEB_HASH, MISPLACED, *PASSWORDS),
    *(login("monitor", password) for password in PASSWORDS),
    *(login("ops", password) for password in (WEB_PASSWORD, MISPLACED)),
)
VARIABLE: Final = "STATUS_PAGE_PASSWORD"
ENVIRONMENT: Final = {**os.environ, VARIABLE: PAGE_PASSWORD, "PYTHONPATH": str(PROJECT)}

WRONG: Final = f"""
auths: {{lab: {{snmp: {{version: 2c, {MISPLACED}: x}}, xml: {{username: monitor, pasword: {MISPLACED}}}}}}}
appliances: [{{name: mx1, address: mx1, auth: {MISPLACED}, password: {MISPLACED}}}]
"""
"""A configuration with a secret where none belongs."""

WRONG_WEB: Final = f"""
basic_auth_users: {{ops: {MISPLACED}, {MISPLACED}: x}}
tls_server_config: {{cert: {MISPLACED}, key: {MISPLACED}, {MISPLACED}: x}}
"""


BROKEN: Final = f"""
import sys
from exporter import cli, config

def load(*_):
    raise ValueError({PAGE_PASSWORD!r})

config.load = load
sys.exit(cli.main(sys.argv[1:]))
"""
"""The program with an error that nobody expects."""


async def redirect_with_credentials(request: web.BaseRequest) -> web.Response:
    location = f"https://monitor:{PAGE_PASSWORD}@127.0.0.1/login?{request.headers.get('Authorization')}"
    return web.Response(status=302, headers={"Location": location})


async def echo_credentials(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"<status {request.headers.get('Authorization')}")


APPLIANCES: Final[Mapping[str, Answer]] = {
    "good": answering(PAGE),
    "refusing": answering("no", 401),
    "redirecting": redirect_with_credentials,
    "broken": echo_credentials,
}
"""What the web server of each appliance answers."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A running exporter whose fleet holds the secrets, and a folder with its configuration."""

    exporter: Exporter
    folder: Path
    servers: Mapping[str, ApiServer]

    def fetch(self, path: str, method: str = "GET", password: str = WEB_PASSWORD) -> str:
        """Return header and text of an answer, an error's too."""
        headers = {"Authorization": f"Basic {login('ops', password)}"}
        try:
            with urlopen(Request(self.exporter.url + path, method=method, headers=headers), timeout=30) as answer:
                return f"{answer.headers}{answer.read().decode()}"
        except HTTPError as error:
            with error:
                return f"{error.headers}{error.read().decode()}"

    def run(self, *arguments: str) -> str:
        """Return what a command prints, a wrong one too."""
        printed = io.StringIO()
        with chdir(self.folder), redirect_stdout(printed), redirect_stderr(printed):
            main(arguments)
        return printed.getvalue()

    def run_broken(self, *arguments: str) -> str:
        """Return what a command prints that has an unexpected error, whose message quotes a secret."""
        command = [sys.executable, "-c", BROKEN, *arguments]
        ended = subprocess.run(command, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert "ValueError at " in ended.stderr
        return ended.stdout + ended.stderr

    def process(self, file: str) -> str:
        return Path(f"/proc/{self.exporter.process.pid}/{file}").read_text()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("canaries")
    with ExitStack() as parts, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, PAGE_PASSWORD)
        agent = Snmpd(tmp_path_factory.mktemp("snmpd"), community=COMMUNITY)
        parts.callback(agent.stop)
        servers = {name: parts.enter_context(ApiServer(answer)) for name, answer in APPLIANCES.items()}
        write_files(folder)
        fleet = planted_fleet(agent.port, servers)
        exporter = Exporter(folder, fleet, "--log.level=debug", f"--web.config.file={folder / 'web.yml'}")
        parts.callback(exporter.stop)
        scene = Scene(exporter, folder, servers)
        provoke(scene)
        yield scene


def provoke(scene: Scene) -> None:
    """Make the exporter log: a probe of each appliance, and a reload that fails."""
    for name in APPLIANCES:
        scene.fetch(f"/probe?target={name}")
    right = scene.exporter.file.read_text()
    scene.exporter.file.write_text(WRONG)
    scene.fetch("/-/reload", "POST")
    scene.exporter.file.write_text(right)


def write_files(folder: Path) -> None:
    """Write the files of secrets, and configurations that are right and wrong."""
    for name, secret in (("auth", AUTH), ("priv", PRIV), ("mail", MAIL_PASSWORD), ("token", TOKEN)):
        (folder / name).write_text(secret)
    (folder / "web.yml").write_text(f"basic_auth_users: {{ops: {WEB_HASH}}}")
    (folder / "basic.yml").write_text(f"basic_auth: {{username: monitor, password: {SERVER_PASSWORD}}}")
    (folder / "bearer.yml").write_text("authorization: {credentials_file: token}")
    (folder / "wrong.yml").write_text(WRONG)
    (folder / "wrong_web.yml").write_text(WRONG_WEB)
    (folder / "wrong_http.yml").write_text(f"basic_auth: {{{MISPLACED}: {MISPLACED}}}\npassword: {MISPLACED}")


def planted_fleet(agent: int, servers: Mapping[str, ApiServer]) -> dict[str, Any]:
    """Return a fleet whose appliances fail in different ways."""
    xml = {"username": "monitor", "password_env": VARIABLE}
    keys = {
        "auth": {"protocol": "SHA", "passphrase_file": "auth"},
        "priv": {"protocol": "AES", "passphrase_file": "priv"},
    }
    return {
        "auths": {
            "v2c": {"snmp": {"version": "2c", "community": COMMUNITY}, "xml": xml},
            "v3": {"snmp": {"version": 3, "username": V3GET.name, **keys}, "xml": xml},
        },
        "defaults": {"snmp": {"port": agent}, "min_interval": {"snmp": 0, "xml": 0}},
        "appliances": [
            {
                "name": name,
                "address": "127.0.0.1",
                "auth": "v2c" if name == "good" else "v3",
                "xml": {"scheme": "http", "port": int(server.url.rpartition(":")[2])},
            }
            for name, server in servers.items()
        ],
    }


def page(path: str) -> Callable[[Scene], str]:
    return lambda scene: scene.fetch(path)


def probed(scene: Scene) -> str:
    paths = [f"/probe?target={name}&debug={debug}" for name in APPLIANCES for debug in ("false", "true")]
    return "".join(map(scene.fetch, paths))


def logged(scene: Scene) -> str:
    log = scene.exporter.process.output
    assert "configuration not reloaded" in log
    return log


def environment(scene: Scene) -> str:
    """Return the environment of the process without the variable that the operator set."""
    return scene.process("environ").replace(f"{VARIABLE}={PAGE_PASSWORD}", "")


def command(*arguments: str) -> Callable[[Scene], str]:
    return lambda scene: scene.run(*arguments)


def commands_probe(scene: Scene) -> str:
    flags = ("--config.file=fleet.yml", "--debug", "--timeout=3", "--log.level=debug")
    return "".join(scene.run("probe", name, *flags) for name in APPLIANCES)


def asked(server: str, file: str, command: str, *flags: str) -> Callable[[Scene], str]:
    """Return what a command prints that asks a Prometheus with credentials in vain."""
    flags = (f"--http.config.file={file}", "--log.level=debug", *flags)
    return lambda scene: scene.run(command, f"--prometheus.url={scene.servers[server].url}", *flags)


def mailed(scene: Scene) -> str:
    """Return the error, and what is beneath it, if the mail server does not take the password."""
    with mail_server(Mailbox(), sign_in=True) as mailbox:
        outbox = Outbox("a@example.edu", ("b@example.edu",), "127.0.0.1", mailbox.port, tls="none", username="monitor")
        outbox = replace(outbox, password=(scene.folder / "mail").read_text())
        with pytest.raises(ExporterError) as refused:
            send(outbox, compose(outbox, "Report", "text", "<p>text</p>", []))
    return "".join([repr(outbox), *traceback.format_exception(refused.value)])


SHOWN: Final[Mapping[str, Callable[[Scene], str]]] = {
    "the landing page": page("/"),
    "/config": page("/config"),
    "/metrics": page("/metrics"),
    "/sd": page("/sd"),
    "/probe, with and without debug": probed,
    "a wrong user": lambda scene: scene.fetch("/", password=MISPLACED),
    "an unknown path": page(f"/{COMMUNITY[:6]}"),
    "an unknown target": page("/probe?target=nobody"),
    "the log at level debug": logged,
    "the command line of the process": lambda scene: scene.process("cmdline"),
    "the title of the process": lambda scene: scene.process("comm"),
    "the environment of the process": environment,
    "the command check": command("check", "--config.file=fleet.yml", "--log.level=debug"),
    "the errors of check": command("check", "--config.file=wrong.yml", "--log.level=debug"),
    "the errors of --web.config.file": command("check", "--config.file=fleet.yml", "--web.config.file=wrong_web.yml"),
    "an unexpected error of a command": lambda scene: scene.run_broken("sd", "--log.level=debug"),
    "the command sd": command("sd", "--config.file=fleet.yml"),
    "the command probe --debug": commands_probe,
    "report, refused": asked("refusing", "basic.yml", "report", "--out=reports"),
    "report, redirected": asked("redirecting", "bearer.yml", "report", "--out=reports"),
    "incident, refused": asked("refusing", "bearer.yml", "incident", "--out=reports"),
    "capacity, refused": asked("refusing", "basic.yml", "capacity"),
    "backtest, refused": asked("refusing", "bearer.yml", "backtest"),
    "backtest, redirected": asked("redirecting", "basic.yml", "backtest"),
    "the errors of --http.config.file": asked("refusing", "wrong_http.yml", "backtest"),
    "the errors of mail": mailed,
}
"""Every text that somebody may see."""


@pytest.mark.parametrize("shown", SHOWN)
def test_no_text_shows_a_secret(shown: str, scene: Scene) -> None:
    text = SHOWN[shown](scene)
    assert text
    assert [secret for secret in PLANTED if secret in text] == []
