"""The index's process: answers frames on its standard streams until its input ends.

The first frame says which workspace: `{"roots", "cache"?, "workers", "deadline", "watch"}`. After
that come questions with an `id`, answered by any number of frames `{"id", "part": [...]}` and one
`{"id", "end": …}` or `{"id", "error": sentence}`; and news without one: `changed`, `show`, `hide`,
`focus`, `cancel`. What the process says unasked are frames with `event`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fixwright.index.catalog import frames
from fixwright.index.catalog.answers import Answers
from fixwright.index.catalog.indexer import Indexer
from fixwright.index.catalog.place import Place
from fixwright.index.catalog.pool import Pool
from fixwright.index.catalog.watching import watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.index.catalog.frames import Header

log = logging.getLogger(__name__)

_NICENESS = 5
_PROGRESS = 0.1


class Service:
    """One workspace's index and the client at the other end of the pipe."""

    def __init__(self, settings: Header, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._told = 0.0
        roots = [Path(root) for root in cast("list[str]", settings["roots"])]
        cache = cast("str | None", settings.get("cache"))
        place = Place.of(roots, Path(cache) if cache else None)
        pool = Pool(cast("int", settings["workers"]), cast("float", settings["deadline"]))
        self._indexer = Indexer(roots, place, pool, self._progress)
        self._answers = Answers(self._indexer, pool, roots, place)
        self._watch = cast("bool", settings.get("watch", False))
        self._watcher: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Takes over what is on disk; questions are answered from then on."""
        await self._indexer.open()
        gc.freeze()  # what was loaded stays; nobody needs to look through it again
        if self._watch:
            self._watcher = asyncio.create_task(watch(self._indexer))

    async def close(self) -> None:
        """Ends everything."""
        for task in [*self._asked.values(), *filter(None, [self._watcher])]:
            task.cancel()
        await self._indexer.close()

    def take(self, header: Header, pieces: tuple[bytes, ...]) -> None:
        """One frame from the client."""
        number = header.get("id")
        if isinstance(number, int) and "ask" in header:
            task = asyncio.create_task(self._answer(number, header))
            self._asked[number] = task
            task.add_done_callback(lambda _: self._asked.pop(number, None))
            return
        news = header["news"]
        if news == "cancel":
            if (task := self._asked.get(cast("int", number))) is not None:
                task.cancel()
        elif news == "changed":
            self._indexer.changed(cast("list[str]", header["paths"]))
        elif news == "reconcile":
            self._indexer.reconcile()
        elif news == "focus":
            self._indexer.focus(cast("list[str]", header["paths"]))
        elif news == "show":
            language = cast("str | None", header.get("language"))
            self._indexer.show(cast("str", header["path"]), language, pieces[0])
        elif news == "hide":
            self._indexer.hide(cast("str", header["path"]))
        else:
            log.error("the index was told %r and does not know what that is", news)

    async def _answer(self, number: int, header: Header) -> None:
        async def part(rows: Sequence[object]) -> None:
            self._send({"id": number, "part": list(rows)})
            await self._writer.drain()

        try:
            end = await self._answers.answer(header, part)
        except Exception as error:
            log.exception("a question to the index was not answered: %r", header)
            self._send({"id": number, "error": f"The index failed on {header['ask']}: {error!r}"})
        else:
            self._send({"id": number, "end": end})

    def _progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._told > _PROGRESS:
            self._told = now
            self._send({"event": "progress", "done": done, "total": total})

    def _send(self, header: Header) -> None:
        if not self._writer.is_closing():
            self._writer.write(frames.encoded(header))


class _ToClient(logging.Handler):
    """Log records go to the client, whose log they belong into."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__(logging.INFO)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        header: Header = {"event": "log", "level": record.levelno, "text": self.format(record)}
        self._writer.write(frames.encoded(header))


async def serve() -> None:
    """Serves one client; returns when it is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(os.dup(1), "wb")
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    logging.basicConfig(level=logging.INFO, handlers=[_ToClient(writer)])
    settings, _ = await frames.receive(reader)
    service = Service(settings, writer)
    try:
        await service.open()
        while True:
            service.take(*await frames.receive(reader))
    except (EOFError, ConnectionError):
        pass
    finally:
        await service.close()


if __name__ == "__main__":
    os.nice(_NICENESS)
    asyncio.run(serve())
