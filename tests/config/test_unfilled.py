"""What nobody has filled in, in a copy of the example, is named."""

from __future__ import annotations

from pathlib import Path

from exporter import config
from support.config_files import EXAMPLE, Load


def test_the_example_loads_and_says_what_is_unfilled() -> None:
    unfilled = config.load(EXAMPLE).unfilled
    assert [sentence.partition(" is still ")[0].split(": ")[1] for sentence in unfilled] == [
        "auths.ops.snmp.auth.passphrase",
        "auths.ops.snmp.priv.passphrase",
        "auths.ops.xml.password",
        "appliances[0] (mx1).address",
        "appliances[1] (mx2).address",
    ]
    assert unfilled[0].endswith("passphrase is still fill-me-in: put your own secret there.")
    assert unfilled[3].endswith("address is still that of the example: put your own there.")


def test_a_filled_in_example_has_nothing_unfilled(load: Load) -> None:
    text = EXAMPLE.read_text().replace("fill-me-in", "a real passphrase").replace(".example.edu", ".mail.test")
    assert load(text).unfilled == ()


def test_a_documentation_address_without_the_marker_is_accepted(load: Load) -> None:
    text = EXAMPLE.read_text().replace("fill-me-in", "a real passphrase").replace("# <-", "#")
    assert load(text).unfilled == ()


def test_no_sentence_quotes_another_secret(load: Load, folder: Path) -> None:
    (folder / "secrets/password").write_text("hunter2")
    text = EXAMPLE.read_text().replace("password: fill-me-in", "password_file: secrets/password")
    assert len(load(text).unfilled) == 4
    assert "hunter2" not in " ".join(load(text).unfilled)
