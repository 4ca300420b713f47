"""Replacing what identifies a site: names, addresses, serial numbers, domains and long strings that may be secret keys.

The same text gets the same placeholder everywhere, so that what belonged together still does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from itertools import count
from typing import Final

from exporter.capture.capture_file import Capture, CapturedPage
from exporter.sources.snmp.ber import SnmpValue
from exporter.sources.snmp.mib import Oid

_SITE_OBJECTS: Final[Mapping[Oid, str]] = {
    (1, 3, 6, 1, 2, 1, 1, 4, 0): "contact",  # sysContact
    (1, 3, 6, 1, 2, 1, 1, 5, 0): "unit",  # sysName
    (1, 3, 6, 1, 2, 1, 1, 6, 0): "location",  # sysLocation
}
"""Objects whose whole text is of the site."""

_SITE_FIELDS: Final[Mapping[str, str]] = {
    "hostname": "unit",
    "host_name": "unit",
    "system_name": "unit",
    "serial": "serial",
    "serial_number": "serial",
}
"""Attributes and members of pages whose whole text is of the site."""
_SITE_FIELD: Final = re.compile(rf"""["\s]({"|".join(_SITE_FIELDS)})"?\s*[=:]\s*["']([^"']+)["']""")

_VENDOR: Final = re.compile(r"(?i)(?:.*\.)?(?:cisco|ironport|mcafee|sophos|senderbase)\.com|mail\.notify|w3\.org")
"""Domains that say nothing of a site."""

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_USER: Final = r"[\w.!#$%&'*+/=?^`{|}~-]"
_KINDS: Final = (
    ("serial", re.compile(r"\b[0-9A-Fa-f]{8,}-[0-9A-Za-z]{5,}\b|(?i:(?<=serial #: )[\w-]+)")),
    ("key", re.compile(r"\b(?=[A-Za-z+/]*\d)(?=[\d+/]*[A-Za-z])[A-Za-z0-9+/]{24,}={0,2}")),
    ("user", re.compile(rf"(?<!{_USER}){_USER}+(?=@[\w.-])")),
    ("mac", re.compile(r"(?i)(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])")),
    ("ipv6", re.compile(r"(?i)(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])")),
    ("ipv4", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")),
    ("domain", re.compile(rf"(?i)(?<![\w.-])(?:{_LABEL}\.)+(?!xml\b|exe\b)[a-z]{{2,63}}(?![\w-])")),
)
"""What is replaced wherever it stands, in this order. The time grows in proportion to the text, whatever it is."""

_FORMS: Final[Mapping[str, Callable[[int], str]]] = {
    "ipv4": lambda number: str(ip_address("198.18.0.0") + number),
    "ipv6": lambda number: str(ip_address("2001:db8::") + number),
    "domain": lambda number: f"domain{number}.example",
    "serial": lambda number: f"{number:012X}-SERIAL{number}",
}
"""Placeholders that keep the form of what they replace; the others are KIND1, KIND2 and so on."""

_PADDING: Final = b"\0\xff"
"""Octets that some agents append to a text."""

_NAME_KINDS: Final = {*_SITE_OBJECTS.values(), "serial"}

_WORD_LENGTH: Final = 3
"""A shorter name of the site is replaced only where it is a whole value: it may stand in running text by chance."""


class Placeholders:
    """The placeholders of one capture. `names` are words that identify the appliance, such as its name in fleet.yml."""

    def __init__(self, names: Iterable[str]) -> None:
        self._numbers = {kind: count(1) for kind in (*_SITE_OBJECTS.values(), *(kind for kind, _ in _KINDS))}
        self._placeholder_of = dict[str, str]()
        self._names = set[str]()
        """The texts that no pattern finds, or not everywhere: they are looked for as words."""
        self._places = Counter[str]()
        for name in names:
            self._of(name, "unit")

    def applied(self, capture: Capture) -> Capture:
        """Return the capture with placeholders."""
        for oid, kind in _SITE_OBJECTS.items():
            self._learn(_text(capture.snmp.get(oid, b"")), kind)
        for page in capture.pages:
            for field, text in _SITE_FIELD.findall(page.body):
                self._learn(text, _SITE_FIELDS[field])
        self._replace_all(capture)  # finds what is to be replaced: a text may stand elsewhere before it is known
        self._places.clear()
        return self._replace_all(capture)

    def _replace_all(self, capture: Capture) -> Capture:
        snmp = {oid: self._value(oid, value) for oid, value in capture.snmp.items()}
        return Capture(snmp, [CapturedPage(p.path, self._replaced(p.body)) for p in capture.pages])

    def listed(self) -> Iterator[str]:
        """Yield what was replaced: a line each, with the number of places."""
        for text, places in self._places.items():
            yield f"{text} -> {self._placeholder_of[text]} ({places} {'place' if places == 1 else 'places'})"

    def _learn(self, text: str, kind: str) -> None:
        """Give a text a placeholder, unless another one covers it."""
        if text and not any(pattern.fullmatch(text) for _, pattern in _KINDS):
            self._of(text, kind)

    def _of(self, text: str, kind: str) -> str:
        """Return the placeholder of a text. Upper and lower case make no difference."""
        text = text.casefold()
        if text not in self._placeholder_of:
            number = next(self._numbers[kind])
            form = _FORMS.get(kind)
            self._placeholder_of[text] = form(number) if form else f"{kind}{number}"
            if kind in _NAME_KINDS and len(text) >= _WORD_LENGTH:
                self._names.add(text)
        return self._placeholder_of[text]

    def _value(self, oid: Oid, value: SnmpValue) -> SnmpValue:
        if not isinstance(value, bytes) or not value.strip(_PADDING):
            return value
        text = _text(value)
        if not text:
            return bytes(len(value))  # nobody can see what it holds
        if oid in _SITE_OBJECTS:
            return self._used(text, _SITE_OBJECTS[oid]).encode()
        return self._replaced(text).encode()

    def _replaced(self, text: str) -> str:
        for kind, pattern in _KINDS:
            text = pattern.sub(partial(self._found, kind), text)
        either = "|".join(map(re.escape, sorted(self._names, key=len, reverse=True)))
        return re.sub(rf"(?i)(?<![\w-])(?:{either})(?![\w-])", self._word, text) if either else text

    def _word(self, found: re.Match[str]) -> str:
        return self._used(found[0], "")

    def _found(self, kind: str, found: re.Match[str]) -> str:
        text = found[0]
        is_harmless = kind == "domain" and (_VENDOR.fullmatch(text) or text.endswith(".example"))
        is_other = kind in ("ipv4", "ipv6") and not _is_address(text)
        return text if is_harmless or is_other else self._used(text, kind)

    def _used(self, text: str, kind: str) -> str:
        self._places[text.casefold()] += 1
        return self._of(text, kind)


def _is_address(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback)


def _text(value: SnmpValue) -> str:
    """Return the text of a value, empty if it is none."""
    if not isinstance(value, bytes):
        return ""
    text = value.rstrip(_PADDING).decode("utf-8", "replace")
    return text if text.isprintable() and "\ufffd" not in text else ""
