"""After a storm of runs, limits met, cancels and kills nothing is left where runs are isolated."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import tempfile
from pathlib import Path

import pytest

from fixwright_sandbox import Blob, Limits, Request, RunFile, leftovers
from fixwright_sandbox.roster import registered
from support.leftovers import until_none
from support.sandboxes import PATIENCE, backends, open_or_skip

CODES = (
    b"print('on')",
    b"while True: pass",
    b"import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    b"import os\nfor n in range(50): open(f'f{n}', 'w').write('x' * 1000)",
    b"import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(600)",
    b"x = bytearray(1 << 30)",
    b"import os\nwhile True: os.write(1, b'x' * 65536)",
)


def counted() -> dict[str, frozenset[str]]:
    """What is there of us, by its kind."""
    mine = [each for each in leftovers.found() if each.owner and each.owner.pid == os.getpid()]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    ids = [each.id for each in mine if each.kind == "container"]
    return {
        "things": frozenset(f"{each.kind} {each.id}" for each in mine),
        "registers": frozenset(each.id for each in registered() if each.owner.pid == os.getpid()),
        "files": frozenset(each.name for each in Path(tempfile.gettempdir()).glob("fixwright*")),
        "mounts": frozenset(
            line for line in mounts.splitlines() if any(id_ in line for id_ in ids)
        ),
        "cgroups": frozenset(
            str(path) for id_ in ids for path in Path("/sys/fs/cgroup").glob(f"*/docker/{id_}")
        ),
    }


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.slow
@pytest.mark.parametrize("backend", backends("docker", "bubblewrap"))
async def test_a_storm_leaves_nothing(backend: str) -> None:
    await (await open_or_skip(backend)).close()
    before, handles = counted(), descriptors()
    chance = random.Random(3)
    async with await open_or_skip(backend) as sandbox:

        async def turn(number: int) -> str:
            tree = {"a.py": Blob(chance.choice(CODES))}
            limits = Limits(wall_seconds=1, output_bytes=1 << 20)
            workspace = f"w{number % 3}"
            run = sandbox.start(workspace, Request("python", RunFile("a.py"), tree, limits))
            fate = chance.random()
            if fate < 0.3:
                asyncio.get_running_loop().call_later(chance.random(), run.cancel_requested.set)
            elif fate < 0.4:
                await sandbox.release(workspace)
            return (await asyncio.wait_for(run.wait(), 2 * PATIENCE)).status

        ends = await asyncio.gather(*(turn(number) for number in range(24)))
        assert "cancelled" in ends, ends
    gc.collect()
    for kind in before:
        await until_none(lambda kind=kind: sorted(counted()[kind] - before[kind]))
    assert descriptors() <= handles
