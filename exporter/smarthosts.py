"""Mail servers that are appliances of the fleet: mail about a dead mail gateway must not go through it."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from exporter.config.yaml_file import KeyPath, YamlValue, as_mapping, read_yaml

_LOOKUPS: Final = 16
"""Names that are looked up at the same time."""


def appliance_behind(host: str, appliances: Iterable[str]) -> str | None:
    """Return the appliance that a host is, by its name or by an address that both names have; None if it is none.

    `appliances` are names and addresses of appliances.
    """
    names = sorted(set(appliances))
    return next((name for name in names if _same_name(host, name)), None) or _same_address(host, names)


def _same_name(host: str, appliance: str) -> bool:
    """Return whether two names are equal; one without a domain equals the same in any domain."""
    first, second = (name.lower().rstrip(".") for name in (host, appliance))
    short = "." not in first or "." not in second
    return first == second or (short and first.partition(".")[0] == second.partition(".")[0])


def _same_address(host: str, appliances: Sequence[str]) -> str | None:
    with ThreadPoolExecutor(_LOOKUPS) as pool:
        ours, *theirs = pool.map(_addresses, (host, *appliances))
    return next((name for name, found in zip(appliances, theirs, strict=True) if ours & found), None)


def _addresses(name: str) -> frozenset[str]:
    """Return the addresses of a name; a name that has none is no appliance's."""
    try:
        return frozenset(str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return frozenset()


def alertmanager_problems(path: Path, appliances: Iterable[str]) -> list[str]:
    """Return a sentence for each mail server in Alertmanager's configuration that is an appliance.

    Raises ConfigError if the file cannot be read.
    """
    file = read_yaml(path)
    return [
        f"{path}:{file.line(place)}: {_dotted(place)} is {appliance}, an appliance of the fleet. When it is down or its"
        " queue is long, mail about that waits in the same queue. Use a mail server that sends past the fleet."
        for place, host in _smarthosts(file.data)
        if (appliance := appliance_behind(host, appliances))
    ]


def _smarthosts(data: YamlValue) -> Iterator[tuple[KeyPath, str]]:
    """Yield the hosts of the mail servers for all receivers and for single ones, with their places."""
    places: list[tuple[KeyPath, YamlValue]] = [
        (("global", "smtp_smarthost"), as_mapping(as_mapping(data).get("global")).get("smtp_smarthost"))
    ]
    for number, receiver in enumerate(_listed(as_mapping(data).get("receivers"))):
        for index, mail in enumerate(_listed(as_mapping(receiver).get("email_configs"))):
            own = as_mapping(mail).get("smarthost")
            places.append((("receivers", number, "email_configs", index, "smarthost"), own))
    for place, smarthost in places:
        if isinstance(smarthost, str):
            yield place, smarthost.rpartition(":")[0].strip("[]") or smarthost


def _listed(value: YamlValue) -> list[YamlValue]:
    return value if isinstance(value, list) else []


def _dotted(place: KeyPath) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
