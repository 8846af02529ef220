"""A large tree is not read after each run, and is the host's all the same."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fixwright_sandbox import Blob, RunCommand
from fixwright_sandbox.guest import tree_copy
from fixwright_sandbox.guest.tree_copy import TreeCopy
from support.sandboxes import Bench

FILES = {f"p{number % 20}/m{number}": b"x%d" % number for number in range(400)}


def overwrite_through_a_mapping(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    with mmap.mmap(handle, 0) as page:
        os.close(handle)
        page[0] = ord("!")


def through_its_name(root: Path) -> None:
    overwrite_through_a_mapping(root / "p3/m3")


def through_another_name(root: Path) -> None:
    os.link(root / "p3/m3", root / "other")
    overwrite_through_a_mapping(root / "other")
    (root / "other").unlink()


def through_a_new_folder(root: Path) -> None:
    (root / "new").mkdir()
    os.link(root / "p3/m3", root / "new/other")
    overwrite_through_a_mapping(root / "new/other")
    (root / "new/other").unlink()
    (root / "new").rmdir()


def through_a_moved_folder(root: Path) -> None:
    (root / "p3").rename(root / "q")
    overwrite_through_a_mapping(root / "q/m3")
    (root / "q").rename(root / "p3")


def after_many_others(root: Path) -> None:
    for _ in range(60):  # more than the kernel keeps events for
        for path in FILES:
            (root / path).read_bytes()
    overwrite_through_a_mapping(root / "p3/m3")


def by_another_file(root: Path) -> None:
    (root / "p3/m3").unlink()
    (root / "p3/m3").write_bytes(b"!3")


def by_a_folder_of_links(root: Path) -> None:
    """The new folder is not that which was watched, while the files are the same."""
    (root / "p3").rename(root / "q")
    (root / "p3").mkdir(0o755)
    for file in (root / "q").iterdir():
        os.link(file, root / "p3" / file.name)
    overwrite_through_a_mapping(root / "p3/m3")


WAYS: list[Callable[[Path], None]] = [
    through_its_name,
    through_another_name,
    through_a_new_folder,
    through_a_moved_folder,
    after_many_others,
    by_another_file,
    by_a_folder_of_links,
]


def restored(copy: TreeCopy) -> None:
    """What the runner and the host do between two runs."""
    copy.changes()
    missing = set(copy.restore())
    missing.update(copy.verify())
    for path in missing:
        copy.write(path, FILES[path], executable=False)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("m*")}


@pytest.fixture
def watched(tmp_path: Path) -> TreeCopy:
    copy = TreeCopy(str(tmp_path), alone=True)
    for path, data in FILES.items():
        copy.write(path, data, executable=False)
    restored(copy)
    return copy


@pytest.mark.parametrize("spoil", WAYS)
def test_what_a_run_wrote_is_seen_however_it_did(
    watched: TreeCopy, spoil: Callable[[Path], None]
) -> None:
    root = Path(watched.root)
    for way in (spoil, through_its_name, spoil, through_a_moved_folder):
        way(root)
        assert contents(root) != FILES
        restored(watched)
        assert contents(root) == FILES
        assert {each.name for each in root.iterdir()} == {f"p{number}" for number in range(20)}


def test_a_change_in_the_same_tick_of_the_clock_is_seen(watched: TreeCopy) -> None:
    """Until the clock ticks, the time of an inode tells nothing of another change."""
    root = Path(watched.root)
    for _ in range(50):
        watched.write("p3/m3", FILES["p3/m3"], executable=False)
        through_another_name(root)
        restored(watched)
        assert contents(root) == FILES


def test_nothing_is_read_that_nobody_opened(
    watched: TreeCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, read = Path(watched.root), list[str]()
    time.sleep(0.02)  # the clock's tick: what was written in it is read, to be sure
    digest = tree_copy._digest

    def noted(path: str) -> bytes:
        read.append(str(Path(path).relative_to(root)))
        return digest(path)

    monkeypatch.setattr(tree_copy, "_digest", noted)
    (root / "p4/m4").read_bytes()
    (root / "p5/m5").write_bytes(b"longer")
    restored(watched)
    assert sorted(read) == ["p4/m4"]
    restored(watched)
    assert len(read) == 1
    (root / "p4/new").write_bytes(b"")
    assert [each.path for each in watched.changes()] == ["p4/new"]
    watched.restore()
    assert watched._unverified in ([], ["p5/m5"])  # written in the clock's last tick, or not


def test_where_others_may_live_everything_is_read(tmp_path: Path) -> None:
    copy = TreeCopy(str(tmp_path), alone=False)
    for path, data in FILES.items():
        copy.write(path, data, executable=False)
    restored(copy)
    restored(copy)
    copy.changes()
    copy.restore()
    assert len(copy._unverified) == len(FILES)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_program_can_not_leave_something_for_the_next_run(safe_bench: Bench) -> None:
    safe_bench.tree = {path: Blob(data) for path, data in FILES.items()}
    check = RunCommand(("sh", "-c", "cat p3/m3; find . -type f | wc -l"))
    ways = {
        "name": "f = 'p3/m3'",
        "link": "f = 'other'; os.link('p3/m3', f)",
        "socket": "f = 'p3/m3'",
    }
    for name, prepare in ways.items():
        await safe_bench.run(check)
        result = await safe_bench.run(
            f"import mmap, os, socket\n{prepare}\n"
            "h = os.open(f, os.O_RDWR)\n"
            "m = mmap.mmap(h, 0); m[0] = 33\n"
            f"if {name == 'socket'}:\n"
            "    a, b = socket.socketpair()\n"
            "    socket.send_fds(a, [b'.'], [h, a.fileno(), b.fileno()])\n"
            "if f == 'other': os.unlink(f)\n"
            "print(open('p3/m3').read())"
        )
        assert (result.status, result.stdout.data) == ("passed", b"!3\n"), result
        found = await safe_bench.run(check)
        assert found.stdout.data == b"x3400\n", name
