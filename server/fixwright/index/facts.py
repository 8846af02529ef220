"""What the index knows of one file, as plain data without trees: cheap to send, store and compare.

`extraction.extract` fills in the cheap part for every file; `extraction.exact` fills in all of it
for the file that somebody asks about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fixwright.workspace.position import Range

Place = tuple[int, int, int, int]
"""Line, column, end line, end column: zero-based, columns in code points, lines as LSP splits them.

A tuple and not a `Range`, because a workspace has millions of them.
"""


def range_of(place: Place) -> Range:
    """A place as a `Range`."""
    return Range.of(*place)


@dataclass(frozen=True, slots=True)
class Definition:
    """Something that a file defines.

    Attributes:
        name: without its qualifier: the `b` of a C++ `A::b`.
        kind: one of `KINDS`.
        range: all of the definition, decorators and modifiers included.
        name_range: the name alone; inside `range`.
        container: the index in `FileFacts.definitions` of the definition around it, smaller than
            its own; None at the top of the file.
        owner: the names of what it belongs to, outermost first and joined with ".": the definitions
            around it, a Go method's receiver type, a Rust `impl`'s type, a C++ qualifier. "" where
            it belongs to the file.
        signature: its head on one line without its body: "def f(x, y=1) -> int". "" for plain
            variables.
        doc: its docstring or doc comment without markers; filled in by `exact` alone.
    """

    name: str
    kind: str
    range: Place
    name_range: Place
    container: int | None = None
    owner: str = ""
    signature: str = ""
    doc: str = ""


KINDS = (
    "module", "namespace", "class", "struct", "interface", "trait", "enum", "type", "macro",
    "function", "method", "constructor", "prototype", "property", "field", "member", "variable",
    "constant", "implementation",
)  # fmt: skip
"""The kinds of definitions.

"member" is a value of an enum; "prototype" a C or C++ function that is declared and not defined;
"implementation" a Rust `impl`, whose name is that of the type: it defines what is inside of it, and
not the name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name where it is used.

    Attributes:
        enclosing: the index of the innermost definition around it; None at the top of the file.
        role: "call", "type", "import", "write" or "read".
    """

    name: str
    range: Place
    enclosing: int | None
    role: str


@dataclass(frozen=True, slots=True)
class Import:
    """One name, or one module, that a file imports.

    Attributes:
        module: as it is written, without quotes and leading dots: "a.b", "./x.js", "crate::m",
            "stdio.h"; "" for `from . import x`.
        name: what is taken from the module; "" for the module itself, "*" for everything.
        alias: the name that it is given; "" where it keeps its own.
        level: the number of leading dots of a relative Python import; 0 otherwise.
        kind: "import", or "module" for a Rust `mod x;`, "include" and "system" for C's two forms,
            "export" for what a file passes on, "package" for a file's own package (Go, Java).
        range: the whole statement.
    """

    module: str
    name: str
    alias: str
    level: int
    kind: str
    range: Place

    @property
    def bound(self) -> str:
        """The name by which the file knows it; "" where that cannot be read off."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class TestPlace:
    """A test or a suite that can be run by itself.

    Attributes:
        id: below the file's path: "TestA::test_x", "suite::adds", "TestAdd/sub".
        name: the innermost part.
        range: all of it.
        is_suite: whether it holds tests instead of being one.
    """

    __test__ = False  # it is no test, whatever its name says

    id: str
    name: str
    range: Place
    is_suite: bool = False

    def id_in(self, path: str) -> str:
        """The id of this test in a file of that path: "tests/test_a.py::TestA::test_x"."""
        return f"{path}::{self.id}"


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A place at which the file can be started as a program.

    Attributes:
        kind: "main" for a main function or guard, "script" for a file with a `#!` line.
        range: the main function's name, the guard's condition, or the first line.
    """

    kind: str
    range: Place


def _no_counts() -> Mapping[str, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The facts of one file.

    Attributes:
        language: the language's name.
        tier: 0 from regular expressions alone (provisional: ranges of definitions are their heads),
            1 from a tree, 2 with everything that `exact` adds.
        definitions: in the order in which they start, containers before what they contain.
        identifiers: how often each identifier stands in the code, comments and strings left out;
            keywords are left out too.
        imports: those at the top of the file in tier 1, all of them in tier 2.
        references, tests, entry_points: tier 2 only.
        has_errors: whether the grammar could not read all of it.
    """

    language: str
    tier: int = 1
    definitions: tuple[Definition, ...] = ()
    identifiers: Mapping[str, int] = field(default_factory=_no_counts)
    imports: tuple[Import, ...] = ()
    references: tuple[Reference, ...] = ()
    tests: tuple[TestPlace, ...] = ()
    entry_points: tuple[EntryPoint, ...] = ()
    has_errors: bool = False
