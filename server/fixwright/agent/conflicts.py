"""Where the agent and the user changed the same place: the user's text stands, both are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fixwright.agent.tools.shown import clipped
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import with_change, without
from fixwright.workspace.hunks import apply_hunks
from fixwright.workspace.paths import canonical
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from fixwright.workspace.draft_change import Change
    from fixwright.workspace.rebase import Conflict, DraftConflict

_PLACES = 10
_LONGEST = 2000
"""Characters of one side of one place."""


def given_way(draft: Draft, conflict: DraftConflict) -> Draft:
    """Without what meets the user's text: those places, or all that happens to the file."""
    change = draft.changed.get(canonical(conflict.uri))
    if change is not None and _in_places(change, conflict):
        return Draft(draft.base, with_change(draft.changed, _elsewhere(change, conflict)))
    changed, uri = draft.changed, conflict.uri
    for each in draft.changed.values():
        if uri in (each.uri, each.moved_from, each.moved_to):
            changed = without(changed, each.uri)
    return Draft(draft.base, without(changed, uri))


def told(name: str, draft: Draft, conflict: DraftConflict) -> str:
    """What the model reads of a conflict: both texts of each place."""
    change = draft.changed.get(canonical(conflict.uri))
    parted = change is not None and _in_places(change, conflict)
    aside = "what you had changed there is" if parted else f"all your changes to {name} are"
    sentence = (
        f"The user changed {name} meanwhile, where you had changed it too. The user's text stands;"
        f" {aside} set aside. Read it again before you change it."
    )
    parts = [sentence]
    for hunk in conflict.hunks[:_PLACES]:
        theirs, ours = (_lines(change, hunk, side) for side in (hunk.theirs, hunk.ours))
        parts.append(f"At line {hunk.range.start.line + 1} stands now:\n{theirs}")
        parts.append(f"You had put there:\n{ours}")
    if (more := len(conflict.hunks) - _PLACES) > 0:
        parts.append(f"Likewise in {more} more places.")
    if not conflict.hunks:
        parts.append(conflict.sentence)
    return "\n".join(parts)


def _lines(change: Change | None, hunk: Conflict, side: str) -> str:
    """One side of a conflict, as whole lines."""
    if change is None or change.before is None:
        return clipped(side, _LONGEST)
    text = change.before.text
    start, end = text.offset(hunk.range.start), text.offset(hunk.range.end)
    first = text.value.rfind("\n", 0, start) + 1
    last = text.value.find("\n", end)
    behind = text.value[end:] if last < 0 else text.value[end:last]
    return clipped(f"{text.value[first:start]}{side}{behind}", _LONGEST)


def _in_places(change: Change, conflict: DraftConflict) -> bool:
    """Whether only places of a file are concerned: a file that moves does so whole."""
    return change.kind == "edit" and bool(conflict.hunks)


def _elsewhere(change: Change, conflict: DraftConflict) -> Change:
    """An edit without the replacements that touch the conflict's places."""
    assert change.before is not None
    text = change.before.text
    ranges = [each.range for each in conflict.hunks]
    places = [(text.offset(each.start), text.offset(each.end)) for each in ranges]
    kept = [
        hunk
        for hunk in change.hunks()
        if not any(start <= hunk.end and hunk.start <= end for start, end in places)
    ]
    return replace(change, after=change.before.with_text(Text(apply_hunks(text.value, kept))))
