"""What a range needs from other places of its file, and from other files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixwright.index.context import context_for
from fixwright.index.workspace_index import WorkspaceIndex
from fixwright.workspace.position import Range
from fixwright.workspace.text import Text

BANK = "class Account:\n    def __init__(self, owner): pass\n\ndef check(amount): pass\n"
OTHER = "def check(other): pass\ndef twice(): pass\n"
MORE = "def twice(): pass\n"
USE = """\
from bank import Account, check

LIMIT = 3

def own(x):
    return x

def chosen(amount):
    check(amount)
    local = own(LIMIT)
    twice()
    return Account(local)
"""
SCRIPT = "import { area } from './shape';\nexport const a = () => {\n  return area(1);\n};\n"
SHAPE = "export function area(size: number): number {\n  return size;\n}\n"


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[WorkspaceIndex]:
    root = tmp_path / "work"
    root.mkdir()
    for name, text in {
        "bank.py": BANK, "other.py": OTHER, "more.py": MORE, "use.py": USE,
        "use.ts": SCRIPT, "shape.ts": SHAPE,
    }.items():  # fmt: skip
        (root / name).write_text(text)
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    await index.wait_fresh()
    yield index
    await index.close()


async def heads(
    index: WorkspaceIndex, name: str, text: str, chosen: Range
) -> list[tuple[str, str]]:
    path = f"{index.roots[0]}/{name}"
    found = await context_for(index, path, Text(text), chosen)
    return [(Path(each.path).name, each.head) for each in found]


async def test_imports_are_followed_and_guesses_left_out(index: WorkspaceIndex) -> None:
    assert await heads(index, "use.py", USE, Range.of(7, 0, 11, 25)) == [
        ("bank.py", "def check(amount)"),
        ("use.py", "def own(x)"),
        ("use.py", "LIMIT"),
        ("bank.py", "class Account"),
    ]
    assert await heads(index, "use.py", USE, Range.of(0, 0, 5, 0)) == []


async def test_another_language(index: WorkspaceIndex) -> None:
    assert await heads(index, "use.ts", SCRIPT, Range.of(1, 0, 3, 2)) == [
        ("shape.ts", "export function area(size: number): number")
    ]


async def test_a_file_that_the_index_does_not_read(index: WorkspaceIndex) -> None:
    assert await heads(index, "none.py", "x", Range.of(0, 0, 0, 1)) == []
