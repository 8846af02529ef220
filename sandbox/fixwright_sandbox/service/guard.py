"""What every request passes before anything reads it: host, origin, token, rate, size, patience."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .accounts import Account
from .counting import Counts
from .problems import Problem
from .settings import Allowance
from .tokens import Tokens

OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token and tell nothing."""
PROTOCOL = "fixwright.v1"
_OFFERED = "fixwright.token."
"""How a browser's WebSocket gives its token, which can set no header: as a subprotocol."""
_JSON_BYTES = 16 << 20
_JSON_LEAST = 1 << 16
_PAUSE_SECONDS = 30.0
_BODY_SECONDS = 600.0


class Guard:
    """Lets through to the app who may, with the account in the request's state."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        tokens: Tokens,
        allowance: Allowance,
        hosts: frozenset[str],
        origins: frozenset[str],
        counts: Counts,
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._hosts = hosts
        self._origins = origins
        self._counts = counts
        self._accounts = {name: Account(name, allowance) for name in tokens.names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As of any ASGI app."""
        if scope["type"] == "http":
            await self._counted(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._guarded(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._guarded(scope, receive, noting)
        finally:
            self._counts.answered(scope["method"], status, time.monotonic() - began)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        body: _Body | None = None
        try:
            self._check_host(connection)
            if scope["type"] == "websocket":
                self._check_origin(connection)
            if scope["path"] not in OPEN:
                account = self._account(connection)
                account.request()
                scope.setdefault("state", {})["account"] = account
                if scope["type"] == "http":
                    most = _most(scope, account)
                    _check_length(connection, most)
                    receive = body = _Body(receive, most, account)
        except Problem as problem:
            await problem.response(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            if body is not None:
                body.release()

    def _check_host(self, connection: HTTPConnection) -> None:
        """Against pages whose name was made to lead here (DNS rebinding)."""
        given = connection.headers.getlist("host")
        if len(given) != 1 or _without_port(given[0]) not in self._hosts:
            detail = "This service is not called by that host's name; see --allow-host."
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, detail, "header.Host")

    def _check_origin(self, connection: HTTPConnection) -> None:
        """WebSockets of pages are held to no CORS; so it is done here."""
        origin = connection.headers.get("origin")
        if origin is not None and origin not in self._origins:
            detail = "Pages of that origin may not call this service; see --allow-origin."
            raise Problem(HTTPStatus.FORBIDDEN, detail, "header.Origin")

    def _account(self, connection: HTTPConnection) -> Account:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = ""
            if connection.scope["type"] == "websocket":
                offered = connection.scope.get("subprotocols", [])
                found = [name for name in offered if name.startswith(_OFFERED)]
                token = found[0].removeprefix(_OFFERED) if found else ""
        name = self._tokens.name_of(token.strip()) if token else None
        if name is None:
            detail = "Send a token that is valid here as 'Authorization: Bearer TOKEN'."
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, "header.Authorization")
        return self._accounts[name]


class _Body:
    """Hands on a request's body, within its size and while it comes."""

    def __init__(self, receive: Receive, most: int, account: Account) -> None:
        self._account = account
        self._receive = receive
        self._most = most
        self._size = 0
        self._ended = False
        self._until = asyncio.get_running_loop().time() + _BODY_SECONDS

    async def __call__(self) -> Message:
        """The next message. Raises `Problem`."""
        if self._ended:
            return await self._receive()  # the disconnect, which may take long
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(now + _PAUSE_SECONDS, self._until)):
                message = await self._receive()
        except TimeoutError as error:
            detail = "The body did not come in time."
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail, "body") from error
        size = len(message.get("body", b""))
        self._size += size
        self._account.receive(size)
        if self._size > self._most:
            raise _too_large(self._most)
        self._ended = not message.get("more_body", False)
        return message

    def release(self) -> None:
        """The request is answered; nothing of its body is held any more."""
        self._account.receive(-self._size)


def _most(scope: Scope, account: Account) -> int:
    """Files and standard input travel as they are; everything else is JSON."""
    raw = scope["method"] == "PUT" or scope["path"].endswith("/stdin")
    most = account.allowance.upload_bytes
    return most if raw else min(_JSON_BYTES, max(_JSON_LEAST, most))


def _check_length(connection: HTTPConnection, most: int) -> None:
    told = connection.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > most:
        raise _too_large(most)


def _too_large(most: int) -> Problem:
    detail = f"The body may have {most} bytes."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, "body")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
