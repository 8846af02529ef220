"""Find the expression of a line that an exception is about.

A JVM tells lines only. The compiler told, of every source, where its expressions stand; which of
them it was follows from the exception's kind and message, or from the method that was called.
Where several could be it, the range is that of the line's code.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_INDEX = re.compile(r"Index (?P<index>-?\d+) out of bounds")
_CANNOT = re.compile(
    r"^Cannot (?P<what>invoke|read field|assign field|load from \w+ array|store to \w+ array|"
    r'read the array length|throw exception|enter synchronized block)(?: "(?P<name>[^"]+)")?'
)
_UNBOXED = frozenset(f"{kind}Value" for kind in (
    "int", "long", "double", "float", "boolean", "char", "short", "byte"))  # fmt: skip
_NAMED = re.compile(r'because "(?P<name>[^"]+)" is null$')
_RETURNED = re.compile(r'because the return value of "[^"(]*?(?P<method>[\w$]+)\([^"]*\)" is null$')
_FIELDS = frozenset({"read field", "read the array length"})
_OTHERS = {
    "assign field": "assignment",
    "throw exception": "throw",
    "enter synchronized block": "locked",
}
_DIVISIONS = ("DIVIDE", "REMAINDER")


class Span(NamedTuple):
    """An expression.

    Attributes:
        kind: what it is.
        name: what is called, read or created in it.
        anchor: the line that the JVM gives it.
        line: where it begins, and so on.
        receiver: what it is called on or read from, as written.
    """

    kind: str
    name: str
    anchor: int
    line: int
    column: int
    end_line: int
    end_column: int
    receiver: str = ""

    def place(self) -> dict[str, Any]:
        """Return the span as reports give a range."""
        return {
            "line": self.line,
            "column": self.column,
            "endLine": self.end_line,
            "endColumn": self.end_column,
        }


class Index:
    """What the compiler told of the sources.

    Attributes:
        paths: each source's absolute path by its package and file name, `app/Main.java`.
        mains: classes with a `main`, by path.
    """

    def __init__(self, units: list[dict[str, Any]]) -> None:
        self.paths: dict[str, str] = {}
        self.mains: dict[str, list[str]] = {}
        self._spans: dict[str, list[Span]] = {}
        for unit in units:
            path = str(unit["path"])
            folder = str(unit["package"]).replace(".", "/")
            name = path.rpartition("/")[2]
            self.paths[f"{folder}/{name}" if folder else name] = path
            self.mains[path] = list(unit["mains"])
            self._spans[path] = [Span(*span) for span in unit["spans"]]

    def source(self, class_name: str, file: str | None) -> str | None:
        """Return the path of the source of a class; None for one of a library."""
        if file is None:
            return None
        folder, _, _ = class_name.rpartition(".")
        return self.paths.get(f"{folder.replace('.', '/')}/{file}" if folder else file)

    def classes(self, path: str) -> list[Span]:
        """Return the classes of a source, named as the JVM names them."""
        return [span for span in self._spans.get(path, ()) if span.kind == "class"]

    def path_of_class(self, name: str) -> str | None:
        """Return the source of a class."""
        for path, spans in self._spans.items():
            if any(span.kind == "class" and span.name == name for span in spans):
                return path
        return None

    def method(self, class_name: str, method: str) -> Span | None:
        """Return where a method of a class stands."""
        path = self.path_of_class(class_name)
        wanted = f"{class_name}#{method}"
        spans = self._spans.get(path or "", ())
        return next((s for s in spans if s.kind == "method" and s.name == wanted), None)

    def called(self, path: str, line: int, method: str, class_name: str) -> Span | None:
        """Return the call on a line of the method that the next frame is in."""
        for here in self._candidates(path, line):
            found = _call(here, method, class_name)
            if found is not None:
                return found
        return None

    def thrown(self, path: str, line: int, kind: str, message: str) -> Span | None:
        """Return the expression of a line that threw an exception of this kind by itself."""
        for here in self._candidates(path, line):
            found = _thrower(here, kind, message)
            if found is not None:
                return found
        return None

    def _candidates(self, path: str, line: int) -> list[list[Span]]:
        """Return what stands on a line, and then what is in the statement that begins there.

        Not every expression has a line of its own in the class file: one further down in a
        statement may be told at the line where that begins.
        """
        spans = self._spans.get(path, [])
        statements = [s for s in spans if s.kind in ("statement", "throw") and s.line == line]
        return [
            [span for span in spans if span.anchor == line],
            [span for span in spans if any(_holds(outer, span) for outer in statements)],
        ]


def _call(here: list[Span], method: str, class_name: str) -> Span | None:
    if method == "<init>":
        simple = re.split(r"[.$]", class_name)[-1]
        return _only([s for s in here if s.kind == "new" and s.name == simple]) or _only(
            [s for s in here if s.kind == "call" and s.name in ("this", "super")]
        )
    if method.startswith("lambda$"):
        return None
    return _only([s for s in here if s.kind == "call" and s.name == method])


def _thrower(here: list[Span], kind: str, message: str) -> Span | None:
    simple = re.split(r"[.$]", kind)[-1]
    created = [s for s in here if s.kind == "new" and s.name == simple]
    if created:
        throws = [s for s in here if s.kind == "throw" and _holds(s, created[0])]
        return _only(throws) or _only(created)
    finder = _BY_KIND.get(kind)
    return finder(here, message) if finder else _only([s for s in here if s.kind == "throw"])


def _null_pointer(here: list[Span], message: str) -> Span | None:
    match = _CANNOT.match(message)
    if match is None:
        return _one_of(here, "throw", "switched", "iterated", "locked")
    what, name = match["what"], (match["name"] or "").partition("(")[0].rpartition(".")[2]
    if what == "invoke":
        calls = [s for s in here if s.kind == "call" and s.name == name]
        kinds = ("initializer",) if name in _UNBOXED else ("switched", "iterated")
        return _null_one(calls, message) if calls else _one_of(here, *kinds)
    if what in _FIELDS:
        wanted = "length" if "length" in what else (match["name"] or "")
        read = [s for s in here if s.kind == "field" and s.name == wanted]
        return _null_one(read, message) if read else _one_of(here, "iterated")
    if what.startswith(("load", "store")):
        return _null_one([s for s in here if s.kind == "index"], message)
    return _one_of(here, _OTHERS[what])


def _one_of(here: list[Span], *kinds: str) -> Span | None:
    return _only([span for span in here if span.kind in kinds])


def _null_one(spans: list[Span], message: str) -> Span | None:
    """Return the one of several that is on what the message says is null."""
    if len(spans) < 2:  # noqa: PLR2004 - several
        return _only(spans)
    returned, named = _RETURNED.search(message), _NAMED.search(message)
    if returned is not None:
        call = re.compile(rf"\b{re.escape(returned['method'])}\(.*\)$", re.DOTALL)
        return _only([span for span in spans if call.search(span.receiver)])
    if named is None:
        return None
    name = named["name"]
    return _only([span for span in spans if name == span.receiver]) or _only(
        [span for span in spans if span.receiver and name.endswith("." + span.receiver)]
    )


def _array_index(here: list[Span], message: str) -> Span | None:
    accesses = [span for span in here if span.kind == "index"]
    match = _INDEX.search(message)
    if len(accesses) > 1 and match:
        exact = [span for span in accesses if span.name == match["index"]]
        return _only(exact) or _only(_outermost(accesses))
    return _only(accesses)


def _division(here: list[Span], _message: str) -> Span | None:
    return _only([s for s in here if s.kind == "binary" and s.name in _DIVISIONS])


def _by(*kinds: str) -> Any:
    def find(here: list[Span], _message: str) -> Span | None:
        for kind in kinds:
            found = _only([span for span in here if span.kind == kind])
            if found is not None:
                return found
        return None

    return find


_BY_KIND: dict[str, Any] = {
    "java.lang.NullPointerException": _null_pointer,
    "java.lang.ArrayIndexOutOfBoundsException": _array_index,
    "java.lang.ArithmeticException": _division,
    "java.lang.ClassCastException": _by("cast"),
    "java.lang.NegativeArraySizeException": _by("array"),
    "java.lang.ArrayStoreException": _by("assignment"),
    "java.lang.AssertionError": _by("assert"),
    "java.lang.OutOfMemoryError": _by("array", "new"),
    "java.lang.StackOverflowError": _by("call", "new"),
}


def _outermost(spans: list[Span]) -> list[Span]:
    return [s for s in spans if not any(o is not s and _holds(o, s) for o in spans)]


def _holds(outer: Span, inner: Span) -> bool:
    return (outer.line, outer.column) <= (inner.line, inner.column) and (
        inner.end_line,
        inner.end_column,
    ) <= (outer.end_line, outer.end_column)


def _only(spans: list[Span]) -> Span | None:
    return spans[0] if len(spans) == 1 else None
