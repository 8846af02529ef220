"""The tools that are lent over MCP, through the SDK's own client and a real process."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

BROKEN = "def total(values):\n    return sum(valeus)\n\n\nprint(total([1, 2]))\n"


@asynccontextmanager
async def lent(folder: Path, **environment: str) -> AsyncGenerator[Client, None]:
    needs("bubblewrap")
    code = folder / "code"
    code.mkdir()
    (code / "total.py").write_text(BROKEN)
    (code / "test_one.py").write_text("def test_one():\n    assert 1 == 1\n")
    (code / ".env").write_text("API_TOKEN=wonderful-4711-word\n")
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "fixwright", "mcp"],
        cwd=code,
        env={
            **os.environ,
            "FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap",
            "FIXWRIGHT_MODEL_PROVIDER": "none",
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            **environment,
        },
    )
    before = {path: path.read_bytes() for path in code.iterdir()}
    async with Client(server) as client:
        yield client
    assert {path: path.read_bytes() for path in code.iterdir()} == before


def text(result: object) -> str:
    assert isinstance(result, CallToolResult)
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_each_tool_does_what_it_says_and_writes_nothing(tmp_path: Path) -> None:
    async with lent(tmp_path) as client:
        offered = (await client.list_tools()).tools
        names = [each.name for each in offered]
        assert names == ["run_code", "run", "test", "search", "symbols", "outline", "fix"]
        assert all(each.input_schema["type"] == "object" for each in offered)

        program = "from total import total\n"
        failed = await client.call_tool("run_code", {"code": program})
        assert failed.is_error
        assert "NameError: name 'valeus' is not defined" in text(failed)
        wrote = await client.call_tool("run", {"command": "echo hello | tee new.txt"})
        assert not wrote.is_error
        assert "hello" in text(wrote)
        assert "new.txt" in text(wrote)
        assert "tests: 1 passed" in text(await client.call_tool("test", {}))
        found = await client.call_tool("search", {"pattern": "valeus"})
        assert text(found) == "total.py:2: return sum(valeus)"
        assert "total.py:1: function total" in text(
            await client.call_tool("symbols", {"name": "total"})
        )
        assert "def total(values)" in text(await client.call_tool("outline", {}))
        fixed = await client.call_tool("fix", {"path": "total.py"})
        assert not fixed.is_error
        assert text(fixed).startswith("verified: ")
        assert "+    return sum(values)\n" in text(fixed)


async def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    async with lent(tmp_path) as client:
        unknown = await client.call_tool("write", {})
        assert unknown.is_error
        assert "There is no tool write." in text(unknown)
        assert "Wrong arguments: code" in text(await client.call_tool("run_code", {}))
        outside = await client.call_tool("fix", {"path": "../../etc/passwd"})
        assert "lies outside the workspace" in text(outside)
        language = await client.call_tool("run_code", {"code": "1", "language": "cobol"})
        assert language.is_error
        assert "cobol" in text(language)


async def test_the_users_rules_and_secrets_hold(tmp_path: Path) -> None:
    rules = '[{"decision": "deny", "tool": "run", "command": "curl"}]'
    secret = {"FIXWRIGHT_AGENT_RULES": rules, "FIXWRIGHT_AGENT_REDACT": '["tangerine-[a-z]+"]'}
    async with lent(tmp_path, **secret) as client:
        denied = await client.call_tool("run", {"command": "curl http://example.org"})
        assert denied.is_error
        assert "Not allowed" in text(denied)
        assert "Nothing found" in text(await client.call_tool("search", {"pattern": "wonderful"}))
        said = await client.call_tool("run", {"command": "echo tangerine-dream"})
        assert "tangerine-dream" not in text(said)


async def test_a_call_that_is_given_up_ends_its_run(tmp_path: Path) -> None:
    async with lent(tmp_path) as client:
        command = {"command": "sleep 300.0815"}
        call = asyncio.create_task(client.call_tool("run", command))
        await asyncio.to_thread(_until, lambda: _running("sleep\x00300.0815"))
        call.cancel()
        await asyncio.to_thread(_until, lambda: not _running("sleep\x00300.0815"))
        assert "quick" in text(await client.call_tool("run", {"command": "echo quick"}))


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def _running(command: str) -> bool:
    """Whether a process of this machine has this command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_text().startswith(command):
                return True
        except OSError:
            continue  # it has just ended
    return False
