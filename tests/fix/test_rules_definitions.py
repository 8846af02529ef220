"""Definitions of a workspace, found by a worker process."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixwright.index.definitions import WorkspaceDefinitions, module_name
from fixwright.index.signatures import Parameter, parameters_of
from fixwright.index.worker_client import Worker, WorkerFailed
from fixwright.workspace.document import Document
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.text import Text


@pytest.fixture
async def index() -> AsyncIterator[WorkspaceDefinitions]:
    definitions = WorkspaceDefinitions()
    yield definitions
    await definitions.close()


def snapshot_of(root: Path, files: dict[str, str]) -> Snapshot:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Snapshot().with_folders([Folder(path_to_uri(root), "root", root)])


async def test_definitions_of_files_and_open_documents(
    tmp_path: Path, index: WorkspaceDefinitions
) -> None:
    snapshot = snapshot_of(
        tmp_path,
        {
            "src/app/core.py": "import numpy as np\nclass A:\n    def m(self, x=1): pass\nK = 1\n",
            "tool.py": "from app.core import K\ndef run(a, *, b): pass\n",
            "lib.sh": "greet() { :; }\n",
            "notes.txt": "def no(): pass\n",
        },
    )
    found = await index.of(snapshot)
    (method,) = found.named("m")
    assert (method.kind, method.container, method.module) == ("method", "A", "app.core")
    assert method.parameters == (Parameter("self", "positional"), Parameter("x", "positional", "1"))
    assert found.named("greet")[0].kind == "function"
    assert found.named("no") == ()
    assert found.imported_as("np") == ("import numpy as np",)
    tool, core = (path_to_uri(tmp_path / name) for name in ("tool.py", "src/app/core.py"))
    assert found.import_name(core, tool) == "app.core"

    changed = snapshot.open(Document(tool, "python", Text("def started(): pass\n"), 1))
    found = await index.of(changed)
    assert found.named("run") == ()
    assert [d.name for d in found.inside(tool)] == ["started"]

    (tmp_path / "src/app/core.py").write_text("class Other: pass\n")
    found = await index.of(changed)
    assert found.named("m") == ()
    assert found.named("Other")[0].uri == core


async def test_neighbours_of_a_script_are_imported_by_their_bare_names(
    tmp_path: Path, index: WorkspaceDefinitions
) -> None:
    files = {"s/a.py": "", "s/b.py": "", "p/__init__.py": "", "p/a.py": "", "p/b.py": ""}
    found = await index.of(snapshot_of(tmp_path, files))

    def name(target: str, importer: str) -> str | None:
        return found.import_name(path_to_uri(tmp_path / target), path_to_uri(tmp_path / importer))

    assert name("s/a.py", "s/b.py") == "a"
    assert name("p/a.py", "p/b.py") == "p.a"
    assert name("p/a.py", "s/b.py") == "p.a"
    assert name("p/a.py", "p/a.py") is None


async def test_bad_files_cost_only_themselves(tmp_path: Path, index: WorkspaceDefinitions) -> None:
    snapshot = snapshot_of(tmp_path, {"good.py": "def f(): pass\n", "broken.py": "def g(:\n  ("})
    (tmp_path / "binary.py").write_bytes(b"\0\1\2")
    (tmp_path / "latin.py").write_bytes(b"# \xe9\ndef h(): pass\n")
    found = await index.of(snapshot)
    assert found.named("f")
    assert found.named("h")


async def test_a_worker_that_died_is_replaced() -> None:
    worker = Worker(deadline=30)
    try:
        await worker.extract({"language": "python", "text": "x = 1\n"})
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        with contextlib.suppress(WorkerFailed):  # its death may not be known yet
            await worker.extract({"language": "python", "text": "x = 1\n"})
        found = await worker.extract({"language": "python", "text": "y = 1\n"})
        assert [row[0] for row in found.definitions] == ["y"]
    finally:
        await worker.stop()


async def test_a_worker_that_takes_too_long_is_ended() -> None:
    worker = Worker(deadline=0)
    with pytest.raises(WorkerFailed):
        await worker.extract({"language": "python", "text": "x = 1\n"})
    assert worker.pid is None


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
