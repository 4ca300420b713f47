"""What the configuration file can contain, as it is written and as it is resolved."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from exporter.config.destinations import DomainPattern
from exporter.config.holidays import Holidays
from exporter.config.maintenance import MaintenanceWindow
from exporter.config.source_keys import Auth, MinInterval, SourceSettings
from exporter.config.targets import TargetRule
from exporter.config.values import (
    AsyncOsRelease,
    HostAddress,
    LabelName,
    LabelValue,
    Name,
    NotEmpty,
    OptionalKey,
    Section,
)


class UnitSettings(Section):
    """What a unit is, however it is reached."""

    site: Name | None = None
    """The data centre."""
    pool: Name = "default"
    """The units that share the mail behind one load balancer. They are compared with each other."""
    stream: Name | None = None
    """Joins pools that see the same mail one after the other; by default the name of the pool."""
    traffic: Literal["inbound", "outbound", "mixed"] = "mixed"
    """What the pool carries."""
    role: Literal["production", "spare"] = "production"
    """Whether the appliance takes mail, or stands by."""
    rated_messages_per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How many messages per hour the appliance is known to carry."""
    connection_limit: Annotated[int, Field(gt=0)] | None = None
    """How many inbound connections its listeners accept at a time."""
    minimum_version: AsyncOsRelease | None = None
    """The oldest release of AsyncOS that the appliance should run."""
    labels: dict[LabelName, LabelValue] = Field(default={})
    """More labels for its series; those of the defaults are added."""


class ApplianceSettings(UnitSettings, SourceSettings):
    """What may be set for one appliance, and under `defaults` for all."""

    auth: OptionalKey[Name] = None
    """The credentials, by their name under `auths`."""
    min_interval: MinInterval = MinInterval()
    """For how long a successful poll is reused."""
    destinations: dict[Name, tuple[DomainPattern, ...]] = Field(default={})
    """Destinations of mail that are always exported: for each class, domains and patterns (`*.uni-b.edu`)."""


class ApplianceEntry(ApplianceSettings):
    """One appliance as the file has it; the defaults give what it leaves out."""

    name: Name
    """The name of the appliance: the target of a probe and the label `instance`."""
    address: HostAddress
    """Its host name, IPv4 address or IPv6 address."""


class Targets(TargetRule, ApplianceSettings):
    """Appliances beyond the list: what may be probed, and settings for it that override the defaults."""


class Appliance(ApplianceEntry):
    """One appliance with the defaults filled in and its credentials."""

    auth: str
    """The name of the credentials."""
    credentials: Auth
    """The credentials of that name."""
    stream: str
    """The stream, which is the name of the pool where the file gives none."""
    maintenance: tuple[MaintenanceWindow, ...] = ()
    """When work on it is planned."""
    holidays: Holidays | None = None
    """The holidays of the fleet."""
    beyond_list: TargetRule | None = None
    """What allows it if it is not in the list: its credentials go only to the addresses that this permits."""


class Config(Section):
    """A fleet."""

    appliances: dict[str, Appliance]
    """The appliances by name, in the order of the files."""
    target_template: Appliance | None = None
    """What an appliance beyond the list is made from, without its name and address; None if none is allowed."""
    maintenance: tuple[MaintenanceWindow, ...] = ()
    """When work on appliances is planned. Each appliance has its own windows, too."""
    holidays: Holidays | None = None
    """The holidays of the fleet. Each appliance has them, too."""
    notices: tuple[str, ...] = ()
    """One sentence for each thing that puts credentials at risk."""
    unfilled: tuple[str, ...] = ()
    """One sentence for each value that still has to be filled in, in a copy of fleet.example.yml."""

    @property
    def hosts(self) -> frozenset[str]:
        """The names and the addresses of the appliances."""
        return frozenset(host for appliance in self.appliances.values() for host in (appliance.name, appliance.address))

    def beyond_list(self, target: str) -> Appliance | None:
        """Return the appliance for a target that is not in the list, if that is allowed."""
        template = self.target_template
        if template is None or template.beyond_list is None or not template.beyond_list.admits(target):
            return None
        return template.model_copy(update={"name": target.lower(), "address": target.lower()})


class FleetFile(Section):
    """The fleet of ironport-exporter: its appliances, and how they are polled. Several files can make one fleet."""

    auths: dict[Name, Auth] = Field(default={})
    """Credentials by name; each can be used by many appliances."""
    defaults: ApplianceSettings | None = None
    """Settings for every appliance that does not have its own."""
    appliances: Annotated[tuple[ApplianceEntry, ...], NotEmpty, Field(json_schema_extra={"minItems": 1})] = ()
    """The appliances."""
    targets: OptionalKey[Targets] = None
    """Appliances beyond the list, for those whose own discovery gives the addresses."""
    maintenance: tuple[MaintenanceWindow, ...] = ()
    """When work on appliances is planned, so that their alerts notify nobody."""
    holidays: OptionalKey[Holidays] = None
    """Days whose mail is not compared with, because it is not what is usual."""
