"""Runtimes: which environment a run gets, what its driver can do, and the guarded cache."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fixwright_sandbox import Blob, Result, RunCommand, RunFile, Sandbox
from support.probe_runtime import probe_runtime
from support.sandboxes import Bench, backends, open_or_skip

pytestmark = pytest.mark.asyncio(loop_scope="module")
HELLO = "#!/bin/sh\necho hello\n"


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=backends("docker", "bubblewrap", "unconfined")
)
async def probing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sandbox]:
    with probe_runtime(tmp_path_factory.mktemp("runtimes")):
        async with await open_or_skip(request.param) as sandbox:
            yield sandbox


class Probe:
    """Runs scripts in the runtime made for tests."""

    def __init__(self, sandbox: Sandbox, workspace: str) -> None:
        self.bench = Bench(sandbox, workspace)

    async def run(self, script: str, *args: str, **options: Any) -> Result:
        self.bench.tree = {"a.probe": Blob(textwrap.dedent(script).encode())}
        job = RunFile("a.probe", args)
        return await self.bench.run(job, runtime="probe", **options)

    async def keeps_its_cache(self) -> bool:
        """Whether what an earlier `run(HELLO)` built is used again."""
        again = await self.run(HELLO)
        assert (again.status, again.stdout.data) == ("passed", b"hello\n"), again
        return again.stderr.data.startswith(b"kept")


@pytest.fixture
def probe(probing: Sandbox, request: pytest.FixtureRequest) -> Probe:
    return Probe(probing, request.node.name)


def notes(result: Result) -> list[str]:
    return [str(report["message"]) for report in result.reports if report["type"] == "note"]


async def test_what_was_built_is_run_again(probe: Probe) -> None:
    first = await probe.run(HELLO)
    assert (first.status, first.stdout.data, first.stderr.data) == (
        "passed",
        b"hello\n",
        b"built\n",
    )
    assert await probe.keeps_its_cache()
    other = await probe.run("#!/bin/sh\necho other\n")
    assert (other.stdout.data, other.stderr.data) == (b"other\n", b"built\n")
    assert await probe.keeps_its_cache()


async def test_a_driver_finds_its_data_its_variables_and_what_the_program_said(
    probe: Probe,
) -> None:
    result = await probe.run(
        """\
        #!/bin/sh
        echo "$PROBE_CACHE $PROBE_HOME"
        head -c 1000 /dev/zero | tr '\\0' x >&2
        echo end >&2
        exit 3
        """
    )
    assert (result.status, result.exit_code) == ("failed", 3)
    cache, home = result.stdout.data.decode().split()
    assert (Path(cache).name, Path(home).name) == ("probe", "home")
    ended, greeting = notes(result)
    assert ended.startswith("(3, b'xxxxxxxxxxxxxxxx\\n... 940 bytes left out ...\\nxx"), ended
    assert ended.endswith("xxend\\n')"), ended
    assert greeting == "good day"
    assert result.stderr.total == len("built\n") + 1004


async def test_the_signal_that_ends_a_program_is_told_by_its_name(probe: Probe) -> None:
    result = await probe.run("#!/bin/sh\nkill -SEGV $$\n")
    assert (result.status, result.exit_code, result.signal) == ("failed", None, "SIGSEGV")
    assert "SIGSEGV" in result.message


async def test_lines_of_a_stream_reach_the_driver_and_not_the_people(probe: Probe) -> None:
    result = await probe.run("#!/bin/sh\necho one; echo err >&2; printf two; exit 1\n", "--stream")
    assert (result.stdout.data, result.stderr.data) == (b"", b"built\nerr\n")
    assert notes(result) == ["([b'one', b'two'], 1, b'err\\n')"]


async def test_a_broken_driver_is_told_as_that(probe: Probe) -> None:
    result = await probe.run(HELLO, "--break")
    assert result.status == "failed"
    assert b"the driver of the runtime probe broke" in result.stderr.data
    assert b"broken on purpose" in result.stderr.data


POISONS = {
    "writes": "for f in $PROBE_CACHE/bin/*; do echo 'echo poison' > $f; done",
    "appends": "for f in $PROBE_CACHE/bin/*; do echo >> $f; done",
    "swaps the built program": "cd $TMPDIR; for f in $PROBE_CACHE/bin/*; do cp $0 x; mv x $f; done",
    "adds": "touch $PROBE_CACHE/bin/more",
    "adds deep down": "touch $PROBE_CACHE/deep/2/er/more",
    "makes a folder": "mkdir $PROBE_CACHE/more",
    "deletes": "rm $PROBE_CACHE/bin/*",
    "renames a folder and back": "cd $PROBE_CACHE; mv bin other; mv other bin",
    "changes the data": "chmod u+w $PROBE_CACHE/../.data/probe/greeting.txt",
    "opens and writes nothing": "for f in $PROBE_CACHE/bin/*; do : >> $f; done",
    "does so from a daemon": "setsid sh -c 'sleep 0.2; touch $PROBE_CACHE/x' & sleep 0.4",
    "is killed while it does": "touch $PROBE_CACHE/x; kill -9 $$",
    "writes through a mapping": """python3 -c "
import glob, mmap, os
for name in glob.glob(os.environ['PROBE_CACHE'] + '/bin/*'):
    before = os.stat(name)
    handle = os.open(name, os.O_RDWR)
    shared = mmap.mmap(handle, 0)
    os.close(handle)
    shared[:9] = b'#!/bin/ls'
    os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns))
" """,
    "writes through a mapping whose file is on its way": """python3 -c "
import array, glob, mmap, os, socket
for name in glob.glob(os.environ['PROBE_CACHE'] + '/bin/*'):
    a, b = socket.socketpair()
    handle = os.open(name, os.O_RDWR)
    shared = mmap.mmap(handle, 0)
    shared[:9] = b'#!/bin/ls'
    for each in (a, b):
        files = array.array('i', [handle, a.fileno(), b.fileno()])
        each.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    os._exit(0)
" """,
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())
async def test_a_program_that_touches_the_cache_loses_it(probe: Probe, poison: str) -> None:
    await probe.run(HELLO)
    assert await probe.keeps_its_cache()
    result = await probe.run(f"#!/bin/sh\n{poison}\n")
    assert any("thrown away" in note for note in notes(result)), result
    assert not await probe.keeps_its_cache()
    # The kernel may tell late of what was on its way: then it is lost once more.
    assert await probe.keeps_its_cache() or await probe.keeps_its_cache()


READS = {
    "reads": "cat $PROBE_CACHE/bin/* $PROBE_CACHE/../.data/probe/* > /dev/null; ls -R $PROBE_CACHE",
    "runs": "for i in 1 2 3; do sh -c true $PROBE_CACHE/bin/*; done",
    "maps": """python3 -c "
import glob, mmap, os
for name in glob.glob(os.environ['PROBE_CACHE'] + '/bin/*'):
    mmap.mmap(os.open(name, os.O_RDONLY), 0, prot=mmap.PROT_READ)
" """,
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_a_program_that_only_looks_at_the_cache_keeps_it(probe: Probe, read: str) -> None:
    await probe.run(HELLO)
    await probe.run(f"#!/bin/sh\n{read}\n")
    assert await probe.keeps_its_cache()


async def test_a_cancelled_run_that_touched_the_cache_loses_it(probe: Probe) -> None:
    await probe.run(HELLO)
    script = "#!/bin/sh\ntouch $PROBE_CACHE/x\necho ready\nsleep 60\n"
    probe.bench.tree = {"a.probe": Blob(script.encode())}
    execution = probe.bench.start(RunFile("a.probe"), runtime="probe")
    async for event in execution.events():
        if event.kind == "stdout":
            break
    result = await asyncio.wait_for(execution.cancel(), 30)
    assert result.status == "cancelled"
    assert not await probe.keeps_its_cache()


async def test_a_run_that_meets_a_limit_and_touched_the_cache_loses_it(probe: Probe) -> None:
    await probe.run(HELLO)
    script = "#!/bin/sh\ntouch $PROBE_CACHE/x\nsleep 60\n"
    assert (await probe.run(script, wall_seconds=0.5)).status == "timeout"
    assert not await probe.keeps_its_cache()


async def test_a_build_that_runs_code_of_the_workspace_is_not_trusted(probe: Probe) -> None:
    await probe.run(HELLO)
    await probe.run("#!/bin/sh\ntouch $PROBE_CACHE/x\n", "--script")
    assert not await probe.keeps_its_cache()


async def test_a_command_is_a_program_too(probe: Probe) -> None:
    await probe.run(HELLO)
    look = RunCommand(("sh", "-c", "ls $PROBE_CACHE"))
    assert (await probe.bench.run(look, runtime="probe")).stdout.data.startswith(b"b")
    assert await probe.keeps_its_cache()
    await probe.bench.run(RunCommand(("sh", "-c", "touch $PROBE_CACHE/x")), runtime="probe")
    assert not await probe.keeps_its_cache()


async def test_the_cache_is_filled_unless_a_run_comes_before(
    probing: Sandbox, probe: Probe
) -> None:
    await probing.prepare(probe.bench.workspace, "probe")
    seen: list[bytes] = []
    while not seen or seen[-1] != b"begun\nwarmed\n":  # the first warm-up would take an hour
        look = RunCommand(("sh", "-c", "cd $PROBE_CACHE; ls"))
        found = await probe.bench.run(look, runtime="probe")
        if found.stdout.data not in seen:
            seen.append(found.stdout.data)
        await asyncio.sleep(0.2)  # it begins when nothing was asked for a while
    assert b"begun\n" in seen


async def test_a_full_cache_is_told_and_emptied(probing: Sandbox, probe: Probe) -> None:
    if probing.backend == "unconfined":
        pytest.skip("its cache has no file system of its own")
    await probe.run(HELLO)
    fill = "#!/bin/sh\nhead -c 20000000 /dev/zero > $PROBE_CACHE/x\n"
    result = await probe.run(fill)
    assert result.status == "disk", result
    assert "/cache" in result.message
    assert not await probe.keeps_its_cache()
    assert await probe.keeps_its_cache()


async def test_environments_of_several_runtimes_serve_one_workspace(probe: Probe) -> None:
    await probe.run(HELLO)
    python = await probe.bench.run("import os; print(os.path.exists('/cache'))")
    assert python.stdout.data == b"False\n"
    bash = await probe.bench.run("echo $0", runtime="bash")
    assert bash.stdout.data == b"main.sh\n"
    assert await probe.keeps_its_cache()


async def test_caches_of_two_workspaces_are_two(probing: Sandbox, probe: Probe) -> None:
    await probe.run(HELLO)
    other = await Probe(probing, "another").run(HELLO)
    assert other.stderr.data == b"built\n"


async def test_limits_are_raised_to_what_the_tools_need(probe: Probe) -> None:
    result = await probe.run("#!/bin/sh\necho ok\n", memory_bytes=1 << 20, processes=1)
    assert (result.status, result.stdout.data) == ("passed", b"ok\n"), result


async def test_a_runtime_that_is_not_there_is_told_with_those_that_are(probe: Probe) -> None:
    result = await probe.bench.run(RunFile("a"), runtime="cobol")
    assert result.status == "error"
    assert "no runtime named 'cobol'" in result.message
    assert "python" in result.message


@pytest.mark.docker
async def test_a_missing_image_is_told_apart_and_how_to_get_it(tmp_path: Path) -> None:
    with probe_runtime(tmp_path):
        images = {"probe": "fixwright/not-there:1"}
        async with await open_or_skip("docker", images=images) as sandbox:
            result = await Probe(sandbox, "w").run(HELLO)
            assert (result.status, result.image) == ("image", "fixwright/not-there:1")
            assert "fixwright sandbox build probe" in result.message
            assert "sandbox.images.probe" in result.message
            assert (await Bench(sandbox).run("print(1)")).status == "passed"
