"""Watches the disk where the editor does not: only folders that hold files of the workspace.

What is lost when too much happens at once, and what happens in folders while they are not watched
yet, is found by comparing everything afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import awatch  # pyright: ignore[reportUnknownVariableType]  trio has no types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixwright.index.catalog.indexer import Indexer

log = logging.getLogger(__name__)

_MANY = 2000
"""Changes at once of which some may be missing: the kernel's queue holds some thousands."""

_MOST_FOLDERS = 20_000
_SECONDS_WITHOUT = 10.0
_STEP = 20
_DEBOUNCE = 50


async def watch(indexer: Indexer) -> None:
    """Tells an indexer what changes, until it is cancelled."""
    while True:
        await indexer.wait_fresh()
        folders = indexer.folders
        there = await asyncio.to_thread(_existing, folders)
        if not there or len(there) > _MOST_FOLDERS:
            await asyncio.sleep(_SECONDS_WITHOUT)  # a poll: there is nothing to wait for
            indexer.reconcile()
            continue
        try:
            await _watch(indexer, there)
        except OSError as error:
            log.warning("the disk cannot be watched and is compared instead: %s", error)
            await asyncio.sleep(_SECONDS_WITHOUT)
            indexer.reconcile()


def _existing(folders: Iterable[str]) -> list[str]:
    return [folder for folder in sorted(folders) if Path(folder).is_dir()]


async def _watch(indexer: Indexer, folders: list[str]) -> None:
    """Until other folders have to be watched."""
    known = indexer.folders
    changes = awatch(
        *folders, watch_filter=None, step=_STEP, debounce=_DEBOUNCE, recursive=False,
        yield_on_timeout=True, rust_timeout=500,
    )  # fmt: skip
    indexer.reconcile()
    async with aclosing(changes):
        async for found in changes:
            if len(found) >= _MANY:
                indexer.reconcile()
            elif found:
                indexer.changed({path for _, path in found})
                await indexer.wait_fresh()
            if indexer.folders != known:
                return
