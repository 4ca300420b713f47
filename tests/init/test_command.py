"""`init` makes a fleet.yml that works, from flags or from a person, and says what is wrong with an answer."""

from __future__ import annotations

import asyncio
import re
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from exporter import cli, config
from exporter.lab.simulator.live import LiveFleet
from support.simulated import simulated
from support.snmpd import AUTH_PASSPHRASE, COMMUNITY, PRIV_PASSPHRASE, Snmpd
from support.terminal import converse

PROGRAM = (sys.executable, "-m", "exporter")


@dataclass
class Appliance:
    """One unit of a simulated fleet: its secrets, its ports as flags, and the fingerprint of its certificate."""

    auth: str
    priv: str
    password: str
    ports: list[str]
    fingerprint: str

    @classmethod
    def of(cls, fleet: LiveFleet) -> Appliance:
        written = yaml.safe_load(fleet.fleet_file())
        credentials, first = written["auths"]["simulated"], written["appliances"][0]
        return cls(
            credentials["snmp"]["auth"]["passphrase"],
            credentials["snmp"]["priv"]["passphrase"],
            credentials["xml"]["password"],
            [f"--snmp.port={first['snmp']['port']}", f"--xml.port={first['xml']['port']}"],
            written["defaults"]["xml"]["tls"]["fingerprint_sha256"],
        )

    def flags(self, folder: Path) -> list[str]:
        """Return every answer as a flag, with the secrets in files of the folder."""
        for name, text in (("auth", self.auth), ("priv", self.priv), ("password", self.password)):
            (folder / name).write_text(text)
        return [
            *("--appliance", "mx1=127.0.0.1", *self.ports),
            *("--snmp.passphrase-file", str(folder / "auth"), "--snmp.privacy-passphrase-file", str(folder / "priv")),
            *("--xml.username", "monitor", "--xml.password-file", str(folder / "password")),
        ]


@pytest.fixture
async def appliance() -> AsyncIterator[Appliance]:
    async with simulated("pair") as fleet:
        yield Appliance.of(fleet)


async def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run init without a terminal."""
    return await asyncio.to_thread(
        subprocess.run,
        [*PROGRAM, "init", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def person(folder: Path, *answers: tuple[str, str], flags: list[str]) -> tuple[int, str]:
    """Run init on a terminal."""
    return await asyncio.to_thread(converse, [*PROGRAM, "init", *flags], folder, answers)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_person_answers_five_questions(appliance: Appliance, tmp_path: Path) -> None:
    code, screen = await person(
        tmp_path,
        ("1/5", "mx1=127.0.0.1"),
        ("2/5", ""),
        ("3/5", appliance.auth),
        ("3/5", appliance.priv),
        ("SNMP of mx1: complete", ""),
        ("5/5", appliance.password),
        ("Is it the same?", "y"),
        flags=appliance.ports,
    )
    assert code == 0, screen
    assert "XML of mx1: complete" in screen
    assert "1 of 1 appliances are complete." in screen
    assert appliance.fingerprint in screen.replace(":", "").lower()
    text = (tmp_path / "fleet.yml").read_text()
    secrets = {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}
    assert secrets == {
        "snmp_auth": appliance.auth,
        "snmp_priv": appliance.priv,
        "xml_password": appliance.password,
    }
    assert {mode(path) for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert mode(tmp_path / "secrets") == 0o700
    assert not [secret for secret in secrets.values() if secret in text + screen]
    assert text.count("#") > 10
    loaded = config.load(tmp_path / "fleet.yml")
    assert loaded.appliances["mx1"].xml.tls.fingerprint_sha256 == appliance.fingerprint
    assert loaded.notices == ()


async def test_flags_answer_everything_without_a_terminal(appliance: Appliance, tmp_path: Path) -> None:
    done = await run(tmp_path, *appliance.flags(tmp_path), "--xml.pin")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 appliances are complete." in done.stderr
    text = (tmp_path / "fleet.yml").read_text()
    assert f"passphrase_file: {tmp_path / 'auth'}" in text
    assert not (tmp_path / "secrets").exists()


async def test_a_certificate_is_pinned_only_if_somebody_says_so(appliance: Appliance, tmp_path: Path) -> None:
    done = await run(tmp_path, *appliance.flags(tmp_path))
    assert done.returncode == 1
    assert "self-signed certificate" in done.stderr
    assert appliance.fingerprint in done.stderr.replace(":", "").lower()
    assert "give --xml.pin" in done.stderr
    assert not (tmp_path / "fleet.yml").exists()


async def test_a_person_corrects_what_does_not_work(appliance: Appliance, tmp_path: Path) -> None:
    code, screen = await person(
        tmp_path,
        ("1/5", "mx1=127.0.0.1:161"),
        ("1/5", "mx1=127.0.0.1"),
        ("2/5", "1"),
        ("2/5", "3"),
        ("3/5", "short"),
        ("3/5", "a wrong passphrase"),
        ("3/5", appliance.priv),
        ("Answer again", "what"),
        ("Answer again", "again"),
        ("2/5", "3"),
        ("3/5", appliance.auth),
        ("3/5", appliance.priv),
        ("4/5", "none"),
        flags=appliance.ports,
    )
    assert code == 0, screen
    for sentence in (
        "127.0.0.1:161 must not contain a port",
        "Answer 3, 2c or none.",
        "is too short: SNMPv3 needs at least 8 characters",
        "mx1, SNMP (auth): ",
        "`snmpconfig`",
        "Answer again, keep or leave out.",
    ):
        assert sentence in screen
    assert (tmp_path / "secrets" / "snmp_auth").read_text().strip() == appliance.auth
    assert "xml" not in yaml.safe_load((tmp_path / "fleet.yml").read_text())["auths"]["ops"]


async def test_a_person_may_keep_answers_that_do_not_work(appliance: Appliance, tmp_path: Path) -> None:
    code, screen = await person(
        tmp_path,
        ("2/5", "none"),
        ("4/5", "someone"),
        ("5/5", "not the password"),
        ("Is it the same?", "y"),
        ("Answer again", "keep"),
        flags=["--appliance", "mx1=127.0.0.1", *appliance.ports],
    )
    assert code == 1, screen
    assert "0 of 1 appliances are complete." in screen
    assert (tmp_path / "secrets" / "xml_password").read_text() == "not the password\n"


async def test_a_real_agent_with_a_community(snmpd: Snmpd, tmp_path: Path) -> None:
    code, screen = await person(
        tmp_path,
        ("2/5", "2c"),
        ("3/5", COMMUNITY),
        ("4/5", "none"),
        flags=["--appliance", "127.0.0.1", "--snmp.port", str(snmpd.port)],
    )
    assert (code, "SNMP of 127.0.0.1: complete." in screen) == (0, True), screen
    assert config.load(tmp_path / "fleet.yml").appliances["127.0.0.1"].snmp.port == snmpd.port


async def test_a_real_agent_with_a_user(snmpd: Snmpd, tmp_path: Path) -> None:
    for name, text in (("auth", AUTH_PASSPHRASE), ("priv", PRIV_PASSPHRASE)):
        (tmp_path / name).write_text(f"{text}\n")
    flags = ["--snmp.passphrase-file", "auth", "--snmp.privacy-passphrase-file", "priv", "--out", "mine.yml"]
    done = await run(tmp_path, "--appliance", "mx1=127.0.0.1", f"--snmp.port={snmpd.port}", *flags)
    assert done.returncode == 0, done.stderr
    assert list(config.load(tmp_path / "mine.yml").appliances) == ["mx1"]


@pytest.mark.parametrize("there", ["fleet.yml", "secrets/snmp_auth"])
def test_nothing_is_overwritten_unless_told(
    there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets").mkdir()
    (tmp_path / there).write_text("mine")
    (tmp_path / "community").write_text("public")
    arguments = ["init", "--untried", "--appliance", "mx1", "--snmp.community-file", "community"]
    assert cli.main(arguments) == 1
    assert f"{there} is there already. Choose another file with --out, or give --overwrite." in capsys.readouterr().err
    assert (tmp_path / there).read_text() == "mine"
    assert cli.main([*arguments, "--overwrite"]) == 0
    assert list(config.load(Path("fleet.yml")).appliances) == ["mx1"]


def test_a_secret_may_be_in_its_file_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "snmp_community").write_text("public")
    arguments = ["--appliance", "mx1", "--snmp.community-file", "secrets/snmp_community"]
    assert cli.main(["init", "--untried", *arguments]) == 0
    assert (tmp_path / "secrets" / "snmp_community").read_text() == "public"


WRONG = {
    "no appliance": ([], "give --appliance ADDRESS"),
    "no source": (["--appliance", "mx1"], "there is nothing to read. Give --snmp.passphrase-file"),
    "a URL": (["--appliance", "https://mx1/"], "must be a host name or an IP address only"),
    "a name twice": (["--appliance", "a=1.2.3.4", "--appliance", "a=1.2.3.5"], "Two appliances are called a"),
    "no such file": (["--appliance", "mx1", "--snmp.community-file", "none"], "none cannot be read (No such file"),
    "a short passphrase": (["--appliance", "mx1", "--snmp.passphrase-file", "short"], "is too short"),
    "two versions of SNMP": (
        ["--appliance", "mx1", "--snmp.community-file", "short", "--snmp.passphrase-file", "short"],
        "or --snmp.passphrase-file for SNMPv3, not both",
    ),
    "a privacy passphrase alone": (
        ["--appliance", "mx1", "--snmp.privacy-passphrase-file", "short"],
        "needs --snmp.passphrase-file",
    ),
    "a user without a password": (["--appliance", "mx1", "--xml.username", "monitor"], "need each other"),
    "a colon in the user": (
        ["--appliance", "mx1", "--xml.username", "a:b", "--xml.password-file", "short"],
        "must not contain a colon",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_flag_is_a_sentence(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_text("1234567")
    arguments, sentence = WRONG[case]
    assert cli.main(["init", "--untried", *arguments]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"ironport-exporter: error: .*{re.escape(sentence)}.*\n", said)
    assert "1234567" not in said
    assert not (tmp_path / "fleet.yml").exists()


def test_appliances_without_a_name_are_called_by_their_address() -> None:
    from exporter.init.answers import read_appliances

    assert read_appliances("mx1.east.example.edu, mx1.west.example.edu  192.0.2.7 spare=2001:db8::1") == {
        "mx1": "mx1.east.example.edu",
        "mx1.west.example.edu": "mx1.west.example.edu",
        "192.0.2.7": "192.0.2.7",
        "spare": "2001:db8::1",
    }
