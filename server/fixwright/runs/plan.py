"""From a target to what the sandbox executes. Reads the disk and parses: call it off the loop."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fixwright.index.languages import language_for
from fixwright.index.slices import slice_for
from fixwright.runs.target import RunRefused, Target
from fixwright.runs.tree import Root, tree_of
from fixwright.workspace.document import SIZE_LIMIT
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import display_name
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text
from fixwright_sandbox import (
    Chunk,
    Job,
    Limits,
    Request,
    RunChunks,
    RunCommand,
    RunFile,
    RunTests,
)
from fixwright_sandbox.runtimes import Runtime, runtime_for, runtimes

_PYTHON_TEST = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")


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
    if target.kind == "command":
        return _command(draft, target, limits)
    runtime = None if target.uri is None else _runtime_of(draft, target, target.uri)
    root, tree = tree_of(draft, target.uri)
    path = root.path_of(target.uri) if target.uri is not None else None
    if target.uri is not None and (path is None or path not in tree):
        raise RunRefused(f"{target.uri} is not among the files that run: it may be ignored by git.")
    job, title = _job(draft, target, path)
    name = runtime_of_tests(tree, target.test_ids) if runtime is None else runtime.name
    request = Request(runtime=name, job=job, tree=tree, limits=limits, stdin=target.stdin.encode())
    return Plan(title, root, request)


def can_run(language: str) -> bool:
    """Whether the sandbox has a runtime for a language id of LSP."""
    return runtime_for(language) is not None


def runtime_of_tests(tree: Collection[str], test_ids: Sequence[str] = ()) -> str:
    """The runtime whose tests are meant where no document says it.

    What the tests are named after says it; else pytest's own names for files; else the first
    runtime whose manifest lies at the root; else the one with the most files.
    """
    for test_id in test_ids:
        named = runtime_for(PurePosixPath(test_id.partition("::")[0]).suffix)
        if named is not None:
            return named.name
    if any(_PYTHON_TEST.search(path) for path in tree):
        return "python"
    able = [each for each in runtimes().values() if each.tests]
    for each in able:
        if any(manifest in tree for manifest in each.manifests):
            return each.name
    found = Counter(PurePosixPath(path).suffix for path in tree)
    most = max(able, key=lambda each: sum(found[ending] for ending in each.extensions))
    return most.name if any(found[ending] for ending in most.extensions) else "python"


def _runtime_of(draft: Draft, target: Target, uri: str) -> Runtime:
    document = draft.document(uri)
    if len(document.text.value) > SIZE_LIMIT:
        raise RunRefused(
            f"{display_name(uri)} holds {len(document.text.value) / 1e6:.0f} million "
            f"characters; Fixwright runs files of up to {SIZE_LIMIT >> 20} MiB. Split it."
        )
    language = document.language
    runtime = runtime_for(language)
    if runtime is None:
        known = ", ".join(each.title for each in runtimes().values())
        raise RunRefused(
            f"Fixwright can't run {language or 'this kind of file'} yet; it runs {known}."
        )
    if target.kind == "tests" and not runtime.tests:
        raise RunRefused(f"There is no test runner for {runtime.title}. Run the file itself.")
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
        case "cell":
            assert path is not None
            return _cell(draft, target, path)
        case "command":
            raise AssertionError("a command is planned apart: it runs no document")


def _command(draft: Draft, target: Target, limits: Limits) -> Plan:
    root, tree = tree_of(draft, target.uri)
    name = target.runtime or runtime_of_tests(tree)
    if name not in runtimes():
        raise RunRefused(f"There is no runtime {name}. There are: {', '.join(sorted(runtimes()))}.")
    lines = f"cd -- {shlex.quote(target.cwd)} || exit 1\n{target.command}"
    job = RunCommand(("sh", "-c", lines))
    stdin = target.stdin.encode()
    request = Request(runtime=name, job=job, tree=tree, limits=limits, stdin=stdin)
    return Plan(target.command.strip().partition("\n")[0][:80], root, request)


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


def _cell(draft: Draft, target: Target, path: str) -> tuple[Job, str]:
    """A cell in a fresh interpreter: behind all that stands above it.

    Where a session is, the cell alone is run in that, see `sessions`.
    """
    assert target.uri is not None
    assert target.range is not None
    text = draft.document(target.uri).text
    start, end = target.range.start, target.range.end
    if not text.slice(target.range).strip():
        raise RunRefused("There is no code in the cell, so nothing was run.")
    everything = Chunk(text.slice(Range(Position(0, 0), end)), 0, 0)
    return RunChunks(path, (everything,)), f"{path}, cell at line {start.line + 1}"


def _chunk(text: Text, part: Range) -> Chunk:
    """A part begins at its own indentation when only white space stands before it."""
    start = part.start
    if not text.line(start.line)[: start.column].strip():
        start = Position(start.line, 0)
    return Chunk(text.slice(Range(start, part.end)), start.line, start.column)
