"""A session's draft, taken up again over what the workspace is now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import Change, with_change
from fixwright.workspace.language import guess_language
from fixwright.workspace.paths import canonical, display_name, uri_to_path
from fixwright.workspace.rebase import DraftConflict
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from fixwright.agent.sessions.resume import DraftText
    from fixwright.workspace.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Resumed:
    """A draft as the session left it.

    Attributes:
        draft: over the present snapshot, with what was typed since merged into it.
        left_out: sentences about changes that can't be taken up.
    """

    draft: Draft
    left_out: tuple[str, ...]


async def resumed_draft(
    kept: Sequence[DraftText], text: Callable[[str], Awaitable[str]], now: Snapshot
) -> Resumed:
    """A session's draft over the present snapshot; no change that was made since gives way to it.

    Args:
        kept: what the session says of it; see `resume.draft_texts`.
        text: a kept text by its digest; raises `KeyError`.
        now: what it is to be over.
    """
    texts = await kept_texts(kept, text)
    return await asyncio.to_thread(draft_over, kept, texts, now)


def draft_over(kept: Sequence[DraftText], texts: Mapping[str, str], now: Snapshot) -> Resumed:
    """As `resumed_draft`, from texts by their digests. I/O for what is not open."""
    changed = Draft.over(now).changed
    left_out: list[str] = []
    for each in kept:
        if each.op == "moved":
            continue  # made by the rename that it belongs to
        try:
            _check(each, texts, now)
            rebased = Draft(now, MappingProxyType(_changes(each, texts))).rebase(now)
        except (_NotKept, UnknownDocument, DraftConflict) as why:
            left_out.append(f"The change to {display_name(each.uri)} is left out: {why}")
            continue
        for change in rebased.changed.values():
            changed = with_change(changed, change)
    return Resumed(Draft(now, changed), tuple(left_out))


def recorded_draft(kept: Sequence[DraftText], texts: Mapping[str, str], base: Snapshot) -> Draft:
    """The draft exactly as it was, whatever is in the files now: to be looked at, not to be used.

    Changes whose texts were not kept are missing.
    """
    changed: dict[str, Change] = {}
    for each in kept:
        if any(digest is not None and digest not in texts for digest in (each.before, each.after)):
            continue
        changes = _changes(each, texts)
        if each.op == "rename" and each.origin is not None:
            before = changes[canonical(each.uri)].before
            away = Change(each.origin, before, None, moved_to=each.uri)
            changed.setdefault(canonical(each.origin), away)
        if each.op != "moved":
            changed |= changes
    return Draft(base, MappingProxyType(changed))


async def kept_texts(
    kept: Sequence[DraftText], text: Callable[[str], Awaitable[str]]
) -> dict[str, str]:
    """The texts that are there, by their digests."""
    texts: dict[str, str] = {}
    for digest in {each for change in kept for each in (change.before, change.after) if each}:
        try:
            texts[digest] = await text(digest)
        except KeyError:
            continue
    return texts


class _NotKept(Exception):
    """A text is not there."""


def _check(change: DraftText, texts: Mapping[str, str], now: Snapshot) -> None:
    """Refuse what can't be taken up; a session may be imported, and name any file there is."""
    if any(each is not None and each not in texts for each in (change.before, change.after)):
        raise _NotKept("its text was not kept, because it holds a secret or is lost.")
    for uri in filter(None, (change.uri, change.origin)):
        if not now.is_open(uri):
            now.check_inside(uri)


def _changes(change: DraftText, texts: Mapping[str, str]) -> dict[str, Change]:
    """The change as it was made, over the text that it was made over."""
    origin = change.origin or change.uri
    before = None if change.before is None else _document(origin, texts[change.before])
    after = None if change.after is None else _document(change.uri, texts[change.after])
    return {canonical(change.uri): Change(change.uri, before, after, moved_from=change.origin)}


def _document(uri: str, text: str) -> Document:
    return Document(uri, guess_language(uri_to_path(uri), text[:200]), Text(text))
