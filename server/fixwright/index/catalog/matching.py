"""A worker's part of a search: reads files and finds the matches in them."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import stat
from typing import TYPE_CHECKING, cast

from fixwright.index.catalog.policy import LARGEST
from fixwright.index.text_search import (
    compiled,
    compiled_whole,
    literal_in,
    matches,
    query_from,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from fixwright.index.catalog.frames import Frame, Header

PATIENCE = 2.0
"""Seconds for the matches in one file."""

_PROBE = 8 << 10
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class _TooSlow(Exception):
    pass


def answer(question: Header, pieces: tuple[bytes, ...]) -> Frame:
    """The matches in some files, or in the text that comes with the question."""
    query = query_from(cast("dict[str, object]", question["query"]))
    pattern = compiled(query)
    whole = compiled_whole(query)
    literal = "" if query.ignore_case else literal_in(query)
    limit = cast("int", question["limit"])
    found: list[object] = []
    slow: list[str] = []
    for path in cast("list[str]", question["paths"]):
        text = pieces[0].decode("utf-8", "replace") if pieces else read_text(path)
        if text is None:
            continue
        try:
            with _at_most(PATIENCE):
                rows = list(matches(text, pattern, literal, limit - len(found), whole))
        except _TooSlow:
            slow.append(path)
        else:
            found += [[path, *row] for row in rows]
        if len(found) >= limit:
            break
    return {"found": found, "slow": slow}, ()


def read_text(path: str) -> str | None:
    """The text of a file. I/O.

    Returns:
        None for what is not searched: no regular file, binary, over 16 MiB, or not readable. Text
        in UTF-16 that says so by its mark is no binary.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with io.FileIO(descriptor) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            data = file.readall()
    except OSError:
        return None
    if data.startswith(_UTF_16):  # as ripgrep and git's diff of such files have it
        return data.decode("utf-16", "replace")
    if b"\0" in data[:_PROBE]:
        return None
    data = data.removeprefix(_BOM)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@contextlib.contextmanager
def _at_most(seconds: float) -> Generator[None]:
    """Ends what is done inside by an alarm; regular expressions look for signals at work."""

    def ring(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
