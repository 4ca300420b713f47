"""What is refused, in which words, and at which line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.errors import ConfigError
from exporter.metrics.catalog import LABELS
from support.config_files import BAD, MINIMAL, Load, expected_problems


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_every_problem_has_its_line(path: Path, load: Load, folder: Path) -> None:
    text = path.read_text()
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert sorted(refused.value.problems) == sorted(expected_problems(text, folder / "fleet.yml"))


def test_problems_are_in_the_order_of_lines(load: Load) -> None:
    with pytest.raises(ConfigError) as refused:
        load(next(path for path in BAD if path.name == "appliances.bad.yml").read_text())
    lines = [int(problem.split(":")[1]) for problem in refused.value.problems]
    assert lines == sorted(lines)


NO_FLEET = {
    "": ": the file is empty: check its name, or add the keys that belong there.",
    "# nothing\n": ": the file is empty: check its name, or add the keys that belong there.",
    "a\x07": ": the file is not YAML: remove the control characters from it.",
    "mx1": ":1: the file must have keys and values (key: value), indented below it.",
    "- mx1": ":1: the file must have keys and values (key: value), indented below it.",
    "auths: {}": ":1: appliances is missing: add it.",
    "appliances: []\nauths: {}": ":1: appliances must have at least one entry.",
    "auths: {}\nappliances:": ":2: appliances is empty: give it a value, or remove the key.",
    "auths: {}\nappliances: &a\n- *a": ":2: appliances[0] must have keys and values (key: value), indented below it.",
}


@pytest.mark.parametrize("text", NO_FLEET)
def test_a_file_without_a_fleet_is_refused(text: str, load: Load, folder: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert f"{folder}/fleet.yml{NO_FLEET[text]}" in refused.value.problems


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_any_text_loads_or_is_refused_in_words(load: Load, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert refused.value.problems
    assert all(problem.endswith(".") for problem in refused.value.problems)


@pytest.mark.parametrize("label", sorted(LABELS | {"instance", "job", "site", "pool", "stream", "traffic", "role"}))
def test_a_label_that_is_taken_is_refused(label: str, load: Load) -> None:
    with pytest.raises(ConfigError, match=rf"appliances\[0\] \(mx1\)\.labels\.{label} is .*: use another name\."):
        load(f"{MINIMAL}- {{name: mx1, address: mx1, auth: lab, labels: {{{label}: a}}}}")
