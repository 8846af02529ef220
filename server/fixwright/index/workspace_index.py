"""The index of a whole workspace, as the rest of Fixwright sees it.

Everything is done by a process of its own (`catalog.service`), which answers over pipes: the event
loop never waits for a parser, a search or the disk, and a crash costs nothing but a new start.
Paths are absolute, positions as in `facts`: columns in code points.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fixwright.index.catalog import frames
from fixwright.index.catalog.frames import BrokenFrame, Frame, Header
from fixwright.index.catalog.pool import DEADLINE, ended, start
from fixwright.index.catalog.results import (
    DefinitionAt,
    Explanation,
    Named,
    ReferenceAt,
    ResolvedImport,
    SymbolHit,
)
from fixwright.index.catalog.reviving import definition_of, facts_of, import_of, place_of
from fixwright.index.facts import FileFacts, Import

log = logging.getLogger(__name__)

MOST_DEFINITIONS = 1000
"""Of one name, in one answer: nobody reads more, and some names have as many as there are files."""

NOWHERE = (0, 0, 0, 0)
_STARTS = 3
_STARTS_WITHIN = 60.0
_END = 5.0


class IndexUnavailable(Exception):
    """The index's process has ended and does not come back, or could not answer."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round of work is; `done` reaches `total` at its end."""

    done: int
    total: int


class WorkspaceIndex:
    """Use it from one event loop; make it with `start`, and `close` it at the end."""

    def __init__(self, settings: Header, on_progress: Callable[[Progress], None] | None) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Queue[Header]] = {}
        self._texts: dict[str, tuple[str | None, bytes]] = {}
        self._focus: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._closing = False
        self._starts: list[float] = []

    @classmethod
    async def start(
        cls,
        roots: Iterable[Path],
        *,
        cache: Path | None = None,
        workers: int | None = None,
        deadline: float = DEADLINE,
        watch: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> WorkspaceIndex:
        """Starts the index of a workspace; returns before anything is read.

        Args:
            roots: the folders, absolute.
            cache: where indexes are kept; None: the user's cache folder.
            workers: processes that parse; None: one for each processor but one, at least one, two
                on a machine with two.
            deadline: seconds after which a worker that is silent about a file is given up.
            watch: whether to watch the disk; else somebody must tell what has `changed`.
            on_progress: called on the loop, some ten times a second.
        """
        settings: Header = {
            "roots": [str(root) for root in roots],
            "cache": None if cache is None else str(cache),
            "workers": workers or default_workers(),
            "deadline": deadline,
            "watch": watch,
        }
        index = cls(settings, on_progress)
        await index._begin()
        return index

    async def close(self) -> None:
        """Ends the process and its workers, whatever they do."""
        self._closing = True
        process = self._process
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            await ended(process, _END)
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders of the workspace, absolute."""
        return tuple(cast("list[str]", self._settings["roots"]))

    @property
    def pid(self) -> int | None:
        """The process's id; None where it has ended."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    # -- questions

    async def symbols(
        self, query: str, limit: int = 200
    ) -> AsyncGenerator[tuple[SymbolHit, ...], None]:
        """Definitions whose names have the query's characters in order, best first, in parts.

        `Owner.name` and `owner::name` ask for what belongs to something of that name as well. While
        the index is being built, what has been read so far is searched.

        Raises:
            IndexUnavailable: likewise for all other questions.
        """
        async with aclosing(self._ask("symbols", query=query, limit=limit)) as answer:
            async for part in answer:
                rows = cast("list[tuple[str, str, str, int, int, str, int, bool]]", part)
                yield tuple(SymbolHit(*row) for row in rows)

    async def definitions_of(
        self,
        name: str,
        *,
        near: str | None = None,
        within: Iterable[str] | None = None,
        limit: int = MOST_DEFINITIONS,
    ) -> Named:
        """The definitions of exactly this name, by path and place.

        Args:
            name: of the definitions.
            within: files; only what they define.
            near: a file; it and those in its neighbourhood come first, so that what is left out
                where there are too many is far away.
            limit: of definitions.
        """
        found: list[DefinitionAt] = []
        where = {"near": near, "within": None if within is None else list(within)}
        asked = self._answers("definitions", {"name": name, "limit": limit, **where})
        async with aclosing(asked) as answers:
            async for header in answers:
                rows = cast("list[tuple[str, bool, bool, Header]]", header.get("part", []))
                found += (
                    DefinitionAt(path, definition_of(row), is_ascii, is_local)
                    for path, is_ascii, is_local, row in rows
                )
                if "end" in header:
                    left_out = cast("Mapping[str, int]", header["end"])["leftOut"]
                    return Named(tuple(found), len(found) + left_out)
        raise IndexUnavailable("The index did not say where its answer ends.")

    async def imported_as(
        self,
        name: str,
        *,
        language: str | None = None,
        without: Iterable[str] = (),
        limit: int = 1000,
    ) -> tuple[tuple[Import, int], ...]:
        """The imports by which files of the workspace know something by a name.

        Each comes once, without its place, and with the number of files that have it; the most
        used first. Only imports at the top of a file count.

        Args:
            name: as the files use it.
            language: the name of the files' language; None for all.
            without: files that do not count.
            limit: of files that are looked at.
        """
        rows = await self._rows(
            "imported", name=name, language=language, without=list(without), limit=limit
        )
        found = cast("list[tuple[str, str, str, int, str, int]]", rows)
        return tuple((Import(*row[:5], NOWHERE), row[5]) for row in found)

    async def references_to(
        self, name: str, *, near: str | None = None, limit: int = 10_000
    ) -> AsyncGenerator[tuple[ReferenceAt, ...], None]:
        """The uses of a name, in parts as the files that have it are read again.

        Args:
            name: whatever it means in each place; see the languages' resolvers for that.
            near: a file; those in its neighbourhood come first.
            limit: of uses.
        """
        asked = self._ask("references", name=name, near=near, limit=limit)
        async with aclosing(asked) as answer:
            async for part in answer:
                rows = cast("list[tuple[str, bool, list[int], str, Header | None]]", part)
                yield tuple(
                    ReferenceAt(
                        path,
                        place_of(place),
                        role,
                        None if around is None else definition_of(around),
                        is_ascii,
                    )
                    for path, is_ascii, place, role, around in rows
                )

    async def file(self, path: Path | str, *, exact: bool = False) -> FileFacts | None:
        """The facts of one file, as the editor shows it where it is open.

        Args:
            path: of the file.
            exact: with references, docs, tests and entry points; the file is parsed for it.

        Returns:
            None where the index does not read the file; `explain` says why.
        """
        found = await self._end("facts", path=str(path), exact=exact)
        return None if found is None else facts_of(cast("Header", found))

    async def read(self, path: Path | str, language: str | None, text: str) -> FileFacts | None:
        """The facts, without references and docs, of a text that need not be anyone's.

        Args:
            path: of the file that it is meant for.
            language: an editor's id of its language; None to go by the path.
            text: what is read; the index does not keep it.

        Returns:
            None where it is not read: of no known language, or too large.
        """
        found = await self._end("read", path=str(path), language=language, text=text)
        return None if found is None else facts_of(cast("Header", found))

    async def imports_of(self, path: Path | str) -> tuple[ResolvedImport, ...]:
        """What a file imports, all over its text, and which files of the workspace that means."""
        rows = cast("list[tuple[Header, list[str]]]", await self._rows("imports", path=str(path)))
        return tuple(ResolvedImport(import_of(row), tuple(paths)) for row, paths in rows)

    async def ranked(
        self, files: Iterable[str], symbols: Iterable[str], words: Iterable[str], limit: int
    ) -> list[list[object]]:
        """The definitions that matter most for a focus, as rows for `ranked_map`."""
        focus = {"files": list(files), "symbols": list(symbols), "words": list(words)}
        return cast("list[list[object]]", await self._rows("ranked", **focus, limit=limit))

    async def files(self, language: str | None = None) -> tuple[str, ...]:
        """All files that the index knows, whether it reads them or not.

        Args:
            language: the name of a language; only files that are called like its own.
        """
        return tuple(cast("list[str]", await self._rows("files", language=language)))

    async def explain(self, path: Path) -> Explanation:
        """What the index does with a file, and why."""
        found = cast("dict[str, object]", await self._end("explain", path=str(path)))
        return Explanation(
            path=cast("str", found["path"]),
            indexed=cast("bool", found["indexed"]),
            policy=cast("str", found["policy"]),
            reason=cast("str", found["reason"]),
            language=cast("str | None", found["language"]),
            source=cast("str", found["from"]),
            symbols=cast("int", found["symbols"]),
        )

    async def stats(self) -> Mapping[str, object]:
        """Figures about the index, as `fixwright index stats --json` prints them."""
        return cast("dict[str, object]", await self._end("stats"))

    async def wait_fresh(self) -> None:
        """Returns when all that was reported before is in the index."""
        await self._end("fresh")

    # -- news

    def changed(self, paths: Iterable[Path | str]) -> None:
        """Says that something happened to these files or folders on disk."""
        self._tell({"news": "changed", "paths": [str(path) for path in paths]})

    def reconcile(self) -> None:
        """Says that anything may have changed: everything is compared with the disk."""
        self._tell({"news": "reconcile"})

    def focus(self, paths: Iterable[Path | str]) -> None:
        """Says which files are open: they are read first, and what lies beside them next."""
        self._focus = [str(path) for path in paths]
        self._tell({"news": "focus", "paths": self._focus})

    def show(self, path: Path | str, language: str | None, text: str) -> None:
        """Says what the editor has in a file's place. Each call costs a parse in a worker."""
        data = text.encode("utf-8", "replace")
        self._texts[str(path)] = (language, data)
        self._tell({"news": "show", "path": str(path), "language": language}, data)

    def hide(self, path: Path | str) -> None:
        """Says that the editor closed a file: what is on disk counts."""
        self._texts.pop(str(path), None)
        self._tell({"news": "hide", "path": str(path)})

    # -- the process

    async def _begin(self) -> None:
        now = asyncio.get_running_loop().time()
        self._starts = [at for at in self._starts if now - at < _STARTS_WITHIN] + [now]
        if len(self._starts) > _STARTS:
            raise IndexUnavailable(
                f"The index's process ended {_STARTS} times within a minute; the log says why."
                " Searching the workspace is off until Fixwright is started again."
            )
        process = self._process = await start("fixwright.index.catalog.service")
        self._reading = asyncio.create_task(self._read(process))
        self._tell(self._settings)
        if self._focus:
            self.focus(self._focus)
        for path, (language, data) in self._texts.items():
            self._tell({"news": "show", "path": path, "language": language}, data)
        self._up.set()

    def _tell(self, header: Header, *pieces: bytes) -> None:
        process = self._process
        if process is not None and process.returncode is None and process.stdin is not None:
            process.stdin.write(frames.encoded(header, pieces))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                self._take(await frames.receive(process.stdout))
        except (EOFError, BrokenFrame, ConnectionError):
            pass
        self._up.clear()
        status = await ended(process, _END)
        why = "The index was closed." if self._closing else f"The index's process ended ({status})."
        for queue in self._waiting.values():
            queue.put_nowait({"error": why})
        try:
            if not self._closing:
                log.error("%s It is started again.", why)
                await self._begin()
                return
        except (IndexUnavailable, OSError) as error:
            log.error("%s", error)
        self._process = None
        self._up.set()

    def _take(self, frame: Frame) -> None:
        header, _ = frame
        event = header.get("event")
        if event == "progress":
            if self._on_progress is not None:
                done, total = cast("int", header["done"]), cast("int", header["total"])
                self._on_progress(Progress(done, total))
        elif event == "log":
            log.log(cast("int", header["level"]), "%s", header["text"])
        elif (queue := self._waiting.get(cast("int", header["id"]))) is not None:
            queue.put_nowait(header)

    async def _answers(self, ask: str, what: Header) -> AsyncGenerator[Header, None]:
        """The frames of an answer, the one that ends it included."""
        await self._up.wait()
        if self._process is None:
            raise IndexUnavailable("The index's process has ended; the log says why.")
        number = next(self._numbers)
        queue = self._waiting[number] = asyncio.Queue[Header]()
        self._tell({"id": number, "ask": ask, **what})
        ended = False
        try:
            while not ended:
                header = await queue.get()
                ended = "part" not in header
                if "error" in header:
                    raise IndexUnavailable(cast("str", header["error"]))
                yield header
        finally:
            del self._waiting[number]
            if not ended:
                self._tell({"news": "cancel", "id": number})

    def frames_of(self, ask: str, **what: object) -> AsyncGenerator[Header, None]:
        """The frames of an answer, the one that ends it included; for `text_search`."""
        return self._answers(ask, what)

    async def _ask(self, ask: str, **what: object) -> AsyncGenerator[list[object], None]:
        """The parts of an answer."""
        async with aclosing(self._answers(ask, what)) as answers:
            async for header in answers:
                if "part" in header:
                    yield cast("list[object]", header["part"])

    async def _rows(self, ask: str, **what: object) -> list[object]:
        async with aclosing(self._ask(ask, **what)) as answer:
            return [row async for part in answer for row in part]

    async def _end(self, ask: str, **what: object) -> object:
        """What ends an answer that has no parts."""
        async with aclosing(self._answers(ask, what)) as answers:
            async for header in answers:
                if "end" in header:
                    return header["end"]
        raise IndexUnavailable(f"The index did not answer {ask!r}.")


def default_workers() -> int:
    """How many processes parse: all processors but one, and both of two."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(max(2, (count or 1) - 1), 12)
