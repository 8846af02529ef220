"""From a source to a program that has run: built with what it needs, its end reported."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Span

from . import crashes
from .compiler import Compiler, is_cpp
from .keep import Keeper
from .project import Project

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

__all__ = ["Build", "execute", "is_cpp"]

_MOST_ROUNDS = 4
_MOST_LOG = 1 << 20


class Build:
    """Builds the programs of one run, and reports what compiler and linker say."""

    def __init__(self, stage: Stage, sources: Sources) -> None:
        self._stage = stage
        self._keeper = Keeper(stage.cache, stage.root)
        self.sources = sources
        self.project = Project(sources)
        self.compiler = Compiler(stage, self._keeper)

    def program(self, path: str, *, text: str | None = None, runs: bool = True) -> str | None:
        """Build the program of a source; None where it can't be built, and that is reported.

        Args:
            path: the source, relative to the root.
            text: what to compile in its place.
            runs: whether it has a `main`; else it is compiled only, and the result means nothing.
        """
        path = os.path.normpath(path)
        key = self._keeper.key("program", self.compiler.identity(), path)
        kept = self._keeper.get(key) if text is None and runs else None
        if kept is not None and os.path.isfile(self._keeper.path(key, "")):
            self._tell(kept["said"])
            return self._keeper.path(key, "")
        includes = self.project.folders(path)
        waiting = self.project.program(path) if runs else [path]
        output = self._keeper.path(key if text is None else "selection", "")
        known: list[str] = []
        objects: list[str] = []
        said: list[str] = []
        inputs: set[str] = set()
        linked = ""
        for _ in range(_MOST_ROUNDS):
            for source in waiting:
                own = text if source == path else None
                made = self.compiler.compile(source, includes, text=own, quiet=text is not None)
                known.append(source)
                objects.append(made.path)
                said.append(made.said)
                inputs.update(made.files)
                if not made.worked:
                    self._tell(said)
                    return None
            if not runs:
                self._tell(said)
                return ""
            worked, linked = self.compiler.link(objects, output, cpp=any(map(is_cpp, known)))
            if worked:
                self._tell(said)
                if text is None:
                    folders = {os.path.dirname(each) for each in inputs} | set(includes)
                    self._keeper.put(key, {"said": said}, inputs, folders)
                return output
            waiting = self._missing(linked, path, known)
            if not waiting:
                break
        self._tell(said, linked)
        return None

    def _missing(self, linked: str, path: str, known: Sequence[str]) -> list[str]:
        from .diagnostics import undefined_names  # here: most programs link at once

        return self.project.defining(undefined_names(linked), path, known)

    def _tell(self, said: Sequence[str], linked: str = "") -> None:
        """Report what compiler and linker said, and show it to people."""
        if not linked and all(each.strip() in ("", "[]") for each in said):
            return
        from .diagnostics import of_compiler, of_linker, simple  # here: most programs compile

        reports: list[dict[str, Any]] = []
        for each in said:
            reports += of_compiler(each, self.project.code, self.sources.path)
        reports += of_linker(linked, self.project.code, self.sources.path)
        if linked and not any(each["severity"] == "error" for each in reports):
            lines = [line for line in linked.splitlines() if line.strip() not in ("", "[]")]
            reports.append(simple("LinkFailed", "\n".join(lines[:20]), "", Span(0, 0, 0, 0)))
        for report in reports:
            place = f"{report['path']}:{report['line'] + 1}:{report['column'] + 1}"
            severity, message = report["severity"], report["message"]
            self._stage.say(f"{place}: {severity}: {message} [{report['kind']}]\n")
            self._stage.report(report)


def execute(binary: str, args: list[str], made: Build, stage: Stage) -> int:
    """Run a built program and report how it failed, if it did; return its exit status."""
    status, report, warnings = observe(binary, args, made, stage)
    for warning in warnings:
        stage.report(warning)
    if report is not None:
        stage.report(report)
    return status


def observe(
    binary: str,
    args: list[str],
    made: Build,
    stage: Stage,
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any] | None, list[dict[str, Any]]]:
    """Run a built program; return its status, the report of its end, and warnings."""
    log = os.path.join(stage.scratch, "sanitizer")
    ended = stage.program(
        [binary, *args],
        cwd=cwd,
        env={**stage.environment, **_options(log, stage), **(env or {})},
    )
    written, stderr = _take_log(log), ended.stderr.decode("utf-8", "replace")
    warnings: list[dict[str, Any]] = []
    for each in crashes.undefined_of(written, stderr):
        warning = crashes.warning_of(each, made.sources)
        if warning is not None and warning not in warnings:
            warnings.append(warning)
    crash = crashes.crash_of(written, stderr) if ended.exit else None
    if crash is None or (ended.exit > 0 and not written and "runtime error: " not in stderr):
        return ended.exit, None, warnings
    report = crashes.report_of(crash, made.sources)
    for last in report["frames"][-1:]:
        stage.say(f"{last['path']}:{last['line'] + 1}: {crash.kind}: {crash.message}\n")
        place = (last["path"], last["line"])
        warnings = [each for each in warnings if (each["path"], each["line"]) != place]
    return _status(ended.exit, crash.signal), report, warnings


def _options(log: str, stage: Stage) -> dict[str, str]:
    """Return the environment that makes sanitizers write what we read."""
    common = (
        f"log_path={log}:print_legend=0:print_summary=1:report_error_type=1"
        f":print_stacktrace=1:stack_trace_format='{crashes.STACK_FORMAT}'"
    )
    address = (
        f"{common}:handle_abort=1:handle_sigill=1:detect_stack_use_after_return=1"
        # The search for leaks needs ptrace, which no sandbox allows.
        ":quarantine_size_mb=16:allocator_may_return_null=1:detect_leaks=0"
    )
    own = stage.environment
    return {
        "ASAN_OPTIONS": f"{address}:{own.get('ASAN_OPTIONS', '')}".rstrip(":"),
        "UBSAN_OPTIONS": f"{common}:{own.get('UBSAN_OPTIONS', '')}".rstrip(":"),
    }


def _take_log(log: str) -> str:
    """Return what the sanitizers of all processes of a run wrote, and remove it."""
    folder, stem = os.path.split(log)
    texts: list[str] = []
    for name in sorted(os.listdir(folder)):
        if name.startswith(stem + "."):
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read(_MOST_LOG))
            os.unlink(path)
    return "".join(texts)


def _status(status: int, caught: str) -> int:
    """Return the signal that a sanitizer caught, as a status, else the status."""
    return -int(signal.Signals[caught]) if caught else status
