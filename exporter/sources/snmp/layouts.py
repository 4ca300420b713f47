"""Reading variable bindings that have the layout of an earlier answer.

An agent answers a request alike in each poll: the same objects, and most values in as many octets as before. So the
layout of an answer is kept: where the contents of its values are. A list with a known layout takes a tenth of the time
of `Reader.varbinds`, which reads all others, and gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from exporter.sources.snmp.ber import INTEGER, UNSIGNED, VALUES, Reader, SnmpValue, Unsigned, VarBind
from exporter.sources.snmp.mib import Oid

_START: Final = 18
"""So many octets of a list tell the answers of an agent apart: they hold the first object, and none of its value."""

_MOST: Final = 32
"""How many beginnings of lists to keep. A large appliance has 12."""

_struct: Final = lru_cache(maxsize=512)(Struct)
"""The layouts of a fleet have most formats in common. One takes about 3 KB."""


class Layouts:
    """The layouts of the answers of one agent."""

    def __init__(self) -> None:
        self._by_start: dict[bytes, _Layout | None] = {}
        """None for a list that came once: the first poll asks otherwise than the next ones."""

    def varbinds(self, octets: bytes) -> list[VarBind]:
        """Return the variable bindings that fill the octets; raises `BerError`."""
        start = octets[:_START]
        layout = self._by_start.get(start)
        found = layout.read(octets) if layout else None
        if found is None:
            found = Reader(octets).varbinds()
            self._learn(start, octets, found)
        return found

    def _learn(self, start: bytes, octets: bytes, found: list[VarBind]) -> None:
        if start in self._by_start:
            self._by_start[start] = _layout(octets, found)
        elif len(self._by_start) < _MOST:
            self._by_start[start] = None
        else:
            self._by_start.clear()  # something else answers now


class _Layout:
    """How the octets of a list are divided into what is the same each time, and the contents of the values."""

    __slots__ = ("_divide", "_fixed", "_length", "_objects", "_readers")

    def __init__(
        self, division: str, fixed: bytes, objects: tuple[Oid, ...], readers: tuple[_PieceReader | None, ...]
    ) -> None:
        divide = _struct(division)
        self._divide = divide.unpack
        self._length = divide.size
        self._fixed = fixed
        self._objects = objects
        self._readers = readers

    def read(self, octets: bytes) -> list[VarBind] | None:
        """Return the variable bindings, None if the octets have another layout."""
        if len(octets) != self._length:
            return None
        pieces = self._divide(octets)
        if b"".join(pieces[::2]) != self._fixed:
            return None
        values = [read(piece) if read else piece for read, piece in zip(self._readers, pieces[1::2], strict=True)]
        return list(zip(self._objects, values, strict=True))


_shared: Final = lru_cache(maxsize=256)(_Layout)
"""Appliances with the same rows have the same layouts.

One takes about 2 KB, or 76 KB if a hostile agent makes it as large as it can: all together 20 MB at most.
"""


def _layout(octets: bytes, found: list[VarBind]) -> _Layout | None:
    """Return the layout of a list that `Reader` has read, None if it has lengths of several octets."""
    divisions, readers = [">"], []
    at = begin = 0
    for _ in found:
        value, end = at + 4 + octets[at + 3], at + 2 + octets[at + 1]
        contents = value + 2
        if end > len(octets) or contents > end or contents + octets[value + 1] != end:
            return None
        division, reader = _division(octets[value], end - contents)
        divisions.append(f"{contents - begin}s{division}")
        readers.append(reader)
        at = begin = end
    division = "".join(divisions)
    fixed = b"".join(_struct(division).unpack(octets)[::2])
    return _shared(division, fixed, tuple(oid for oid, _ in found), tuple(readers))


_PieceReader = Callable[[Any], SnmpValue | None]
"""Reads a value from what `struct` makes of its contents."""

_SIGNED: Final = {1: "b", 2: "h", 4: "i", 8: "q"}
_UNSIGNED: Final = {1: "b", 2: "h", 4: "I", 8: "Q"}
"""How `struct` reads the contents of numbers, by their length; as `ber.VALUES` reads them."""


def _division(tag: int, length: int) -> tuple[str, _PieceReader | None]:
    """Return how `struct` takes contents of this length, and how to read what it gives, unless that is the value."""
    if tag == INTEGER and length in _SIGNED:
        return _SIGNED[length], None
    if tag in UNSIGNED and length in _UNSIGNED:
        return _UNSIGNED[length], Unsigned
    return f"{length}s", None if VALUES[tag] is bytes else VALUES[tag]
