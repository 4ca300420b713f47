"""The configuration file: what an appliance is, where it answers and with which credentials."""

from exporter.config.loading import effective, load, schema
from exporter.config.models import (
    Appliance,
    Auth,
    AuthKey,
    BasicAuth,
    CommunityAuth,
    Config,
    FleetFile,
    MinInterval,
    PrivKey,
    SnmpSettings,
    TlsSettings,
    UserAuth,
    XmlSettings,
)

__all__ = [
    "Appliance",
    "Auth",
    "AuthKey",
    "BasicAuth",
    "CommunityAuth",
    "Config",
    "FleetFile",
    "MinInterval",
    "PrivKey",
    "SnmpSettings",
    "TlsSettings",
    "UserAuth",
    "XmlSettings",
    "effective",
    "load",
    "schema",
]
