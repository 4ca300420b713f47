"""Helm renders the chart as recorded, and Kubernetes and the Prometheus Operator know every field of every object."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from exporter import __version__
from exporter.cli import main
from support.compatible import TODAY

PROJECT: Final = Path(__file__).parents[2]
CHART: Final = PROJECT / "deploy" / "helm" / "ironport-exporter"
CASES: Final = PROJECT / "tests" / "helm"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Helm for a cluster of the oldest version that the chart supports."""
    command = [f"{TODAY}/helm", *arguments, "--kube-version", "1.25.0"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def template(*arguments: str) -> subprocess.CompletedProcess[str]:
    return helm("template", "ironport-exporter", str(CHART), "--namespace", "monitoring", *arguments)


def faults(*files: Path) -> list[str]:
    """Return what the Go types find wrong with the objects of the files."""
    done = subprocess.run([f"{TODAY}/objects", *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == bool(done.stdout), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("case", ["plain", "full"])
def test_helm_renders_the_chart_as_recorded(case: str) -> None:
    """`WRITE_GOLDEN=1 tests/compat/run -k recorded` writes the recorded objects again."""
    done = template("--values", str(CASES / f"{case}.values.yml"))
    assert done.returncode == 0, done.stderr
    text = done.stdout.replace(f"ironport-exporter:{__version__}", "ironport-exporter:VERSION")
    golden = CASES / f"{case}.golden.yml"
    if "WRITE_GOLDEN" in os.environ:
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("case", ["plain", "full"])
def test_helm_has_no_advice_on_the_chart(case: str) -> None:
    done = helm("lint", "--strict", str(CHART), "--values", str(CASES / f"{case}.values.yml"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "Give your fleet.yml: --set-file fleet=fleet.yml"),
        (("--set", "fleet=xml: {password: hunter2}"), "fleet.yml has a secret, which a ConfigMap would show."),
        (("--set", "fleet=snmp:\n  community: public"), "fleet.yml has a secret, which a ConfigMap would show."),
        (("--set", "replicas=0"), "replicas"),
        (("--set", "replica=3"), "replica"),
        (("--set", "image.pullPolicy=Sometimes"), "pullPolicy"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_by_its_name(flags: tuple[str, ...], words: str) -> None:
    done = template(*flags)
    assert done.returncode == 1
    assert words in done.stderr
    assert "hunter2" not in done.stderr


def test_every_object_of_deploy_has_known_fields() -> None:
    files = [*(PROJECT / "deploy" / "kubernetes").glob("*.yml"), *CASES.glob("*.golden.yml")]
    assert len(files) == 4
    assert faults(*files) == []


@pytest.mark.parametrize("flags", [(), ("--probes", "--config.file", str(PROJECT / "fleet.example.yml"))], ids=len)
def test_every_object_of_a_bundle_has_known_fields(tmp_path: Path, flags: tuple[str, ...]) -> None:
    assert main(["bundle", str(tmp_path / "ironport"), "--for", "operator", *flags]) == 0
    assert faults(*(tmp_path / "ironport").glob("*.yml")) == []


def test_unknown_fields_and_kinds_are_found(tmp_path: Path) -> None:
    """What Kubernetes would drop without a word is a fault here."""
    file = tmp_path / "route.yml"
    head = "apiVersion: monitoring.coreos.com/v1alpha1\nkind: AlertmanagerConfig\nmetadata: {name: ironport}\n"
    route = "spec: {route: {receiver: a, routes: [{receiver: a, matcher: []}]}}\n"
    file.write_text(f"{head}{route}---\napiVersion: v1\nkind: Servic\n")
    field, kind = faults(file)
    assert field == f'{file}: route[0]: json: unknown field "matcher"'
    assert kind.startswith(f'{file}: no kind "Servic" is registered for version "v1"')
