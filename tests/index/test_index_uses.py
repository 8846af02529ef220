"""The uses of one name alone are those that `exact` finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixwright.index.extraction import exact, uses_of
from fixwright.index.languages import language_for

TEXTS = {
    "a.py": 'import x\nclass A:\n    """A doc."""\n    def f(self, x):\n        f(x)\nx.f()\n',
    "a.ts": "import { x } from 'x'\n/** A doc. */\nexport function f(x: X) { return x }\nf(x)\n",
    "a.go": "package p\n// A doc.\nfunc f(x int) int { return f(x) }\n",
    "a.rs": "use x::y;\n/// A doc.\nfn f(x: u8) -> u8 { f(x) }\n",
    "a.java": "class A { /** A doc. */ int f(int x) { return f(x); } }\n",
    "a.cpp": "int f(int x) { return f(x); }\n",
    "a.sh": "f() { f $x; }\nx=1\nf\n",
}


@pytest.mark.parametrize("path", TEXTS)
@pytest.mark.parametrize("name", ["f", "x", "nothing"])
def test_they_are_those_of_exact(path: str, name: str) -> None:
    language = language_for(None, path)
    assert language is not None
    data = TEXTS[path].encode()
    facts = exact(language, data)
    expected = [
        (
            use,
            None if use.enclosing is None else replace(facts.definitions[use.enclosing], doc=""),
        )
        for use in facts.references
        if use.name == name
    ]
    assert uses_of(language, data, name) == expected
    assert bool(expected) == (name != "nothing")
