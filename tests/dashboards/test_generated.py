"""The generated dashboards are committed, and can be provisioned unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from dashboards import generate
from support.grafana import DASHBOARDS


def test_the_committed_dashboards_are_up_to_date() -> None:
    committed = {path.name: path.read_text() for path in (DASHBOARDS / "json").iterdir()}
    stale = [name for name, text in generate.generated().items() if committed.pop(name, None) != text]
    assert not stale, f"Run dashboards/generate.py to write {stale}."
    assert not committed, f"Delete {sorted(committed)} from dashboards/json, or add what generates them."


def test_a_file_has_the_name_of_its_uid() -> None:
    assert all(json.loads(text)["uid"] == name.removesuffix(".json") for name, text in generate.generated().items())


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    """An empty module hides the installed package."""
    (tmp_path / "grafana_foundation_sdk.py").touch()
    result = subprocess.run(
        [sys.executable, DASHBOARDS / "generate.py"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "The Python package grafana-foundation-sdk is missing. Install it: pip install '.[dashboards]'\n"
    )
