"""Verdicts: what is wrong with a pool or a unit in a few words, from the alerts that fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, starmap
from typing import Final, Literal

from dashboards.source.palette import (
    BASELINE,
    CRITICAL,
    GOOD,
    NOTHING,
    SAVING,
    UNREACHABLE,
    UNWATCHED,
    WARNING,
    NamedValue,
)
from dashboards.source.signals import IN_TOTAL, PER_ALERT, PER_POOL, PER_UNIT, Signal, alerts, units


@dataclass(frozen=True, slots=True)
class Lasting:
    """Where trouble lasts: elsewhere a verdict is ending, because its alert fires for some minutes more."""

    pools: str
    """PromQL of the pools."""
    units: str = ""
    """PromQL of the units, if the verdict is about one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of the table of verdicts."""

    word: str
    colour: str
    level: Literal["job", "pool", "unit"]
    """What the alerts are about: all units of a job, a whole pool or one unit."""
    alerts: tuple[str, ...]
    """The verdict applies while one of these fires."""
    sign: str
    """What it means, in short; the wall shows it beside the word."""
    first: str
    """The first step, in short, for the wall."""
    remedy: str
    """The first steps, with their commands; triage shows them."""
    blind: str = ""
    """PromQL of units, if the verdict applies without an alert as well: to those of which too little is known."""
    lasting: Lasting | None = None
    """Where its trouble lasts, if that is recorded."""
    names: str = ""
    """What the wall names: the `destination` of its alerts, or recorded causes with this label `about`."""

    @property
    def ending(self) -> str:
        """The words for it when it is ending, without an explanation in brackets."""
        return f"{self.word.partition(' (')[0]}, ending"

    def firing(self, series: str) -> str:
        """Return the PromQL of its firing alerts; `series` is `<<alerts>>`, `<<pools>>` or `<<units>>`."""
        instance = 'instance!=""' if self.level == "unit" else 'instance=""'
        return f'ALERTS{{alertstate="firing",alertname=~"{"|".join(self.alerts)}",{instance},{series}}}'


def _on_a_unit(condition: str) -> Lasting:
    """Return where a condition on units holds; `{}` stands for the filters."""
    return Lasting(
        f"max by (job, stream, pool) ({condition.replace('{}', '{<<pools>>}')})", condition.replace("{}", "{<<units>>}")
    )


_POOL_FILLS: Final = (
    "pool:ironport_work_queue_troubled:bool{<<pools>>} == 1"
    " and pool:ironport_work_queue_growth_messages:rate3m{<<pools>>} > 0"
)
_UNIT_FILLS: Final = _on_a_unit(
    "instance:ironport_work_queue_backlogged:bool{} == 1 and instance:ironport_work_queue_growth_messages:rate3m{} > 0"
)

VERDICTS: Final = (
    Verdict(
        "Not monitored",
        UNWATCHED,
        "job",
        ("IronPortExporterDown",),
        "The exporter gives no data: whether mail flows is not known.",
        "Start the exporter; until then, ask the units themselves: status detail.",
        "Start the exporter: `systemctl status ironport-exporter`. Until then, look at the appliances themselves: "
        "`status detail`.",
    ),
    Verdict(
        "Not monitored",
        UNWATCHED,
        "pool",
        ("IronPortPoolNotScraped",),
        "No unit of the pool gives data: whether mail flows is not known.",
        "See the reason on the page /targets of Prometheus.",
        "The page /targets of Prometheus shows the reason. Is the pool still in fleet.yml?",
    ),
    Verdict(
        "Unreachable",
        UNREACHABLE,
        "pool",
        ("IronPortPoolUnreachable",),
        "The exporter reaches no unit: they are down, or mail flows unseen.",
        "Ping a unit and log in; if none answers, check network, site and power.",
        "`ping` and log in to a unit. If none answers, look at the network, the site and its power. Move the pool's "
        "mail to another site.",
    ),
    Verdict(
        "Not accepting mail",
        CRITICAL,
        "pool",
        ("IronPortPoolNotAcceptingMail",),
        "No unit of the pool accepts mail.",
        "On each unit, status detail: is receiving suspended? Then resume.",
        "On each unit: `status detail`. Is receiving suspended (`resume`), or does it save resources (`workqueue "
        "status`)?",
    ),
    Verdict(
        "Distributed attack",
        CRITICAL,
        "pool",
        ("IronPortDistributedAttackSuspected",),
        "Far more mail than usual arrives, and mail waits on several units.",
        "Bring in the spare; on a unit, topin shows who sends most: throttle them.",
        "Bring in the spare, and see who sends most: on the units, `topin`. Block or throttle the worst sender "
        "groups in the host access table.",
        lasting=Lasting(
            "pool:ironport_attack_arrivals:bool{<<pools>>} == 1 or pool:ironport_sudden_arrivals:bool{<<pools>>} == 1"
        ),
        names="attack",
    ),
    Verdict(
        "Overloaded",
        CRITICAL,
        "pool",
        ("IronPortPoolOverloaded", "IronPortCapacityInsufficient"),
        "Several units work at full speed, but still more mail arrives.",
        "Bring in the spare; is a unit down, or was mail moved here?",
        "Bring in the spare. Is a unit down, or was mail of another site moved here?",
        lasting=Lasting(
            f"{_POOL_FILLS} or pool:ironport_messages_injected:rate3m{{<<pools>>}}"
            " > pool:ironport_available_capacity_messages:rate{<<pools>>}"
        ),
        names="backlogged",
    ),
    Verdict(
        "Slow",
        CRITICAL,
        "pool",
        ("IronPortPoolSlow",),
        "Several units handle less mail than they are rated for: mail waits.",
        "Check the suspect: DNS (dnsstatus), LDAP (ldaptest) or an engine update.",
        "They share a cause, which Attack triage may show: `dnsstatus`, LDAP servers, an engine update "
        "(`antivirusstatus`, `antispamstatus`), storage.",
        lasting=Lasting(
            "pool:ironport_work_queue_slow:count{<<pools>>}"
            " >= clamp_max(pool:ironport_units_reachable:count{<<pools>>}, 2)"
        ),
        names="slow",
    ),
    Verdict(
        "Backlogged, cause unknown",
        CRITICAL,
        "pool",
        ("IronPortPoolBackloggedCauseUnknown",),
        "Mail waits on several units. Their ratings or arrivals are not known.",
        "On the units, rate and topin: compare with what they usually handle.",
        "On the units: `rate`, `workqueue rate 10`, `topin`. Compare with what they usually handle.",
        names="backlogged",
    ),
    Verdict(
        "Mail waits",
        CRITICAL,
        "pool",
        ("IronPortWorkQueueHigh", "IronPortWorkQueueDelayHigh"),
        "The work queues of the pool are long.",
        "On the units, workqueue rate 10: is less going out, or more coming in?",
        "On the units: `workqueue rate 10`. If less goes out than usual, they are slow; otherwise too much arrives: "
        "`topin`.",
        names="high",
    ),
    Verdict(
        "No mail arrives",
        CRITICAL,
        "pool",
        ("IronPortNoMailArriving",),
        "Almost no mail arrives, at an hour when it usually does.",
        "Send a test message; check load balancer, firewall and MX records.",
        "Send a test message. Look at the load balancer, the firewall (port 25) and the MX records.",
    ),
    Verdict(
        "Delivery late",
        CRITICAL,
        "pool",
        ("IronPortDeliveryStarved", "IronPortDeliveryStalled"),
        "The pool does not deliver as fast as its mail arrives.",
        "Check what the units share: the network, the next hop, DNS.",
        "Check what its units share: the network, the next hop, DNS. If delivery is suspended and nobody works on it: "
        "`resume`.",
    ),
    Verdict(
        "Internal mail late",
        CRITICAL,
        "pool",
        ("IronPortInternalMailDelayed",),
        "Several of your own mail servers take no mail.",
        "On a unit, hoststatus for each of these servers.",
        "On a unit: `hoststatus` for each. Check what these servers share: the network, DNS, storage.",
    ),
    Verdict(
        "Mail still waits",
        WARNING,
        "pool",
        ("IronPortPoolInTrouble",),
        "The cause is gone, but the queues of several units are still long.",
        "Wait while the queues shrink: workqueue rate 10 shows it.",
        "Wait while the queues shrink. On the units: `workqueue rate 10`. If they do not shrink, compare the units.",
        names="backlogged",
    ),
    Verdict(
        "Heavy sender (jabberer)",
        WARNING,
        "unit",
        ("IronPortJabbererSuspected",),
        "One unit gets far more mail than its peers, probably from one sender.",
        "On the unit, topin shows the sender: throttle or block it.",
        "On the unit, `topin` shows the sender: throttle or block it in the host access table.",
        lasting=_UNIT_FILLS,
        names="sender",
    ),
    Verdict(
        "Unit overloaded",
        WARNING,
        "unit",
        ("IronPortUnitOverloaded",),
        "One unit receives more mail than it can handle.",
        "Bring in the spare; is a peer down?",
        "Bring in the spare. Is a peer down, or does the load balancer prefer this unit?",
        lasting=_UNIT_FILLS,
    ),
    Verdict(
        "Unit slow",
        WARNING,
        "unit",
        ("IronPortUnitSlow",),
        "One unit handles less mail than it is rated for: its mail waits.",
        "Check the suspect (status detail). If it stays slow, take it out.",
        "Has a drive failed (`status detail`), or is DNS slow (`dnsstatus`)? If the unit does not recover, take it "
        "out of the load balancer.",
        lasting=_on_a_unit("instance:ironport_work_queue_slow:bool{} == 1"),
        names="suspect",
    ),
    Verdict(
        "Queue stalled",
        WARNING,
        "unit",
        ("IronPortWorkQueueStalled",),
        "Almost nothing leaves the work queue.",
        "On the unit, workqueue status: if it is paused, resume it.",
        "On the unit: `workqueue status`. If it is paused and nobody works on it, `workqueue` offers to resume it.",
        lasting=_on_a_unit("instance:ironport_work_queue_stalled:bool{} == 1"),
    ),
    Verdict(
        "Unit backlogged",
        WARNING,
        "unit",
        ("IronPortUnitBackloggedCauseUnknown",),
        "Mail waits on one unit. Its rating or its arrivals are not known.",
        "On the unit, rate and topin.",
        "On the unit: `rate`, `workqueue rate 10`, `topin`.",
        lasting=_UNIT_FILLS,
    ),
    Verdict(
        "Outbound abuse",
        WARNING,
        "unit",
        ("IronPortOutboundAbuseSuspected",),
        "Far more mail than usual goes out, and much of it bounces.",
        "On the unit, topin; find the account in the mail logs and lock it.",
        "On the unit: `topin`, then find the account in the mail logs. Lock it, and delete its mail from the queue.",
        names="sender",
    ),
    Verdict(
        "Connections exhausted",
        WARNING,
        "unit",
        ("IronPortConnectionSlotsExhausted",),
        "Slow sessions use nearly all connections, and little mail arrives.",
        "On the unit, topin; limit the connections of one address.",
        "On the unit: `topin`. Limit the connections of one address in the mail flow policy.",
        names="sender",
    ),
    Verdict(
        "Directory harvest",
        WARNING,
        "pool",
        ("IronPortDirectoryHarvestSuspected",),
        "The pool rejects many recipients: somebody may be guessing addresses.",
        "On the units, topin; turn on harvest prevention in the mail flow policy.",
        "On the units: `topin`. Turn on directory harvest attack prevention in the mail flow policy.",
    ),
    Verdict(
        "Bounce storm",
        WARNING,
        "pool",
        ("IronPortBounceStorm",),
        "The units generate far more bounces than usual.",
        "On the units, tophosts soft: do your own servers refuse recipients?",
        "On the units: `tophosts soft`, `hoststatus`. Do your own servers refuse recipients that the units accept?",
    ),
    Verdict(
        "Connection flood",
        WARNING,
        "pool",
        ("IronPortConnectionFlood",),
        "Far more connections than usual reach the pool.",
        "On the units, topin; throttle the addresses with most connections.",
        "On the units: `topin`. Throttle the addresses with the most connections.",
    ),
    Verdict(
        "Unit not monitored",
        UNWATCHED,
        "unit",
        ("IronPortUnitNotScraped",),
        "The unit gives no data: whether its mail flows is not known.",
        "See the reason on the page /targets of Prometheus.",
        "The page /targets of Prometheus shows the reason. Is the unit still in fleet.yml?",
    ),
    Verdict(
        "Unit unreachable",
        UNREACHABLE,
        "unit",
        ("IronPortUnitUnreachable",),
        "No data from the unit. If its peers carry its mail, it is down.",
        "Connect to its port 25; if it is down, take it out of the balancer.",
        "`ping` it and log in. If it is down, take it out of the load balancer, and look at its console.",
        blind="instance:ironport_source_up:max3m{<<units>>} == 0",
        names="peers",
    ),
    Verdict(
        "Unit not online",
        WARNING,
        "unit",
        ("IronPortUnitNotOnline",),
        "The unit's own status is not online.",
        "On the unit, status detail; if nobody works on it, resume.",
        "On the unit: `status detail`. If nobody works on it: `resume`.",
    ),
    Verdict(
        "Destination stuck",
        WARNING,
        "pool",
        ("IronPortDestinationStuck",),
        "The destination takes no mail: mail to it waits to be delivered.",
        "On a unit, hoststatus for it: is the server down, or does it refuse us?",
        "On a unit, `hoststatus` for it: is that server down, or does it refuse the pool?",
        lasting=Lasting("pool:ironport_destination_stuck_recipients:min3m{<<pools>>}"),
        names="destination",
    ),
    Verdict(
        "Delivery backlog",
        WARNING,
        "pool",
        ("IronPortDeliveryBacklog",),
        "Far more mail than usual waits to be delivered.",
        "On the units, tophosts active, then hoststatus for the first.",
        "On the units: `tophosts active`, then `hoststatus` for the first. Is that destination down?",
        lasting=Lasting("pool:ironport_delivery_queue_recipients:backlog10m{<<pools>>}"),
    ),
    Verdict(
        "Unit delivers late",
        WARNING,
        "unit",
        ("IronPortDeliveryStarved", "IronPortDeliveryStalled", "IronPortOldestMessageStuck"),
        "The unit does not deliver its mail in time.",
        "On the unit, tophosts active and dnsstatus.",
        "On the unit: `tophosts active`, `dnsstatus`, `status`. If delivery is suspended and nobody works on it: "
        "`resume`.",
    ),
    Verdict(
        "Mail waits on one unit",
        WARNING,
        "unit",
        ("IronPortWorkQueueHigh", "IronPortWorkQueueDelayHigh", "IronPortWorkQueueFillingUp"),
        "The work queue of one unit is long.",
        "On the unit, workqueue rate 10 and topin.",
        "On the unit: `workqueue rate 10`, `topin`.",
    ),
    Verdict(
        "Resource conservation",
        SAVING,
        "unit",
        ("IronPortResourceConservation",),
        "The unit slows its intake or refuses mail to save its resources.",
        "On the unit, status detail names the resource.",
        "On the unit: `status detail` names the resource. Wait for the queue to shrink, or bring in the spare.",
    ),
    Verdict(
        "Login refused",
        UNREACHABLE,
        "unit",
        ("IronPortAuthenticationFailed",),
        "The unit refuses the exporter's login. That alone does not harm mail.",
        "Log in to the unit; correct the exporter's password in fleet.yml.",
        "Log in to the unit: `status detail`. Then correct the exporter's user and password in fleet.yml.",
    ),
    Verdict(
        "Arrivals unknown",
        UNREACHABLE,
        "unit",
        ("IronPortXmlDown",),
        "Only its work queue is known; it is short, so mail seems to flow.",
        "Monitoring health shows the reason; on the unit, status detail.",
        "Look at Monitoring health for the reason. Until it is mended, look on the unit: `status detail`, `rate`.",
        blind=units.WITHOUT_ARRIVALS,
        names="silent",
    ),
    Verdict(
        "Destinations unknown",
        UNREACHABLE,
        "unit",
        ("IronPortRestDown",),
        "REST is silent: mail is watched as usual, but not its destinations.",
        "On the unit, interfaceconfig: is the API on, and port 6443 open?",
        "On the unit: `interfaceconfig`. Is the AsyncOS API on, and TCP port 6443 open for the exporter?",
    ),
    Verdict(
        "Hardware unknown",
        UNREACHABLE,
        "unit",
        ("IronPortSnmpDown",),
        "SNMP is silent: mail is watched as usual, but not the hardware.",
        "On the unit, snmpconfig; is UDP port 161 open for the exporter?",
        "On the unit: `snmpconfig`. Is UDP port 161 open for the exporter?",
    ),
    Verdict(
        "No unit to spare",
        BASELINE,
        "pool",
        ("IronPortCapacityNotNPlusOne",),
        "The pool could not carry its busy hour without its largest unit.",
        "Nothing tonight; see Capacity review.",
        "Nothing tonight. See Capacity review.",
    ),
)
"""The most serious first: if several apply, the first is shown."""

_NUMBER: Final = len(VERDICTS)
_CODED: Final = [(2 * _NUMBER - index, verdict) for index, verdict in enumerate(VERDICTS)]
"""Each verdict with its value in Prometheus: the more serious, the larger."""

_BEFORE_SECONDS: Final = "1e10"
"""Times a code, this is larger than any time in seconds."""

_OF_PLACES: Final = [each for each in _CODED if each[1].level != "job"]
"""The verdicts on pools and units."""

_ENDING: Final = [(code - _NUMBER, verdict) for code, verdict in _CODED if verdict.lasting]
"""The verdicts that can be ending, with their values then: below those of all others."""

WORDS: Final = (
    *(NamedValue(code, each.word, each.colour) for code, each in _CODED),
    *(NamedValue(code, each.ending, BASELINE) for code, each in _ENDING),
    NamedValue(0, "Normal", GOOD),
)
SENTENCES: Final = (
    *(NamedValue(code, each.sign, NOTHING) for code, each in _CODED),
    *(
        NamedValue(code, "It is over. Its alert fires for 5 minutes more, in case it comes back.", NOTHING)
        for code, _ in _ENDING
    ),
    NamedValue(0, "Nothing is wrong with the mail.", NOTHING),
)
FIRST_STEPS: Final = (
    *(NamedValue(code, each.first, NOTHING) for code, each in _CODED),
    *(NamedValue(code, "Nothing more: wait until its alert ends.", NOTHING) for code, _ in _ENDING),
    NamedValue(0, "Nothing to do.", NOTHING),
)
REMEDIES: Final = (
    *(NamedValue(code, each.remedy, NOTHING) for code, each in _CODED),
    *(
        NamedValue(code, "Nothing more. If it comes back, the first steps stand here again.", NOTHING)
        for code, _ in _ENDING
    ),
    NamedValue(0, "Nothing.", NOTHING),
)

_CAUSES: Final = {
    "unit": (
        "job, pool, instance",
        'instance:ironport_cause:info{{about="{}",<<units>>}}',
        '", ", "instance", "cause"',
    ),
    "pool": ("job, pool", 'pool:ironport_cause:info{{about="{}",<<pools>>}}', '"", "cause"'),
}
"""By level: labels of the recorded causes, PromQL of those about something, and how label_join makes the words."""

_DEGRADED_RAID: Final = 'alertname="IronPortRaidDegraded",alertstate="firing"'

_TROUBLED_UNITS: Final = (
    "max by (job, pool, instance) ("
    "instance:ironport_work_queue_backlogged:bool{<<units>>} == 1"
    " or instance:ironport_work_queue_slow:bool{<<units>>} == 1)"
)


_Coded = tuple[int, Verdict]


def _with_endings(
    either: Callable[[Sequence[_Coded]], str],
    lasting: Callable[[Verdict], str],
    coded: Sequence[_Coded] = _CODED,
    ending: Callable[[Sequence[_Coded]], str] | None = None,
) -> Iterator[str]:
    """Yield the PromQL of verdicts, those that last before those that are ending.

    `either` returns that of some verdicts of one level, whose trouble lasts on the same condition; `ending` does so for
    those that are ending, if that differs.
    """
    for condition, terms in _by_condition(either, lasting, coded):
        yield f"({terms})\nand {condition}" if condition else terms
    for condition, terms in _by_condition(ending or either, lasting, coded):
        if condition:
            yield f"({terms}) - {_NUMBER}"


def _by_condition(
    either: Callable[[Sequence[_Coded]], str], lasting: Callable[[Verdict], str], coded: Sequence[_Coded]
) -> list[tuple[str, str]]:
    """Return the conditions on which trouble lasts, or nothing, with the PromQL of the verdicts that have each."""
    return [
        (condition, either([*same]))
        for (condition, _), same in groupby(coded, key=lambda each: (lasting(each[1]), each[1].level))
    ]


def _any_of(term: Callable[[int, Verdict], str]) -> Callable[[Sequence[_Coded]], str]:
    """Return a function that returns the PromQL of the first of some verdicts that applies."""
    return lambda coded: "\nor\n".join(starmap(term, coded))


def _trouble_in_pools(verdict: Verdict) -> str:
    return verdict.lasting.pools if verdict.lasting else ""


def _lasting_in_pools(verdict: Verdict) -> str:
    pools = _trouble_in_pools(verdict)
    return f"on (job, pool) ({pools})" if pools else ""


def _lasting_on_units(verdict: Verdict) -> str:
    units = verdict.lasting.units if verdict.lasting else ""
    return f"on (job, pool, instance) ({units})" if units else _lasting_in_pools(verdict)


def _of_pools() -> Iterator[str]:
    yield from _with_endings(_any_of(_of_pool), _lasting_in_pools)
    yield "0 * max by (job, pool) (last_over_time(ironport_probe_success{<<units>>}[15m]))"


def _of_pool(code: int, verdict: Verdict) -> str:
    if verdict.level == "job":
        return _of_all_in_the_job(code, verdict, "job, pool")
    if verdict.blind:
        return _of_blind_units(code, verdict, "job, pool")
    return f"{code} * max by (job, pool) ({verdict.firing('<<pools>>')})"


def _of_units() -> Iterator[str]:
    yield from _with_endings(_of_each_unit, _lasting_on_units)
    yield "0 * max by (job, pool, instance) (last_over_time(ironport_probe_success{<<units>>}[15m]))"


def _of_each_unit(coded: Sequence[_Coded]) -> str:
    if coded[0][1].level == "pool":
        return _of_troubled_units(coded)
    return _any_of(_of_named_units)(coded)


def _of_troubled_units(coded: Sequence[_Coded]) -> str:
    """Apply verdicts on whole pools to those of their units that are backlogged or slow."""
    firing = "\nor ".join(f"{code} * {verdict.firing('<<pools>>')}" for code, verdict in coded)
    return f"0 * {_TROUBLED_UNITS} + on (job, pool) group_left ()\nmax by (job, pool) ({firing})"


def _of_named_units(code: int, verdict: Verdict) -> str:
    if verdict.level == "job":
        return _of_all_in_the_job(code, verdict, "job, pool, instance")
    if verdict.blind:
        return _of_blind_units(code, verdict, "job, pool, instance")
    return f"{code} * max by (job, pool, instance) ({verdict.firing('<<units>>')})"


def _with_what_it_is_about(code: int, verdict: Verdict) -> str:
    """Name units or a destination, with a cause if one is recorded, in the label `instance`: one column has all."""
    place = _with_its_place(code, verdict)
    if verdict.names in ("", "destination"):
        return place
    labels, series, place_and_cause = _CAUSES[verdict.level]
    cause = f"topk by ({labels}) (1, max by ({labels}, cause) ({series.format(verdict.names)}))"
    caused = f"{place} * on ({labels}) group_left (cause) {cause}"
    return f'label_join({caused}, "instance", {place_and_cause})\nor on (job, pool) {place}'


def _with_its_place(code: int, verdict: Verdict) -> str:
    """Name a unit or a destination in the label `instance`."""
    if verdict.names == "destination":
        by_destination = f"{code} * max by (job, pool, destination) ({verdict.firing('<<pools>>')})"
        return f'label_join({by_destination}, "instance", "", "destination")'
    return _of_named_units(code, verdict) if verdict.level == "unit" else _of_pool(code, verdict)


def _with_cause(named: str, labels: str, cause: str | None) -> str:
    if not cause:
        return named
    with_cause = f"{named} * on ({labels}) group_left (cause) ({cause})"
    return f'label_join({with_cause}, "instance", ", ", "instance", "cause")\nor on (job, pool) {named}'


def _of_blind_units(code: int, verdict: Verdict, labels: str) -> str:
    return f"{code} + 0 * max by ({labels}) ({verdict.blind})"


def _of_all_in_the_job(code: int, verdict: Verdict, labels: str) -> str:
    """Apply a verdict on a job to all pools or units that it had in the last 6 hours, when it was still scraped."""
    known = f"max by ({labels}) (last_over_time(ironport_probe_success{{<<units>>}}[6h]))"
    return f"0 * {known} + {code} and on (job) {verdict.firing('<<alerts>>')}"


def _names(coded: Sequence[_Coded]) -> Iterator[str]:
    """Yield the PromQL of what verdicts are about. The cause of one that is ending is gone."""
    return _with_endings(_any_of(_with_what_it_is_about), _lasting_in_pools, coded, _any_of(_with_its_place))


def _named() -> str:
    """Return the PromQL of what the verdict on each pool is about, if it is not the pool."""
    every = "\nor\n".join(_names(_CODED))
    return f"topk by (job, pool) (1,\n{every}\n)"


def _of_the_fleet() -> str:
    """Name the pool and what the verdict is about, except if all is normal, or if a whole job is not monitored."""
    every = "\nor\n".join((*_names(_OF_PLACES), *_of_jobs()))
    normal = "0 * max (last_over_time(ironport_probe_success{<<units>>}[15m]))"
    return f'topk (1,\n{every}\n)\nor on () label_replace({normal}, "pool", "all pools", "", "")'


def _of_jobs() -> Iterator[str]:
    for code, verdict in _CODED:
        if verdict.level == "job":
            yield f"{code} * max by (job) ({verdict.firing('<<alerts>>')})"


def _most_serious_code() -> str:
    every = "\nor\n".join((*_of_pools(), *_of_jobs()))
    return f"max (\n{every}\n)"


def _leading_alerts() -> str:
    """Return the PromQL of the alert that each pool's verdict rests on: its series has the label `alertname`."""
    every = "\nor\n".join(_with_endings(_any_of(_by_alert), _lasting_in_pools, _OF_PLACES))
    return f"topk by (job, pool) (1,\n{every}\n)"


def _since() -> str:
    """Return the PromQL of the time, in milliseconds, since which each pool has had its verdict.

    That is when the condition of its alert began to hold or, if the verdict is ending, when its trouble was last there.
    The code of the verdict stands before the ten digits of the seconds, so that the largest figure is that of the
    verdict that is shown.
    """
    groups = _by_condition(_any_of(_by_alert), _trouble_in_pools, _OF_PLACES)
    lasting = "\nor\n".join(f"({terms})\nand on (job, pool) ({pools})" if pools else terms for pools, terms in groups)
    begun = (
        f"{_BEFORE_SECONDS} * (\n{lasting}\n)\n"
        "+ on (job, pool, alertname) min by (job, pool, alertname) (ALERTS_FOR_STATE{<<alerts>>})"
    )
    ended = (
        f"{_BEFORE_SECONDS} * (({terms}) - {_NUMBER})\n"
        f"+ on (job, pool) group_left () max by (job, pool) (max_over_time(timestamp({pools})[15m:1m]))"
        for pools, terms in groups
        if pools
    )
    every = "\nor\n".join((begun, *ended))
    return f"1000 * (max by (job, pool) (\n{every}\n) % {_BEFORE_SECONDS})"


def _by_alert(code: int, verdict: Verdict) -> str:
    return f"{code} * max by (job, pool, alertname) ({verdict.firing('<<alerts>>')})"


OF_POOL: Final = Signal(
    "Verdict",
    "none",
    PER_POOL,
    "Verdict on each pool, from the firing alerts. If several apply, the most serious one is shown.",
    "\nor\n".join(_of_pools()),
    words=WORDS,
)

MOST_SERIOUS: Final = Signal(
    "Most serious verdict",
    "none",
    IN_TOTAL,
    "The most serious verdict on any pool, from the firing alerts, with its pool and what it is about. If it applies "
    "to several pools, one of them is named: the table below has all.",
    _of_the_fleet(),
    words=WORDS,
)

FIRST_STEP: Final = Signal(
    "First step",
    "none",
    IN_TOTAL,
    "What to do first about the most serious verdict on any pool. Attack triage has the steps for each.",
    _most_serious_code(),
    words=FIRST_STEPS,
)

OF_UNIT: Final = Signal(
    "Looks like",
    "none",
    PER_UNIT,
    "Verdict on each unit, from the firing alerts. A verdict on its pool applies to units that are backlogged or slow.",
    "\nor\n".join(_of_units()),
    words=WORDS,
)

NAMED: Final = Signal(
    "On",
    "none",
    PER_POOL,
    "What the verdict on its pool is about: a unit, how many units of those that can be reached, or a destination, "
    "with the cause if one is known. Empty if it is about the whole pool.",
    _named(),
)

SENTENCE: Final = replace(
    OF_POOL, name="What it means", description="What the verdict on a pool means.", words=SENTENCES
)

REMEDY: Final = replace(
    OF_POOL, name="What to do next", description="The first steps for the verdict on a pool.", words=REMEDIES
)

LEADING_ALERT: Final = Signal(
    "Alert",
    "none",
    PER_ALERT,
    "The alert that the verdict on a pool rests on.",
    _leading_alerts(),
)

HELD_SINCE: Final = Signal(
    "Since",
    "time:ddd HH:mm",
    PER_POOL,
    "When the condition of the alert behind a verdict began to hold, or when the trouble of a verdict that is ending "
    "was last there.",
    _since(),
)

_SLOW_ALERTS: Final = {
    f"IronPort{each}" for each in ("PoolSlow", "UnitSlow", "PoolBackloggedCauseUnknown", "UnitBackloggedCauseUnknown")
}

_SLOW: Final = "\nor\n".join(
    _of_each_unit([(code, verdict)]) for code, verdict in _CODED if _SLOW_ALERTS & {*verdict.alerts}
)


def of_slow_units(signal: Signal) -> Signal:
    """Restrict the signal to units that a verdict calls slow, or backlogged for an unknown cause."""
    return replace(signal, expression=f"({signal.expression})\nand on (job, pool, instance) (\n{_SLOW}\n)")


def or_no_slow_unit(signal: Signal) -> Signal:
    """Add a row to a signal of `compared` while no unit is slow: an empty table would be only headings."""
    none = f"vector(0) unless on () (\n{_SLOW}\n)"
    row = (
        f'label_replace(label_replace({none}, "figure", "Slow units", "", ""), "points_to", "no unit is slow", "", "")'
    )
    return replace(signal, expression=f"{signal.expression}\nor\n{row}")


_NOT_FOR_INFORMATION: Final = 'severity!="info",<<alerts>>'
_ALERTS_WITH_A_VERDICT: Final = "\nor\n".join(
    (
        *(f"{code} * {verdict.firing(_NOT_FOR_INFORMATION)}" for code, verdict in _CODED),
        *(
            f"{code + 0.5} * (ALERTS{{{_DEGRADED_RAID},<<alerts>>}}"
            f" and on (job, pool, instance) {verdict.firing('<<alerts>>')})"
            for code, verdict in _CODED
            if "IronPortUnitSlow" in verdict.alerts
        ),
    )
)
"""With the degraded RAID that a verdict names as its cause, just above that verdict."""

ORDER_OF_ALERTS: Final = Signal(
    "Order",
    "none",
    PER_ALERT,
    "The order of the firing alerts: that of their verdicts, which has causes before their effects; then critical "
    "alerts; then the newest. Alerts of severity info come last.",
    f"""\
10 * (
{_ALERTS_WITH_A_VERDICT}
or
0 * ALERTS{{alertstate="firing",<<alerts>>}}
)
+
(
{alerts.SEVERITY.expression}
)
+ ignoring (alertstate)
ALERTS_FOR_STATE{{<<alerts>>}} / 1e10""",
)
