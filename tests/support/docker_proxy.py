"""A Docker Engine that can be stopped: a socket in front of the real one."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

ENGINE = "/var/run/docker.sock"


class DockerProxy:
    """Passes bytes on until it is stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> str:
        """For DOCKER_HOST."""
        return f"unix://{self.path}"

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, self.path)

    async def stop(self) -> None:
        """As when the engine's process dies: every connection breaks, nobody listens."""
        assert self._server is not None
        self._server.close()
        self.path.unlink(missing_ok=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_engine = await asyncio.open_unix_connection(ENGINE)
        self._writers |= {writer, to_engine[1]}
        try:
            await asyncio.gather(_pass_on(reader, to_engine[1]), _pass_on(to_engine[0], writer))
        finally:
            for each in (writer, to_engine[1]):
                each.transport.abort()
                self._writers.discard(each)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


@asynccontextmanager
async def docker_proxy() -> AsyncGenerator[DockerProxy, None]:
    """The engine behind a socket of our own; a socket's path has to be short."""
    folder = Path(tempfile.mkdtemp(prefix="fw-"))
    proxy = DockerProxy(folder / "engine.sock")
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
        shutil.rmtree(folder)
