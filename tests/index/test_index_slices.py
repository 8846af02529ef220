"""Slices: the definitions that a selection needs, and no effect that it did not ask for."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.index.languages import Language, language_for
from fixwright.index.slices import Slice, slice_for
from fixwright.workspace.position import Range
from fixwright.workspace.text import Text


def language(name: str) -> Language:
    found = language_for(name)
    assert found is not None
    return found


PYTHON = language("python")
BASH = language("shellscript")


def sliced(source: str, selection: Range | None = None) -> tuple[Text, Slice]:
    """The slice of what stands between « and », or of a range."""
    if selection is None:
        start = source.index("«")
        end = source.index("»") - 1
        source = source.replace("«", "").replace("»", "")
        selection = Text(source).range(start, end)
    text = Text(source)
    return text, slice_for(text, PYTHON, selection)


def chunks(source: str) -> list[str]:
    text, found = sliced(source)
    return [text.slice(chunk).split("\n")[0] for chunk in found.chunks]


CASES: dict[str, tuple[str, list[str]]] = {
    "imports": (
        "import os, sys\nimport a.b.c\nimport x as y\nfrom m import (n as o,\n p)\n«(os, a, y, p)»",
        ["import os, sys", "import a.b.c", "import x as y", "from m import (n as o,"],
    ),
    "what is not used stays out": (
        "import os\nimport sys\ndef f(): pass\n«print(sys)»\n",
        ["import sys"],
    ),
    "future imports always": (
        "'''doc'''\nfrom __future__ import annotations\nx = 1\n«print(2)»\n",
        ["from __future__ import annotations"],
    ),
    "conditional imports whole": (
        "try:\n    import json\nexcept ImportError:\n    json = None\n«json.x»\n",
        ["try:"],
    ),
    "star imports where a name is open": (
        "from m import *\nx = 1\n«print(x, y)»\n",
        ["from m import *", "x = 1"],
    ),
    "no star import where nothing is open": ("from m import *\nx = 1\n«print(x)»\n", ["x = 1"]),
    "transitive": (
        "import math\nK = 2\ndef g(r): return math.pi * K\ndef f(): return g(1)\n«f()»\n",
        ["import math", "K = 2", "def g(r): return math.pi * K", "def f(): return g(1)"],
    ),
    "a local name hides the module's": (
        "x = 1\ndef f():\n    x = 2\n    return x\n«f()»\n",
        ["def f():"],
    ),
    "global": ("x = 1\ndef f():\n    global x\n    x += 1\n«f()»\n", ["x = 1", "def f():"]),
    "decorators, defaults, annotations, bases": (
        "import d\nD = 1\nclass T: 1\nclass B: 1\n@d.e\nclass A(B):\n  def m(s, x: T=D): 1\n«A()»",
        ["import d", "D = 1", "class T: 1", "class B: 1", "@d.e"],
    ),
    "an earlier value that is overwritten": ("x = f()\nx = 1\n«print(x)»\n", ["x = 1"]),
    "augmented": ("x = 1\nx += 2\n«print(x)»\n", ["x = 1", "x += 2"]),
    "tuple targets, walrus, for, with": (
        "a, (b, *c) = 1, (2, 3)\nif (w := a): pass\nfor i in c: 1\nwith o(i) as f: 1\n«w, i, f»",
        ["a, (b, *c) = 1, (2, 3)", "if (w := a): pass", "for i in c: 1", "with o(i) as f: 1"],
    ),
    "mutation of a value": (
        "xs = []\nxs.append(1)\nxs[0] = 2\nprint(xs)\n«xs»\n",
        ["xs = []", "xs.append(1)", "xs[0] = 2"],
    ),
    "the module path": ("import sys\nsys.path.insert(0, 'x')\nimport y\n«y.z»\n", ["import y"]),
    "effects stay out": (
        "def main(): pass\nmain()\nif __name__ == '__main__':\n    x = 1\n«main()»\n",
        ["def main(): pass"],
    ),
    "a function's later helper": (
        "def f():\n    «helper()»\ndef helper(): return K\nK = 1\n",
        ["def helper(): return K", "K = 1"],
    ),
    "what the function computed before": (
        "def load(): return 1\ndef f(p):\n    d = load()\n    print(d)\n    «d + 1»\n",
        ["def load(): return 1", "d = load()"],
    ),
    "a later binding does not count for the module": ("x = 1\n«print(x)»\nx = 2\n", ["x = 1"]),
    "an alias of a function": (
        "def g(): return k\nh = g\nk = 3\n«h()»\n",
        ["def g(): return k", "h = g", "k = 3"],
    ),
    "inside the main guard": (
        "def f(): pass\nif __name__ == '__main__':\n    n = 3\n    f()\n    «print(n)»\n",
        ["n = 3"],
    ),
    "comprehension": ("xs = [1]\ny = 2\n«[x * y for x in xs]»\n", ["xs = [1]", "y = 2"]),
    "lambda": ("k = 1\nf = lambda x: x + k\nx = 9\n«f(1)»\n", ["k = 1", "f = lambda x: x + k"]),
    "match": (
        "class P: pass\nv = P()\nmatch v:\n    case P(a=q): pass\n«print(q)»\n",
        ["class P: pass", "v = P()", "match v:"],
    ),
    "f-strings": ("w = 3\nx = 1\n«f'{x:>{w}}'»\n", ["w = 3", "x = 1"]),
    "bound in the selection": ("x = 1\n«x = 2\nprint(x)»\n", []),
    "used before it is bound": ("x = 1\n«x = x + 1»\n", ["x = 1"]),
    "bound only perhaps": ("x = 1\nc = 0\n«if c:\n    x = 2\nprint(x)»\n", ["x = 1", "c = 0"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_chunks_are_what_the_selection_needs(name: str) -> None:
    source, expected = CASES[name]
    assert chunks(source) == expected


@pytest.mark.parametrize(
    ("source", "selected", "missing"),
    [
        ("def f(a, *, b=1, **c):\n    d = 1\n    «g(a, b, c, d)»\n", "g(a, b, c, d)", "abcg"),
        ("a = 1\ndef f(a):\n    «print(a)»\n", "print(a)", "a"),
        ("for i in [1]:\n    «print(i)»\n", "print(i)", "i"),
        ("with o() as f:\n    «f.x»\n", "f.x", "f"),
        ("class A:\n  k = 1\n  def m(self):\n    «return self.x»\n", "return self.x", "self"),
        ("x = «g(1)» + 2\n", "g(1)", "g"),
        ("x = f(\n  «a +\n  b»)\n", "x = f(\n  a +\n  b)", "fab"),
        ("if «x»:\n    pass\n", "x", "x"),
        ("if a:\n    b\n«else»:\n    c\n", "if a:\n    b\nelse:\n    c", "abc"),
        ("if a:\n    «b\n    c»\n", "b\n    c", "bc"),
        ("«if a:\n    b»\n    c\n", "if a:\n    b\n    c", "abc"),
        ("a = 1; «b = 2; c» = 3\n", "b = 2; c = 3", ""),
        ("@d\ndef f():\n    «pass\ndef g»(): pass\n", "@d\ndef f():\n    pass\ndef g(): pass", "d"),
        ("import «os».path\n", "import os.path", ""),
        ("f(«x»=1)\n", "f(x=1)", "f"),
        ("f(x=«y»)\n", "y", "y"),
        ("x.«y»\n", "x.y", "x"),
        ("  \n«  \n»\n", "", ""),
        ("«# note»\n", "", ""),
    ],
)  # fmt: skip
def test_the_selection_is_snapped_and_missing_names_are_told(
    source: str, selected: str, missing: str
) -> None:
    text, found = sliced(source)
    assert text.slice(found.selection) == selected
    assert found.missing == frozenset(missing) or found.missing == {"self"}


def test_a_cursor_stands_for_its_line() -> None:
    text, found = sliced("x = 1\nprint(x)\n", Range.at(1, 3))
    assert text.slice(found.selection) == "print(x)"
    assert [text.slice(c) for c in found.chunks] == ["x = 1"]


def test_bash_slices() -> None:
    source = """\
set -eu
. ./lib.sh
GREETING=hello
unused=1
say() { local who=$1; echo "$GREETING $who"; }
twice() { say "$1"; say "$1"; }
echo side effect
twice world
"""
    text = Text(source)
    found = slice_for(text, BASH, Range.of(7, 0, 7, 5))
    assert [text.slice(c).split("(")[0] for c in found.chunks] == [
        "set -eu",
        ". ./lib.sh",
        "GREETING=hello",
        "say",
        "twice",
    ]
    assert text.slice(found.selection) == "twice world"


names = st.sampled_from("abcdef")
atoms = st.one_of(names, st.integers(0, 9).map(str))
simple = st.one_of(
    atoms,
    st.tuples(atoms, st.sampled_from(["+", "*", "-"]), atoms).map(" ".join),
    names.map(lambda name: f"[{name} + i for i in range(3)][-1]"),
)
expressions = st.one_of(simple, names.map(lambda name: f"f_{name}()"))
statements = st.one_of(
    st.tuples(names, expressions).map(" = ".join),
    st.tuples(names, atoms).map(" += ".join),
    st.tuples(names, names, atoms, expressions).map(lambda t: f"{t[0]}, {t[1]} = {t[2]}, {t[3]}"),
    st.tuples(names, expressions).map(lambda t: f"def f_{t[0]}():\n    return {t[1]}"),
    # It calls nothing: Python 3.13 before 3.13.8 lets a recursion that relies on defaults go on
    # until all memory is taken (gh-132744).
    st.tuples(names, names, simple).map(
        lambda t: f"def f_{t[0]}({t[1]}=1):\n    g = {t[2]}\n    return g"
    ),
    st.tuples(atoms, names, expressions).map(lambda t: f"if {t[0]}:\n    {t[1]} = {t[2]}"),
    st.tuples(names, expressions, names, atoms).map(
        lambda t: f"try:\n    {t[0]} = {t[1]}\nexcept NameError:\n    {t[2]} = {t[3]}"
    ),
    st.tuples(names, names, atoms).map(lambda t: f"for {t[0]} in range(2):\n    {t[1]} = {t[2]}"),
    expressions.map(lambda e: f"print({e})"),
)  # fmt: skip


def run(parts: list[str], namespace: dict[str, object]) -> str:
    """Runs the parts one after the other; the error's text or the values of the names."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for part in parts:
                exec(compile(part, "<part>", "exec"), namespace)
    except (NameError, TypeError, ZeroDivisionError, RecursionError, ValueError) as error:
        return repr(error)
    return repr({name: namespace.get(name) for name in "abcdef"})


@settings(max_examples=400, deadline=None)
@given(st.lists(statements, min_size=2, max_size=12), names, st.data())
def test_a_slice_computes_what_the_whole_file_does(
    parts: list[str], name: str, data: st.DataObject
) -> None:
    prelude = "\n".join(f"{n} = {i}\ndef f_{n}(): return {n}" for i, n in enumerate("abcdef"))
    program = prelude + "\n" + "\n".join(parts) + "\n"
    whole: dict[str, object] = {}
    if "Error" in run([program], whole):
        return
    last = data.draw(st.sampled_from([name, f"f_{name}()", f"{name} * 2"]))
    text = Text(f"{program}result = {last}\n")
    line = text.line_count - 2
    found = slice_for(text, PYTHON, Range.at(line, 0))
    alone: dict[str, object] = {}
    run([text.slice(part) for part in (*found.chunks, found.selection)], alone)
    if "Error" in run([f"result = {last}"], whole):
        return
    assert alone["result"] == whole["result"]


@settings(max_examples=200, deadline=None)
@given(st.lists(statements, min_size=1, max_size=8), st.data())
def test_the_slice_of_any_selection_compiles(parts: list[str], data: st.DataObject) -> None:
    body = "\n".join("    " + line for part in parts for line in part.split("\n"))
    program = "\n".join(parts) + f"\ndef outer(p):\n{body}\nclass C:\n{body}\n"
    start = data.draw(st.integers(0, len(program)))
    end = data.draw(st.integers(start, len(program)))
    text = Text(program)
    found = slice_for(text, PYTHON, text.range(start, end))
    for part in (*found.chunks, found.selection):
        lines = text.slice(part).split("\n")
        indent = " " * part.start.column
        dedented = [lines[0], *(line.removeprefix(indent) for line in lines[1:])]
        if any(line.startswith("return") for line in dedented):
            continue  # it ends the function that it was selected from
        compile("\n".join(dedented), "<part>", "exec")
