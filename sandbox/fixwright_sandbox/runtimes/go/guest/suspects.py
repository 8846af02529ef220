"""Which expression on a line can have failed with what the runtime said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from fixwright_sandbox.guest.spans import Code, Span

_PATH = r"[^\W\d]\w*(?:\.[^\W\d]\w*|\([^()]*\)|\[[^\[\]]*\])*"
_INDEXED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*|\([^()]*\)|\[[^\[\]]*\])*?(?=\[)")
_OPERAND = rf"(?:{_PATH}|\d[\w.]*|\([^()]*\))"
_DIVIDED = re.compile(rf"{_OPERAND}\s*(?:/|%)=?\s*{_OPERAND}")
_ASSERTED = re.compile(rf"{_PATH}?\.\((?!type\))[^()]*(?:\([^()]*\))?[^()]*\)")
_SENT = re.compile(rf"{_PATH}\s*<-\s*[^;\n]*?(?=\s*(?:[;:}}\n]|$))", re.MULTILINE)
_RECEIVED = re.compile(rf"<-\s*{_PATH}")
_RANGED = re.compile(rf"range\s+(?P<what>{_PATH})")
_SELECTED = re.compile(r"(?:\*\s*)?[^\W\d]\w*(?:\.[^\W\d]\w*|\[[^\[\]]*\])+|\*[^\W\d]\w*")
_CALLED = re.compile(rf"(?P<name>{_PATH})\(")

_Find = Callable[[Code, int, int], Iterator[tuple[int, int]]]


def suspect(code: Code, line: int, message: str, state: str) -> Span:
    """Return the range on a line that fits; the line's code where none or several do.

    Args:
        code: the source.
        line: zero-based.
        message: what the runtime said, empty where the line only calls something.
        state: what the goroutine did, such as "chan receive".
    """
    whole = code.line_span(line)
    if whole.column >= whole.end_column:
        return whole
    start, stop = code.offset(line, whole.column), code.offset(line, whole.end_column)
    for said, find in _FINDERS:
        if said in message or (said in state and "asleep" in message):
            found = list(dict.fromkeys(find(code, start, stop)))
            if len(found) == 1:
                return code.span(*found[0])
            return whole
    panics = list(_of_call("panic")(code, start, stop))
    if message and len(panics) == 1:
        return code.span(*panics[0])
    return whole


def _indexed(
    code: Code, start: int, stop: int, *, sliced: bool | None
) -> Iterator[tuple[int, int]]:
    for opening in re.compile(r"\[").finditer(code.bare, start, stop):
        before = re.search(rf"{_PATH}$", code.bare[start : opening.start()])
        end = code.closing(opening.start())
        if before is None or end is None or end > stop:
            continue
        inside = code.bare[opening.end() : end - 1]
        if before[0] in ("map", "func", "return", "range") or not inside.strip():
            continue
        if sliced is None or (":" in inside) == sliced:
            yield start + before.start(), end


def _index(code: Code, start: int, stop: int) -> Iterator[tuple[int, int]]:
    return _indexed(code, start, stop, sliced=False)


def _slice(code: Code, start: int, stop: int) -> Iterator[tuple[int, int]]:
    return _indexed(code, start, stop, sliced=True)


def _map_entry(code: Code, start: int, stop: int) -> Iterator[tuple[int, int]]:
    for begin, end in _indexed(code, start, stop, sliced=False):
        if re.compile(r"\s*(?:[-+*/%&|^]?=(?!=)|<<=|>>=|\+\+|--|,)").match(code.bare, end):
            yield begin, end


def _by(pattern: re.Pattern[str]) -> _Find:
    def find(code: Code, start: int, stop: int) -> Iterator[tuple[int, int]]:
        for match in pattern.finditer(code.bare, start, stop):
            yield match.span("what") if "what" in pattern.groupindex else match.span()

    return find


def _of_call(name: str) -> _Find:
    pattern = re.compile(rf"(?:[^\W\d]\w*(?:\.[^\W\d]\w*)*\.)?\b{name}\(")

    def find(code: Code, start: int, stop: int) -> Iterator[tuple[int, int]]:
        for match in pattern.finditer(code.bare, start, stop):
            end = code.closing(match.end() - 1)
            if end is not None:
                yield match.start(), end

    return find


def _dereferenced(code: Code, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Return what reaches through a pointer, functions of packages and such left out."""
    packages = set(re.findall(r"\"(?:[^\"\n]*/)?(\w+)\"", _imports(code)))
    for match in _SELECTED.finditer(code.bare, start, stop):
        first = re.match(r"\*?\s*(\w+)", match[0])
        if first and first[1] not in packages:
            yield match.span()


def _imports(code: Code) -> str:
    found = re.search(r"\bimport\b\s*(?:\([^)]*\)|\"[^\"\n]*\")", code.text)
    return found[0] if found else ""


def _received(code: Code, start: int, stop: int) -> Iterator[tuple[int, int]]:
    yield from _by(_RECEIVED)(code, start, stop)
    yield from _by(_RANGED)(code, start, stop)


_FINDERS: tuple[tuple[str, _Find], ...] = (
    ("index out of range", _index),
    ("slice bounds out of range", _slice),
    ("assignment to entry in nil map", _map_entry),
    ("integer divide by zero", _by(_DIVIDED)),
    ("interface conversion", _by(_ASSERTED)),
    ("send on closed channel", _by(_SENT)),
    ("close of", _of_call("close")),
    ("makeslice", _of_call("make")),
    ("makechan", _of_call("make")),
    ("negative shift amount", _by(re.compile(rf"{_OPERAND}\s*(?:<<|>>)=?\s*{_OPERAND}"))),
    ("nil pointer dereference", _dereferenced),
    ("concurrent map", _index),
    ("chan receive", _received),
    ("chan send", _by(_SENT)),
    ("sync.WaitGroup.Wait", _of_call("Wait")),
    ("sync.Mutex.Lock", _of_call("Lock")),
    ("sync.RWMutex", _of_call("R?Lock")),
    ("sync.Cond.Wait", _of_call("Wait")),
)
