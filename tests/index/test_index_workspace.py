"""The index of a workspace, through its process: what it finds, and what it does with odd files."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixwright.index.catalog.place import Place
from fixwright.index.workspace_index import IndexUnavailable, SymbolHit, WorkspaceIndex

CODE = '''\
import os.path as p

class Account:
    """One account."""
    def deposit(self, amount):
        return helper(amount)

def helper(x):
    return x
'''


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
async def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    (root / "bank.py").write_text(CODE)
    (root / "use.py").write_text("from bank import helper\n\ndef go():\n    helper(1)\n")
    return root


@pytest.fixture
async def index(root: Path, tmp_path: Path) -> AsyncIterator[WorkspaceIndex]:
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    yield index
    await index.close()


async def found(index: WorkspaceIndex, query: str, limit: int = 50) -> list[SymbolHit]:
    return [hit async for part in index.symbols(query, limit) for hit in part]


async def names(index: WorkspaceIndex, query: str) -> list[str]:
    return [hit.name for hit in await found(index, query)]


async def test_symbols_definitions_and_references(index: WorkspaceIndex, root: Path) -> None:
    await index.wait_fresh()
    (hit,) = await found(index, "dpst")
    assert (hit.name, hit.kind, hit.owner) == ("deposit", "method", "Account")
    assert (hit.path, hit.line, hit.column) == (str(root / "bank.py"), 4, 8)
    assert await names(index, "Account.dep") == ["deposit"]
    assert await names(index, "Other.dep") == []
    (definition,) = (await index.definitions_of("helper")).found
    assert definition.path == str(root / "bank.py")
    assert definition.definition.range == (7, 0, 8, 12)
    uses = [use async for part in index.references_to("helper") for use in part]
    places = {
        (Path(use.path).name, use.range[0], use.enclosing and use.enclosing.name) for use in uses
    }
    assert {("bank.py", 5, "deposit"), ("use.py", 3, "go")} <= places


async def test_facts_of_a_file(index: WorkspaceIndex, root: Path) -> None:
    await index.wait_fresh()
    cheap = await index.file(root / "bank.py")
    assert cheap is not None
    assert [each.name for each in cheap.definitions] == ["Account", "deposit", "helper"]
    assert cheap.identifiers["helper"] == 2
    exact = await index.file(root / "bank.py", exact=True)
    assert exact is not None
    assert exact.definitions[0].doc == "One account."
    assert await index.file(root / "none.py") is None


async def test_imports_lead_to_files(index: WorkspaceIndex, root: Path) -> None:
    await index.wait_fresh()
    (imported,) = await index.imports_of(root / "use.py")
    assert (imported.imported.module, imported.imported.name) == ("bank", "helper")
    assert imported.paths == (str(root / "bank.py"),)
    (outside,) = await index.imports_of(root / "bank.py")
    assert outside.paths == ()
    (root / "bank.py").rename(root / "renamed.py")
    index.changed([root / "bank.py", root / "renamed.py"])
    await index.wait_fresh()
    (imported,) = await index.imports_of(root / "use.py")
    assert imported.paths == ()


async def test_a_buffer_shadows_the_disk(index: WorkspaceIndex, root: Path) -> None:
    await index.wait_fresh()
    index.show(root / "bank.py", "python", "def shown(): pass\n")
    index.show(root / "unsaved.py", "python", "def fresh_one(): pass\n")
    await index.wait_fresh()
    assert await names(index, "deposit") == []
    assert await names(index, "shown") == ["shown"]
    assert await names(index, "fresh_one") == ["fresh_one"]
    uses = [use async for part in index.references_to("shown") for use in part]
    assert all(use.path == str(root / "bank.py") for use in uses)
    explained = await index.explain(root / "bank.py")
    assert (explained.source, explained.symbols) == ("editor", 1)
    index.hide(root / "bank.py")
    index.hide(root / "unsaved.py")
    await index.wait_fresh()
    assert await names(index, "deposit") == ["deposit"]
    assert await names(index, "shown") == []
    assert await names(index, "fresh_one") == []


async def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    git(root, "init")
    (root / ".gitignore").write_text("*.log.py\nbuild/\n")
    (root / ".ignore").write_text("vendor/\n")
    for name, data in {
        "good.py": b"def good(): pass\n",
        "zero.py": b"\0\1\2",
        "huge.py": b"def heads_only(): pass\n" + b"x = 1\n" * 200_000,
        "min.js": b"function tiny(){}" * 1000,
        "made.py": b"# Code generated by a tool. DO NOT EDIT.\ndef made(): pass\n",
        "a.log.py": b"def logged(): pass\n",
        "build/b.py": b"def built(): pass\n",
        "vendor/v.py": b"def vendored(): pass\n",
        "notes.txt": b"def text(): pass\n",
        "tool": b"#!/usr/bin/env python3\ndef tool(): pass\n",
        "LICENSE": b"def licensed(): pass\n",
        "latin.py": b"# \xe9\ndef latin(): pass\n",
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    (root / "link.py").symlink_to(root / "good.py")
    (root / "loop").symlink_to(root)
    (root / "outside.py").symlink_to(Path(os.__file__))
    nested = root / "nested"
    nested.mkdir()
    git(nested, "init")
    (nested / ".gitignore").write_text("out.py\n")
    (nested / "inner.py").write_text("def inner(): pass\n")
    (nested / "out.py").write_text("def out(): pass\n")
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    try:
        await index.wait_fresh()

        async def policy(name: str) -> str:
            explained = await index.explain(root / name)
            assert explained.reason.endswith((".", "/", "py", '"'))
            return explained.policy

        assert await policy("good.py") == "indexed"
        assert await policy("latin.py") == "indexed"
        assert await policy("tool") == "indexed"
        assert await policy("made.py") == "generated"
        assert await policy("zero.py") == "binary"
        assert await policy("huge.py") == "huge"
        assert await policy("min.js") == "minified"
        assert await policy("LICENSE") == "unknown language"
        assert await policy("notes.txt") == "unknown language"
        assert await policy("a.log.py") == "ignored"
        assert await policy("build/b.py") == "ignored"
        assert await policy("vendor/v.py") == "ignored"
        assert await policy("nested/out.py") == "ignored"
        assert await policy("nested/inner.py") == "indexed"
        assert await policy("nothing.py") == "missing"
        (good,) = await found(index, "good")
        assert good.path == str(root / "good.py")
        assert await names(index, "heads_only") == ["heads_only"]
        for name in ("logged", "built", "vendored", "text", "licensed", "out", "getenv"):
            assert name not in await names(index, name)
    finally:
        await index.close()


async def test_a_start_takes_over_what_the_last_one_left(root: Path, tmp_path: Path) -> None:
    async def start() -> tuple[WorkspaceIndex, list[int]]:
        progress: list[int] = []
        index = await WorkspaceIndex.start(
            [root],
            cache=tmp_path / "cache",
            workers=1,
            on_progress=lambda p: progress.append(p.total),
        )
        await index.wait_fresh()
        return index, progress

    first, read = await start()
    assert sum(read) > 0
    await first.close()
    old = (root / "use.py").stat()
    later = (old.st_atime_ns + 10**9, old.st_mtime_ns + 10**9)
    os.utime(root / "use.py", ns=later)  # touched, not changed
    second, _ = await start()
    stats = await second.stats()
    assert stats["workers"] == []  # nothing had to be parsed
    assert await names(second, "deposit") == ["deposit"]
    await second.close()


async def test_branches_that_come_back_are_known(root: Path, tmp_path: Path) -> None:
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "one")
    git(root, "checkout", "-b", "other")
    (root / "bank.py").write_text("def elsewhere(): pass\n")
    (root / "use.py").unlink()
    git(root, "commit", "-am", "two")
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    try:
        await index.wait_fresh()
        assert await names(index, "elsewhere") == ["elsewhere"]
        for branch, expected in (("main", ["deposit"]), ("other", []), ("main", ["deposit"])):
            git(root, "checkout", branch)
            index.reconcile()
            await index.wait_fresh()
            assert await names(index, "deposit") == expected
    finally:
        await index.close()


async def test_a_process_that_dies_comes_back(index: WorkspaceIndex, root: Path) -> None:
    await index.wait_fresh()
    index.show(root / "bank.py", "python", "def shown(): pass\n")
    await index.wait_fresh()
    assert index.pid is not None
    os.kill(index.pid, signal.SIGKILL)
    with pytest.raises(IndexUnavailable, match="ended"):
        await index.wait_fresh()
    async with asyncio.timeout(30):
        while True:
            try:
                await index.wait_fresh()
                break
            except IndexUnavailable:
                await asyncio.sleep(0)
    assert await names(index, "shown") == ["shown"]


async def test_a_database_that_is_damaged_is_made_anew(root: Path, tmp_path: Path) -> None:
    place = Place.of([root], tmp_path / "cache")
    place.folder.mkdir(parents=True)
    place.database.write_bytes(b"no database at all" * 1000)
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    try:
        await index.wait_fresh()
        assert await names(index, "deposit") == ["deposit"]
    finally:
        await index.close()


async def test_two_indexes_of_one_workspace_at_once(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    for number in range(150):
        (root / f"m{number}.py").write_text(
            f"def only_{number}(): pass\n\nclass Common{number % 7}: pass\n"
        )
    both = [
        await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1) for _ in range(2)
    ]
    try:
        await asyncio.gather(*(index.wait_fresh() for index in both))
        for index in both:
            hits = await found(index, "only_", 1000)
            assert {hit.name for hit in hits} == {f"only_{n}" for n in range(150)}
            assert len(hits) == 150
        leaders = [(await index.stats())["publishes"] for index in both]
        assert sorted(map(bool, leaders)) == [False, True]
        (root / "m3.py").write_text("def another(): pass\n")
        for index in both:
            index.changed([root / "m3.py"])
            await index.wait_fresh()
            assert await names(index, "another") == ["another"]
            assert "only_3" not in await names(index, "only_3")
    finally:
        for index in both:
            await index.close()
