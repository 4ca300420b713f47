"""SNMPv3 messages are read as pysnmp reads them; what is damaged is refused in one way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from exporter.errors import SourceError
from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import BerError
from exporter.sources.snmp.keys import Keys
from exporter.sources.snmp.messages import Rejected, SnmpRequest, encode_request
from exporter.sources.snmp.usm import UsmCodec
from exporter.sources.snmp.usm_message import (
    MAX_COUNT,
    PRIV_FLAG,
    REPORTABLE_FLAG,
    MessageHead,
    SecurityParameters,
    UsmMessage,
    encode_message,
    read_scoped,
)
from support.appliances import usm
from support.octets import damaged
from support.snmpd import User

ID = 0x40000001
ENGINE = b"\x80\x00\x1f\x88 engine"
PDU = encode_request(SnmpRequest("get", ((1, 3, 6, 1, 2, 1, 1, 3, 0),)), ID).replace(b"\xa0", b"\xa2", 1)
USERS = [User("plain"), User("sha", "SHA"), User("des", "MD5", "DES"), User("aes", "SHA256", "AES")]


def message(user: User, pdu: bytes = PDU) -> bytes:
    security = SecurityParameters(ENGINE, 3, 70_000, user.name.encode())
    return encode_message(pdu, ID, level_of(user), security, Keys(usm(user), ENGINE))


def level_of(user: User) -> int:
    return 3 if user.priv else 1 if user.auth else 0


MESSAGES = st.sampled_from([message(user) for user in USERS])


def by_pysnmp(datagram: bytes) -> tuple[Any, ...]:
    """Return message id, longest answer, flags, security parameters and payload; raises an exception of pyasn1."""
    fields, rest = decoder.decode(datagram, asn1Spec=SNMPv3Message())
    security, more = decoder.decode(bytes(fields[2]), asn1Spec=UsmSecurityParameters())
    assert not rest
    assert not more
    assert int(fields[0]) == int(fields[1][3]) == 3
    engine, boots, seconds, *texts = security.values()
    known = SecurityParameters(bytes(engine), int(boots), int(seconds), *map(bytes, texts))
    return int(fields[1][0]), int(fields[1][1]), fields[1][2][0], known, fields[3].getName()


@given(MESSAGES | damaged(MESSAGES))
@settings(max_examples=400)
def test_what_is_read_pysnmp_reads_alike(datagram: bytes) -> None:
    try:
        ours = UsmMessage.decode(datagram)
    except BerError:
        assert datagram not in {message(user) for user in USERS}
        return
    assert datagram[ours.digest_offset :].startswith(ours.security.digest)
    try:
        *theirs, kind = by_pysnmp(datagram)
    except PyAsn1Error:
        with suppress(BerError):
            ours.pdu(None)
            # These are fields that the exporter does not use, or compares with its own.
            odd = not 484 <= ours.max_size <= MAX_COUNT or not 0 <= ours.message_id <= MAX_COUNT
            assert odd or len(ours.security.user) > 32
        return
    assert [ours.message_id, ours.max_size, ours.flags, ours.security] == theirs
    if kind == "encryptedPDU" and not ours.level & PRIV_FLAG:  # pysnmp does not compare the payload with the flags
        with pytest.raises(BerError):
            ours.pdu(None)
    else:
        assert (kind == "encryptedPDU") == bool(ours.level & PRIV_FLAG)


def from_engine(user: User, pdu: bytes = PDU, seconds: int = 70_000) -> bytes:
    """Return a message as an engine sends it to a user: it does not ask for reports."""
    level = level_of(user)
    security = SecurityParameters(ENGINE, 3, seconds, user.name.encode())
    datagram = encode_message(pdu, ID, level, security, Keys(usm(user), ENGINE))
    return datagram.replace(bytes((4, 1, level | REPORTABLE_FLAG)), bytes((4, 1, level)), 1)


def known_head(user: User) -> MessageHead:
    return MessageHead(level_of(user), user.name.encode(), Keys(usm(user), ENGINE).digest_length)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
@pytest.mark.parametrize("seconds", [0, 127, 128, 32_768, 8_388_608, MAX_COUNT])
@pytest.mark.parametrize("objects", [1, 10, 40])
def test_the_message_of_a_known_engine_is_read_at_once(user: User, seconds: int, objects: int) -> None:
    pdu = encode_request(SnmpRequest("get", ((1, 3, 6, 1, 2, 1, 1, 3, 0),) * objects), ID)
    datagram = from_engine(user, pdu, seconds)
    assert known_head(user).read(datagram, ENGINE) == UsmMessage.decode(datagram)


@given(st.sampled_from(USERS), st.data())
@settings(max_examples=400)
def test_what_is_read_at_once_is_read_as_field_by_field(user: User, data: st.DataObject) -> None:
    datagram = data.draw(damaged(st.sampled_from([from_engine(each) for each in USERS])))
    found = known_head(user).read(datagram, ENGINE)
    if found is not None:
        assert found == UsmMessage.decode(datagram)


def test_a_message_of_another_engine_or_user_is_not_read_at_once() -> None:
    sha, aes = USERS[1], USERS[3]
    assert known_head(sha).read(from_engine(sha), ENGINE)
    assert known_head(sha).read(from_engine(sha), ENGINE[:-1] + b"x") is None
    assert known_head(aes).read(from_engine(sha), ENGINE) is None


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_a_digest_and_a_payload_survive_longer_lengths(user: User) -> None:
    """A length may take more octets than it needs, so that the digest is elsewhere than in our own messages."""
    keys = Keys(usm(user), ENGINE)
    short = UsmMessage.decode(message(user))
    security = short.security._replace(digest=bytes(keys.digest_length)).encode()
    wordy = b"\x30\x82" + len(security[2:]).to_bytes(2, "big") + security[2:]
    header = [ber.encode_integer(ID), ber.encode_integer(65507), ber.encode(ber.OCTETS, bytes((short.flags,)))]
    payload = ber.encode(ber.OCTETS, short.payload) if short.level & PRIV_FLAG else short.payload
    parts = ber.encode(ber.SEQUENCE, *header, ber.encode_integer(3)), ber.encode(ber.OCTETS, wordy), payload
    datagram = ber.encode(ber.SEQUENCE, ber.encode_integer(3), *parts)
    if user.auth:
        at = UsmMessage.decode(datagram).digest_offset
        datagram = datagram[:at] + keys.digest(datagram) + datagram[at + keys.digest_length :]
        UsmMessage.decode(datagram).authenticate(keys)
    assert UsmMessage.decode(datagram).pdu(keys).request_id == ID


def test_a_request_takes_the_longest_datagram_as_answer() -> None:
    assert UsmMessage.decode(message(USERS[0])).max_size == 65507


def with_counts(boots: int, seconds: int) -> bytes:
    return encode_message(PDU, ID, 0, SecurityParameters(ENGINE, boots, seconds, b"plain"))


@pytest.mark.parametrize("counts", [(0, 0), (2**31 - 1, 0), (0, 2**31 - 1)])
def test_boots_and_time_up_to_their_highest_are_read(counts: tuple[int, int]) -> None:
    security = UsmMessage.decode(with_counts(*counts)).security
    assert (security.boots, security.time) == counts


@pytest.mark.parametrize("counts", [(-1, 0), (0, -1), (2**31, 0), (0, 2**31)])
def test_boots_and_time_beyond_their_bounds_are_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(BerError, match="the engine's boots or time"):
        UsmMessage.decode(with_counts(*counts))


@pytest.mark.parametrize("user", USERS[2:], ids=lambda user: user.name)
@pytest.mark.parametrize("more", range(9))
def test_a_pdu_of_any_length_is_decrypted(user: User, more: int) -> None:
    oids = tuple((1, 3, 6, 1, *[1] * length) for length in (1, more + 1))
    pdu = encode_request(SnmpRequest("get", oids), ID)
    keys = Keys(usm(user), ENGINE)
    assert [oid for oid, _ in UsmMessage.decode(message(user, pdu)).pdu(keys).varbinds] == list(oids)


@pytest.mark.parametrize("padding", [0, 7])
def test_no_more_octets_than_the_padding_stand_behind_a_pdu(padding: int) -> None:
    scoped = ber.encode(ber.SEQUENCE, ber.encode(ber.OCTETS, ENGINE), ber.encode(ber.OCTETS), PDU)
    assert read_scoped(scoped + bytes(padding), padding).pdu.request_id == ID
    with pytest.raises(BerError, match="behind the PDU"):
        read_scoped(scoped + bytes(padding + 1), padding)


@given(damaged(st.just(PDU)), st.sampled_from(USERS))
def test_damage_under_a_right_digest_is_refused_in_one_way(pdu: bytes, user: User) -> None:
    codec = UsmCodec(usm(user))
    with suppress(Rejected, SourceError):
        codec.decode(report_of_engine()).accept()
    with suppress(Rejected, BerError, SourceError):
        codec.decode(message(user, pdu)).accept()


@given(damaged(MESSAGES))
def test_a_damaged_datagram_is_refused_in_one_way(datagram: bytes) -> None:
    codec = UsmCodec(usm(USERS[3]))
    codec.decode(report_of_engine()).accept()
    with suppress(Rejected, BerError, SourceError):
        codec.decode(datagram).accept()


def report_of_engine() -> bytes:
    """Return the report with which an agent tells its engine."""
    varbind = ber.encode(ber.OID, bytes((0x2B, 6, 1, 6, 3, 15, 1, 1, 4, 0))) + ber.encode(0x41, b"\x01")
    pdu = ber.encode(
        0xA8,
        *[ber.encode_integer(number) for number in (ID, 0, 0)],
        ber.encode(ber.SEQUENCE, ber.encode(ber.SEQUENCE, varbind)),
    )
    return encode_message(pdu, ID, 0, SecurityParameters(ENGINE, 3, 70_000))


@pytest.mark.parametrize(("salt", "octets"), [(7, 16), (9, 16), (0, 16), (8, 15)])
def test_lengths_that_des_never_makes_are_rejected(salt: int, octets: int) -> None:
    with pytest.raises(Rejected):
        Keys(usm(USERS[2]), ENGINE).decrypt(1, 1, bytes(salt), bytes(octets))
