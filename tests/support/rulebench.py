"""Runs broken programs for real, asks the rules, and runs what they propose."""

from __future__ import annotations

from dataclasses import dataclass

from fixwright.failures.model import Failure
from fixwright.failures.parse import failures_of
from fixwright.fix.definitions import Definitions, Known
from fixwright.fix.problem import Candidate, Problem, RuleContext
from fixwright.fix.rules import candidates
from fixwright.index.extraction import extract
from fixwright.index.languages import language_for
from fixwright.workspace.document import Document
from fixwright.workspace.paths import uri_to_path
from fixwright.workspace.position import Range
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.text import Text
from fixwright_sandbox import Blob, Limits, Request, Result, RunFile, Sandbox

ROOT = "file:///bench"


@dataclass(frozen=True)
class Outcome:
    """What became of a broken program."""

    failure: Failure | None
    candidates: tuple[Candidate, ...]
    fixed_by: int | None

    @property
    def titles(self) -> list[str]:
        return [candidate.title for candidate in self.candidates]


def uri_of(path: str) -> str:
    return f"{ROOT}/{path}"


def snapshot_of(files: dict[str, str]) -> Snapshot:
    root = uri_to_path(ROOT)
    assert root is not None
    snapshot = Snapshot().with_folders([Folder(ROOT, "bench", root)])
    for path, text in files.items():
        language = language_for(None, path)
        name = (
            "plaintext" if language is None else "python" if path.endswith("py") else "shellscript"
        )
        snapshot = snapshot.open(Document(uri_of(path), name, Text(text), 1))
    return snapshot


def definitions_of(files: dict[str, str]) -> Definitions:
    facts = {
        uri_of(path): extract(language, text.encode())
        for path, text in files.items()
        if (language := language_for(None, path)) is not None
    }
    root = uri_to_path(ROOT)
    assert root is not None
    return Definitions(Known(facts), [root])


def context_of(files: dict[str, str], problem: Problem) -> RuleContext:
    snapshot = snapshot_of(files)
    return RuleContext(snapshot, problem, snapshot.document(problem.uri), definitions_of(files))


def diagnostic(files: dict[str, str], place: Range, message: str, code: str = "") -> RuleContext:
    """What another server says of the first file."""
    return context_of(files, Problem(uri_of(next(iter(files))), place, message, code, "other"))


def problem_of(failure: Failure, main: str) -> Problem:
    uri = uri_of(failure.path or main)
    place = failure.range or Range.at(0, 0)
    return Problem(uri, place, failure.message, failure.kind, "fixwright", failure)


async def run(sandbox: Sandbox, files: dict[str, str]) -> tuple[Result, tuple[Failure, ...]]:
    """Runs the first of the files."""
    main = next(iter(files))
    tree = {path: Blob(text.encode()) for path, text in files.items()}
    runtime = "bash" if main.endswith(".sh") else "python"
    limits = Limits(wall_seconds=20.0)
    request = Request(runtime, RunFile(main), tree, limits)
    result = await sandbox.start("bench", request).wait()
    return result, failures_of(result, main)


def applied(files: dict[str, str], candidate: Candidate) -> dict[str, str]:
    return {path: candidate.draft.text(uri_of(path)) for path in files}


async def attempt(sandbox: Sandbox, files: dict[str, str]) -> Outcome:
    """Runs the files, and then each candidate until one passes."""
    result, failures = await run(sandbox, files)
    if not failures:
        return Outcome(None, (), None if result.status != "passed" else -1)
    failure = failures[0]
    found = candidates(context_of(files, problem_of(failure, next(iter(files)))))
    for number, candidate in enumerate(found):
        after, _ = await run(sandbox, applied(files, candidate))
        if after.status == "passed":
            return Outcome(failure, found, number)
    return Outcome(failure, found, None)
