"""SNMPv3 with the user-based security model, as one user sees one agent (RFC 3414).

Every agent is an engine with an id, a count of its starts (boots) and a clock. A request must name all three, and the
user's keys depend on the engine id. So the first request goes to an unknown engine, and the agent answers with a report
that holds its id, boots and time (discovery). They are kept for later polls.

An engine accepts a message only if its time is within 150 s of the engine's own (the time window), so that nobody can
send an old message again. After a restart, or if another appliance has taken the address, the agent answers with a
report again. The codec learns the engine from it, and the request is sent again within the same poll.

Anybody can send such a report. So the codec remembers several engines. Requests go to the one that has last sent
something authentic, which needs the user's keys if there are any. Before there is one, or if it is silent, they go to
the engine that the answers to most requests name, and among equal ones to the one that was asked least. So false
engines only delay the first contact.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from exporter.config import UserAuth
from exporter.errors import AuthError
from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import Pdu, ResponseHead
from exporter.sources.snmp.keys import Keys
from exporter.sources.snmp.layouts import Layouts
from exporter.sources.snmp.messages import (
    Message,
    Rejected,
    Renewal,
    SnmpRequest,
    check_response,
    encode_request,
)
from exporter.sources.snmp.mib import Oid
from exporter.sources.snmp.usm_message import (
    AUTH_FLAG,
    MAX_COUNT,
    PRIV_FLAG,
    MessageHead,
    SecurityParameters,
    UsmMessage,
    encode_message,
    message_head,
    response_head,
)

_TIME_WINDOW: Final = 150
"""In seconds (RFC 3414, section 2.2.3)."""

_ENGINE_ID_OCTETS: Final = range(5, 33)
"""How long an engine id may be (RFC 3411, SnmpEngineID)."""

_SECURITY_LEVELS: Final = {0: "noAuthNoPriv", AUTH_FLAG: "authNoPriv", AUTH_FLAG | PRIV_FLAG: "authPriv"}

_USM_STATS: Final[Oid] = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_NOT_IN_TIME_WINDOW: Final[Oid] = (*_USM_STATS, 2, 0)
_UNKNOWN_ENGINE: Final[Oid] = (*_USM_STATS, 4, 0)
_REFUSALS: Final[dict[Oid, str]] = {
    (*_USM_STATS, 1, 0): "does not accept user {user} at the security level {level} (unsupportedSecLevels): "
    "check whether the appliance requires auth and priv",
    (*_USM_STATS, 3, 0): "does not know the user {user} (unknownUserNames): check username; AsyncOS calls it v3get",
    (*_USM_STATS, 5, 0): "does not accept the digest of user {user} (wrongDigests): "
    "check protocol and passphrase under auth",
    (*_USM_STATS, 6, 0): "cannot decrypt the requests of user {user} (decryptionErrors): "
    "check protocol and passphrase under priv",
}
"""What a report says that names one of these usmStats objects: the end of a sentence."""

_NEW_ENGINE_LOOP: Final = "reports another engine id in each answer: check that only one device answers at this address"
_SAME_ENGINE_LOOP: Final = "does not accept its own engine id (unknownEngineIDs): restart the appliance's SNMP agent"
_TIME_LOOP: Final = (
    "does not accept the time that it reports itself (notInTimeWindows): restart the appliance's SNMP agent"
)

_MAX_ENGINES: Final = 64
"""How many engines to remember that reports have named."""

_MAX_NAMINGS: Final = 100
"""How many requests to remember whose answers have named an engine."""

_MAX_UNANSWERED: Final = 3
"""After so many requests without anything authentic, requests also go to engines that reports have named."""

_DISCOVERY: Final = SnmpRequest("get", ())


@dataclass(slots=True)
class _AgentEngine:
    """What is known of an engine that answers, or that a report has named."""

    id: bytes
    keys: Keys
    message_head: MessageHead
    named_by: set[int] = field(default_factory=set)
    """The ids of the requests to which reports named it."""
    unanswered: int = 0
    """How many requests were sent to it since it last sent something authentic."""
    boots: int = field(init=False)
    latest: int = field(init=False)
    """The engine's time in its last message."""
    offset: float = field(init=False)
    """The engine's clock minus our monotonic clock, in seconds."""
    head: ResponseHead = field(init=False)

    def __post_init__(self) -> None:
        self.head = response_head(self.id)

    def set_time(self, boots: int, seconds: int) -> None:
        self.boots, self.latest = boots, seconds
        self.offset = seconds - time.monotonic()

    @property
    def time(self) -> int:
        return min(int(time.monotonic() + self.offset), MAX_COUNT)


class UsmCodec:
    """SNMPv3 for one user of one agent."""

    def __init__(self, user: UserAuth) -> None:
        self._user = user
        self._name = user.username.encode()
        self._level = (AUTH_FLAG if user.auth else 0) | (PRIV_FLAG if user.priv else 0)
        self._layouts = Layouts()
        self._genuine: _AgentEngine | None = None
        """The engine that has last sent something authentic."""
        self._engines: dict[bytes, _AgentEngine] = {}
        """It, and those that reports have named since."""

    @property
    def silence_hint(self) -> str:
        if self._engines:
            return "it has told its engine id, so the passphrase or protocol under priv may be wrong, or it is busy"
        return "check that SNMP is enabled there and that no firewall is in between"

    def encode(self, request: SnmpRequest, request_id: int, engine_id: bytes = b"") -> bytes:
        """Return the datagram for `request`, or the one that asks for the engine while none is known."""
        engine = self._engines.get(engine_id) or self._likely
        if engine is None:
            return encode_message(encode_request(_DISCOVERY, request_id), request_id, 0, SecurityParameters())
        engine.unanswered += 1
        security = SecurityParameters(engine.id, engine.boots, engine.time, self._name)
        return encode_message(encode_request(request, request_id), request_id, self._level, security, engine.keys)

    @property
    def _likely(self) -> _AgentEngine | None:
        """The engine that is probably the agent's; among equal ones, the last one that was named."""
        return max(reversed(self._engines.values()), key=self._rank, default=None)

    def _rank(self, engine: _AgentEngine) -> tuple[bool, int, int]:
        is_trusted = engine is self._genuine and engine.unanswered < _MAX_UNANSWERED
        return is_trusted, len(engine.named_by), -engine.unanswered

    def decode(self, datagram: bytes) -> Message:
        engine = self._genuine
        if engine and (message := engine.message_head.read(datagram, engine.id)):
            return Message(message.message_id, partial(self._take, message))
        return Message(UsmMessage.peek(datagram), lambda: self._take(UsmMessage.decode(datagram)))

    def _take(self, message: UsmMessage) -> Pdu | Renewal:
        """Take a message that is authentic and from an engine to our user, or an unauthenticated report."""
        engine = self._engines.get(message.security.engine_id)
        if message.level:
            self._authenticate(message, engine)
        keys, head = (engine.keys, engine.head) if engine else (None, None)
        pdu = message.pdu(keys, self._layouts.varbinds, head)
        if pdu.kind == ber.REPORT:
            return self._learn(message, engine, pdu)
        check_response(pdu)
        self._check_response_is_ours(message, pdu)
        return self._accept(message, engine, pdu)

    def _authenticate(self, message: UsmMessage, engine: _AgentEngine | None) -> None:
        if engine is None or message.level & ~self._level or not message.level & AUTH_FLAG:
            raise Rejected("wrong_identity")
        if message.security.user != self._name:
            raise Rejected("wrong_identity")
        message.authenticate(engine.keys)

    def _check_response_is_ours(self, message: UsmMessage, pdu: Pdu) -> None:
        ours = (self._level, pdu.request_id, self._name)
        if (message.level, message.message_id, message.security.user) != ours:
            raise Rejected("wrong_identity")

    def _accept(self, message: UsmMessage, engine: _AgentEngine | None, response: Pdu) -> Pdu:
        """Return the response and keep to its engine from now on."""
        if engine is None:
            raise Rejected("wrong_identity")
        if message.level:
            _keep_time(engine, message.security)
        self._trust(engine)
        return response

    def _trust(self, engine: _AgentEngine) -> None:
        """Keep to an engine that has sent something authentic, and forget the others."""
        engine.unanswered = 0
        self._genuine, self._engines = engine, {engine.id: engine}

    def _learn(self, message: UsmMessage, engine: _AgentEngine | None, report: Pdu) -> Renewal:
        """Take from a report what it says about an engine; raises `AuthError` if the report refuses our user."""
        oid = report.varbinds[0][0] if report.varbinds else ()
        if oid == _UNKNOWN_ENGINE:
            return self._learn_engine(message)
        if oid == _NOT_IN_TIME_WINDOW:
            return self._learn_time(message, engine)
        if oid not in _REFUSALS:
            raise Rejected("malformed")
        refusal = _REFUSALS[oid].format(user=self._user.username, level=_SECURITY_LEVELS[self._level])
        raise AuthError(f"The SNMP agent {refusal}.")

    def _learn_engine(self, message: UsmMessage) -> Renewal:
        """Remember an engine. The report is not authenticated: the keys of a false engine open nothing."""
        security = message.security
        if len(security.engine_id) not in _ENGINE_ID_OCTETS:
            raise Rejected("malformed")
        engine = self._engines.get(security.engine_id) or self._remember(security)
        if len(engine.named_by) < _MAX_NAMINGS:
            engine.named_by.add(message.message_id)
        if engine.unanswered > min(each.unanswered for each in self._engines.values()):
            raise Rejected("duplicate")  # other engines come first
        return Renewal(_UNKNOWN_ENGINE, engine.id, _SAME_ENGINE_LOOP if engine.unanswered else _NEW_ENGINE_LOOP)

    def _remember(self, security: SecurityParameters) -> _AgentEngine:
        """Add an engine. If there are too many, it takes the place of the one that was named least and longest ago."""
        if len(self._engines) >= _MAX_ENGINES:
            others = [each for each in self._engines.values() if each is not self._genuine]
            del self._engines[min(others, key=lambda each: len(each.named_by)).id]
        keys = Keys(self._user, security.engine_id)
        engine = _AgentEngine(security.engine_id, keys, message_head(self._level, self._name, keys.digest_length))
        engine.set_time(security.boots, security.time)
        self._engines[engine.id] = engine
        return engine

    def _learn_time(self, message: UsmMessage, engine: _AgentEngine | None) -> Renewal:
        """Take over the engine's boots and time from an authentic report.

        It answers a fresh random id, so that it is no old message sent again, and boots may be lower than before.
        """
        if engine is None or not message.level:
            raise Rejected("wrong_identity")
        engine.set_time(message.security.boots, message.security.time)
        self._trust(engine)
        return Renewal(_NOT_IN_TIME_WINDOW, engine.id, _TIME_LOOP)


def _keep_time(engine: _AgentEngine, security: SecurityParameters) -> None:
    """Keep to the engine's clock; rejects a response that is older than the time window.

    This is RFC 3414, section 3.2.7 b.
    """
    if (security.boots, security.time) > (engine.boots, engine.latest):
        engine.set_time(security.boots, security.time)
    elif security.boots < engine.boots or security.time < engine.time - _TIME_WINDOW:
        raise Rejected("wrong_identity")
