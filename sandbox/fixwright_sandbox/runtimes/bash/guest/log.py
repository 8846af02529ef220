"""Read what the prelude wrote down of a Bash script's failures."""

from __future__ import annotations

import os
from typing import NamedTuple

_MOST_BYTES = 4 << 20
_DEEPEST = 1_000
_FIELDS = 8


class Stop(NamedTuple):
    """Where one level of the script stood: the file as Bash names it, a one-based line."""

    source: str
    line: int
    name: str


class Record(NamedTuple):
    """A command that failed (`command`), an `exit`, or the shell's `end`.

    Attributes:
        pipeline: of how many commands it is the last.
        subshell: how deep in subshells it was; 0 is the script itself.
        folder: the current directory.
        stack: innermost first.
    """

    kind: str
    status: int
    command: str
    pipeline: int
    subshell: int
    folder: str
    stack: tuple[Stop, ...]


def read_log(path: str, prelude: str) -> list[Record]:
    """Return the records of a log, oldest first; a record that makes no sense ends it.

    Args:
        path: the log.
        prelude: what the shell calls the prelude, whose frames are left out.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(_MOST_BYTES) if size <= _MOST_BYTES else b""
    except OSError:
        return []
    fields = data.decode("utf-8", "replace").split("\0")
    records: list[Record] = []
    position = 0
    try:
        while position + _FIELDS <= len(fields):
            record, position = _read_record(fields, position, prelude)
            records.append(record)
    except (ValueError, IndexError):
        return records
    return records


def cause_of(records: list[Record], status: int) -> Record | None:
    """Return the record of what ended the script with `status`: the innermost one that did.

    A failure travels outwards: first the command fails, then the function that it ends, then the
    subshell around that. So from the last record that fits, it is followed back inwards.
    """
    for number in range(len(records) - 1, -1, -1):
        record = records[number]
        if record.kind != "end" and record.subshell == 0 and record.status & 0xFF == status:
            return _innermost(records[:number], record)
    return None


def _innermost(before: list[Record], record: Record) -> Record:
    for earlier in reversed(before):
        if earlier.status != record.status or not _is_within(earlier, record):
            break
        record = earlier
    return record


def _is_within(inner: Record, outer: Record) -> bool:
    common = inner.stack[len(inner.stack) - len(outer.stack) :]
    if inner.subshell > outer.subshell and len(common) == len(outer.stack) > 0:
        # A subshell of several lines fails at one of them, and as a whole at another.
        same_place = common[0]._replace(line=0) == outer.stack[0]._replace(line=0)
        return same_place and common[1:] == outer.stack[1:]
    return len(inner.stack) > len(outer.stack) and common == outer.stack


def _read_record(fields: list[str], position: int, prelude: str) -> tuple[Record, int]:
    kind, status, command, pipeline, subshell, folder, lines, names = fields[
        position : position + _FIELDS
    ]
    line_count, name_count = int(lines), int(names)
    if not 0 <= name_count <= _DEEPEST or line_count != name_count + 1:
        raise ValueError("not a record of the prelude's")
    start = position + _FIELDS
    numbers = [int(line) for line in fields[start : start + line_count]]
    called = fields[start + line_count : start + line_count + name_count]
    end = start + line_count + 2 * name_count
    sources = fields[end - name_count : end]
    if len(sources) != name_count:
        raise ValueError("a record without its end")
    stack = [
        Stop(sources[index], numbers[index], called[index])
        for index in range(name_count)
        if sources[index] != prelude
    ]
    return (
        Record(kind, int(status), command, int(pipeline), int(subshell), folder, tuple(stack)),
        end,
    )
