"""The file tree that a run sees: the disk, under what the editor and a draft say."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fixwright.runs.target import RunRefused
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.files import FileEntry
from fixwright.workspace.overlay import overlay
from fixwright.workspace.paths import path_to_uri, relative_path, uri_to_path
from fixwright.workspace.snapshot import Folder
from fixwright_sandbox import Blob, HostFile, Tree

_SIBLINGS_BYTES = 64 << 20
"""Bytes of them together; what does not fit is left out: in such a directory lie downloads."""
_SIBLINGS_LIMIT = 2000
"""Files of a directory that belongs to no workspace folder; more means it is not a project."""
_EXTENSIONS = {"python": ".py", "shellscript": ".sh"}


@dataclass(frozen=True)
class Root:
    """Where a tree's paths lie in the workspace.

    A tree is a workspace folder, or the directory of a file outside all folders (`directory`), or
    a lone document without a file (`loose`: its path in the tree -> its URI).
    """

    directory: Path | None = None
    loose: Mapping[str, str] = field(default_factory=dict[str, str])
    spelled: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tree path -> the editor's own spelling of the URI, for open documents."""

    def uri_of(self, path: str) -> str | None:
        """The document at `path` of the tree; None for a path outside it, such as `<string>`."""
        if (uri := self.loose.get(path) or self.spelled.get(path)) is not None:
            return uri
        pure = PurePosixPath(path)
        outside = pure.is_absolute() or ".." in pure.parts or path.startswith("<")
        if self.directory is None or outside or not pure.parts:
            return None
        return path_to_uri(self.directory / pure)

    def path_of(self, uri: str) -> str | None:
        """The path in the tree of a document; None when the tree does not hold it."""
        for path, known in self.loose.items():
            if known == uri:
                return path
        path = uri_to_path(uri)  # not what `spelled` says: links may spell it several times
        return (
            None if path is None or self.directory is None else relative_path(self.directory, path)
        )


def tree_of(draft: Draft, uri: str | None) -> tuple[Root, Tree]:
    """The tree to run a document in: its folder's; the first folder's for None. Reads the disk.

    `uri` may also be a folder's own.

    Raises:
        RunRefused: no folder is open.
        UnknownDocument: there is no such document, or the text of one in the tree is not known.
    """
    if uri is None:
        if not draft.folders:
            raise RunRefused("No folder is open, so there are no tests to run. Open a folder.")
        return _folder_tree(draft, draft.folders[0])
    path = uri_to_path(uri)
    itself = (folder for folder in draft.folders if folder.path == path)  # it lies in none
    folder = next(itself, None) or draft.folder_of(uri)
    if folder is not None:
        return _folder_tree(draft, folder)
    return _loose_tree(draft, uri) if path is None else _sibling_tree(draft, path.parent)


def _folder_tree(draft: Draft, folder: Folder) -> tuple[Root, Tree]:
    return _tree(folder.path, draft.files(folder))


def _sibling_tree(draft: Draft, directory: Path) -> tuple[Root, Tree]:
    """The files beside a file that is in no workspace folder; not what lies below them."""
    for lost in draft.base.lost.values():
        path = uri_to_path(lost.document.uri)
        if path is not None and path.parent == directory:
            raise UnknownDocument(lost.sentence())
    beside = itertools.islice(_siblings(directory), _SIBLINGS_LIMIT)
    after = {key: change.after for key, change in draft.changed.items() if change.after}
    documents = {
        key: document
        for key, document in {**draft.base.documents, **after}.items()
        if (path := uri_to_path(key)) is not None and path.parent == directory
    }
    return _tree(directory, overlay(directory, beside, documents))


def _siblings(directory: Path) -> Iterator[FileEntry]:
    try:
        paths = sorted(directory.iterdir())
    except OSError:  # not there yet, or we may not look into it: then the document runs alone
        return
    room = _SIBLINGS_BYTES
    for path in paths:
        try:
            status = path.lstat()
        except OSError:  # gone since
            continue
        wanted = stat.S_ISREG(status.st_mode) and status.st_size <= room
        if wanted and not path.name.startswith(".") and _is_utf8(path.name):
            room -= status.st_size
            yield FileEntry.on_disk(path.name, path, status)


def _is_utf8(name: str) -> bool:
    """Whether a protocol can say the name."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _loose_tree(draft: Draft, uri: str) -> tuple[Root, Tree]:
    document = draft.document(uri)
    name = "untitled" + _EXTENSIONS.get(document.language, ".txt")
    return Root(loose={name: uri}), {name: Blob(document.encode())}


def _tree(directory: Path, entries: Iterable[FileEntry]) -> tuple[Root, Tree]:
    spelled: dict[str, str] = {}
    tree: dict[str, Blob | HostFile] = {}
    for entry in entries:
        if (document := entry.document) is not None:
            spelled[entry.path] = document.uri
            tree[entry.path] = Blob(document.encode(), entry.executable)
        else:
            tree[entry.path] = HostFile(
                entry.source, entry.size, entry.mtime_ns, entry.inode, entry.executable
            )
    return Root(directory, spelled=spelled), tree
