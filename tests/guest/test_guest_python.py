"""What the guest says of broken Python programs, in every Python of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright_sandbox.jobs import RunFile
from guest.harness import EXACT, VERSIONS, interpreter, marked, run_python, write_tree
from guest.python_cases import CASES, Case

THIS = "3.11"


def _parameters() -> list[object]:
    return [
        pytest.param(case, version, id=f"{version}-{case.name}", marks=_marks(version))
        for version in VERSIONS
        if interpreter(version) is not None
        for case in CASES
        if case.since <= _numbers(version) != case.but_not
    ]


def _marks(version: str) -> list[pytest.MarkDecorator]:
    return [] if version == THIS else [pytest.mark.slow]


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)


@pytest.mark.parametrize(("case", "version"), _parameters())
def test_failure(case: Case, version: str, tmp_path: Path) -> None:
    python, numbers = interpreter(version), _numbers(version)
    assert python is not None
    source = marked(case.source)
    write_tree(tmp_path, {"main.py": source.text})
    outcome = run_python(tmp_path, RunFile("main.py"), python=python)
    assert outcome.status == case.status, outcome.stderr
    assert "fixwright" not in outcome.stderr
    failure = outcome.failure
    assert failure.kind == case.kind
    assert failure.message.startswith(case.message)
    assert failure.path == "main.py"
    if numbers >= EXACT or case.exact_always:
        assert failure.range == source.range
    elif failure.frames:
        assert failure.range == source.line_range()
    if case.functions is not None:
        assert tuple(frame.name for frame in failure.frames) == case.functions
    assert tuple(related.kind for related in failure.related) == case.related
    assert failure.notes[: len(case.notes)] == case.notes
    if numbers >= case.suggested_since and case.suggestion is not None:
        assert failure.suggestion == case.suggestion
    if numbers >= case.facts_since:
        assert {key: failure.facts.get(key) for key in case.facts} == case.facts
        if case.candidate is not None:
            candidates = failure.facts["candidates"]
            assert isinstance(candidates, list)
            assert case.candidate in candidates


def test_a_file_of_a_package_may_import_from_it(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/cart.py": "def total():\n    return 3\n",
        "shop/__main__.py": "from .cart import total\nprint(__name__, total())\n",
    }
    write_tree(tmp_path, files)
    outcome = run_python(tmp_path, RunFile("shop/__main__.py"))
    assert (outcome.status, outcome.stdout) == (0, "__main__ 3\n"), outcome.stderr


def test_packages_in_src_are_found_as_if_installed(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "PRICE = 3\n",
        "tools/show.py": "import shop\nprint(shop.PRICE)",
    }
    write_tree(tmp_path, files)
    outcome = run_python(tmp_path, RunFile("tools/show.py"))
    assert (outcome.status, outcome.stdout) == (0, "3\n"), outcome.stderr


def test_a_src_that_is_a_package_is_left_one(tmp_path: Path) -> None:
    files = {"src/__init__.py": "", "src/shop.py": "", "main.py": "import shop\n"}
    write_tree(tmp_path, files)
    assert run_python(tmp_path, RunFile("main.py")).failure.kind == "ModuleNotFoundError"
