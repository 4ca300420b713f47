"""Where secrets come from, and that none is ever shown."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from pydantic import SecretStr

from exporter import config
from exporter.config import Auth, AuthKey, BasicAuth, CommunityAuth, PrivKey, UserAuth
from exporter.errors import ConfigError
from support.config_files import FLEET, MINIMAL, Load


def test_secrets_come_from_value_file_or_environment(load: Load) -> None:
    mx1, mx2, mx3, _ = load(FLEET).appliances.values()
    assert mx1.credentials == Auth(
        snmp=UserAuth(
            version=3,
            username="v3get",
            auth=AuthKey(protocol="SHA", passphrase=SecretStr("authentication passphrase")),
            priv=PrivKey(protocol="AES", passphrase=SecretStr("from the environment")),
        ),
        xml=BasicAuth(username="monitor", password=SecretStr("monitor password")),
        rest=BasicAuth(username="monitor", password=SecretStr("monitor password")),
    )
    assert mx2.credentials.snmp == CommunityAuth(version="2c", community=SecretStr("public"))
    assert mx3.credentials == Auth(snmp=UserAuth(version=3, username="v3get"))


@pytest.mark.parametrize("written", ["12345678", "0123", "1e5", "0x1F", "no", "2024-01-01", "1_000", "12:30:45", ".5"])
def test_unquoted_text_is_taken_as_written(written: str, load: Load) -> None:
    text = f"auths: {{lab: {{snmp: {{version: 2c, community: {written}}}}}}}\nappliances:\n"
    mx1 = load(text + f"- {{name: mx1, address: mx1, auth: lab, labels: {{rack: {written}}}}}").appliances["mx1"]
    assert isinstance(mx1.credentials.snmp, CommunityAuth)
    assert mx1.credentials.snmp.community.get_secret_value() == written
    assert mx1.labels == {"rack": written}


def test_a_secret_file_loses_one_line_break(load: Load, folder: Path) -> None:
    (folder / "secrets/password").write_bytes(b" two lines \n\n")
    xml = load(FLEET).appliances["mx1"].credentials.xml
    assert xml is not None
    assert xml.password.get_secret_value() == " two lines \n"


@pytest.mark.parametrize("keys", [("password", "password_file"), ("password", "password_file", "password_env")])
def test_a_secret_is_given_in_one_way(keys: tuple[str, ...], load: Load) -> None:
    xml = ", ".join(["username: u", *(f"{key}: x" for key in keys)])
    with pytest.raises(ConfigError, match="is given more than once: keep one of password or password_file or"):
        load(f"auths: {{lab: {{xml: {{{xml}}}}}}}\nappliances: [{{name: mx1, address: mx1, auth: lab}}]")


@pytest.mark.parametrize(("octets", "fits"), [(1_000_000, True), (1_000_001, False)])
def test_a_secret_file_may_have_a_million_octets(octets: int, fits: bool, load: Load, folder: Path) -> None:
    (folder / "secrets/password").write_bytes(b"x" * octets)
    with nullcontext() if fits else pytest.raises(ConfigError, match="More than 1,000,000 bytes"):
        load(FLEET)


@pytest.mark.parametrize(("passphrase", "fits"), [("7 chars", False), ("8 chars!", True), ("7 bytés", True)])
def test_a_passphrase_has_eight_octets_at_least(passphrase: str, fits: bool, load: Load) -> None:
    auth = f"{{protocol: SHA, passphrase: {passphrase}}}"
    with nullcontext() if fits else pytest.raises(ConfigError, match="is too short: SNMPv3 needs at least 8"):
        load(
            f"auths: {{lab: {{snmp: {{version: 3, username: u, auth: {auth}}}}}}}\n"
            "appliances: [{name: mx1, address: mx1, auth: lab}]"
        )


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
def test_no_refusal_quotes_a_secret_at_an_appliance(form: str, load: Load) -> None:
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
