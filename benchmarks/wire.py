"""A language client that costs nothing: JSON over pipes, one message at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

FIXWRIGHT = (sys.executable, "-m", "fixwright", "serve")
BARE_PYGLS = (
    sys.executable,
    "-c",
    "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()",
)


class Wire:
    """One server process and its messages."""

    def __init__(self, command: tuple[str, ...], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment,
        )  # fmt: skip
        self._id = 0

    def notify(self, method: str, params: object) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object) -> int:
        """Send a request; its id."""
        self._id += 1
        self._send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        return self._id

    def answer(self, number: int) -> Any:
        """The result of a request, past everything that comes before it."""
        while True:
            message = self.read()
            if message.get("id") == number and "method" not in message:
                if "error" in message:
                    raise RuntimeError(str(message["error"]))
                return message.get("result")

    def notified(self, method: str) -> Any:
        """The parameters of the next notification of a method."""
        while True:
            message = self.read()
            if message.get("method") == method:
                return message["params"]

    def request(self, method: str, params: object) -> Any:
        return self.answer(self.ask(method, params))

    def command(self, name: str, argument: object) -> Any:
        return self.request("workspace/executeCommand", {"command": name, "arguments": [argument]})

    def read(self) -> dict[str, Any]:
        """The next message; requests of the server are answered with null."""
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message = cast("dict[str, Any]", json.loads(self.process.stdout.read(length)))
        if "method" in message and "id" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        return message

    def initialize(self, folder: Path | None) -> None:
        self.request("initialize", initialize_params(folder))

    def memory(self) -> int:
        """Resident bytes of the server process."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise RuntimeError("no VmRSS: this needs Linux")

    def _send(self, message: object) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()


def initialize_params(folder: Path | None) -> dict[str, object]:
    folders = [{"uri": folder.as_uri(), "name": folder.name}] if folder else None
    return {
        "processId": None,
        "rootUri": None,
        "workspaceFolders": folders,
        "initializationOptions": {"model": {"provider": "none"}, "fix": {"ahead": False}},
        "capabilities": {"window": {"workDoneProgress": False}},
    }


@contextmanager
def serving(
    folder: Path | None, environment: dict[str, str], command: tuple[str, ...] = FIXWRIGHT
) -> Generator[Wire, None, None]:
    """An initialized server; shut down at the end."""
    wire = Wire(command, environment)
    try:
        wire.initialize(folder)
        wire.notify("initialized", {})
        yield wire
        wire.request("shutdown", None)
        wire.notify("exit", None)
        wire.process.wait(30)
    finally:
        wire.process.kill()
        wire.process.wait()
