"""Ansible understands the playbook and checks its variables."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from support.compatible import TODAY

PLAYBOOK: Final = Path(__file__).parents[2] / "deploy" / "ansible" / "playbook.yml"


def ansible(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook with flags, on this machine."""
    inventory = folder / "hosts"
    inventory.write_text(
        "[ironport_exporters]\nlocalhost ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n"
    )
    command = [f"{TODAY}/ansible-playbook", "--inventory", str(inventory), str(PLAYBOOK), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_ansible_knows_every_module_and_key(tmp_path: Path) -> None:
    done = ansible(tmp_path, "--syntax-check")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_variable_is_refused_by_its_name(tmp_path: Path) -> None:
    done = ansible(tmp_path, "--check", "--extra-vars", '{"ironport_exporter_web_config": "none"}')
    assert done.returncode != 0
    assert "ironport_exporter_web_config" in done.stdout
