"""Drafts written to disk, where no editor does it: all of one, or nothing.

Everything is checked first: each file still holds the bytes that the draft was made over. New
contents are written beside their targets and put in place by atomic renames, each after one more
look. When one of those fails, the ones before it are taken back.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fixwright.workspace.document import UnknownDocument, read_bytes
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import Change
from fixwright.workspace.paths import uri_to_path
from fixwright.workspace.snapshot import Snapshot


class DiskConflict(Exception):
    """A draft was not written; the message says which file was in the way and why."""


@dataclass(frozen=True)
class _Step:
    """One file to put in place, or to take away.

    Attributes:
        path: The real file, links followed.
        before: What it must hold; None: it must not exist.
        after: What it holds then; None: it is removed.
        mode: The file's permissions.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    mode: int | None


def apply_to_disk(draft: Draft) -> tuple[Path, ...]:
    """Make a draft's changes on disk. I/O: call it off the loop.

    Returns:
        The files that were written or removed.

    Raises:
        DiskConflict: A file changed since, is open in an editor, lies outside the workspace, or
            can't be written. Nothing has changed then.
    """
    steps = [_step(draft.base, change) for change in draft.changed.values()]
    with ExitStack() as staged:
        ready = [(step, _stage(step, staged)) for step in steps]
        _put_in_place(ready, staged)
    return tuple(step.path for step in steps)


def _step(base: Snapshot, change: Change) -> _Step:
    path = uri_to_path(change.uri)
    if path is None:
        raise DiskConflict(f"{change.uri} names no file on this machine.")
    if base.is_open(change.uri):
        raise DiskConflict(f"{path} is open in an editor, which has to change it itself.")
    try:
        base.check_inside(change.uri)
    except UnknownDocument as error:
        raise DiskConflict(str(error)) from error
    # A link that is edited stays, and its target changes; one that is removed or moved goes itself.
    path = path.resolve() if change.kind == "edit" else path
    exists = change.before is not None and change.moved_from is None
    before = change.before.encode() if change.before is not None and exists else None
    after = None if change.after is None else change.after.encode()
    origin = uri_to_path(change.moved_from) if change.moved_from else path
    step = _Step(path, before, after, _mode(origin))
    _check(step)
    return step


def _check(step: _Step) -> None:
    """Make sure that the file is as the draft takes it to be."""
    if step.before is None:
        if os.path.lexists(step.path):
            raise DiskConflict(f"{step.path} would be created, but exists now.")
        return
    try:
        current = read_bytes(step.path)
    except UnknownDocument as error:
        raise DiskConflict(str(error)) from error
    if current != step.before:
        raise DiskConflict(f"{step.path} has changed since; nothing was written. Try again.")


def _stage(step: _Step, staged: ExitStack) -> Path | None:
    """Write the new content beside its place."""
    if step.after is None:
        return None
    try:
        for folder in _missing_folders(step.path.parent):
            folder.mkdir()
            staged.callback(_remove_if_empty, folder)
        return _write_beside(step.path, step.after, step.mode, staged)
    except OSError as error:
        raise DiskConflict(f"{step.path} can't be written: {error.strerror}.") from error


def _put_in_place(ready: list[tuple[_Step, Path | None]], staged: ExitStack) -> None:
    undo = list[Callable[[], object]]()
    try:
        for step, new in ready:
            _check(step)
            undo.append(_apply(step, new, staged))
        for folder in {step.path.parent for step, _ in ready}:
            _sync(folder)
    except (OSError, DiskConflict) as error:
        for take_back in reversed(undo):
            take_back()
        if isinstance(error, DiskConflict):
            raise
        raise DiskConflict(f"{error.filename} can't be written: {error.strerror}.") from error


def _apply(step: _Step, new: Path | None, staged: ExitStack) -> Callable[[], object]:
    """Do one step, atomically; what is returned takes it back."""
    path = step.path
    if step.before is None:
        assert new is not None
        # Claims the name, which a rename alone would take from a file that came in between.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        new.replace(path)
        return partial(path.unlink, missing_ok=True)
    if new is None:
        old = _name_beside(path)
        path.rename(old)
        staged.callback(old.unlink, missing_ok=True)
    else:
        old = _write_beside(path, step.before, step.mode, staged)
        new.replace(path)
    return partial(old.replace, path)


def _write_beside(path: Path, data: bytes, mode: int | None, staged: ExitStack) -> Path:
    """A file in the same folder, on disk when this returns; it goes with `staged` unless moved."""
    beside = _name_beside(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o666)  # what the user's umask leaves of it
    staged.callback(beside.unlink, missing_ok=True)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    return beside


def _name_beside(path: Path) -> Path:
    return path.with_name(f".fixwright-{secrets.token_hex(8)}")


def _missing_folders(folder: Path) -> list[Path]:
    """The folders that must be made for `folder` to exist, outermost first."""
    missing = list[Path]()
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return missing[::-1]


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # it holds something: then it stays
        folder.rmdir()


def _mode(path: Path | None) -> int | None:
    """The permissions of a file that exists."""
    try:
        return None if path is None else stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _sync(folder: Path) -> None:
    """Make the renames in a folder last through a power cut."""
    if not folder.is_dir():
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
