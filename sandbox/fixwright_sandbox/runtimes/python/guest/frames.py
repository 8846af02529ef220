"""The frames of a traceback as reports give them, with the exact range of each."""

from __future__ import annotations

import itertools
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple, cast

from fixwright_sandbox.guest.sources import Sources

_OUTERMOST = 40
_INNERMOST = 60


class Entry(NamedTuple):
    """One frame of a traceback: where it stood when the exception passed."""

    frame: FrameType
    instruction: int
    lineno: int


class Span(NamedTuple):
    """Zero-based lines, and columns in code points; None where nobody knows them."""

    line: int
    column: int | None
    end_line: int
    end_column: int | None

    def report(self, path: str) -> dict[str, Any]:
        """Return the span as reports give a place."""
        return {
            "path": path,
            "line": self.line,
            "column": self.column,
            "endLine": self.end_line,
            "endColumn": self.end_column,
        }


_GUEST = f"{str(__package__).partition('.')[0]}."


def is_guest(frame: FrameType) -> bool:
    """Tell whether a frame is the guest's own: those are nobody's business."""
    return str(frame.f_globals.get("__name__")).startswith(_GUEST)


def of_the_program(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins with the program's own outermost frame.

    What is around it is the guest, and the library's part in importing a module, running a
    coroutine or starting a thread.
    """
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__"))
        if not (
            is_guest(traceback.tb_frame)
            or module.startswith(("asyncio.", "importlib", "threading"))
        ):
            break
        traceback = traceback.tb_next
    return traceback


def entries(traceback: TracebackType | None) -> list[Entry]:
    """Return what a traceback passes through, outermost first, without the guest's own frames.

    The import system's frames and those that hide themselves (`__tracebackhide__`, unittest's
    assertion methods) are left out too: nobody reads them.
    """
    found: list[Entry] = []
    traceback = of_the_program(traceback)
    while traceback is not None:
        frame = traceback.tb_frame
        if not _is_hidden(frame):
            line = cast("int | None", traceback.tb_lineno)  # None for code without a line
            found.append(Entry(frame, traceback.tb_lasti, line or frame.f_code.co_firstlineno))
        traceback = traceback.tb_next
    return found


def bounded(found: list[Entry], sources: Sources) -> tuple[list[Entry], int]:
    """Keep the first and the last of many frames; return them and how many are left out.

    The innermost frame inside the tree is always kept: it is the place of the failure.
    """
    left_out = len(found) - _OUTERMOST - _INNERMOST
    if left_out <= 0:
        return found, 0
    middle, last = found[_OUTERMOST:-_INNERMOST], found[-_INNERMOST:]
    kept: list[Entry] = []
    if not any(sources.inside(entry.frame.f_code.co_filename) for entry in last):
        kept = [e for e in middle if sources.inside(e.frame.f_code.co_filename)][-1:]
    return [*found[:_OUTERMOST], *kept, *last], left_out - len(kept)


def describe(entry: Entry, sources: Sources) -> dict[str, Any]:
    """Return a frame as reports give it."""
    code = entry.frame.f_code
    path = sources.path(code.co_filename)
    if sources.shift(code) is None:
        path = f"<{path} as it was>"
    report = span_of(entry, sources).report(path)
    report["name"] = str(getattr(code, "co_qualname", code.co_name))
    return report


def span_of(entry: Entry, sources: Sources) -> Span:
    """Return the range that a frame was executing, as exactly as the interpreter knows it."""
    code = entry.frame.f_code
    shift = sources.shift(code)
    if shift is None:
        return Span(entry.lineno - 1, None, entry.lineno - 1, None)
    start, end, column, end_column = _position(code, entry.instruction)
    if start is None or end is None or column is None or end_column is None:
        return whole_line(code.co_filename, entry.lineno - 1 + shift, sources)
    first, last = start - 1 + shift, end - 1 + shift
    return Span(
        first,
        code_points(sources.line(code.co_filename, first), column),
        last,
        code_points(sources.line(code.co_filename, last), end_column),
    )


def whole_line(filename: str, line: int, sources: Sources) -> Span:
    """Return the range of a line's code: without its indentation."""
    text = sources.line(filename, line)
    if text is None:
        return Span(line, None, line, None)
    return Span(line, len(text) - len(text.lstrip()), line, len(text.rstrip()))


def _position(
    code: CodeType, instruction: int
) -> tuple[int | None, int | None, int | None, int | None]:
    if instruction < 0 or not hasattr(code, "co_positions"):  # Python before 3.11
        return None, None, None, None
    nothing = (None, None, None, None)
    return next(itertools.islice(code.co_positions(), instruction // 2, None), nothing)


def code_points(line: str | None, column: int) -> int:
    """Turn a column of the interpreter's, a UTF-8 byte offset, into code points."""
    if line is None:
        return column
    if line.isascii():
        return min(column, len(line))
    return len(line.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))


def _is_hidden(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    if filename.startswith("<frozen importlib") or is_guest(frame):
        return True
    if "__unittest" in frame.f_globals:
        return True
    variables = frame.f_code.co_varnames
    return "__tracebackhide__" in variables and frame.f_locals.get("__tracebackhide__") is True
