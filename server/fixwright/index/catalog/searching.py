"""Searches through the text of all files, as the index's process answers them.

The files are those that the index knows, source code or not. Workers read and match them, so that a
pattern that explodes holds up nothing: it is given up in that file, or its worker is ended. Where
ripgrep is installed, it says beforehand in which files the pattern's plain part stands at all; what
matches is decided in one place only, with it and without.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections import deque
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, cast

from fixwright.index.catalog.pool import Answer, Failed, Question
from fixwright.index.text_search import literal_in, query_from, wants

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from fixwright.index.catalog.frames import Header
    from fixwright.index.catalog.indexer import Indexer
    from fixwright.index.catalog.pool import Pool

    Rows = list[list[object]]

_FILES = 64
_MANY = 500
"""Files from which on ripgrep is worth its start."""

_ARGUMENTS = 1500
_PATIENCE = 30.0
_PRIORITY = 1


class Search:
    """One search."""

    def __init__(
        self, indexer: Indexer, pool: Pool, roots: Sequence[str], question: Header
    ) -> None:
        self.slow: list[str] = []
        self.is_complete = True
        self._indexer = indexer
        self._pool = pool
        self._roots = roots
        self._query = query_from(cast("dict[str, object]", question["query"]))
        self._limit = cast("int", question["limit"])

    async def rows(self) -> AsyncGenerator[Rows, None]:
        """The matches, one part for some files, the editor's documents first."""
        found = 0
        async for part in self._parts():
            found += len(part)
            if found > self._limit:
                self.is_complete = False
                yield part[: len(part) - (found - self._limit)]
                return
            if part:
                yield part

    async def _parts(self) -> AsyncGenerator[Rows, None]:
        """In order, with as many searched at the same time as there are workers, and one."""
        shown = sorted(path for path in self._indexer.texts if self._wants(path))
        for path in shown:
            yield await self._searched([path], self._indexer.texts.get(path, (None, b""))[1])
        rest = sorted(self._indexer.paths() - self._indexer.texts.keys())
        rest = [path for path in rest if self._wants(path)]
        literal = literal_in(self._query)
        if self._query.ignore_case:  # Python's i is more than ripgrep's: it is İ as well
            literal = max(re.split("[iI]", literal), key=len)
        tool = shutil.which("rg")
        if tool is not None and literal and len(rest) >= _MANY:
            rest = await holding(tool, literal, rest, ignore_case=self._query.ignore_case)
        waiting = (rest[at : at + _FILES] for at in range(0, len(rest), _FILES))
        running: deque[asyncio.Task[Rows]] = deque()
        try:
            while True:
                for paths in islice(waiting, self._pool.size + 1 - len(running)):
                    running.append(asyncio.create_task(self._searched(paths)))
                if not running:
                    return
                yield await running[0]
                running.popleft()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _wants(self, path: str) -> bool:
        inside = next(
            (path[len(root) + 1 :] for root in self._roots if path.startswith(root + "/")), path
        )
        return wants(self._query.files, inside)

    async def _searched(self, paths: Sequence[str], text: bytes | None = None) -> Rows:
        """Files that a worker fails on together are searched one by one."""
        answers: list[Answer] = []
        question = Question(
            {
                "ask": "search",
                "path": paths[0],
                "paths": list(paths),
                "query": asdict(self._query),
                "limit": self._limit + 1,
            },
            () if text is None else (text,),
        )
        await self._pool.ask([question], lambda _, answer: answers.append(answer), _PRIORITY)
        (answer,) = answers
        if not isinstance(answer, Failed):
            self.slow += cast("list[str]", answer[0]["slow"])
            return cast("Rows", answer[0]["found"])
        if len(paths) == 1:
            self.slow += paths
            return []
        return [row for path in paths for row in await self._searched([path])]


async def holding(tool: str, literal: str, paths: Sequence[str], *, ignore_case: bool) -> list[str]:
    """Those of the files in which a text stands, by ripgrep; all of them where it fails.

    It gets files alone and no folders, so that its ignore rules have no say; it reads bytes, or
    UTF-16 where a file has its mark, no configuration, and nothing of the pattern but plain ASCII.
    """
    found: list[str] = []
    for some in _parts(paths):
        names = await _asked(tool, literal, some, ignore_case=ignore_case)
        found += some if names is None else names
    return sorted(found)


async def _asked(
    tool: str, literal: str, paths: Sequence[str], *, ignore_case: bool
) -> list[str] | None:
    process = await asyncio.create_subprocess_exec(
        tool, "--no-config", "--files-with-matches", "--null", "--text", "--no-messages",
        "--no-ignore", "--hidden", "--encoding=auto", "--color=never", "--fixed-strings",
        "--ignore-case" if ignore_case else "--case-sensitive",
        f"--regexp={literal}", "--", *paths,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd="/",
    )  # fmt: skip
    try:
        async with asyncio.timeout(_PATIENCE):
            output, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode not in {0, 1}:  # also where a file has gone meanwhile
        return None
    return [name.decode("utf-8", "surrogateescape") for name in output.split(b"\0") if name]


def _parts(paths: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(paths), _ARGUMENTS):
        yield list(paths[start : start + _ARGUMENTS])
