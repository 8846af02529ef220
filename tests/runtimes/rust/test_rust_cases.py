"""Broken and clean Rust programs: by what tools once said always, by the tools where they are.

`FIXWRIGHT_RECORD=1` writes down what the tools say.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fixwright_sandbox import jobs
from fixwright_sandbox.runtimes.rust.guest import driver
from support.compiled_cases import Case, check, read_cases, write_files
from support.compiled_stage import Done, HostStage, ReplayStage

CASES = Path(__file__).with_name("cases")
ALL = read_cases(CASES)
_needs_rust = pytest.mark.skipif(
    shutil.which("rustc") is None or shutil.which("cargo") is None, reason="there is no Rust"
)


class _RustReplay(ReplayStage):
    """Makes the files, too, that cargo said it had made."""

    def tool(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float | None = None,
        runs_code: bool = False,
    ) -> Done:
        done = super().tool(argv, cwd=cwd, env=env, stdin=stdin, timeout=timeout)
        for line in done.stdout.splitlines() if argv[0] == "cargo" else ():
            made = json.loads(line).get("executable")
            if made:
                Path(made).parent.mkdir(parents=True, exist_ok=True)
                Path(made).write_bytes(b"")
        return done


def _environment(tmp_path: Path) -> dict[str, str]:
    home = Path.home()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
    }


def _folders(tmp_path: Path, case: Case) -> tuple[str, str, str]:
    folders = [tmp_path / name for name in ("tree", "scratch", "cache")]
    for folder in folders:
        folder.mkdir()
    write_files(case, folders[0])
    return str(folders[0]), str(folders[1]), str(folders[2])


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
def test_rust_by_what_tools_said(case: Case, tmp_path: Path) -> None:
    recorded = json.loads((CASES / f"{case.name}.json").read_text(encoding="utf-8"))
    root, scratch, cache = _folders(tmp_path, case)
    _run(case, _RustReplay(root, scratch, cache, {"PATH": ""}, calls=recorded))


@_needs_rust
@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_rust_by_the_tools(case: Case, tmp_path: Path) -> None:
    stage = HostStage(
        *_folders(tmp_path, case), _environment(tmp_path), stdin=case.one("stdin").encode()
    )
    try:
        _run(case, stage)
    finally:
        if os.environ.get("FIXWRIGHT_RECORD"):
            text = json.dumps(stage.recorded(), indent=1, ensure_ascii=False)
            (CASES / f"{case.name}.json").write_text(text + "\n", encoding="utf-8")


def test_there_are_many_rust_programs() -> None:
    assert sum(bool(case.keys.get("kind")) for case in ALL) >= 20
