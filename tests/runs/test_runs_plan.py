"""From what a person asks to what the sandbox is told, and the sentences where it is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright.runs.plan import Plan, plan, runtime_of_tests
from fixwright.runs.target import RunRefused, Target, TargetKind
from fixwright.workspace.document import SIZE_LIMIT, UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.position import Range
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright_sandbox import Chunk, Limits, RunChunks, RunFile, RunTests
from fixwright_sandbox.runtimes import runtimes

LIMITS = Limits(wall_seconds=7)
CODE = """\
import math


def area(radius):
    scale = 2; doubled = radius * scale
    return math.pi * doubled


print(area(1))
# the end
"""


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return Snapshot().with_folders([Folder(path_to_uri(tmp_path), "w", tmp_path)])


def planned(snapshot: Snapshot, target: Target) -> Plan:
    return plan(Draft.over(snapshot), target, LIMITS)


def uri_in(snapshot: Snapshot, name: str) -> str:
    return f"{snapshot.folders[0].uri}/{name}"


def selection(snapshot: Snapshot, place: Range | None, code: str = CODE) -> Plan:
    uri = uri_in(snapshot, "a.py")
    return planned(snapshot.opened(uri, "python", 1, code), Target("selection", uri, place))


def test_a_file_runs_with_its_arguments_and_its_input(snapshot: Snapshot) -> None:
    uri = uri_in(snapshot, "sub/a.py")
    target = Target("file", uri, args=("-x", "é"), stdin="grüße\n")
    it = planned(snapshot.opened(uri, "python", 1, CODE), target)
    assert (it.title, it.request.job) == ("sub/a.py", RunFile("sub/a.py", ("-x", "é")))
    assert (it.request.runtime, it.request.stdin) == ("python", "grüße\n".encode())
    assert it.request.limits is LIMITS


@pytest.mark.parametrize("language", ["shellscript", "bash", "sh"])
def test_scripts_run_in_bash(snapshot: Snapshot, language: str) -> None:
    uri = uri_in(snapshot, "run")
    it = planned(snapshot.opened(uri, language, 1, "echo"), Target("file", uri))
    assert (it.request.runtime, it.request.job) == ("bash", RunFile("run"))


@pytest.mark.parametrize(
    ("named", "ids", "targets", "title"),
    [
        (False, (), (), "tests of the workspace"),
        (False, ("t.py::a",), ("t.py::a",), "tests of t.py::a"),
        (True, (), ("t.py",), "tests of t.py"),
        (True, ("t.py::a", "t.py::b"), ("t.py::a", "t.py::b"), "tests of t.py::a, t.py::b"),
    ],
)
def test_tests(
    snapshot: Snapshot, named: bool, ids: tuple[str, ...], targets: tuple[str, ...], title: str
) -> None:
    uri = uri_in(snapshot, "t.py")
    target = Target("tests", uri if named else None, test_ids=ids)
    it = planned(snapshot.opened(uri, "python", 1, ""), target)
    assert (it.request.job, it.title) == (RunTests(targets), title)


def test_a_selection_brings_what_it_needs(snapshot: Snapshot) -> None:
    it = selection(snapshot, Range.of(8, 6, 8, 13))
    definition = CODE[CODE.index("def") : CODE.index("\n\n\nprint")]
    chunks = (Chunk("import math", 0), Chunk(definition, 3), Chunk("area(1)", 8, 6))
    assert it.request.job == RunChunks("a.py", chunks)
    assert it.title == "a.py, line 9"


def test_indented_code_keeps_its_indentation(snapshot: Snapshot) -> None:
    it = selection(snapshot, Range.of(4, 0, 6, 0))
    assert isinstance(it.request.job, RunChunks)
    lines = "    scale = 2; doubled = radius * scale\n    return math.pi * doubled"
    assert it.request.job.chunks[-1] == Chunk(lines, 4, 0)
    assert it.title == "a.py, lines 5-6"


def test_a_part_of_a_line_begins_where_it_stands(snapshot: Snapshot) -> None:
    it = selection(snapshot, Range.of(4, 15, 4, 39))
    assert isinstance(it.request.job, RunChunks)
    assert it.request.job.chunks[-1] == Chunk("doubled = radius * scale", 4, 15)


@pytest.mark.parametrize(
    "place", [None, Range.at(0, 0), Range.of(1, 0, 3, 0), Range.of(99, 0, 100, 0)]
)
def test_nothing_selected(snapshot: Snapshot, place: Range | None) -> None:
    with pytest.raises(RunRefused, match=r"Nothing is selected\. Select the code to run first\."):
        selection(snapshot, place)


def test_a_selected_comment_is_no_run_that_passes(snapshot: Snapshot) -> None:
    with pytest.raises(RunRefused, match="There is no code in the selection"):
        selection(snapshot, Range.of(9, 0, 9, 9))


def refusal(snapshot: Snapshot, target: Target) -> str:
    with pytest.raises(RunRefused) as refused:
        planned(snapshot, target)
    return str(refused.value)


@pytest.mark.parametrize("kind", ["file", "tests", "selection"])
def test_a_language_without_a_runtime(snapshot: Snapshot, kind: TargetKind) -> None:
    uri = uri_in(snapshot, "a.lua")
    target = Target(kind, uri, Range.of(0, 0, 0, 1))
    said = refusal(snapshot.opened(uri, "lua", 1, "x = 1"), target)
    known = ", ".join(each.title for each in runtimes().values())
    assert said == f"Fixwright can't run lua yet; it runs {known}."


def test_a_script_has_no_tests(snapshot: Snapshot) -> None:
    uri = uri_in(snapshot, "a.sh")
    said = refusal(snapshot.opened(uri, "shellscript", 1, "true"), Target("tests", uri))
    assert said == "There is no test runner for Bash. Run the file itself."


def test_a_file_that_is_too_long(snapshot: Snapshot) -> None:
    uri = uri_in(snapshot, "long.py")
    said = refusal(snapshot.opened(uri, "python", 1, " " * (SIZE_LIMIT + 1)), Target("file", uri))
    assert said.startswith("long.py holds 21 million characters; Fixwright runs files of up to 20")


def test_an_ignored_file_that_is_not_open(snapshot: Snapshot) -> None:
    folder = snapshot.folders[0].path / "venv"
    folder.mkdir()
    (folder / "a.py").write_text("pass")
    said = refusal(snapshot, Target("file", uri_in(snapshot, "venv/a.py")))
    assert said.endswith("is not among the files that run: it may be ignored by git.")


def test_a_file_that_is_nowhere(snapshot: Snapshot) -> None:
    with pytest.raises(UnknownDocument, match=r"There is no file .*none\.py"):
        planned(snapshot, Target("file", uri_in(snapshot, "none.py")))


def test_what_a_draft_says_is_what_runs(snapshot: Snapshot) -> None:
    uri = uri_in(snapshot, "a.py")
    draft = Draft.over(snapshot.opened(uri, "python", 1, CODE)).write(uri, "y = 2\n")
    job = plan(draft, Target("selection", uri, Range.of(0, 0, 0, 5)), LIMITS).request.job
    assert job == RunChunks("a.py", (Chunk("y = 2", 0),))


@pytest.mark.parametrize(
    ("language", "name", "runtime"),
    [
        ("javascript", "a.mjs", "node"),
        ("typescriptreact", "a.tsx", "node"),
        ("go", "a.go", "go"),
        ("rust", "a.rs", "rust"),
    ],
)
def test_the_catalogue_says_what_runs_a_language(
    snapshot: Snapshot, language: str, name: str, runtime: str
) -> None:
    uri = uri_in(snapshot, name)
    opened = snapshot.opened(uri, language, 1, "x")
    for kind in ("file", "tests"):
        it = planned(opened, Target(kind, uri))
        assert (it.request.runtime, it.title.split()[-1]) == (runtime, name)


@pytest.mark.parametrize(
    ("files", "ids", "runtime"),
    [
        ((), (), "python"),
        (("README.md",), (), "python"),
        (("go.mod", "a.go", "tests/test_a.py"), (), "python"),
        (("go.mod", "a_test.go", "tool.py", "other.py"), (), "go"),
        (("package.json", "a.test.js"), (), "node"),
        (("a.test.js", "b.js", "tool.py"), (), "node"),
        (("package.json", "a_test.go"), ("a_test.go::TestA",), "go"),
        (("a.sh", "b.sh", "c.sh", "a.py"), (), "python"),
    ],
)
def test_tests_of_a_workspace_run_where_its_files_say(
    files: tuple[str, ...], ids: tuple[str, ...], runtime: str
) -> None:
    assert runtime_of_tests(files, ids) == runtime
