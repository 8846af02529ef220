"""What is reported of an exception: everything the interpreter knew, bounded.

The exception may be hostile: nothing here calls its code, its `__str__` excepted, and whatever
goes wrong costs that detail, never the report.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any, cast

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from .facts import facts_of
from .frames import Span, bounded, code_points, describe, entries

Report = Callable[[dict[str, Any]], None]
"""Sends one report, an object that can be JSON, to whoever started the run."""

_MOST_NOTES = 32
_DEEPEST_CHAIN = 16
_MOST_MEMBERS = 32

_MEANT = re.compile(r"[Dd]id you mean:? '([^'\n]+)'")
_FORGOTTEN = re.compile(r"did you forget to import '([^'\n]+)'", re.IGNORECASE)


def describe_exception(
    exception: BaseException, sources: Sources, *, thread: str | None = None
) -> dict[str, Any]:
    """Return the report of an exception with its chain and, for a group, its members."""
    try:
        report = _describe(exception, sources, set(), _DEEPEST_CHAIN)
    except Exception:  # noqa: BLE001 - the program may have changed the library under our feet
        report = simple_report(kind_of(exception), text_of(exception))
    if thread is not None:
        report["thread"] = clip(thread, 200)
    return report


def simple_report(
    kind: str, message: str, *, place: dict[str, Any] | None = None, notes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a report, in an exception's form, of a failure that no exception stands for."""
    return {
        "type": "exception",
        "kind": kind,
        "message": clip(message),
        "notes": [clip(note) for note in notes],
        "suggestion": None,
        "facts": {},
        "frames": [],
        "place": place,
        "cause": None,
        "context": None,
        "exceptions": [],
    }


def text_of(exception: BaseException) -> str:
    """Return `str(exception)`, or the interpreter's own words where that fails."""
    try:
        text = str(exception)
    except BaseException:  # noqa: BLE001 - the program's own __str__ may raise anything
        return "<exception str() failed>"
    return clip(str.__str__(text))


def _describe(
    exception: BaseException, sources: Sources, seen: set[int], depth: int
) -> dict[str, Any]:
    seen.add(id(exception))
    found = entries(exception.__traceback__)
    kept, left_out = bounded(found, sources)
    report = simple_report(kind_of(exception), text_of(exception))
    report["notes"] = _notes(exception)
    report["frames"] = [describe(entry, sources) for entry in kept]
    if left_out:
        report["framesLeftOut"] = left_out
    if isinstance(exception, SyntaxError):
        report["message"] = clip(exception.msg) if type(exception.msg) is str else ""
        report["place"] = _syntax_place(exception, sources)
    if isinstance(exception, SystemExit):
        report["message"] = _exit_message(exception)
    facts = facts_of(exception, found, sources)
    report["suggestion"], missing_import = _suggestion(exception)
    if missing_import is not None:
        facts["forgottenImport"] = missing_import
    report["facts"] = facts
    if depth:
        _describe_related(exception, report, sources, seen, depth - 1)
    return report


def _describe_related(
    exception: BaseException, report: dict[str, Any], sources: Sources, seen: set[int], depth: int
) -> None:
    cause, context = exception.__cause__, exception.__context__
    if cause is not None:
        if id(cause) not in seen:
            report["cause"] = _describe(cause, sources, seen, depth)
    elif context is not None and not exception.__suppress_context__ and id(context) not in seen:
        report["context"] = _describe(context, sources, seen, depth)
    for member in _members(exception)[:_MOST_MEMBERS]:
        if id(member) not in seen:
            report["exceptions"].append(_describe(member, sources, seen, depth))


def _members(exception: BaseException) -> tuple[BaseException, ...]:
    group = getattr(sys.modules["builtins"], "BaseExceptionGroup", None)  # Python 3.11
    if group is None or not isinstance(exception, group):
        return ()
    return group.exceptions.__get__(exception)


def kind_of(exception: BaseException) -> str:
    """Return the exception's kind as a traceback prints it: `module.Name`, or a builtin's name."""
    kind = type(exception)
    name = type.__dict__["__qualname__"].__get__(kind)
    module = type.__dict__["__module__"].__get__(kind)
    if module in ("builtins", "__main__", None) or type(module) is not str:
        return clip(str(name), 200)
    return clip(f"{module}.{name}", 200)


def _notes(exception: BaseException) -> list[str]:
    attributes: dict[str, Any] = BaseException.__dict__["__dict__"].__get__(exception)
    notes: Any = attributes.get("__notes__")
    if type(notes) is not list:
        return []
    return [clip(note) for note in cast("list[Any]", notes)[:_MOST_NOTES] if type(note) is str]


def _exit_message(exception: SystemExit) -> str:
    code = exception.code
    if code is None or type(code) in (int, bool):
        return f"exited with status {int(code or 0) & 0xFF}"
    return text_of(exception)


def _syntax_place(error: SyntaxError, sources: Sources) -> dict[str, Any] | None:
    filename, lineno, offset = error.filename, error.lineno, error.offset
    if type(filename) is not str or type(lineno) is not int or lineno < 1:
        return None
    line, column = lineno - 1, max((offset if type(offset) is int else 0) - 1, 0)
    end_line, end_column = getattr(error, "end_lineno", None), getattr(error, "end_offset", None)
    if type(end_line) is not int or type(end_column) is not int or end_line < lineno:
        end_line, end_column = lineno, 0
    in_bytes = _counts_bytes(filename, (line, end_line - 1), sources)
    start = _clamped(line, column, filename, sources, in_bytes=in_bytes)
    end = _clamped(end_line - 1, max(end_column - 1, 0), filename, sources, in_bytes=in_bytes)
    if end <= start:
        end = _clamped(line, start[1] + 1, filename, sources)
    return Span(start[0], start[1], end[0], end[1]).report(sources.path(filename))


def _counts_bytes(filename: str, lines: tuple[int, int], sources: Sources) -> bool:
    """Tell whether an error's columns are bytes: the compiler's are, the parser's are not.

    It is the compiler's error when the file can be parsed.
    """
    if all((sources.line(filename, line) or "").isascii() for line in lines):
        return False
    try:
        ast.parse("\n".join(sources.lines(filename)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _clamped(
    line: int, column: int, filename: str, sources: Sources, *, in_bytes: bool = False
) -> tuple[int, int]:
    text = sources.line(filename, line)
    if text is not None:
        column = code_points(text, column) if in_bytes else column
        return line, min(column, len(text))
    last = len(sources.lines(filename)) - 1
    if 0 <= last < line:
        return last, len(sources.lines(filename)[last])
    return line, column


def _suggestion(exception: BaseException) -> tuple[str | None, str | None]:
    """Return the name that the interpreter would suggest, and the module it says is not imported.

    From 3.13 on `traceback` knows both; before, the interpreter's own printing knows more.
    """
    if not isinstance(exception, (NameError, AttributeError, ImportError)):
        return None, None
    try:
        printed = traceback.TracebackException(
            type(exception), exception, exception.__traceback__, limit=0, compact=True
        )
        text = "".join(printed.format_exception_only())
        if sys.version_info < (3, 13):
            text = _printed(exception)
    except Exception:  # noqa: BLE001 - a suggestion is never worth the report
        return None, None
    text = text.rstrip().rpartition("\n")[2]
    meant, forgotten = _MEANT.search(text), _FORGOTTEN.search(text)
    return meant and meant[1], forgotten and forgotten[1]


def _printed(exception: BaseException) -> str:
    stderr, sys.stderr = sys.stderr, io.StringIO()
    try:
        sys.__excepthook__(type(exception), exception, None)
        return sys.stderr.getvalue()
    finally:
        sys.stderr = stderr
