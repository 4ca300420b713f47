"""The alerts that are right for each scenario, and those that may fire in addition."""

from __future__ import annotations

from typing import Final, NamedTuple

from exporter.lab.simulator.incident import Alert, Severity


class Expectation(NamedTuple):
    """The alerts of a scenario."""

    expected: tuple[Alert, ...] = ()
    """Each of them is a right alert. Without any, no alert should fire."""
    allowed: tuple[Alert, ...] = ()
    """Alerts that may fire in addition."""


def _alerts(severity: Severity, *names: str) -> tuple[Alert, ...]:
    return tuple(Alert(f"IronPort{name}", severity) for name in names)


def _critical(*names: str) -> tuple[Alert, ...]:
    return _alerts("critical", *names)


def _warning(*names: str) -> tuple[Alert, ...]:
    return _alerts("warning", *names)


def _info(*names: str) -> tuple[Alert, ...]:
    return _alerts("info", *names)


_QUEUE: Final = (
    *_warning("WorkQueueHigh", "WorkQueueDelayHigh", "WorkQueueFillingUp", "ResourceConservation"),
    *_warning("MemoryNearConservation", "DrainRateFalling"),
)
"""A unit whose work queue grows."""

_POOL_QUEUE: Final = (*_QUEUE, *_critical("WorkQueueHigh", "WorkQueueDelayHigh"))
"""A pool whose work queues grow."""

_ATTACK: Final = (
    *_QUEUE,
    *_warning("ConnectionFlood", "ConnectionSlotsExhausted", "UnitOverloaded", "JabbererSuspected"),
)
"""A unit under attack."""

_FLOOD: Final = (
    *_ATTACK,
    *_POOL_QUEUE,
    *_critical("PoolNotAcceptingMail", "CapacityInsufficient", "DeliveryBacklog"),
    *_warning("DeliveryBacklog", "BounceStorm"),  # of the mail that waited for the next pool of the stream
)
"""A pool under attack, and the pools later in its stream."""

_LOSS: Final = (
    *_QUEUE,
    *_warning("CapacityNotNPlusOne", "SiteLossNotSurvivable", "UnitOverloaded", "UnitUnreachable"),
    *_info("UnitRebooted"),
)
"""A pool that has lost a unit."""

_SHORTAGE: Final = (
    *_LOSS,
    *_POOL_QUEUE,
    *_critical("CapacityInsufficient", "PoolOverloaded", "PoolUnreachable"),
)
"""A pool that has too few units."""

_DELIVERY: Final = (
    *_warning("DeliveryBacklog", "DeliveryStarved", "DeliveryStalled", "OldestMessageStuck", "OutboundAbuseSuspected"),
    *_critical("DeliveryBacklog"),
)
"""A delivery queue that grows."""

# fmt: off
EXPECTATIONS: Final = {
    "jabberer": Expectation(_warning("JabbererSuspected"), _ATTACK),
    "flood": Expectation(_critical("DistributedAttackSuspected"), _FLOOD),
    "partial-flood": Expectation(_critical("DistributedAttackSuspected"), _FLOOD),
    "hailstorm": Expectation(_critical("DistributedAttackSuspected"), _FLOOD),
    "slow-connections": Expectation(_warning("ConnectionSlotsExhausted"),
                                    _critical("NoMailArriving", "ConnectionSlotsExhausted")),
    "dha": Expectation(_warning("DirectoryHarvestSuspected"), _warning("ConnectionFlood")),
    "bounce-storm": Expectation(_warning("BounceStorm"), _DELIVERY),
    "outbound-abuse": Expectation(_warning("OutboundAbuseSuspected"),
                                  (*_ATTACK, *_DELIVERY, *_warning("BounceStorm"))),
    "unit-slow": Expectation(_warning("UnitSlow"), (*_QUEUE, *_warning("RaidDegraded", "CapacityNotNPlusOne"))),
    "pool-slow": Expectation(_critical("PoolSlow"), (*_POOL_QUEUE, *_warning("UnitSlow"))),
    "size-bomb": Expectation(_warning("UnitSlow"), (*_QUEUE, *_warning("QueueSpaceLow"))),
    "destination-down": Expectation(_warning("DestinationStuck", "DeliveryBacklog"),
                                    (*_DELIVERY, *_warning("BounceStorm"),
                                     *_critical("DestinationStuck", "InternalMailDelayed"))),
    "destination-slow": Expectation((), (*_DELIVERY, *_warning("BounceStorm"))),
    "delivery-starved": Expectation(_critical("DeliveryStarved"), (*_DELIVERY, *_critical("DeliveryStalled"))),
    "queue-paused": Expectation(_warning("WorkQueueStalled"), (*_QUEUE, *_warning("UnitNotOnline"))),
    "receiving-suspended": Expectation(_warning("UnitNotOnline"),
                                       _warning("CapacityNotNPlusOne", "SiteLossNotSurvivable", "UnitOverloaded")),
    "mail-stopped": Expectation(_critical("NoMailArriving")),
    "unit-down": Expectation(_warning("UnitUnreachable"), _LOSS),
    "site-down": Expectation(_warning("UnitUnreachable"), (*_SHORTAGE, *_warning("SpareNotReady"))),
    "snmp-dead": Expectation(_warning("SnmpDown"), _info("SnmpFlaky")),
    "snmp-drops": Expectation((), _info("SnmpFlaky")),
    "xml-dead": Expectation(_warning("XmlDown")),
    "rest-dead": Expectation(_warning("RestDown")),
    "auth-failure": Expectation(_warning("AuthenticationFailed"), _warning("XmlDown")),
    "raid-fault": Expectation(_warning("RaidDegraded")),
    "fan-fault": Expectation(_warning("FanFailed")),
    "psu-fault": Expectation(_warning("PowerSupplyFault")),
    "temperature": Expectation(_warning("TemperatureHigh")),
    "log-disk": Expectation(_warning("LogDiskFilling")),
    "key-expiring": Expectation(_warning("FeatureKeyExpiring"), _warning("SpareNotReady")),
    "key-expired": Expectation(_warning("FeatureKeyExpired"), _warning("FeatureKeyExpiring", "SpareNotReady")),
    "update-failing": Expectation(_warning("UpdateFailing")),
    "reboot": Expectation(_info("UnitRebooted"), _LOSS),
    "version-mismatch": Expectation(_warning("VersionMismatch")),
    "certificate-expiring": Expectation(_warning("CertificateExpiring")),
    "rare-scrapes": Expectation(_warning("ScrapeIntervalTooLong")),
    "version-too-old": Expectation(_warning("VersionTooOld"), _warning("VersionMismatch")),
    "growth": Expectation(_warning("CapacityNotNPlusOne", "SiteLossNotSurvivable"), _SHORTAGE),
}
# fmt: on
"""By scenario. For a scenario that is not listed no alert should fire."""
