"""What a run changes is collected, and the next run finds the tree as the user has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright_sandbox import Blob, ChangedFile, HostFile, Result, RunCommand
from support.sandboxes import Bench, is_of_the_interpreter

pytestmark = pytest.mark.asyncio(loop_scope="module")


def changes(result: Result) -> dict[str, ChangedFile]:
    return {file.path: file for file in result.files}


async def test_changes_are_collected_and_put_back(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "on_disk").write_text("user's")
    info = (tmp_path / "on_disk").stat()
    bench.tree |= {
        "keep": Blob(b"keep"),
        "edit": Blob(b"before"),
        "dir/lose": Blob(b"lose"),
        "on_disk": HostFile(tmp_path / "on_disk", info.st_size, info.st_mtime_ns, info.st_ino),
    }
    before = await bench.listing()
    code = (
        "import os, pathlib\n"
        "pathlib.Path('edit').write_text('after!')\n"
        "pathlib.Path('on_disk').write_text('spoilt')\n"
        "pathlib.Path('new/deep').mkdir(parents=True)\n"
        "pathlib.Path('new/deep/file').write_bytes(bytes(3))\n"
        "os.utime('keep')\n"
        "os.remove('dir/lose'); os.rmdir('dir')\n"
    )
    execution = bench.start(code)
    result = await execution.wait()
    assert changes(result) == {
        "dir/lose": ChangedFile("dir/lose", "deleted", 0, None),
        "edit": ChangedFile("edit", "modified", 6, b"after!"),
        "new/deep/file": ChangedFile("new/deep/file", "created", 3, bytes(3)),
        "on_disk": ChangedFile("on_disk", "modified", 6, b"spoilt"),
    }
    assert [event.file async for event in execution.events() if event.kind == "file"] == list(
        result.files
    )
    assert (tmp_path / "on_disk").read_text() == "user's"
    assert await bench.listing() == before
    assert (
        await bench.run(RunCommand(("cat", "edit", "keep", "dir/lose", "on_disk")))
    ).stdout.data == (b"beforekeeploseuser's")


async def test_writing_through_a_mapping_is_put_back(bench: Bench) -> None:
    """On tmpfs such a write changes no time of the file."""
    bench.tree["data"] = Blob(b"x" * 10_000)
    result = await bench.run(
        "import mmap\n"
        "with open('data', 'r+b') as f, mmap.mmap(f.fileno(), 0) as m: m[0:5] = b'taken'"
    )
    assert result.status == "passed", result
    assert (await bench.run(RunCommand(("head", "-c", "5", "data")))).stdout.data == b"xxxxx"


async def test_a_folder_moved_behind_a_link_is_put_back(bench: Bench) -> None:
    bench.tree["src/a"] = Blob(b"a")
    result = await bench.run("import os; os.rename('src', 'other'); os.symlink('other', 'src')")
    assert set(changes(result)) == {"src", "src/a", "other/a"}
    assert await bench.listing() == {"d src", "f src/a"}


async def test_special_files_are_named_and_removed(bench: Bench) -> None:
    result = await bench.run(
        "import os, socket\n"
        "os.mkfifo('fifo')\n"
        "os.symlink('/etc/passwd', 'link')\n"
        "os.symlink('..', 'out')\n"
        "socket.socket(socket.AF_UNIX).bind('socket')\n"
        "os.mkdir('dir'); os.symlink('dir', 'dirlink')\n"
        "open('hard', 'w').write('x'); os.link('hard', 'dir/hard')\n"
    )
    assert changes(result) == {
        **{
            name: ChangedFile(name, "created", 0, None)
            for name in ("fifo", "link", "out", "socket", "dirlink")
        },
        "hard": ChangedFile("hard", "created", 1, b"x"),
        "dir/hard": ChangedFile("dir/hard", "created", 1, b"x"),
    }
    assert await bench.listing() == set()


async def test_a_file_replaced_by_something_else_is_put_back(bench: Bench) -> None:
    bench.tree |= {"a": Blob(b"a"), "b": Blob(b"b"), "c/d": Blob(b"d")}
    result = await bench.run(
        "import os, shutil\n"
        "os.remove('a'); os.mkdir('a'); open('a/x', 'w').close()\n"
        "os.remove('b'); os.mkfifo('b')\n"
        "shutil.rmtree('c'); open('c', 'w').close()\n"
    )
    assert {path: file.change for path, file in changes(result).items()} == {
        "a": "deleted",
        "a/x": "created",
        "b": "modified",
        "c": "created",
        "c/d": "deleted",
    }
    assert (await bench.run(RunCommand(("cat", "a", "b", "c/d")))).stdout.data == b"abd"


async def test_names_that_no_editor_has(bench: Bench) -> None:
    result = await bench.run(
        "import os\n"
        "for name in (b'bad-\\xff', b'new\\nline', b'n' * 255, 'é'.encode(), b'\\x1b[31m'):\n"
        "    open(name, 'wb').write(b'1')\n"
    )
    assert changes(result) == {
        "bad-\\xff": ChangedFile("bad-\\xff", "created", 1, None),
        **{
            name: ChangedFile(name, "created", 1, b"1")
            for name in ("new\nline", "n" * 255, "é", "\x1b[31m")
        },
    }
    assert await bench.listing() == set()


async def test_rights_taken_away_do_not_keep_anything(bench: Bench) -> None:
    bench.tree["dir/a"] = Blob(b"a")
    result = await bench.run(
        "import os\n"
        "os.makedirs('shut/in'); open('shut/in/x', 'w').close()\n"
        "os.chmod('shut/in', 0); os.chmod('shut', 0); os.chmod('dir/a', 0); os.chmod('dir', 0)\n"
        "os.mkdir('/tmp/x') if os.path.isdir('/workspace') else None\n"
    )
    assert result.status == "passed", result
    assert set(changes(result)) == {"shut/in/x"}
    assert await bench.listing() == {"d dir", "f dir/a"}
    assert (await bench.run(RunCommand(("cat", "dir/a")))).stdout.data == b"a"


async def test_large_and_many_files_are_bounded(bench: Bench) -> None:
    result = await bench.run(
        "for i in range(10): open(f'm{i}', 'wb').write(bytes(1_000_000))\n"
        "open('big', 'wb').write(bytes(2_000_000))\n"
        "open('sparse', 'wb').truncate(200_000_000)\n"
    )
    files = changes(result)
    assert (files["big"].size, files["big"].data) == (2_000_000, None)
    assert (files["sparse"].size, files["sparse"].data) == (200_000_000, None)
    assert sum(len(file.data or b"") for file in result.files) == 8_000_000
    many = await bench.run("for i in range(2100): open(str(i), 'w').close()")
    assert len(many.files) == 2000
    assert many.message == "Passed. It changed 100 more files than are listed."
    assert await bench.listing() == set()


async def test_nothing_is_left_in_the_other_folders(bench: Bench) -> None:
    look = RunCommand(
        ("sh", "-c", "find $TMPDIR $HOME -xdev -mindepth 1 | grep -v -e /.run -e /home$")
    )
    await bench.run(
        "import os\n"
        "for folder in (os.environ['TMPDIR'], os.environ['HOME']):\n"
        "    os.makedirs(folder + '/d/e'); open(folder + '/d/e/f', 'w').close()\n"
    )
    found = (await bench.run(look)).stdout.data.decode().splitlines()
    assert [path for path in found if not is_of_the_interpreter(path)] == []


async def test_caches_of_the_interpreter_are_not_changes(bench: Bench) -> None:
    bench.tree["m.py"] = Blob(b"")
    result = await bench.run(RunCommand(("python3", "-m", "py_compile", "m.py")))
    assert (result.status, result.files) == ("passed", ())
    assert await bench.listing() == {"f m.py"}
