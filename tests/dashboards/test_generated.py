"""The generated dashboards are committed, and can be provisioned unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml

from dashboards import generate
from support.grafana import DASHBOARDS

PROVISIONING: Final = DASHBOARDS / "provisioning"


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


def test_the_provisioned_data_source_has_the_scrape_interval() -> None:
    """Grafana makes $__rate_interval four times as long, so that every rate has enough samples."""
    (source,) = yaml.safe_load((PROVISIONING / "datasources/ironport.yml").read_text())["datasources"]
    assert (source["type"], source["jsonData"]["timeInterval"]) == ("prometheus", "1m")


def test_provisioned_dashboards_cannot_be_edited() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/ironport.yml").read_text())["providers"]
    assert (provider["type"], provider["folder"], provider["allowUiUpdates"]) == ("file", "IronPort", False)
