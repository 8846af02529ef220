"""Read what a Rust program says on stderr when it panics, overflows its stack or returns an error.

The standard library tells it in text only. The format is that of
`library/std/src/panicking.rs` and `library/std/src/sys/backtrace.rs`, with `RUST_BACKTRACE=1`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from fixwright_sandbox.guest.bounds import clip

from .places import Places

_MOST_PANICS = 50
_MOST_FRAMES = 100
_PANICKED = re.compile(
    r"^thread '(?P<thread>[^\n]*?)'(?: \(\d+\))? panicked at "
    r"(?P<path>[^\n]+?):(?P<line>\d+):(?P<column>\d+):$",
    re.MULTILINE,
)
_UNNAMED = re.compile(r"^thread <unnamed>", re.MULTILINE)
_END = re.compile(
    r"^(stack backtrace:|note: run with `RUST_BACKTRACE|thread '[^\n]*' (\(\d+\) )?panicked at |"
    r"thread caused non-unwinding panic)",
    re.MULTILINE,
)
_FRAME = re.compile(
    r"^ *\d+: (?P<name>[^\n]+)\n(?: +at (?P<path>[^\n]+?):(?P<line>\d+)(?::(?P<column>\d+))?$)?",
    re.MULTILINE,
)
_BACKTRACE_END = re.compile(r"^(note: |thread |[^ \n])", re.MULTILINE)
_OVERFLOWED = re.compile(
    r"^thread '(?P<thread>[^\n]*?)'(?: \(\d+\))? has overflowed its stack$", re.MULTILINE
)
_FATAL = re.compile(r"^fatal runtime error: (?P<text>[^\n]+)$", re.MULTILINE)
_RETURNED = re.compile(r"^Error: (?P<text>.+?)\n?\Z", re.MULTILINE | re.DOTALL)
_COMPARED = re.compile(
    r"^assertion `left (?P<operator>==|!=) right` failed(?:: (?P<said>.*?))?\n"
    r" +left: (?P<left>.*?)\n right: (?P<right>.*)\Z",
    re.DOTALL,
)
_MACHINERY = re.compile(
    r"^(__rustc::|rust_begin_unwind|std::panicking::|core::panicking::|std::rt::|"
    r"std::sys::backtrace::|std::backtrace|core::(option|result)::\w+_failed|"
    r"(<.*> as )?core::ops::function::FnOnce|test::|__rust_|_start\b|__libc_start)"
)
_HASH = re.compile(r"::h[0-9a-f]{16}$")


class Panic(NamedTuple):
    """One panic as it was told."""

    thread: str
    report: dict[str, Any]


def read_panics(text: str, places: Places) -> list[Panic]:
    """Return the panics told in a text, in the order in which they happened."""
    text = _UNNAMED.sub("thread '<unnamed>'", text)
    found: list[Panic] = []
    for match in list(_PANICKED.finditer(text))[:_MOST_PANICS]:
        end = _END.search(text, match.end() + 1)
        message = text[match.end() + 1 : end.start() if end else len(text)].rstrip("\n")
        frames: list[dict[str, Any]] = []
        if end is not None and end[0] == "stack backtrace:":
            frames = _frames(_backtrace(text, end.end() + 1), places)
        found.append(Panic(match["thread"], _panic(match, message, frames, places)))
    return found


def failures(text: str, exit_code: int, places: Places, main: str) -> list[dict[str, Any]]:
    """Return the reports of a program's end.

    Args:
        text: what it wrote to stderr.
        exit_code: its status, negative for a signal.
        places: its files.
        main: the file with its `main`, as the compiler calls it.
    """
    panics = read_panics(text, places)
    own = [panic for panic in panics if panic.thread == "main"]
    reports = [
        {**panic.report, "thread": clip(panic.thread, 200)}
        for panic in panics
        if panic.thread != "main"
    ]
    overflowed = _OVERFLOWED.search(text)
    if overflowed is not None:
        reports.append(_overflow(overflowed["thread"], places, main))
    elif exit_code and own:
        # The first: what follows it comes of unwinding. A thread's panic that main unwraps is
        # the cause of main's.
        report = dict(own[0].report)
        if reports and "Any { .. }" in report["message"]:
            report["cause"] = reports.pop()
        reports.append(report)
    elif exit_code == 1 and (returned := _RETURNED.search(text)) is not None:
        reports.append(_returned(returned["text"], places, main))
    elif exit_code > 0:
        reports.append(_exited(exit_code, places, main))
    elif exit_code < 0 and (fatal := _FATAL.search(text)) is not None:
        reports.append(simple("abort", fatal["text"]))
    return reports


def simple(kind: str, message: str, place: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a report without frames."""
    return {
        "type": "exception",
        "kind": kind,
        "message": clip(message),
        "notes": [],
        "suggestion": None,
        "facts": {},
        "frames": [],
        "place": place,
        "cause": None,
        "context": None,
        "exceptions": [],
    }


def _panic(
    match: re.Match[str], message: str, frames: list[dict[str, Any]], places: Places
) -> dict[str, Any]:
    report = simple("panic", message)
    report["facts"] = _facts(message)
    name, line, column = match["path"], int(match["line"]) - 1, int(match["column"]) - 1
    if places.inside(name):
        place = places.panic(name, line, column, message)
        inner = frames[-1] if frames else None
        if inner and (inner["path"], inner["line"]) == (place["path"], line):
            inner.update(place)
        else:
            report["place"] = place
    report["frames"] = frames
    return report


def _facts(message: str) -> dict[str, Any]:
    compared = _COMPARED.match(message)
    if compared is None:
        return {}
    return {key: clip(compared[key], 2_000) for key in ("operator", "left", "right")}


def _backtrace(text: str, start: int) -> str:
    end = _BACKTRACE_END.search(text, start)
    return text[start : end.start() if end else len(text)]


def _frames(text: str, places: Places) -> list[dict[str, Any]]:
    """Return the frames of a backtrace, outermost first, without the panic's own machinery."""
    innermost_first: list[dict[str, Any]] = []
    callee: str | None = None
    for match in _FRAME.finditer(text):
        name = _HASH.sub("", match["name"])
        if _MACHINERY.match(name):
            continue
        path = match["path"]
        if path is not None:
            inner = innermost_first[-1] if innermost_first else None
            frame = _frame(name, path, match, callee, places)
            if inner is None or (inner["path"], inner["line"], inner["name"]) != (
                frame["path"],
                frame["line"],
                name,
            ):
                innermost_first.append(frame)
        callee = _last_name(name)
    return innermost_first[:_MOST_FRAMES][::-1]


def _frame(
    name: str, path: str, match: re.Match[str], callee: str | None, places: Places
) -> dict[str, Any]:
    line = int(match["line"]) - 1
    column = int(match["column"]) - 1 if match["column"] else None
    if places.inside(path) and column is not None:
        return {**places.point(path, line, column, callee), "name": name}
    return {
        "path": places.path(path),
        "line": line,
        "column": None,
        "endLine": line,
        "endColumn": None,
        "name": name,
    }


def _last_name(name: str) -> str | None:
    name = re.sub(r"<[^<>]*>", "", re.sub(r"<[^<>]*>", "", name))
    parts = [part for part in name.split("::") if re.fullmatch(r"\w+", part)]
    return parts[-1] if parts else None


def _overflow(thread: str, places: Places, main: str) -> dict[str, Any]:
    report = simple("stack overflow", f"thread '{thread}' has overflowed its stack")
    report["place"] = _recursive_call(places, main)
    if report["place"] is not None:
        report["notes"] = ["This is the one function of the file that calls itself."]
    if thread != "main":
        report["thread"] = clip(thread, 200)
    return report


def _recursive_call(places: Places, main: str) -> dict[str, Any] | None:
    """Return the call by which the only self-recursive function of a file calls itself."""
    source = places.source(main)
    tokens = source.tokens
    found: list[int] = []
    for index, token in enumerate(tokens[:-1]):
        if token.text == "fn" and tokens[index + 1].kind == "ident":
            name, opening = tokens[index + 1].text, index + 2
            while opening < len(tokens) and not source.is_punct(opening, "{", ";"):
                opening += 1
            body = (
                range(opening, source.group_end(opening)) if source.is_punct(opening, "{") else ()
            )
            calls = [n for n in body if tokens[n].text == name and source.is_punct(n + 1, "(")]
            found += calls[:1]
    if len(found) != 1:
        return None
    return places.point(main, *source.place(tokens[found[0]].start))


def _returned(text: str, places: Places, main: str) -> dict[str, Any]:
    report = simple("Error", f"main returned an error: {text}", _name_of_main(places, main))
    report["facts"] = {"error": clip(text, 2_000)}
    return report


def _name_of_main(places: Places, main: str) -> dict[str, Any] | None:
    source = places.source(main)
    for index, token in enumerate(source.tokens[:-1]):
        if token.text == "fn" and source.tokens[index + 1].text == "main":
            line, column = source.place(source.tokens[index + 1].start)
            return _range(places.path(main), line, column, line, column + 4)
    return None


def _exited(status: int, places: Places, main: str) -> dict[str, Any]:
    """Return the report of an exit; its place is the one call that exits, where there is one."""
    source = places.source(main)
    tokens = source.tokens
    calls = [
        index
        for index, token in enumerate(tokens[:-2])
        if token.text == "exit" and token.kind == "ident" and source.is_punct(index + 1, "(")
    ]
    exact = [index for index in calls if tokens[index + 2].text == str(status)]
    chosen = exact if len(exact) == 1 else calls
    place = None
    if len(chosen) == 1:
        begin = chosen[0]
        while source.is_punct(begin - 1, "::"):
            begin -= 2
        end = source.group_end(chosen[0] + 1)
        start, stop = source.place(tokens[begin].start), source.place(tokens[end - 1].end)
        place = _range(places.path(main), *start, *stop)
    return simple("exit", f"exited with status {status}", place)


def _range(path: str, line: int, column: int, end_line: int, end_column: int) -> dict[str, Any]:
    return {
        "path": path,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
    }
