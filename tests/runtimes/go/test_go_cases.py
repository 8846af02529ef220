"""Broken and clean Go programs: by what tools once said always, by the tools where they are.

`FIXWRIGHT_RECORD=1` writes down what the tools say.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fixwright_sandbox import jobs
from fixwright_sandbox.runtimes.go.guest import driver
from support.compiled_cases import Case, check, read_cases, write_files
from support.compiled_stage import HostStage, ReplayStage
from support.go_toolchain import goroot

CASES = Path(__file__).with_name("cases")
ALL = read_cases(CASES)
GOROOT = goroot()
_needs_go = pytest.mark.skipif(GOROOT is None, reason="there is no Go toolchain")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("go-cache")


def _environment(tmp_path: Path) -> dict[str, str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    if GOROOT is not None:
        environment["GOROOT"] = str(GOROOT)
        environment.update({k: v for k, v in os.environ.items() if k == "FIXWRIGHT_GO_CACHE"})
        environment["PATH"] = f"{GOROOT}/bin:{environment['PATH']}"
    return environment


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
    environment = {"PATH": "", "GOROOT": str(tmp_path / "goroot")}
    (tmp_path / "goroot" / "bin").mkdir(parents=True)
    (tmp_path / "goroot" / "bin" / "go").write_bytes(b"")
    cache = tmp_path / "cache"
    cache.mkdir()
    stage = ReplayStage(root, scratch, str(cache), environment, calls=recorded)
    _run(case, stage)


@_needs_go
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


def test_there_are_many() -> None:
    assert sum(bool(case.keys.get("kind")) for case in ALL) >= 20
