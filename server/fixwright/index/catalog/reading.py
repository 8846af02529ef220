"""One file as the index reads it: its bytes, its language, and the key of both."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fixwright.index.catalog.policy import LARGEST, Policy, Verdict, too_large, verdict
from fixwright.index.catalog.stamp import Stamp
from fixwright.index.languages import language_for

if TYPE_CHECKING:
    from fixwright.index.languages import Language

_HEAD = 8 << 10
# Nanoseconds. A file may change again within one tick of its file system's clock without a trace,
# so what was read that soon after a change is read again the next time (git calls this racy).
_TICK = 50_000_000
UNSURE = Stamp(-1, -1, -1, -1)
"""A stamp that no file has: its file is read again."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read.

    Attributes:
        stamp: from before it was read; `UNSURE` if it may have changed meanwhile.
        data: empty where it is not read by policy.
        language: None where nothing says one.
    """

    stamp: Stamp
    data: bytes
    language: Language | None
    verdict: Verdict
    key: bytes


def may_be_source(path: str) -> bool:
    """Whether a file is read at all: of a known language, or without an extension."""
    return language_for(None, path) is not None or not PurePosixPath(path).suffix


def read_source(path: str) -> SourceFile | None:
    """Reads a file. I/O.

    Returns:
        None where there is no regular file that may be read.
    """
    try:
        # A named pipe without a writer would hold a plain open for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with io.FileIO(descriptor) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return None
        try:
            data = b"" if before.st_size > LARGEST else file.readall()
        except OSError:
            return None
        sure = _settled(before, os.fstat(descriptor))
    stamp = Stamp.of(before) if sure else UNSURE
    if before.st_size > LARGEST:
        return SourceFile(stamp, b"", None, *_unread(too_large(before.st_size)))
    return source_of(data, None, path, stamp)


def source_of(data: bytes, language_id: str | None, path: str, stamp: Stamp) -> SourceFile:
    """A file or an open document by what is in it."""
    language = language_for(language_id, path, data[:_HEAD])
    if language is None:
        found = Verdict(Policy.UNKNOWN, "Nothing says in which language it is written.")
        return SourceFile(stamp, b"", None, *_unread(found))
    found = verdict(data)
    if not found.policy.is_read:
        return SourceFile(stamp, b"", language, *_unread(found))
    return SourceFile(stamp, data, language, found, key_of(language.name, data))


def key_of(language: str, data: bytes) -> bytes:
    """The key of a content. Not git's id: a filter may stand between its bytes and the file's."""
    return hashlib.blake2b(data, digest_size=16, person=language.encode()[:16]).digest()


def _unread(found: Verdict) -> tuple[Verdict, bytes]:
    """All contents that are not read for the same reason are one."""
    return found, key_of("", f"{found.policy}: {found.reason}".encode())


def _settled(before: os.stat_result, after: os.stat_result) -> bool:
    changed = max(before.st_mtime_ns, before.st_ctime_ns)
    return Stamp.of(before) == Stamp.of(after) and time.time_ns() - changed > _TICK
