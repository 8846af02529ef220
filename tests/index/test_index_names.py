"""What is asked by name: definitions, imports, and the facts of a text that is nobody's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixwright.index.meanings import Meanings
from fixwright.index.workspace_index import MOST_DEFINITIONS, Named, WorkspaceIndex

FILES = {
    "a/one.py": "import numpy as np\ndef same():\n    def inner(): pass\n",
    "b/two.py": "import numpy as np\nimport os.path\nclass A:\n    def same(self): pass\n",
    "b/three.py": "from numpy import array as np\ndef same(): pass\n",
    "c/four.sh": "same() { :; }\n",
    "notes.txt": "same\n",
}


async def started(root: Path, cache: Path, files: dict[str, str]) -> WorkspaceIndex:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    index = await WorkspaceIndex.start([root], cache=cache, workers=1)
    await index.wait_fresh()
    return index


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[WorkspaceIndex]:
    index = await started(tmp_path / "work", tmp_path / "cache", FILES)
    yield index
    await index.close()


def names(root: Path, found: Named) -> list[str]:
    return [Path(each.path).relative_to(root / "work").as_posix() for each in found.found]


async def test_definitions_come_in_a_fixed_order_and_say_what_is_left_out(
    index: WorkspaceIndex, tmp_path: Path
) -> None:
    found = await index.definitions_of("same")
    assert names(tmp_path, found) == ["a/one.py", "b/three.py", "b/two.py", "c/four.sh"]
    assert found.is_complete
    cut = await index.definitions_of("same", limit=2)
    assert (names(tmp_path, cut), cut.total, cut.is_complete) == (
        ["a/one.py", "b/three.py"],
        4,
        False,
    )
    near = await index.definitions_of("same", near=str(tmp_path / "work/b/two.py"), limit=3)
    assert names(tmp_path, near) == ["b/two.py", "b/three.py", "a/one.py"]
    within = await index.definitions_of("same", within=[str(tmp_path / "work/c/four.sh")], limit=1)
    assert (names(tmp_path, within), within.total) == (["c/four.sh"], 1)
    assert (await index.definitions_of("nobody")).total == 0


async def test_what_is_in_a_function_is_local(index: WorkspaceIndex) -> None:
    (inner,) = (await index.definitions_of("inner")).found
    assert inner.is_local
    assert not any(each.is_local for each in (await index.definitions_of("same")).found)


async def test_imports_by_the_name_that_they_give(index: WorkspaceIndex) -> None:
    found = [(each.module, each.name, n) for each, n in await index.imported_as("np")]
    assert found == [("numpy", "", 2), ("numpy", "array", 1)]
    assert [each.module for each, _ in await index.imported_as("os")] == ["os.path"]
    assert await index.imported_as("same") == ()
    assert [n for _, n in await index.imported_as("np", limit=1)] == [1]


async def test_files_of_a_language(index: WorkspaceIndex, tmp_path: Path) -> None:
    found = await index.files("python")
    assert found == tuple(str(tmp_path / "work" / each) for each in sorted(FILES)[:3])
    assert len(await index.files()) == 4


async def test_a_text_is_read_without_being_kept(index: WorkspaceIndex, tmp_path: Path) -> None:
    path = tmp_path / "work/a/one.py"
    facts = await index.read(path, None, "def other(x): '\ud800'\n")
    assert facts is not None
    assert [(each.name, each.signature) for each in facts.definitions] == [
        ("other", "def other(x)")
    ]
    assert (await index.definitions_of("other")).total == 0
    assert await index.read("untitled", "cobol", "x") is None
    assert await index.read("untitled", "python", "x = '\0'") is None


async def test_where_an_import_leads_is_found_among_however_many(tmp_path: Path) -> None:
    many = "def same(): pass\n" * (MOST_DEFINITIONS + 5)
    files = {"a.py": many, "z.py": "def same(): pass\n"}
    index = await started(tmp_path / "work", tmp_path / "cache", files)
    try:
        meanings = Meanings(index)
        found = await meanings.named("same")
        last = str(tmp_path / "work/z.py")
        assert last not in {path for path, _ in found}
        assert (len(found), meanings.left_out("same")) == (MOST_DEFINITIONS, 6)
        assert [path for path, _ in await meanings.within("same", (last,))] == [last]
        near = Meanings(index, last)
        assert (await near.named("same"))[0][0] == last
    finally:
        await index.close()
