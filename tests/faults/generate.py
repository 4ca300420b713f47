"""Write docs/faults.md from the tables that the tests in this folder play: `python tests/faults/generate.py`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from faults.machine import MACHINE_FAULTS  # noqa: E402
from faults.table import COMPLETE, FAULTS, Fault  # noqa: E402 - the path comes first

PAGE: Final = ROOT / "docs" / "faults.md"

HEAD: Final = """\
# Faults

This page says what the exporter does if an appliance, the network or its own machine fails. Each row is a test in
`tests/faults/`, which causes the fault and checks what the row says. `python tests/faults/generate.py` writes this page
from the tables that the tests use. A test checks that the page is up to date.

## Faults of an appliance

The tests scrape an appliance before, during and after the fault. They also check for every row:

- The scrape is answered with status 200 before its timeout. A source that is up gives its figures. If the preferred
  source of a figure, such as the work queue, is down, another source gives the figure.
- A healthy appliance that is scraped at the same time is complete.
- After the fault, the next scrape is complete. The exporter needs no restart and no reload.
- The log has no error and no traceback.

The columns *SNMP*, *status page* and *REST interface* say how the poll of the source ends: *complete*; *incomplete*, if
a part of it failed; *down*, if it gave nothing; *up*, if it is complete or incomplete by chance. The REST interface is
configured only for the table that has a column for it. The reasons are those of `ironport_source_error`
([what each means](troubleshooting.md#what-each-error-means)). The column *counted* names the exporter's
[own metrics](metrics.md#the-exporters-own-metrics) that rise, without their prefix `ironport_exporter_`. The last
column says when the sources are complete again.
"""


MACHINE_HEAD: Final = """\
## Faults of the machine, the operator and the clients

For each row, the test starts an exporter of its own. The log never has a traceback.
"""


LONG_RUN: Final = """\
## A long run

`python benchmarks/soak.py` runs Prometheus and the exporter for ten minutes, with 200 appliances. Five of them are
hostile. For the others, 10 % of the SNMP packets are lost each way. Once a minute the configuration of every appliance
changes, and the exporter reloads it. The program checks that memory, file descriptors and tasks do not grow, that the
log has no error, that no scrape is lost, and that the queries of [Accounting](accounting.md) find the lost packets.

On two cores of a busy machine, all 7,789 scrapes were answered. Every poll of the healthy appliances was complete. The
network lost 7,339 packets, and the query found as many. It may find a few more: it also counts answers that come after
the end of a poll. The exporter had 73 MB after the first minute and 79 MB after the tenth, 216 to 221 descriptors and
17 to 28 tasks.
"""


def faults_page() -> str:
    sections = (f"### {title}\n\n{fault_table(faults)}" for title, faults in FAULTS.items())
    return "\n".join([HEAD, *sections, MACHINE_HEAD, machine_table(), LONG_RUN])


def machine_table() -> str:
    return table(("fault", "how it ends"), [(fault.name, fault.ends) for fault in MACHINE_FAULTS])


def fault_table(faults: Sequence[Fault]) -> str:
    rest = ("REST interface",) if any(fault.rest for fault in faults) else ()
    return table(("fault", "SNMP", "status page", *rest, "counted", "complete again"), [row(fault) for fault in faults])


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))


def row(fault: Fault) -> tuple[str, ...]:
    ends = [ended(end) for end in (fault.snmp, fault.xml, fault.rest) if end]
    return fault_name(fault), *ends, counted(fault), complete_again(fault)


def fault_name(fault: Fault) -> str:
    return f"{fault.name} (v3)" if fault.version == "3" else fault.name


def ended(words: str) -> str:
    end, _, reason = words.partition(": ")
    return f"{end}: `{reason}`" if reason else end


def counted(fault: Fault) -> str:
    return ", ".join(f"`{name}`" for name in fault.counted)


def complete_again(fault: Fault) -> str:
    ends = {fault.snmp, fault.xml, fault.rest or COMPLETE}
    return "was not interrupted" if ends == {COMPLETE} else "at the next scrape"


if __name__ == "__main__":
    PAGE.write_text(faults_page(), encoding="utf-8")
