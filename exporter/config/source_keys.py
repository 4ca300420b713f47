"""The keys of all sources. A further source has a module like `snmp`, and one line in each of these three classes."""

from __future__ import annotations

from typing import Final

from pydantic import model_validator

from exporter.config.http import BasicAuth
from exporter.config.rest import REST_MIN_INTERVAL, RestSettings
from exporter.config.snmp import SNMP_MIN_INTERVAL, SnmpCredentials, SnmpSettings
from exporter.config.values import OptionalKey, Seconds, Section, bad_value
from exporter.config.xml import XML_MIN_INTERVAL, XmlSettings


class Auth(Section):
    """The credentials of at least one source; a source without credentials is not polled."""

    snmp: OptionalKey[SnmpCredentials] = None
    """The credentials for SNMP."""
    xml: OptionalKey[BasicAuth] = None
    """The credentials for the status pages."""
    rest: OptionalKey[BasicAuth] = None
    """The credentials for the REST interface."""

    @model_validator(mode="after")
    def _some_source(self) -> Auth:
        if not any(credentials for _, credentials in self):
            names = " nor ".join(type(self).model_fields)
            raise bad_value(f"has neither {names}: add the credentials of at least one source")
        return self


class SourceSettings(Section):
    """How each source is polled."""

    snmp: SnmpSettings = SnmpSettings()
    """How the SNMP agent is polled."""
    xml: XmlSettings = XmlSettings()
    """How the status pages are fetched."""
    rest: RestSettings = RestSettings()
    """How the REST interface is asked."""


SOURCE_NAMES: Final = tuple(SourceSettings.model_fields)


class MinInterval(Section):
    """A successful poll is reused for so many seconds, counted from its start.

    Successful means: the source is up and no request timed out.
    """

    snmp: Seconds = SNMP_MIN_INTERVAL
    """Time in seconds for SNMP."""
    xml: Seconds = XML_MIN_INTERVAL
    """Time in seconds for the status pages."""
    rest: Seconds = REST_MIN_INTERVAL
    """Time in seconds for the REST interface."""
