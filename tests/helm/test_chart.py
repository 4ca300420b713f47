"""What the Helm chart installs fits together. tests/compat/test_kubernetes.py compares it with what Helm renders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from exporter import __version__
from support.command_line import parse_command_line

CASES: Final = Path(__file__).parent
PROJECT: Final = CASES.parents[1]
CHART: Final = PROJECT / "deploy" / "helm" / "ironport-exporter"

Json = dict[str, Any]


@pytest.fixture(params=["plain", "full"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def objects(case: str) -> dict[str, Json]:
    """Return the objects of a case by their kind."""
    found = {each["kind"]: each for each in yaml.safe_load_all((CASES / f"{case}.golden.yml").read_text())}
    assert {each["metadata"]["name"] for each in found.values()} == {"ironport-exporter"}
    return found


@pytest.fixture
def pod(objects: dict[str, Json]) -> Json:
    template: Json = objects["Deployment"]["spec"]["template"]
    return template


def default_values() -> Json:
    values: Json = yaml.safe_load((CHART / "values.yaml").read_text())
    return values


def test_the_chart_has_the_version_of_the_exporter() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_the_schema_takes_the_values_and_knows_every_key() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    full = yaml.safe_load((CASES / "full.values.yml").read_text())
    for values in (default_values(), full):
        jsonschema.Draft7Validator(schema).validate(values)
    assert schema["properties"].keys() - {"global"} == default_values().keys() == full.keys()


def test_the_pods_run_the_exporter_without_privileges(pod: Json) -> None:
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_exporter_reads_what_is_mounted(objects: dict[str, Json], pod: Json) -> None:
    (container,) = pod["spec"]["containers"]
    name, values = parse_command_line(["serve", *container["args"]])
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    (file,) = values["config_file"]
    assert name == "serve"
    assert mounts == {"configuration": str(file.parent), "secrets": "/secrets"}
    assert volumes["configuration"]["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    assert volumes["secrets"]["secret"]["secretName"] == "ironport-secrets"
    assert file.name in objects["ConfigMap"]["data"]


def test_the_configuration_is_the_text_that_was_given(case: str, objects: dict[str, Json]) -> None:
    given = yaml.safe_load((CASES / f"{case}.values.yml").read_text())["fleet"]
    assert objects["ConfigMap"]["data"]["fleet.yml"].strip() == given.strip()


def test_every_selector_finds_the_pods(objects: dict[str, Json], pod: Json) -> None:
    labels = pod["metadata"]["labels"]
    spread = pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    selectors = [objects["Service"]["spec"]["selector"], spread]
    selectors += [objects[kind]["spec"]["selector"]["matchLabels"] for kind in ("Deployment", "PodDisruptionBudget")]
    selectors.append(objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"])
    assert selectors == [labels] * len(selectors)


def test_two_exporters_run_by_default_and_one_may_go(objects: dict[str, Json], case: str) -> None:
    assert objects["Deployment"]["spec"]["replicas"] == {"plain": 2, "full": 3}[case]
    assert objects["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_every_port_is_that_of_the_container(objects: dict[str, Json], pod: Json) -> None:
    (port,) = pod["spec"]["containers"][0]["ports"]
    (served,) = objects["Service"]["spec"]["ports"]
    (ingress,) = objects["NetworkPolicy"]["spec"]["ingress"]
    assert port == {"name": "http", "containerPort": parse_command_line(["serve"])[1]["web_listen_address"][0][1]}
    assert (served["port"], served["targetPort"]) == (port["containerPort"], "http")
    assert ingress["ports"] == [{"port": "http", "protocol": "TCP"}]


def test_the_policy_lets_through_dns_and_the_appliances(objects: dict[str, Json], case: str) -> None:
    dns, appliances = objects["NetworkPolicy"]["spec"]["egress"]
    given = default_values()["networkPolicy"] | yaml.safe_load((CASES / f"{case}.values.yml").read_text()).get(
        "networkPolicy", {}
    )
    assert dns == {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    assert [block["ipBlock"]["cidr"] for block in appliances["to"]] == given["appliances"]
    assert appliances["ports"] == given["ports"]


def test_prometheus_discovers_the_fleet_and_every_exporter() -> None:
    every = list(yaml.safe_load_all((CASES / "full.golden.yml").read_text()))
    objects = {each["kind"]: each for each in every}
    (discovery,) = objects["ScrapeConfig"]["spec"]["httpSDConfigs"]
    monitor, labels = objects["ServiceMonitor"], objects["Service"]["metadata"]["labels"]
    assert discovery == {"url": "http://ironport-exporter.monitoring:10125/sd"}
    assert monitor["spec"]["selector"]["matchLabels"] == labels
    assert labels[monitor["spec"]["jobLabel"]] == "ironport-exporter"
    assert all(objects[kind]["metadata"]["labels"]["release"] for kind in ("ScrapeConfig", "ServiceMonitor"))


def test_without_the_operator_none_of_its_objects_is_made() -> None:
    every = yaml.safe_load_all((CASES / "plain.golden.yml").read_text())
    assert not [each for each in every if each["apiVersion"].startswith("monitoring.coreos.com")]
