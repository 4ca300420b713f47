"""Whatever a file holds, it is a configuration or refused in sentences, and no sentence has a secret of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter import config
from exporter.config import yaml_loader
from exporter.errors import ConfigError, RequestError
from exporter.prometheus.http_config import read_http_config
from exporter.prometheus.rule_files import read_rules
from exporter.web.web_config import try_load_web_config
from support.config_files import EXAMPLES, GOOD, MINIMAL

SEEDS: Final = (*EXAMPLES, *(path.read_text() for path in GOOD))

PIECES: Final = st.text(max_size=4) | st.sampled_from(
    (
        *(
            ": ",
            ", ",
            "}",
            "}}",
            "}}}",
            "},",
            "]]",
            "{",
            ": {",
            "'",
            '"',
            " #",
            "&a ",
            "*a",
            "<<: *a",
            "!",
            "!!int ",
            "%",
            "@",
        ),
        *(
            "|",
            ">",
            "\n",
            "\n  ",
            "\n\n- ",
            "\t",
            "\0",
            "\x85",
            "\u2028",
            "\ufeff",
            "~",
            "null",
            "? ",
            "- ",
            "---\n",
            "...\n",
        ),
        *(
            "\\ud800",
            "!!python/object/apply:os.system [ls]",
            "{{" * 30,
            "[" * 40,
            "9" * 5000,
            "x" * 5000,
            "auths: {}\n",
        ),
    )
)


@st.composite
def changed(draw: st.DrawFn, texts: tuple[str, ...], near: str = "") -> str:
    """Draw a text with a few pieces put in or taken out; close to the word `near` if there is one."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        places = [at + offset for at in _places(text, near) for offset in range(-4, len(near) + 5)] if near else []
        start = max(draw(st.sampled_from(places) if places else st.integers(0, len(text))), 0)
        text = text[:start] + draw(PIECES) + text[start + draw(st.integers(0, 3 if near else 40)) :]
    return text


def _places(text: str, word: str) -> list[int]:
    return [at for at in range(len(text)) if text.startswith(word, at)]


ODD_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary() | st.just(10**4000),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.none() | st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def restructured(draw: st.DrawFn) -> str:
    """Draw a document in which some values, wherever they are, have become odd ones."""
    document: dict[str, Any] = {"root": yaml.safe_load(draw(st.sampled_from(SEEDS)))}
    for _ in range(draw(st.integers(1, 3))):
        inside: Any = document
        key: Any = "root"
        while isinstance(inside[key], dict | list) and inside[key] and draw(st.integers(0, 9)):
            inside = inside[key]
            key = draw(st.sampled_from(list(inside) if isinstance(inside, dict) else list(range(len(inside)))))
        inside[key] = draw(ODD_VALUES)
    return yaml.dump(document["root"], allow_unicode=draw(st.booleans()))


def problems(read: Callable[[Path], object], text: str, folder: Path) -> list[str]:
    """Return the sentences with which a text is refused as a file; what was raised holds nothing else."""
    file = folder / "fuzzed.yml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    refused = None
    try:
        read(file)
    except ConfigError as error:
        refused = error
    if refused is None:
        return []
    assert refused.problems
    assert (refused.__cause__, refused.__context__) == (None, None)
    return refused.problems


def loads_and_shows(file: Path) -> None:
    assert config.effective(config.load(file))


fuzzed: Final = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@given(text=changed(SEEDS) | restructured())
@fuzzed
def test_any_fleet_loads_or_is_refused_in_sentences(text: str, folder: Path) -> None:
    for sentence in problems(loads_and_shows, text, folder):
        assert sentence.startswith(f"{folder}/fuzzed.yml:")
        assert sentence.endswith(".")
        assert sentence.isprintable()
        assert len(sentence) < 6000


RULES: Final = Path(__file__).parents[2] / "alerts/rules/attacks.yml"

SECRET: Final = "hunter2"

SECRETS: Final = (
    f"""
auths:
  ops:
    snmp:
      version: 3
      username: v3get
      auth: {{protocol: SHA, passphrase: {SECRET}{SECRET}}}
      priv:
        protocol: AES
        passphrase: {SECRET}{SECRET}
    xml:
      username: monitor
      password: {SECRET}
  old: {{snmp: {{version: 2c, community: {SECRET}}}, xml: {{username: u, password: "{SECRET}"}}}}
appliances:
  - {{name: mx1, address: mx1, auth: ops}}
  - {{name: mx2, address: mx2, auth: old}}
""",
    f"auths: {{lab: {{xml: {{username: u, password: {SECRET}}}}}}}\nappliances: [{{name: a, address: a, auth: lab}}]",
    f"auths: {{lab: {{snmp: {{version: 2c, community: {SECRET}}}}}}}\nappliances: [{{name: a, address: a, auth: lb}}]",
)

HTTP_SECRETS: Final = (
    f"basic_auth: {{username: me, password: {SECRET}}}\n",
    f"authorization:\n  type: Bearer\n  credentials: {SECRET}\nproxy_url: http://me:{SECRET}@proxy:3128\n",
    f"http_headers: {{X-A: {{secrets: [{SECRET}], values: ['{SECRET}']}}}}\nbearer_token: {SECRET}\n",
    f"tls_config: {{ca: {SECRET}, cert: {SECRET}, key: {SECRET}}}\n",
)


@given(text=changed(SECRETS, near=SECRET))
@fuzzed
def test_no_broken_fleet_quotes_a_secret(text: str, folder: Path) -> None:
    assert SECRET not in " ".join(problems(config.load, text, folder))


@given(text=changed(HTTP_SECRETS, near=SECRET))
@fuzzed
def test_no_broken_http_file_quotes_a_secret(text: str, folder: Path) -> None:
    assert SECRET not in " ".join(problems(read_http_config, text, folder))


@given(text=changed(HTTP_SECRETS) | restructured())
@fuzzed
def test_any_http_file_is_read_or_refused(text: str, folder: Path) -> None:
    assert all(sentence.endswith(".") for sentence in problems(read_http_config, text, folder))


def read_web_config(file: Path) -> None:
    if refused := try_load_web_config(file).problems:
        raise ConfigError(refused)


WEB_SECRETS: Final = (
    f"basic_auth_users:\n  anna: {SECRET}\n  bernd: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi\n",
    f"tls_server_config: {{cert: {SECRET}, key: {SECRET}, client_ca: {SECRET}}}\nrate_limit: {{burst: 5}}\n",
    f"basic_auth_users: {{anna: {SECRET}}}\nhttp_server_config: {{headers: {{X-Frame-Options: deny}}}}\n",
)


@given(text=changed(WEB_SECRETS, near=SECRET))
@fuzzed
def test_no_broken_web_file_quotes_a_secret(text: str, folder: Path) -> None:
    assert SECRET not in " ".join(problems(read_web_config, text, folder))


@given(text=changed(WEB_SECRETS) | restructured())
@fuzzed
def test_any_web_file_is_read_or_refused(text: str, folder: Path) -> None:
    assert all(sentence.endswith(".") for sentence in problems(read_web_config, text, folder))


@given(text=changed((RULES.read_text()[:3000],)) | restructured())
@fuzzed
def test_any_rule_file_is_read_or_refused(text: str, folder: Path) -> None:
    file = folder / "rules.yml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(RequestError):
        read_rules(str(file))


@pytest.mark.parametrize(
    "text",
    [
        f"{MINIMAL}- {{name: mx1, address: mx1, auth: lab}}\n{SECRET}: a",
        f"{MINIMAL}- {{name: mx1, address: mx1, auth: lab, {SECRET}: a}}",
        f"auths: {{lab: {{xml: {{username: u, password: }}}}, {SECRET}: {{b: c}}}}",
        f"auths:\n  lab: {{xml: {{username: u, password: a}}}}\n  {SECRET}: b",
        f"auths: {{lab: {{xml: {{username: u, password: a}}}}, {SECRET}: {{b: c}}}}\nappliances: [{{auth: lub}}]",
    ],
)
def test_no_refusal_quotes_a_secret_that_is_a_key(text: str, folder: Path) -> None:
    found = problems(config.load, text, folder)
    assert found
    assert SECRET not in " ".join(found)


def test_too_many_values_are_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_loader, "MAX_VALUES", 1000)
    (problem,) = problems(config.load, f"a: [{'b,' * 3000}]", folder)
    assert problem.endswith("fuzzed.yml:1: the file is not YAML here: more than 500,000 values: use several files.")


def test_only_the_first_thousand_problems_are_explained(folder: Path) -> None:
    entries = "".join(f"- {{name: mx{number}, address: mx, auth: lub}}\n" for number in range(1500))
    found = problems(config.load, f"{MINIMAL}{entries}", folder)
    assert len(found) == 1001
    assert found[-1] == "There are more problems: correct these first."


def test_a_hint_lists_only_some_names(folder: Path) -> None:
    auths = "".join(f"  {number:04}: {{snmp: {{version: 2c, community: a}}}}\n" for number in range(100))
    (problem,) = problems(config.load, f"auths:\n{auths}appliances: [{{name: a, address: a, auth: lab}}]", folder)
    assert problem.endswith("0028, 0029, 70 more).")
