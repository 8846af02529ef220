"""Whatever happens to the files, the index is that of a new start."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fixwright.index.workspace_index import WorkspaceIndex

Found = set[tuple[str, str, int]]

FOLDERS = ["", "a", "a/b", "c.d", "nested"]
NAMES = ["one.py", "two.py", "three.sh", "four.txt", "ignored.py"]


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


class Disk:
    """A folder to which random things happen; each operation says which paths a client names."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.count = 0
        self.operations: list[Callable[[], list[Path]]] = [
            self.write, self.write, self.write, self.save_by_rename, self.append, self.delete,
            self.move, self.move_folder, self.delete_folder, self.ignore, self.link, self.switch,
            self.swap,
        ]  # fmt: skip

    def step(self) -> list[Path]:
        return self.random.choice(self.operations)()

    def text(self) -> str:
        self.count += 1
        return f"def f{self.count}(): pass\n" + f"def g{self.random.randrange(5)}(): pass\n"

    def place(self) -> Path:
        return self.root / self.random.choice(FOLDERS) / self.random.choice(NAMES)

    def existing(self) -> Path | None:
        found = [p for p in self.root.rglob("*.*") if p.is_file() and ".git" not in p.parts]
        found = [p for p in found if not p.name.startswith(".")]
        return self.random.choice(sorted(found)) if found else None

    def write(self) -> list[Path]:
        path = self.place()
        if path.parent.is_file() or path.is_dir():
            return []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text())
        return [path]

    def append(self) -> list[Path]:
        path = self.existing()
        if path is None:
            return []
        with path.open("a") as file:
            file.write(self.text())
        return [path]

    def save_by_rename(self) -> list[Path]:
        path = self.existing()
        if path is None:
            return []
        beside = path.with_name(path.name + "~")
        beside.write_text(self.text())
        beside.rename(path)
        return [beside, path]

    def delete(self) -> list[Path]:
        path = self.existing()
        if path is None:
            return []
        path.unlink()
        return [path]

    def move(self) -> list[Path]:
        path, target = self.existing(), self.place()
        if path is None or target.is_dir() or target == path:
            return []
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        return [path, target]

    def swap(self) -> list[Path]:
        one, other = self.existing(), self.existing()
        if one is None or other is None or one == other:
            return []
        beside = self.root / "beside~"
        one.rename(beside)
        other.rename(one)
        beside.rename(other)
        return [one, other]

    def folder(self) -> Path | None:
        found = [p for p in self.root.iterdir() if p.is_dir() and not p.is_symlink()]
        found = [p for p in found if p.name != ".git"]
        return self.random.choice(sorted(found)) if found else None

    def move_folder(self) -> list[Path]:
        path = self.folder()
        target = self.root / f"moved.{self.random.randrange(3)}"
        if path is None or target.exists():
            return []
        path.rename(target)
        return [path, target]

    def delete_folder(self) -> list[Path]:
        path = self.folder()
        if path is None or self.random.random() < 0.5:
            return []
        shutil.rmtree(path)
        return [path]

    def ignore(self) -> list[Path]:
        name = self.random.choice([".gitignore", ".ignore"])
        path = self.root / self.random.choice(["", "a"]) / name
        if not path.parent.is_dir():
            return []
        path.write_text(self.random.choice(["ignored.py\n", "two.py\n", "/b/\n", ""]))
        return [path]

    def link(self) -> list[Path]:
        target, path = self.existing(), self.root / f"link{self.random.randrange(3)}.py"
        if target is None or path.is_symlink():
            return []
        path.symlink_to(target)
        return [path]

    def switch(self) -> list[Path]:
        git(self.root, "add", "--all", ".")
        git(self.root, "commit", "--allow-empty", "-m", "x")
        git(self.root, "commit", "--allow-empty", "-m", "y")
        branch, start = f"b{self.random.randrange(3)}", f"HEAD~{self.random.randrange(3)}"
        git(self.root, "checkout", "-f", "-B", branch, start)
        return [self.root / ".git" / "HEAD"]


async def content_of(index: WorkspaceIndex) -> Found:
    found: Found = set()
    for number in range(5):
        async for part in index.symbols(f"g{number}", 10_000):
            found.update((hit.name, hit.path, hit.line) for hit in part)
    async for part in index.symbols("f", 10_000):
        found.update((hit.name, hit.path, hit.line) for hit in part)
    return found


async def content_anew(root: Path, cache: Path) -> tuple[Found, set[str]]:
    index = await WorkspaceIndex.start([root], cache=cache, workers=1)
    try:
        await index.wait_fresh()
        return await content_of(index), set(await index.files())
    finally:
        await index.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_after_any_changes_the_index_is_that_of_a_new_start(
    tmp_path: Path, seed: int
) -> None:
    root = tmp_path / "work"
    (root / "nested").mkdir(parents=True)
    git(root, "init")
    git(root, "commit", "--allow-empty", "-m", "start")
    git(root / "nested", "init")
    git(root / "nested", "commit", "--allow-empty", "-m", "start")
    disk = Disk(root, seed)
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    try:
        for round_number in range(12):
            for _ in range(disk.random.randrange(1, 6)):
                index.changed(disk.step())
                if disk.random.random() < 0.3:
                    await index.wait_fresh()
            await index.wait_fresh()
            anew = await content_anew(root, tmp_path / f"cache{round_number}")
            assert (await content_of(index), set(await index.files())) == anew
    finally:
        await index.close()


@pytest.mark.slow
async def test_a_watched_workspace_follows_the_disk(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    git(root, "init")
    git(root, "commit", "--allow-empty", "-m", "start")
    (root / "first.py").write_text("def g0(): pass\n")
    disk = Disk(root, 7)
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1, watch=True)
    try:
        for round_number in range(4):
            for _ in range(4):
                disk.step()
            (root / f"last{round_number}.py").write_text(f"def f_last{round_number}(): pass\n")
            anew = await content_anew(root, tmp_path / f"cache{round_number}")
            async with asyncio.timeout(30):
                while (await content_of(index), set(await index.files())) != anew:
                    await index.wait_fresh()
    finally:
        await index.close()


async def test_two_files_with_the_same_content_are_two(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    for name in ("a.py", "b.py"):
        (root / name).write_text("def same(): pass\n")
    os.link(root / "a.py", root / "hard.py")
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    try:
        await index.wait_fresh()
        paths = [Path(each.path).name for each in (await index.definitions_of("same")).found]
        assert paths == ["a.py", "b.py", "hard.py"]
        (root / "a.py").write_text("def changed(): pass\n")  # through both of its names
        index.changed([root / "a.py", root / "hard.py"])
        await index.wait_fresh()
        paths = [Path(each.path).name for each in (await index.definitions_of("same")).found]
        assert paths == ["b.py"]
    finally:
        await index.close()
