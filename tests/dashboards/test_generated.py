"""The committed dashboards are those that the source gives, and Grafana can be handed them as they are."""

from __future__ import annotations

import json
from typing import Final

import yaml

from dashboards import generate
from support.grafana import DASHBOARDS

PROVISIONING: Final = DASHBOARDS / "provisioning"


def test_the_committed_dashboards_are_those_that_the_source_gives() -> None:
    committed = {path.name: path.read_text() for path in (DASHBOARDS / "json").iterdir()}
    assert generate.generated() == committed


def test_a_file_is_called_as_its_dashboards_uid() -> None:
    assert all(json.loads(text)["uid"] == name.removesuffix(".json") for name, text in generate.generated().items())


def test_the_data_source_is_asked_in_steps_of_a_scrape() -> None:
    """$__rate_interval is four of them, so that every rate has the samples that it needs."""
    (source,) = yaml.safe_load((PROVISIONING / "datasources/ironport.yml").read_text())["datasources"]
    assert (source["type"], source["jsonData"]["timeInterval"]) == ("prometheus", "1m")


def test_dashboards_are_provisioned_into_one_folder_that_nobody_edits() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/ironport.yml").read_text())["providers"]
    assert (provider["type"], provider["folder"], provider["allowUiUpdates"]) == ("file", "IronPort", False)
