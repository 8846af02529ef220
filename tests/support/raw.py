"""The real server behind a bare wire: any bytes can be sent, and everything that comes is kept."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

PATIENCE = 30.0
SERVE = (sys.executable, "-m", "fixwright", "serve")
Message = dict[str, Any]


class RawServer:
    """A server process and every message that it sent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.messages: list[Message] = []
        self.strays: list[bytes] = []
        """What stood on standard output and was no message."""
        self._changed = asyncio.Event()
        self._last_id = 0
        self._reading = asyncio.create_task(self._read())

    # ---- out ---------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send_body(self, body: bytes) -> None:
        self.send_bytes(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def send(self, message: object) -> None:
        self.send_body(json.dumps(message).encode())

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def post(self, method: str, params: object = None) -> int:
        """Send a request; returns its id."""
        self._last_id += 1
        self.send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    async def request(self, method: str, params: object = None) -> Message:
        """Send a request and wait for its whole answer."""
        return await self.answer(self.post(method, params))

    async def result(self, method: str, params: object = None) -> Any:
        answer = await self.request(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    async def error(self, method: str, params: object = None) -> Message:
        answer = await self.request(method, params)
        assert "error" in answer, answer
        return cast("Message", answer["error"])

    async def command(self, name: str, argument: object) -> Any:
        params = {"command": name, "arguments": [argument]}
        return await self.result("workspace/executeCommand", params)

    # ---- in ----------------------------------------------------------------------------

    async def answer(self, message_id: object) -> Message:
        def is_it(message: Message) -> bool:
            return message.get("id") == message_id and "method" not in message

        return await self.wait_for(is_it, f"an answer to {message_id}")

    async def wait_for(self, wanted: Callable[[Message], bool], what: str = "") -> Message:
        """The first message, also of those that are here already, that is wanted."""
        seen = 0
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self._changed.clear()
                    for message in self.messages[seen:]:
                        if wanted(message):
                            return message
                    seen = len(self.messages)
                    assert not self._reading.done(), f"the server has gone; awaited: {what}"
                    await self._changed.wait()
        except TimeoutError:
            last = [str(message)[:300] for message in self.messages[-5:]]
            raise AssertionError(f"never came: {what}; last: {last}") from None

    async def _read(self) -> None:
        output = self.process.stdout
        assert output is not None
        try:
            while line := await output.readline():
                header = re.fullmatch(rb"Content-Length: (\d+)\r\n", line)
                if header is None:
                    self.strays.append(line)
                    continue
                assert await output.readline() == b"\r\n"
                message = json.loads(await output.readexactly(int(header[1])))
                self.messages.append(message)
                self._answer_for_the_editor(message)
                self._changed.set()
        finally:
            self._changed.set()

    def _answer_for_the_editor(self, message: Message) -> None:
        """Say the least to what the server asks."""
        if "method" in message and "id" in message:
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": None})

    # ---- life --------------------------------------------------------------------------

    async def initialize(self, **params: Any) -> Message:
        wanted: Message = {"processId": None, "rootUri": None, "capabilities": {}, **params}
        result = await self.result("initialize", wanted)
        self.notify("initialized", {})
        return cast("Message", result)

    async def shut_down(self) -> int:
        await self.result("shutdown")
        self.notify("exit")
        return await self.ended()

    async def ended(self) -> int:
        """The exit status, once it has ended."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@asynccontextmanager
async def raw_server(
    command: Sequence[str] = SERVE, **environment: str
) -> AsyncGenerator[RawServer, None]:
    """Start a server; it is killed at the end if it still lives."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 28,
        env={**os.environ, "FIXWRIGHT_MODEL_PROVIDER": "none", **environment},
    )
    server = RawServer(process)
    try:
        yield server
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        server._reading.cancel()
        await asyncio.gather(server._reading, return_exceptions=True)
