"""URIs and paths: one key for every spelling of a file, and what lies inside a workspace.

A client's own spelling of a URI is kept where it must be sent back; `canonical` is only for looking
up.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import quote_from_bytes, unquote_to_bytes

_FILE = "file:"


def uri_to_path(uri: str) -> Path | None:
    """The path that a ``file:`` URI names, made absolute and free of ``.`` and ``..``.

    ``#`` and ``?`` are taken as part of the name: LSP gives fragments and queries of files no
    meaning, and clients that forget to escape them exist.

    Returns:
        None when the URI names no local file: another scheme, another host, a NUL inside.
    """
    if uri[: len(_FILE)].lower() != _FILE:
        return None
    rest = uri[len(_FILE) :]
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        if host.lower() not in {"", "localhost"}:
            return None
        rest = slash + rest
    raw = unquote_to_bytes(rest)
    if not raw.startswith(b"/") or b"\0" in raw:
        return None
    return Path("/" + posixpath.normpath(os.fsdecode(raw)).lstrip("/"))


def path_to_uri(path: Path) -> str:
    """The URI of an absolute path, escaped as VS Code does it: all but letters, digits, -._~/."""
    return "file://" + quote_from_bytes(os.fsencode(path.as_posix()), safe="/")


def canonical(uri: str) -> str:
    """One key for all the spellings of one file; other schemes are taken as they are."""
    path = uri_to_path(uri)
    return uri if path is None else path_to_uri(path)


def relative_path(root: Path, path: Path) -> str | None:
    """`path` below `root`, POSIX, without ``..``; None when not below. No link is followed."""
    root_parts, parts = root.parts, path.parts
    if len(parts) <= len(root_parts) or parts[: len(root_parts)] != root_parts or ".." in parts:
        return None
    return str(PurePosixPath(*parts[len(root_parts) :]))


def stays_inside(path: Path, roots: Iterable[Path]) -> bool:
    """Whether `path`, all links followed, lies in one of `roots`. I/O.

    It need not exist. A loop of links lies nowhere.
    """
    try:
        real = path.resolve()
        return any(real.is_relative_to(root.resolve()) for root in roots)
    except (OSError, RuntimeError):  # RuntimeError: a loop, up to Python 3.12
        return False


def display_name(uri: str) -> str:
    """A short name for sentences: the file's name, or the URI where there is none."""
    path = uri_to_path(uri)
    return uri if path is None or not path.name else path.name
