"""The configuration: what is accepted and how it is resolved, what is refused in which words; no secret shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trustme
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from exporter import config
from exporter.config import Appliance, Auth, AuthKey, BasicAuth, CommunityAuth, PrivKey, TlsSettings, UserAuth
from exporter.errors import ConfigError
from exporter.metrics.catalog import LABELS

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
GOOD = sorted((HERE).glob("*.good.yml"))
BAD = sorted((HERE).glob("*.bad.yml"))
GUIDE = (PROJECT / "docs/configuration.md").read_text()
EXAMPLES = [
    (PROJECT / "fleet.example.yml").read_text(),
    *re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL),
]
SECRETS = {
    "password": b"monitor password\n",
    "xml_password": b"monitor password\n",
    "passphrase": b"authentication passphrase\n",
    "snmp_auth": b"authentication passphrase\n",
    "snmp_priv": b"privacy passphrase\n",
    "short": b"seven77\n",
    "latin1": b"gepr\xfcft!",
}

Load = Callable[[str], config.Config]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def folder(tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the secrets and certificates that the tables and examples name."""
    (tmp_path / "secrets").mkdir()
    for name, secret in SECRETS.items():
        (tmp_path / "secrets" / name).write_bytes(secret)
    for name in ("ca.pem", "fleet-ca.pem"):
        authority.cert_pem.write_to_path(tmp_path / name)
    for name in ("FLEET_PASSPHRASE", "FLEET_COMMUNITY", "FLEET_PASSWORD"):
        monkeypatch.setenv(name, "from the environment")
    monkeypatch.setenv("FLEET_EMPTY", "")
    monkeypatch.delenv("FLEET_ABSENT", raising=False)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Load:
    """Return a function that loads a text as the fleet file of that folder."""

    def loaded(text: str) -> config.Config:
        path = folder / "fleet.yml"
        path.write_text(text)
        return config.load(path)

    return loaded


def expected(text: str, folder: Path) -> list[str]:
    """Return the sentences that stand in the comments of a bad file, each at its line."""
    return [
        f"{folder}/fleet.yml:{number}: {sentence.strip().format(folder=folder)}"
        for number, line in enumerate(text.splitlines(), 1)
        for sentence in re.split(r"\s#!", line)[1:]
    ]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_a_bad_file_is_refused_with_every_problem_at_its_line(path: Path, load: Load, folder: Path) -> None:
    text = path.read_text()
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert sorted(refused.value.problems) == sorted(expected(text, folder))


def test_the_problems_are_in_the_order_of_the_lines(load: Load) -> None:
    with pytest.raises(ConfigError) as refused:
        load((HERE / "appliances.bad.yml").read_text())
    lines = [int(problem.split(":")[1]) for problem in refused.value.problems]
    assert lines == sorted(lines)


MINIMAL = "auths: {lab: {snmp: {version: 2c, community: public}}}\nappliances:\n"

NOT_YAML = {
    "a: [1, 2\nb: 1": (2, "close each bracket, and put a value that holds , { } [ or ] in quotes"),
    "a: b: c": (1, "put a value that holds a colon in quotes, and indent the keys alike"),
    "a: 1\n  b: 2": (2, "put a value that holds a colon in quotes, and indent the keys alike"),
    "a:\n\t- b": (2, "a value that begins with @, ` or % must stand in quotes, and tabs cannot indent"),
    "a: @b": (1, "a value that begins with @, ` or % must stand in quotes, and tabs cannot indent"),
    "a: *b": (1, "a value that begins with * must stand in quotes"),
    "a: *": (1, "a value that begins with & or * must stand in quotes"),
    "a: !b c": (1, "a value that begins with ! must stand in quotes"),
    "a: !!int b": (1, "a value that begins with ! must stand in quotes"),
    'a: "b': (1, "a quote is not closed"),
    "a: 'b'c": (1, "indent the keys of one mapping alike, and close each quote at the end of its value"),
    "a: 1\nb\nc: 2": (3, "put a colon and a space after each key, and a value in several lines in quotes"),
    "a: 1\n---\nb: 2": (2, "the file must be one document: remove the line of ---"),
    'a: "\\q"': (1, "put a value with special characters in quotes"),
    "? [a]\n: b": (1, "put a value with special characters in quotes"),
}


@pytest.mark.parametrize("text", NOT_YAML)
def test_what_is_not_yaml_is_refused_with_its_line_and_advice(text: str, load: Load, folder: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    line, advice = NOT_YAML[text]
    assert refused.value.problems == [f"{folder}/fleet.yml:{line}: the file is not YAML here: {advice}."]


NO_FLEET = {
    "": ": the file is empty: list the appliances, as in fleet.example.yml.",
    "# nothing\n": ": the file is empty: list the appliances, as in fleet.example.yml.",
    "a\x07": ": the file is not YAML: remove the control characters from it.",
    "mx1": ":1: the file must hold keys with their values (key: value), indented below it.",
    "- mx1": ":1: the file must hold keys with their values (key: value), indented below it.",
    "auths: {}": ":1: appliances is missing: add it.",
    "appliances: []\nauths: {}": ":1: appliances must hold at least one.",
    "auths: {}\nappliances:": ":2: appliances is empty: give it a value, or remove the key.",
    "auths: {}\nappliances: &a\n- *a": ":2: appliances[0] must hold keys with their values (key: value), "
    "indented below it.",
    "auths: {}\nappliances: []\n~: 1": ":1: the file has a key that is not text: put it in quotes.",
}


@pytest.mark.parametrize("text", NO_FLEET)
def test_a_file_without_a_fleet_is_refused(text: str, load: Load, folder: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert f"{folder}/fleet.yml{NO_FLEET[text]}" in refused.value.problems


def test_a_file_that_is_not_there_or_not_text_is_refused(folder: Path) -> None:
    absent = folder / "absent.yml"
    with pytest.raises(ConfigError, match=re.escape(f"{absent}: the file cannot be read (No such file or directory)")):
        config.load(absent)
    with pytest.raises(ConfigError, match="latin1: the file is not UTF-8 text: save it as UTF-8"):
        config.load(folder / "secrets/latin1")


@given(st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_text_loads_or_is_refused_in_words(load: Load, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert refused.value.problems
    assert all(problem.endswith(".") for problem in refused.value.problems)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_good_file_loads_and_its_effective_form_means_the_same(path: Path, load: Load) -> None:
    loaded = load(path.read_text())
    again = load(config.effective(loaded))
    assert [without_credentials(appliance) for appliance in again.appliances.values()] == [
        without_credentials(appliance) for appliance in loaded.appliances.values()
    ]
    assert config.effective(again) == config.effective(loaded)


def without_credentials(appliance: Appliance) -> dict[str, Any]:
    return appliance.model_dump(exclude={"credentials"})


def fleet(load: Load) -> dict[str, Appliance]:
    return load((HERE / "fleet.good.yml").read_text()).appliances


def test_appliances_keep_the_order_of_the_file(load: Load) -> None:
    assert list(fleet(load)) == ["mx1", "mx2", "mx3", "mx 4"]


def test_an_appliance_has_its_own_settings_over_the_defaults(load: Load, folder: Path) -> None:
    mx1, mx2, mx3, mx4 = fleet(load).values()
    assert (mx1.auth, mx1.site, mx1.pool, mx1.stream, mx1.role) == ("ops", "east", "edge", "inbound", "production")
    assert (mx2.auth, mx2.site, mx2.pool, mx2.stream, mx2.role) == ("old", None, "default", "default", "spare")
    assert (mx3.pool, mx3.stream) == ("core", "core")
    assert mx1.labels == {"row": "3", "owner": "security", "rack": "b12"}
    assert mx2.labels == {"row": "3", "owner": "mail"}
    assert (mx1.rated_messages_per_hour, mx1.connection_limit) == (140000, 300)
    assert (mx2.snmp.port, mx2.snmp.max_repetitions) == (161, 10)
    assert (mx2.min_interval.snmp, mx2.min_interval.xml) == (5, 60)
    assert mx1.xml.pages == ("status", "dnsstatus", "tophosts", "topin")
    assert (mx1.xml.tls.ca_file, mx1.xml.tls.min_version) == (str(folder / "ca.pem"), "TLSv1.3")
    assert mx4.address == "fe80::1%eth0"


def test_an_appliance_replaces_the_way_to_trust_and_keeps_the_rest_of_tls(load: Load) -> None:
    _, mx2, _, mx4 = fleet(load).values()
    assert mx2.xml.tls == TlsSettings(verify=False, min_version="TLSv1", ciphers="DEFAULT:@SECLEVEL=0")
    assert mx4.xml.tls == TlsSettings(fingerprint_sha256="ab" * 32, min_version="TLSv1.3")
    assert mx4.xml.port == 8443


def test_another_scheme_takes_neither_port_nor_tls_of_the_defaults(load: Load) -> None:
    xml = fleet(load)["mx3"].xml
    assert (xml.scheme, xml.port, xml.tls) == ("http", 80, TlsSettings())


def test_null_unsets_a_default(load: Load) -> None:
    defaults = "defaults: {site: east, stream: in, rated_messages_per_hour: 1, connection_limit: 1}\n"
    own = (
        "{name: mx1, address: mx1, auth: lab, site: null, stream: ~, rated_messages_per_hour: , connection_limit: null}"
    )
    mx1 = load(f"{defaults}{MINIMAL}- {own}").appliances["mx1"]
    assert (mx1.site, mx1.stream, mx1.rated_messages_per_hour, mx1.connection_limit) == (None, "default", None, None)


def test_secrets_come_from_the_value_the_file_or_the_environment(load: Load) -> None:
    mx1, mx2, mx3, _ = fleet(load).values()
    assert mx1.credentials == Auth(
        snmp=UserAuth(
            version=3,
            username="v3get",
            auth=AuthKey(protocol="SHA", passphrase=SecretStr("authentication passphrase")),
            priv=PrivKey(protocol="AES", passphrase=SecretStr("from the environment")),
        ),
        xml=BasicAuth(username="monitor", password=SecretStr("monitor password")),
    )
    assert mx2.credentials.snmp == CommunityAuth(version="2c", community=SecretStr("public"))
    assert mx3.credentials == Auth(snmp=UserAuth(version=3, username="v3get"))


@pytest.mark.parametrize("written", ["12345678", "0123", "1e5", "0x1F", "no", "2024-01-01", "1_000", "12:30:45", ".5"])
def test_an_unquoted_secret_or_label_is_taken_as_it_is_written(written: str, load: Load) -> None:
    text = f"auths: {{lab: {{snmp: {{version: 2c, community: {written}}}}}}}\nappliances:\n"
    mx1 = load(text + f"- {{name: mx1, address: mx1, auth: lab, labels: {{rack: {written}}}}}").appliances["mx1"]
    assert isinstance(mx1.credentials.snmp, CommunityAuth)
    assert mx1.credentials.snmp.community.get_secret_value() == written
    assert mx1.labels == {"rack": written}


def test_one_line_end_is_taken_off_a_secret_file(load: Load, folder: Path) -> None:
    (folder / "secrets/password").write_bytes(b" two lines \n\n")
    xml = fleet(load)["mx1"].credentials.xml
    assert xml is not None
    assert xml.password.get_secret_value() == " two lines \n"


@pytest.mark.parametrize(
    "address",
    ["mx1", "mx1.example.edu", "mx1.example.edu.", "1mx.example", "mx_1.example", "192.0.2.1", "::1", "2001:db8::1"],
)
def test_an_address_is_a_host_name_or_an_ip_address(address: str, load: Load) -> None:
    assert load(f"{MINIMAL}- {{name: mx1, address: '{address}', auth: lab}}").appliances["mx1"].address == address


@pytest.mark.parametrize("label", sorted(LABELS | {"instance", "job", "site", "pool", "stream", "traffic", "role"}))
def test_a_label_that_discovery_or_a_metric_sets_is_refused(label: str, load: Load) -> None:
    with pytest.raises(ConfigError, match=rf"appliances\[0\] \(mx1\)\.labels\.{label} is .*: use another name\."):
        load(f"{MINIMAL}- {{name: mx1, address: mx1, auth: lab, labels: {{{label}: a}}}}")


def test_an_unchanged_appliance_is_equal_after_a_reload_and_a_changed_secret_makes_it_differ(
    load: Load, folder: Path
) -> None:
    before, again = fleet(load), fleet(load)
    assert before == again
    (folder / "secrets/password").write_text("another password")
    after = fleet(load)
    assert after["mx1"] != before["mx1"]
    assert after["mx2"] == before["mx2"]


def test_the_configuration_is_frozen(load: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        fleet(load)["mx1"].pool = "core"


def test_the_effective_configuration_shows_defaults_filled_in_and_no_secret(load: Load) -> None:
    shown = yaml.safe_load(config.effective(load((HERE / "minimal.good.yml").read_text())))
    assert shown == {
        "auths": {"lab": {"snmp": {"version": "2c", "community": "<secret>"}}},
        "appliances": [
            {
                "name": "mx1",
                "address": "192.0.2.1",
                "auth": "lab",
                "pool": "default",
                "stream": "default",
                "traffic": "mixed",
                "role": "production",
                "labels": {},
                "snmp": {"port": 161, "max_repetitions": 25},
                "xml": {
                    "scheme": "https",
                    "port": 443,
                    "pages": ["status"],
                    "top": 20,
                    "tls": {"verify": True, "min_version": "TLSv1.2"},
                },
                "min_interval": {"snmp": 10, "xml": 25},
            }
        ],
    }


# --- secrets -----------------------------------------------------------------------------------------------------

MARKER = "hunter2"

LEAKS = {
    "alias": "xml: {{username: monitor, password: *{marker}}}",
    "anchor": "xml: {{username: monitor, password: &{marker}}}",
    "tag": "xml: {{username: monitor, password: !{marker}}}",
    "tag handle": "xml: {{username: monitor, password: !{marker}!x y}}",
    "known tag": "xml: {{username: monitor, password: !!int {marker}}}",
    "directive": "xml: {{username: monitor, password: %{marker}}}",
    "reserved": "xml: {{username: monitor, password: @{marker}}}",
    "backquote": "xml: {{username: monitor, password: `{marker}}}",
    "colon": "xml:\n      username: monitor\n      password: {marker}: x",
    "colon in a flow": "xml: {{username: monitor, password: {marker}: x}}",
    "comma": "xml: {{username: monitor, password: a,{marker}}}",
    "comma and colon": "xml: {{username: monitor, password: a,{marker}: x}}",
    "comma, close to a key": "xml: {{username: monitor, password: a,password{marker}}}",
    "brace": "xml: {{username: monitor, password: a}}{marker}}}",
    "quote": "xml: {{username: monitor, password: 'a'{marker}}}",
    "open quote": "xml: {{username: monitor, password: '{marker}}}",
    "escape": 'xml: {{username: monitor, password: "\\{marker}"}}',
    "list": "xml: {{username: monitor, password: [{marker}]}}",
    "mapping": "xml: {{username: monitor, password: {{{marker}: x}}}}",
    "mapping with a repeated key": "xml: {{username: monitor, password: {{{marker}: {{a: 1, a: 2}}}}}}",
    "repeated key": "xml: {{username: monitor, password: {marker}, {marker}: 1, {marker}: 2}}",
    "repeated secret": "xml: {{username: monitor, password: {marker}1, password: {marker}2}}",
    "misspelt key": "xml: {{username: monitor, pasword: {marker}}}",
    "no colon": "xml:\n      username: monitor\n      password {marker}",
    "no space": "xml:\n      username: monitor\n      password:{marker}",
    "value at a file's key": "xml: {{username: monitor, password_file: {marker}}}",
    "value at a variable's key": "xml: {{username: monitor, password_env: {marker}}}",
    "one form too many": "xml: {{username: monitor, password: {marker}, password_env: {marker}}}",
    "value at the block's key": "xml: {marker}",
    "value at the auth's key": "{marker}",
    "wrong indentation": "xml:\n    username: monitor\n    password: {marker}",
    "wrong indentation, deeper": "xml:\n      username: monitor\n       password: {marker}",
    "wrong indentation, outside": "xml: {{username: monitor}}\npassword: {marker}",
    "among the auths": "xml: {{username: monitor, password: a}}\n  password: {marker}",
    "a piece among the auths": "xml: {{username: monitor, password: a}}\n  {marker}:",
    "short passphrase": "snmp: {{version: 3, username: u, auth: {{protocol: SHA, passphrase: {marker}}}}}",
    "wrong protocol": "snmp: {{version: 3, username: u, auth: {{protocol: {marker}, passphrase: a}}}}",
    "wrong version": "snmp: {{version: {marker}, community: {marker}}}",
    "community for a user": "snmp: {{version: 3, username: u, community: {marker}}}",
    "block text": "xml:\n      username: monitor\n      password: |\n     {marker}",
    "control character": "xml: {{username: monitor, password: \x07{marker}}}",
}


@pytest.mark.parametrize("form", LEAKS)
def test_no_refusal_quotes_a_secret(form: str, load: Load) -> None:
    text = f"auths:\n  lab:\n    {LEAKS[form].format(marker=MARKER)}\n"
    with pytest.raises(ConfigError) as refused:
        load(f"{text}appliances:\n- {{name: mx1, address: mx1, auth: lab}}\n")
    chain = [refused.value, refused.value.__cause__, refused.value.__context__]
    assert MARKER not in " ".join(f"{error} {error!r}" for error in chain)


INLINE = {
    "credentials at the appliance": "auth: {{xml: {{username: monitor, password: {marker}}}}}",
    "a piece at the appliance": "auth: a,{marker}",
    "a secret at the appliance": "password: {marker}",
    "a secret as the auth": "auth: {marker}",
}


@pytest.mark.parametrize("form", INLINE)
def test_no_refusal_quotes_a_secret_that_stands_at_an_appliance(form: str, load: Load) -> None:
    with pytest.raises(ConfigError) as refused:
        load(f"{MINIMAL}- {{name: mx1, address: mx1, {INLINE[form].format(marker=MARKER)}}}\n")
    assert MARKER not in str(refused.value)


def test_no_repr_dump_or_page_shows_a_secret(load: Load) -> None:
    text = f"""
auths:
  user:
    snmp:
      version: 3
      username: v3get
      auth: {{protocol: SHA, passphrase: {MARKER}-auth}}
      priv: {{protocol: AES, passphrase: {MARKER}-priv}}
    xml: {{username: monitor, password: {MARKER}}}
  community: {{snmp: {{version: 2c, community: {MARKER}}}}}
appliances:
- {{name: mx1, address: mx1, auth: user}}
- {{name: mx2, address: mx2, auth: community}}
"""
    loaded = load(text)
    shown = [repr(loaded), str(loaded), repr(loaded.model_dump()), loaded.model_dump_json(), config.effective(loaded)]
    assert MARKER not in " ".join(shown)
    assert config.effective(loaded).count("<secret>") == 4


def test_a_renewed_ca_file_makes_another_configuration(folder: Path, load: Load) -> None:
    text = """
auths: {ops: {xml: {username: monitor, password: secret}}}
appliances: [{name: mx1, address: mx1.example.edu, auth: ops, xml: {tls: {ca_file: ca.pem}}}]
"""
    before = load(text)
    assert load(text) == before
    trustme.CA().cert_pem.write_to_path(str(folder / "ca.pem"))
    assert load(text) != before


# --- schema, example and reference -------------------------------------------------------------------------------


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
    data = yaml.safe_load((HERE / "minimal.good.yml").read_text())
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
    assert load(text).appliances


SECTIONS = {
    "The file": "FleetFile",
    "`<appliance>`": "Entry",
    "`<settings>`": "Settings",
    "`<snmp_settings>`": "SnmpSettings",
    "`<xml_settings>`": "XmlSettings",
    "`<tls_settings>`": "TlsSettings",
    "`<min_interval>`": "MinInterval",
    "`<auth>`": "Auth",
    "`<community_auth>`": "CommunityAuth",
    "`<user_auth>`": "UserAuth",
    "`<auth_key>`": "AuthKey",
    "`<priv_key>`": "PrivKey",
    "`<basic_auth>`": "BasicAuth",
}


def documented(section: str) -> dict[str, str | None]:
    """Return the keys in the reference's section, each with its default if it has one."""
    body = GUIDE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    notation = re.search(r"^```\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
    assert notation, section
    keys = re.findall(r"^(?:\[ )?(\w+):(?:.*\| default = (.*) \])?", notation[1], re.MULTILINE)
    return {key: default or None for key, default in keys}


def specified(block: dict[str, Any]) -> dict[str, str | None]:
    """Return the same of the schema."""
    plain = {
        key: value["default"]
        for key, value in block["properties"].items()
        if "default" in value and not isinstance(value["default"], dict)
    }
    texts = {key: yaml.safe_dump(value, default_flow_style=True).split("\n")[0] for key, value in plain.items()}
    return {key: texts.get(key) if plain.get(key) is not None else None for key in block["properties"]}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_reference_has_every_key_and_default_of_the_schema(section: str) -> None:
    schema = config.schema()
    block = schema["$defs"].get(SECTIONS[section], schema)
    if section == "`<appliance>`":  # which refers to <settings> for the rest
        block = {"properties": {key: block["properties"][key] for key in ("name", "address")}}
    assert documented(section) == specified(block)


def test_the_reference_has_a_section_for_every_block() -> None:
    assert set(SECTIONS.values()) == {"FleetFile", *config.schema()["$defs"]}
