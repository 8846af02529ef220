"""Every end is told apart, and what was written before it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fixwright_sandbox import Limits, Sandbox, SandboxUnavailable, leftovers, open_sandbox
from fixwright_sandbox.roster import registered
from support.sandboxes import PATIENCE, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDS: dict[str, tuple[str, str, Limits]] = {
    "passed": ("passed", "pass", Limits()),
    "exit code": ("failed", "raise SystemExit(3)", Limits()),
    "signal": ("failed", "import os; os.kill(os.getpid(), 11)", Limits()),
    "timeout": ("timeout", "while True: pass", Limits(wall_seconds=0.5)),
    "memory": (
        "memory",
        "x = []\nwhile True: x.append(bytearray(8 << 20))",
        Limits(memory_bytes=96 << 20),
    ),
    "processes": (
        "processes",
        "import subprocess\nx = [subprocess.Popen(['sleep', '60']) for _ in range(99)]",
        Limits(processes=8),
    ),
    "output": ("output", "while True: print('x' * 9999)", Limits(output_bytes=1 << 20)),
    "disk": (
        "disk",
        "f = open('/tmp/f', 'wb')\nwhile True: f.write(bytes(1 << 20))",
        Limits(disk_bytes=16 << 20),
    ),
}


@pytest.mark.parametrize("end", ENDS)
async def test_an_end_is_told_with_what_came_before(confined: Sandbox, end: str) -> None:
    status, code, limits = ENDS[end]
    async with await confined.create(limits=limits) as workspace:
        result = await workspace.run(code=f"print('before')\n{code}")
        assert (result.status, result.stdout.head[:7]) == (status, b"before\n"), result
        next_one = await workspace.run(code="print('next')")
        assert next_one.stdout.data == b"next\n"


async def test_cancelled_and_interrupted(confined: Sandbox) -> None:
    async with await confined.create() as workspace:
        for act, status in (("cancel", "cancelled"), ("kill", "failed"), ("interrupt", "failed")):
            run = workspace.run(code="print('before')\nimport time; time.sleep(60)")
            async for event in run:
                if event.kind == "stdout":
                    break
            if act == "cancel":
                await run.cancel()
            elif act == "kill":
                run.kill()
            else:
                run.interrupt()
            result = await asyncio.wait_for(run.wait(), PATIENCE)
            assert (result.status, result.stdout.data) == (status, b"before\n"), act


async def test_an_environment_that_is_taken_away(confined: Sandbox) -> None:
    async with await confined.create() as workspace:
        run = workspace.run(code="print('before')\nimport time; time.sleep(60)")
        async for event in run:
            if event.kind == "stdout":
                break
        ids = {each.id for each in registered() if each.workspace == workspace.name}
        things = await asyncio.to_thread(leftovers.found)
        victims = tuple(each for each in things if each.environment in ids)
        await asyncio.to_thread(leftovers.remove, victims)
        result = await asyncio.wait_for(run.wait(), PATIENCE)
        assert result.status not in {"passed", "failed", "timeout", "memory", "cancelled"}
        assert result.stdout.data == b"before\n"
        assert result.message.endswith("Run it again.")


@pytest.mark.docker
async def test_an_engine_and_an_image_that_are_not_there(tmp_path: Path) -> None:
    nowhere = settings_for("docker", docker_host=f"unix://{tmp_path}/nothing")
    with pytest.raises(SandboxUnavailable, match="No Docker Engine answers"):
        await open_sandbox(nowhere)
    with pytest.raises(SandboxUnavailable, match="fixwright/never:1"):
        await open_sandbox(settings_for("docker", image="fixwright/never:1"))
