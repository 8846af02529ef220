"""Run Java: a file, a selection, tests."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.pieces import Assembled

from .compiler import Compiled, compile_sources
from .exceptions import Reader, simple
from .pipe import Pipe
from .project import Project, project_of
from .selection import program
from .testing import is_test, run_tests, tell_diagnostics
from .toolbox import Toolbox, ToolboxError, java_argv, toolbox

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_FAILED = 1
_STDERR_HAS = re.compile(
    rb"^(?:Exception in thread \"[^\"]*\" )?(java\.lang\.OutOfMemoryError)(?:: ([^\n]*))?",
    re.MULTILINE,
)


def main(job: dict[str, Any], stage: Stage) -> int:
    """Run the job; returns the program's exit status, negative for a signal."""
    try:
        tools = toolbox(stage)
    except ToolboxError as error:
        stage.report(simple("NoCompiler", str(error)))
        stage.say(str(error))
        return _FAILED
    if job["kind"] == "tests":
        return run_tests(stage, tools, list(job["targets"]))
    if job["kind"] == "chunks":
        return _run_chunks(stage, tools, str(job["path"]), job["chunks"])
    return _run_file(stage, tools, str(job["path"]), list(job.get("args", ())))


def warm(stage: Stage) -> None:
    """Compile our classes, and keep the compiler's in an archive."""
    toolbox(stage, archive=True)


def _run_file(stage: Stage, tools: Toolbox, path: str, args: list[str]) -> int:
    file = os.path.join(stage.root, path)
    try:
        with open(file, encoding="utf-8", errors="replace") as handle:
            text = handle.read()
    except OSError as error:
        message = f"{path} can't be read: {error.strerror}."
        stage.report(simple(type(error).__name__, message))
        stage.say(message)
        return 2
    project = project_of(stage.root, path, text, stage.environment)
    compiled = compile_sources(stage, tools, project, [file])
    if not tell_diagnostics(stage, compiled, project):
        return _FAILED
    mains = compiled.spans.mains.get(file, [])
    if not mains and is_test(text):
        return run_tests(stage, tools, [path])
    if not mains:
        message = f"{path} was compiled; it has no main method, so there is nothing to run."
        stage.report({"type": "note", "message": message})
        stage.say(message)
        return 0
    reader = Reader(stage.root, compiled.spans)
    return _run(stage, tools, project, compiled, [mains[0], *args], _Teller(stage, reader))


def _run_chunks(stage: Stage, tools: Toolbox, path: str, chunks: list[dict[str, Any]]) -> int:
    file = os.path.join(stage.root, path)
    whole = ""
    if os.path.isfile(file):
        with open(file, encoding="utf-8", errors="replace") as handle:
            whole = handle.read()
    project = project_of(stage.root, path, whole, stage.environment)
    stem = os.path.basename(path).removesuffix(".java")
    made = program(chunks, whole, stem, show=True)
    generated = os.path.join(stage.scratch, f"{stem}.java")
    _write(generated, made.text.text)
    compiled = compile_sources(stage, tools, project, [generated])
    if made.shows and any("void" in str(raw["kind"]) for raw in compiled.diagnostics):
        made = program(chunks, whole, stem, show=False)
        _write(generated, made.text.text)
        compiled = compile_sources(stage, tools, project, [generated])
    moved = _Moved(path, generated, made.text)
    for raw in compiled.diagnostics:
        if raw.get("path") == generated:
            raw["path"] = file
            made.text.move_back(raw)
    if not tell_diagnostics(stage, compiled, project):
        return _FAILED
    if made.main is None:
        message = "The selection was compiled; it has nothing to run."
        stage.report({"type": "note", "message": message})
        return 0
    teller = _Teller(stage, Reader(stage.root, compiled.spans), moved)
    return _run(stage, tools, project, compiled, [made.main], teller, "-ea")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class _Moved:
    """Places of a selection's own file moved back to the file that it is of."""

    def __init__(self, path: str, generated: str, text: Assembled) -> None:
        self._path = path
        self._generated = os.path.realpath(generated)
        self._text = text

    def move(self, report: dict[str, Any]) -> None:
        kept: list[dict[str, Any]] = []
        for frame in report["frames"]:
            if frame["path"] == self._generated:
                if self._text.is_ours(frame["line"]):
                    continue
                frame["path"] = self._path
                self._text.move_back(frame)
            kept.append(frame)
        report["frames"] = kept
        for other in filter(None, [report["cause"], *report["exceptions"]]):
            self.move(other)


class _Teller:
    """Reports what `Run.java` tells."""

    def __init__(self, stage: Stage, reader: Reader, moved: _Moved | None = None) -> None:
        self._stage = stage
        self._reader = reader
        self._moved = moved
        self.exit: dict[str, Any] | None = None
        self.told = False

    def take(self, value: dict[str, Any]) -> None:
        """Take one report; that of an exit waits until its status is known."""
        if value["type"] == "exit":
            self.exit = value
        elif value["type"] == "exception":
            self.told = True
            self._send(self._reader.exception(value))

    def ended(self, status: int, stderr: bytes) -> None:
        """Report an end that no exception told."""
        if self.exit is not None and status:
            report = simple("exit", f"exited with status {status}")
            frames: list[dict[str, Any]] = self.exit["frames"]
            report["frames"] = self._reader.frames(frames[1:], "exit", "", "exit")
            self._send(report)
        elif status and not self.told:
            match = _STDERR_HAS.search(stderr)
            if match is not None:
                kind, text = match[1].decode(), (match[2] or b"").decode("utf-8", "replace")
                self._send(simple(kind, text))

    def _send(self, report: dict[str, Any]) -> None:
        if self._moved is not None:
            self._moved.move(report)
        self._stage.report(report)


def _run(
    stage: Stage,
    tools: Toolbox,
    project: Project,
    compiled: Compiled,
    arguments: list[str],
    teller: _Teller,
    *options: str,
) -> int:
    classpath = [tools.jar, compiled.classes, *project.resources, *project.libraries]
    with Pipe(stage.scratch, teller.take) as pipe:
        argv = [*java_argv(stage, classpath, *options), "fixwright.Run", pipe.path, *arguments]
        ended = stage.program(argv, cwd=stage.root, env=stage.environment)
    teller.ended(ended.exit, ended.stderr)
    return ended.exit
