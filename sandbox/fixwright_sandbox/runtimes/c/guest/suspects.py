"""Which expression on a line of C or C++ can have failed as a sanitizer said."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixwright_sandbox.guest.spans import Code, Span

_NAME = r"[^\W\d]\w*"
_PATH = rf"{_NAME}(?:(?:\.|->|::){_NAME}|\([^()]*\)|\[[^\[\]]*\])*"
_OPERAND = rf"(?:{_PATH}|\d[\w.]*|\([^()]*\))"
_OPERATOR = re.compile(r"[-+*/%]=?|<<=?|>>=?|\+\+|--")
_WIDE = 400


def at_point(code: Code, line: int, column: int, message: str) -> Span:
    """Return the expression whose operator or bracket a sanitizer points at."""
    token = code.token(line, column)
    start, end = code.offset(line, token.column), code.offset(token.end_line, token.end_column)
    text = code.text[start:end]
    if text in ("[", "]"):
        return _indexed_at(code, start, text) or token
    if text == "(":
        end = code.closing(start) or end
        return code.span(start - len(_before(code, start, rf"{_PATH}$")), end)
    if text in ("->", ".") or _OPERATOR.fullmatch(text):
        return _around(code, start, end, text)
    if text == "=":
        before = _before(code, start, r"[^;{}()\n]*(?:\([^()]*\)[^;{}()\n]*)*$").lstrip()
        return code.span(start - len(before), start - (len(before) - len(before.rstrip())))
    operator = re.search(r"overflow: \S+ (?P<operator>[-+*]) ", message)
    if operator:
        found = list(_operations(code, line, operator["operator"]))
        return found[0] if len(found) == 1 else code.line_span(line)
    return token


def _around(code: Code, start: int, end: int, operator: str) -> Span:
    """Return an operator with its operands."""
    if operator in ("->", "."):
        before, after = _before(code, start, rf"{_PATH}$"), rf"\s*{_NAME}"
    else:
        before = _before(code, start, rf"{_OPERAND}\s*$")
        after = rf"\s*{_OPERAND}" if operator not in ("++", "--") else ""
    behind = re.compile(after).match(code.bare, end)
    return code.span(start - len(before), behind.end() if behind else end)


def on_line(code: Code, line: int, kind: str, inner: str) -> Span:
    """Return what on a line can have failed so; the line's code where none or several can.

    Args:
        code: the source.
        line: zero-based.
        kind: what failed, as reports name it.
        inner: the function outside the tree in which it was noticed, if in one.
    """
    whole = code.line_span(line)
    if whole.column >= whole.end_column:
        return whole
    found = list(dict.fromkeys(_candidates(code, whole, kind, inner)))
    return found[0] if len(found) == 1 else whole


def _candidates(code: Code, whole: Span, kind: str, inner: str) -> Iterator[Span]:
    line = whole.line
    start, stop = code.offset(line, whole.column), code.offset(line, whole.end_column)
    if kind == "AssertionFailed":
        yield from code.calls(line, "assert")
        yield from code.calls(line, "static_assert")
        if inner == "":
            return
    called = inner.removeprefix("__interceptor_").partition("(")[0]
    if called.startswith("operator delete"):
        yield from _matches(code, r"\bdelete\b\s*(?:\[\s*\])?\s*[^;,)]+", start, stop)
    elif called.startswith("operator new"):
        yield from _matches(code, r"\bnew\b[^;]*", start, stop)
    elif called.startswith(("__cxa_throw", "__cxa_rethrow")):
        yield from _thrown(code, start, stop)
    elif called:
        name = called.rpartition("::")[2]
        if name.startswith("operator["):
            yield from _indexed(code, start, stop)
        else:
            yield from code.calls(line, name)
    elif kind in ("SIGSEGV", "SIGBUS") or "overflow" in kind or "use-after" in kind:
        yield from _accesses(code, start, stop)
    elif kind == "SIGFPE":
        yield from _operations(code, line, "/")
        yield from _operations(code, line, "%")


def _thrown(code: Code, start: int, stop: int) -> Iterator[Span]:
    for match in re.compile(r"\bthrow\b").finditer(code.bare, start, stop):
        end = code.bare.find(";", match.end())
        yield code.span(match.start(), end if 0 <= end < match.end() + _WIDE else stop)


def _accesses(code: Code, start: int, stop: int) -> Iterator[Span]:
    """Return what reaches through a pointer or an index; of several on one path the longest."""
    found = [*_indexed(code, start, stop)]
    found += _matches(code, rf"{_NAME}(?:(?:->|\.){_NAME}|\[[^\[\]]*\])*->{_NAME}", start, stop)
    found += _matches(code, rf"(?<![\w)\]]\s)(?<![\w)\]])\*+\s*{_NAME}(?!\s*[(\w])", start, stop)
    for each in found:
        inside = [o for o in found if o != each and o.column <= each.column]
        if not any(o.end_column >= each.end_column for o in inside):
            yield each


def _indexed(code: Code, start: int, stop: int) -> Iterator[Span]:
    for match in re.compile(r"\[").finditer(code.bare, start, stop):
        found = _indexed_at(code, match.start(), "[")
        if found is not None and not _declares(code, found):
            yield found


def _declares(code: Code, span: Span) -> bool:
    """Tell whether `a[3]` is the declaration of an array."""
    before = code.bare[code.offset(span.line, 0) : code.offset(span.line, span.column)]
    return re.search(r"(?:\w|\*)\s+\**$", before) is not None and not re.search(
        r"\b(?:return|case|else|delete|throw)\s+$|[-+*/%=<>&|]\s*$", before
    )


def _indexed_at(code: Code, at: int, bracket: str) -> Span | None:
    opening = at
    if bracket == "]":
        depth = 0
        for opening in range(at, -1, -1):
            depth += {"]": 1, "[": -1}.get(code.bare[opening], 0)
            if depth == 0:
                break
    end = code.closing(opening)
    before = _before(code, opening, rf"{_PATH}\s*$")
    return code.span(opening - len(before), end) if end is not None and before else None


def _operations(code: Code, line: int, operator: str) -> Iterator[Span]:
    start = code.offset(line, 0)
    stop = start + len(code.lines[line])
    sign = re.escape(operator)
    yield from _matches(
        code, rf"{_OPERAND}\s*{sign}(?!{sign})=?\s*{_OPERAND}|{_PATH}{sign}{sign}", start, stop
    )


def _matches(code: Code, pattern: str, start: int, stop: int) -> Iterator[Span]:
    for match in re.compile(pattern).finditer(code.bare, start, stop):
        text = match[0].rstrip()
        yield code.span(match.start(), match.start() + len(text))


def _before(code: Code, at: int, pattern: str) -> str:
    found = re.search(pattern, code.bare[max(at - _WIDE, 0) : at].rpartition("\n")[2])
    return found[0] if found else ""
