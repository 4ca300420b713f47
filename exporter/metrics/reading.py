"""What one poll of one source brought, and how rows and label values are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from exporter.errors import SourceError
from exporter.metrics.catalog import Source
from exporter.metrics.conversions import Raw

Outcome = Literal["complete", "partial", "failed"]
"""How a poll or a probe went: everything, something or nothing answered."""

Row = tuple[str, ...]
"""What tells a row from its siblings, in the order of the family's first labels; () for a scalar."""

Items = dict[str, dict[Row, Raw]]
"""Item name to its value or, in a table, its values by row."""

LABEL_LENGTH: Final = 128
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(slots=True)
class Reading:
    """The items of one source; filled while the poll runs, so that what has arrived can be served at any moment.

    `up` says that the source's core answered, `errors` what failed of it (none: it is complete). `requests` counts
    packets or HTTP requests, `retries` those of them that were sent again; `started` is on the monotonic clock, in
    seconds, `duration` and `age` are in seconds, age 0 meaning fresh. `notes` tells a person what was done.
    """

    source: Source
    items: Items = field(default_factory=dict)
    up: bool = False
    errors: list[SourceError] = field(default_factory=list)
    requests: int = 0
    retries: int = 0
    started: float = 0.0
    duration: float = 0.0
    age: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether the source is up and nothing of it failed."""
        return self.up and not self.errors

    @property
    def outcome(self) -> Outcome:
        """How the poll went."""
        return "complete" if self.complete else "partial" if self.up else "failed"

    def set(self, item: str, value: Raw, row: Row = ()) -> None:
        """Record the value of `item`, in a table at `row`."""
        self.items.setdefault(item, {})[row] = value


def label_value(text: str) -> str:
    """Return `text` fit for a label: no control characters, no space around it, at most 128 characters."""
    return _CONTROL.sub(" ", text).strip()[:LABEL_LENGTH].rstrip()


def name_rows(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name the rows of a table, given as (index, name): unique, and the same when another row is missing.

    A row without a name is called by its index; rows that share a name get their index appended: "PS 1 (2)".
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
