"""What goes into a Go binary, and what is built together."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright_sandbox.runtimes.go.guest import project


@pytest.fixture(autouse=True)
def _fresh() -> None:
    project.text_of.cache_clear()


def _tree(root: Path, **files: str) -> str:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


def _digest(root: str, *, tests: bool = False) -> str:
    project.text_of.cache_clear()
    module = project.module_of(root, root)
    return project.digest(root, module, [root], [], tests=tests)


def test_a_binary_is_another_when_anything_that_goes_into_it_changes(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        go_dot_mod="module m\n",
        main_dot_go='package main\n\nimport "m/inner"\n\nfunc main() { inner.F() }\n',
        inner__f_dot_go="package inner\n\nfunc F() {}\n",
        other__g_dot_go="package other\n",
        notes_dot_txt="nothing",
    )
    before = _digest(root)
    _tree(tmp_path, other__g_dot_go="package other // changed\n", notes_dot_txt="else")
    assert _digest(root) == before
    _tree(tmp_path, inner__f_dot_go="package inner\n\nfunc F() { println() }\n")
    after = _digest(root)
    assert after != before
    _tree(tmp_path, inner__h_dot_go="package inner\n")
    assert _digest(root) != after


def test_embedded_files_count(tmp_path: Path) -> None:
    text = 'package main\n\nimport _ "embed"\n\n//go:embed a.txt\nvar a string\n\nfunc main() {}\n'
    root = _tree(tmp_path, go_dot_mod="module m\n", main_dot_go=text, a_dot_txt="one")
    before = _digest(root)
    _tree(tmp_path, a_dot_txt="two")
    assert _digest(root) != before


def test_test_files_count_for_tests_alone(tmp_path: Path) -> None:
    root = _tree(tmp_path, go_dot_mod="module m\n", a_dot_go="package a\n")
    _tree(tmp_path, a_test_dot_go='package a\n\nimport "m/only"\n', only__o_dot_go="package only\n")
    program, tests = _digest(root), _digest(root, tests=True)
    _tree(tmp_path, only__o_dot_go="package only // changed\n")
    assert _digest(root) == program
    assert _digest(root, tests=True) != tests


def test_modules_that_use_each_other_count_whole(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        go_dot_mod="module m\n\nreplace n => ./n\n",
        main_dot_go="package main\n\nfunc main() {}\n",
        n__n_dot_go="package n\n",
    )
    before = _digest(root)
    _tree(tmp_path, n__n_dot_go="package n // changed\n")
    assert _digest(root) != before


def test_of_many_programs_in_a_folder_one_takes_only_what_has_no_main(tmp_path: Path) -> None:
    root = _tree(
        tmp_path,
        one_dot_go="package main\n\nfunc main() {}\n",
        two_dot_go="package main\n\nfunc main() {}\n",
        shared_dot_go="package main\n",
        made_dot_go="//go:build ignore\n\npackage main\n\nfunc main() {}\n",
    )
    names = [Path(each).name for each in project.companions(f"{root}/one.go") or ()]
    assert names == ["one.go", "shared.go"]
    assert project.companions(f"{root}/made.go") == [f"{root}/made.go"]
    (tmp_path / "two.go").unlink()
    project.text_of.cache_clear()
    assert project.companions(f"{root}/one.go") is None
