"""Checks of passwords: bcrypt is made to be slow, so results are kept, and guessing gets little of the CPU."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

import bcrypt
from pydantic import SecretStr

from exporter.errors import TooManyChecksError

_LONGEST: Final = 72
"""Bytes of a password that bcrypt can tell apart; those of a longer one would not all count."""

_KEPT_REFUSALS: Final = 100
"""How many wrong passwords are remembered, for clients that repeat one."""

_CHECKS_OF_ALL: Final = 20
_CHECKS_OF_ONE: Final = 4
"""How many passwords may be waiting for their check: in all, and from one address."""

_PAUSE: Final = 3.0
"""How long to rest after a wrong password, in durations of its check: guessing gets a quarter of one core."""


class Credentials(NamedTuple):
    """User and password of HTTP basic authentication."""

    user: str
    password: bytes

    @classmethod
    def parse(cls, authorization: str) -> Self | None:
        """Read a header Authorization; None if it is not one of basic authentication (RFC 7617)."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
            return cls(user.decode(), password) if colon else None
        except (binascii.Error, ValueError):  # ValueError: not ASCII, not UTF-8
            return None


class _Check(NamedTuple):
    """What is compared."""

    user: str
    known: bool
    """Whether there is such a user; if not, the hash is one of another user, and the password is wrong in any case."""
    hashed: bytes
    password: bytes


class _Running(NamedTuple):
    """A check that is running or waits for its turn."""

    task: asyncio.Task[bool]
    address: str
    """The client that wants to know."""


class Passwords:
    """Checks passwords, one at a time, in a thread."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        """Makes the digests useless to whoever reads the memory later."""
        self._accepted: dict[str, bytes] = {}
        """The digest of each user's last check that was passed."""
        self._refused: dict[bytes, None] = {}
        """The digests of checks that failed, the latest last."""
        self._running: dict[bytes, _Running] = {}
        self._turn = asyncio.Lock()
        self._rest_until = 0.0

    async def is_right(self, users: Mapping[str, SecretStr], given: Credentials, address: str) -> bool:
        """Return whether there is such a user with this password.

        An unknown user costs the work that a known one costs: the time does not tell who is one. Raises
        TooManyChecksError if too many others wait already, in all or at this address.
        """
        if len(given.password) > _LONGEST:
            return False
        hashed = users.get(given.user) or self._decoy_hash(users, given.user)
        check = _Check(given.user, given.user in users, hashed.get_secret_value().encode(), given.password)
        digest = self._digest(check)
        if self._accepted.get(given.user) == digest:
            return True
        if digest in self._refused:
            return False
        running = self._running.get(digest) or self._start(digest, check, address)
        return await asyncio.shield(running.task)  # others may wait for the same

    def _decoy_hash(self, users: Mapping[str, SecretStr], user: str) -> SecretStr:
        """Return a user's hash for an unknown user, always the same."""
        hashes = list(users.values())
        return hashes[int.from_bytes(self._digest(user)) % len(hashes)]

    def _digest(self, data: object) -> bytes:
        return hashlib.blake2b(repr(data).encode(), key=self._key).digest()

    def _start(self, digest: bytes, check: _Check, address: str) -> _Running:
        of_one = sum(running.address == address for running in self._running.values())
        if len(self._running) >= _CHECKS_OF_ALL or of_one >= _CHECKS_OF_ONE:
            raise TooManyChecksError("Too many passwords are being checked. Try again in a few seconds.")
        running = self._running[digest] = _Running(asyncio.create_task(self._matches(digest, check)), address)
        running.task.add_done_callback(lambda _: self._running.pop(digest))
        return running

    async def _matches(self, digest: bytes, check: _Check) -> bool:
        clock = asyncio.get_running_loop().time
        async with self._turn:
            await asyncio.sleep(self._rest_until - clock())
            began = clock()
            matches = await asyncio.to_thread(bcrypt.checkpw, check.password, check.hashed) and check.known
            if matches:
                self._accepted[check.user] = digest
            else:
                self._remember_refused(digest)
                self._rest_until = clock() + _PAUSE * (clock() - began)
            return matches

    def _remember_refused(self, digest: bytes) -> None:
        self._refused[digest] = None
        if len(self._refused) > _KEPT_REFUSALS:
            del self._refused[next(iter(self._refused))]
