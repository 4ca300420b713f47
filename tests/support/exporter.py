"""The exporter as operators run it: a process that serves a fleet."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from support.processes import Process, free_port

PROJECT: Final = Path(__file__).parents[2]


class Exporter:
    """`ironport-exporter` with a configuration on a free loopback port, until `stop`.

    `python` is the interpreter with its flags.
    """

    def __init__(
        self, folder: Path, fleet: Mapping[str, Any], *flags: str, python: Sequence[str] = (sys.executable,)
    ) -> None:
        self.address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self.url = f"http://{self.address}"
        self.file = folder / "fleet.yml"
        self.file.write_text(yaml.safe_dump(dict(fleet)))
        command = [
            *python,
            "-m",
            "exporter",
            f"--config.file={self.file}",
            f"--web.listen-address={self.address}",
        ]
        self.process = Process([*command, *flags], folder / "exporter.log", {"PYTHONPATH": str(PROJECT)})
        self.process.wait_until(lambda: "msg=listening" in self.process.output)

    def stop(self) -> None:
        """End it."""
        self.process.stop()
