"""Broken and clean JavaScript and TypeScript: by what the tools once said, and by the tools.

`FIXWRIGHT_RECORD=1` writes down what the tools say.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fixwright_sandbox import jobs
from fixwright_sandbox.runtimes.node.guest import driver
from support.compiled_cases import Case, check, read_cases, write_files
from support.node_stage import TOOLS, NodeReplay, NodeStage, environment, node, run_job

CASES = Path(__file__).with_name("cases")
ALL = read_cases(CASES)
_needs_node = pytest.mark.skipif(
    node() is None or not (TOOLS / "bin" / "esbuild").exists(), reason="needs Node and esbuild"
)


def _folders(tmp_path: Path, case: Case) -> tuple[str, str, str]:
    folders = [tmp_path / name for name in ("tree", "scratch", "cache")]
    for folder in folders:
        folder.mkdir()
    write_files(case, folders[0])
    root, scratch, cache = map(str, folders)
    return root, scratch, cache


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_by_what_tools_said(case: Case, tmp_path: Path) -> None:
    recorded = json.loads((CASES / f"{case.name}.json").read_text(encoding="utf-8"))
    root, scratch, cache = _folders(tmp_path, case)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("node", "esbuild", "tsc"):
        (programs / name).touch(0o755)
    stage = NodeReplay(root, scratch, cache, {"PATH": str(programs)}, calls=recorded)
    status = run_job(driver.main, jobs.to_wire(case.job), stage)
    check(case, status, stage.reports, stage.stdout.decode())


@_needs_node
@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_by_the_tools(case: Case, tmp_path: Path) -> None:
    root, scratch, cache = _folders(tmp_path, case)
    stage = NodeStage(root, scratch, cache, environment(tmp_path))
    stage.limits = {"memory_bytes": 128 << 20}
    status = run_job(driver.main, jobs.to_wire(case.job), stage)
    if os.environ.get("FIXWRIGHT_RECORD"):
        told = json.dumps(stage.recorded(), indent=1, ensure_ascii=False)
        (CASES / f"{case.name}.json").write_text(told + "\n", encoding="utf-8")
    check(case, status, stage.reports, stage.stdout.decode())
