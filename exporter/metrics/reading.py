"""What one poll of one source brought, and how the rows of its tables are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from exporter.errors import SourceError
from exporter.metrics.conversions import Raw

Outcome = Literal["complete", "partial", "failed"]
"""How a poll or a probe went: everything answered, something, or nothing."""

Row = tuple[str, ...]
"""The label values that identify a row of a table, in the order of the family's first labels; () for a scalar."""

Items = dict[str, dict[Row, Raw]]
"""Item to its value, or to its values by row if it is a column of a table."""

LABEL_LENGTH: Final = 128
_LISTED: Final = 20
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


Unreadable = dict[tuple[str, Row], str]
"""Item and row of values that could not be read, to their text."""


class Certificate(NamedTuple):
    """The TLS certificate that an appliance showed."""

    expiry: float
    """The end of its validity, in Unix time."""
    verified_by: Literal["ca", "fingerprint", "nothing"]
    """What it was checked against."""


@dataclass(slots=True)
class Reading:
    """What one poll of one source brought. It is filled while the poll runs, so that it can be served at any moment."""

    source: str
    items: Items = field(default_factory=dict)
    up: bool = False
    """Whether the source gave usable data."""
    errors: list[SourceError] = field(default_factory=list)
    """What failed. Without errors the reading is complete."""
    unreadable: Unreadable = field(default_factory=dict)
    """Values of another type than the source's definition says. They are in no item."""
    requests: int = 0
    """Packets or HTTP requests that were sent for the probe that has this reading."""
    retries: int = 0
    """How many of these requests were sent again."""
    certificate: Certificate | None = None
    started: float = 0.0
    """When the poll began, on the monotonic clock."""
    duration: float = 0.0
    """How long the poll took, in seconds."""
    shared: bool = False
    """Whether another probe began the poll."""
    age: float = 0.0
    """How long the poll had begun before this probe, in seconds."""
    notes: list[str] = field(default_factory=list)
    """What a person wants to know about the poll, a sentence each."""

    @property
    def complete(self) -> bool:
        """Whether the source is up and no part of it failed."""
        return self.up and not self.errors

    @property
    def outcome(self) -> Outcome:
        """How the poll went."""
        return "complete" if self.complete else "partial" if self.up else "failed"

    def set(self, item: str, value: Raw, row: Row = ()) -> None:
        """Record the value of `item`, in a table at `row`."""
        self.items.setdefault(item, {})[row] = value

    def set_unreadable(self, item: str, value: object, row: Row = ()) -> None:
        """Record that the source gave a value that is not what its definition says."""
        self.unreadable[item, row] = label_value(str(value))


def label_value(text: str) -> str:
    """Return `text` as a label value: without control characters and outer spaces, at most 128 characters."""
    if len(text) <= LABEL_LENGTH and text.isprintable():  # nearly all, in a third of the time
        return text.strip()
    return _CONTROL.sub(" ", text).strip()[:LABEL_LENGTH].rstrip()


def name_rows(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the name of each row of a table by its index, for rows given as (index, name).

    Names are unique, and a row keeps its name when another row is missing. A row without a name is named by its index.
    Rows that share a name get their index appended: "PS 1 (2)".
    """
    cleaned = {index: label_value(name) or index for index, name in names}
    count = Counter(cleaned.values())
    named = {index: _indexed(name, index) if count[name] > 1 else name for index, name in cleaned.items()}
    if len(set(named.values())) < len(named):  # somebody called a row "PS 1 (2)"
        return {index: _indexed(name, index) for index, name in cleaned.items()}
    return named


def _indexed(name: str, index: str) -> str:
    suffix = f" ({index})"
    return name[: LABEL_LENGTH - len(suffix)] + suffix


def unreadable_text(unreadable: Unreadable) -> str:
    """Return the values that could not be read as text for a person: the first twenty, and how many more there are."""
    values = [f"{' of '.join([item, *row])}: {text!r}" for (item, row), text in unreadable.items()]
    more = [f"and {len(values) - _LISTED} more"] if len(values) > _LISTED else []
    return "; ".join([*values[:_LISTED], *more])
