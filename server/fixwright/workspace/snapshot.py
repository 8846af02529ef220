"""The workspace at one moment: what the editor holds, over what the disk says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from fixwright.workspace.changes import ContentChange, InvalidChange, apply_changes
from fixwright.workspace.document import (
    Document,
    UnknownDocument,
    UnreadableDocument,
    read_document,
)
from fixwright.workspace.files import FileEntry, list_files
from fixwright.workspace.overlay import overlay
from fixwright.workspace.paths import (
    canonical,
    display_name,
    relative_path,
    stays_inside,
    uri_to_path,
)
from fixwright.workspace.text import Encoding, Text


@dataclass(frozen=True)
class Folder:
    """One root of the workspace."""

    uri: str
    name: str
    path: Path

    @classmethod
    def at(cls, uri: str, name: str = "") -> Folder | None:
        """The folder that a URI names; None when it names none on this machine."""
        path = uri_to_path(uri)
        return None if path is None else cls(uri, name or path.name, path)


@dataclass(frozen=True)
class LostDocument:
    """An open document whose text is no longer known, because a change could not be followed."""

    document: Document
    reason: str

    def sentence(self) -> str:
        """What happened and what to do."""
        name = display_name(self.document.uri)
        return f"Fixwright lost track of {name}: {self.reason}. Close it and open it again."


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The workspace at one moment; immutable. What did not change is shared with the one before.

    Attributes:
        revision: Counts the changes since the session began.
        folders: The roots; one may lie inside another.
        documents: The open ones by `paths.canonical` URI.
        lost: Open ones whose text is not known, likewise. They can't be read until the editor opens
            them again or sends their whole text.
    """

    revision: int = 0
    folders: tuple[Folder, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=lambda: MappingProxyType({}))
    lost: Mapping[str, LostDocument] = field(default_factory=lambda: MappingProxyType({}))

    # -- what the editor says
    # ---------------------------------------------------------------------------

    def open(self, document: Document) -> Snapshot:
        """With a document open, in place of what was there."""
        return self._put(document.uri, document, None)

    def opened(self, uri: str, language: str, version: int, text: str) -> Snapshot:
        """With a document open as an editor announces it."""
        return self.open(Document(uri, language, Text(text), version))

    def changed(
        self, uri: str, version: int, changes: Sequence[ContentChange], encoding: Encoding
    ) -> Snapshot:
        """With an open document changed.

        A change that cannot be followed (to a document that isn't open, to a version that is not
        later, or without meaning) makes the document lost rather than wrong. A whole text finds it
        again.
        """
        key = canonical(uri)
        lost = self.lost.get(key)
        before = self.documents.get(key) or (lost.document if lost else None)
        if before is None or before.version is None:
            unknown = Document(uri, "plaintext", Text(), version)
            return self._lose(unknown, "it was changed before it was opened")
        if version <= before.version:
            reason = f"version {version} came after version {before.version}"
            return self._lose(before, reason)
        whole = next((n for n, change in enumerate(changes) if change.start is None), None)
        if lost is not None and whole is None:
            return self._lose(replace(before, version=version), lost.reason)
        try:
            text = apply_changes(before.text, changes[whole or 0 :], encoding)
        except InvalidChange as error:
            return self._lose(replace(before, version=version), str(error))
        return self._put(uri, replace(before, text=text, version=version), None)

    def unreadable_change(self, uri: str, reason: str) -> Snapshot:
        """With an open document lost, because a message about it could not be decoded."""
        before = self.documents.get(canonical(uri)) or Document(uri, "plaintext", Text(), 0)
        return self._lose(before, reason)

    def close(self, uri: str) -> Snapshot:
        """With a document closed: what the disk says counts again."""
        return self._put(uri, None, None)

    def with_folders(self, folders: Sequence[Folder]) -> Snapshot:
        """With other roots."""
        return replace(self, revision=self.revision + 1, folders=tuple(folders))

    # -- what the workspace says
    # ------------------------------------------------------------------------

    def document(self, uri: str) -> Document:
        """The document as it is: from the editor when open there, else read from disk now (I/O).

        Raises:
            UnknownDocument: It is neither open nor a file of a folder of the workspace, or it is
                lost.
            UnreadableDocument: It is no text, too large, or a link that leaves the workspace.
        """
        key = canonical(uri)
        if (document := self.documents.get(key)) is not None:
            return document
        if (lost := self.lost.get(key)) is not None:
            raise UnknownDocument(lost.sentence())
        self.check_inside(uri)
        return read_document(uri)

    def check_inside(self, uri: str) -> None:
        """Make sure that a path belongs to the workspace, whether it exists or not. I/O.

        Raises:
            UnknownDocument: It is below none of the folders.
            UnreadableDocument: A link on its way leaves the workspace.
        """
        path = uri_to_path(uri)
        if path is None:
            raise UnknownDocument(
                f"{uri} is not open in the editor and is no file on this machine."
            )
        if self.folder_of(uri) is None:
            raise UnknownDocument(
                f"{path} is not open in the editor and lies in no folder of the workspace."
            )
        if not stays_inside(path, [folder.path for folder in self.folders]):
            raise UnreadableDocument(f"{path} is behind a link that leaves the workspace.")

    def is_open(self, uri: str) -> bool:
        """Whether the editor has it open, lost or not."""
        key = canonical(uri)
        return key in self.documents or key in self.lost

    def folder_of(self, uri: str) -> Folder | None:
        """The innermost folder that a document lies in, by its name alone."""
        path = uri_to_path(uri)
        if path is None:
            return None
        around = [folder for folder in self.folders if relative_path(folder.path, path) is not None]
        return max(around, key=lambda folder: len(folder.path.parts), default=None)

    def relative(self, uri: str) -> str | None:
        """A document's POSIX path in its folder; None when it lies in none."""
        path, folder = uri_to_path(uri), self.folder_of(uri)
        return None if path is None or folder is None else relative_path(folder.path, path)

    def files(self, folder: Folder) -> Iterator[FileEntry]:
        """The files of a folder that are not ignored, with the open documents over them. I/O.

        Open ones that are not on disk or are ignored come too.

        Raises:
            UnknownDocument: A document of the folder is lost, so what the user sees is not known.
        """
        for lost in self.lost.values():
            path = uri_to_path(lost.document.uri)
            if path is not None and relative_path(folder.path, path) is not None:
                raise UnknownDocument(lost.sentence())
        return overlay(folder.path, list_files(folder.path), self.documents)

    def _put(self, uri: str, document: Document | None, lost: LostDocument | None) -> Snapshot:
        key = canonical(uri)
        documents = {name: kept for name, kept in self.documents.items() if name != key}
        losses = {name: kept for name, kept in self.lost.items() if name != key}
        if document is not None:
            documents[key] = document
        if lost is not None:
            losses[key] = lost
        revision = self.revision + 1
        return Snapshot(
            revision, self.folders, MappingProxyType(documents), MappingProxyType(losses)
        )

    def _lose(self, document: Document, reason: str) -> Snapshot:
        return self._put(document.uri, None, LostDocument(document, reason))
