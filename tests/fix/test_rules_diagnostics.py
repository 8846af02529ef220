"""The rules on other servers' diagnostics, where no run is known, and on whatever else may come."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.failures.model import Failure
from fixwright.fix.problem import Candidate, Problem
from fixwright.fix.rules import MOST, candidates
from fixwright.fix.rules.spelling import closest, distance
from fixwright.workspace.position import Range
from support.rule_cases import BASH, NOTHING_TO_PROPOSE, PYTHON
from support.rulebench import ROOT, context_of, diagnostic

IMPORTED = "from math import sqroot\nprint(sqroot(4))\n"
CALL = "def f(width):\n    return width\n\n\nprint(f(widht=1))\n"
UNBOUND = "n = 0\n\n\ndef f():\n    n += 1\n\n\nf()\n"
CLASS = "class A:\n    def total(self):\n        return 1\n\n\nA().totl()\n"


def first(text: str, place: Range, message: str, code: str = "") -> str:
    """The text after the first candidate; the text itself where there is none."""
    files = {"main.py": text}
    found = candidates(diagnostic(files, place, message, code))
    return found[0].draft.text(f"{ROOT}/main.py") if found else text


@pytest.mark.parametrize(
    ("source", "place", "message", "code", "expected"),
    [
        ("x = jsn\njson = 1\n", (0, 4, 7), '"jsn" is not defined', "", "x = json\njson = 1\n"),
        ("print(total_)\ntotal = 1\n", (0, 6, 12), "Undefined name `total_`", "F821",
         "print(total)\ntotal = 1\n"),
        ("Path('a')\n", (0, 0, 4), "undefined name 'Path'", "F821",
         "from pathlib import Path\n\nPath('a')\n"),
        ("import re\njson.loads('1')\n", (1, 0, 4), "Undefined variable 'json'", "E0602",
         "import re\nimport json\njson.loads('1')\n"),
        ("np = os.sep\n", (0, 5, 7), 'Name "os" is not defined', "name-defined",
         "import os\n\nnp = os.sep\n"),
        ("import os\nos.pth\n", (1, 3, 6), '"pth" is not a known attribute of module "os"', "",
         "import os\nos.path\n"),
        ("'a'.uper()\n", (0, 4, 8), 'Cannot access attribute "uper" for class "str"', "",
         "'a'.upper()\n"),
        ("'a'.uper()\n", (0, 0, 8), '"str" has no attribute "uper"; maybe "upper"?', "attr-defined",
         "'a'.upper()\n"),
        (CLASS, (5, 4, 8), 'Cannot access attribute "totl" for class "A"', "",
         CLASS.replace("totl", "total")),
        ("import colections\n", (0, 7, 17), 'Import "colections" could not be resolved', "",
         "import collections\n"),
        ("import colections\n", (0, 7, 17), "Unable to import 'colections'", "import-error",
         "import collections\n"),
        (IMPORTED, (0, 17, 23), '"sqroot" is unknown import symbol', "",
         IMPORTED.replace("sqroot", "sqrt")),
        (CALL, (4, 8, 13), 'No parameter named "widht"', "", CALL.replace("widht", "width")),
        (CALL, (4, 6, 16), 'Unexpected keyword argument "widht" for "f"', "call-arg",
         CALL.replace("widht", "width")),
        (UNBOUND, (4, 4, 5), '"n" is unbound', "",
         UNBOUND.replace("    n +=", "    global n\n    n +=")),
        ("if x\n    pass\n", (0, 4, 5), 'Expected ":"', "", "if x:\n    pass\n"),
        ("if x\n    pass\n", (0, 4, 5), "SyntaxError: Expected ':', found newline", "E999",
         "if x:\n    pass\n"),
        ("import e from math\n", (0, 0, 18),
         "SyntaxError: Did you mean to use 'from ... import ...' instead?", "E999",
         "from math import e\n"),
        ("print('a'\n", (0, 5, 6), '"(" was not closed', "", "print('a')\n"),
        ("x = 1\n", (0, 0, 1), '"x" is not accessed', "", "x = 1\n"),
        ("x = 1\n", (0, 0, 5), "Line too long", "E501", "x = 1\n"),
    ],
)  # fmt: skip
def test_diagnostics_of_other_servers(
    source: str, place: tuple[int, int, int], message: str, code: str, expected: str
) -> None:
    line, start, end = place
    assert first(source, Range.of(line, start, line, end), message, code) == expected


def test_a_file_that_cannot_be_written_gets_no_candidates() -> None:
    context = diagnostic({"main.py": "prnt(1)\n"}, Range.of(0, 0, 0, 4), '"prnt" is not defined')
    assert candidates(context)
    document = replace(context.document, writable=False)
    assert candidates(replace(context, snapshot=context.snapshot.open(document))) == ()


def test_languages_without_rules_have_none() -> None:
    context = diagnostic({"main.rs": "fn main() {}\n"}, Range.at(0, 0), '"x" is not defined')
    assert candidates(context) == ()


def test_a_long_text_is_repaired_by_its_surroundings() -> None:
    sound = "def f(x):\n    if x:\n        return 1\n    return 2\n\n\n" * 1500
    broken = (
        sound[: len(sound) // 2].rstrip("\n") + "\n\n\nprint('a'\n\n\n" + sound[len(sound) // 2 :]
    )
    line = broken[: broken.index("print")].count("\n")
    place = Range.of(line, 5, line, 6)
    assert first(broken, place, "'(' was never closed") == broken.replace("('a'", "('a')")


def sources(cases: dict[str, str | dict[str, str]]) -> list[str]:
    return [case if isinstance(case, str) else next(iter(case.values())) for case in cases.values()]


MESSAGES = [
    ("NameError", "name 'x' is not defined"),
    ("NameError", "name 'self' is not defined"),
    (
        "UnboundLocalError",
        "cannot access local variable 'n' where it is not associated with a value",
    ),
    ("AttributeError", "'list' object has no attribute 'x'"),
    ("AttributeError", "'NoneType' object has no attribute 'x'"),
    ("AttributeError", "module 'os' has no attribute 'x'"),
    ("ModuleNotFoundError", "No module named 'x'"),
    ("ModuleNotFoundError", "No module named 'helpers.x'"),
    ("ImportError", "cannot import name 'f' from 'helpers' (main.py)"),
    ("ImportError", "attempted relative import with no known parent package"),
    ("KeyError", "'name'"),
    ("KeyError", "1"),
    ("TypeError", "f() got an unexpected keyword argument 'x'"),
    ("TypeError", "f() takes 1 positional argument but 2 were given"),
    ("TypeError", "A.m() takes 0 positional arguments but 1 was given"),
    ("TypeError", "A.m() missing 1 required positional argument: 'self'"),
    ("TypeError", "f() missing 1 required positional argument: 'x'"),
    ("TypeError", "f() got multiple values for argument 'a'"),
    ("TypeError", "A() takes no arguments"),
    ("TypeError", 'can only concatenate str (not "int") to str'),
    ("TypeError", "unsupported operand type(s) for +: 'int' and 'str'"),
    ("TypeError", "unsupported operand type(s) for -: 'NoneType' and 'int'"),
    ("TypeError", "'>' not supported between instances of 'str' and 'int'"),
    ("TypeError", "'NoneType' object is not subscriptable"),
    ("TypeError", "'int' object is not callable"),
    ("TypeError", "'list' object is not callable"),
    ("TypeError", "'module' object is not callable"),
    ("TypeError", "'method' object is not subscriptable"),
    ("TypeError", "'builtin_function_or_method' object is not iterable"),
    ("TypeError", "sequence item 0: expected str instance, int found"),
    ("TypeError", "list indices must be integers or slices, not str"),
    ("TypeError", "'float' object cannot be interpreted as an integer"),
    ("IndexError", "list index out of range"),
    ("SyntaxError", "invalid syntax"),
    ("CommandNotFound", "ehco: command not found"),
    ("UnboundVariable", "nmae: unbound variable"),
    ("SyntaxError", "syntax error: unexpected end of file"),
    ("", "anything at all"),
]
texts = st.sampled_from([*sources(PYTHON), *NOTHING_TO_PROPOSE.values(), "", "\ufeff", "é = 'ü'\r"])
scripts = st.sampled_from([*sources(BASH), "", "[", "'", "if"])


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(texts, scripts),
    st.sampled_from(["main.py", "main.sh"]),
    st.tuples(st.integers(0, 12), st.integers(0, 40), st.integers(0, 12), st.integers(0, 40)),
    st.sampled_from(MESSAGES),
    st.booleans(),
    st.integers(0, 60),
)
def test_no_rule_breaks_whatever_the_text_the_place_and_the_message(
    text: str,
    name: str,
    place: tuple[int, int, int, int],
    said: tuple[str, str],
    from_run: bool,
    cut: int,
) -> None:
    kind, message = said
    text = text[: max(len(text) - cut, 0)]
    start, end = sorted([place[:2], place[2:]])
    where = Range.of(*start, *end)
    failure = Failure(kind, message, name, where) if from_run else None
    problem = Problem(f"{ROOT}/{name}", where, message, kind, "test", failure)
    found = candidates(context_of({name: text}, problem))
    assert len(found) <= MOST
    results = [candidate.draft.text(f"{ROOT}/{name}") for candidate in found]
    assert text not in results
    assert len(set(results)) == len(results)
    assert all(isinstance(each, Candidate) and each.title for each in found)


def test_spelling() -> None:
    assert closest("lenght", ["length", "width"]) == ["length"]
    assert closest("prnt", ["print", "sprint", "paint"])[0] == "print"
    assert closest("userName", ["user_name", "users"]) == ["user_name"]
    assert closest("x", ["y", "z"]) == []
    assert closest("ab", ["abc"]) == []
    assert distance("ab", "ba", 2) == 1
    assert distance("kitten", "sitting", 5) == 3
    assert distance("abc", "xyzuvw", 2) == 3


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_distance_is_symmetric_and_zero_only_for_equals(one: str, other: str) -> None:
    assert distance(one, other, 9) == distance(other, one, 9)
    assert (distance(one, other, 9) == 0) == (one == other)
