"""Crashes, hangs and kills: each costs one version of one file, and never the index on disk."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from pathlib import Path

import pytest

from fixwright.index.catalog.indexer import Indexer
from fixwright.index.catalog.place import Place
from fixwright.index.catalog.pool import Answer, Failed, Pool, Question
from fixwright.index.workspace_index import Progress, WorkspaceIndex


def write_modules(root: Path, count: int) -> None:
    root.mkdir(exist_ok=True)
    for number in range(count):
        body = "".join(f"def f{number}_{n}(a, b):\n    return a + b\n\n" for n in range(40))
        (root / f"m{number}.py").write_text(body)


def cheap(path: Path) -> Question:
    return Question({"ask": "cheap", "path": str(path)})


async def test_a_worker_that_is_killed_costs_one_file(tmp_path: Path) -> None:
    write_modules(tmp_path, 30)
    pool = Pool(1)
    answers: list[Answer] = []
    paths = [tmp_path / f"m{number}.py" for number in range(30)]

    def deliver(_question: Question, answer: Answer) -> None:
        answers.append(answer)
        if len(answers) == 3:
            (pid,) = pool.processes
            os.kill(pid, signal.SIGKILL)

    try:
        await pool.ask([cheap(path) for path in paths], deliver)
    finally:
        await pool.close()
    failed = [answer for answer in answers if isinstance(answer, Failed)]
    assert len(answers) == 30
    assert len(failed) <= 1  # it may have answered all of them before it died
    assert all("exit status -9" in each.reason for each in failed)


async def test_a_worker_that_hangs_costs_one_file(tmp_path: Path) -> None:
    write_modules(tmp_path, 3)
    pool = Pool(1, deadline=20)
    answers: dict[str, Answer] = {}

    def deliver(question: Question, answer: Answer) -> None:
        answers[question.path] = answer
        if len(answers) == 1:
            (pid,) = pool.processes
            os.kill(pid, signal.SIGSTOP)  # as good as an endless loop in C
            pool.deadline = 0.2
        elif isinstance(answer, Failed):
            pool.deadline = 20

    try:
        await pool.ask([cheap(tmp_path / f"m{number}.py") for number in range(3)], deliver)
    finally:
        await pool.close()
    failed = [answer for answer in answers.values() if isinstance(answer, Failed)]
    assert len(answers) == 3
    assert len(failed) <= 1  # what it had answered before it was stopped was on its way
    assert all("longer than" in each.reason for each in failed)


async def test_a_file_that_fails_is_named_and_left_alone_until_it_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "work"
    root.mkdir()
    (root / "bad.py").write_text("def bad(): pass\n")
    # No file can be parsed in that time.
    index = await WorkspaceIndex.start([root], cache=tmp_path / "c", workers=1, deadline=0)
    try:
        await index.wait_fresh()
        explained = await index.explain(root / "bad.py")
        assert (explained.policy, explained.indexed) == ("failed", False)
        assert "longer than" in explained.reason
        assert any("bad.py is left out" in record.message for record in caplog.records)
    finally:
        await index.close()
    again = await WorkspaceIndex.start([root], cache=tmp_path / "c", workers=1)
    try:
        await again.wait_fresh()
        assert (await again.explain(root / "bad.py")).policy == "failed"
        (root / "bad.py").write_text("def good_now(): pass\n")
        again.changed([root / "bad.py"])
        await again.wait_fresh()
        assert (await again.explain(root / "bad.py")).policy == "indexed"
    finally:
        await again.close()


async def test_a_store_that_fails_at_work_is_made_anew(tmp_path: Path) -> None:
    root = tmp_path / "work"
    write_modules(root, 3)
    pool = Pool(1)
    place = Place.of([root], tmp_path / "cache")
    indexer = Indexer([root], place, pool, lambda _done, _total: None)
    await indexer.open()
    try:
        await indexer.wait_fresh()
        indexer.show(str(root / "m1.py"), "python", b"def shown(): pass\n")
        await indexer.wait_fresh()
        indexer.disk.store.close()  # from now on every use of it is an error
        (root / "m2.py").write_text("def changed(): pass\n")
        indexer.changed([str(root / "m2.py")])
        await indexer.wait_fresh()
        for name, path in (("changed", "m2.py"), ("shown", "m1.py"), ("f0_1", "m0.py")):
            (hit,) = indexer.holdings.named(name)
            assert hit.path == str(root / path)
    finally:
        await indexer.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_a_kill_in_the_middle_of_writing_leaves_a_good_index(
    tmp_path: Path, seed: int
) -> None:
    root, cache = tmp_path / "work", tmp_path / "cache"
    write_modules(root, 300)
    random_after = random.Random(seed).randrange(1, 300)
    killed = asyncio.Event()

    def on_progress(progress: Progress) -> None:
        if progress.done >= random_after and not killed.is_set():
            killed.set()
            assert index.pid is not None
            os.kill(index.pid, signal.SIGKILL)

    index = await WorkspaceIndex.start([root], cache=cache, workers=2, on_progress=on_progress)
    async with asyncio.timeout(60):
        await killed.wait()
    index._closing = True  # it must not come back by itself here
    await index.close()
    database = sqlite3.connect(Place.of([root], cache).database)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    again = await WorkspaceIndex.start([root], cache=cache, workers=2)
    try:
        await again.wait_fresh()
        stats = await again.stats()
        assert (stats["files"], stats["symbols"]) == (300, 12_000)
        for number in (0, 150, 299):
            (definition,) = (await again.definitions_of(f"f{number}_39")).found
            assert definition.path == str(root / f"m{number}.py")
    finally:
        await again.close()
