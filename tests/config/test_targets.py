"""Which targets beyond the list are allowed, and to which addresses their credentials may go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from exporter import config
from exporter.config import TargetRule
from support.config_files import MINIMAL, Load

AUTHS = """
auths:
  ops: {xml: {username: u, password: a}}
  lab: {snmp: {version: 2c, community: public}}
"""
TARGETS = AUTHS + 'targets: {allow: [10.0.0.0/8, "*.mx.example.edu"], auth: ops}\n'


def rule(*allow: str) -> TargetRule:
    return TargetRule(allow=allow)


ADMITTED = {
    "10.1.2.3": True,
    "11.1.2.3": False,
    "::ffff:10.1.2.3": True,
    "a.mx.example.edu": True,
    "A.MX.Example.EDU.": True,
    "a.b.mx.example.edu": True,
    "mx.example.edu": False,
    ".mx.example.edu": False,
    "evil-mx.example.edu": False,
    "a.mx.example.edu.evil.test": False,
    "a.mxxexample.edu": False,
    "a.mx.example.edu/@evil.test": False,
    "a.mx.example.edu:443": False,
    "a.mx.example.edu\n": False,
    "10.1.2.3:161": False,
    "[::1]": False,
    "2130706433": False,
    "0x7f000001": False,
    "010.1.2.3": False,
    "": False,
}


@pytest.mark.parametrize("target", ADMITTED)
def test_a_target_is_admitted_by_network_or_name(target: str) -> None:
    assert rule("10.0.0.0/8", "*.mx.example.edu").admits(target) is ADMITTED[target]


def test_without_networks_no_address_is_admitted() -> None:
    assert not rule("*.mx.example.edu").admits("10.1.2.3")
    assert rule("*.mx.example.edu").permits("203.0.113.1")


PERMITTED = {
    ("10.0.0.0/8", "10.255.0.1"): True,
    ("10.0.0.0/8", "192.0.2.1"): False,
    ("192.0.2.7", "192.0.2.7"): True,
    ("2001:db8::/32", "2001:db8::1"): True,
    ("2001:db8::/32", "10.0.0.1"): False,
    ("0.0.0.0/0", "127.0.0.1"): False,
    ("0.0.0.0/0", "169.254.169.254"): False,
    ("0.0.0.0/0", "::ffff:169.254.169.254"): False,
    ("0.0.0.0/0", "0.0.0.0"): False,
    ("0.0.0.0/0", "255.255.255.255"): False,
    ("::/0", "::1"): False,
    ("::/0", "fe80::1%eth0"): False,
    ("::/0", "64:ff9b::a9fe:a9fe"): False,
    ("100.64.0.0/10", "100.100.100.200"): False,
    ("127.0.0.0/8", "127.0.0.1"): True,
    ("127.0.0.1", "127.0.0.2"): False,
    ("169.254.0.0/16", "169.254.7.7"): True,
    ("a.example.edu", "127.0.0.1"): False,
    ("a.example.edu", "169.254.169.254"): False,
}


@pytest.mark.parametrize(("allow", "address"), PERMITTED)
def test_credentials_go_only_to_permitted_addresses(allow: str, address: str) -> None:
    assert rule(allow).permits(address) is PERMITTED[allow, address]


def test_a_target_has_the_settings_of_defaults_and_targets(load: Load) -> None:
    loaded = load(
        f"{AUTHS}defaults: {{auth: lab, snmp: {{port: 1161}}, xml: {{scheme: http}}}}\n"
        "targets: {allow: [10.0.0.0/8], auth: ops, xml: {port: 8080}}\n"
    )
    assert loaded.appliances == {}
    appliance = loaded.beyond_list("10.1.2.3")
    assert appliance
    assert (appliance.name, appliance.address, appliance.auth) == ("10.1.2.3", "10.1.2.3", "ops")
    assert (appliance.snmp.port, appliance.xml.scheme, appliance.xml.port) == (1161, "http", 8080)
    assert loaded.beyond_list("11.1.2.3") is None
    again = load(config.effective(loaded)).beyond_list("10.1.2.3")
    assert again
    assert again.model_dump(exclude={"credentials"}) == appliance.model_dump(exclude={"credentials"})


def test_without_targets_nothing_is_beyond_the_list(load: Load) -> None:
    assert load(f"{MINIMAL}- {{name: mx1, address: mx1, auth: lab}}").beyond_list("mx2") is None


def test_the_effective_form_shows_targets(load: Load) -> None:
    shown = yaml.safe_load(config.effective(load(TARGETS)))
    assert shown["targets"]["allow"] == ["10.0.0.0/8", "*.mx.example.edu"]
    assert shown["auths"] == {"ops": {"xml": {"username": "u", "password": "<secret>"}}}


REFUSED = {
    "targets: {allow: [10.1.2.3/8], auth: ops}": "allow[0] is an address within a network: write 10.0.0.0/8.",
    "targets: {allow: ['*'], auth: ops}": "allow[0] must be a network (10.0.0.0/8), an IP address, a host name, or",
    "targets: {allow: ['a.*.b'], auth: ops}": "allow[0] must be a network (10.0.0.0/8), an IP address, a host name, or",
    "targets: {allow: ['10.0.0.0/40'], auth: ops}": "allow[0] must be a network (10.0.0.0/8), an IP address, a host",
    "targets: {allow: [], auth: ops}": "allow must have at least one entry.",
    "targets: {auth: ops}": "allow is missing: add it.",
    "targets: {allow: [10.0.0.0/8]}": "auth is missing: add the name of one of the auths, here or under defaults.",
    "targets: {allow: [10.0.0.0/8], auth: opps}": "auth is not one of the auths (did you mean ops?).",
    "targets: {allow: [10.0.0.0/8], auth: ops, name: a}": "targets has an unknown key",
}


@pytest.mark.parametrize("text", REFUSED)
def test_bad_targets_are_refused(text: str, refusal: Callable[[str], list[str]]) -> None:
    (problem,) = refusal(AUTHS + text)
    assert REFUSED[text] in problem
