"""The service as a process: from its socket to its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from fixwright_sandbox import open_sandbox

from .app import create_app
from .broker import Broker
from .counting import Counts
from .settings import ServiceError, ServiceSettings
from .tokens import Tokens

_CONNECTIONS = 1000
_GRACE_SECONDS = 10


class PatientProtocol(H11Protocol):
    """HTTP that does not wait for a request's head for ever, as a slowloris wants it."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As of any protocol."""
        super().connection_made(transport)
        self._give_up_later()

    def data_received(self, data: bytes) -> None:
        """As of any protocol."""
        super().data_received(data)
        cycle = cast("RequestResponseCycle | None", self.cycle)
        at_work = cycle is not None and not cycle.response_complete
        if at_work or self.transport.get_protocol() is not self:  # it may be a WebSocket now
            self._wait_on()
        elif self._giving_up is None:
            self._give_up_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """As of any protocol."""
        self._wait_on()
        super().connection_lost(exc)

    def _give_up_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._giving_up = loop.call_later(self.timeout_keep_alive, self.transport.abort)

    def _wait_on(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


class _Server(uvicorn.Server):
    """Without signal handlers of its own: what has to be done at a signal is done here."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(
    settings: ServiceSettings, tokens: Tokens, listening: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM comes; a second one ends it at once.

    Args:
        settings: how.
        tokens: who may use it.
        listening: is told the address, once requests are answered.

    Raises `ServiceError` where it can't listen, `SandboxUnavailable` where nothing can be run.
    """
    sock = _bound(settings)
    with contextlib.closing(sock):
        _check_tls(settings)
        sandbox_settings = replace(settings.sandbox, tree_bytes=settings.allowance.held_bytes)
        async with open_sandbox(sandbox_settings) as sandbox:
            broker = Broker(sandbox, settings, Counts())
            async with broker.sweeping():
                await _serve(_Server(_config(settings, tokens, broker)), sock, broker, listening)


async def _serve(
    server: _Server, sock: socket.socket, broker: Broker, listening: Callable[[str], None]
) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def stop() -> None:
        if asked.is_set():
            server.force_exit = server.should_exit = True
        asked.set()

    async def end() -> None:
        await asked.wait()
        await broker.stop()
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    ending = asyncio.create_task(end())
    scheme = "https" if server.config.ssl_certfile else "http"
    host, port = sock.getsockname()[:2]
    listening(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
    try:
        await server.serve([sock])
    finally:
        ending.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _config(settings: ServiceSettings, tokens: Tokens, broker: Broker) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(broker, settings, tokens),
        http=PatientProtocol,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=settings.head_seconds,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def _bound(settings: ServiceSettings) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(_CONNECTIONS)
        except BaseException:
            sock.close()
            raise
    except (OSError, OverflowError) as error:
        message = f"Can't listen on {settings.host} port {settings.port}: {error}."
        raise ServiceError(message) from error
    return sock


def _check_tls(settings: ServiceSettings) -> None:
    if not settings.tls_cert or not settings.tls_key:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except OSError as error:
        message = f"{settings.tls_cert} and {settings.tls_key} can't be used for TLS: {error}."
        raise ServiceError(message) from error
