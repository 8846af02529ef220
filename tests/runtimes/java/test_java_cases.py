"""Broken and clean Java programs: by what tools once said always, by the tools where they are.

`FIXWRIGHT_RECORD=1` writes down what the tools say.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fixwright_sandbox import jobs
from fixwright_sandbox.runtimes.java import guest
from fixwright_sandbox.runtimes.java.guest import driver
from fixwright_sandbox.runtimes.java.guest.toolbox import find_junit
from support.compiled_cases import Case, check, read_cases, write_files
from support.compiled_stage import Done, HostStage, ReplayStage

CASES = Path(__file__).with_name("cases")
ALL = read_cases(CASES)
_PROGRAMS = ("fixwright.Run", "fixwright.Tests")
_needs_java = pytest.mark.skipif(shutil.which("javac") is None, reason="there is no JDK")


class _JavaStage(HostStage):
    """Writes down, too, what our classes told through their pipe."""

    def data(self, name: str) -> str:
        return str(Path(guest.__file__).with_name(name))

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
        self.calls[-1]["name"] = argv[0]
        return done

    def program(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        keep: int = 65536,
    ) -> Done:
        pipe = _pipe_of(argv)
        told = Path(self.scratch, "told")
        told.write_bytes(b"")
        done = super().program(
            [str(told) if word == pipe else word for word in argv], cwd=cwd, env=env, keep=keep
        )
        self.calls.append({"told": told.read_text(encoding="utf-8")})
        Path(pipe).write_bytes(told.read_bytes())
        return done


class _JavaReplay(ReplayStage):
    """Plays back what our classes told, too; compiling them makes no classes."""

    def data(self, name: str) -> str:
        return str(Path(guest.__file__).with_name(name))

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
        if argv[0] == "javac":
            Path(argv[list(argv).index("-d") + 1], "fixwright").mkdir(parents=True)
            return Done(0, b"", b"")
        return super().tool(argv, cwd=cwd, env=env, stdin=stdin, timeout=timeout)

    def program(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        keep: int = 65536,
    ) -> Done:
        done = super().program(argv, cwd=cwd, env=env, keep=keep)
        told = self.calls.pop(0)["told"].replace("{root}", self.root)
        Path(_pipe_of(argv)).write_text(told, encoding="utf-8")
        return done


def _pipe_of(argv: Sequence[str]) -> str:
    words = list(argv)
    return words[next(words.index(name) for name in _PROGRAMS if name in words) + 1]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("java-cache")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "LANG": "C.UTF-8"}


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
        wire: dict[str, Any] = json.loads(json.dumps(jobs.to_wire(case.job)))
        status = driver.main(wire, stage)  # pyright: ignore[reportArgumentType]  # a stage by its shape
    finally:
        os.chdir(before)
    check(case, status, stage.reports, stage.stdout.decode())


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_java_by_what_tools_said(case: Case, tmp_path: Path) -> None:
    recorded = json.loads((CASES / f"{case.name}.json").read_text(encoding="utf-8"))
    junit = tmp_path / "junit"
    junit.mkdir()
    (junit / "junit-platform-launcher.jar").write_bytes(b"")
    environment = {"PATH": "", "HOME": str(tmp_path), "FIXWRIGHT_JUNIT": str(junit)}
    _run(case, _JavaReplay(*_folders(tmp_path, case), environment, calls=recorded))


@_needs_java
@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_java_by_the_tools(case: Case, tmp_path: Path, cache: Path) -> None:
    if case.name.startswith("tests_") and not find_junit(_environment()):
        pytest.skip("there is no JUnit")
    root, scratch, _ = _folders(tmp_path, case)
    stdin = case.one("stdin").encode()
    stage = _JavaStage(root, scratch, str(cache), _environment(), stdin=stdin)
    try:
        _run(case, stage)
    finally:
        if os.environ.get("FIXWRIGHT_RECORD"):
            calls = [call for call in stage.recorded() if call.pop("name", "") != "javac"]
            text = json.dumps(calls, indent=1, ensure_ascii=False)
            (CASES / f"{case.name}.json").write_text(text + "\n", encoding="utf-8")


def test_there_are_many_java_programs() -> None:
    assert sum(bool(case.keys.get("kind")) for case in ALL) >= 20
