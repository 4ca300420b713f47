"""Fuzz a target with octets that atheris makes from the corpus, guided by coverage: `python play.py TARGET [flags]`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

with atheris.instrument_imports(include=["exporter"]):
    from fuzz.targets import TARGETS


def main() -> None:
    """Run libFuzzer with the flags: what it finds is added to the first folder, which is not the committed corpus."""
    _, name, *flags = sys.argv
    found = HERE / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], str(found), str(HERE / "corpus" / name), *flags], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
