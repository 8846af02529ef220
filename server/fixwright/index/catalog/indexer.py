"""Keeps the holdings those of the workspace: finds what changed, has it read, stores and merges it.

Lives in the index's own process. Everything but arithmetic of a few milliseconds is done by the
workers or by one thread for the disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from fixwright.index.catalog import building, segment_file
from fixwright.index.catalog.disk import Disk
from fixwright.index.catalog.holdings import Holdings
from fixwright.index.catalog.policy import Policy
from fixwright.index.catalog.pool import Answer, Failed, Pool, Question
from fixwright.index.catalog.reading import may_be_source
from fixwright.index.catalog.record import Record
from fixwright.index.catalog.stamp import Stamp
from fixwright.index.catalog.store import Content, NewContent
from fixwright.index.catalog.waiting import OPEN, Batch, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from pathlib import Path

    from fixwright.index.catalog.frames import Header
    from fixwright.index.catalog.place import Place
    from fixwright.index.catalog.segment import Segment

log = logging.getLogger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")

RECONCILE = 300.0
"""Seconds after which everything is compared with the disk, whatever was reported."""

_BATCH = 300_000
_MEMORY = 0xFFFF_FF00
"""Ids of contents that only an editor has count down from here."""
_FIRST_MEMORY = 0xC000_0000
_STALE = 0.05
_TOGETHER = 0.25
"""Seconds for which contents are gathered to be made searchable at once, while many come."""

_REST = 4
"""How many times as long as the last making took that lasts at least: on a busy machine each takes
long, and would else be done for a few contents at a time."""

_IGNORE_FILES = frozenset({".gitignore", ".ignore", ".gitmodules", ".git", "HEAD", "index"})


class Indexer:
    """Use it from one event loop; `open` it first, `close` it at the end."""

    def __init__(
        self, roots: Sequence[Path], place: Place, pool: Pool, progress: Callable[[int, int], None]
    ) -> None:
        """An indexer that has not looked at anything yet.

        Args:
            roots: the folders of the workspace, absolute.
            place: where its index lies on disk.
            pool: who parses.
            progress: told how many files of how many are done, in each round of work.
        """
        self.holdings = Holdings()
        # Grows whenever files may have come, gone or changed that are not in the holdings.
        self.others: frozenset[str] = frozenset()
        self.revision = 0
        self.folders: frozenset[str] = frozenset()
        self.texts: dict[str, tuple[str | None, bytes]] = {}
        self._disk = Disk(roots, place)
        self._place = place
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="index-disk")
        self._mergers = ThreadPoolExecutor(1, thread_name_prefix="index-merge")
        self._pool = pool
        self._progress = progress
        self._waiting = Waiting()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._listing = True
        self._blank = False
        self._memory: dict[int, Record] = {}
        self._next_memory = _MEMORY
        self._unpublished = 0
        self._lacking: set[int] = set()
        self._built = self._making = 0.0
        self._building = asyncio.Lock()
        self._epoch = 0
        self._done = self._total = 0
        self._wake = asyncio.Event()
        self._fresh = asyncio.Event()
        self._slots = asyncio.Semaphore(pool.size + 1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._upkeep: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Takes over what an earlier process left, and starts to bring it up to date."""
        leads = await self.on_disk(self._disk.take_lead)
        self._waiting = Waiting(backwards=not leads)
        loaded = await self.on_disk(self._disk.load)
        self.holdings.contents.update(loaded.contents)
        for path, held in loaded.files.items():
            if held.content in loaded.contents:
                self.holdings.put(path, held)
        if loaded.base is not None:
            self.holdings.add(loaded.base)
        self._blank = leads and not loaded.files
        await self._complete()
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Ends all work where it stands."""
        tasks = [*self._tasks, *filter(None, [self._loop, self._upkeep])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._pool.close()
        await self.on_disk(self._disk.close)
        self._thread.shutdown(wait=False)
        self._mergers.shutdown(wait=False)

    async def on_disk(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Has something done by the disk's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def paths(self) -> frozenset[str]:
        """All files of the workspace, source code or not."""
        return self.others | self.holdings.shown_paths()

    @property
    def disk(self) -> Disk:
        """For `on_disk` only."""
        return self._disk

    @property
    def waiting(self) -> int:
        """How many files have not been read yet."""
        return len(self._waiting) + len(self._busy)

    # -- what changed

    def changed(self, paths: Iterable[str]) -> None:
        """Something happened to these files or folders; the disk will tell what."""
        self.revision += 1
        for path in paths:
            if path in self.holdings.files:
                self._enqueue_first(path)
            elif (
                may_be_source(path)
                or path.rpartition("/")[2] in _IGNORE_FILES
                or path in self.folders
                or os.path.isdir(path)  # noqa: PTH112  one call of the system, no object
            ):
                self._listing = True
        self._stir()

    def reconcile(self) -> None:
        """Anything may have happened: compare everything with the disk."""
        self._listing = True
        self._stir()

    def focus(self, paths: Sequence[str]) -> None:
        """These files are open in the editor: they and what lies beside them come first."""
        self._waiting.focus(paths)

    def show(self, path: str, language: str | None, data: bytes) -> None:
        """An editor has this text where the disk may have another."""
        self.texts[path] = (language, data)
        self._spawn(self._read_text(path, language, data))

    def hide(self, path: str) -> None:
        """An editor has closed a file: the disk counts again."""
        self.texts.pop(path, None)
        self.holdings.show(path, None)
        self._forget_texts()
        if path in self.holdings.files:
            self._enqueue_first(path)
        self._stir()

    async def wait_fresh(self) -> None:
        """Returns once all that was known to have changed when it was called has been taken in."""
        self._stir()
        await self._fresh.wait()

    def _enqueue(self, path: str, stamp: Stamp) -> None:
        if path in self._busy:
            self._again.add(path)
        else:
            self._waiting.add(path, stamp.size, stamp.mtime)
            self._total += 1

    def _enqueue_first(self, path: str) -> None:
        if path in self._busy:
            self._again.add(path)
        else:
            self._waiting.add_first(path)
            self._total += 1

    def _stir(self) -> None:
        self._fresh.clear()
        self._wake.set()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        self._fresh.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a part of the index was not taken in", exc_info=error)

    # -- the work

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            if self._listing:
                self._listing = False
                await self._compare()
            await self._hand_out()
            if self._wake.is_set() or self._tasks or self._again or self._listing:
                await self._wait()
                continue
            if self._lacking:
                self._spawn(self._build_rest())
                await self._wait()
                continue
            self._done = self._total = 0
            self._fresh.set()
            self._keep_up()
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(RECONCILE):
                await self._wake.wait()
        except TimeoutError:
            self._listing = True

    async def _compare(self) -> None:
        """Finds out which files are new, gone or different."""
        found = await self.on_disk(self._disk.discover)
        self.others, self.folders = found.others, found.folders
        self.revision += 1
        files = self.holdings.files
        gone = [path for path in files if path not in found.sources]
        for path in gone:
            self.holdings.drop(path)
            self._waiting.remove(path)
        if gone:
            await self.on_disk(self._disk.forget, gone)
        for path, stamp in found.sources.items():
            held = files.get(path)
            if held is None or held.stamp != stamp:
                self._enqueue(path, stamp)

    async def _hand_out(self) -> None:
        while len(self._waiting):
            await self._slots.acquire()
            batch = self._waiting.take(_BATCH, self._busy)
            if batch is None:
                self._slots.release()
                return
            self._busy.update(batch.paths)
            self._spawn(self._take_in(batch))
            if self._listing:
                return

    async def _take_in(self, batch: Batch) -> None:
        try:
            await self._read(batch)
        except sqlite3.DatabaseError as error:
            await self._recover(error)
        finally:
            self._slots.release()
            self._busy.difference_update(batch.paths)
            for path in self._again.intersection(batch.paths):
                self._again.remove(path)
                self._enqueue_first(path)
            self._done += len(batch.paths)
            self._progress(self._done, max(self._done, self._total))

    async def _read(self, batch: Batch) -> None:
        known: dict[str, tuple[Stamp, Content]] = {}
        unknown, gone = batch.paths, list[str]()
        if not self._blank:
            looked = await self.on_disk(self._disk.look, batch.paths)
            known, unknown, gone = looked.known, looked.unknown, list(looked.gone)
        new, missing = await self._parse(unknown, batch.priority)
        gone += missing
        epoch = self._epoch
        held = await self.on_disk(self._disk.add, new, known, gone)
        if epoch != self._epoch:
            return  # these are ids of a store that is no more
        for path in gone:
            self.holdings.drop(path)
        for path, (now, content) in held.items():
            self.holdings.contents[content.id] = content
            self.holdings.put(path, now)
        self._lacking.update(content.id for _, content in held.values())
        waited = asyncio.get_running_loop().time() - self._built
        if batch.priority == OPEN or not self._waiting or waited > self._gathering():
            await self._build()

    async def _parse(
        self, paths: Sequence[str], priority: int
    ) -> tuple[dict[str, tuple[Stamp, NewContent]], list[str]]:
        """What workers find in files, and which of them are none."""
        new: dict[str, tuple[Stamp, NewContent]] = {}
        missing: list[str] = []
        failed: dict[str, str] = {}

        def deliver(question: Question, answer: Answer) -> None:
            if isinstance(answer, Failed):
                failed[question.path] = answer.reason
            elif "missing" in answer[0]:
                missing.append(question.path)
            else:
                new[question.path] = _new_content(*answer)

        questions = [Question({"ask": "cheap", "path": path}) for path in paths]
        if questions:
            await self._pool.ask(questions, deliver, priority)
        for path, reason in failed.items():
            noted = await self.on_disk(self._disk.failed, path, reason)
            if noted is not None:
                new[path] = noted
        return new, missing

    async def _recover(self, error: sqlite3.DatabaseError) -> None:
        """The store failed; what is wrong with the machine cannot be mended, the rest can."""
        if isinstance(error, sqlite3.OperationalError):
            log.error("files are missing from the index, because it cannot be stored: %s", error)
            return
        log.warning("the index on disk is damaged and is made anew: %s", error)
        self._epoch += 1
        self._lacking.clear()
        await self.on_disk(self._disk.start_over)
        before, self.holdings = self.holdings, Holdings()
        for path, number in before.buffers.items():
            self.holdings.contents[number] = before.contents[number]
            self.holdings.show(path, number)
        if self._memory:
            self.holdings.add(building.from_records(list(self._memory.items())))
        self._listing = True

    async def _build(self) -> None:
        """Makes contents searchable that are not yet; two at a time would make the same twice."""
        now = asyncio.get_running_loop().time
        async with self._building:
            begun = now()
            lacking, epoch = self.holdings.unknown(self._lacking), self._epoch
            self._lacking.clear()
            if lacking:
                segments = await self.on_disk(self._disk.segments_of, lacking)
                if epoch != self._epoch:
                    return
                for segment in segments:
                    self.holdings.add(segment)
                    self._unpublished += len(segment.contents)
                self._keep_up()
            self._built = now()
            self._making = self._built - begun

    def _gathering(self) -> float:
        return max(_TOGETHER, _REST * self._making)

    async def _build_rest(self) -> None:
        """What the last of many left."""
        try:
            await self._build()
        except sqlite3.DatabaseError as error:
            await self._recover(error)

    async def _complete(self) -> None:
        self._lacking.update(each for each in self.holdings.alive() if each < _FIRST_MEMORY)
        await self._build()

    async def _read_text(self, path: str, language: str | None, data: bytes) -> None:
        answers: list[Answer] = []
        question = Question({"ask": "cheap", "path": path, "language": language}, (data,))
        await self._pool.ask([question], lambda _, answer: answers.append(answer), OPEN)
        (answer,) = answers
        if self.texts.get(path) != (language, data):
            return  # there is a newer one, or it was closed
        if isinstance(answer, Failed):
            content, record = Content(self._number(), Policy.FAILED, answer.reason, False), None
        else:
            _, new = _new_content(*answer)
            content = Content(self._number(), new.policy, new.reason, new.is_ascii)
            record = new.record
        self.holdings.contents[content.id] = content
        self.holdings.show(path, content.id)
        if record is not None:
            self._memory[content.id] = record
            self.holdings.add(building.from_records([(content.id, record)]))
        self._forget_texts()

    def _number(self) -> int:
        """A new id for a content that is in memory only."""
        self._next_memory -= 1
        return self._next_memory

    def _forget_texts(self) -> None:
        """What no editor shows any more."""
        for number in [each for each in self._memory if not self.holdings.paths_of(each)]:
            del self._memory[number]
            del self.holdings.contents[number]

    async def records(self, ids: Iterable[int]) -> dict[int, Record]:
        """The facts of contents, as far as they are known."""
        wanted = set(ids)
        found = {number: self._memory[number] for number in wanted if number in self._memory}
        return found | await self.on_disk(self._disk.records, sorted(wanted - found.keys()))

    # -- segments

    def _keep_up(self) -> None:
        """Merges segments, and publishes them when there is nothing else to do."""
        if self._upkeep is None or self._upkeep.done():
            self._upkeep = asyncio.create_task(self._merge())

    async def _merge(self) -> None:
        loop = asyncio.get_running_loop()
        while segments := self.holdings.to_merge():
            alive = list(self.holdings.alive())
            await self._replace(
                segments,
                await loop.run_in_executor(self._mergers, _merged, segments, alive),
            )
        many = self._unpublished > _STALE * len(self.holdings.contents)
        if many and self._fresh.is_set() and await self.on_disk(self._disk.take_lead):
            self._blank = False
            self._unpublished = 0
            segments = self.holdings.segments
            alive = [each for each in self.holdings.alive() if each < _FIRST_MEMORY]
            path = self._place.new_segment()
            base = await loop.run_in_executor(self._mergers, _published, segments, alive, path)
            await self.on_disk(self._disk.set_base, path)
            await self._replace(segments, base)

    async def _replace(self, old: Sequence[Segment], new: Segment) -> None:
        """Also adds what came to life again while they were merged."""
        self.holdings.replace(old, new)
        shown = self.holdings.unknown(self._memory)
        if shown:
            texts = [(number, self._memory[number]) for number in shown]
            self.holdings.add(building.from_records(texts))
        await self._complete()


def _merged(segments: Sequence[Segment], alive: Iterable[int]) -> Segment:
    return building.merged(segments, alive).prepared()


def _published(segments: Sequence[Segment], alive: Iterable[int], path: Path) -> Segment:
    """One segment in a file, mapped. I/O."""
    segment_file.save(building.merged(segments, alive), path)
    return segment_file.load(path)


def _new_content(header: Header, pieces: tuple[bytes, ...]) -> tuple[Stamp, NewContent]:
    """What a worker said of a file."""
    key, names, rows, counts, rest = pieces
    stamp = Stamp(*cast("list[int]", header["stamp"]))
    content = NewContent(
        key,
        Policy(cast("str", header["policy"])),
        cast("str", header["reason"]),
        cast("bool", header["ascii"]),
        Record(names, rows, counts, rest),
    )
    return stamp, content
