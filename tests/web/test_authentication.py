"""Passwords are checked seldom, one at a time, and as slowly for strangers as for users."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given, strategies
from pydantic import SecretStr

from exporter.errors import TooManyChecksError
from exporter.web import authentication, web_config
from exporter.web.authentication import Credentials, Passwords

PAGE = Path(__file__).parents[2] / "docs" / "web-config.md"
USERS = {"ops": SecretStr(bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode())}
RIGHT = Credentials("ops", b"s3cret")


class SlowBcrypt:
    """Stands for bcrypt.checkpw: it notes the hash of each check, which ends once `go` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.hashes: list[bytes] = []
        self.at_once = self.most_at_once = 0
        self._check = bcrypt.checkpw

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.hashes.append(hashed)
        assert self.go.wait(30)
        self.at_once -= 1
        return self._check(password, hashed)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch, _no_pause: None) -> Iterator[SlowBcrypt]:
    slow = SlowBcrypt()
    slow.go.set()
    monkeypatch.setattr(bcrypt, "checkpw", slow)
    yield slow
    slow.go.set()


def test_the_documentation_has_the_limits_of_the_code() -> None:
    text = " ".join(PAGE.read_text().split())
    assert (authentication._PAUSE, authentication._CHECKS_OF_ONE) == (3, 4)
    assert "the next check waits three times as long as the check took" in text
    assert f"If {authentication._CHECKS_OF_ALL} passwords wait for their check, or four from one address" in text
    assert f"A password over {authentication._LONGEST} bytes gets 401" in text
    assert f"The cost may be {web_config._MAX_COST} at most" in text


@pytest.fixture
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.web.authentication._PAUSE", 0)


def guess(number: int) -> Credentials:
    return Credentials("ops", f"guess {number}".encode())


@pytest.mark.parametrize(
    ("given", "right"), [(RIGHT, True), (guess(1), False), (Credentials("root", b"s3cret"), False)]
)
async def test_a_repeated_password_is_checked_once(checks: SlowBcrypt, given: Credentials, right: bool) -> None:
    passwords = Passwords()
    assert [await passwords.is_right(USERS, given, "") for _ in range(3)] == [right] * 3
    assert len(checks.hashes) == 1


async def test_simultaneous_requests_share_a_check(checks: SlowBcrypt) -> None:
    passwords = Passwords()
    answers = await asyncio.gather(*(passwords.is_right(USERS, RIGHT, "192.0.2.1") for _ in range(200)))
    assert all(answers)
    assert len(checks.hashes) == 1


async def test_a_stranger_costs_a_check_of_a_real_hash(checks: SlowBcrypt) -> None:
    await Passwords().is_right(USERS, Credentials("root", b"x"), "")
    assert checks.hashes == [USERS["ops"].get_secret_value().encode()]


async def test_a_password_over_72_bytes_costs_no_check(checks: SlowBcrypt) -> None:
    assert not await Passwords().is_right(USERS, Credentials("ops", b"x" * 73), "")
    assert checks.hashes == []


async def test_a_new_hash_ends_the_old_password(checks: SlowBcrypt) -> None:
    passwords = Passwords()
    assert await passwords.is_right(USERS, RIGHT, "")
    changed = {"ops": SecretStr(bcrypt.hashpw(b"new", bcrypt.gensalt(4)).decode())}
    assert not await passwords.is_right(changed, RIGHT, "")
    assert not await passwords.is_right({"other": USERS["ops"]}, RIGHT, "")


async def test_guessing_does_not_forget_the_right_password(checks: SlowBcrypt) -> None:
    passwords = Passwords()
    assert await passwords.is_right(USERS, RIGHT, "")
    for number in range(150):
        await passwords.is_right(USERS, guess(number), "")
    done = len(checks.hashes)
    assert await passwords.is_right(USERS, RIGHT, "")
    assert len(checks.hashes) == done
    assert len(passwords._refused) == 100


async def waiting(passwords: Passwords, *guesses: tuple[int, str]) -> list[asyncio.Task[bool]]:
    """Start checks that wait; each guess has its number and the address of its client."""
    tasks = [asyncio.create_task(passwords.is_right(USERS, guess(number), address)) for number, address in guesses]
    await asyncio.sleep(0)
    return tasks


async def test_one_check_runs_at_a_time(checks: SlowBcrypt) -> None:
    passwords = Passwords()
    tasks = await waiting(passwords, *((number, f"192.0.2.{number}") for number in range(10)))
    assert await asyncio.gather(*tasks) == [False] * 10
    assert checks.most_at_once == 1


async def test_one_address_cannot_keep_others_waiting(checks: SlowBcrypt) -> None:
    passwords = Passwords()
    checks.go.clear()
    tasks = await waiting(passwords, *((number, "192.0.2.1") for number in range(4)))
    with pytest.raises(TooManyChecksError):
        await passwords.is_right(USERS, guess(4), "192.0.2.1")
    tasks += await waiting(passwords, (5, "192.0.2.2"))
    checks.go.set()
    assert await asyncio.gather(*tasks) == [False] * 5


async def test_only_some_passwords_wait(checks: SlowBcrypt) -> None:
    passwords = Passwords()
    checks.go.clear()
    tasks = await waiting(passwords, *((number, f"192.0.2.{number}") for number in range(20)))
    with pytest.raises(TooManyChecksError):
        await passwords.is_right(USERS, RIGHT, "198.51.100.1")
    checks.go.set()
    await asyncio.gather(*tasks)
    assert await passwords.is_right(USERS, RIGHT, "198.51.100.1")


async def test_a_wrong_password_is_followed_by_a_pause(checks: SlowBcrypt, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def sleeping(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("exporter.web.authentication._PAUSE", 1e6)
    monkeypatch.setattr(asyncio, "sleep", sleeping)
    passwords, clock = Passwords(), asyncio.get_running_loop().time
    began = clock()
    await passwords.is_right(USERS, guess(1), "")
    took = clock() - began
    await passwords.is_right(USERS, guess(2), "")
    assert pauses[0] <= 0 < pauses[1] <= 1e6 * took


async def test_a_client_that_goes_away_costs_others_nothing(checks: SlowBcrypt) -> None:
    passwords = Passwords()
    checks.go.clear()
    first = asyncio.create_task(passwords.is_right(USERS, RIGHT, ""))
    second = asyncio.create_task(passwords.is_right(USERS, RIGHT, ""))
    await asyncio.sleep(0)
    first.cancel()
    checks.go.set()
    assert await second


@given(text=strategies.text() | strategies.text().map(lambda text: f"Basic {text}"))
def test_any_header_is_credentials_or_none(text: str) -> None:
    assert Credentials.parse(text) is None or text.lower().startswith("basic ")


@pytest.mark.parametrize(("scheme", "is_basic"), [("BASIC", True), ("Bearer", False), ("Alpha", False), ("", False)])
def test_only_basic_authentication_gives_credentials(scheme: str, *, is_basic: bool) -> None:
    parsed = Credentials.parse(f"{scheme} {b64encode(b'ops:s3cret').decode()}")
    assert parsed == (RIGHT if is_basic else None)


@given(user=strategies.text().filter(lambda text: ":" not in text), password=strategies.binary())
def test_credentials_are_read_as_they_were_written(user: str, password: bytes) -> None:
    encoded = b64encode(f"{user}:".encode() + password).decode()
    assert Credentials.parse(f"Basic {encoded}") == (user, password)
