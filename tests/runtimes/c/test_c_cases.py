"""Broken and clean programs in C and C++: by what tools once said, and by the tools themselves.

`FIXWRIGHT_RECORD=1` writes down what the tools say.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from fixwright_sandbox import jobs
from fixwright_sandbox.runtimes.c.guest import driver
from support.compiled_cases import Case, check, read_cases, write_files
from support.compiled_stage import HostStage, ReplayStage

CASES = Path(__file__).with_name("cases")
ALL = read_cases(CASES)
_TOOLS = ("gcc", "g++", "make", "cmake")
_needs_tools = pytest.mark.skipif(
    not all(map(shutil.which, _TOOLS)), reason=f"there are not all of {', '.join(_TOOLS)}"
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("c-cache")


def _environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}


def _folders(tmp_path: Path, case: Case) -> tuple[str, str]:
    root, scratch = tmp_path / "tree", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    write_files(case, root)
    return str(root), str(scratch)


def _run(case: Case, stage: HostStage) -> None:
    before = Path.cwd()
    os.chdir(stage.root)
    try:
        wire = json.loads(json.dumps(jobs.to_wire(case.job)))
        status = driver.main(wire, stage)  # pyright: ignore[reportArgumentType]  # a stage by its shape
    finally:
        os.chdir(before)
    check(case, status, stage.reports, stage.stdout.decode())


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_by_what_tools_said(case: Case, tmp_path: Path) -> None:
    recorded = json.loads((CASES / f"{case.name}.json").read_text(encoding="utf-8"))
    root, scratch = _folders(tmp_path, case)
    cache = tmp_path / "cache"
    cache.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in _TOOLS:
        (tools / name).touch(mode=0o755)
    stage = ReplayStage(root, scratch, str(cache), {"PATH": str(tools)}, calls=recorded)
    _run(case, stage)


@_needs_tools
@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_by_the_tools(case: Case, tmp_path: Path, cache: Path) -> None:
    root, scratch = _folders(tmp_path, case)
    stage = HostStage(
        root, scratch, str(cache), _environment(tmp_path), stdin=case.one("stdin").encode()
    )
    try:
        _run(case, stage)
    finally:
        if os.environ.get("FIXWRIGHT_RECORD"):
            text = json.dumps(stage.recorded(), indent=1, ensure_ascii=False)
            (CASES / f"{case.name}.json").write_text(text + "\n", encoding="utf-8")


@pytest.mark.parametrize("language", ["c_", "cpp_"])
def test_there_are_many(language: str) -> None:
    broken = [case for case in ALL if case.keys.get("kind")]
    assert sum(case.name.startswith(language) for case in broken) >= 20
