"""From what sanitizers, `assert` and the C++ library say of a dead program to a report."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code, Span

from .suspects import at_point, on_line

STACK_FORMAT = "    #%n in %f at %s:%l"
"""How sanitizers are told to write a frame: number, function, source, line."""

_FRAME = re.compile(r"^    #\d+ in (?P<name>.*) at (?P<path>\S.*?):(?P<line>\d+)$")
_HEAD = re.compile(
    r"^==\d+==ERROR: (?P<tool>\w+Sanitizer): (?P<what>[\w-]+)(?P<rest>.*)$",
    re.MULTILINE,
)
_UNDEFINED = re.compile(
    r"^(?P<path>[^\n]+?):(?P<line>\d+):(?P<column>\d+): runtime error: (?P<text>.*)$", re.MULTILINE
)
_TYPE = re.compile(
    r"^SUMMARY: UndefinedBehaviorSanitizer: (?P<kind>[\w-]+) (?P<place>[^\n]*?:\d+:\d+)",
    re.MULTILINE,
)
_ASSERTION = re.compile(
    r"^(?:\S+: )?(?P<path>[^\s:][^\n:]*):(?P<line>\d+): (?:(?P<function>[^\n]*?): )?"
    r"Assertion [`'\u2018](?P<text>.*)['\u2019] failed\.$",
    re.MULTILINE,
)
_THROWN = re.compile(
    r"^terminate called after throwing an instance of '(?P<kind>[^'\n]*)'"
    r"(?:\n  what\(\):  (?P<what>.*?))?(?=\n\S*Sanitizer:|\n=====|\Z)",
    re.MULTILINE | re.DOTALL,
)
_TITLES = {
    "SEGV": "SIGSEGV",
    "BUS": "SIGBUS",
    "FPE": "SIGFPE",
    "ILL": "SIGILL",
    "ABRT": "SIGABRT",
    "TRAP": "SIGTRAP",
}
_LONG_STRING = re.compile(
    r"std::(?:__cxx11::)?basic_string<char, std::char_traits<char>, std::allocator<char> >"
)
_INTERNAL = ("../sysdeps/", "nptl/", "stdlib/", "assert/", "csu/", "../csu/", "signal/")
_MOST_FRAMES = 200


class Step(NamedTuple):
    """One frame of a stack, `line` one-based; `path` is empty where it is not known."""

    name: str
    path: str
    line: int


class Crash(NamedTuple):
    """What a program died of; `steps` innermost first.

    `line` and `column`, one-based, are where the tool itself says it happened, else 0; `signal`
    is the one that a sanitizer caught.
    """

    kind: str
    message: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    related: tuple[tuple[str, tuple[Step, ...]], ...] = ()
    path: str = ""
    line: int = 0
    column: int = 0
    signal: str = ""


def crash_of(log: str, stderr: str) -> Crash | None:
    """Return what a program died of; None where nothing says it.

    Args:
        log: what the sanitizers wrote to their log.
        stderr: the end of the program's stderr.
    """
    text = log or stderr
    heads = [head for head in _HEAD.finditer(text) if head["tool"] != "LeakSanitizer"]
    if heads:
        return _of_address(text, heads[-1], stderr)
    said = _said(stderr, ())
    undefined = undefined_of(log, stderr)
    return undefined[-1] if undefined and said is None else said


def undefined_of(log: str, stderr: str) -> list[Crash]:
    """Return each case of undefined behaviour, whether the program survived it or not.

    Beside AddressSanitizer the reports go to stderr, and only their summaries to the log.
    """
    text = f"{stderr}\n{log}"
    kinds = {match["place"]: match["kind"] for match in _TYPE.finditer(text)}
    return [_of_undefined(text, match, kinds) for match in _UNDEFINED.finditer(text)]


def report_of(crash: Crash, sources: Sources) -> dict[str, Any]:
    """Return the report of a crash."""
    frames = _frames(crash, sources)
    notes = list(crash.notes)
    for what, steps in crash.related:
        inside = [s for s in steps if s.path and sources.inside(s.path)]
        if inside:
            where = f"{sources.path(inside[0].path)}:{inside[0].line}"
            notes.append(f"{what} in {inside[0].name} ({where})")
    return {
        "type": "exception",
        "kind": crash.kind,
        "message": clip(crash.message),
        "notes": notes,
        "suggestion": None,
        "facts": {},
        "frames": frames,
    }


def warning_of(crash: Crash, sources: Sources) -> dict[str, Any] | None:
    """Return the warning of what did not end the program; None outside the tree."""
    frames = [f for f in _frames(crash, sources) if not str(f["path"]).startswith("/")]
    if not frames:
        return None
    last = {key: value for key, value in frames[-1].items() if key != "name"}
    return {
        "type": "diagnostic",
        "severity": "warning",
        "kind": crash.kind,
        "message": clip(crash.message),
        **last,
        "notes": list(crash.notes),
        "related": [],
        "fixes": [],
    }


def _of_address(log: str, head: re.Match[str], stderr: str) -> Crash:
    what = head["what"]
    if what == "attempting":
        what = "double-free" if "double-free" in head["rest"] else "bad-free"
    steps = _steps(log, head.end())
    if what == "ABRT":
        said = _said(stderr, steps)
        crash = said or Crash("SIGABRT", "the program aborted itself", steps)
        return crash._replace(signal="SIGABRT")
    kind = _TITLES.get(what, what)
    access = re.search(
        r"^(?P<how>READ|WRITE) of size (?P<size>\d+)", log[head.end() :], re.MULTILINE
    )
    caused = re.search(r"caused by a (?P<how>READ|WRITE|UNKNOWN) memory access", log[head.end() :])
    located = re.search(
        r"^0x[0-9a-f]+ is located (?P<where>.*? region) ", log[head.end() :], re.MULTILINE
    )
    message = _MESSAGES.get(kind, kind.replace("-", " "))
    if access:
        verb = "reading" if access["how"] == "READ" else "writing"
        message += f" while {verb} {access['size']} bytes"
    elif caused and caused["how"] != "UNKNOWN":
        message += " while " + ("reading" if caused["how"] == "READ" else "writing")
    if kind == "SIGSEGV" and "address points to the zero page" in log[head.end() :]:
        message += " through a null pointer"
    notes = (f"the address is {located['where']}",) if located else ()
    related: list[tuple[str, tuple[Step, ...]]] = []
    for title, words in (("freed", "freed by"), ("allocated", "allocated by")):
        at = log.find(words, head.end())
        if at >= 0:
            related.append((title, _steps(log, at)))
    signal = kind if kind in _TITLES.values() else ""
    return Crash(kind, message, steps, notes, tuple(related), signal=signal)


_MESSAGES = {
    "SIGSEGV": "invalid memory access",
    "SIGBUS": "misaligned or missing memory was accessed",
    "SIGFPE": "an arithmetic operation without a result, such as a division by zero",
    "heap-buffer-overflow": "memory outside of an allocated block was accessed",
    "stack-buffer-overflow": "memory outside of a local variable was accessed",
    "global-buffer-overflow": "memory outside of a global variable was accessed",
    "heap-use-after-free": "memory was used after it was freed",
    "stack-use-after-return": "a local variable was used after its function returned",
    "stack-use-after-scope": "a local variable was used outside of its block",
    "stack-overflow": "the stack is full, as after endless recursion",
    "double-free": "memory was freed twice",
    "bad-free": "memory was freed that was not allocated",
    "alloc-dealloc-mismatch": "memory was not freed in the way it was allocated",
}


def _of_undefined(text: str, match: re.Match[str], kinds: dict[str, str]) -> Crash:
    place = f"{match['path']}:{match['line']}:{match['column']}"
    return Crash(
        kinds.get(place, "undefined-behavior"),
        re.sub(r"'([^'\n]*)'", "\u2018\\1\u2019", match["text"]),
        _steps(text, match.end()),
        path=match["path"],
        line=int(match["line"]),
        column=int(match["column"]),
    )


def _said(stderr: str, steps: tuple[Step, ...]) -> Crash | None:
    """Return what the C or C++ library said before it aborted the program."""
    assertion = next(reversed(list(_ASSERTION.finditer(stderr))), None)
    thrown = next(reversed(list(_THROWN.finditer(stderr))), None)
    if thrown is not None and (assertion is None or thrown.start() > assertion.start()):
        kind = _LONG_STRING.sub("std::string", thrown["kind"])
        what = (thrown["what"] or "").rstrip("\n")
        return Crash(kind, what or f"an uncaught {kind}", steps)
    if assertion is not None:
        text = f"Assertion `{assertion['text']}' failed"
        place = Step(assertion["function"] or "", assertion["path"], int(assertion["line"]))
        return Crash("AssertionFailed", text, steps or (place,))
    if "terminate called without an active exception" in stderr:
        return Crash("SIGABRT", "terminate called without an active exception", steps)
    return None


def _steps(log: str, start: int) -> tuple[Step, ...]:
    """Return the first stack behind an offset."""
    found: list[Step] = []
    for line in log[start:].split("\n"):
        frame = _FRAME.match(line)
        if frame:
            path = "" if frame["path"] == "<null>" else frame["path"]
            name = "" if frame["name"] == "<null>" else frame["name"]
            found.append(Step(name, path, int(frame["line"])))
        elif found:
            break
    return tuple(found)


def _frames(crash: Crash, sources: Sources) -> list[dict[str, Any]]:
    """Return the frames outermost first, without those of the C library and sanitizers."""
    frames: list[dict[str, Any]] = []
    codes: dict[str, Code] = {}
    inner = ""
    reached = False
    steps = list(crash.steps)
    if crash.kind == "stack-overflow" and len(steps) > 1:
        inner = steps[1].name if steps[0].name == steps[1].name else ""
        steps = steps[1:] if inner else steps
    for step in steps[: 2 * _MOST_FRAMES]:
        if not step.path or not step.line or _is_internal(step.path):
            inner = inner if reached or not step.name else step.name
            continue
        path = sources.path(step.path)
        if path not in codes:
            codes[path] = Code(sources.lines(path))
        inside = sources.inside(step.path)
        span = _span(codes[path], step, crash, inner, first=inside and not reached, sources=sources)
        frames.append({"path": path, **span.report(), "name": _short(step.name)})
        reached = reached or inside
        inner = step.name
    if not frames and crash.line:
        path = sources.path(crash.path)
        span = at_point(Code(sources.lines(path)), crash.line - 1, crash.column - 1, crash.message)
        frames.append({"path": path, **span.report(), "name": ""})
    frames = frames[:_MOST_FRAMES]
    frames.reverse()
    return frames


def _span(
    code: Code, step: Step, crash: Crash, inner: str, *, first: bool, sources: Sources
) -> Span:
    line = step.line - 1
    if first and crash.line == step.line and sources.path(crash.path) == sources.path(step.path):
        return at_point(code, line, code.column(line, crash.column - 1), crash.message)
    if first and crash.kind == "AssertionFailed" and not inner.startswith("std::"):
        calls = code.calls(line, "assert")
        return calls[0] if len(calls) == 1 else code.line_span(line)
    inner = inner.removeprefix("__GI_")
    if inner and not inner.startswith("__"):
        called = _short(inner).rpartition("::")[2]
        if not first or not called.startswith("operator"):
            calls = code.calls(line, re.sub(r"<.*", "", called))
            if len(calls) == 1:
                return calls[0]
    return on_line(code, line, crash.kind, inner) if first else code.line_span(line)


def _is_internal(path: str) -> bool:
    return path.startswith(_INTERNAL) or "/libsanitizer/" in path


def _short(name: str) -> str:
    """Return a function's name without its arguments."""
    name = _LONG_STRING.sub("std::string", name)
    depth = 0
    for at, character in enumerate(name):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "(" and depth <= 0 and not name.startswith("(anonymous", at):
            if name[:at].endswith("operator"):
                continue
            return name[:at]
    return name
