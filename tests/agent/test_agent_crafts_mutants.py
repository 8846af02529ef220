"""Mutants: what is changed in each language, that it parses, that it stays in its place."""

from __future__ import annotations

import pytest

from fixwright.agent.crafts.mutants import MOST, Mutant, mutants_of
from fixwright.index.languages import Language, language_for
from fixwright.index.syntax import syntax_errors
from fixwright.workspace.hunks import Hunk, apply_hunks
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text

PYTHON = '''def total(numbers, least):
    """The sum of 2."""
    found = 0
    for number in numbers:
        if number >= least and number is not None:
            found += number
    log(found)
    return found
'''
CODE = {
    "python": PYTHON,
    "javascript": "function f(a, b) {\n  if (a < b && b !== null) {\n    g(2);\n  }\n"
    "  return a + 1;\n}\n",
    "typescript": "function f(a: Array<number>, b: number): boolean {\n"
    "  if (a[0] < b && b === 3) {\n"
    "    g(2);\n  }\n  return true;\n}\n",
    "typescriptreact": "const F = (p: P) => {\n  if (p.a < 1 && p.b) { g(2); }\n"
    "  return <b>{p.a + 1}</b>;\n};\n",
    "go": "package p\n\nfunc F(a, b int) int {\n\tif a < b && b != 3 {\n\t\tg(2)\n\t}\n"
    "\treturn a - 1\n}\n",
    "rust": "fn f(a: i32, b: i32) -> i32 {\n    if a < b && b != 3 {\n        g(2);\n    }\n"
    "    return a - 1;\n}\n",
    "java": "class A {\n  int f(int a, boolean b) {\n    if (a < 2 && b) {\n      g(2);\n    }\n"
    "    return a + 1;\n  }\n}\n",
    "c": "int f(int a, int b) {\n    if (a < b && b) {\n        g(2);\n    }\n"
    "    return a - 1;\n}\n",
    "cpp": "int f(std::vector<int> const& a, bool b) {\n    if (a.size() < 2 && b) {\n"
    "        g(2);\n    }\n    return 1;\n}\n",
    "shellscript": "f() {\n  if [[ $1 -lt 3 && $2 == x ]]; then\n    g 2\n  fi\n  return 1\n}\n",
}


def _language(name: str) -> Language:
    found = language_for(name)
    assert found is not None
    return found


def _whole(text: Text) -> Range:
    return text.range(0, len(text.value))


def _applied(text: Text, mutant: Mutant) -> str:
    start, end = text.offset(mutant.range.start), text.offset(mutant.range.end)
    return apply_hunks(text.value, [Hunk(start, end, mutant.text)])


@pytest.mark.parametrize("name", list(CODE))
def test_each_language_has_faults_of_each_kind_and_all_of_them_parse(name: str) -> None:
    text, language = Text(CODE[name]), _language(name)
    assert not syntax_errors(text, language), "the example itself is sound"
    mutants = mutants_of(text, language, _whole(text))
    titles = " · ".join(each.title for each in mutants)
    both = "and becomes or" if name == "python" else "&& becomes ||"
    for wanted in ("is negated", both, "is left out"):
        assert wanted in titles, titles
    for mutant in mutants:
        changed = _applied(text, mutant)
        assert changed != text.value, mutant
        assert not syntax_errors(Text(changed), language), mutant
    assert mutants == mutants_of(text, language, _whole(text)), "the same ones each time"


@pytest.mark.parametrize(
    ("name", "neutral"),
    [
        ("python", "found becomes None"),
        ("javascript", "a + 1 becomes undefined"),
        ("go", "a - 1 becomes *new(int)"),
        ("rust", "a - 1 becomes Default::default()"),
        ("java", "a + 1 becomes 0"),
        ("c", "a - 1 becomes 0"),
        ("cpp", "1 becomes {}"),
    ],
)
def test_a_return_gives_the_neutral_value_of_its_language(name: str, neutral: str) -> None:
    text = Text(CODE[name])
    titles = [each.title for each in mutants_of(text, _language(name), _whole(text))]
    assert any(title.endswith(neutral) for title in titles), titles


def test_only_what_is_selected_is_changed() -> None:
    text = Text(PYTHON)
    place = Range(Position(4, 0), Position(5, 0))
    mutants = mutants_of(text, _language("python"), place)
    assert {each.range.start.line for each in mutants} == {4}
    assert any(each.title.startswith("line 5: the condition") for each in mutants)


def test_text_and_types_are_no_code() -> None:
    text = Text('def f():\n    """3 < 4 and True."""\n')
    assert mutants_of(text, _language("python"), _whole(text)) == ()
    text = Text("function f(a: Map<string, number>): void {}\n")
    assert mutants_of(text, _language("typescript"), _whole(text)) == ()


def test_there_are_not_many_and_they_are_spread_over_the_whole() -> None:
    text = Text("".join(f"a{line} = {line + 1} + b\n" for line in range(300)))
    mutants = mutants_of(text, _language("python"), _whole(text))
    assert len(mutants) == MOST
    assert {each.range.start.line // 60 for each in mutants} == {0, 1, 2, 3, 4}


def test_places_are_counted_in_characters() -> None:
    text = Text('def f(é):\n    "ä😀"; return é < 3\n')
    mutants = mutants_of(text, _language("python"), _whole(text))
    assert 'def f(é):\n    "ä😀"; return é <= 3\n' in [_applied(text, each) for each in mutants]
