"""Change one thing in a module at a time, and see whether its own tests notice.

    python tests/mutation/run.py [--sample N] [--seed N] [MODULE ...]

Without modules it takes those of `MODULES`. Of the possible changes of each module, `--sample` are tried, chosen by
`--seed`. A change is caught if a test of the module fails, or is explained in `explained.yml`: nothing differs, or only
a figure that was chosen. Prints how many were caught, explained and survived, and every change that survived.

cosmic-ray makes the changes, in a copy of the checkout as it is committed. Each is tried in a fork of this process,
which has loaded the libraries, and until the first test fails. It needs the extra `mutation`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
import yaml
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

ROOT: Final = Path(__file__).resolve().parents[2]
EXPLAINED: Final = Path(__file__).with_name("explained.yml")

MODULES: Final = {
    "exporter/sources/snmp/ber.py": "tests/sources/snmp/test_ber.py",
    "exporter/sources/snmp/messages.py": "tests/sources/snmp/test_messages.py tests/sources/snmp/test_walk.py",
    "exporter/sources/snmp/usm.py": "tests/sources/snmp/test_usm.py",
    "exporter/sources/snmp/usm_message.py": "tests/sources/snmp/test_usm_message.py tests/sources/snmp/test_usm.py",
    "exporter/sources/snmp/session.py": "tests/sources/snmp/test_session.py",
    "exporter/sources/snmp/datagrams.py": "tests/sources/snmp/test_datagrams.py",
    "exporter/sources/snmp/retry.py": "tests/sources/snmp/test_retry.py",
    "exporter/sources/snmp/walk.py": "tests/sources/snmp/test_walk.py",
    "exporter/sources/snmp/layouts.py": "tests/sources/snmp/test_layouts.py",
    "exporter/sources/allowance.py": "tests/sources/test_allowance.py",
    "exporter/sources/http/connection.py": "tests/sources/http/test_connection.py",
    "exporter/sources/http/fetch.py": "tests/sources/http/test_fetch.py tests/sources/http/test_connection.py",
    "exporter/sources/http/tls.py": "tests/sources/http/test_tls.py",
    "exporter/sources/xml/document.py": "tests/sources/xml/test_document.py",
    "exporter/sources/xml/pages.py": "tests/sources/xml/test_pages.py",
    "exporter/web/access.py": "tests/web/test_access.py",
    "exporter/web/authentication.py": "tests/web/test_authentication.py",
    "exporter/web/connections.py": "tests/web/test_connections.py",
    "exporter/web/discovery.py": "tests/web/test_discovery.py",
    "exporter/web/running_probes.py": "tests/web/test_running_probes.py",
    "exporter/web/same_site.py": "tests/web/test_same_site.py",
    "exporter/web/shares.py": "tests/web/test_shares.py",
    "exporter/config/files.py": "tests/config/test_files.py",
    "exporter/config/secrets.py": "tests/config/test_secrets.py",
    "exporter/config/values.py": "tests/config/test_values.py tests/config/test_problems.py",
    "exporter/config/yaml_file.py": "tests/config/test_yaml_file.py tests/config/test_problems.py",
    "exporter/config/yaml_loader.py": "tests/config/test_yaml_file.py",
    "exporter/probe.py": "tests/test_probe.py",
    "exporter/metrics/conversions.py": "tests/metrics/test_conversions.py",
    "exporter/metrics/fusion.py": "tests/metrics/test_fusion.py",
    "exporter/metrics/plan.py": "tests/metrics/test_plan.py",
    "exporter/metrics/reading.py": "tests/metrics/test_reading.py",
}
"""The modules with the tests that must notice a change. Those that guard against hostile input come first."""

OPERATORS: Final = (
    "core/AddNot",
    "core/ExceptionReplacer",
    "core/NumberReplacer",
    "core/ReplaceAndWithOr",
    "core/ReplaceBinaryOperator_",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceComparisonOperator_",
    "core/ReplaceContinueWithBreak",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceOrWithAnd",
    "core/ReplaceTrueWithFalse",
)
"""cosmic-ray's changes of bounds, conditions and arithmetic."""

LIBRARIES: Final = (
    "aiohttp.web",
    "cryptography.x509",
    "hypothesis.strategies",
    "prometheus_client",
    "pyasn1.codec.ber.encoder",
    "pydantic",
    "structlog",
    "trustme",
)
"""What most tests import: loaded once."""

ALIKE: Final = hypothesis.settings(
    derandomize=True, phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate), database=None, deadline=None
)
"""The same inputs for each change, and no search for a smaller one that fails."""

PATIENCE: Final = 10.0
"""Seconds that the tests of a change may take beyond three times those of the unchanged module."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a module."""

    row: int
    """The number of the line, from 1."""
    line: str
    becomes: str
    """The line after the change, without the spaces around it, as is `line`."""
    source: str
    """The whole module after the change."""


def changes(source: str, size: int, seed: int) -> Iterator[Change]:
    """Yield some of the possible changes, in the order of the lines."""
    lines = source.splitlines()
    nodes = list(ast_nodes(get_ast(source)))
    places = [
        (start, name, occurrence)
        for name in sorted(plugins.operator_names())
        if name.startswith(OPERATORS)
        for occurrence, start in enumerate(positions(plugins.get_operator(name)(), nodes))
        if is_code(lines[start[0] - 1])
    ]
    for (row, _), name, occurrence in sorted(random.Random(seed).sample(places, min(size, len(places)))):
        changed = mutate_code(source, plugins.get_operator(name)(), occurrence)
        yield Change(row, lines[row - 1].strip(), changed.splitlines()[row - 1].strip(), changed)


def positions(operator: Any, nodes: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield row and column of what an operator can change."""
    for node in nodes:
        for start, _ in operator.mutation_positions(node):
            yield start


def is_code(line: str) -> bool:
    """Return whether a change of a line can be seen: not in a union of types, which is no arithmetic, nor in slots."""
    is_type = " | " in line and (": " in line or "= " in line)
    return not (is_type or line.lstrip().startswith(("def ", "async def ", "@dataclass(")))


def copied(folder: Path) -> Path:
    """Return a copy of the checkout as it is committed, in which the changes are made."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=archive.stdout, check=True)
    return folder


def run_tests(tests: Sequence[str], folder: Path) -> None:
    """Run the tests until the first one fails, in a process group of their own, and end it."""
    os.setpgrp()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    os.chdir(folder)
    sys.dont_write_bytecode = True  # Python takes two changes within a second for the same file
    hypothesis.settings.register_profile("alike", ALIKE)
    hypothesis.settings.load_profile("alike")
    sys.exit(pytest.main(["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--assert=plain", *tests]))


def are_passed(tests: Sequence[str], folder: Path, patience: float) -> bool:
    """Return whether all tests pass within `patience` seconds."""
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(tests, folder))
    process.start()
    try:
        process.join(patience)
        if process.exitcode is None:
            os.kill(process.pid or 0, signal.SIGINT)  # the tests end what they have started
            process.join(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)  # and what they have left
        process.join()
    return process.exitcode == 0


def try_changes(module: str, folder: Path, size: int, seed: int) -> Counter[str]:
    """Try changes of a module and print those that survived. Returns how many ended in which way."""
    tests, file = MODULES[module].split(), folder / module
    source, begun = file.read_text(), time.monotonic()
    if not are_passed(tests, folder, 600):
        sys.exit(f"{module}: its tests fail without a change.")
    patience = PATIENCE + 3 * (time.monotonic() - begun)
    explained = explanations(module, source)
    ends: Counter[str] = Counter()
    for change in changes(source, size, seed):
        file.write_text(change.source)
        if not are_passed(tests, folder, patience):
            ends["caught"] += 1
        elif (compact(change.line), compact(change.becomes)) in explained:
            ends["explained"] += 1
        else:
            ends["survived"] += 1
            print(f"{module}:{change.row}\n  - {change.line}\n  + {change.becomes}", flush=True)
    file.write_text(source)
    print(f"{module}: {summary(ends)}", flush=True)
    return ends


def explanations(module: str, source: str) -> set[tuple[str, str]]:
    """Return the changes of a module that need not be caught, each as the line and what becomes of it."""
    lines = set(map(compact, source.splitlines()))
    found = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")).get(module, [])
    if stale := [each["line"] for each in found if compact(each["line"]) not in lines]:
        sys.exit(f"{EXPLAINED.name}: {module} has no line {stale[0]!r} any more. Take its explanation out.")
    return {(compact(each["line"]), compact(becomes)) for each in found for becomes in each["becomes"]}


def compact(line: str) -> str:
    """Return a line without its spaces: cosmic-ray adds some."""
    return "".join(line.split())


def summary(ends: Counter[str]) -> str:
    counts = ", ".join(f"{ends[end]} {end}" for end in ("caught", "explained", "survived"))
    return f"{counts} ({ends['caught'] / max(ends.total(), 1):.0%} caught)"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as exporter/sources/snmp/ber.py")
    parser.add_argument("--sample", type=int, default=20, help="how many changes of each module to try")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    if unknown := sorted({*wanted.modules} - {*MODULES}):
        parser.error(f"MODULES has no tests for {', '.join(unknown)}: add a row.")
    for name in LIBRARIES:
        import_module(name)
    os.nice(10)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left then, too
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        for module in wanted.modules or MODULES:
            ends += try_changes(module, folder, wanted.sample, wanted.seed)
    print(summary(ends))


if __name__ == "__main__":
    main()
