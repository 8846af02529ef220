"""How a Go program failed that ended with a status other than zero."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code, Span

from .panics import death_of
from .panics import report_of as report_of_death

_PANICKED = 2
_LOGGED = re.compile(
    r"^(?:\S{0,64} ?)?\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:\S+\.go:\d+: )?(?P<text>.*)$"
)
_FATAL = re.compile(r"\b\w+\.(?:Fatal|Fatalf|Fatalln)\s*\(")
_EXIT = re.compile(r"\bos\.Exit\s*\(")
_FUNCTION = re.compile(r"^func\s+(?:\([^)]*\)\s*)?(?P<name>\w+)", re.MULTILINE)
_VERB = re.compile(r"%[-+# 0]*[\d.*]*[a-zA-Z]")


def report_of(status: int, stderr: bytes, files: list[str], sources: Sources) -> dict[str, Any]:
    """Return the report of a program that ended with a status other than zero.

    Args:
        status: the exit status.
        stderr: the end of what it wrote there.
        files: its sources, where the call that ended it may stand.
        sources: reads them.
    """
    text = stderr.decode("utf-8", "replace")
    death = death_of(text) if status == _PANICKED else None
    if death is not None:
        return report_of_death(death, sources)
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    logged = _LOGGED.match(last) if status == 1 else None
    if logged is not None:
        calls = [call for call in _calls(_FATAL, files, sources) if _says(call[3], logged["text"])]
        return _report("log.Fatal", logged["text"], calls)
    calls = [call for call in _calls(_EXIT, files, sources) if call[3].strip() == str(status)]
    calls = calls or [c for c in _calls(_EXIT, files, sources) if not c[3].strip().isdigit()]
    notes = [clip(last, 1_000)] if last else []
    return _report("ExitStatus", f"exited with status {status}", calls, notes)


_Call = tuple[str, Span, str, str]


def _report(
    kind: str, message: str, calls: list[_Call], notes: list[str] | None = None
) -> dict[str, Any]:
    frames: list[dict[str, Any]] = []
    if len(calls) == 1:
        path, span, name, _ = calls[0]
        frames.append({"path": path, **span.report(), "name": name})
    return {
        "type": "exception",
        "kind": kind,
        "message": clip(message),
        "notes": notes or [],
        "suggestion": None,
        "facts": {},
        "frames": frames,
    }


def _calls(pattern: re.Pattern[str], files: list[str], sources: Sources) -> Iterator[_Call]:
    """Return each call's path, range, function and arguments."""
    for file in files:
        path = sources.path(file)
        code = Code(sources.lines(path))
        for match in pattern.finditer(code.bare):
            end = code.closing(match.end() - 1)
            if end is not None:
                name = "main"
                for function in _FUNCTION.finditer(code.bare, 0, match.start()):
                    name = function["name"]
                span = code.span(match.start(), end)
                yield path, span, f"main.{name}", code.text[match.end() : end - 1]


def _says(arguments: str, said: str) -> bool:
    """Tell whether a call with these arguments can have logged what was said."""
    literal = re.match(r"\s*\"((?:[^\"\\]|\\.)*)\"", arguments)
    if literal is None:
        return True
    plain = _VERB.split(literal[1].replace("\\n", "\n").replace('\\"', '"'))[0]
    return said.startswith(plain.strip())
