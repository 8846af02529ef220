"""Proposed changes over one snapshot. Nothing else in Fixwright makes edits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.draft_change import (
    Change,
    Changed,
    DraftError,
    TextChange,
    with_change,
    without,
)
from fixwright.workspace.files import FileEntry
from fixwright.workspace.hunks import Hunk, apply_hunks
from fixwright.workspace.language import guess_language
from fixwright.workspace.newlines import in_style_of, keep_endings
from fixwright.workspace.overlay import overlay
from fixwright.workspace.paths import canonical, display_name, uri_to_path
from fixwright.workspace.position import Position, Range
from fixwright.workspace.rebase import rebased
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.text import Text
from fixwright.workspace.unified import unified_diff

_BOM = "\ufeff"


@dataclass(frozen=True, eq=False)
class Draft:
    """Proposed changes over one snapshot; immutable: each change gives another draft.

    Attributes:
        base: What the changes are over. A document that is not open is read when it is first
            changed, and kept as it was then.
        changed: What happens, by `paths.canonical` URI.
    """

    base: Snapshot
    changed: Changed = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def over(cls, snapshot: Snapshot) -> Draft:
        """A draft without changes."""
        return cls(snapshot)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.changed

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The roots of the workspace."""
        return self.base.folders

    def folder_of(self, uri: str) -> Folder | None:
        """The innermost folder that a document lies in."""
        return self.base.folder_of(uri)

    def document(self, uri: str) -> Document:
        """The document as it is with the changes made.

        Raises:
            UnknownDocument: The draft leaves none under this name, or the snapshot knows none.
        """
        change = self.changed.get(canonical(uri))
        if change is None:
            return self.base.document(uri)
        if change.after is None:
            verb = f"renamed to {display_name(change.moved_to)}" if change.moved_to else "deleted"
            raise UnknownDocument(f"{display_name(uri)} is {verb} in this draft.")
        return change.after

    def text(self, uri: str) -> str:
        """Its text; raises as `document` does."""
        return self.document(uri).text.value

    def files(self, folder: Folder) -> Iterator[FileEntry]:
        """The files of a folder as they are with the changes made; see `Snapshot.files`. I/O."""
        present = {key: change.after for key, change in self.changed.items() if change.after}
        gone = frozenset(self.changed.keys() - present.keys())
        origins = {
            key: path
            for key, change in self.changed.items()
            if change.moved_from and (path := uri_to_path(change.moved_from))
        }
        return overlay(folder.path, self.base.files(folder), present, gone, origins)

    def write(self, uri: str, text: str) -> Draft:
        """With a whole new text for a document that exists.

        Lines keep the endings that they have, new ones get the document's dominant one, and a byte
        order mark stays as it is.

        Raises:
            DraftError: It doesn't exist, or can't be written.
        """
        document = self._writable(uri)
        if document.bom:
            text = text.removeprefix(_BOM)
        return self._replaced(document, Text(keep_endings(document.text, text)))

    def edit(self, uri: str, range: Range, text: str) -> Draft:  # noqa: A002 - the LSP's word
        """With one stretch replaced; see `edit_all`."""
        return self.edit_all(uri, (TextChange(range, text),))

    def edit_all(self, uri: str, changes: Iterable[TextChange]) -> Draft:
        """With several stretches replaced at once; all ranges are over the draft's text of now.

        Line breaks in the new text become the document's dominant ones. Of several insertions at
        one place the first given comes first.

        Raises:
            DraftError: The document can't be written, a range lies outside, or two overlap.
        """
        document = self._writable(uri)
        text = document.text
        hunks = [self._hunk(document, change) for change in changes]
        hunks.sort(key=lambda hunk: (hunk.start, hunk.end))
        for one, other in pairwise(hunks):
            if other.start < one.end:
                place = text.position(other.start).line + 1
                raise DraftError(
                    f"Two edits of {display_name(uri)} overlap at line {place}; make one of them."
                )
        return self._replaced(document, Text(apply_hunks(text.value, hunks)))

    def create(self, uri: str, text: str) -> Draft:
        """With a new file.

        Raises:
            DraftError: It exists or is open already, or lies outside the workspace.
        """
        change = self.changed.get(canonical(uri))
        if change is not None and change.kind == "delete" and change.before is not None:
            document = change.before
            return self._with(replace(change, after=document.with_text(Text(text))))
        self._check_free(uri)
        document = Document(uri, guess_language(uri_to_path(uri), text), Text(text))
        return self._with(Change(uri, None, document))

    def delete(self, uri: str) -> Draft:
        """Without a file.

        Raises:
            DraftError: It doesn't exist, is open in the editor, or can't be written.
        """
        document = self._writable(uri)
        self._check_closed(uri, "deleted")
        change = self.changed.get(canonical(uri))
        if change is None:
            return self._with(Change(uri, document, None))
        if change.moved_from is None:
            return self._with(replace(change, after=None))
        return self._with(Change(change.moved_from, change.before, None), leaving=uri)

    def rename(self, uri: str, to: str) -> Draft:
        """With a file under another name.

        Raises:
            DraftError: It doesn't exist, is open in the editor, or can't be written; the new name
                is taken or lies outside the workspace.
        """
        document = self._writable(uri)
        self._check_closed(uri, "renamed")
        self._check_free(to)
        change = self.changed.get(canonical(uri)) or Change(uri, document, document)
        after = replace(document, uri=to)
        if change.before is None:
            return self._with(replace(change, uri=to, after=after), leaving=uri)
        origin = change.moved_from or uri
        away = self._with(Change(origin, change.before, None, moved_to=to), leaving=uri)
        arrival = Change(to, change.before, after, moved_from=origin)
        return replace(away, changed=with_change(away.changed, arrival))

    def changes(self, uri: str) -> tuple[TextChange, ...]:
        """Small replacements over the text before, ascending, none touching another.

        For a renamed file over its text under the old name, for a created one over nothing.
        """
        change = self.changed.get(canonical(uri))
        if change is None:
            return ()
        text = change.before.text if change.before else Text()
        return tuple(
            TextChange(text.range(hunk.start, hunk.end), hunk.text) for hunk in change.hunks()
        )

    def diff(self) -> str:
        """A unified diff of all changes that ``git apply`` takes, with names below the folders."""
        parts = list[str]()
        for _, change in sorted(self.changed.items()):
            if change.kind != "moved":
                old = self._name(change.moved_from or change.uri)
                before, after = _with_bom(change.before), _with_bom(change.after)
                parts.append(unified_diff(old, self._name(change.uri), before, after))
        return "".join(parts)

    def rebase(self, snapshot: Snapshot) -> Draft:
        """The same changes over another snapshot, by three-way merge. I/O for what isn't open.

        Everything that was typed since is kept; what the draft wanted and is there already is no
        change any more.

        Raises:
            DraftConflict: Both sides changed the same place, or the document is gone.
        """
        return Draft(snapshot, rebased(self.changed, snapshot))

    def same_result(self, other: Draft) -> bool:
        """Whether both leave the same names with the same texts, however they came to it."""
        return self._results() == other._results()

    def _results(self) -> dict[str, str | None]:
        return {
            key: change.after.text.value if change.after else None
            for key, change in self.changed.items()
        }

    def _name(self, uri: str) -> str:
        inside, folder = self.base.relative(uri), self.base.folder_of(uri)
        if inside is None or folder is None:
            return display_name(uri)
        return inside if len(self.base.folders) == 1 else f"{folder.name}/{inside}"

    def _writable(self, uri: str) -> Document:
        try:
            document = self.document(uri)
        except UnknownDocument as error:
            raise DraftError(str(error)) from error
        if not document.writable:
            raise DraftError(
                f"{display_name(uri)} is not valid UTF-8, so it is read but never rewritten."
                " Convert it to UTF-8 first."
            )
        return document

    def _check_closed(self, uri: str, verb: str) -> None:
        if self.base.is_open(uri):
            raise DraftError(f"{display_name(uri)} is open in the editor and can't be {verb}.")

    def _check_free(self, uri: str) -> None:
        path = uri_to_path(uri)
        if path is None:
            raise DraftError(f"{uri} names no file on this machine, so none can be made there.")
        if self.base.is_open(uri) or canonical(uri) in self.changed or os.path.lexists(path):
            raise DraftError(f"{path} exists already.")
        try:
            self.base.check_inside(uri)
        except UnknownDocument as error:
            raise DraftError(f"{path} can't be made: {error}") from error

    def _hunk(self, document: Document, change: TextChange) -> Hunk:
        start, end = change.range.start, change.range.end
        if end < start or not (_exists(document.text, start) and _exists(document.text, end)):
            raise DraftError(
                f"{display_name(document.uri)} has no place from line {start.line + 1},"
                f" column {start.column + 1} to line {end.line + 1}, column {end.column + 1}."
            )
        insert = in_style_of(document.text, change.text)
        return Hunk(document.text.offset(start), document.text.offset(end), insert)

    def _replaced(self, document: Document, text: Text) -> Draft:
        after = document.with_text(text)
        change = self.changed.get(canonical(document.uri))
        if change is None:
            return self._with(Change(document.uri, document, after))
        return self._with(replace(change, after=after))

    def _with(self, change: Change, leaving: str | None = None) -> Draft:
        """With one change, and without what happens to the name that it leaves."""
        kept = without(self.changed, leaving) if leaving else self.changed
        return replace(self, changed=with_change(kept, change))


def _exists(text: Text, position: Position) -> bool:
    return 0 <= position.line < text.line_count and 0 <= position.column <= len(
        text.line(position.line)
    )


def _with_bom(document: Document | None) -> str | None:
    if document is None:
        return None
    return _BOM + document.text.value if document.bom else document.text.value
