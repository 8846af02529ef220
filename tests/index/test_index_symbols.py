"""Symbols: what a document defines, where exactly."""

from __future__ import annotations

import subprocess
import sys

from fixwright.index.languages import Language, all_languages, language_for
from fixwright.index.symbols import Symbol, symbols_of
from fixwright.workspace.position import Range
from fixwright.workspace.text import Text


def language(name: str) -> Language:
    found = language_for(name)
    assert found is not None
    return found


PYTHON = language("python")
BASH = language("shellscript")


def outline(symbols: tuple[Symbol, ...]) -> list[object]:
    return [
        (f"{symbol.kind} {symbol.name}", outline(symbol.children))
        if symbol.children
        else f"{symbol.kind} {symbol.name}"
        for symbol in symbols
    ]


def test_python_symbols_nest_as_they_are_written() -> None:
    source = """\
LIMIT = 1
a, (b, *c) = d = f()
x: int
x.y = 1
type Pair = tuple[int, int]
@dataclass
class A(B):
    size: int = 0
    def __init__(self, x, *, y=1):
        self.x = local = x
        def inner(): pass
    @property
    async def p(self): ...
if TYPE_CHECKING:
    def guarded(): pass
else:
    guarded = None
"""
    assert outline(symbols_of(source, PYTHON)) == [
        "constant LIMIT",
        *(f"variable {name}" for name in "abcdx"),
        "type Pair",
        ("class A", [
            "variable size",
            ("method __init__", ["function inner"]),
            "method p",
        ]),
        "function guarded",
    ]  # fmt: skip


def test_ranges_are_code_points_and_include_decorators() -> None:
    text = Text(
        "é = '\U0001d4b3'; ñ = 1\r\n@dec('\U0001d4b3')\r\nclass Ünï(B):\r\n"
        "    '''\U0001d4b3''' ; y = 2\r\n"
    )
    first, second, third = symbols_of(text, PYTHON)
    assert (text.slice(first.range), text.slice(first.name_range)) == ("é = '\U0001d4b3'", "é")
    assert second.name_range == Range.of(0, 9, 0, 10)
    assert third.range.start == Range.at(1, 0).start
    assert text.slice(third.name_range) == "Ünï"
    assert third.detail == "(B)"
    assert text.slice(third.children[0].range) == "y = 2"


def test_a_lone_carriage_return_ends_a_line() -> None:
    text = Text("x = 1\rdef f():\r    pass\n")
    assert [text.slice(s.name_range) for s in symbols_of(text, PYTHON)] == ["x", "f"]


def test_a_broken_file_still_has_symbols() -> None:
    source = (
        "def f(:\n    pass\n\nclass A:\n    def m(self):\n        return (\n\ndef g():\n    pass\n"
    )
    names = set(str(outline(symbols_of(source, PYTHON))).split("'"))
    assert {"function f", "function g"} & names


def test_bash_symbols() -> None:
    source = """\
#!/bin/bash
export PATH_TO=1
name=x other=2
name=again
run() { local inside=1; nested() { :; }; }
function other { :; }
if true; then chosen=1; fi
"""
    assert outline(symbols_of(source, BASH)) == [
        "constant PATH_TO",
        "variable name",
        "variable other",
        ("function run", ["function nested"]),
        "function other",
        "variable chosen",
    ]


def test_deep_nesting_is_no_problem() -> None:
    deep = "x = " + "+".join(["1"] * 5000) + "\n"
    nested = "".join(f"{' ' * n}if a:\n" for n in range(90)) + " " * 90 + "y = 1\n"
    chain = " && ".join(["a"] * 5000) + "\nf() { :; }\n"
    assert outline(symbols_of(deep + nested, PYTHON)) == ["variable x", "variable y"]
    assert outline(symbols_of(chain, BASH)) == ["function f"]


def test_languages_are_found_by_id_extension_or_name() -> None:
    names = [each.name for each in all_languages()]
    assert names == sorted({
        "bash", "c", "cpp", "go", "java", "javascript", "python", "rust", "tsx", "typescript",
    })  # fmt: skip
    assert language_for("python") is PYTHON
    assert language_for(None, "/a/b.pyi") is PYTHON
    assert language_for(None, "file:///home/me/.bashrc") is BASH
    assert language_for("cobol", "x.cbl") is None
    assert language_for(None, None) is None


def test_importing_the_index_loads_nothing_of_tree_sitter() -> None:
    code = (
        "import sys; import fixwright.index.buffers, fixwright.index.slices, fixwright.index.tests,"
        " fixwright.fix.indexed;"
        " sys.exit(any(name.startswith('tree_sitter') for name in sys.modules))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False
        ).returncode
        == 0
    )
