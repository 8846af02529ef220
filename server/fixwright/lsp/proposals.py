"""What waits for review: drafts of the agent, whole or by their hunks.

A hunk is one place of one document, or one file that comes, moves or goes. Review works in every
editor: by a question, by code actions and lenses at the hunks, by the commands themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import canonical, display_name
from fixwright.workspace.rebase import DraftConflict

if TYPE_CHECKING:
    from fixwright.workspace.draft_change import Change, TextChange
    from fixwright.workspace.position import Range
    from fixwright.workspace.snapshot import Snapshot


@dataclass(frozen=True)
class Hunk:
    """One thing to accept or to reject.

    Attributes:
        number: its place in the proposal, counted from 1.
        uri: the document.
        range: what is replaced, over the draft's base; None where a whole file is concerned.
        title: what it does, in a few words.
        part: the replacement; None where a whole file is concerned.
        change: of the whole document.
    """

    number: int
    uri: str
    range: Range | None
    title: str
    part: TextChange | None
    change: Change


@dataclass(frozen=True)
class Proposal:
    """A draft that waits for a yes.

    Attributes:
        id: its name.
        session: whose it is.
        title: what it is for.
        draft: over the snapshot that it was made for.
    """

    id: str
    session: str
    title: str
    draft: Draft

    def hunks(self) -> tuple[Hunk, ...]:
        """All of them, by document."""
        numbers = itertools.count(1)
        return tuple(
            Hunk(next(numbers), change.uri, place, title, part, change)
            for _, change in sorted(self.draft.changed.items())
            for place, title, part in _parts(self.draft, change)
        )

    def part(self, numbers: Collection[int]) -> Draft:
        """Only those hunks, over the same snapshot."""
        draft = Draft.over(self.draft.base)
        chosen = [hunk for hunk in self.hunks() if hunk.number in numbers]
        for uri, hunks in itertools.groupby(chosen, key=lambda hunk: hunk.uri):
            several = list(hunks)
            parts = [hunk.part for hunk in several if hunk.part is not None]
            if parts:
                draft = draft.edit_all(uri, parts)
            for hunk in several:
                if hunk.part is None:
                    draft = _with_file(draft, hunk.change)
        return draft

    def without(self, numbers: Collection[int]) -> Draft:
        """All hunks but those."""
        return self.part({hunk.number for hunk in self.hunks()} - set(numbers))


@dataclass
class Proposals:
    """Those that wait in one editor."""

    _waiting: dict[str, Proposal] = field(default_factory=dict[str, Proposal])
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, session: str, title: str, draft: Draft) -> Proposal:
        """Let a draft wait; a session has one at most, the newest."""
        for old in [each for each in self._waiting.values() if each.session == session]:
            del self._waiting[old.id]
        proposal = Proposal(f"proposal-{next(self._numbers)}", session, title, draft)
        self._waiting[proposal.id] = proposal
        return proposal

    def get(self, name: str) -> Proposal | None:
        """One that waits."""
        return self._waiting.get(name)

    def keep(self, proposal: Proposal, rest: Draft) -> None:
        """What is left of one; nothing ends it."""
        if rest.is_empty:
            self._waiting.pop(proposal.id, None)
        else:
            left = Proposal(proposal.id, proposal.session, proposal.title, rest)
            self._waiting[proposal.id] = left

    def at(self, uri: str) -> Iterator[tuple[Proposal, Hunk]]:
        """The hunks of one document."""
        key = canonical(uri)
        for proposal in self._waiting.values():
            for hunk in proposal.hunks():
                if canonical(hunk.uri) == key:
                    yield proposal, hunk


def over(draft: Draft, now: Snapshot) -> Draft:
    """A draft over the present snapshot; documents in which it meets the user's text are left out.

    I/O for what is not open.
    """
    while True:
        try:
            return draft.rebase(now)
        except DraftConflict as conflict:
            kept = {
                key: change
                for key, change in draft.changed.items()
                if conflict.uri not in (change.uri, change.moved_from, change.moved_to)
            }
            draft = Draft(draft.base, kept)


def _parts(draft: Draft, change: Change) -> Iterator[tuple[Range | None, str, TextChange | None]]:
    name = display_name(change.uri)
    match change.kind:
        case "edit":
            for part in draft.changes(change.uri):
                yield part.range, f"line {part.range.start.line + 1} of {name}", part
        case "create":
            yield None, f"create {name}", None
        case "delete":
            yield None, f"delete {name}", None
        case "rename":
            yield None, f"rename {display_name(change.moved_from or '')} to {name}", None
        case "moved":
            return


def _with_file(draft: Draft, change: Change) -> Draft:
    match change.kind:
        case "create":
            return draft.create(change.uri, change.after.text.value if change.after else "")
        case "delete":
            return draft.delete(change.uri)
        case _:
            moved = draft.rename(change.moved_from or change.uri, change.uri)
            return (
                moved if change.after is None else moved.write(change.uri, change.after.text.value)
            )
