"""What was made from files is kept only while they, and what lies beside them, are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.runtimes.c.guest.keep import Keeper
from fixwright_sandbox.runtimes.c.guest.project import Project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "include").mkdir(parents=True)
    (root / "main.c").write_text('#include "list.h"\n\nint main(void) { return 0; }\n')
    (root / "include" / "list.h").write_text("int length(void);\n")
    return root


def _kept(root: Path) -> bool:
    keeper = Keeper(str(root.parent / "cache"), str(root))
    return keeper.get(keeper.key("it")) is not None


def _keep(root: Path) -> None:
    keeper = Keeper(str(root.parent / "cache"), str(root))
    files = ["main.c", "include/list.h"]
    keeper.put(keeper.key("it"), {"said": ""}, files, ["", "include"])


def test_the_same_is_kept(root: Path) -> None:
    assert not _kept(root)
    _keep(root)
    assert _kept(root)
    (root / "include" / "made.o").touch()
    assert _kept(root)


def test_a_changed_header_is_noticed(root: Path) -> None:
    _keep(root)
    (root / "include" / "list.h").write_text("long length(void);\n")
    assert not _kept(root)


def test_a_header_that_is_found_before_another_is_noticed(root: Path) -> None:
    _keep(root)
    (root / "list.h").touch()
    assert not _kept(root)


def test_a_source_is_found_by_its_header(root: Path) -> None:
    (root / "src").mkdir()
    (root / "src" / "list.c").write_text('#include "list.h"\n\nint length(void) { return 1; }\n')
    project = Project(Sources(str(root)))
    assert project.program("main.c") == ["main.c", "src/list.c"]


def test_what_defines_a_missing_name_is_found_beside(root: Path) -> None:
    (root / "other.c").write_text("int hidden(void) { return 1; }\n")
    (root / "program.c").write_text("int hidden(void);\nint main(void) { return hidden(); }\n")
    project = Project(Sources(str(root)))
    assert project.defining(["hidden"], "main.c", ["main.c"]) == ["other.c"]
    assert project.defining(["shop::hidden(int)"], "main.c", ["main.c"]) == ["other.c"]
