"""The JSON schema, the example and the reference agree with what the exporter accepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from exporter import config
from support.config_files import BAD, EXAMPLES, GOOD, REFERENCE, Load


@pytest.fixture(scope="session")
def validator() -> jsonschema.Draft202012Validator:
    schema = config.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", [*(path.read_text() for path in GOOD), *EXAMPLES])
def test_good_files_and_examples_fit_the_schema(text: str, validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_bad_files_do_not_fit_the_schema(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    assert not validator.is_valid(yaml.safe_load(path.read_text()))


ODD_SHAPES = {
    "no form of the secret": ("community", None),
    "two forms of the secret": ("community_file", "secrets/community"),
    "version 1": ("version", 1),
    "unknown key": ("comunity", "a"),
}


@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_the_schema_refuses(shape: str, validator: jsonschema.Draft202012Validator) -> None:
    data = yaml.safe_load(next(path for path in GOOD if path.name == "minimal.good.yml").read_text())
    assert validator.is_valid(data)
    key, value = ODD_SHAPES[shape]
    snmp = data["auths"]["lab"]["snmp"]
    snmp |= {key: value}
    if value is None:
        del snmp[key]
    assert not validator.is_valid(data)


def test_every_key_of_the_schema_is_described() -> None:
    schema = config.schema()
    undescribed = [
        f"{name}.{key}"
        for name, block in {"": schema, **schema["$defs"]}.items()
        for key, value in block["properties"].items()
        if not value.keys() & {"description", "$ref"}
    ]
    assert undescribed == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_load(text: str, load: Load) -> None:
    loaded = load(text)
    assert loaded.appliances or loaded.target_template


SECTIONS = {
    "The file": "FleetFile",
    "`<maintenance>`": "MaintenanceWindow",
    "`<once>`": "OnceWindow",
    "`<weekly>`": "WeeklyWindow",
    "`<holidays>`": "Holidays",
    "`<holiday>`": "Holiday",
    "`<appliance>`": "ApplianceEntry",
    "`<targets>`": "Targets",
    "`<settings>`": "ApplianceSettings",
    "`<snmp_settings>`": "SnmpSettings",
    "`<xml_settings>`": "XmlSettings",
    "`<rest_settings>`": "RestSettings",
    "`<tls_settings>`": "TlsSettings",
    "`<min_interval>`": "MinInterval",
    "`<auth>`": "Auth",
    "`<community_auth>`": "CommunityAuth",
    "`<user_auth>`": "UserAuth",
    "`<auth_key>`": "AuthKey",
    "`<priv_key>`": "PrivKey",
    "`<basic_auth>`": "BasicAuth",
}


OWN_KEYS = {"`<appliance>`": ("name", "address"), "`<targets>`": ("allow",)}
"""The keys of sections that refer to <settings> for the rest."""


def documented(section: str) -> dict[str, str | None]:
    """Return the keys in the reference's section, each with its default if it has one."""
    body = REFERENCE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    notation = re.search(r"^```\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
    assert notation, section
    keys = re.findall(r"^(?:\[ )?(\w+):(?:.*\| default = (.*) \])?", notation[1], re.MULTILINE)
    return {key: default or None for key, default in keys}


def specified(block: dict[str, Any]) -> dict[str, str | None]:
    """Return the same of the schema."""
    plain = {
        key: value["default"]
        for key, value in block["properties"].items()
        if "default" in value and value["default"] not in ({}, []) and not isinstance(value["default"], dict)
    }
    texts = {key: yaml.safe_dump(value, default_flow_style=True).split("\n")[0] for key, value in plain.items()}
    return {key: texts.get(key) if plain.get(key) is not None else None for key in block["properties"]}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_reference_has_every_key_and_default(section: str) -> None:
    schema = config.schema()
    block = schema["$defs"].get(SECTIONS[section], schema)
    if section in OWN_KEYS:
        block = {"properties": {key: block["properties"][key] for key in OWN_KEYS[section]}}
    assert documented(section) == specified(block)


@pytest.mark.parametrize("section", list(SECTIONS)[1:])  # several files may share the keys of "The file"
def test_the_reference_brackets_what_may_be_left_out(section: str) -> None:
    block = config.schema()["$defs"][SECTIONS[section]]
    body = REFERENCE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    bracketed = set(re.findall(r"^\[ (\w+):", body, re.MULTILINE))
    assert bracketed == documented(section).keys() - set(block.get("required", []))


def test_the_reference_has_a_section_for_every_block() -> None:
    assert set(SECTIONS.values()) == {"FleetFile", *config.schema()["$defs"]}
