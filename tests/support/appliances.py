"""Appliances as the configuration makes them, for tests without a configuration file."""

from __future__ import annotations

from typing import Any

from exporter.config import Appliance, Auth, CommunityAuth, SnmpSettings, UserAuth
from support.snmpd import AUTH_PASSPHRASE, COMMUNITY, PRIV_PASSPHRASE, User


def community(text: str = COMMUNITY) -> CommunityAuth:
    """Return credentials for SNMP v2c."""
    return CommunityAuth.model_validate({"version": "2c", "community": text})


def usm(user: User, auth: str = AUTH_PASSPHRASE, priv: str = PRIV_PASSPHRASE) -> UserAuth:
    """Return credentials for SNMPv3, by default those of our snmpd."""
    given = (("auth", user.auth, auth), ("priv", user.priv, priv))
    keys = {key: {"protocol": protocol, "passphrase": text} for key, protocol, text in given if protocol}
    return UserAuth.model_validate({"version": 3, "username": user.name, **keys})


def snmp_appliance(
    port: int, auth: CommunityAuth | UserAuth | None = None, host: str = "127.0.0.1", **more: Any
) -> Appliance:
    """Return an appliance with SNMP only."""
    return Appliance(
        name="mx1",
        address=host,
        auth="ops",
        credentials=Auth(snmp=auth or community()),
        stream="default",
        **{"snmp": SnmpSettings(port=port), **more},
    )
