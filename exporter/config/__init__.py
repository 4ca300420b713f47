"""The configuration: the appliances, their addresses and their credentials."""

from exporter.config.files import FilesRead
from exporter.config.http import BasicAuth, HttpSettings
from exporter.config.loading import LoadResult, effective, load, load_entries, schema, try_load
from exporter.config.models import Appliance, ApplianceEntry, Config, FleetFile
from exporter.config.rest import RestSettings
from exporter.config.snmp import AuthKey, CommunityAuth, PrivKey, SnmpCredentials, SnmpSettings, UserAuth
from exporter.config.source_keys import Auth, MinInterval
from exporter.config.targets import TargetRule
from exporter.config.tls import TlsSettings
from exporter.config.xml import XmlSettings

__all__ = [
    "Appliance",
    "ApplianceEntry",
    "Auth",
    "AuthKey",
    "BasicAuth",
    "CommunityAuth",
    "Config",
    "FilesRead",
    "FleetFile",
    "HttpSettings",
    "LoadResult",
    "MinInterval",
    "PrivKey",
    "RestSettings",
    "SnmpCredentials",
    "SnmpSettings",
    "TargetRule",
    "TlsSettings",
    "UserAuth",
    "XmlSettings",
    "effective",
    "load",
    "load_entries",
    "schema",
    "try_load",
]
