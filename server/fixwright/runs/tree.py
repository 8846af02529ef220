"""The file tree that a run sees: the disk, under what the editor and a draft say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fixwright.runs.target import RunRefused
from fixwright.workspace.document import Document
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri, uri_to_path
from fixwright.workspace.snapshot import Folder
from fixwright_sandbox import Blob, HostFile, Tree

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
        """The document at `path` of the tree; None for a path outside it."""
        if (uri := self.loose.get(path) or self.spelled.get(path)) is not None:
            return uri
        pure = PurePosixPath(path)
        if self.directory is None or pure.is_absolute() or ".." in pure.parts:
            return None
        return path_to_uri(self.directory / pure)

    def path_of(self, uri: str) -> str | None:
        """The path in the tree of a document; None when the tree does not hold it."""
        for path, known in (*self.loose.items(), *self.spelled.items()):
            if known == uri:
                return path
        path = uri_to_path(uri)
        if path is None or self.directory is None or not path.is_relative_to(self.directory):
            return None
        return path.relative_to(self.directory).as_posix()


def tree_of(draft: Draft, uri: str | None) -> tuple[Root, Tree]:
    """The tree to run `uri` in, or the first workspace folder for None. Reads the disk.

    Raises:
        RunRefused: no folder is open, or the document can't be placed in a tree.
        UnknownDocument: there is no such document.
    """
    snapshot = draft.base
    if uri is None:
        if not snapshot.folders:
            raise RunRefused(
                "No folder is open, so there are no tests to run. Open a folder first."
            )
        return _folder_tree(draft, snapshot.folders[0])
    folder = snapshot.folder_of(uri)
    if folder is not None:
        return _folder_tree(draft, folder)
    path = uri_to_path(uri)
    if path is None:
        return _loose_tree(draft, uri)
    return _sibling_tree(draft, path.parent)


def _folder_tree(draft: Draft, folder: Folder) -> tuple[Root, Tree]:
    tree: dict[str, Blob | HostFile] = {
        entry.relative: HostFile(
            path=entry.path,
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            inode=entry.inode,
            executable=entry.executable,
        )
        for entry in draft.base.files(folder)
    }
    return _overlaid(draft, folder.path, tree)


def _sibling_tree(draft: Draft, directory: Path) -> tuple[Root, Tree]:
    """The files beside a file that is in no workspace folder; not what lies below them."""
    tree: dict[str, Blob | HostFile] = {}
    if directory.is_dir():
        for path in sorted(directory.iterdir())[:_SIBLINGS_LIMIT]:
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                tree[path.name] = HostFile.of(path)
    return _overlaid(draft, directory, tree)


def _loose_tree(draft: Draft, uri: str) -> tuple[Root, Tree]:
    document = draft.base.document(uri)
    name = "untitled" + _EXTENSIONS.get(document.language, ".txt")
    blob = Blob(document.with_text(draft.text(uri)).encode())
    return Root(loose={name: uri}), {name: blob}


def _overlaid(draft: Draft, directory: Path, tree: dict[str, Blob | HostFile]) -> tuple[Root, Tree]:
    """Lay the open documents and the draft's changes over what the disk holds."""
    spelled: dict[str, str] = {}
    for uri in {*draft.base.documents, *draft.changed}:
        path = uri_to_path(uri)
        if path is None or not path.is_relative_to(directory):
            continue
        relative = path.relative_to(directory).as_posix()
        spelled[relative] = uri
        if not draft.exists(uri):
            tree.pop(relative, None)
            continue
        old = tree.get(relative)
        tree[relative] = Blob(
            _encoded(draft, uri), executable=old.executable if old is not None else False
        )
    return Root(directory, spelled=spelled), tree


def _encoded(draft: Draft, uri: str) -> bytes:
    if uri in draft.changed and uri not in draft.base.documents:
        created = draft.text(uri)
        try:
            document: Document = draft.base.document(uri)
        except LookupError:
            return created.encode()
        return document.with_text(created).encode()
    return draft.base.documents[uri].with_text(draft.text(uri)).encode()
