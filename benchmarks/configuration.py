"""How long it takes to load and to show the configuration of a large fleet, compared with PyYAML reading it alone.

Prints seconds of CPU, and their ratio to PyYAML's own safe_load of the same file in the same run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
import yaml

from exporter import config

_HEAD = """
auths:
  ops:
    snmp: {version: 3, username: v3get, auth: {protocol: SHA, passphrase: a passphrase}}
    xml: {username: monitor, password: a password}
defaults: {auth: ops, xml: {tls: {ca_file: ca.pem}}}
appliances:
"""
_ENTRY = (
    "- {{name: mx{0}, address: mx{0}.example.edu, site: east, pool: inbound, traffic: inbound, role: production,"
    " rated_messages_per_hour: 140000, connection_limit: 300, labels: {{rack: b{0}}}}}\n"
)


def main(appliances: int) -> None:
    """Print a line for each step."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.yml"
        file.write_text(_HEAD + "".join(_ENTRY.format(number) for number in range(appliances)))
        trustme.CA().cert_pem.write_to_path(str(file.with_name("ca.pem")))
        loaded = config.load(file)
        alone = _seconds(lambda: yaml.safe_load(file.read_text()))
        for step, run in (("load", lambda: config.load(file)), ("show", lambda: config.effective(loaded))):
            seconds = _seconds(run)
            print(f"{step} {appliances:,} appliances: {seconds:.2f} s, {seconds / alone:.2f} of PyYAML's {alone:.2f} s")


def _seconds(run: Callable[[], object]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
