"""Nothing is kept ready on a machine whose memory is short, and that is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from fixwright_sandbox import Blob, Request, RunFile, Sandbox
from fixwright_sandbox.backends.unconfined import Unconfined
from fixwright_sandbox.limits import MIB
from fixwright_sandbox.pressure import Memory, read_memory
from support.sandboxes import PATIENCE, settings_for

PLENTY = Memory(8_000 * MIB, 16_000 * MIB)
SHORT = Memory(500 * MIB, 16_000 * MIB)
PASS = Request("python", RunFile("a.py"), {"a.py": Blob(b"")})


class Gauge:
    """Memory as the test wants it: `then`, but short where there are more than `most`."""

    def __init__(self) -> None:
        self.then: Memory | None = PLENTY
        self.most = 99
        self.count: Callable[[], int] = lambda: 0

    def __call__(self) -> Memory | None:
        return SHORT if self.count() > self.most else self.then


@pytest.fixture
def gauge() -> Gauge:
    return Gauge()


@pytest_asyncio.fixture
async def sandbox(gauge: Gauge) -> AsyncIterator[Sandbox]:
    backend = await Unconfined.open(None)
    async with Sandbox(backend, settings_for("unconfined", pool=1), gauge=gauge) as sandbox:
        yield sandbox


async def run(sandbox: Sandbox, workspace: str) -> None:
    assert (await sandbox.start(workspace, PASS).wait()).status == "passed"


async def states(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    stats = await sandbox.stats()
    return sorted(((each.state, each.workspace) for each in stats.environments), key=str)


async def becomes(sandbox: Sandbox, wanted: list[tuple[str, str | None]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await states(sandbox) != wanted or sandbox._pool._filling:  # noqa: ASYNC110 (nothing tells when they go)
            await asyncio.sleep(0.02)


async def test_with_plenty_a_spare_and_what_was_used_are_kept(sandbox: Sandbox) -> None:
    await run(sandbox, "a")
    await becomes(sandbox, [("idle", "a"), ("spare", None)])
    assert (await sandbox.stats()).shortage is None


async def test_when_memory_gets_short_all_that_nobody_uses_goes(
    sandbox: Sandbox, gauge: Gauge
) -> None:
    await run(sandbox, "a")
    await becomes(sandbox, [("idle", "a"), ("spare", None)])
    gauge.then = SHORT
    await sandbox._pool.relieve()
    assert await states(sandbox) == []
    shortage = (await sandbox.stats()).shortage
    assert shortage is not None
    assert shortage.startswith("Memory is short: 500 of 16000 MiB are available.")


async def test_the_spare_goes_first_then_what_was_used_earliest(
    sandbox: Sandbox, gauge: Gauge
) -> None:
    for workspace in ("a", "b", "c", "a"):
        await run(sandbox, workspace)
    await becomes(sandbox, [("idle", "a"), ("idle", "b"), ("idle", "c"), ("spare", None)])
    sandbox._pool._settings = settings_for("unconfined", pool=0)  # no spare comes back
    gauge.count = lambda: len(list(sandbox._observer.roster))
    idle: list[tuple[str, str | None]] = [("idle", "a"), ("idle", "b"), ("idle", "c")]
    for most, left in ((3, idle), (2, [idle[0], idle[2]]), (1, idle[:1])):
        gauge.most = most
        await sandbox._pool.relieve()
        await becomes(sandbox, left)


async def test_runs_go_on_while_memory_is_short(sandbox: Sandbox, gauge: Gauge) -> None:
    gauge.then = SHORT
    for _ in range(2):
        await run(sandbox, "a")
    await becomes(sandbox, [])


async def test_a_spare_comes_back_when_memory_does(sandbox: Sandbox, gauge: Gauge) -> None:
    gauge.then = SHORT
    await run(sandbox, "a")
    await becomes(sandbox, [])
    gauge.then = PLENTY
    await run(sandbox, "a")
    await becomes(sandbox, [("idle", "a"), ("spare", None)])
    assert (await sandbox.stats()).shortage is None


async def test_what_can_not_be_told_is_no_shortage(sandbox: Sandbox, gauge: Gauge) -> None:
    gauge.then = None
    await run(sandbox, "a")
    await becomes(sandbox, [("idle", "a"), ("spare", None)])


def test_the_kernels_figures(tmp_path: Path) -> None:
    (tmp_path / "pressure").mkdir()
    info = "MemTotal:    16000 kB\nMemFree:    10 kB\nMemAvailable:   4000 kB\nHugePages_Total: 0\n"
    (tmp_path / "meminfo").write_text(info, encoding="ascii")
    assert read_memory(tmp_path) == Memory(4000 << 10, 16000 << 10, 0.0)
    stalls = "some avg10=12.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00\n"
    (tmp_path / "pressure" / "memory").write_text(stalls, encoding="ascii")
    memory = read_memory(tmp_path)
    assert memory == Memory(4000 << 10, 16000 << 10, 12.5)
    assert "12 % of the last ten seconds" in str(memory and memory.shortage)
    (tmp_path / "meminfo").write_text("nonsense\n", encoding="ascii")
    assert read_memory(tmp_path) is None
    assert read_memory(tmp_path / "nowhere") is None


def test_this_machine() -> None:
    memory = read_memory()
    assert memory is not None
    assert 0 < memory.available <= memory.total
