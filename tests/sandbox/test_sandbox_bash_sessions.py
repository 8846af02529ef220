"""Sessions of Bash: what stays, what ends them, and where failures are told to be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio

from fixwright_sandbox import Execution, Limits, Result, Sandbox, Session, Workspace
from support.sandboxes import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def workspace(everywhere: Sandbox) -> AsyncIterator[Workspace]:
    async with await everywhere.create(files={"folder/data": "one\n"}) as workspace:
        yield workspace


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def kept(workspace: Workspace) -> AsyncIterator[Session]:
    """A shell that the tests of a backend share: each leaves it alive."""
    async with workspace.session(runtime="bash") as session:
        yield session


async def until(session: Session, code: str, said: bytes, **options: Any) -> Execution:
    execution = session.run(code, **options)
    async with asyncio.timeout(PATIENCE):
        async for event in execution:
            assert event.kind != "end", event.result
            if event.kind == "stdout" and said in event.data:
                return execution
    raise AssertionError


async def said(session: Session, code: str, **options: Any) -> bytes:
    async with asyncio.timeout(PATIENCE):
        result = await session.run(code, **options)
    assert result.status == "passed", (result.message, result.stderr.data)
    return result.stdout.data


def failure(result: Result) -> dict[str, Any]:
    assert result.status == "failed", result.message
    return cast("dict[str, Any]", dict(result.reports[0]))


async def test_variables_functions_folder_and_options_stay(kept: Session) -> None:
    await said(kept, "x='a  b'; twice() { echo $1$1; }; shopt -s nullglob; cd folder; list=(1 2)")
    assert await said(kept, 'twice "$x"; echo *.none; basename "$PWD"; echo ${list[1]}') == (
        b"a ba b\n\nfolder\n2\n"
    )
    assert await said(kept, "cd - >/dev/null; cat folder/data; shopt -u nullglob") == b"one\n"
    await said(kept, "set -o noclobber")
    assert b"C" in await said(kept, "echo $-; set +o noclobber")


async def test_the_status_of_the_last_command(kept: Session) -> None:
    failed = await kept.run("echo a\nfalse\n(exit 3)")
    assert (failed.exit_code, failed.stdout.data) == (3, b"a\n")
    assert failure(failed)["line"] == 2
    assert await said(kept, "echo $?") == b"3\n"
    assert kept.state == "alive"


async def test_a_syntax_error_does_not_end_the_shell(kept: Session) -> None:
    await said(kept, "y=1")
    told = failure(await kept.run("echo no\nif then"))
    assert (told["kind"], told["path"][:6], told["line"], told["column"]) == (
        "SyntaxError", "<cell ", 1, 3,
    )  # fmt: skip
    told = failure(await kept.run("if then"))
    assert (told["line"], told["column"]) == (0, 3)
    assert await said(kept, "echo $y; basename $PWD") == b"1\n" + await said(kept, "basename $PWD")


async def test_standard_input_of_each_piece(kept: Session) -> None:
    assert await said(kept, 'read -r a; echo "<$a>"; cat', stdin="1\n2\n") == b"<1>\n2\n"
    assert await said(kept, "cat") == b""
    run = await until(kept, 'echo on; read -r a; echo "<$a>"', b"on", interactive=True)
    await run.write("Ada\n")
    assert (await run).stdout.data == b"on\n<Ada>\n"


@pytest.mark.parametrize(
    "code",
    [
        "echo on; sleep 600; echo NOT",
        "echo on; while :; do :; done; echo NOT",
        "f() { while :; do g; done; }; g() { n=1; }; echo on; f; echo NOT",
        "echo on; (sleep 600 | cat); echo NOT",
        "echo on; value=$(sleep 600); echo NOT",
        "echo on; sleep 600 & wait; echo NOT",
    ],
)
async def test_an_interrupt_ends_the_cell_and_not_the_shell(kept: Session, code: str) -> None:
    await said(kept, "z=3")
    run = await until(kept, code, b"on")
    kept.interrupt()
    async with asyncio.timeout(PATIENCE):
        result = await run
    assert (result.exit_code, result.stdout.data) == (130, b"on\n")
    assert failure(result)["kind"] == "SIGINT"
    assert await said(kept, "echo $z") == b"3\n"


async def test_an_interrupt_where_it_waits_for_input(kept: Session) -> None:
    await said(kept, "z=4")
    run = await until(kept, "echo on; read -r a; echo NOT", b"on", interactive=True)
    kept.interrupt()
    assert (await run).stdout.data == b"on\n"
    run = await until(kept, "f() { while :; do n=1; done; }; echo on; f; echo NOT", b"on")
    kept.interrupt()
    assert (await run).stdout.data == b"on\n"
    assert await said(kept, "echo $z") == b"4\n"


async def test_a_time_limit_keeps_the_state(kept: Session) -> None:
    await said(kept, "z=5")
    late = await kept.run("while :; do :; done", timeout=0.3)
    assert late.status == "timeout"
    assert late.message.endswith("The session's state is kept.")
    assert await said(kept, "echo $z") == b"5\n"


async def test_processor_time_is_of_each_piece(workspace: Workspace) -> None:
    async with workspace.session(runtime="bash", limits=Limits(cpu_seconds=0.5)) as session:
        ended = await session.run("z=6; echo on; while :; do :; done")
        assert (ended.status, ended.stdout.data) == ("timeout", b"on\n")
        assert ended.message == (
            "Ended after 0.5 s of processor time, its limit. The session's state is kept."
        )
        assert await said(session, "echo $z") == b"6\n"


async def test_failures_are_at_the_files_own_lines(workspace: Workspace) -> None:
    cell = "f() {\n  nosuch 1\n}\n"
    await workspace.write("folder/cells.sh", f"# %%\n{cell}# %%\nf\n")
    async with workspace.session(runtime="bash") as session:
        await said(session, cell, path="folder/cells.sh", line=1)
        failed = await session.run("f\n", path="folder/cells.sh", line=5)
        assert failed.stderr.data == b"./folder/cells.sh: line 3: nosuch: command not found\n"
        told = failure(failed)
        assert (told["kind"], told["column"], told["endColumn"]) == ("CommandNotFound", 2, 8)
        assert told["frames"] == [
            {"path": "folder/cells.sh", "line": 5, "name": "main"},
            {"path": "folder/cells.sh", "line": 2, "name": "f"},
        ]
        # What was executed before has moved.
        await workspace.write("folder/cells.sh", f"# 1\n# 2\n# %%\n{cell}# %%\nf\n")
        told = failure(await session.run("f\n", path="folder/cells.sh", line=7))
        assert [each["line"] for each in told["frames"]] == [7, 4]
        # And now it is there no longer.
        await workspace.write("folder/cells.sh", "# %%\nf\n")
        told = failure(await session.run("f\n", path="folder/cells.sh", line=1))
        assert [each["path"] for each in told["frames"]] == [
            "folder/cells.sh",
            "<folder/cells.sh as it was>",
        ]


@pytest.mark.parametrize(
    ("code", "exit_code", "lines"),
    [
        ("exit 3", 3, [1]),
        ("exit", 0, []),
        ("set -e\nfalse\necho NOT", 1, [2]),
        ("set -u\necho $nothing", 1, [2]),
    ],
)
async def test_what_ends_the_shell_is_said(
    workspace: Workspace, code: str, exit_code: int, lines: list[int]
) -> None:
    async with workspace.session(runtime="bash") as session:
        ended = await session.run(f"echo on\n{code}")
        assert (ended.exit_code, session.state) == (exit_code, "lost")
        assert ended.message.endswith(
            "The code ended the session itself. The session's state is lost."
        )
        assert ended.stdout.data == b"on\n"
        assert [each["line"] for each in ended.reports] == lines
        await session.restart()
        assert await said(session, "echo $-") == b"hBE\n"
