"""The guest's copy is the tree, whatever changed since the last run."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixwright_sandbox import Blob, HostFile, RunCommand
from fixwright_sandbox.delta import Manifest, TreeTooLargeError, difference, frames, prelude
from fixwright_sandbox.guest.tree_copy import TreeCopy
from fixwright_sandbox.wire import FrameReader
from support.sandboxes import Bench, open_or_skip

SUMS = RunCommand(
    ("sh", "-c", "find . -type f -exec sha256sum {} + ; find . -type f -perm -1 -print")
)


def host_file(path: Path) -> HostFile:
    info = path.stat()
    return HostFile(path, info.st_size, info.st_mtime_ns, info.st_ino, os.access(path, os.X_OK))


def expected(tree: dict[str, Blob | HostFile]) -> set[bytes]:
    lines: set[bytes] = set()
    for path, item in tree.items():
        data = item.data if isinstance(item, Blob) else item.path.read_bytes()
        lines.add(f"{hashlib.sha256(data).hexdigest()}  ./{path}".encode())
        if item.executable:
            lines.add(f"./{path}".encode())
    return lines


@pytest.mark.asyncio(loop_scope="module")
async def test_unsaved_text_lies_over_the_disk(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "saved.py").write_text("X = 'on disk'")
    (tmp_path / "data.txt").write_text("data")
    bench.tree["saved.py"] = Blob(b"X = 'in the editor'")
    bench.tree["sub/data.txt"] = host_file(tmp_path / "data.txt")
    result = await bench.run("import saved; print(saved.X, open('sub/data.txt').read())")
    assert result.stdout.data == b"in the editor data\n"
    assert (tmp_path / "saved.py").read_text() == "X = 'on disk'"


@pytest.mark.asyncio(loop_scope="module")
async def test_random_edits_arrive(bench: Bench, tmp_path: Path) -> None:
    """The same as the property below, through the whole sandbox, with runs that spoil things."""
    chance = random.Random(7)
    names = ["a", "b/c", "b/d/e", "f.py", "g", "g2/h"]
    for turn in range(12):
        for name in chance.sample(names, 3):
            content = bytes(chance.choices(b"xyz\n", k=chance.choice([0, 1, 5, 600_000])))
            executable = chance.random() < 0.3
            choice = chance.random()
            if choice < 0.3:
                bench.tree.pop(name, None)
            elif choice < 0.6:
                bench.tree[name] = Blob(content, executable)
            else:
                file = tmp_path / f"{turn}-{name.replace('/', '-')}"
                file.write_bytes(content)
                file.chmod(0o755 if executable else 0o644)
                bench.tree[name] = host_file(file)
        found = await bench.run(SUMS)
        assert set(found.stdout.data.splitlines()) == expected(bench.tree)
        await bench.run(
            RunCommand(("sh", "-c", "rm -rf b; echo spoilt >> a; chmod 000 g; touch new"))
        )


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_vanished_is_left_out(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("1")
    (tmp_path / "gone").write_text("2")
    bench.tree["here"] = host_file(tmp_path / "here")
    bench.tree["gone"] = host_file(tmp_path / "gone")
    (tmp_path / "gone").unlink()
    assert await bench.listing() == {"f here"}
    (tmp_path / "here").unlink()
    os.mkfifo(tmp_path / "here")
    bench.tree["here"] = HostFile(tmp_path / "here", 0, 1, 2)
    assert await bench.listing() == set()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_changed_is_sent_as_it_is(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("old")
    bench.tree["log"] = host_file(file)
    file.write_text("newer")
    assert (await bench.run(RunCommand(("cat", "log")))).stdout.data == b"newer"
    bench.tree["log"] = host_file(file)
    assert (await bench.run(RunCommand(("cat", "log")))).stdout.data == b"newer"


@pytest.mark.bubblewrap
async def test_a_tree_that_is_too_large_is_refused() -> None:
    async with await open_or_skip("bubblewrap", tree_bytes=1 << 20) as sandbox:
        bench = Bench(sandbox, tree={"big": Blob(bytes(2 << 20))})
        result = await bench.run("pass")
        assert result.status == "error"
        assert "come to 2 MiB, more than the 1 MiB" in result.message
        del bench.tree["big"]
        assert (await bench.run("pass")).status == "passed"


@pytest.mark.bubblewrap
async def test_sending_a_large_tree_leaves_the_loop_free(tmp_path: Path) -> None:
    async with await open_or_skip("bubblewrap") as sandbox:
        bench = Bench(sandbox)
        for number in range(600):
            file = tmp_path / str(number)
            file.write_bytes(bytes(20_000))
            bench.tree[f"d{number % 9}/{number}"] = host_file(file)
        run = bench.start("pass")
        turns = 0
        while run.recording.result is None:
            await asyncio.sleep(0)
            turns += 1
        assert run.recording.result.status == "passed"
        assert turns > 100


names = st.sampled_from(["a", "b", "a/b", "a/b/c", "b/a", "c/a/a"])
contents = st.one_of(st.binary(max_size=8), st.just(b"0" * 300_000), st.just(b"1" * 1_100_000))
trees = st.dictionaries(names, st.builds(Blob, contents, st.booleans()), max_size=5).filter(
    lambda tree: not any(f"{path}/" == other[: len(path) + 1] for path in tree for other in tree)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states=st.lists(trees, min_size=1, max_size=5))
def test_any_sequence_of_trees_arrives(
    states: list[dict[str, Blob]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("copy")
    copy, manifest = TreeCopy(str(root)), Manifest()
    for tree in states:
        delta = difference(tree, manifest, 1 << 30)
        sent = prelude(delta, manifest) + b"".join(frames(tree, delta, manifest, 1 << 30))
        asyncio.run(_apply(sent, copy))
        found = {
            str(path.relative_to(root)): (path.read_bytes(), os.access(path, os.X_OK))
            for path in root.rglob("*")
            if path.is_file()
        }
        if os.getuid() == 0:  # to whom every file with any x bit is executable, as to others
            assert {path: data for path, (data, _) in found.items()} == {
                path: blob.data for path, blob in tree.items()
            }
        folders = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir()}
        assert folders == {str(parent) for path in tree for parent in list(Path(path).parents)[:-1]}
        assert difference(tree, manifest, 1 << 30).wanted == []
        assert copy.changes() == []


async def _apply(sent: bytes, copy: TreeCopy) -> None:
    pieces = [sent, b""]

    async def read() -> bytes:
        return pieces.pop(0)

    reader = FrameReader(read)
    while (frame := await reader.next()) is not None:
        header, payload = frame
        match header.text("op"):
            case "remove":
                for path in header.texts("paths"):
                    copy.remove(path)
            case "part":
                copy.write_part(
                    header.text("path"),
                    payload,
                    executable=header.flag("executable"),
                    first=header.flag("first"),
                    last=header.flag("last"),
                )
            case _:
                position = 0
                for path, size, executable in header._values["files"]:  # type: ignore[union-attr]  # raw
                    copy.write(path, payload[position : position + size], executable=executable)
                    position += size


def test_a_host_file_that_grew_over_the_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "grown"
    file.write_bytes(b"1")
    tree = {"grown": host_file(file)}
    file.write_bytes(bytes(100))
    manifest = Manifest()
    delta = difference(tree, manifest, 50)
    with pytest.raises(TreeTooLargeError, match="has grown"):
        list(frames(tree, delta, manifest, 50))
