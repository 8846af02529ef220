"""Sessions: what stays between pieces of code, what ends it, and what is told of it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from fixwright_sandbox import (
    Blob,
    Limits,
    Result,
    Sandbox,
    Session,
    SessionRefused,
    Workspace,
    bundle,
    open_sandbox,
)
from fixwright_sandbox.runtimes.catalogue import Runtime, runtimes
from support.sandboxes import PATIENCE, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES: dict[str, Any] = {"data.txt": "one\n", "old.txt": "old\n"}
PICTURE = b"\x89PNG\r\n\x1a\n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def workspace(everywhere: Sandbox) -> AsyncIterator[Workspace]:
    async with await everywhere.create(files=FILES) as workspace:
        yield workspace


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def kept(workspace: Workspace) -> AsyncIterator[Session]:
    """A session that the tests of a backend share: each leaves it alive."""
    async with workspace.session() as session:
        yield session


def shown(result: Result) -> list[dict[str, Any]]:
    reports = [cast("dict[str, Any]", dict(each)) for each in result.reports]
    return [each["data"] for each in reports if each["type"] == "result"]


def text(result: Result) -> str:
    assert result.status == "passed", (result.message, result.stderr.data)
    return str(shown(result)[-1]["text/plain"])


async def until(session: Session, code: str, said: bytes, **options: Any) -> Any:
    """Start a piece and wait until it has said this."""
    execution = session.run(code, **options)
    async with asyncio.timeout(PATIENCE):
        async for event in execution:
            assert event.kind != "end", event.result
            if event.kind == "stdout" and said in event.data:
                return execution
    raise AssertionError


async def test_state_is_kept_and_the_last_value_shown(kept: Session) -> None:
    assert shown(await kept.run("x = 6\ndef double(n): return 2 * n")) == []
    assert text(await kept.run("double(x)")) == "12"
    assert text(await kept.run("_ + 1")) == "13"
    assert kept.state == "alive"


async def test_output_is_of_the_piece_that_wrote_it(kept: Session) -> None:
    first, second = kept.run("print('a', end='')"), kept.run("print('b')")
    assert ((await first).stdout.data, (await second).stdout.data) == (b"a", b"b\n")


async def test_await_at_the_top_level_in_one_loop(kept: Session) -> None:
    await kept.run("import asyncio\nqueue = asyncio.Queue()\nasync def put(): await queue.put(5)")
    assert text(await kept.run("task = asyncio.create_task(put())\nawait queue.get()")) == "5"


async def test_standard_input_of_each_piece(kept: Session) -> None:
    assert text(await kept.run("input()", stdin="Ada\n")) == "'Ada'"
    ended = await kept.run("input()")
    assert ended.reports[0]["kind"] == "EOFError"
    run = await until(kept, "name = input('who? '); name", b"who? ", interactive=True)
    await run.write("Bob\n")
    assert text(await run) == "'Bob'"


async def test_a_failure_keeps_the_state(kept: Session) -> None:
    await kept.run("y = 1")
    failed = await kept.run("y = 2\n1 / 0")
    assert (failed.status, failed.reports[0]["kind"]) == ("failed", "ZeroDivisionError")
    assert b'File "<cell ' in failed.stderr.data
    wrong = await kept.run("def f(:")
    assert wrong.reports[0]["kind"] == "SyntaxError"
    left = await kept.run("raise SystemExit(3)")
    assert left.exit_code == 3
    assert text(await kept.run("y")) == "2"


async def test_tracebacks_point_at_the_files_own_lines(workspace: Workspace) -> None:
    cell = "def half(n):\n    return n / 0\n"
    await workspace.write("cells.py", f"# %%\n{cell}# %%\nhalf(1)\n")
    async with workspace.session() as session:
        await session.run(cell, path="cells.py", line=1)
        failed = await session.run("half(1)\n", path="cells.py", line=4)
        frames = cast("list[dict[str, Any]]", failed.reports[0]["frames"])
        assert [(each["path"], each["line"]) for each in frames] == [
            ("cells.py", 4),
            ("cells.py", 2),
        ]
        assert b"return n / 0" in failed.stderr.data
        assert "return n / 0" in text(await session.run("import inspect\ninspect.getsource(half)"))
        # What was executed before has moved.
        await workspace.write("cells.py", f"# new\n# new\n# %%\n{cell}# %%\nhalf(1)\n")
        failed = await session.run("half(1)\n", path="cells.py", line=6)
        frames = cast("list[dict[str, Any]]", failed.reports[0]["frames"])
        assert [(each["path"], each["line"]) for each in frames] == [
            ("cells.py", 6),
            ("cells.py", 4),
        ]
        assert frames[1]["column"] == len("    return ")
        # And now it is there no longer.
        await workspace.write("cells.py", "# %%\nhalf(1)\n")
        failed = await session.run("half(1)\n", path="cells.py", line=1)
        frames = cast("list[dict[str, Any]]", failed.reports[0]["frames"])
        assert [each["path"] for each in frames] == ["cells.py", "<cells.py as it was>"]


async def test_an_interrupt_keeps_the_state(kept: Session) -> None:
    await kept.run("import time\nz = 3")
    run = await until(kept, "print('on')\ntime.sleep(600)", b"on")
    kept.interrupt()
    assert (await run).reports[0]["kind"] == "KeyboardInterrupt"
    run = await until(kept, "print('on')\nawait asyncio.sleep(600)", b"on")
    run.interrupt()
    assert (await run).reports[0]["kind"] == "KeyboardInterrupt"
    assert text(await kept.run("z")) == "3"


async def test_a_time_limit_keeps_the_state(kept: Session) -> None:
    await kept.run("z = 4")
    late = await kept.run("while True: pass", timeout=0.3)
    assert late.status == "timeout"
    assert late.message.endswith("The session's state is kept.")
    run = await until(kept, "print('on')\ntime.sleep(600)", b"on")
    cancelled = await run.cancel()
    assert cancelled.status == "cancelled"
    assert text(await kept.run("z")) == "4"


async def test_processor_time_is_of_each_piece(workspace: Workspace) -> None:
    code = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    async with workspace.session(limits=Limits(cpu_seconds=0.7)) as session:
        for _ in range(3):
            assert (await session.run(code)).status == "passed"
        busy = "print('on', flush=True)\nwhile True: pass"
        for endless in (busy, f"import subprocess\nsubprocess.run(['python3', '-c', {busy!r}])"):
            ended = await session.run(endless)
            assert (ended.status, ended.stdout.data) == ("timeout", b"on\n")
            assert ended.message == (
                "Ended after 0.7 s of processor time, its limit. The session's state is kept."
            )
        assert text(await session.run("time.sleep(0)\n5")) == "5"


@pytest.mark.parametrize("each", [each for each in runtimes().values() if each.sessions])
async def test_a_runtime_with_sessions_brings_its_program(each: Runtime) -> None:
    assert f"{each.name}.session" in bundle.guest(each.name).modules


async def test_what_goes_on_for_all_that_is_ended(workspace: Workspace) -> None:
    async with workspace.session() as session:
        code = "import signal\nsignal.signal(2, signal.SIG_IGN)\nprint('on')\nwhile True: pass"
        run = await until(session, code, b"on")
        cancelled = await run.cancel()
        assert (cancelled.status, session.state) == ("cancelled", "lost")
        assert cancelled.message.endswith("The session's state is lost.")
        with pytest.raises(SessionRefused, match="Restart it to go on"):
            session.run("1")
        await session.restart()
        assert text(await session.run("1")) == "1"


async def test_limits_that_end_the_session_say_so(workspace: Workspace) -> None:
    limits = Limits(memory_bytes=128 << 20, output_bytes=100_000, processes=20)
    ends = {
        "memory": "x = bytearray(400 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1",
        "output": "while True: print('x' * 1000)",
        "failed": "import os\nos._exit(7)",
    }
    async with workspace.session(limits=limits) as session:
        for status, code in ends.items():
            await session.run("kept = 1")
            ended = await session.run(code)
            allowed = {status, "failed"} if status == "memory" else {status}
            assert ended.status in allowed
            if ended.reports:  # a memory error, where the kernel holds what is reserved
                assert ended.reports[0]["kind"] == "MemoryError"
                continue
            assert session.state == "lost"
            assert ended.message.endswith("The session's state is lost.")
            await session.restart()
        small = await session.run("print('x' * 50_000)")
        again = await session.run("print('x' * 60_000)")  # of each piece, not of all
        assert (small.status, again.status) == ("passed", "passed")


async def test_what_ends_between_two_pieces_is_told(workspace: Workspace) -> None:
    async with workspace.session() as session:
        code = "import os, threading, time\nthreading.Timer(0.05, lambda: os._exit(1)).start()"
        await session.run(code)
        async with asyncio.timeout(PATIENCE):
            while (result := await session.run("time.sleep(0.02)")).status == "passed":
                pass
        assert session.state == "lost"
        assert "interpreter has ended" in result.message or "exit code 1" in result.message


async def test_files_stay_and_are_told_once(workspace: Workspace) -> None:
    async with workspace.session() as session:
        wrote = await session.run(
            "open('new.txt', 'w').write('1')\nopen('data.txt', 'a').write('2')"
        )
        assert [(file.path, file.change) for file in wrote.files] == [
            ("data.txt", "modified"),
            ("new.txt", "created"),
        ]
        read = await session.run("open('new.txt').read() + open('data.txt').read()")
        assert (text(read), read.files) == (repr("1one\n2"), ())
        again = await session.run("open('new.txt', 'w').write('22')")
        assert [(file.change, file.data) for file in again.files] == [("modified", b"22")]
        gone = await session.run("import os\nos.remove('new.txt')\nos.remove('old.txt')")
        assert [(file.path, file.change) for file in gone.files] == [
            ("new.txt", "deleted"),
            ("old.txt", "deleted"),
        ]
        await workspace.write("data.txt", "the editor's\n")
        edited = await session.run("open('data.txt').read()")
        assert (text(edited), edited.files) == (repr("the editor's\n"), ())
    assert (await workspace.run("cat old.txt; ls")).stdout.data.startswith(b"old\n")


async def test_rich_values(kept: Session) -> None:
    await kept.run(
        "class Rich:\n"
        "    def __repr__(self): return 'rich'\n"
        "    def _repr_html_(self): return '<b>rich</b>'\n"
        f"    def _repr_png_(self): return {PICTURE!r}\n"
        "    def _repr_json_(self): return {'a': [1]}\n"
        "    def _repr_latex_(self): raise ValueError('no')\n"
        "    def _repr_svg_(self): return '<svg/>' * 1_000_000\n"
    )
    result = await kept.run("display(Rich(), 2)\nRich()")
    rich, two, last = shown(result)
    assert two == {"text/plain": "2"}
    assert (
        rich
        == last
        == {
            "text/plain": "rich",
            "text/html": "<b>rich</b>",
            "image/png": base64.b64encode(PICTURE).decode(),
            "application/json": {"a": [1]},
        }
    )
    assert b"_repr_latex_ raised ValueError: no" in result.stderr.data
    assert b"too large" in result.stderr.data
    assert shown(await kept.run("Rich"))[0].keys() == {"text/plain"}
    assert len(shown(await kept.run("'x' * 9_000_000"))[0]["text/plain"]) < 200_000
    broken = await kept.run("class B:\n    def __repr__(self): 1/0\nB()")
    assert broken.reports[0]["kind"] == "ZeroDivisionError"


async def test_what_waits_can_be_cancelled(kept: Session) -> None:
    await kept.run("w = 5")
    first = await until(kept, "print('on')\ntime.sleep(600)", b"on")
    waiting = kept.run("w = 6")
    assert (await waiting.cancel()).status == "cancelled"
    assert kept.state == "alive"
    first.interrupt()
    assert (await first).reports[0]["kind"] == "KeyboardInterrupt"
    assert text(await kept.run("w")) == "5"


async def test_a_tree_that_can_not_be_keeps_the_state(kept: Session) -> None:
    await kept.run("v = 5")
    wrong = await kept.run("1", tree={"../out": Blob(b"")})
    assert wrong.status == "error"
    assert text(await kept.run("v")) == "5"


async def test_sessions_are_apart(workspace: Workspace, kept: Session) -> None:
    async with workspace.session() as other:
        await kept.run("mine = 1")
        assert (await other.run("mine")).reports[0]["kind"] == "NameError"
        slow, quick = kept.run("time.sleep(0.2)"), other.run("2")
        assert (text(await quick), (await slow).status) == ("2", "passed")


async def test_a_runtime_without_sessions_is_refused(workspace: Workspace) -> None:
    with pytest.raises(SessionRefused, match="Go keeps no state"):
        workspace.session(runtime="go")


async def test_nobody_uses_it(workspace: Workspace) -> None:
    session = workspace.session(idle_seconds=0.2)
    assert text(await session.run("1")) == "1"
    async with asyncio.timeout(PATIENCE):
        await session.ended.wait()
    assert "nobody used it" in session.why
    await session.close()


@pytest.mark.bubblewrap
async def test_nothing_is_left() -> None:
    before = _own_children()
    async with open_sandbox(settings_for("bubblewrap")) as sandbox:
        session = sandbox.session("left")
        code = "import subprocess, threading, time\nsubprocess.Popen(['sleep', '1000'])\n"
        await session.run(code + "threading.Thread(target=time.sleep, args=(1000,)).start()")
        assert _own_children() != before
        assert len(sandbox.sessions) == 1
    assert _own_children() == before
    assert session.state == "closed"


OWNER = """
import asyncio, os
from fixwright_sandbox import SandboxSettings, open_sandbox

async def main():
    sandbox = await open_sandbox(SandboxSettings(backend="bubblewrap", pool=0))
    code = "import subprocess\\nsubprocess.Popen(['sleep', 'MARK'])"
    result = await sandbox.session("owned").run(code)
    print(result.status, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.mark.bubblewrap
async def test_nothing_is_left_of_a_killed_owner() -> None:
    mark = f"{600_000 + os.getpid()}"
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER.replace("MARK", mark), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(owner.communicate(), PATIENCE)
    assert (said, owner.returncode) == (b"passed\n", -9)
    async with asyncio.timeout(PATIENCE):
        while _sleeping(mark):  # noqa: ASYNC110 (a stranger's end sets no event)
            await asyncio.sleep(0.02)


def _sleeping(mark: str) -> bool:
    wanted = f"sleep\0{mark}\0".encode()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and (folder / "cmdline").read_bytes() == wanted:
                return True
    return False


def _own_children() -> set[str]:
    found: set[str] = set()
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        found.update((task / "children").read_text().split())
    return found
