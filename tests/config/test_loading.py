"""How a file is resolved: defaults, an appliance's own settings, and the form in which /config shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from exporter import config
from exporter.config import Appliance, TlsSettings
from support.config_files import FLEET, GOOD, MINIMAL, Load


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_the_effective_form_means_the_same(path: Path, load: Load) -> None:
    loaded = load(path.read_text())
    again = load(config.effective(loaded))
    assert [without_credentials(appliance) for appliance in again.appliances.values()] == [
        without_credentials(appliance) for appliance in loaded.appliances.values()
    ]
    assert config.effective(again) == config.effective(loaded)


def without_credentials(appliance: Appliance) -> dict[str, Any]:
    return appliance.model_dump(exclude={"credentials"})


def fleet(load: Load) -> dict[str, Appliance]:
    return load(FLEET).appliances


def test_appliances_keep_the_order_of_the_file(load: Load) -> None:
    assert list(fleet(load)) == ["mx1", "mx2", "mx3", "mx 4"]


def test_own_settings_override_the_defaults(load: Load, folder: Path) -> None:
    mx1, mx2, mx3, mx4 = fleet(load).values()
    assert (mx1.auth, mx1.site, mx1.pool, mx1.stream, mx1.role) == ("ops", "east", "edge", "inbound", "production")
    assert (mx2.auth, mx2.site, mx2.pool, mx2.stream, mx2.role) == ("old", None, "default", "default", "spare")
    assert (mx3.pool, mx3.stream) == ("core", "core")
    assert mx1.labels == {"row": "3", "owner": "security", "rack": "b12"}
    assert mx2.labels == {"row": "3", "owner": "mail"}
    assert (mx1.rated_messages_per_hour, mx1.connection_limit) == (140000, 300)
    assert (mx1.minimum_version, mx2.minimum_version) == ("15.10", "14.2.3-027")
    assert (mx2.snmp.port, mx2.snmp.max_repetitions) == (161, 10)
    assert mx2.snmp.accept_from == ("192.0.2.7", "2001:db8::7")
    assert (mx2.min_interval.snmp, mx2.min_interval.xml) == (5, 60)
    assert mx1.xml.pages == ("status", "dnsstatus", "tophosts", "topin")
    assert (mx1.xml.tls.ca_file, mx1.xml.tls.min_version) == (str(folder / "ca.pem"), "TLSv1.3")
    assert mx4.address == "fe80::1%eth0"


def test_the_classes_of_destinations_are_merged(load: Load) -> None:
    mx1, mx2, *_ = fleet(load).values()
    assert mx2.destinations == {"clients": ("uni-a.edu", "*.uni-b.edu"), "internal": ("mx.example.edu",)}
    assert mx1.destinations == {"clients": (), "internal": ("mail.example.edu",)}


def test_the_rest_interface_has_settings_like_the_page(load: Load) -> None:
    mx1, mx2, *_ = fleet(load).values()
    assert (mx1.rest.scheme, mx1.rest.port, mx1.rest.tls, mx1.rest.destinations) == ("http", 6080, TlsSettings(), False)
    assert (mx2.rest.scheme, mx2.rest.port, mx2.rest.tls.verify, mx2.rest.top) == ("https", 443, False, 20)
    assert mx2.min_interval.rest == 30


def test_own_trust_replaces_only_the_trust(load: Load) -> None:
    _, mx2, _, mx4 = fleet(load).values()
    old = TlsSettings(verify=False, min_version="TLSv1", ciphers="DEFAULT:@SECLEVEL=0", legacy_renegotiation=True)
    assert mx2.xml.tls == old
    assert mx4.xml.tls == TlsSettings(fingerprint_sha256="ab" * 32, min_version="TLSv1.3")
    assert mx4.xml.port == 8443


def test_another_scheme_drops_port_and_tls(load: Load) -> None:
    xml = fleet(load)["mx3"].xml
    assert (xml.scheme, xml.port, xml.tls) == ("http", 80, TlsSettings())


def test_null_unsets_a_default(load: Load) -> None:
    defaults = (
        "defaults: {site: east, stream: in, rated_messages_per_hour: 1, connection_limit: 1, minimum_version: 14}\n"
    )
    own = (
        "{name: mx1, address: mx1, auth: lab, site: null, stream: ~, rated_messages_per_hour: , connection_limit: null,"
        " minimum_version: }"
    )
    mx1 = load(f"{defaults}{MINIMAL}- {own}").appliances["mx1"]
    assert (mx1.site, mx1.stream, mx1.rated_messages_per_hour, mx1.connection_limit) == (None, "default", None, None)
    assert mx1.minimum_version is None


@pytest.mark.parametrize(
    "address",
    ["mx1", "mx1.example.edu", "mx1.example.edu.", "1mx.example", "mx_1.example", "192.0.2.1", "::1", "2001:db8::1"],
)
def test_host_names_and_ip_addresses_are_accepted(address: str, load: Load) -> None:
    assert load(f"{MINIMAL}- {{name: mx1, address: '{address}', auth: lab}}").appliances["mx1"].address == address


def test_only_a_changed_secret_makes_appliances_differ(load: Load, folder: Path) -> None:
    before, again = fleet(load), fleet(load)
    assert before == again
    (folder / "secrets/password").write_text("another password")
    after = fleet(load)
    assert after["mx1"] != before["mx1"]
    assert after["mx2"] == before["mx2"]


def test_the_configuration_is_frozen(load: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        fleet(load)["mx1"].pool = "core"


def test_the_effective_form_has_defaults_and_no_secret(load: Load) -> None:
    shown = yaml.safe_load(config.effective(load(MINIMAL + "- {name: mx1, address: 192.0.2.1, auth: lab}")))
    assert shown == {
        "auths": {"lab": {"snmp": {"version": "2c", "community": "<secret>"}}},
        "appliances": [
            {
                "name": "mx1",
                "address": "192.0.2.1",
                "auth": "lab",
                "pool": "default",
                "stream": "default",
                "traffic": "mixed",
                "role": "production",
                "labels": {},
                "snmp": {"port": 161, "max_repetitions": 25, "accept_from": []},
                "xml": {
                    "scheme": "https",
                    "port": 443,
                    "pages": ["status"],
                    "top": 20,
                    "tls": {"verify": True, "min_version": "TLSv1.2", "legacy_renegotiation": False},
                },
                "rest": {
                    "scheme": "https",
                    "port": 6443,
                    "destinations": True,
                    "top": 20,
                    "tls": {"verify": True, "min_version": "TLSv1.2", "legacy_renegotiation": False},
                },
                "min_interval": {"snmp": 10, "xml": 25, "rest": 30},
                "destinations": {},
            }
        ],
    }


def test_a_renewed_ca_file_makes_appliances_differ(folder: Path, load: Load) -> None:
    text = """
auths: {ops: {xml: {username: monitor, password: secret}}}
appliances: [{name: mx1, address: mx1.example.edu, auth: ops, xml: {tls: {ca_file: ca.pem}}}]
"""
    before = load(text)
    assert load(text) == before
    trustme.CA().cert_pem.write_to_path(str(folder / "ca.pem"))
    assert load(text) != before
