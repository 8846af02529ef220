"""The only sender of `workspace/applyEdit`: versions checked before, the outcome seen after.

What an editor answers is not believed: real ones say `applied` for edits that they skipped. What
counts is the text that its next `didChange` shows.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Literal

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from fixwright.lsp.annotated import annotated_edit
from fixwright.lsp.convert import to_lsp
from fixwright.lsp.editor import Editor
from fixwright.lsp.file_changes import FileChange, Files, file_changes
from fixwright.lsp.jobs import to_its_end
from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import canonical, display_name
from fixwright.workspace.rebase import DraftConflict
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.store import SnapshotStore
from fixwright.workspace.text import Encoding

log = logging.getLogger(__name__)

_SETTLE = 3.0
"""Seconds that an editor has to show the effect of an edit that it says it applied."""
_SHOWN_LATE = 120.0
"""Seconds that an editor may take which tells of its own changes only when it is idle."""
_TOO_LATE = 10.0
"""Seconds that an edit which was sent has to come to its end after the user cancelled: half of it
must not stay, and what became of it must be known. Longer than `_SETTLE` for two documents."""
_REBASES = 5
"""How often a draft is brought up to the user's newer text before giving up."""


@dataclass(frozen=True)
class Held:
    """A document's text before and after; None where there was, or is, no document."""

    uri: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Applied:
    """What became of a draft. `reason` is a sentence whenever it is not `applied`."""

    status: Literal["applied", "unseen", "stale", "refused", "diverged"]
    reason: str | None = None
    documents: tuple[Held, ...] = ()
    """What was changed, when it is `applied`: exactly what undoing it puts back."""

    @property
    def done(self) -> bool:
        """Whether every document now holds the draft's text."""
        return self.status == "applied"


@dataclass(frozen=True)
class _Change:
    """One document's part of a draft: from which text, to which."""

    document: Document
    target: str
    edits: tuple[tuple[lsp.Range, str], ...]

    @property
    def uri(self) -> str:
        return self.document.uri


class Edits:
    """Hands drafts to the editor."""

    def __init__(self, editor: Editor, store: SnapshotStore, encoding: Encoding) -> None:
        self._editor = editor
        self._store = store
        self._encoding = encoding
        self._files = Files(editor, store)
        self._turn = asyncio.Lock()  # one draft at a time, or each would see the other as the user

    async def apply(self, draft: Draft, label: str) -> Applied:
        """Apply all of a draft, rebased on what the user typed meanwhile, or nothing of it."""
        async with self._turn:
            try:
                await self._open_closed(draft)
                current = await self._rebased(draft)
                changes = self._changes(current)
                files = file_changes(current, self._encoding)
                self._files.check(files)
            except DraftConflict as conflict:
                return Applied("stale", str(conflict))
            except (DraftError, UnknownDocument) as error:
                return Applied("refused", str(error))
            if not changes and not files:
                return Applied("applied")
            outcome = await to_its_end(self._send(changes, files, label), _TOO_LATE)
            if outcome.done:
                return replace(outcome, documents=_held(changes, current))
            return outcome

    async def reviewed(self, draft: Draft, label: str, description: str) -> Draft:
        """Have the user confirm a draft part by part, in the editor's own preview.

        The user may take as long as it takes, so other edits go on meanwhile; the editor checks
        the versions.

        Returns:
            The draft as it was sent: what of it is there afterwards is for the caller to look at.

        Raises:
            DraftConflict: the user has changed the same place.
            DraftError: a document can't be opened, or a file is open that would be changed.
        """
        async with self._turn:
            await self._open_closed(draft)
            current = await self._rebased(draft)
            self._files.check(file_changes(current, self._encoding))
            edit = annotated_edit(current, label, description, self._encoding)
        taken, _ = await self._editor.apply(edit, label)
        edited = [key for key, change in current.changed.items() if change.kind == "edit"]
        if taken and edited:
            await self._store.wait(lambda now: not _is_current(current, now), _SETTLE)
        return current

    async def seen(self, draft: Draft) -> bool:
        """Wait until the editor shows a draft that it said it applied; False: it never did."""
        wanted = {
            key: draft.text(change.uri)
            for key, change in draft.changed.items()
            if change.kind == "edit"
        }

        def shown(now: Snapshot) -> bool:
            return all(
                key in now.documents and now.documents[key].text.value == text
                for key, text in wanted.items()
            )

        return await self._store.wait(shown, _SHOWN_LATE) is not None

    # ---- before ------------------------------------------------------------------------

    async def _open_closed(self, draft: Draft) -> None:
        """Closed files are opened in the editor: what it holds can't be changed behind its back."""
        for key, change in draft.changed.items():
            uri = change.uri
            if change.kind != "edit" or self._store.now.is_open(uri):
                continue
            shown = await self._editor.show_document(uri)
            opened = shown and await self._store.wait(lambda now: key in now.documents, _SETTLE)  # noqa: B023
            if not opened:
                name = display_name(uri)
                raise DraftError(
                    f"{name} must be changed but is not open. Open it and ask for the fix again."
                )

    async def _rebased(self, draft: Draft) -> Draft:
        """The draft over what the editor holds now, and over the disk as far as files change."""
        looked = all(change.kind == "edit" for change in draft.changed.values())
        for _ in range(_REBASES):
            now = self._store.now
            if looked and _is_current(draft, now):
                return draft
            looked = True
            draft = await asyncio.to_thread(draft.rebase, now)
        if _is_current(draft, self._store.now):
            return draft
        raise DraftError("You are typing in the text that would change. Ask again when you pause.")

    def _changes(self, draft: Draft) -> list[_Change]:
        changes: list[_Change] = []
        for key, change in draft.changed.items():
            if change.kind != "edit":
                continue
            document = draft.base.documents[key]
            assert change.after is not None
            edits = tuple(
                (to_lsp(document.text, part.range, self._encoding), part.text)
                for part in draft.changes(change.uri)
            )
            if edits:
                changes.append(_Change(document, change.after.text.value, edits))
        return changes

    # ---- sending -----------------------------------------------------------------------

    async def _send(
        self, changes: list[_Change], files: tuple[FileChange, ...], label: str
    ) -> Applied:
        """Texts first: they are what can be refused, and then no file has been touched yet."""
        try:
            if self._editor.profile.ours:
                created = tuple(file for file in files if file.kind == "create")
                outcome = await self._apply_at_once(changes, created, label)
                files = files[len(created) :]
            else:
                outcome = await self._apply_one_by_one(changes, label)
            return await self._change_files(changes, files, label) if outcome.done else outcome
        except JsonRpcException as error:
            return Applied("refused", f"The editor could not apply the edit: {error.message}")

    async def _change_files(
        self, changes: list[_Change], files: tuple[FileChange, ...], label: str
    ) -> Applied:
        """One after the other; where one fails the texts are taken back, and the rest is named."""
        for number, file in enumerate(files):
            reason = await self._files.apply(file, label)
            if reason is not None:
                left = [display_name(each.uri) for each in await self._taken_back(changes, label)]
                left += [each.done for each in files[:number]]
                if left:
                    return Applied("diverged", f"{reason} Left as it is now: {', '.join(left)}.")
                return Applied("refused", reason)
        return Applied("applied")

    async def _apply_at_once(
        self, changes: list[_Change], created: tuple[FileChange, ...], label: str
    ) -> Applied:
        """A client of ours checks every version, then changes all documents or none."""
        if not changes and not created:
            return Applied("applied")
        documents = [
            {
                "uri": change.uri,
                "version": change.document.version,
                "edits": [{"range": place, "newText": text} for place, text in change.edits],
            }
            for change in changes
        ]
        files = [{"uri": file.uri, "text": file.text} for file in created]
        params = {"label": label, "documents": documents, "create": files}
        applied, reason = await self._editor.apply_ours(params)
        if not applied:
            return self._edited(changes) or Applied(
                "refused", f"The editor did not apply the edit: {reason or 'no reason given'}."
            )
        for change in changes:
            if not await self._arrived(change):
                return self._not_shown(change)
        for file in created:
            if (missing := await self._files.missing(file)) is not None:
                return Applied("unseen", missing)
        return Applied("applied")

    async def _apply_one_by_one(self, changes: list[_Change], label: str) -> Applied:
        """Any client: one versioned document a request; a later failure takes back the earlier."""
        done: list[_Change] = []
        for change in changes:
            outcome = await self._apply_to_stock_client(change, label)
            if outcome.done:
                done.append(change)
                continue
            left = await self._taken_back(done, label)
            if left:
                named = ", ".join(display_name(change.uri) for change in left)
                reason = f"{outcome.reason} Already changed, and left so: {named}."
                return Applied("diverged", reason)
            return outcome
        return Applied("applied")

    async def _apply_to_stock_client(self, change: _Change, label: str) -> Applied:
        if (stale := self._edited([change])) is not None:
            return stale
        applied, reason = await self._editor.apply(self._workspace_edit(change), label)
        if not applied:
            name = display_name(change.uri)
            return self._edited([change]) or Applied(
                "refused", f"The editor did not change {name}: {reason or 'no reason given'}."
            )
        return Applied("applied") if await self._arrived(change) else self._not_shown(change)

    def _edited(self, changes: list[_Change]) -> Applied | None:
        """What to say where a document is no longer the one that would be changed."""
        for change in changes:
            if self._store.now.documents.get(canonical(change.uri)) is not change.document:
                name = display_name(change.uri)
                return Applied("stale", f"{name} was edited meanwhile. Ask for the fix again.")
        return None

    def _workspace_edit(self, change: _Change) -> lsp.WorkspaceEdit:
        edits = [lsp.TextEdit(range=place, new_text=text) for place, text in change.edits]
        if not self._editor.profile.document_changes:
            return lsp.WorkspaceEdit(changes={change.uri: edits})
        identifier = lsp.OptionalVersionedTextDocumentIdentifier(
            uri=change.uri, version=change.document.version
        )
        return lsp.WorkspaceEdit(
            document_changes=[lsp.TextDocumentEdit(text_document=identifier, edits=edits)]
        )

    async def _arrived(self, change: _Change) -> bool:
        """Whether the editor now shows the text that was meant."""
        key = canonical(change.uri)

        def shown(now: Snapshot) -> bool:
            document = now.documents.get(key)
            return document is not None and document.text.value == change.target

        return await self._store.wait(shown, _SETTLE) is not None

    def _not_shown(self, change: _Change) -> Applied:
        """What to say of an edit that the editor applied by its own word only."""
        name = display_name(change.uri)
        if self._store.now.documents.get(canonical(change.uri)) is change.document:
            reason = f"The editor says that it changed {name}, but has not shown the change yet."
            return Applied("unseen", reason)
        log.warning("the editor's text of %s is not the one that was sent", change.uri)
        reason = (
            f"{name} does not hold the text that was meant: it changed while the edit was applied. "
            "Look it over; undo takes the edit back."
        )
        return Applied("diverged", reason)

    async def _taken_back(self, done: list[_Change], label: str) -> list[_Change]:
        """Undo earlier documents that nobody touched since; returns those that could not be."""
        left: list[_Change] = []
        for change in reversed(done):
            now = self._store.now.documents.get(canonical(change.uri))
            if now is None or now.text.value != change.target:
                left.append(change)
                continue
            inverse = self._inverse(now, change)
            outcome = await self._apply_to_stock_client(inverse, f"{label} (taken back)")
            if not outcome.done:
                left.append(change)
        return left

    def _inverse(self, now: Document, change: _Change) -> _Change:
        before = change.document.text.value
        snapshot = self._store.now
        draft = Draft.over(snapshot).write(change.uri, before)
        edits = tuple(
            (to_lsp(now.text, part.range, self._encoding), part.text)
            for part in draft.changes(change.uri)
        )
        return _Change(now, before, edits)


def _held(changes: list[_Change], draft: Draft) -> tuple[Held, ...]:
    """What the editor had and has."""
    texts = [Held(each.uri, each.document.text.value, each.target) for each in changes]
    files = [
        Held(
            change.uri,
            None if change.moved_from or change.before is None else change.before.text.value,
            None if change.after is None else change.after.text.value,
        )
        for change in draft.changed.values()
        if change.kind != "edit"
    ]
    return (*texts, *files)


def _is_current(draft: Draft, now: Snapshot) -> bool:
    """Whether every document that the draft changes is still the one it was made over."""
    return all(
        key in now.documents and draft.base.documents.get(key) is now.documents[key]
        for key, change in draft.changed.items()
        if change.kind == "edit"
    )


__all__ = ["Applied", "Edits", "Held"]
