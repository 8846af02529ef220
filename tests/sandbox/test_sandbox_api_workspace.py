"""A workspace: its files, what runs over them, and its states."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fixwright_sandbox import (
    InvalidTreeError,
    Limits,
    NotKept,
    Sandbox,
    SandboxUnavailable,
    Workspace,
    open_sandbox,
)
from support.sandboxes import open_or_skip, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def workspace(confined: Sandbox) -> AsyncIterator[Workspace]:
    files = {"main.py": "print('hello')", "data/one.txt": b"1"}
    async with await confined.create(files=files) as made:
        yield made


async def paths(workspace: Workspace, under: str = "") -> list[str]:
    return [file.path for file in await workspace.files(under)]


async def test_opening_and_closing() -> None:
    async with (
        open_sandbox(settings_for("unconfined")) as sandbox,
        await sandbox.create("mine", files={"a.py": "print(1)"}) as workspace,
    ):
        assert workspace.name == "mine"
        assert (await workspace.run(file="a.py")).stdout.data == b"1\n"
    with pytest.raises(SandboxUnavailable, match="no sandbox backend named 'nothing'"):
        async with open_sandbox("nothing"):  # pyright: ignore[reportArgumentType]  # the point of it
            pass


async def test_the_ways_to_run(workspace: Workspace) -> None:
    assert (await workspace.run(file="main.py")).stdout.data == b"hello\n"
    assert (await workspace.run("echo $((1 + 1)); ls data")).stdout.data == b"2\none.txt\n"
    assert (await workspace.run(["echo", "a b"])).stdout.data == b"a b\n"
    shown = await workspace.run(code="import sys\nprint(sys.argv[1:])", args=("x",))
    assert shown.stdout.data == b"['x']\n"
    assert (await workspace.run(code="echo $0", runtime="bash")).stdout.data == b"snippet.sh\n"
    assert (await workspace.run(code="print(input())", stdin="yes\n")).stdout.data == b"yes\n"
    seen = await workspace.run(code="import os; print(os.environ['A'])", env={"A": "b"})
    assert seen.stdout.data == b"b\n"
    assert await paths(workspace) == ["data/one.txt", "main.py"]


async def test_a_file_runs_in_the_runtime_of_its_name(workspace: Workspace) -> None:
    await workspace.write("hi.sh", "echo $BASH_VERSION | wc -l")
    assert (await workspace.run(file="hi.sh")).stdout.data == b"1\n"


async def test_code_gets_a_name_that_is_free(workspace: Workspace) -> None:
    await workspace.write("snippet.py", "")
    assert b"snippet2.py" in (await workspace.run(code="1 / 0")).stderr.data


async def test_tests_run(workspace: Workspace) -> None:
    await workspace.write("test_it.py", "def test_good(): pass\ndef test_bad(): assert 0\n")
    result = await workspace.run(tests=[])
    outcomes = [report["outcome"] for report in result.reports if report["type"] == "test"]
    assert (result.status, outcomes) == ("failed", ["passed", "failed"])
    assert (await workspace.run(tests=["test_it.py::test_good"])).status == "passed"


async def test_what_can_not_be_asked(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        workspace.run()
    with pytest.raises(ValueError, match="exactly one"):
        workspace.run("ls", code="1")
    with pytest.raises(ValueError, match="takes arguments"):
        workspace.run("ls", args=("x",))
    with pytest.raises(LookupError, match="cobol"):
        workspace.run(code="", runtime="cobol")
    with pytest.raises(InvalidTreeError):
        workspace.run(file="../main.py")


async def test_a_timeout_in_place_of_the_limits(workspace: Workspace) -> None:
    result = await workspace.run(code="print('on')\nwhile True: pass", timeout=0.3)
    assert (result.status, result.stdout.data) == ("timeout", b"on\n")
    assert workspace.limits.wall_seconds == 60


async def test_files_are_written_read_listed_and_removed(workspace: Workspace) -> None:
    await workspace.write("data/two.txt", "zwei ü")
    await workspace.write("tool", b"#!/bin/sh\necho tool", executable=True)
    assert await workspace.read("data/one.txt") == b"1"
    assert await workspace.read_text("data/two.txt") == "zwei ü"
    assert await paths(workspace, "data") == ["data/one.txt", "data/two.txt"]
    assert [(file.size, file.executable) for file in await workspace.files("tool")] == [(19, True)]
    assert (await workspace.run(["./tool"])).stdout.data == b"tool\n"
    await workspace.remove("data")
    assert await paths(workspace) == ["main.py", "tool"]
    for path in ("data", "data/one.txt", "mai"):
        with pytest.raises(FileNotFoundError, match=path):
            await workspace.remove(path)
        with pytest.raises(FileNotFoundError, match=path):
            await workspace.read(path)
    for path in ("/abs", "a/../b", "main.py/x"):
        with pytest.raises(InvalidTreeError):
            await workspace.write(path, "")
    assert await paths(workspace) == ["main.py", "tool"]


async def test_a_run_sees_the_tree_as_it_was_when_it_started(workspace: Workspace) -> None:
    run = workspace.run(file="main.py")
    await workspace.write("main.py", "print('later')")
    assert (await run).stdout.data == b"hello\n"
    assert (await workspace.run(file="main.py")).stdout.data == b"later\n"


WRITES = """
import os
open('new.txt', 'w').write('new')
open('main.py', 'w').write('print(2)')
os.remove('data/one.txt'); os.rmdir('data')
open('data', 'w').write('a file now')
os.makedirs('deep/er')
open('deep/er/run', 'w').write('#!/bin/sh\\necho run')
os.chmod('deep/er/run', 0o755)
"""


async def test_what_a_run_writes_is_put_back(workspace: Workspace) -> None:
    result = await workspace.run(code=WRITES)
    assert {(file.path, file.change) for file in result.files} == {
        *(("new.txt", "created"), ("main.py", "modified"), ("data/one.txt", "deleted")),
        *(("data", "created"), ("deep/er/run", "created")),
    }
    assert not result.kept
    assert (await workspace.run("ls")).stdout.data == b"data\nmain.py\n"
    await workspace.keep(result)
    assert await paths(workspace) == ["data", "deep/er/run", "main.py", "new.txt"]
    assert (await workspace.run(["deep/er/run"])).stdout.data == b"run\n"


async def test_a_run_may_keep_what_it_writes(workspace: Workspace) -> None:
    big = "open('big', 'wb').write(b'x' * (20 << 20))\nimport sys; sys.exit(3)"
    result = await workspace.run(code=WRITES + big, keep=True)
    assert (result.status, result.kept) == ("failed", True)
    assert len(await workspace.read("big")) == 20 << 20
    assert (await workspace.run("wc -c < big; cat new.txt")).stdout.data == b"20971520\nnew"


async def test_more_files_than_are_listed_are_kept_whole(workspace: Workspace) -> None:
    code = "for n in range(2500): open(f'f{n}', 'w').close()"
    listed = await workspace.run(code=code)
    assert (len(listed.files), listed.unlisted) == (2000, 500)
    with pytest.raises(NotKept, match="500 changed files"):
        await workspace.keep(listed)
    assert (await workspace.run(code=code, keep=True)).kept
    assert len(await workspace.files()) == 2502


async def test_what_can_not_be_kept_is_said_and_nothing_is(workspace: Workspace) -> None:
    code = "import os\nos.symlink('main.py', 'link')\nopen('a', 'w').close()"
    result = await workspace.run(code=code, keep=True)
    assert (result.status, result.kept) == ("passed", False)
    assert result.message.startswith("Passed. Nothing was kept: link can't be")
    assert await paths(workspace) == ["data/one.txt", "main.py"]


async def test_a_run_that_does_not_end_by_itself_keeps_nothing(workspace: Workspace) -> None:
    code = "open('a', 'w').close()\nprint('on')\nwhile True: pass"
    result = await workspace.run(code=code, keep=True, timeout=0.3)
    assert (result.status, result.kept) == ("timeout", False)
    assert await paths(workspace) == ["data/one.txt", "main.py"]


async def test_snapshots_and_reset(workspace: Workspace) -> None:
    before = await workspace.snapshot("before")
    await workspace.write("main.py", "print('changed')")
    after = await workspace.snapshot("after")
    assert [each.name for each in workspace.snapshots] == ["before", "after"]
    await workspace.reset("before")
    assert (await workspace.run(file="main.py")).stdout.data == b"hello\n"
    await workspace.reset(after)
    assert (await workspace.run(file="main.py")).stdout.data == b"changed\n"
    await workspace.reset()
    assert workspace.tree == before.tree
    with pytest.raises(LookupError, match="never"):
        await workspace.reset("never")


async def test_upload_takes_a_folder_without_what_is_ignored(
    workspace: Workspace, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    for name in ("a.py", "pkg/b.py", ".git/config", "pkg/__pycache__/b.pyc", "keep/c.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    (source / "tool").write_text("#!/bin/sh")
    (source / "tool").chmod(0o755)
    (source / "inside").symlink_to("a.py")
    (source / "outside").symlink_to("/etc/hostname")
    os.mkfifo(source / "pipe")
    uploaded = await workspace.upload(source, "app", ignore=[".git", "__pycache__", "keep"])
    assert uploaded == ("app/a.py", "app/inside", "app/pkg/b.py", "app/tool")
    assert [file.path for file in await workspace.files() if file.executable] == ["app/tool"]
    (source / "a.py").write_text("changed on the machine")
    assert await workspace.read("app/inside") == b"a.py"
    assert await workspace.upload(source / "a.py") == ("a.py",)
    assert await workspace.upload(source / "a.py", "b/c.py") == ("b/c.py",)
    with pytest.raises(FileNotFoundError):
        await workspace.upload(tmp_path / "nothing")


async def test_download_writes_files_and_never_through_a_link(
    workspace: Workspace, tmp_path: Path
) -> None:
    await workspace.write("tool", "x", executable=True)
    target = tmp_path / "target"
    written = await workspace.download("", target)
    assert sorted(path.relative_to(target).as_posix() for path in written) == [
        *("data/one.txt", "main.py", "tool")
    ]
    assert os.access(target / "tool", os.X_OK)
    assert await workspace.download("data", tmp_path / "data") == (tmp_path / "data/one.txt",)
    assert await workspace.download("main.py", tmp_path / "x.py") == (tmp_path / "x.py",)
    outside = tmp_path / "outside"
    outside.mkdir()
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "data").symlink_to(outside)
    (outside / "mine").write_text("mine")
    (trap / "main.py").symlink_to(outside / "mine")
    with pytest.raises(InvalidTreeError, match="leads out"):
        await workspace.download("", trap)
    await workspace.download("main.py", trap / "main.py")
    assert (outside / "mine").read_text() == "mine"
    assert [path.name for path in outside.iterdir()] == ["mine"]
    with pytest.raises(FileNotFoundError):
        await workspace.download("nothing", target)


async def test_two_workspaces_share_nothing(workspace: Workspace, confined: Sandbox) -> None:
    async with await confined.create(files={"other.py": ""}) as other:
        first, second = await workspace.run("ls"), await other.run("ls")
        assert (first.stdout.data, second.stdout.data) == (b"data\nmain.py\n", b"other.py\n")
    async with await confined.create("taken") as taken:
        with pytest.raises(ValueError, match="taken"):
            await confined.create("taken")
        assert taken.runtime == "python"
    async with await confined.create("taken"):
        pass


async def test_a_workspace_with_limits_and_a_runtime_of_its_own(confined: Sandbox) -> None:
    limits = Limits(memory_bytes=96 << 20)
    async with await confined.create(runtime="bash", limits=limits, env={"A": "1"}) as made:
        assert (await made.run(code="echo $A")).stdout.data == b"1\n"
        result = await made.run(["python3", "-c", "x = bytearray(200 << 20); print(len(x))"])
        assert result.status == "memory", result


async def test_files_of_the_machine_at_creation(confined: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("print('x')")
    async with await confined.create(files={"x.py": tmp_path / "x"}) as made:
        assert (await made.run(file="x.py")).stdout.data == b"x\n"
    with pytest.raises(FileNotFoundError):
        await confined.create(files={"x.py": tmp_path / "nothing"})


async def test_a_backend_that_is_not_there(tmp_path: Path) -> None:
    settings = settings_for("docker", docker_host=f"unix://{tmp_path}/nothing")
    with pytest.raises(SandboxUnavailable, match="No Docker Engine answers"):
        await open_sandbox(settings)


@pytest.mark.bubblewrap
async def test_the_tree_is_gone_with_the_workspace() -> None:
    async with await open_or_skip("bubblewrap", python=sys.executable) as sandbox:
        made = await sandbox.create(files={"a": "1"})
        await made.snapshot("s")
        await made.close()
        assert (dict(made.tree), made.snapshots) == ({}, ())
        with pytest.raises(ValueError, match="closed"):
            made.run(file="a")
