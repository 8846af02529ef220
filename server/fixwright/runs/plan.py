"""From a target to what the sandbox executes. Reads the disk and parses: call it off the loop."""

from __future__ import annotations

from dataclasses import dataclass

from fixwright.index.languages import language_for
from fixwright.index.slices import slice_for
from fixwright.runs.target import RunRefused, Target
from fixwright.runs.tree import Root, tree_of
from fixwright.workspace.document import SIZE_LIMIT
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import display_name
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text
from fixwright_sandbox import Chunk, Job, Limits, Request, RunChunks, RunFile, RunTests

RUNTIMES = {"python": "python", "shellscript": "bash", "bash": "bash", "sh": "bash"}
"""LSP language id -> runtime of the sandbox."""


@dataclass(frozen=True)
class Plan:
    """All that is needed to start one run."""

    title: str
    root: Root
    request: Request


def plan(draft: Draft, target: Target, limits: Limits) -> Plan:
    """Decide what to execute.

    Raises:
        RunRefused: the language has no runtime or no test runner, or the range selects nothing.
        UnknownDocument: there is no such document.
    """
    runtime = _runtime_of(draft, target)
    root, tree = tree_of(draft, target.uri)
    path = root.path_of(target.uri) if target.uri is not None else None
    if target.uri is not None and (path is None or path not in tree):
        raise RunRefused(f"{target.uri} is not among the files that run: it may be ignored by git.")
    job, title = _job(draft, target, path)
    request = Request(
        runtime=runtime, job=job, tree=tree, limits=limits, stdin=target.stdin.encode()
    )
    return Plan(title, root, request)


def _runtime_of(draft: Draft, target: Target) -> str:
    if target.uri is None:
        return "python"
    document = draft.document(target.uri)
    if len(document.text.value) > SIZE_LIMIT:
        raise RunRefused(
            f"{display_name(target.uri)} holds {len(document.text.value) / 1e6:.0f} million "
            f"characters; Fixwright runs files of up to {SIZE_LIMIT >> 20} MiB. Split it."
        )
    language = document.language
    runtime = RUNTIMES.get(language)
    if runtime is None:
        known = ", ".join(sorted({"Python", "Bash"}))
        raise RunRefused(
            f"Fixwright can't run {language or 'this kind of file'} yet; it runs {known}."
        )
    if target.kind == "tests" and runtime == "bash":
        raise RunRefused("There is no test runner for Bash. Run the file itself.")
    return runtime


def _job(draft: Draft, target: Target, path: str | None) -> tuple[Job, str]:
    match target.kind:
        case "file":
            assert path is not None
            return RunFile(path, target.args), path
        case "tests":
            targets = target.test_ids or ((path,) if path is not None else ())
            return RunTests(targets), f"tests of {', '.join(targets) or 'the workspace'}"
        case "selection":
            assert path is not None
            return _selection(draft, target, path)


def _selection(draft: Draft, target: Target, path: str) -> tuple[Job, str]:
    assert target.uri is not None
    document = draft.document(target.uri)
    text = document.text
    selected = target.range
    if selected is None or not text.slice(selected).strip():
        raise RunRefused("Nothing is selected. Select the code to run first.")
    language = language_for(document.language, target.uri)
    if language is None:
        raise RunRefused(f"A selection of {document.language} can't be run yet.")
    needed = slice_for(text, language, selected)
    if needed.selection.is_empty:
        raise RunRefused("There is no code in the selection, so nothing was run.")
    chunks = tuple(_chunk(text, part) for part in (*needed.chunks, needed.selection))
    first, last = needed.selection.start.line + 1, needed.selection.end.line + 1
    lines = f"line {first}" if first == last else f"lines {first}-{last}"
    return RunChunks(path, chunks), f"{path}, {lines}"


def _chunk(text: Text, part: Range) -> Chunk:
    """A part begins at its own indentation when only white space stands before it."""
    start = part.start
    if not text.line(start.line)[: start.column].strip():
        start = Position(start.line, 0)
    return Chunk(text.slice(Range(start, part.end)), start.line, start.column)
