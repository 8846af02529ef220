"""How many broken programs are fixed without a model, and how often a fix is only said to be one.

    python benchmarks/fixes.py [--json FILE] [--only WORDS] [--verbose]

The programs stand in `fixes.toml`. Each has a check that the ladder does not see: the output that
was meant, or a program that uses what was fixed. A fix that is called verified although that check
fails is the figure that matters: "false". A fix that is right but not called verified costs only a
question.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fixwright.fix.fix import Fix
from fixwright.fix.problem import problem_of
from fixwright.headless import Headless, headless
from fixwright.runs.target import Target
from fixwright.workspace.disk import apply_to_disk
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.position import Position, Range
from fixwright.workspace.snapshot import Snapshot

PROGRAMS = Path(__file__).parent / "fixes.toml"
AT_ONCE = 2


@dataclass(frozen=True)
class Program:
    """A broken program, how it is run, and what tells whether it was repaired."""

    name: str
    mistake: str
    files: dict[str, str]
    run: str
    output: str | None
    checks: dict[str, str]

    @property
    def main(self) -> str:
        """The file that is run."""
        return next(iter(self.files))


@dataclass(frozen=True)
class Outcome:
    """What the ladder made of a program. `right` is what the hidden check says of its edit."""

    name: str
    mistake: str
    status: str
    right: bool
    milliseconds: float
    attempts: int
    title: str
    reason: str | None

    @property
    def is_false(self) -> bool:
        """Whether it is claimed to be verified and is not what was meant."""
        return self.status == "verified" and not self.right


def programs() -> list[Program]:
    """Every program of the table."""
    table: dict[str, list[dict[str, Any]]] = tomllib.loads(PROGRAMS.read_text("utf-8"))
    return [_program(entry) for entry in table["program"]]


def _program(entry: dict[str, Any]) -> Program:
    checks = {"hidden_check.py": entry.get("check"), "hidden_check.sh": entry.get("check_bash")}
    return Program(
        name=entry["name"],
        mistake=entry["mistake"],
        files=entry["files"],
        run=entry.get("run", "file"),
        output=entry.get("output"),
        checks={path: text for path, text in checks.items() if text is not None},
    )


async def attempt(program: Program) -> Outcome:
    """Run it, fix it, write the fix, and ask the hidden check."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, program.files)
        async with headless(folder) as tools:
            return await _attempted(tools, program, folder)


def _write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


async def _attempted(tools: Headless, program: Program, folder: Path) -> Outcome:
    target = _target(program, folder)
    before = await tools.runner.run(tools.snapshot, target)
    if before.passed or not before.failures:
        raise SystemExit(f"{program.name}: was meant to fail, but {before.outcome}")
    problem = problem_of(before, before.failures[0])
    if problem is None:
        raise SystemExit(f"{program.name}: its failure has no place: {before.outcome}")
    start = time.perf_counter()
    fix = await tools.ladder.fix(tools.snapshot, problem, lambda _: None)
    milliseconds = (time.perf_counter() - start) * 1000
    right = not fix.draft.is_empty and await _right(tools, program, folder, fix)
    return Outcome(
        program.name, program.mistake, fix.status, right, milliseconds, fix.attempts, fix.title,
        fix.reason,
    )  # fmt: skip


def _target(program: Program, folder: Path) -> Target:
    uri = path_to_uri(folder / program.main)
    if program.run in ("file", "tests"):
        return Target("file" if program.run == "file" else "tests", uri)
    first, last = (int(line) for line in program.run.removeprefix("lines ").split("-"))
    return Target("selection", uri, Range(Position(first - 1, 0), Position(last, 0)))


async def _right(tools: Headless, program: Program, folder: Path, fix: Fix) -> bool:
    """What the hidden checks say of the program with the edit in it."""
    apply_to_disk(fix.draft)
    fixed = Snapshot().with_folders(tools.snapshot.folders)
    if program.output is not None:
        target = fix.after.target if fix.after is not None else fix.before.target
        run = await tools.runner.run(fixed, target)
        if run.result.stdout.data.decode() != program.output:
            return False
    _write(folder, program.checks)
    for path in program.checks:
        hidden = replace(_target(program, folder), kind="file", range=None)
        run = await tools.runner.run(fixed, replace(hidden, uri=path_to_uri(folder / path)))
        if not run.passed:
            return False
    return True


async def measured(chosen: Sequence[Program]) -> list[Outcome]:
    """All of them, a few at once, in the order of the table."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(program: Program) -> Outcome:
        async with slots:
            return await attempt(program)

    return list(await asyncio.gather(*(one(program) for program in chosen)))


_COLUMNS = ("programs", "verified", "right", "false", "unverified", "none")


def tallied(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The figures of a group. `right`: verified, and the hidden check passes."""
    statuses = [outcome.status for outcome in outcomes]
    verified, false = statuses.count("verified"), sum(each.is_false for each in outcomes)
    return {
        "programs": len(outcomes),
        "verified": verified,
        "right": verified - false,
        "false": false,
        "unverified": statuses.count("unverified"),
        "none": statuses.count("none"),
        "p50 ms": round(statistics.median(each.milliseconds for each in outcomes), 1),
    }


def _show(outcomes: Sequence[Outcome], *, verbose: bool) -> None:
    print(f"{'':<16}" + "".join(f"{column:>11}" for column in (*_COLUMNS, "p50 ms")))
    for mistake in dict.fromkeys(each.mistake for each in outcomes):
        _row(mistake, tallied([each for each in outcomes if each.mistake == mistake]))
    everything = tallied(outcomes)
    _row("all", everything)
    rate = everything["false"] / max(1, everything["verified"])
    print(f"\nfalse-verified: {rate:.1%} of what is called verified")
    for each in outcomes:
        if verbose or each.is_false:
            mark = "FALSE " if each.is_false else "right " if each.right else "      "
            print(f"  {mark}{each.status:<11}{each.mistake}: {each.name}: {each.title}")
            if verbose and each.reason:
                print(f"        {each.reason}")


def _row(name: str, figures: dict[str, float]) -> None:
    print(f"{name:<16}" + "".join(f"{value:>11g}" for value in figures.values()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="write every outcome to this file, too")
    parser.add_argument("--only", default="", help="programs whose name or class has these words")
    parser.add_argument("--verbose", action="store_true", help="show every program")
    options = parser.parse_args()
    os.environ["FIXWRIGHT_MODEL_PROVIDER"] = "none"
    os.environ.setdefault("FIXWRIGHT_SANDBOX_BACKEND", "bubblewrap")
    os.environ.setdefault("FIXWRIGHT_SANDBOX_POOL", "0")
    words = options.only
    chosen = [each for each in programs() if words in f"{each.mistake}: {each.name}"]
    outcomes = asyncio.run(measured(chosen))
    _show(outcomes, verbose=options.verbose)
    if options.json:
        listed = [asdict(each) for each in outcomes]
        report = {"all": tallied(outcomes), "programs": listed}
        options.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
