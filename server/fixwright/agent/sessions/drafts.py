"""A session's draft, taken up again over what the workspace is now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from fixwright.agent.sessions.resume import draft_texts
from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import Change
from fixwright.workspace.language import guess_language
from fixwright.workspace.paths import canonical, display_name, uri_to_path
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fixwright.agent.records import Journal
    from fixwright.agent.sessions.resume import DraftText


@dataclass(frozen=True, slots=True)
class Resumed:
    """A draft as the session left it.

    Attributes:
        draft: over the texts of that time: rebase it on the present snapshot before it is used.
        left_out: sentences about changes that can't be taken up.
    """

    draft: Draft
    left_out: tuple[str, ...]


async def resumed_draft(journal: Journal, now: Snapshot) -> Resumed:
    """The draft of a session. `now` says which names are inside the workspace."""
    changes = draft_texts(journal.events)
    texts: dict[str, str] = {}
    for digest in {each for change in changes for each in (change.before, change.after) if each}:
        try:
            texts[digest] = await journal.text(digest)
        except KeyError:
            continue
    return await asyncio.to_thread(draft_from, changes, texts, now)


def draft_from(changes: Sequence[DraftText], texts: Mapping[str, str], now: Snapshot) -> Resumed:
    """As `resumed_draft`, from texts by their digests. I/O: it follows links on the disk."""
    changed: dict[str, Change] = {}
    left_out: list[str] = []
    for change in changes:
        why = _objection(change, texts, now)
        if why is not None:
            left_out.append(f"The change to {display_name(change.uri)} is left out: {why}")
        elif change.op != "moved":
            changed |= _changes(change, texts)
    past = Snapshot().with_folders(now.folders)
    return Resumed(Draft(past, MappingProxyType(changed)), tuple(left_out))


def _objection(change: DraftText, texts: Mapping[str, str], now: Snapshot) -> str | None:
    """Why a change can't be taken up; a session may be imported, and name any file there is."""
    if any(each is not None and each not in texts for each in (change.before, change.after)):
        return "its text was not kept, because it holds a secret or is lost."
    for uri in filter(None, (change.uri, change.origin)):
        try:
            if not now.is_open(uri):
                now.check_inside(uri)
        except UnknownDocument as error:
            return str(error)
    return None


def _changes(change: DraftText, texts: Mapping[str, str]) -> dict[str, Change]:
    origin = change.origin or change.uri
    before = None if change.before is None else _document(origin, texts[change.before])
    after = None if change.after is None else _document(change.uri, texts[change.after])
    made = {canonical(change.uri): Change(change.uri, before, after, moved_from=change.origin)}
    if change.origin is not None:
        made[canonical(origin)] = Change(origin, before, None, moved_to=change.uri)
    return made


def _document(uri: str, text: str) -> Document:
    return Document(uri, guess_language(uri_to_path(uri), text[:200]), Text(text))
