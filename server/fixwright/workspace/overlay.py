"""Documents laid over the files of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from fixwright.workspace.document import Document
from fixwright.workspace.files import FileEntry
from fixwright.workspace.paths import path_to_uri, relative_path, uri_to_path


def overlay(
    root: Path,
    entries: Iterable[FileEntry],
    documents: Mapping[str, Document],
    gone: frozenset[str] = frozenset(),
    origins: Mapping[str, Path] = MappingProxyType({}),
) -> Iterator[FileEntry]:
    """The entries, each with the document that stands for it, then documents that have none.

    Args:
        root: The folder.
        entries: What is on disk there.
        documents: By canonical URI; those elsewhere and those in ``.git`` are left out.
        gone: Canonical URIs of files to leave out.
        origins: Files that documents come from under another name, by canonical URI.
    """
    extra = dict[str, tuple[Path, Document]]()
    for uri, document in documents.items():
        path = uri_to_path(uri)
        inside = None if path is None else relative_path(root, path)
        if path is not None and inside is not None and ".git" not in path.parts:
            extra[inside] = (origins.get(uri, path), document)
    # A document may need a folder where the disk has a file.
    folders = {str(above) for inside in extra for above in PurePosixPath(inside).parents}
    missing = dict(extra)
    same_file = {inode: found for found in extra.values() if (inode := _inode(found[0]))}
    for entry in entries:
        missing.pop(entry.path, None)
        if entry.path in folders or (gone and path_to_uri(root / entry.path) in gone):
            continue
        found = extra.get(entry.path)
        if found is None and (linked := same_file.get(entry.inode)) is not None:
            found = linked if _is_link_to(entry.source, linked[0]) else None
        yield entry if found is None else replace(entry, document=found[1])
    for inside, (origin, document) in sorted(missing.items()):
        yield _entry_of(inside, root / inside, origin, document)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _is_link_to(path: Path, other: Path) -> bool:
    """Whether two names lead to one file by links, as an inode alone, of any disk, doesn't say."""
    return os.path.realpath(path) == os.path.realpath(other)


def _entry_of(inside: str, path: Path, origin: Path, document: Document) -> FileEntry:
    """The entry of a document that is new, ignored, or moved here from `origin`."""
    try:
        entry = FileEntry.on_disk(inside, path, origin.stat())
    except OSError:
        entry = FileEntry(inside, path, 0, 0, 0, executable=False)
    return replace(entry, document=document)
