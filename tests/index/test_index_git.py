"""What git does to many files at once, with a real git: the index follows, told of it or not."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from fixwright.index.workspace_index import WorkspaceIndex

MANY = 300
PATIENCE = 60.0


def git(root: Path, *arguments: str) -> None:
    identity = (
        "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main",
        "-c", "protocol.file.allow=always",
    )  # fmt: skip
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def repository(root: Path, files: dict[str, str]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init")
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-m", "files")
    return root


def many(folder: str, prefix: str) -> dict[str, str]:
    return {
        f"{folder}/m{number % 9}/f{number}.py": f"def {prefix}_{number}(): pass\n"
        for number in range(MANY)
    }


async def relative(index: WorkspaceIndex, root: Path) -> set[str]:
    return {Path(each).relative_to(root).as_posix() for each in await index.files("python")}


async def names(index: WorkspaceIndex, prefix: str) -> dict[str, str]:
    """Names with a prefix, and the folder at the top in which each is."""
    found = [hit async for part in index.symbols(prefix, 2 * MANY) for hit in part]
    root = index.roots[0]
    inside = ((hit.name, hit.path[len(root) + 1 :].partition("/")[0]) for hit in found)
    return {name: top for name, top in inside if name.startswith(f"{prefix}_")}


async def test_nested_repositories_and_submodules(tmp_path: Path) -> None:
    library = repository(
        tmp_path / "library",
        {
            "lib.py": "def of_library(): pass\n",
            ".gitignore": "built/\n",
            "kept.py": "def kept_by_library(): pass\n",
        },
    )
    root = repository(tmp_path / "work", {"a.py": "def of_work(): pass\n"})
    repository(root / "nested", {"n.py": "def of_nested(): pass\n", ".gitignore": "out.py\n"})
    (root / "nested/out.py").write_text("def ignored_there(): pass\n")
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    try:
        await index.wait_fresh()
        assert await relative(index, root) == {"a.py", "nested/n.py"}

        git(root, "submodule", "add", str(library), "sub")
        (root / "sub/built").mkdir()
        (root / "sub/built/made.py").write_text("def made(): pass\n")
        index.changed([root / ".gitmodules", root / "sub"])
        await index.wait_fresh()
        expected = {"a.py", "nested/n.py", "sub/lib.py", "sub/kept.py"}
        assert await relative(index, root) == expected
        (at,) = (await index.definitions_of("of_library")).found
        assert at.path == str(root / "sub/lib.py")
        assert "gitignore" in (await index.explain(root / "sub/built/made.py")).reason

        (root / "sub/lib.py").write_text("def edited_in_library(): pass\n")
        index.changed([root / "sub/lib.py"])
        await index.wait_fresh()
        assert (await index.definitions_of("edited_in_library")).total == 1

        git(root, "rm", "-f", "sub")
        index.changed([root / ".gitmodules", root / "sub"])
        await index.wait_fresh()
        assert await relative(index, root) == {"a.py", "nested/n.py"}
    finally:
        await index.close()


@pytest.mark.parametrize("told", ["HEAD", "files"])
async def test_a_switch_of_branches(tmp_path: Path, told: str) -> None:
    root = repository(tmp_path / "work", many("old", "before") | {"same.py": "same_1 = 1\n"})
    git(root, "checkout", "-b", "other")
    git(root, "rm", "-rq", "old")
    for name, text in many("new", "after").items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-m", "other")
    git(root, "checkout", "main")
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=2)
    try:
        await index.wait_fresh()
        here, there = ("before", "old"), ("after", "new")
        for branch in ("other", "main"):
            assert set((await names(index, here[0])).values()) == {here[1]}
            assert await names(index, there[0]) == {}
            before = await index.files()
            git(root, "checkout", branch)
            news = sorted(root.rglob("*.py"))
            index.changed(
                [root / ".git" / "HEAD"] if told == "HEAD" else [*before, *map(str, news)]
            )
            await index.wait_fresh()
            here, there = there, here
            assert len(await names(index, here[0])) == MANY
        assert await names(index, "same") == {"same_1": "same.py"}
    finally:
        await index.close()


async def test_a_folder_with_many_files_is_renamed(tmp_path: Path) -> None:
    root = repository(tmp_path / "work", many("old", "moved"))
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=2)
    try:
        await index.wait_fresh()
        assert set((await names(index, "moved")).values()) == {"old"}
        git(root, "mv", "old", "new")
        index.changed([root / "old", root / "new"])  # editors tell of the folders alone
        await index.wait_fresh()
        found = await names(index, "moved")
        assert len(found) == MANY
        assert set(found.values()) == {"new"}
    finally:
        await index.close()


@pytest.mark.slow
async def test_a_watched_workspace_follows_git(tmp_path: Path) -> None:
    root = repository(tmp_path / "work", many("old", "moved"))
    git(root, "branch", "start")
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=2, watch=True)

    async def until(folder: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await names(index, "moved")
                if len(found) == MANY and set(found.values()) == {folder}:
                    return
                await index.wait_fresh()

    try:
        await until("old")
        git(root, "mv", "old", "new")
        await until("new")
        git(root, "commit", "-m", "moved")
        git(root, "checkout", "start")
        await until("old")
        git(root, "checkout", "main")
        await until("new")
    finally:
        await index.close()
