"""A worker of the index: a process that parses, so that a crash in a grammar costs one file.

It answers each frame with one, in order. `{"ask": "cheap", "path", "language"}` asks for the cheap
facts of a file, or of the text that comes with the frame; `{"ask": "exact", …, "name"}` for all its
facts, or where a name is given, for the uses of that name.
`{"ask": "search", …}` is for `matching`.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from fixwright.index.catalog import frames, matching
from fixwright.index.catalog.policy import Verdict, too_slow
from fixwright.index.catalog.reading import UNSURE, read_source, source_of
from fixwright.index.catalog.record import EMPTY, pack
from fixwright.index.extraction import TooSlow, exact, extract, uses_of
from fixwright.index.heads import skim

if TYPE_CHECKING:
    from fixwright.index.catalog.frames import Frame, Header
    from fixwright.index.catalog.reading import SourceFile
    from fixwright.index.facts import FileFacts
    from fixwright.index.languages import Language

NICENESS = 10
_MEMORY = 2 << 30
_PARSE_DEADLINE = 4.0


def main() -> None:
    """Answers until its input ends: its parent is gone then."""
    os.nice(NICENESS)
    # A file's facts are many objects without a cycle: nothing to look for again and again.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    if sys.platform == "linux":  # elsewhere the limit cannot be set, or counts what is not used
        # A grammar that runs away dies here, and not the user's session.
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while (frame := frames.read(questions)) is not None:
        header, pieces = _answer(*frame)
        answers.write(frames.encoded(header, pieces))
        answers.flush()


def _answer(question: Header, pieces: tuple[bytes, ...]) -> Frame:
    if question["ask"] == "search":
        return matching.answer(question, pieces)
    source = _source(question, pieces)
    if source is None:
        return {"missing": True}, ()
    if question["ask"] == "exact":
        return _exact(source, cast("str | None", question.get("name")))
    return _cheap(source)


def _source(question: Header, pieces: tuple[bytes, ...]) -> SourceFile | None:
    path = cast("str", question["path"])
    if not pieces:
        return read_source(path)
    return source_of(pieces[0], cast("str | None", question.get("language")), path, UNSURE)


def _cheap(source: SourceFile) -> Frame:
    record, found = EMPTY, source.verdict
    if found.policy.is_read:
        assert source.language is not None
        facts, found = _facts(source.language, source.data, found)
        record = pack(facts)
    stamp = source.stamp
    header: Header = {
        "stamp": [stamp.size, stamp.mtime, stamp.ctime, stamp.inode],
        "policy": found.policy.value,
        "reason": found.reason,
        "ascii": source.data.isascii(),
    }
    return header, (source.key, *record.pieces())


def _facts(language: Language, data: bytes, found: Verdict) -> tuple[FileFacts, Verdict]:
    if found.policy.is_parsed:
        try:
            return extract(language, data, deadline=_PARSE_DEADLINE), found
        except TooSlow:
            found = too_slow(_PARSE_DEADLINE)
    return skim(language, data), found


def _exact(source: SourceFile, name: str | None) -> Frame:
    if not source.verdict.policy.is_parsed or (name and name.encode() not in source.data):
        return {"references": []}, ()
    assert source.language is not None
    language, data, is_ascii = source.language, source.data, source.data.isascii()
    try:
        if name is None:
            facts = exact(language, data, deadline=_PARSE_DEADLINE)
            return {"facts": asdict(facts), "ascii": is_ascii}, ()
        uses = uses_of(language, data, name, deadline=_PARSE_DEADLINE)
    except TooSlow:
        return {"references": []}, ()
    rows = [
        [use.range, use.role, None if around is None else asdict(around)] for use, around in uses
    ]
    return {"references": rows, "ascii": is_ascii}, ()


if __name__ == "__main__":
    main()
