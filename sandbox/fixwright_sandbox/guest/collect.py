"""What a run left behind: told to the host within bounds, then removed."""

from __future__ import annotations

import os
from typing import Any

from .tree_copy import Change, TreeCopy, empty_folder
from .wire import Link


class Leftovers(Exception):
    """The environment can't be made as it was; it has to be replaced."""


def send_changes(copy: TreeCopy, changes: list[Change], link: Link, bounds: dict[str, Any]) -> int:
    """Send every changed file, with its data where the bounds allow; return how many were not."""
    room: int = bounds["collect_bytes"]
    for change in changes[: bounds["collect_files"]]:
        data = None
        if change.regular and change.size <= min(room, bounds["collect_file_bytes"]):
            data = _read(copy.root, change)
        if data is not None:
            room -= len(data)
        link.send(
            {
                "op": "file",
                "path": change.path,
                "change": change.change,
                "size": change.size,
                "executable": change.executable,
                "whole": data is not None,
            },
            data or b"",
        )
    return max(0, len(changes) - bounds["collect_files"])


def mounts_below(folders: list[str]) -> frozenset[str]:
    """Mount points inside folders, and what leads to them: an interpreter that lives in `/tmp`."""
    kept: set[str] = set()
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            points = [line.split(" ")[4].replace("\\040", " ") for line in file]
    except OSError:
        return frozenset()
    for point in points:
        for folder in folders:
            way = point
            while way.startswith(f"{folder}/"):
                kept.add(way)
                way = os.path.dirname(way)
    return frozenset(kept)


def clean(copy: TreeCopy, folders: list[str], kept: frozenset[str]) -> list[str]:
    """Put the copy and the other writable folders back; return the tree's paths now missing.

    What is `kept` in the folders stays, see `mounts_below`.

    Raises `Leftovers` where something can't be removed.
    """
    try:
        missing = copy.restore()
        for folder in folders:
            empty_folder(folder, kept)
    except (OSError, RecursionError) as error:
        raise Leftovers from error
    if any(_shared_objects(kind) for kind in ("shm", "sem", "msg")):
        raise Leftovers
    return missing


def _read(root: str, change: Change) -> bytes | None:
    full = os.path.join(root, change.path)
    try:
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        os.chmod(full, 0o644)
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None  # Gone since it was listed; only an unconfined run can do that.
    with os.fdopen(handle, "rb") as file:
        data = file.read(change.size + 1)
    return data if len(data) == change.size else None


def _shared_objects(kind: str) -> bool:
    """System V objects outlive their processes, and nothing but the namespace's end frees all."""
    try:
        with open(f"/proc/sysvipc/{kind}", "rb") as file:
            return len(file.readlines()) > 1
    except OSError:
        return False
