"""Samples as OpenMetrics text, family by family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

SampleColumn = list[float | None]
"""The values of a series at successive instants; None for no value."""

END: Final = "# EOF\n"
"""The last line of the text."""

_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def labelled(name: str, labels: Mapping[str, str]) -> str:
    """Return a series in the notation of OpenMetrics."""
    pairs = [f'{label}="{value.translate(_ESCAPES)}"' for label, value in labels.items()]
    return f"{name}{{{','.join(pairs)}}}"


def header(name: str, kind: str) -> str:
    """Return the line that begins a metric family. For a counter it leaves out `_total`."""
    return f"# TYPE {name.removesuffix('_total') if kind == 'counter' else name} {kind}\n"


def stamps(instants: Iterable[int]) -> list[str]:
    """Return how the lines of samples at these Unix times end."""
    return [f" {instant}\n" for instant in instants]


def samples(series: str, column: SampleColumn, ends: Sequence[str]) -> str:
    """Return the samples of a `labelled` series: a line for each value, with the end from `ends`."""
    begin = f"{series} "
    lines = [f"{value!r}{end}" for value, end in zip(column, ends, strict=True) if value is not None]
    return begin + begin.join(lines) if lines else ""
