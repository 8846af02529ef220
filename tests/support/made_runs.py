"""Runs written down by hand as they come out of a sandbox: for judging and telling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fixwright.failures.parse import failures_of, test_counts
from fixwright.runs.run import Run
from fixwright.runs.target import Target
from fixwright.runs.tree import Root
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright_sandbox import Captured, ChangedFile, Result, Status

ROOT = Path("/made")
URI = "file:///made/a.py"


def workspace(**texts: str) -> Snapshot:
    """A folder that is not on disk, with open Python files: `a="x = 1"` is `a.py`."""
    snapshot = Snapshot().with_folders([Folder("file:///made", "made", ROOT)])
    for name, text in texts.items():
        snapshot = snapshot.opened(f"file:///made/{name}.py", "python", 1, text)
    return snapshot


def exception(kind: str, message: str, line: int, column: int = 0, **more: Any) -> dict[str, Any]:
    """The guest's report of an exception in `a.py`."""
    place = {"line": line, "column": column, "endLine": line, "endColumn": column + 1}
    frame = {"path": "a.py", "name": "f", **place}
    return {"type": "exception", "kind": kind, "message": message, "frames": [frame], **more}


def of_test(outcome: str, name: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The guest's report of a test."""
    path = name.partition("::")[0]
    return {"type": "test", "id": name, "outcome": outcome, "path": path, "exception": said}


def result(
    status: Status = "failed",
    reports: Iterable[Mapping[str, Any]] = (),
    *,
    message: str = "",
    stdout: Captured | None = None,
    stderr: Captured | None = None,
    files: tuple[ChangedFile, ...] = (),
) -> Result:
    """A sandbox's result."""
    own = status in ("passed", "failed")
    return Result(
        status, message, (status != "passed") * 1 if own else None, None, 1_700_000_000.5, 0.25,
        stdout or Captured(), stderr or Captured(), tuple(reports), files, 1 << 20, "made", None,
    )  # fmt: skip


def made_run(what: Draft | Snapshot, made: Result, target: Target | None = None) -> Run:
    """A finished run of `a.py`, or of a target, with the failures that its reports tell."""
    draft = what if isinstance(what, Draft) else Draft.over(what)
    wanted = target or Target("file", URI)
    path = None if wanted.kind == "tests" else "a.py"
    return Run(
        "made", wanted, "a.py", draft, Root(ROOT), made, failures_of(made, path), test_counts(made)
    )
