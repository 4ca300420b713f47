"""Each mistake that a beginner makes leads to a sentence that says how to mend it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from exporter import cli, config
from exporter.errors import ConfigError
from exporter.first_contact import first_contact, probe_all
from exporter.prometheus.progress import silent
from exporter.prometheus.rule_files import read_rules
from support import logs
from support.exporter import Exporter
from support.prometheus import Prometheus
from support.simulated import simulated

restore = pytest.fixture(autouse=True)(logs.restored)

PROJECT = Path(__file__).parent.parent


HOW_SIMULATED: Final[Mapping[str, Any]] = {
    "as AsyncOS has it by default": {},
    "with v2c": {"snmp": "v2c"},
    "with HTTP": {"https": False},
}


@dataclass(frozen=True)
class Mistake:
    """What somebody writes into a good fleet.yml, and the words of the sentence that mends it."""

    pattern: str
    """What is replaced, as a regular expression."""
    written: str
    words: tuple[str, ...]
    """Parts of the answer."""
    how: str = "as AsyncOS has it by default"
    """How the appliance is simulated."""
    timeout: float = 10
    """Seconds that a probe may take: a wrong community is silence until then."""


IN_THE_FILE: Final = {
    "an appliance without credentials": Mistake(
        "  auth: simulated\n", "", ("(ring1).auth is missing: add the name of one of the auths",)
    ),
    "a tab": Mistake("  auth: simulated", "\tauth: simulated", ("fleet.yml:17: ", "tabs cannot indent")),
    "a wrong name of a key": Mistake("pool: ", "pol: ", ("(ring1) has an unknown key (did you mean pool?)",)),
    "a URL as the address": Mistake(
        "address: 127.0.0.1", "address: https://mx1.mail/", ("must be a host name or an IP address only",)
    ),
    "a port in the address": Mistake(
        "address: 127.0.0.1", "address: mx1.mail:443", ("must not contain a port: set it for each source",)
    ),
    "a password that YAML reads otherwise": Mistake(
        "password: .*", "password: @s3cret", ("a value that begins with @", "must be in quotes")
    ),
}

ON_THE_WIRE: Final = {
    "a wrong community": Mistake(
        "community: .*", "community: wrong", ("the community (a wrong one gets no answer)",), "with v2c", 1
    ),
    "a wrong passphrase of SNMPv3": Mistake(
        r"SHA\n( *)passphrase: .*",
        r"SHA\n\1passphrase: wrong passphrase",
        ("check protocol and passphrase under auth",),
    ),
    "a wrong privacy passphrase": Mistake(
        r"AES\n( *)passphrase: .*",
        r"AES\n\1passphrase: wrong passphrase",
        ("the passphrase or protocol under priv may be wrong",),
        timeout=1,
    ),
    "another user of SNMP": Mistake("v3get", "admin", ("AsyncOS calls it v3get",)),
    "a wrong password": Mistake(
        "password: .*", "password: wrong", ("check username and password in auths.simulated.xml of fleet.yml",)
    ),
    "HTTP instead of HTTPS": Mistake(
        r"scheme: https\n *tls:\n.*", "scheme: http", ("set xml.scheme to https if the port uses HTTPS",)
    ),
    "HTTPS instead of HTTP": Mistake(
        "scheme: http", "scheme: https", ("set xml.scheme to http if the port uses HTTP",), "with HTTP"
    ),
    "a self-signed certificate": Mistake(
        " *tls:\n.*\n", "", ("self-signed certificate", "pin the certificate with xml.tls.fingerprint_sha256")
    ),
    "a wrong port": Mistake(
        r"xml: {port: \d+", "xml: {port: 1", ("port 1 of 127.0.0.1 is closed: check xml.port", "`interfaceconfig`")
    ),
    "SNMP that is not enabled": Mistake(
        r"snmp: {port: \d+", "snmp: {port: 1", ("check that SNMP is enabled", "`snmpconfig`")
    ),
    "a name that does not exist": Mistake(
        "address: 127.0.0.1", "address: mx1.invalid", ("check the address and the DNS",)
    ),
}


def mistaken(text: str, mistake: Mistake) -> str:
    """Return the fleet.yml of one simulated appliance with the mistake."""
    one = re.sub(r"(?m)^  - {name: ring2.*\n", "", text)
    wrong, count = re.subn(mistake.pattern, mistake.written, one, count=1)
    assert count == 1
    return wrong


async def test_a_mistake_in_the_file_is_a_sentence(tmp_path: Path) -> None:
    async with simulated("pair") as fleet:
        good = fleet.fleet_file()
    for number, mistake in enumerate(IN_THE_FILE.values()):
        file = tmp_path / f"{number}-fleet.yml"
        file.write_text(mistaken(good, mistake))
        with pytest.raises(ConfigError) as refused:
            config.load(file)
        assert [words for words in mistake.words if words not in "\n".join(refused.value.problems)] == []


@pytest.mark.parametrize("how", HOW_SIMULATED)
async def test_a_mistake_that_only_the_appliance_notices_is_a_sentence(how: str, tmp_path: Path) -> None:
    """All mistakes are made at the same time, because some are silence until the deadline."""

    async def missing(name: str, mistake: Mistake) -> list[str]:
        file = tmp_path / f"{name}.yml"
        file.write_text(mistaken(good, mistake))
        loaded = config.load(file)
        text = first_contact(loaded, await probe_all(loaded, mistake.timeout, silent))
        return [f"{name}: {words!r} is not in {text!r}" for words in mistake.words if words not in text]

    made = {name: mistake for name, mistake in ON_THE_WIRE.items() if mistake.how == how}
    async with simulated("pair", **HOW_SIMULATED[how]) as fleet:
        good = fleet.fleet_file()
        found = await asyncio.gather(*map(missing, made, made.values()))
    assert list(chain.from_iterable(found)) == []


def test_a_copy_of_the_example_that_is_not_filled_in_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--config.file", str(PROJECT / "fleet.example.yml")]) == 1
    assert "passphrase is still fill-me-in: put your own secret there." in capsys.readouterr().err


def test_a_missing_fleet_file_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["--config.file", str(tmp_path / "fleet.yml")]) == 1
    assert "fleet.yml: the file does not exist" in (said := capsys.readouterr().err)
    assert "`ironport-exporter init` makes a first one." in said


SCRAPES: Final = {
    "an appliance that the exporter does not know": ("/probe?target=mx11", "Did you mean mx1?"),
    "a job without the parameter": ("/probe", "Give target once: /probe?target=NAME. /sd lists every appliance."),
    "a job with the parameter of another exporter": ("/probe?instance=mx1", "Give target once"),
    "a path of another exporter": ("/snmp?target=mx1", "The paths are /, "),
}


@pytest.fixture
def exporter(start_exporter: Callable[..., Exporter]) -> Exporter:
    """Run the exporter for an appliance whose port is closed."""
    return start_exporter(
        {
            "auths": {"ops": {"snmp": {"version": "2c", "community": "public"}}},
            "appliances": [{"name": "mx1", "address": "127.0.0.1", "auth": "ops", "snmp": {"port": 1}}],
        }
    )


def test_a_wrong_job_of_prometheus_gets_a_sentence(exporter: Exporter) -> None:
    for path, sentence in SCRAPES.values():
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{exporter.url}{path}", timeout=30)
        with refused.value as answer:
            assert answer.status in (400, 404), path
            assert sentence in answer.read().decode(), path


def test_rules_that_are_not_loaded_are_a_sentence(
    exporter: Exporter,
    start_prometheus: Callable[[Mapping[str, Any]], Prometheus],
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = {"job_name": "ironport", "http_sd_configs": [{"url": f"{exporter.url}/sd"}]}
    prometheus = start_prometheus(
        {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}
    )
    prometheus.until(lambda: prometheus.query("ironport_probe_success"))
    assert cli.main(["explain", "--prometheus.url", prometheus.url]) == 1
    assert "load the rules in alerts/rules" in capsys.readouterr().err


def test_an_interval_that_is_too_long_is_an_alert_with_the_setting() -> None:
    (rule,) = (
        each
        for each in read_rules(str(PROJECT / "alerts" / "rules" / "*.yml"))
        if each.alert == "IronPortScrapeIntervalTooLong"
    )
    assert "Set the scrape interval of the job to 1m or less." in rule.annotations["description"]
