"""What a run wrote, applied to the tree that it saw."""

from __future__ import annotations

from types import MappingProxyType

from .events import ChangedFile, Result
from .tree import Blob, Tree, check_tree

_NAMED = 3


class NotKept(Exception):
    """What a run changed can't be applied; the message names the files and says why."""


def kept(tree: Tree, result: Result) -> Tree:
    """The tree with what the run changed. Raises `NotKept` unless all of it can be."""
    if result.unlisted:
        message = f"Nothing was kept: {result.unlisted} changed files are not listed."
        raise NotKept(message)
    lacking = [file for file in result.files if file.change != "deleted" and file.data is None]
    if lacking:
        raise NotKept(_why(lacking))
    files = dict(tree)
    for file in result.files:
        if file.change == "deleted":
            files.pop(file.path, None)
    for file in result.files:
        if file.data is not None:
            files[file.path] = Blob(file.data, executable=file.executable)
    check_tree(files)
    return MappingProxyType(files)


def _why(lacking: list[ChangedFile]) -> str:
    names = ", ".join(file.path for file in lacking[:_NAMED])
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return (
        f"Nothing was kept: {names}{more} can't be, being no regular file, larger than what is "
        "collected, or of a name that is not UTF-8."
    )
