"""Notes on failures that come from what a run was not given."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright.failures import Failure
from fixwright.runs.absent import explained
from fixwright.runs.tree import Root
from fixwright_sandbox import Blob, Tree

TREE: Tree = {"main.py": Blob(b""), "given/a.txt": Blob(b"")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data/x.csv", "it's.txt", "given/a.txt", "generated.py", "src/made/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    packages = tmp_path / ".venv/lib/python3.12/site-packages"
    packages.mkdir(parents=True)
    (packages / "requests").mkdir()
    (packages / "six.py").touch()
    return tmp_path


def notes(folder: Path | None, failure: Failure) -> tuple[str, ...]:
    return explained((failure,), Root(folder), TREE)[0].notes


def no_file(path: str) -> Failure:
    return Failure("FileNotFoundError", f"[Errno 2] No such file or directory: {path!r}")


def no_module(name: str) -> Failure:
    return Failure("ModuleNotFoundError", f"No module named {name!r}", facts={"name": name})


@pytest.mark.parametrize(
    ("opened", "named"),
    [
        ("data/x.csv", "data/x.csv"),
        ("./data//x.csv", "data/x.csv"),
        ("/workspace/data/x.csv", "data/x.csv"),
        ("data", "data"),
        ("it's.txt", "it's.txt"),
    ],
)
def test_a_file_that_the_run_was_not_given(folder: Path, opened: str, named: str) -> None:
    (note,) = notes(folder, no_file(opened))
    assert note.startswith(f"{named} is in your folder, but not in the sandbox")


def test_a_link_out_of_the_folder(folder: Path) -> None:
    (folder / "out.txt").symlink_to("/etc/passwd")
    (note,) = notes(folder, no_file("out.txt"))
    assert note == "out.txt is in your folder, but not in the sandbox: it leads out of the folder."


@pytest.mark.parametrize(
    "opened",
    ["nowhere.txt", "given/a.txt", "given", "/etc/passwd", "../x", "a\0b", "x" * 5000, ""],
)
def test_any_other_file_is_simply_missing(folder: Path, opened: str) -> None:
    assert notes(folder, no_file(opened)) == ()


@pytest.mark.parametrize(("name", "file"), [("generated", "generated.py"), ("made", "src/made")])
def test_a_module_that_git_ignores(folder: Path, name: str, file: str) -> None:
    (note,) = notes(folder, no_module(name))
    assert note.startswith(f"{file} is in your folder")


@pytest.mark.parametrize("name", ["requests", "requests.adapters", "six"])
def test_a_package_of_the_project_s_environment(folder: Path, name: str) -> None:
    (note,) = notes(folder, no_module(name))
    assert "is installed in your .venv" in note


@pytest.mark.parametrize("name", ["request", "maht", "../x", "*", "", "x" * 5000])
def test_any_other_module_is_simply_missing(folder: Path, name: str) -> None:
    assert notes(folder, no_module(name)) == ()


def test_what_was_said_before_stays(folder: Path) -> None:
    failure = Failure("FileNotFoundError", "[Errno 2] No such file: 'data/x.csv'", notes=("first",))
    assert notes(folder, failure)[0] == "first"
    assert len(notes(folder, failure)) == 2


def test_other_failures_and_loose_documents_are_left_alone(folder: Path) -> None:
    assert notes(folder, Failure("ValueError", "no: 'data/x.csv'")) == ()
    assert notes(None, no_file("data/x.csv")) == ()
