"""A selection runs at its own place: lines, columns, indentation, strings, awaits."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text
from fixwright_sandbox.jobs import Chunk, RunChunks
from guest.harness import VERSIONS, Outcome, interpreter, run_python, write_tree

SOURCE = '''\
import os

def f(é):
    if é:
        value = """a
  b"""; ö = value + 1
        print("😀", undefined)
    return é

é = 3 ; nope(1)
(1 +
 2)
async def g(): return 5
await g()
await missing()
class A:
\tdef m(self):
\t\treturn self.x
  \t
'hello'
for i in range(2): i
from __future__ import annotations
def h(x: Undefined): pass
None
x = [1,
é = 3 ; "abc
'''


def _run(
    tmp_path: Path, *ranges: tuple[int, int, int, int], source: str = SOURCE, version: str = "3.11"
) -> Outcome:
    write_tree(tmp_path, {"sel.py": source})
    text = Text(source)
    chunks = tuple(
        Chunk(text.slice(Range.of(*numbers)), numbers[0], numbers[1]) for numbers in ranges
    )
    python = interpreter(version)
    assert python is not None
    return run_python(tmp_path, RunChunks("sel.py", chunks), python=python)


@pytest.mark.parametrize(
    ("ranges", "kind", "where"),
    [
        pytest.param([(4, 8, 5, 23)], "TypeError", (5, 12, 5, 21), id="after a long string"),
        pytest.param([(6, 8, 6, 31)], "NameError", (6, 19, 6, 28), id="indented, wide characters"),
        pytest.param([(6, 0, 7, 0)], "NameError", (6, 19, 6, 28), id="with its indentation"),
        pytest.param([(9, 8, 9, 15)], "NameError", (9, 8, 9, 12), id="in the middle of a line"),
        pytest.param([(6, 20, 6, 24)], "NameError", (6, 20, 6, 24), id="part of a name"),
        pytest.param([(7, 4, 7, 12)], "SyntaxError", (7, 4, 7, 12), id="return"),
        pytest.param([(2, 0, 2, 7)], "SyntaxError", (2, 5, 2, 6), id="half a definition"),
        pytest.param([(13, 6, 13, 9)], "NameError", (13, 6, 13, 7), id="of an await"),
        pytest.param([(12, 0, 12, 23), (14, 0, 14, 15)], "NameError", (14, 6, 14, 13), id="await"),
        pytest.param([(24, 0, 24, 7)], "SyntaxError", (24, 4, 24, 5), id="open bracket"),
        pytest.param([(0, 0, 0, 9), (9, 8, 9, 15)], "NameError", (9, 8, 9, 12), id="two chunks"),
        pytest.param([(17, 2, 17, 15)], "SyntaxError", (17, 2, 17, 15), id="tabs"),
        pytest.param([(0, 7, 0, 9)], "NameError", (0, 7, 0, 9), id="first line, from its middle"),
        pytest.param([(9, 8, 9, 13)], "SyntaxError", (9, 12, 9, 13), id="parser, wide character"),
        pytest.param([(25, 8, 25, 12)], "SyntaxError", (25, 8, 25, 9), id="token, wide character"),
    ],
)
def test_failures_lie_where_the_file_has_them(
    ranges: list[tuple[int, int, int, int]],
    kind: str,
    where: tuple[int, int, int, int],
    tmp_path: Path,
) -> None:
    outcome = _run(tmp_path, *ranges)
    failure = outcome.failure
    assert (failure.kind, failure.path) == (kind, "sel.py")
    assert failure.range == Range.of(*where)
    assert 'sel.py", line' in outcome.stderr
    assert "asyncio" not in outcome.stderr


@pytest.mark.parametrize(
    ("ranges", "printed"),
    [
        pytest.param([(10, 0, 11, 3)], "3\n", id="an expression over two lines"),
        pytest.param([(12, 0, 12, 23), (13, 0, 13, 9)], "5\n", id="an awaited value"),
        pytest.param([(19, 0, 19, 7)], "'hello'\n", id="a string, by its repr"),
        pytest.param([(20, 0, 20, 20)], "", id="a loop shows nothing"),
        pytest.param([(23, 0, 23, 4)], "", id="None shows nothing"),
        pytest.param([(19, 0, 19, 7), (10, 0, 11, 3)], "3\n", id="only the last chunk shows"),
        pytest.param([(10, 1, 10, 2)], "1\n", id="part of a line"),
        pytest.param([(21, 0, 21, 34), (22, 0, 22, 25)], "", id="future imports hold on"),
        pytest.param([(1, 0, 1, 0)], "", id="nothing"),
    ],
)
def test_the_last_value_is_shown(
    ranges: list[tuple[int, int, int, int]], printed: str, tmp_path: Path
) -> None:
    outcome = _run(tmp_path, *ranges)
    assert (outcome.status, outcome.stdout) == (0, printed), outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_in_every_version(version: str, tmp_path: Path) -> None:
    if interpreter(version) is None:
        pytest.skip(f"there is no Python {version}")
    outcome = _run(tmp_path, (12, 0, 12, 23), (13, 0, 13, 9), version=version)
    assert (outcome.status, outcome.stdout) == (0, "5\n"), outcome.stderr
    failure = _run(tmp_path, (6, 8, 6, 31), version=version).failure
    assert failure.range is not None
    assert failure.range.contains(Position(6, 20))


def test_a_selection_sees_the_main_module_and_its_package(tmp_path: Path) -> None:
    source = "from . import sibling\nprint(__name__, __file__[-6:], sibling.x, __package__)\n"
    write_tree(tmp_path, {"a/__init__.py": "", "a/b/__init__.py": "", "a/b/sibling.py": "x = 1"})
    write_tree(tmp_path, {"a/b/sel.py": source})
    chunks = (Chunk(source, 0),)
    outcome = run_python(tmp_path, RunChunks("a/b/sel.py", chunks))
    assert outcome.stdout == "__main__ sel.py 1 a.b\n", outcome.stderr


def test_line_endings_do_not_move_anything(tmp_path: Path) -> None:
    source = "x = 1\r\nif x:\r\n    y = 2\r\n    nope\r\n"
    failure = _run(tmp_path, (2, 4, 3, 8), source=source).failure
    assert failure.range == Range.of(3, 4, 3, 8)
