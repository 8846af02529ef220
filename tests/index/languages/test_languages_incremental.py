"""Whatever is typed, the outline is that of a fresh parse, in every language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.index.languages import all_languages
from fixwright.index.outline import Outline
from fixwright.index.symbols import symbols_of
from fixwright.workspace.text import Text

PIECES = {
    "bash": [
        "f() { :; }\n",
        "X=1\n",
        "function g { h() { :; }; }\n",
        "if a; then Y=2; fi\n",
        "<<E\n",
    ],
    "c": [
        "int f(int a) { return a; }\n",
        "struct s { int x; };\n",
        "#define M 1\n",
        "#ifdef A\n",
        "#endif\n",
        "typedef struct { int y; } T;\n",
        "enum e { P, Q };\n",
        "MACRO(x)\n",
        "int *g;\n",
    ],
    "cpp": [
        "namespace n { class C { void m(); }; }\n",
        "void n::C::m() {}\n",
        "template<class T> T f();\n",
        "enum class E { A };\n",
        "using X = int;\n",
        "#if 1\n",
        "#endif\n",
        "auto l = [] {};\n",
    ],
    "go": [
        "package p\n",
        "func f(a int) {}\n",
        "type T struct { a int }\n",
        "func (t *T) m() {}\n",
        "const ( A = 1\n B )\n",
        "var x, y = 1, 2\n",
        "type I interface { M() }\n",
    ],
    "java": [
        "class A { int x; void m() { class L { } } }\n",
        "interface I { void n(); }\n",
        "enum E { P, Q; void o() { } }\n",
        "record R(int a) { }\n",
        "@interface An { }\n",
        "void top() { }\n",
    ],
    "javascript": [
        "function f() {}\n",
        "class A { x = 1; m() {} }\n",
        "const g = () => { function h() {} };\n",
        "exports.k = function () {};\n",
        "const o = { p() {}, q: () => 1 };\n",
        "let {a, b: [c]} = d;\n",
        "describe('s', () => { it('t', () => {}); });\n",
        "`${",
        "/",
        "export default class { n() {} }\n",
    ],
    "python": [
        "def f():\n  pass\n",
        "class A:\n  x = 1\n  def m(self): pass\n",
        "Y = 2\n",
        "@d\n",
        "  ",
    ],
    "rust": [
        "fn f() { struct L; }\n",
        "struct S { a: i32 }\n",
        "impl T for S { fn m() {} }\n",
        "enum E { A }\n",
        "mod m { const C: i32 = 1; }\n",
        "trait T { fn n(&self); }\n",
        "macro_rules! q { () => {} }\n",
        'r#"',
    ],
    "typescript": [
        "interface I { a: string; m(): void }\n",
        "enum E { A, B = 1 }\n",
        "type U = { x: number };\n",
        "namespace N { export function f(): void {} }\n",
        "abstract class C { abstract m(): void; y?: U }\n",
        "declare const d: U;\n",
        "const g = <T,>(a: T): T => a;\n",
    ],
}
PIECES["tsx"] = [*PIECES["typescript"], "const V = () => <div>{x}</div>;\n"]
ANYWHERE = [
    "{",
    "}",
    "(",
    ")",
    '"',
    "'",
    "/*",
    "*/",
    "\n",
    "\r\n",
    "\r",
    "é",
    "\U0001d4b3",
    ";",
    "x",
]


def test_every_language_has_pieces() -> None:
    assert sorted(PIECES) == [language.name for language in all_languages()]


@pytest.mark.parametrize("language", all_languages(), ids=lambda language: language.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_after_any_edits_the_symbols_are_those_of_a_fresh_parse(
    language: object, data: st.DataObject
) -> None:
    from fixwright.index.languages import Language

    assert isinstance(language, Language)
    pieces = st.sampled_from([*PIECES[language.name], *ANYWHERE])
    text = Text("".join(data.draw(st.lists(pieces, max_size=10))))
    outline = Outline(text, language)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text.value)))
        end = min(len(text.value), at + data.draw(st.integers(0, 20)))
        text = text.splice(at, end, data.draw(pieces))
        outline.update(text)
        assert outline.symbols == symbols_of(text, language)
