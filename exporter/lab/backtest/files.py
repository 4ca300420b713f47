"""The rule files that a backtest reads, and the JSON that it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.errors import ExporterError, UsageError
from exporter.prometheus import rule_files
from exporter.prometheus.rule_files import Rule


def rules_of(pattern: str | None) -> list[Rule]:
    """Return what alerts need of the rules in the files that match, or of the project's own.

    Raises UsageError if those are not installed.
    """
    pattern = pattern or rule_files.project_rules()
    if pattern is None:
        raise UsageError("The project's rules are not installed. Name rule files with --rules 'rules/*.yml'.")
    return rule_files.read_by_alerts(rule_files.read_rules(pattern))


def check_writable(path: Path | None) -> None:
    """Raise ExporterError now if the file, where one is given, cannot be written after the work."""
    if path is not None:
        with _refusing(path):
            path.open("a").close()


def write_json(path: Path | None, content: object) -> None:
    """Write the content as JSON where a path is given; raises ExporterError if that is not possible."""
    if path is not None:
        with _refusing(path):
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExporterError(f"Cannot write {path}: {error.strerror}. Choose another file with --json.") from error
