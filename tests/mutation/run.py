"""Change one thing in a module at a time, and see whether its own tests notice.

    python tests/mutation/run.py [--sample N] [--seed N] [MODULE ...]

Without modules it takes those of `MODULES`. Of the possible changes of each module, `--sample` are tried, chosen by
`--seed`. Prints the share that the tests caught, and every change that they did not. cosmic-ray makes the changes, in a
copy of the checkout as it is committed. It needs the extra `mutation`, and its environment first on the path.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]

MODULES: Final = {
    "exporter/sources/snmp/ber.py": "tests/sources/snmp/test_ber.py",
    "exporter/sources/snmp/messages.py": "tests/sources/snmp/test_messages.py tests/sources/snmp/test_ber.py",
    "exporter/sources/snmp/walk.py": "tests/sources/snmp/test_walk.py",
    "exporter/sources/snmp/retry.py": "tests/sources/snmp/test_retry.py",
    "exporter/sources/snmp/datagrams.py": "tests/sources/snmp/test_datagrams.py",
    "exporter/sources/snmp/usm.py": "tests/sources/snmp/test_usm.py",
    "exporter/sources/snmp/usm_message.py": "tests/sources/snmp/test_usm_message.py tests/sources/snmp/test_usm.py",
    "exporter/sources/snmp/session.py": "tests/sources/snmp/test_session.py",
    "exporter/sources/http/connection.py": "tests/sources/http/test_connection.py",
    "exporter/probe.py": "tests/test_probe.py",
    "exporter/web/access.py": "tests/web/test_access.py",
    "exporter/web/connections.py": "tests/web/test_connections.py",
    "exporter/web/same_site.py": "tests/web/test_same_site.py",
    "exporter/sources/xml/document.py": "tests/sources/xml/test_document.py",
    "exporter/sources/xml/pages.py": "tests/sources/xml/test_pages.py",
    "exporter/metrics/conversions.py": "tests/metrics/test_conversions.py",
    "exporter/metrics/fusion.py": "tests/metrics/test_fusion.py",
    "exporter/metrics/reading.py": "tests/metrics/test_reading.py",
    "exporter/config/values.py": "tests/config",
    "exporter/config/files.py": "tests/config/test_files.py",
    "exporter/web/discovery.py": "tests/web/test_discovery.py",
    "exporter/web/authentication.py": "tests/web/test_authentication.py",
}
"""The modules with the tests that must notice a change."""

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

CONFIG: Final = """\
[cosmic-ray]
module-path = "{module}"
timeout = 60.0
excluded-modules = []
test-command = "{python} -m pytest -q -x -n 0 -p no:cacheprovider --no-header {tests}"

[cosmic-ray.distributor]
name = "local"
"""


def copied(folder: Path) -> Path:
    """Return a copy of the checkout as it is committed, in which the changes are made."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=archive.stdout, check=True)
    return folder


def run(*command: str, folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def keep_sample(session: Path, lines: Sequence[str], size: int, seed: int) -> None:
    """Keep some of the changes in cosmic-ray's session."""
    with closing(sqlite3.connect(session)) as database, database:
        found = database.execute("SELECT job_id, operator_name, start_pos_row FROM mutation_specs").fetchall()
        wanted = sorted(
            job for job, operator, row in found if operator.startswith(OPERATORS) and is_code(lines[row - 1])
        )
        kept = set(random.Random(seed).sample(wanted, min(size, len(wanted))))
        for job, *_ in found:
            if job not in kept:
                database.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
                database.execute("DELETE FROM work_items WHERE job_id = ?", (job,))


def is_code(line: str) -> bool:
    """Return whether a line can be more than a type: a union of types is no arithmetic."""
    return not (line.lstrip().startswith(("def ", "async def ")) or (" | " in line and (": " in line or "= " in line)))


def results(session: Path, folder: Path) -> Iterator[tuple[bool, dict[str, Any], str]]:
    """Yield for each change that could be made whether the tests caught it, where it is, and its difference."""
    for line in run("cosmic-ray", "dump", str(session), folder=folder).splitlines():
        item, result = json.loads(line)
        if result and result["test_outcome"] != "incompetent":
            yield result["test_outcome"] != "survived", item["mutations"][0], result["diff"] or ""


def tried(module: str, tests: str, folder: Path, size: int, seed: int) -> tuple[int, int]:
    """Try changes of a module and print those that its tests missed; return how many were caught, and of how many."""
    configuration, session = folder / "mutation.toml", folder / "mutation.sqlite"
    session.unlink(missing_ok=True)
    configuration.write_text(CONFIG.format(module=module, python=sys.executable, tests=tests))
    run("cosmic-ray", "init", str(configuration), str(session), folder=folder)
    run("cosmic-ray", "baseline", str(configuration), folder=folder)  # fails if the tests fail without a change
    keep_sample(session, (folder / module).read_text().splitlines(), size, seed)
    run("cosmic-ray", "exec", str(configuration), str(session), folder=folder)
    outcomes = list(results(session, folder))
    missed = [(place, difference) for caught, place, difference in outcomes if not caught]
    print(f"{module}: {len(outcomes) - len(missed)} of {len(outcomes)} caught", flush=True)
    for place, difference in missed:
        changed = [line for line in difference.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        print(f"  line {place['start_pos'][0]}:", *changed, sep="\n    ", flush=True)
    return len(outcomes) - len(missed), len(outcomes)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as exporter/sources/snmp/ber.py")
    parser.add_argument("--sample", type=int, default=20, help="how many changes of each module to try")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    if unknown := sorted({*wanted.modules} - {*MODULES}):
        parser.error(f"MODULES has no tests for {', '.join(unknown)}: add a row.")
    caught = total = 0
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        for module in wanted.modules or MODULES:
            well, all_of_them = tried(module, MODULES[module], folder, wanted.sample, wanted.seed)
            caught, total = caught + well, total + all_of_them
    print(f"{caught} of {total} changes caught ({caught / max(total, 1):.0%})")


if __name__ == "__main__":
    main()
