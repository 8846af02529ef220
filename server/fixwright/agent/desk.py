"""What the agent works on during a turn: the draft, the text it has seen, the runs it has made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fixwright.agent.conflicts import given_way, told
from fixwright.agent.edits.anchors import version_of
from fixwright.agent.naming import Names
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import canonical
from fixwright.workspace.rebase import DraftConflict

if TYPE_CHECKING:
    from fixwright.index.workspace_index import WorkspaceIndex
    from fixwright.runs.run import Run
    from fixwright.runs.runner import ActiveRun, Runner
    from fixwright.workspace.snapshot import Snapshot
    from fixwright.workspace.text import Text

_TEXTS_READ = 8
"""How many texts of one document are remembered."""

Ask = Callable[[str, Sequence[str]], Awaitable[str | None]]
"""Shows a question and its answers to the user; None when nobody answers."""

Watch = Callable[["ActiveRun"], Awaitable[None]]
"""Follows a run's output for the user, until it ends."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run that the agent may cite."""

    id: str
    run: Run


async def nobody(question: str, answers: Sequence[str]) -> str | None:
    """Where nobody can be asked."""
    del question, answers
    return None


async def unwatched(run: ActiveRun) -> None:
    """Where nobody looks at a run."""
    del run


@dataclass
class Desk:
    """One turn's work. Only the loop and the tools touch it, one changing call at a time.

    Attributes:
        now: the editor's present snapshot (or the disk's).
        draft: all changes so far.
        runner: of the sandbox.
        index: the workspace's; None where there is none.
        ask: the user.
        watch: who follows the runs.
        readable: whether a file's text may be shown, by its name; for tools that see many files.
        evidence: the session's runs by their ids.
        counted: runs that the session had before it was opened again.
        remarks: sentences that the model shall read with the next result.
    """

    now: Callable[[], Snapshot]
    draft: Draft
    runner: Runner
    index: WorkspaceIndex | None = None
    ask: Ask = nobody
    watch: Watch = unwatched
    readable: Callable[[str], bool] = lambda _: True
    evidence: dict[str, Evidence] = field(default_factory=dict[str, Evidence])
    remarks: list[str] = field(default_factory=list[str])
    counted: int = 0
    _read: dict[str, dict[str, Text]] = field(default_factory=dict[str, dict[str, "Text"]])

    @property
    def names(self) -> Names:
        """The files' names."""
        return Names(self.draft.base)

    async def refresh(self) -> None:
        """Move the draft onto what the user has typed meanwhile.

        Changes that touch the same place as the user's give way: what the agent wanted there is
        told to it, and is no part of the draft any more.
        """
        now = self.now()
        if now is self.draft.base:
            return
        while True:
            try:
                self.draft = await asyncio.to_thread(self.draft.rebase, now)
                return
            except DraftConflict as conflict:
                self.remarks.append(told(self.names.of(conflict.uri), self.draft, conflict))
                self.draft = given_way(self.draft, conflict)

    def has_read(self, uri: str, text: Text) -> None:
        """Remember which text of a document the model has been shown."""
        texts = self._read.setdefault(canonical(uri), {})
        version = version_of(text)
        texts.pop(version, None)
        texts[version] = text
        for old in list(texts)[:-_TEXTS_READ]:
            del texts[old]

    def texts_read(self, uri: str) -> Mapping[str, Text]:
        """Those texts by version, oldest first."""
        return self._read.get(canonical(uri), {})

    def delivered(self) -> None:
        """The editor has taken the draft: what is there now is what there is."""
        self.draft = Draft.over(self.now())

    def add(self, run: Run) -> Evidence:
        """Keep a run, under the next free id."""
        number = self.counted + len(self.evidence) + 1
        found = Evidence(f"run-{number}", run)
        self.evidence[found.id] = found
        return found

    def is_fresh(self, evidence: Evidence) -> bool:
        """Whether a run was of exactly the text that the draft has now."""
        run = evidence.run
        return run.draft.same_result(self.draft) and _same_texts(run.snapshot, self.draft.base)

    def take_remarks(self) -> str:
        """The sentences that wait, once."""
        told, self.remarks = self.remarks, []
        return "\n".join(told)


def _same_texts(one: Snapshot, other: Snapshot) -> bool:
    """Whether the open documents of both hold the same texts."""
    if one.documents.keys() != other.documents.keys():
        return False
    return all(
        document.text.value == other.documents[key].text.value
        for key, document in one.documents.items()
    )
