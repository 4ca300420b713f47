"""Users, headers and the rate limit of the web configuration, seen by clients."""

from __future__ import annotations

from base64 import b64encode

import bcrypt
import pytest

from exporter.web import access
from exporter.web.authentication import Credentials, Passwords
from support.running_server import RunningServer, StartServer

PATHS = ("/", "/probe?target=mx1", "/sd", "/metrics", "/config", "/-/healthy", "/-/ready", "/nowhere")


def hashed(password: str) -> str:
    """Return the hash of a password, as cheap as bcrypt allows."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


USERS = f"basic_auth_users:\n  ops: {hashed('s3cret')}\n  Jürgen: {hashed('schlüssel:1')}\n  full: {hashed('x' * 72)}\n"


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


async def status(running: RunningServer, authorization: str, path: str = "/-/ready") -> int:
    return (await running.get(path, Authorization=authorization))[0]


@pytest.fixture
async def guarded(start: StartServer) -> RunningServer:
    """Start a server that asks for a user."""
    return await start(web_config=USERS)


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_asks_for_a_password(guarded: RunningServer, path: str) -> None:
    async with guarded.client.get(path) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="ironport-exporter", charset="UTF-8"'
        assert await answer.text() == "Give a user and a password that the exporter knows.\n"
    assert guarded.prober("mx1").timeouts == []


async def test_a_reload_needs_a_password(guarded: RunningServer) -> None:
    assert (await guarded.reload())[0] == 401


@pytest.mark.parametrize(
    "authorization",
    [
        basic("ops", "s3cret"),
        basic("Jürgen", "schlüssel:1"),
        basic("full", "x" * 72),
        basic("ops", "s3cret").replace("Basic", "bAsIc"),
    ],
)
async def test_a_user_with_the_right_password_is_let_in(guarded: RunningServer, authorization: str) -> None:
    for _ in range(2):  # the second time without bcrypt
        assert await status(guarded, authorization) == 200


async def test_a_password_is_checked_for_the_address_of_its_client(
    guarded: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses: list[str] = []

    async def is_right(_passwords: Passwords, _users: object, _given: Credentials, address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(Passwords, "is_right", is_right)
    assert await status(guarded, basic("ops", "s3cret")) == 200
    assert addresses == ["127.0.0.1"]


WRONG = {
    "a wrong password": basic("ops", "s3cre"),
    "no password": basic("ops", ""),
    "another user's password": basic("Jürgen", "s3cret"),
    "an unknown user": basic("root", "s3cret"),
    "no user": basic("", "s3cret"),
    "the name in another case": basic("Ops", "s3cret"),
    "73 bytes": basic("full", "x" * 73),
    "a long password": basic("ops", "s3cret" * 100),
    "a NUL behind it": basic("ops", "s3cret\0"),
    "no colon": f"Basic {b64encode(b'ops').decode()}",
    "bytes that are not UTF-8": f"Basic {b64encode(bytes([255]) + b':s3cret').decode()}",
    "no base64": "Basic ops:s3cret",
    "half of base64": basic("ops", "s3cret")[:-1],
    "a character too many": f"{basic('ops', 's3cret')}!",
    "another scheme": basic("ops", "s3cret").replace("Basic", "Bearer"),
    "no scheme": basic("ops", "s3cret").removeprefix("Basic "),
    "nothing": "",
}


@pytest.mark.parametrize("what", WRONG)
async def test_anything_else_is_refused(guarded: RunningServer, what: str) -> None:
    for _ in range(2):
        assert await status(guarded, WRONG[what]) == 401


@pytest.mark.parametrize("path", ["/", "/-/healthy", "/nowhere"])
async def test_headers_are_those_of_the_configuration(start: StartServer, path: str) -> None:
    headers = {
        "Content-Security-Policy": "default-src 'self'",
        "X-Frame-Options": "deny",
        "X-XSS-Protection": "1",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    }
    lines = "".join(f"    {name}: {value}\n" for name, value in headers.items())
    running = await start(web_config=f"http_server_config:\n  headers:\n{lines}{USERS}")
    for authorization, expected in ((basic("ops", "s3cret"), (200, 404)), ("", (401,))):
        async with running.client.get(path, headers={"Authorization": authorization}) as answer:
            assert answer.status in expected
            assert {name: answer.headers.getall(name) for name in headers} == {n: [v] for n, v in headers.items()}
            assert answer.headers["X-Content-Type-Options"] == "nosniff"  # our own stays


class Clock:
    """The seconds that the rate limit sees."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(access, "time", clock)
    return clock


async def statuses(running: RunningServer, count: int) -> list[int]:
    return [(await running.get("/-/ready"))[0] for _ in range(count)]


async def test_requests_above_the_rate_limit_are_refused(start: StartServer, clock: Clock) -> None:
    running = await start(web_config="rate_limit: {interval: 2s, burst: 3}")
    assert await statuses(running, 5) == [200, 200, 200, 429, 429]
    clock.now += 2
    assert await statuses(running, 2) == [200, 429]
    clock.now += 1.5
    assert await statuses(running, 1) == [429]
    clock.now += 0.5
    assert await statuses(running, 1) == [200]
    clock.now += 3600
    assert await statuses(running, 4) == [200, 200, 200, 429]


async def test_guessing_counts_towards_the_rate_limit(start: StartServer, clock: Clock) -> None:
    running = await start(web_config=f"rate_limit: {{interval: 1s, burst: 2}}\n{USERS}")
    assert await statuses(running, 3) == [401, 401, 429]
