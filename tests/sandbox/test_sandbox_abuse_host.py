"""A runner that was taken over: whatever it says, the host believes none of it."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from fixwright_sandbox import Blob, Request, Result, RunFile, Sandbox, SandboxSettings
from fixwright_sandbox.backends.base import Channel, Shape
from fixwright_sandbox.backends.process import start_process
from support.sandboxes import PATIENCE

SCRIPT = """
import json, os, sys
def send(header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    lengths = len(text).to_bytes(4, "big") + len(payload).to_bytes(4, "big")
    os.write(1, lengths + text + payload)
send({"op": "hello"})
send({"op": "ready"})
heard = b""
while b'"op":"run"' not in heard:
    heard += os.read(0, 65536)
send({"op": "started"})
eval(sys.argv[1])
send({"op": "done", "reason": "", "exit": 0, "signal": None, "duration": 0.0, "peak": 0,
      "cpu": [0.0, 0.0], "collecting": 0.0,
      "unlisted": 0, "missing": [], "full": None, "clean": True})
sys.stdin.buffer.read()
"""


class TakenOver:
    """A backend whose runner says what the test wants."""

    name = "taken over"

    def __init__(self, evil: str) -> None:
        self._evil = evil

    def image(self, runtime: str) -> None:
        del runtime

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        del shape
        return await start_process([sys.executable, "-c", SCRIPT, self._evil], env={}), {}

    async def close(self) -> None:
        """Nothing is held."""


async def run(evil: str) -> Result:
    async with Sandbox(TakenOver(evil), SandboxSettings(pool=0)) as sandbox:
        execution = sandbox.start("w", Request("python", RunFile("a"), {"a": Blob(b"")}))
        return await asyncio.wait_for(execution.wait(), PATIENCE)


def frame(**header: object) -> str:
    return f"send(json.loads({json.dumps(header)!r}))"


async def test_one_that_says_what_is_right_is_believed() -> None:
    good = frame(op="file", path="new", change="created", size=0, whole=True)
    result = await run(good)
    assert (result.status, [file.path for file in result.files]) == ("passed", ["new"])


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b", "", ".", "a//b", "a\0b"])
async def test_no_path_leads_out_of_the_tree(path: str) -> None:
    result = await run(frame(op="file", path=path, change="created", size=0, whole=True))
    assert (result.status, result.files) == ("error", ())
    assert result.message == (
        "The sandbox sent something that can't be understood and was replaced."
    )


@pytest.mark.parametrize(
    "evil",
    [
        'os.write(1, b"\\xff" * 8)',
        'send(b"[" * 100_000)',
        'send(b"not JSON")',
        'send(b"[1]")',
        frame(op="eval", code="1"),
        frame(op=7),
        frame(op="output", stream="tty"),
        frame(op="file", path="a", change="replaced", size=0),
        frame(op="file", path=["a"], change="created", size=0),
        frame(op="file", path="a", change="created", size="0"),
        frame(op="done", reason="", exit="0"),
        frame(op="done", reason="", exit=0, signal=None, unlisted=None),
    ],
)
async def test_nonsense_replaces_the_environment(evil: str) -> None:
    result = await run(evil)
    assert result.status == "error"
    assert "can't be understood and was replaced" in result.message


async def test_one_that_goes_silent_is_left() -> None:
    result = await run("os._exit(3)")
    assert result.status == "error"
    assert result.message == "The sandbox's process ended (exit code 3). Run it again."
