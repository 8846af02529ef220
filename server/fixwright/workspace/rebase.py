"""A draft moved to a newer snapshot, or the reason why it can't be."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from types import MappingProxyType

from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.draft_change import Change, Changed, DraftError, with_change
from fixwright.workspace.merge import Clash, merge
from fixwright.workspace.paths import display_name, uri_to_path
from fixwright.workspace.position import Range
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Text

_SHOWN = 60


@dataclass(frozen=True)
class Conflict:
    """One place that both sides changed.

    Attributes:
        range: The place, over the draft's base.
        base: What stood there.
        ours: What the draft puts there.
        theirs: What stands there now.
    """

    range: Range
    base: str
    ours: str
    theirs: str


class DraftConflict(DraftError):
    """A draft doesn't fit a newer snapshot; the message says where and why.

    Attributes:
        uri: The document.
        hunks: The places that both changed; none when the document as a whole is in the way.
        sentence: The message.
    """

    def __init__(self, uri: str, sentence: str, hunks: tuple[Conflict, ...] = ()) -> None:
        super().__init__(sentence)
        self.uri = uri
        self.hunks = hunks
        self.sentence = sentence


def rebased(changed: Changed, now: Snapshot) -> Changed:
    """The changes as they are over another snapshot; what is there already is left out. I/O.

    Raises:
        DraftConflict: A change doesn't fit any more.
    """
    result: Changed = MappingProxyType({})
    for change in changed.values():
        for moved in _rebase_one(change, now):
            result = with_change(result, moved)
    return result


def _rebase_one(change: Change, now: Snapshot) -> tuple[Change, ...]:
    match change.kind:
        case "edit":
            return _edit(change, now)
        case "create":
            return _create(change, now)
        case "rename":
            return _rename(change, now)
        case "delete":
            return _delete(change, now)
        case "moved":  # made by the rename that it belongs to
            return ()


def _edit(change: Change, now: Snapshot) -> tuple[Change, ...]:
    current = _current(change.uri, now)
    after = current.with_text(_merged(change, current))
    return (replace(change, before=current, after=after),)


def _create(change: Change, now: Snapshot) -> tuple[Change, ...]:
    """A file that appeared with the very text that was proposed needs no creating."""
    assert change.after is not None
    if not _is_there(change.uri, now):
        return (change,)
    if _current(change.uri, now).text.value == change.after.text.value:
        return ()
    raise _in_the_way(change.uri, "would be created, but exists now")


def _rename(change: Change, now: Snapshot) -> tuple[Change, ...]:
    assert change.moved_from is not None
    if _is_there(change.uri, now):
        raise _in_the_way(change.uri, "would be a renamed file's new name, but exists now")
    if now.is_open(change.moved_from):
        raise _in_the_way(change.moved_from, "would be renamed, but is open in the editor now")
    current = _current(change.moved_from, now)
    after = replace(current, uri=change.uri, text=_merged(change, current))
    away = Change(change.moved_from, current, None, moved_to=change.uri)
    return (away, replace(change, before=current, after=after))


def _delete(change: Change, now: Snapshot) -> tuple[Change, ...]:
    assert change.before is not None
    if not _is_there(change.uri, now):
        return ()
    if now.is_open(change.uri):
        raise _in_the_way(change.uri, "would be deleted, but is open in the editor now")
    current = _current(change.uri, now)
    if current.text.value != change.before.text.value:
        raise _in_the_way(change.uri, "would be deleted, but has changed since")
    return (replace(change, before=current),)


def _current(uri: str, now: Snapshot) -> Document:
    try:
        current = now.document(uri)
    except UnknownDocument as error:
        raise DraftConflict(uri, str(error)) from error
    if not current.writable:
        raise _in_the_way(uri, "is no longer valid UTF-8")
    return current


def _merged(change: Change, current: Document) -> Text:
    """The current text with the draft's change made in it."""
    assert change.before is not None
    assert change.after is not None
    base, ours, theirs = change.before.text, change.after.text, current.text
    result = merge(base.value, ours.value, theirs.value)
    if isinstance(result, str):
        return theirs if result == theirs.value else Text(result)
    hunks = tuple(_conflict(base, clash) for clash in result)
    first = hunks[0]
    raise DraftConflict(
        current.uri,
        f"{display_name(current.uri)}, line {first.range.start.line + 1}: the proposed change"
        f" ({_quoted(first.base)} to {_quoted(first.ours)}) meets what was changed there since"
        f" (now {_quoted(first.theirs)}).",
        hunks,
    )


def _conflict(base: Text, clash: Clash) -> Conflict:
    start = min(clash.ours.start, clash.theirs.start)
    end = max(clash.ours.end, clash.theirs.end)
    versions = [
        base.value[start : side.start] + side.text + base.value[side.end : end]
        for side in (clash.ours, clash.theirs)
    ]
    return Conflict(base.range(start, end), base.value[start:end], versions[0], versions[1])


def _is_there(uri: str, now: Snapshot) -> bool:
    path = uri_to_path(uri)
    return now.is_open(uri) or (path is not None and os.path.lexists(path))


def _in_the_way(uri: str, what: str) -> DraftConflict:
    return DraftConflict(uri, f"{display_name(uri)} {what}.")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
