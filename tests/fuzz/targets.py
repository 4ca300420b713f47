"""What is fuzzed: functions that take octets from strangers or from files. Each result or refusal is as documented."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from exporter import config
from exporter.config import UserAuth
from exporter.errors import ConfigError, RequestError, SourceError
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Items, Reading
from exporter.probe import probe_timeout
from exporter.sources.destinations import DestinationChoice
from exporter.sources.rest import items
from exporter.sources.rest.answers import JsonValue, answer_data
from exporter.sources.snmp.ber import BerError
from exporter.sources.snmp.messages import Codec, CommunityCodec, Rejected, SnmpRequest
from exporter.sources.snmp.usm import UsmCodec
from exporter.sources.xml import document, pages
from exporter.sources.xml.document import Element
from exporter.web.web_config import try_load_web_config

REFUSED: Final = (BerError, Rejected, SourceError)

_USER: Final = UserAuth.model_validate(
    {
        "version": 3,
        "username": "v3get",
        "auth": {"protocol": "SHA", "passphrase": "the auth passphrase"},
        "priv": {"protocol": "AES", "passphrase": "the priv passphrase"},
    }
)
_COMMUNITY: Final = CommunityCodec(b"public")
_CHOICE: Final = DestinationChoice({"clients": ["*.edu", "uni-a.edu"]}, 20)
_PARSERS: Final[dict[str, Callable[[list[Element]], Items]]] = {
    "status": pages.parse_status,
    "dnsstatus": pages.parse_dnsstatus,
    "tophosts": lambda elements: pages.parse_tophosts(elements, _CHOICE),
    "topin": lambda elements: pages.parse_topin(elements, 20),
}
_READERS: Final[tuple[Callable[[JsonValue, Reading], None], ...]] = (
    items.read_system_status,
    items.read_health,
    partial(items.read_delivery_status, choice=_CHOICE),
)
_FILE: Final = Path(tempfile.gettempdir()) / "ironport-exporter-fuzz.yml"


def _accept(codec: Codec, datagram: bytes) -> None:
    with suppress(*REFUSED):
        codec.decode(datagram).accept()


def snmp_v2c(datagram: bytes) -> None:
    _accept(_COMMUNITY, datagram)


def snmp_v3(datagram: bytes) -> None:
    """Read a message while the engine is unknown, then encode for whatever engine it has named."""
    codec = UsmCodec(_USER)
    _accept(codec, datagram)
    codec.encode(SnmpRequest("get", ((1, 3, 6, 1),)), 0x40000000)


def page(body: bytes) -> None:
    for parse in _PARSERS.values():
        with suppress(SourceError):
            fuse([Reading("xml", items=parse(document.parse(body).elements), up=True)]).text()


def rest(body: bytes) -> None:
    for read in _READERS:
        reading = Reading("rest")
        with suppress(SourceError):
            read(answer_data(body), reading)
        fuse([reading]).text()


def fleet(text: bytes) -> None:
    _FILE.write_bytes(text)
    with suppress(ConfigError):
        config.effective(config.load(_FILE))


def web_config(text: bytes) -> None:
    _FILE.write_bytes(text)
    try_load_web_config(_FILE)


def scrape_timeout(header: bytes) -> None:
    with suppress(RequestError):
        assert probe_timeout(header.decode("iso-8859-1"), 0.5) > 0


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target for target in (snmp_v2c, snmp_v3, page, rest, fleet, web_config, scrape_timeout)
}
