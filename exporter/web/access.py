"""Who is let in: what the web configuration asks of a request, before anything else is done for it."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from exporter.errors import TooManyChecksError
from exporter.web.authentication import Credentials, Passwords
from exporter.web.live_web_config import LiveWebConfig
from exporter.web.web_config import RateLimit

_CHALLENGE: Final = 'Basic realm="ironport-exporter", charset="UTF-8"'


class Access:
    """Refuses requests above the rate limit and without the password of a user."""

    def __init__(self, live: LiveWebConfig) -> None:
        self._live = live
        self._passwords = Passwords()
        self._bucket = _TokenBucket(live.config.rate_limit)

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request in, or answer 429 or 401; /-/healthy is no exception, as in the toolkit."""
        if not self._is_within_limit():
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "There are more requests than the rate limit allows.")
        try:
            if await self._is_known(request):
                return await handler(request)
        except TooManyChecksError as error:
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, str(error))
        response = _refusal(HTTPStatus.UNAUTHORIZED, "Give a user and a password that the exporter knows.")
        response.headers[hdrs.WWW_AUTHENTICATE] = _CHALLENGE
        return response

    @web.middleware
    async def add_headers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Add the headers of the web configuration to an answer."""
        response = await handler(request)
        response.headers.update(self._live.config.headers())
        return response

    def _is_within_limit(self) -> bool:
        if self._bucket.limit != self._live.config.rate_limit:
            self._bucket = _TokenBucket(self._live.config.rate_limit)
        return self._bucket.take()

    async def _is_known(self, request: web.Request) -> bool:
        users = self._live.config.basic_auth_users
        if not users:
            return True
        given = Credentials.parse(request.headers.get(hdrs.AUTHORIZATION, ""))
        return given is not None and await self._passwords.is_right(users, given, request.remote or "")


class _TokenBucket:
    """Gives `burst` tokens at once, then one each `interval`."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._tokens = float(limit.burst)
        self._filled = time.monotonic()

    def take(self) -> bool:
        """Take a token; return whether there was one."""
        if not self.limit.interval:
            return True
        now = time.monotonic()
        self._tokens = min(self.limit.burst, self._tokens + (now - self._filled) / self.limit.interval)
        self._filled = now
        taken = self._tokens >= 1
        self._tokens -= taken
        return taken


def _refusal(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
