"""Changes that went where they belong, as a session remembers them; headless, writing them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fixwright.agent.sessions.records import digest_of
from fixwright.workspace.disk import apply_to_disk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fixwright.agent.records import Journal
    from fixwright.workspace.draft import Draft

Touch = tuple[str, str | None, str | None]
"""A document's URI, its text before and its text after; None where there was, or is, none."""


def touched(draft: Draft) -> tuple[Touch, ...]:
    """What a draft does to each name."""
    return tuple(
        (
            change.uri,
            None if change.before is None or change.moved_from else change.before.text.value,
            None if change.after is None else change.after.text.value,
        )
        for _, change in sorted(draft.changed.items())
    )


async def record_applied(journal: Journal, label: str, documents: Iterable[Touch]) -> None:
    """Write down what was changed outside the draft: `undo` puts exactly that back."""
    known = tuple(documents)
    texts = [text for _, *both in known for text in both if text is not None]
    said = [
        {"uri": uri, "before": _digest(before), "after": _digest(after)}
        for uri, before, after in known
    ]
    await journal.append("applied", {"label": label, "documents": said}, texts)


async def write_to_disk(draft: Draft, journal: Journal, label: str) -> tuple[Path, ...]:
    """Write all of a draft to disk, or nothing, and say so in the session.

    Once begun it is brought to its end: half of it must not stay, nor go unrecorded.

    Raises:
        DiskConflict: a file has changed since, or can't be written. Nothing has changed then.
    """

    async def both() -> tuple[Path, ...]:
        paths = await asyncio.to_thread(apply_to_disk, draft)
        await record_applied(journal, label, touched(draft))
        return paths

    work = asyncio.ensure_future(both())
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _digest(text: str | None) -> str | None:
    return None if text is None else digest_of(text)
