"""The part of a draft that is no edit of a text: files to create, to rename, to delete.

The editor does it, never the server: it may hold the file, and it alone knows its own state. What
it answers is not believed here either; the disk and its documents are looked at afterwards.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lsprotocol import types as lsp

from fixwright.lsp.convert import to_lsp
from fixwright.workspace.document import UnknownDocument, read_document
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import canonical, display_name, uri_to_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.lsp.editor import Editor
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.snapshot import Snapshot
    from fixwright.workspace.store import SnapshotStore
    from fixwright.workspace.text import Encoding

_SETTLE = 3.0
"""Seconds that an editor has to show a file that it says it made."""
_DONE = {"create": "created", "rename": "renamed", "delete": "deleted"}


@dataclass(frozen=True)
class FileChange:
    """One file's coming, moving or going.

    Attributes:
        kind: what happens to it.
        uri: the file; for a rename under its old name.
        text: of a created file, and of a renamed one whose text changes.
        to: the new name.
        edits: of a renamed file's text.
    """

    kind: Literal["create", "rename", "delete"]
    uri: str
    text: str = ""
    to: str = ""
    edits: tuple[tuple[lsp.Range, str], ...] = ()

    @property
    def done(self) -> str:
        """What has happened, for a sentence."""
        return f"{display_name(self.uri)} {_DONE[self.kind]}"


def file_changes(draft: Draft, encoding: Encoding) -> tuple[FileChange, ...]:
    """In an order in which each can be done."""
    created: list[FileChange] = []
    rest: list[FileChange] = []
    for change in draft.changed.values():
        match change.kind:
            case "create":
                assert change.after is not None
                created.append(FileChange("create", change.uri, change.after.text.value))
            case "rename":
                assert change.moved_from is not None
                assert change.before is not None
                assert change.after is not None
                edits = tuple(
                    (to_lsp(change.before.text, part.range, encoding), part.text)
                    for part in draft.changes(change.uri)
                )
                text = change.after.text.value
                rest.append(FileChange("rename", change.moved_from, text, change.uri, edits))
            case "delete":
                rest.append(FileChange("delete", change.uri))
            case "edit" | "moved":
                pass
    return (*created, *rest)


class Files:
    """Has the editor change files."""

    def __init__(self, editor: Editor, store: SnapshotStore) -> None:
        self._editor = editor
        self._store = store

    def check(self, changes: Sequence[FileChange]) -> None:
        """Whether the editor can do all of it.

        Raises:
            DraftError: it can't, or has one of the files open.
        """
        for change in changes:
            if change.kind not in self._editor.profile.file_changes:
                raise DraftError(
                    f"{display_name(change.uri)} would be {_DONE[change.kind]}, which this editor"
                    " does not offer. Do that by hand, then ask again."
                )
            if self._store.now.is_open(change.uri):
                raise DraftError(
                    f"{display_name(change.uri)} would be {_DONE[change.kind]}, but is open in the"
                    " editor. Close it and ask again."
                )

    async def apply(self, change: FileChange, label: str) -> str | None:
        """Have one change made; None, or a sentence that says why it is not."""
        edit = lsp.WorkspaceEdit(document_changes=list(operations(change)))
        applied, reason = await self._editor.apply(edit, label)
        if not applied:
            said = reason or "no reason given"
            return f"The editor did not leave {change.done}: {said}."
        return await self.missing(change)

    async def missing(self, change: FileChange) -> str | None:
        """None when a change that the editor says it made can be seen, else a sentence."""
        if await asyncio.to_thread(_on_disk, change):
            return None
        key = canonical(change.to or change.uri)

        def shown(now: Snapshot) -> bool:
            document = now.documents.get(key)
            return document is not None and document.text.value == change.text

        if (change.kind == "create" or change.edits) and await self._store.wait(
            shown, _SETTLE
        ) is not None:
            return None
        if await asyncio.to_thread(_on_disk, change):
            return None
        return f"The editor says that it left {change.done}, but that can't be seen."


def _on_disk(change: FileChange) -> bool:
    path = uri_to_path(change.uri)
    if path is None:
        return False
    if change.kind == "create":
        return _holds(change.uri, change.text)
    to = uri_to_path(change.to) if change.to else None
    if change.edits:
        return _holds(change.to, change.text)
    return not os.path.lexists(path) and (to is None or os.path.lexists(to))


def _holds(uri: str, text: str) -> bool:
    try:
        return read_document(uri).text.value == text
    except UnknownDocument:
        return False


def operations(
    change: FileChange,
) -> tuple[lsp.TextDocumentEdit | lsp.CreateFile | lsp.RenameFile | lsp.DeleteFile, ...]:
    """What an editor is asked to do for one change."""
    match change.kind:
        case "create":
            # What is there by now is kept: the text would stand in front of it, and be seen there.
            options = lsp.CreateFileOptions(ignore_if_exists=True)
            start = lsp.Position(0, 0)
            return (
                lsp.CreateFile(uri=change.uri, options=options),
                _text_edit(change.uri, ((lsp.Range(start, start), change.text),)),
            )
        case "rename":
            keep = lsp.RenameFileOptions(overwrite=False, ignore_if_exists=False)
            renamed = lsp.RenameFile(old_uri=change.uri, new_uri=change.to, options=keep)
            return (renamed, _text_edit(change.to, change.edits)) if change.edits else (renamed,)
        case "delete":
            return (lsp.DeleteFile(uri=change.uri, options=lsp.DeleteFileOptions(recursive=False)),)


def _text_edit(uri: str, edits: Sequence[tuple[lsp.Range, str]]) -> lsp.TextDocumentEdit:
    """Of a file that is not open, and so has no version."""
    return lsp.TextDocumentEdit(
        text_document=lsp.OptionalVersionedTextDocumentIdentifier(uri=uri),
        edits=[lsp.TextEdit(range=place, new_text=text) for place, text in edits],
    )
