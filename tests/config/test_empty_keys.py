"""A key set to nothing is refused, so that it never clears a security setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import config
from exporter.errors import ConfigError
from support.config_files import Load

FINGERPRINT = "ab" * 32
ENTRY = {"name": "mx1", "address": "mx1", "auth": "lab"}


def fleet(credentials: Any = None, defaults: Any = None, **own: Any) -> str:
    """Return a file with one appliance."""
    credentials = credentials or {"xml": {"username": "monitor", "password": "secret"}}
    return yaml.safe_dump(
        {"auths": {"lab": credentials}, "defaults": defaults, "appliances": [ENTRY | own]}, width=10_000
    )


PINNED = {"xml": {"port": 8443, "tls": {"fingerprint_sha256": FINGERPRINT, "ciphers": "DEFAULT"}}}


@pytest.mark.parametrize(
    ("own", "place"),
    [
        ({"xml": None}, "xml"),
        ({"xml": {"tls": None}}, "xml.tls"),
        *(({"xml": {"tls": {key: None}}}, f"xml.tls.{key}") for key in config.TlsSettings.model_fields),
        *(({"xml": {key: None}}, f"xml.{key}") for key in config.XmlSettings.model_fields),
        *(({"snmp": {key: None}}, f"snmp.{key}") for key in config.SnmpSettings.model_fields),
        *(({"min_interval": {key: None}}, f"min_interval.{key}") for key in config.MinInterval.model_fields),
        *(({key: None}, key) for key in ("snmp", "min_interval", "labels", "pool", "traffic", "role", "auth")),
    ],
)
def test_an_empty_key_of_an_appliance_is_refused(
    own: dict[str, Any], place: str, refusal: Callable[[str], list[str]]
) -> None:
    (problem,) = refusal(fleet(defaults=PINNED, **own))
    assert problem.endswith(f": appliances[0] (mx1).{place} is empty: give it a value, or remove the key.")
    (problem,) = refusal(fleet(defaults=own))
    assert problem.endswith(f": defaults.{place} is empty: give it a value, or remove the key.")


USER = {"version": 3, "username": "v3get", "auth": {"protocol": "SHA", "passphrase": "long enough"}}


@pytest.mark.parametrize(
    ("auth", "place"),
    [
        ({"snmp": USER | {"priv": None}}, "snmp.priv"),
        ({"snmp": USER | {"auth": None}}, "snmp.auth"),
        ({"snmp": None, "xml": {"username": "monitor", "password": "secret"}}, "snmp"),
        ({"snmp": USER, "xml": None}, "xml"),
        ({"snmp": USER | {"username": None}}, "snmp.username"),
        ({"snmp": USER | {"auth": {"protocol": None, "passphrase": "long enough"}}}, "snmp.auth.protocol"),
    ],
)
def test_an_empty_key_of_an_auth_is_refused(auth: Any, place: str, refusal: Callable[[str], list[str]]) -> None:
    (problem,) = refusal(fleet(auth))
    assert problem.endswith(f": auths.lab.{place} is empty: give it a value, or remove the key.")


@pytest.mark.parametrize("own", [{"xml": {}}, {"xml": {"tls": {}}}, {"snmp": {}}, {"labels": {}}, {"min_interval": {}}])
def test_an_empty_mapping_keeps_the_defaults(own: dict[str, Any], load: Load) -> None:
    mx1 = load(fleet(defaults=PINNED | {"snmp": {"port": 1161}, "labels": {"rack": "b12"}}, **own)).appliances["mx1"]
    assert (mx1.xml.tls.fingerprint_sha256, mx1.xml.port) == (FINGERPRINT, 8443)
    assert (mx1.snmp.port, mx1.labels) == (1161, {"rack": "b12"})


WAYS = {"ca_file": "ca.pem", "fingerprint_sha256": FINGERPRINT, "verify": False}
TLS = st.fixed_dictionaries(
    {},
    optional={
        "ca_file": st.sampled_from([None, "ca.pem"]),
        "fingerprint_sha256": st.sampled_from([None, FINGERPRINT]),
        "verify": st.sampled_from([None, True, False]),
        "min_version": st.sampled_from([None, "TLSv1.3"]),
        "ciphers": st.sampled_from([None, "DEFAULT"]),
    },
)


@given(st.sampled_from(sorted(WAYS)), TLS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_one_way_to_trust_comes_out(load: Load, usual: str, own: dict[str, Any]) -> None:
    """Where the defaults have one of ca_file, fingerprint_sha256 and verify, an appliance gets it, or its own one."""
    text = fleet(defaults={"xml": {"tls": {usual: WAYS[usual]}}}, xml={"tls": own})
    ways = own if own.keys() & WAYS.keys() else {usual: WAYS[usual]}
    chosen = [key for key in ways if key in WAYS and ways[key] is not True]
    if None in own.values() or len(chosen) > 1:
        with pytest.raises(ConfigError, match=r"is empty|has more than one of"):
            load(text)
        return
    tls = load(text).appliances["mx1"].xml.tls
    assert (tls.ca_file is not None) == ("ca_file" in ways)
    assert (tls.fingerprint_sha256 is not None) == ("fingerprint_sha256" in ways)
    assert tls.verify is ways.get("verify", True)
