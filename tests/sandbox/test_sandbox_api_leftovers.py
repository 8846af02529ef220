"""Nothing is left: counted before and after, also when the owner is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from fixwright_sandbox import leftovers
from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.backends.engine import Engine
from fixwright_sandbox.backends.labels import FOLDER, LABEL, OWNER_LABEL, OWNER_VARIABLE
from fixwright_sandbox.leftovers import Found
from fixwright_sandbox.owner import Owner
from fixwright_sandbox.roster import registered
from support.leftovers import until_none
from support.sandboxes import PATIENCE, open_or_skip

BACKENDS = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    pytest.param("unconfined"),
]
OWNER = """
import asyncio, sys
from fixwright_sandbox import SandboxSettings, open_sandbox
async def main():
    async with open_sandbox(SandboxSettings(sys.argv[1], pool=1)) as sandbox:
        code = "print('on')\\nimport time; time.sleep(600)"
        workspace = await sandbox.create(sys.argv[2], files={"a.py": code})
        async for event in workspace.run(file="a.py"):
            if event.kind == "stdout":
                print("running", flush=True)
asyncio.run(main())
"""


@dataclass(frozen=True)
class Count:
    """What belongs to one process and its descendants, and what of the machine could be."""

    containers: frozenset[str]
    volumes: frozenset[str]
    networks: frozenset[str]
    processes: frozenset[str]
    folders: frozenset[str]
    registers: frozenset[str]

    @classmethod
    def of(cls, owner: int) -> Count:
        things = [each for each in leftovers.found() if each.owner and each.owner.pid == owner]

        def of(kind: str) -> frozenset[str]:
            return frozenset(each.id for each in things if each.kind == kind)

        return cls(
            of("container"), of("volume"), of("network"), of("process"), of("folder"),
            frozenset(each.id for each in registered() if each.owner.pid == owner),
        )  # fmt: skip

    def names(self) -> list[str]:
        return [
            f"{each.name} {value}" for each in fields(self) for value in getattr(self, each.name)
        ]


def cgroups_and_mounts(containers: frozenset[str]) -> list[str]:
    """Those that name one of the containers."""
    found: list[str] = []
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    for container in containers:
        found += [line for line in mounts.splitlines() if container in line]
        found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/docker/{container}")]
    return found


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def files_of_ours() -> set[str]:
    return {each.name for each in Path(tempfile.gettempdir()).glob("fixwright*")}


def start_owner(backend: str, workspace: str) -> subprocess.Popen[bytes]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, backend, workspace],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"running\n"
    return owner


@pytest.fixture(params=BACKENDS)
async def backend(request: pytest.FixtureRequest) -> str:
    await (await open_or_skip(request.param)).close()
    return str(request.param)


async def test_closing_leaves_nothing(backend: str) -> None:
    files = files_of_ours()
    handles = descriptors()
    assert Count.of(os.getpid()).names() == []
    async with await open_or_skip(backend) as sandbox:
        async with await sandbox.create("leaks", files={"a": "1"}) as workspace:
            await workspace.run("cat a > b; sleep 600 & mkdir c")
            held = await asyncio.to_thread(Count.of, os.getpid())
            assert len(held.registers) == 1
            assert len(held.containers) + len(held.processes) == 1
            (mine,) = [each for each in registered() if each.id in held.registers]
            assert (mine.workspace, mine.backend) == ("leaks", backend)
        assert (await asyncio.to_thread(Count.of, os.getpid())).names() == []
    assert (await asyncio.to_thread(Count.of, os.getpid())).names() == []
    assert cgroups_and_mounts(held.containers) == []
    assert files_of_ours() <= files
    assert descriptors() <= handles


@pytest.mark.slow
async def test_a_killed_owner_leaves_nothing(backend: str) -> None:
    workspace = f"killed-{uuid.uuid4().hex[:6]}"
    owner = await asyncio.to_thread(start_owner, backend, workspace)
    held = await asyncio.to_thread(Count.of, owner.pid)
    assert held.registers
    assert held.containers or held.processes
    owner.kill()
    owner.wait()
    await until_none(lambda: Count.of(owner.pid).names())
    await until_none(lambda: cgroups_and_mounts(held.containers))


@pytest.mark.docker
@pytest.mark.slow
async def test_the_engine_shows_whose_a_container_is(engine: Engine) -> None:
    async with await open_or_skip("docker") as sandbox, await sandbox.create("my work/space"):
        (mine,) = [each for each in registered() if each.owner.pid == os.getpid()]
        (thing,) = [each for each in leftovers.found() if each.environment == mine.id]
        assert (thing.kind, thing.workspace, thing.left) == ("container", "my work/space", False)
        assert thing.image == sandbox.image
        assert thing.started_at is not None
        name = f"fixwright-my-work-space-{thing.id[:8]}"
        await until_none(lambda: [] if engine._api.containers(filters={"name": name}) else [name])


def dead() -> Owner:
    here = Owner.current()
    process = subprocess.Popen(["true"])
    process.wait()
    return Owner(here.host, process.pid, 1)


@pytest.fixture
def engine() -> Iterator[Engine]:
    try:
        engine = Engine(None)
    except BackendError as error:
        pytest.skip(str(error))
    yield engine
    engine.close()


@pytest.mark.docker
def test_volumes_and_networks_of_the_dead_are_pruned_and_of_the_living_are_not(
    engine: Engine,
) -> None:
    name = f"fixwright-test-{uuid.uuid4().hex[:8]}"
    docker = engine._client
    made = {"dead": dead(), "mine": Owner.current()}
    try:
        for kind, owner in made.items():
            labels = {LABEL: "1", OWNER_LABEL: str(owner)}
            docker.volumes.create(f"{name}-{kind}", labels=labels)
            docker.networks.create(f"{name}-{kind}", labels=labels, internal=True)
        (left,) = [each for each in leftovers.leftovers() if each.id == f"{name}-dead"]
        assert left.kind == "volume"
        pruned = leftovers.prune()
        assert {each.kind for each in pruned if each.owner == made["dead"]} == {"volume", "network"}
        assert [each.name for each in docker.volumes.list() if name in each.name] == [
            f"{name}-mine"
        ]
        assert [each.name for each in docker.networks.list(names=[name])] == [f"{name}-mine"]
    finally:
        mine = [each for each in leftovers.found() if each.owner in made.values()]
        leftovers.remove(tuple(mine))
    assert not [each for each in docker.volumes.list() if name in each.name]


def test_processes_and_folders_of_the_dead_are_pruned() -> None:
    owner = dead()
    process = subprocess.Popen(["sleep", "600"], env={OWNER_VARIABLE: str(owner)})
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{owner.tag}-"))
    (folder / "file").write_text("x")
    link = folder.with_name(f"{FOLDER}{owner.tag}-link")
    link.symlink_to(folder)
    try:
        mine = {each.id for each in leftovers.leftovers() if each.owner == owner}
        assert mine == {str(process.pid), str(folder)}
        leftovers.prune_local()
        assert process.wait(PATIENCE) == -signal.SIGKILL
        assert not folder.exists()
    finally:
        link.unlink()
        process.kill()


async def test_what_is_removed_by_hand_is_told_to_its_owner(backend: str) -> None:
    async with await open_or_skip(backend) as sandbox, await sandbox.create("victim") as workspace:
        run = workspace.run(code="print('on')\nimport time; time.sleep(600)")
        async for event in run:
            if event.kind == "stdout":
                break
        (mine,) = [each for each in registered() if each.owner.pid == os.getpid()]
        things = await asyncio.to_thread(leftovers.found)
        victims = tuple(each for each in things if each.environment == mine.id)
        assert len(victims) == 1
        assert not victims[0].left
        (used,) = await asyncio.to_thread(leftovers.usage, victims)
        assert used.memory > 1 << 20
        await asyncio.to_thread(leftovers.remove, victims)
        result = await asyncio.wait_for(run.wait(), PATIENCE)
        assert result.status not in {"passed", "failed"}
        assert result.stdout.data == b"on\n"
        assert (await workspace.run(code="print('next')")).stdout.data == b"next\n"


def test_without_an_engine_the_rest_is_found(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "600"], env={OWNER_VARIABLE: str(Owner.current())})
    try:
        found = leftovers.found(f"unix://{tmp_path}/nothing")
        assert isinstance(found[0], Found)
        assert str(process.pid) in {each.id for each in found}
        with pytest.raises(BackendError):
            leftovers.remove((Found("volume", "x", "docker", None, left=True),), "unix:///nothing")
    finally:
        process.kill()
        process.wait()
