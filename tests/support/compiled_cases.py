"""Broken programs of compiled languages: text files that say what is expected of them.

A case begins with `key: value` lines and goes on with files, each after a line `-- path --`.
What a failure blames stands between « and » in them, in the order of the failures. Keys:

    run: main.go two words      run a file, with arguments
    test: calc_test.go::TestAdd run tests (targets apart by spaces; nothing means all)
    select: main.go 1-3 7-7     run these lines, one-based, a piece for each range
    kind: / message:            of each failure, in order
    frames: main.main, main.f   of the first failure
    notes: / related:           text that the first failure's notes or related messages hold
    warning: kind               of each warning
    tests: 3 1 0                passed, failed, skipped
    stdout:                     text that stdout holds
    stdin:                      given to the program
    exit: 1                     the status
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixwright.failures import Failure, failures_of, test_counts
from fixwright.workspace.position import Range
from fixwright_sandbox import jobs
from fixwright_sandbox.events import Captured, Result


@dataclass(frozen=True)
class Case:
    """One program and what is expected of it."""

    name: str
    keys: dict[str, list[str]]
    files: dict[str, str]
    places: tuple[tuple[str, Range], ...]

    def one(self, key: str, default: str = "") -> str:
        return self.keys.get(key, [default])[0]

    @property
    def job(self) -> jobs.Job:
        if "run" in self.keys:
            path, *args = self.one("run").split()
            return jobs.RunFile(path, tuple(args))
        if "test" in self.keys:
            return jobs.RunTests(tuple(self.one("test").split()))
        path, *ranges = self.one("select").split()
        lines = self.files[path].split("\n")
        chunks: list[jobs.Chunk] = []
        for each in ranges:
            first, last = map(int, each.split("-"))
            chunks.append(jobs.Chunk("\n".join(lines[first - 1 : last]), first - 1, 0))
        return jobs.RunChunks(path, tuple(chunks))

    @property
    def path(self) -> str | None:
        return getattr(self.job, "path", None)


def read_cases(folder: Path) -> list[Case]:
    return [_read(path) for path in sorted(folder.glob("*.txt"))]


def write_files(case: Case, root: Path) -> None:
    for name, text in case.files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def check(case: Case, exit_code: int, reports: list[dict[str, Any]], stdout: str) -> None:
    """Compare what came of a case with what is expected."""
    result = _result(exit_code, reports, stdout)
    failures = _failures(reports, case.path)
    told = json.dumps(reports, indent=1, ensure_ascii=False)
    kinds = [kind for kind in case.keys.get("kind", []) if kind]
    messages = case.keys.get("message", [])
    assert [failure.kind for failure in failures] == kinds, told
    for failure, message in zip(failures, messages, strict=False):
        assert message in failure.message, told
    for failure, (path, where) in zip(failures, case.places, strict=False):
        assert (failure.path, failure.range) == (path, where), told
    assert len(case.places) <= len(failures), told
    expected_exit = case.one("exit")
    if expected_exit:
        assert exit_code == int(expected_exit), told
    else:
        assert (exit_code != 0) == bool(kinds), (exit_code, told)
    _check_rest(case, failures, result, reports, told)


def _failures(reports: list[dict[str, Any]], path: str | None) -> tuple[Failure, ...]:
    """The failures that reports tell, in their order; how the run ended is not looked at."""
    found: list[Failure] = []
    for report in reports:
        if report["type"] != "diagnostic":
            found.extend(failures_of(_result(0, [report], ""), path))
        elif report["severity"] == "error":
            place = [report[key] for key in ("line", "column", "endLine", "endColumn")]
            where, notes = Range.of(*place), tuple(report["notes"])
            found.append(
                Failure(report["kind"], report["message"], report["path"], where, notes=notes)
            )
    return tuple(found)


def _check_rest(
    case: Case,
    failures: tuple[Failure, ...],
    result: Result,
    reports: list[dict[str, Any]],
    told: str,
) -> None:
    if "frames" in case.keys:
        names = [frame.name for frame in failures[0].frames if frame.inside]
        assert ", ".join(names) == case.one("frames"), told
    for text in case.keys.get("notes", []):
        assert text in "\n".join(failures[0].notes), told
    for text in case.keys.get("related", []):
        assert text in json.dumps([report.get("related") for report in reports]), told
    warnings = [report["kind"] for report in reports if report.get("severity") == "warning"]
    assert warnings == case.keys.get("warning", []), told
    if "tests" in case.keys:
        counts = test_counts(result)
        assert counts is not None
        got = f"{counts.passed} {counts.failed} {counts.skipped}"
        assert got == case.one("tests"), told
    for text in case.keys.get("stdout", []):
        assert text in result.stdout.head.decode(), (result.stdout, told)


def _result(exit_code: int, reports: list[dict[str, Any]], stdout: str) -> Result:
    return Result(
        status="failed" if exit_code else "passed",
        message="",
        exit_code=exit_code if exit_code >= 0 else None,
        signal=None,
        started_at=0.0,
        duration=0.0,
        stdout=Captured(stdout.encode(), b"", len(stdout.encode())),
        stderr=Captured(b"", b"", 0),
        reports=tuple(reports),
        files=(),
        peak_memory=None,
        backend="none",
        image=None,
    )


def _read(path: Path) -> Case:
    keys: dict[str, list[str]] = {}
    files: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("-- ") and line.endswith(" --"):
            current = files.setdefault(line[3:-3], [])
        elif current is not None:
            current.append(line)
        elif ":" in line:
            key, _, value = line.partition(":")
            keys.setdefault(key.strip(), []).append(value.strip())
    places: list[tuple[str, Range]] = []
    texts: dict[str, str] = {}
    for name, lines in files.items():
        text = "\n".join(lines)
        while "«" in text:
            start, text = text.index("«"), text.replace("«", "", 1)
            end, text = text.index("»"), text.replace("»", "", 1)
            places.append((name, Range.of(*_at(text, start), *_at(text, end))))
        texts[name] = text
    return Case(path.stem, keys, texts, tuple(places))


def _at(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n"), offset - (before.rfind("\n") + 1)
