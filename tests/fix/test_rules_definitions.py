"""What the rules learn of the workspace: from its index, with the open documents over it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixwright.fix.definitions import Definition, Definitions, module_name
from fixwright.fix.indexed import WorkspaceDefinitions
from fixwright.index.signatures import Parameter, parameters_of
from fixwright.index.workspace_index import WorkspaceIndex
from fixwright.workspace.document import Document
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.text import Text

LONG = 60.0
"""Seconds: the machine may be busy."""

FILES = {
    "src/app/core.py": (
        "import numpy as np\nfrom . import core as here\n"
        "class A:\n    def m(self, x=1): pass\n    def __init__(self, *, size): pass\n"
        "def outer():\n    def hidden(): pass\nK = 1\n"
    ),
    "tool.py": "import numpy as np\nfrom app.core import K\ndef run(a, *, b): pass\n",
    "lib.sh": "greet() { :; }\n",
    "view.ts": "import np from 'np'\n",
    "notes.txt": "def no(): pass\n",
}


def snapshot_of(root: Path, files: dict[str, str]) -> Snapshot:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Snapshot().with_folders([Folder(path_to_uri(root), "root", root)])


class Bench:
    """The index of a folder, and the rules' side of it."""

    def __init__(self, root: Path, index: WorkspaceIndex) -> None:
        self.root = root
        self.index = index
        self.definitions = WorkspaceDefinitions(self.started, patience=LONG, answer=LONG)

    async def started(self) -> WorkspaceIndex | None:
        return self.index

    def uri(self, name: str) -> str:
        return path_to_uri(self.root / name)

    def of(self, snapshot: Snapshot) -> Definitions:
        return self.definitions.of(snapshot, self.uri("tool.py"))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    root = tmp_path / "work"
    root.mkdir()
    index = await WorkspaceIndex.start([root], cache=tmp_path / "cache", workers=1)
    yield Bench(root, index)
    await index.close()


async def test_files_and_open_documents(bench: Bench) -> None:
    snapshot = snapshot_of(bench.root, FILES)
    bench.index.reconcile()
    tool, core = bench.uri("tool.py"), bench.uri("src/app/core.py")

    def closed(found: Definitions) -> None:
        (method,) = found.named("m")
        assert (method.kind, method.container, method.uri) == ("method", "A", core)
        assert method.parameters == (
            Parameter("self", "positional"),
            Parameter("x", "positional", "1"),
        )
        assert found.named("greet")[0].kind == "function"
        assert found.named("no") == []
        assert found.named("hidden") == [], "it is in a function"
        assert found.imported_as("np") == ("import numpy as np",), "not what TypeScript does"
        assert found.imported_as("here") == ()
        assert found.modules == {core: "app.core", tool: "tool"}
        assert found.import_name(core, tool) == "app.core"
        assert [each.name for each in found.members("app.A")] == ["m", "__init__"]
        assert [each.name for each in found.of_module("app.core")] == ["A", "outer", "K"]
        assert found.of_module("") == []
        assert found.doubt is None

    await asyncio.to_thread(closed, bench.of(snapshot))

    document = Document(tool, "python", Text("import numpy\ndef started(): pass\n"), 1)
    changed = snapshot.open(document).open(
        Document("untitled:1", "python", Text("class Unsaved: pass\n"), 1)
    )

    def edited(found: Definitions) -> None:
        assert found.named("run") == []
        assert [each.name for each in found.inside(tool)] == ["started"]
        assert found.imported_as("numpy") == ("import numpy",)
        assert [each.uri for each in found.named("Unsaved")] == ["untitled:1"]
        assert found.import_name("untitled:1", tool) is None

    await asyncio.to_thread(edited, bench.of(changed))

    (bench.root / "src/app/core.py").write_text("class Other: pass\n")
    bench.index.changed([bench.root / "src/app/core.py"])

    def saved(found: Definitions) -> None:
        assert found.named("m") == []
        assert found.named("Other")[0].uri == core

    await asyncio.to_thread(saved, bench.of(changed))


async def test_each_snapshot_is_answered_for_by_its_own_documents(bench: Bench) -> None:
    snapshot = snapshot_of(bench.root, {"a.py": "def first(): pass\n"})
    bench.index.reconcile()
    uri = bench.uri("a.py")
    older = snapshot.open(Document(uri, "python", Text("def second(): pass\n"), 1))
    newer = older.open(Document(uri, "python", Text("def third(): pass\n"), 2))

    def names(found: Definitions) -> list[str]:
        return [each.name for each in found.inside(uri)]

    expected = [(older, "second"), (newer, "third"), (older, "second"), (snapshot, "first")]
    for each, name in expected:
        assert await asyncio.to_thread(names, bench.of(each)) == [name]


async def test_neighbours_of_a_script_are_imported_by_their_bare_names(bench: Bench) -> None:
    files = {"s/a.py": "", "s/b.py": "", "p/__init__.py": "", "p/a.py": "", "p/b.py": ""}
    found = bench.of(snapshot_of(bench.root, files))
    bench.index.reconcile()

    def name(target: str, importer: str) -> str | None:
        return found.import_name(bench.uri(target), bench.uri(importer))

    def look() -> None:
        assert name("s/a.py", "s/b.py") == "a"
        assert name("p/a.py", "p/b.py") == "p.a"
        assert name("p/a.py", "s/b.py") == "p.a"
        assert name("p/a.py", "p/a.py") is None

    await asyncio.to_thread(look)


async def test_bad_files_cost_only_themselves(bench: Bench) -> None:
    snapshot = snapshot_of(bench.root, {"good.py": "def f(): pass\n", "broken.py": "def g(:\n  ("})
    (bench.root / "binary.py").write_bytes(b"\0\1\2")
    (bench.root / "latin.py").write_bytes(b"# \xe9\ndef h(): pass\n")
    bench.index.reconcile()

    def look(found: Definitions) -> None:
        assert found.named("f")
        assert found.named("h")

    await asyncio.to_thread(look, bench.of(snapshot))


async def test_an_index_that_is_not_built_yet_is_waited_for_once_and_said(bench: Bench) -> None:
    os.kill(bench.index.pid or 0, signal.SIGSTOP)  # nothing is read for as long as we want
    hasty = WorkspaceDefinitions(bench.started, patience=0.2, answer=0.3)
    snapshot = snapshot_of(bench.root, {"a.py": "def f(): pass\n"})
    found = hasty.of(snapshot, bench.uri("a.py"))
    try:
        assert await asyncio.to_thread(found.named, "f") == []
        assert found.doubt is not None
        assert "names of other files" in found.doubt
    finally:
        os.kill(bench.index.pid or 0, signal.SIGCONT)


async def test_without_an_index_what_is_known_is_nothing_and_said(tmp_path: Path) -> None:
    async def none() -> None:
        return None

    found = WorkspaceDefinitions(none).of(snapshot_of(tmp_path, FILES), "untitled:1")
    assert found.doubt is None, "nothing was asked yet"
    assert await asyncio.to_thread(found.named, "m") == []
    assert found.doubt is not None


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b.py", "a.b"), ("src/a/__init__.py", "a"), ("a-b/c.py", ""), ("x.py", "x")],
)
def test_module_names(path: str, name: str) -> None:
    assert module_name(path) == name


def test_signatures() -> None:
    found = parameters_of("(a, /, b: int, c=2, *d, e, f=3, **g)")
    assert found is not None
    assert [(p.name, p.kind, p.default) for p in found] == [
        ("a", "positional-only", None),
        ("b", "positional", None),
        ("c", "positional", "2"),
        ("d", "*", None),
        ("e", "keyword-only", None),
        ("f", "keyword-only", "3"),
        ("g", "**", None),
    ]
    assert parameters_of("(a,") is None


def test_parameters_behind_decorators() -> None:
    def of(signature: str, kind: str = "method") -> list[str] | None:
        found = Definition("f", kind, "file:///a.py", "A", signature).parameters
        return None if found is None else [each.name for each in found]

    assert of("@deco(1) @other async def f(self, a: int = 2) -> int") == ["self", "a"]
    assert of("def f()") == []
    assert of("func f(a int)") is None
    assert of("def f(a, b") is None
    assert of("class f(B)", "class") is None
