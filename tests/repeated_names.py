"""List the names that stand in more than one module, each with the reason why it may: `python tests/repeated_names.py`.

One name means one thing. A class, a public function, a type alias or a public constant of one module has its name for
itself; where two modules share one, REASONS says why. The exit code is 1 where a reason is missing, or not needed.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("exporter", "dashboards", "alerts")

REASONS: Final[Mapping[str, str]] = {
    "main": "the entry point of each program",
}
"""Why a name stands in several modules."""


def repeated_names(root: Path) -> dict[str, list[str]]:
    """Return the modules of each name that more than one module of the project in `root` defines."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        for name in sorted(set(_names(ast.parse(path.read_text())))):
            found[name].append(str(path.relative_to(root)))
    return {name: modules for name, modules in sorted(found.items()) if len(modules) > 1}


def complaints(repeated: Mapping[str, object], reasons: Mapping[str, str]) -> list[str]:
    """Return a sentence for each repeated name without a reason, and for each reason without a repeated name."""
    return [
        *(f"{name} stands in several modules: rename all but one." for name in repeated if name not in reasons),
        *(f"{name} stands in one module at most: remove its reason." for name in reasons if name not in repeated),
    ]


def _names(module: ast.Module) -> Iterator[str]:
    """Yield the names of a module that have to be its own; a class has to be even where it is private."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield node.name.lstrip("_")
        else:
            yield from (name for name in _assigned(node) if not name.startswith("_"))


def _assigned(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = (each for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
        yield from (each.id for each in names if isinstance(each.ctx, ast.Store))


def main() -> int:
    repeated = repeated_names(ROOT)
    for name, modules in repeated.items():
        print(f"{name}: {REASONS.get(name, 'NO REASON')}\n  {', '.join(modules)}")  # noqa: T201 - the list
    wrong = complaints(repeated, REASONS)
    print(*wrong, sep="\n", end="\n" * bool(wrong), file=sys.stderr)  # noqa: T201 - what to do
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
