"""Things that break: engines, environments, owners. Nothing is left, and a sentence says what."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fixwright_sandbox import Execution, Sandbox, SandboxSettings, SandboxUnavailable, open_sandbox
from fixwright_sandbox.backends.docker import OWNER_LABEL
from fixwright_sandbox.backends.engine import Engine
from fixwright_sandbox.owner import Owner
from support.sandboxes import PATIENCE, Bench, backends, open_or_skip

FOREVER = "import time\nprint('on', flush=True)\nwhile True: time.sleep(1)"


async def started(execution: Execution) -> None:
    async with asyncio.timeout(PATIENCE):
        async for event in execution.events():
            if event.kind == "stdout":
                return
    pytest.fail(f"it ended early: {execution.recording.result}")


@pytest.fixture(params=backends("docker", "bubblewrap", "unconfined"))
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    async with await open_or_skip(request.param) as opened:
        yield opened


@pytest.fixture
async def docker() -> AsyncIterator[Sandbox]:
    async with await open_or_skip("docker") as opened:
        yield opened


def containers_of(owner: Owner) -> list[str]:
    engine = Engine(None)
    try:
        labelled = engine.labelled(f"{OWNER_LABEL}={owner}")
        return [container.id for container in labelled]
    finally:
        engine.close()


async def gone(left: Any) -> None:
    """Wait until `left()` is empty or false; it runs in a thread."""
    async with asyncio.timeout(PATIENCE):
        while found := await asyncio.to_thread(left):
            del found
            await asyncio.sleep(0.05)


async def test_closing_leaves_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bench = Bench(sandbox)
    runs = [bench.start(FOREVER), bench.start(FOREVER, workspace="other")]
    for run in runs:
        await started(run)
    folders = temporary_folders()
    await sandbox.close()
    assert {run.recording.result.status for run in runs if run.recording.result} == {"cancelled"}
    if sandbox.backend == "docker":
        assert containers_of(Owner.current()) == []
    assert children() == set()
    if sandbox.backend == "unconfined":
        assert len(folders) == 2
        assert temporary_folders() == set()


def temporary_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("fixwright-*"))


def children() -> set[int]:
    """Our child processes that are runners, or bubblewrap."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    found: set[int] = set()
    for pid in listed:
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"bwrap" in command or b"fixwright_guest" in command:
                found.add(int(pid))
    return found


async def test_releasing_a_workspace_stops_its_runs_only(sandbox: Sandbox) -> None:
    bench = Bench(sandbox)
    ours, others = bench.start(FOREVER), bench.start(FOREVER, workspace="other")
    await started(ours)
    await started(others)
    await sandbox.release("bench")
    assert (await ours.wait()).status == "cancelled"
    assert others.recording.result is None
    assert (await bench.run("print(1)")).status == "passed"


@pytest.mark.slow
async def test_cancelling_at_any_moment_leaves_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bench = Bench(sandbox)
    for moment in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        run = bench.start("import time\nprint('on')\ntime.sleep(60)")
        for _ in range(moment):
            await asyncio.sleep(0.0005)
        assert (await asyncio.wait_for(run.cancel(), PATIENCE)).status == "cancelled"
    preparing = asyncio.create_task(sandbox.prepare("other"))
    await asyncio.sleep(0.001)
    await sandbox.close()
    await asyncio.wait({preparing})
    assert children() == set()
    assert temporary_folders() == set()
    if sandbox.backend == "docker":
        assert await asyncio.to_thread(containers_of, Owner.current()) == []


async def test_idle_environments_are_stopped() -> None:
    async with await open_or_skip("unconfined", idle_seconds=0.05) as opened:
        bench = Bench(opened)
        assert (await bench.run("pass")).status == "passed"
        await gone(children)
        assert (await bench.run("pass")).status == "passed"


async def test_a_spare_serves_a_workspace_once() -> None:
    async with await open_or_skip("unconfined", pool=1) as opened:
        await opened.prepare("a")
        await gone(lambda: len(children()) < 2)
        mark = "import os; print(os.getppid())"
        first = await Bench(opened, workspace="a").run(mark)
        second = await Bench(opened, workspace="b").run(mark)
        assert first.stdout.data != second.stdout.data


@pytest.mark.docker
async def test_a_container_killed_from_outside(docker: Sandbox) -> None:
    bench = Bench(docker)
    run = bench.start(FOREVER)
    await started(run)
    for container in containers_of(Owner.current()):
        await asyncio.to_thread(subprocess.run, ["docker", "kill", container], check=True)
    result = await asyncio.wait_for(run.wait(), PATIENCE)
    assert result.status == "error"
    assert result.message == "The container ended before the run did. Run it again."
    assert result.stdout.data == b"on\n"
    assert (await bench.run("print('next')")).stdout.data == b"next\n"


class Proxy:
    """A Unix socket in front of the engine's, that can be cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        self.path.unlink(missing_ok=True)
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix(
            "unix://"
        )
        there, back = await asyncio.open_unix_connection(engine)
        self._writers |= {writer, back}
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()


@pytest.mark.docker
async def test_the_engine_goes_in_the_middle_of_a_run(docker: Sandbox, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "engine.sock")
    await proxy.open()
    settings = SandboxSettings(backend="docker", pool=0, docker_host=f"unix://{proxy.path}")
    async with await open_sandbox(settings) as sandbox:
        bench = Bench(sandbox)
        run = bench.start(FOREVER)
        await started(run)
        await proxy.cut()
        result = await asyncio.wait_for(run.wait(), PATIENCE)
        assert result.status == "engine"
        assert "Docker Engine does not answer" in result.message
        assert "start the engine and run it again" in result.message
        assert result.stdout.data == b"on\n"
        refused = await bench.run("pass")
        assert refused.status == "engine"
        assert "Docker Engine" in refused.message
        # The runner noticed by itself that nobody was left.
        await gone(lambda: containers_of(Owner.current()))
        await proxy.open()
        assert (await bench.run("print('back')")).stdout.data == b"back\n"


OWNER_SCRIPT = """
import asyncio, sys
from fixwright_sandbox import *
async def main():
    sandbox = await open_sandbox(SandboxSettings(backend=sys.argv[1], pool=0))
    code = b"import os, time\\nif not os.fork(): os.setsid()\\nprint()\\nwhile True: time.sleep(1)"
    run = sandbox.start("w", Request("python", RunFile("a.py"), {"a.py": Blob(code)}))
    async for event in run.events():
        if event.kind == "stdout":
            print("running", flush=True)
            await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", backends("docker", "bubblewrap", "unconfined"))
async def test_an_owner_that_is_killed_leaves_nothing(backend: str, tmp_path: Path) -> None:
    await (await open_or_skip(backend)).close()
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER_SCRIPT, backend),
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert owner.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await owner.stdout.readline() == b"running\n"
    identity = Owner(Owner.current().host, owner.pid, _start_of(owner.pid))
    namespace_or_group = descendants(owner.pid)
    assert backend == "docker" or len(namespace_or_group) >= 2
    assert backend != "docker" or len(containers_of(identity)) == 1
    assert not identity.is_dead()
    owner.send_signal(signal.SIGKILL)
    await owner.wait()
    assert identity.is_dead()
    await gone(lambda: [pid for pid in namespace_or_group if _start_of(pid)])
    await gone(lambda: list(tmp_path.iterdir()))
    if backend == "docker":
        await gone(lambda: containers_of(identity))


def _start_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                below = {int(child) for child in (task / "children").read_text().split()}
                waiting += below
                found |= below
    return found


@pytest.mark.docker
async def test_containers_of_dead_owners_are_reaped(docker: Sandbox) -> None:
    del docker
    dead = Owner(Owner.current().host, 2**22 + 1, 1)
    elsewhere = Owner("another-boot/1", 1, 1)
    engine = Engine(None)
    made: list[str] = []
    for owner in (dead, elsewhere):
        labels = {"fixwright.sandbox": "1", OWNER_LABEL: str(owner)}
        options: dict[str, Any] = {"host_config": {}, "labels": labels}
        made.append(engine.create("fixwright/python:1", ["true"], options))
    try:
        async with await open_or_skip("docker"):
            await gone(lambda: containers_of(dead))
        assert containers_of(elsewhere) == made[1:]
    finally:
        for container in made:
            engine.remove(container)
        engine.close()


async def test_an_engine_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    settings = SandboxSettings(backend="docker", docker_host=f"unix://{tmp_path}/none.sock")
    with pytest.raises(SandboxUnavailable, match=r"No Docker Engine answers: .*"):
        await open_sandbox(settings)


@pytest.mark.docker
async def test_an_image_that_is_not_there_is_named(docker: Sandbox) -> None:
    del docker
    with pytest.raises(SandboxUnavailable, match="no image fixwright/none:1; build it with"):
        await open_sandbox(SandboxSettings(backend="docker", image="fixwright/none:1"))


async def test_auto_tells_of_each_and_never_takes_unconfined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable) as caught:
        await open_sandbox(SandboxSettings(docker_host=f"unix://{tmp_path}/none.sock"))
    assert "No Docker Engine answers" in str(caught.value)
    assert "apt install bubblewrap" in str(caught.value)


def broken_bubblewrap(folder: str) -> None:
    program = Path(folder, "bwrap")
    program.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1"
    )
    for path in (program, program.parent):  # root tries it as somebody without rights
        path.chmod(0o755)


async def test_bubblewrap_that_does_not_work_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        broken_bubblewrap(folder)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        with pytest.raises(SandboxUnavailable, match=r"No permissions to create .*namespaces"):
            await open_sandbox(SandboxSettings(backend="bubblewrap"))


@pytest.mark.bubblewrap
async def test_auto_takes_bubblewrap_without_an_engine(tmp_path: Path) -> None:
    await (await open_or_skip("bubblewrap")).close()
    settings = SandboxSettings(docker_host=f"unix://{tmp_path}/none.sock", pool=0)
    async with await open_sandbox(settings) as sandbox:
        assert sandbox.backend == "bubblewrap"
        assert sandbox.image is None


async def test_a_python_that_is_none_is_said_in_a_sentence() -> None:
    with pytest.raises(SandboxUnavailable, match="/bin/false is not a Python"):
        await open_sandbox(SandboxSettings(backend="unconfined", python="/bin/false"))
