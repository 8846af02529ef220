"""Run JUnit's tests and report each when it ends."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from .compiler import Compiled, compile_sources
from .exceptions import Reader, diagnostic, rendered, simple
from .pipe import Pipe
from .project import Project, project_of
from .toolbox import Toolbox, java_argv

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_LEFT_OUT = frozenset({"target", "build", "out", "bin", ".git", ".gradle", "node_modules"})
_TEST = re.compile(
    r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|TestTemplate)\b|\bextends TestCase\b"
)
_INVOCATION = re.compile(r"\[\d+\]$")
_OUTCOMES = {"passed": "ok", "skipped": "skipped", "failed": "FAILED", "error": "FAILED"}
_NONE_FOUND = 4


class Wanted(NamedTuple):
    """A file of tests, relative to the tree, and which; none is all of them."""

    path: str
    names: tuple[str, ...]


class Listener:
    """Turns what `Tests.java` tells into `test` reports."""

    def __init__(self, stage: Stage, compiled: Compiled) -> None:
        self._stage = stage
        self._index = compiled.spans
        self._reader = Reader(stage.root, compiled.spans)
        self._running: dict[str, dict[str, Any]] = {}
        self.count = 0
        self.failed = False

    def take(self, value: dict[str, Any]) -> None:
        """Take one report of our class's."""
        if value["type"] == "started":
            self._running[self._identity(value)] = value
        elif value["type"] == "test":
            self._ended(value)

    def unfinished(self, status: int) -> None:
        """Report the tests that were running when their JVM ended."""
        for identity, value in self._running.items():
            text = f"the JVM ended with status {status} while this test ran"
            self._send(identity, value, "error", None, simple("exit", text))
        self._running.clear()

    def _ended(self, value: dict[str, Any]) -> None:
        identity = self._identity(value)
        self._running.pop(identity, None)
        outcome = str(value["outcome"])
        exception = None
        if isinstance(value.get("exception"), dict):
            exception = self._reader.exception(value["exception"])
        seconds = int(value["nanoseconds"]) / 1e9
        self._send(identity, value, outcome, seconds, exception)
        if exception is not None:
            self._stage.say(f"{identity}: {exception['kind']}: {exception['message']}")

    def _send(
        self,
        identity: str,
        value: dict[str, Any],
        outcome: str,
        seconds: float | None,
        exception: dict[str, Any] | None,
    ) -> None:
        self.count += 1
        self.failed = self.failed or outcome in ("failed", "error")
        class_name = str(value.get("class", ""))
        method = self._index.method(class_name, str(value.get("method", "")))
        sys.stdout.write(f"{identity} ... {_OUTCOMES.get(outcome, outcome)}\n")
        sys.stdout.flush()
        self._stage.report(
            {
                "type": "test",
                "id": identity,
                "outcome": outcome,
                "seconds": seconds,
                "path": identity.partition("::")[0],
                "line": method.line if method is not None else None,
                "exception": exception,
            }
        )

    def _identity(self, value: dict[str, Any]) -> str:
        class_name = str(value.get("class", value.get("display", "")))
        path = self._index.path_of_class(class_name)
        simple_name, *nested = class_name.rpartition(".")[2].split("$")
        if path is None:
            parts = [class_name]
        else:
            parts = [self._reader.sources.path(path)]
            if not path.endswith(f"/{simple_name}.java"):
                parts.append(simple_name)
            parts += nested
        if isinstance(value.get("method"), str):
            number = f"[{value['invocation']}]" if value.get("invocation") else ""
            parts.append(value["method"] + number)
        return "::".join(parts)


def run_tests(stage: Stage, tools: Toolbox, targets: list[str]) -> int:
    """Run the tests that are wanted; returns the exit status."""
    wanted = _wanted(stage.root, targets)
    if not wanted:
        return _nothing(
            stage, "No test was found" + (f" in {', '.join(targets)}." if targets else ".")
        )
    if not tools.junit:
        return _nothing(stage, "There is no JUnit in this sandbox to run the tests with.")
    groups: dict[Project, list[Wanted]] = {}
    for one in wanted:
        text = _read(os.path.join(stage.root, one.path))
        project = project_of(stage.root, one.path, text, stage.environment)
        groups.setdefault(project, []).append(one)
    status = ran = 0
    for project, ones in groups.items():
        failed, count = _run(stage, tools, project, ones)
        status, ran = status or failed, ran + count
    if not ran and not status:
        return _nothing(stage, "No test was found by JUnit; is the engine for its version there?")
    return status


def _run(stage: Stage, tools: Toolbox, project: Project, ones: list[Wanted]) -> tuple[int, int]:
    files = [os.path.join(stage.root, one.path) for one in ones]
    compiled = compile_sources(stage, tools, project, files)
    if not tell_diagnostics(stage, compiled, project):
        return 1, 0
    lines: list[str] = []
    for one, file in zip(ones, files, strict=True):
        classes = [span.name for span in compiled.spans.classes(file)]
        lines += _selectors(classes, one, os.path.basename(file).removesuffix(".java"))
    listing = os.path.join(stage.scratch, "tests.txt")
    with open(listing, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    listener = Listener(stage, compiled)
    libraries = project.class_path(tools.junit)
    classpath = [tools.jar, compiled.classes, *project.resources, *libraries]
    folder = os.path.dirname(project.manifest) if project.manifest else stage.root
    with Pipe(stage.scratch, listener.take) as pipe:
        argv = [*java_argv(stage, classpath, "-ea"), "fixwright.Tests", pipe.path, listing]
        ended = stage.program(argv, cwd=folder, env=stage.environment)
    listener.unfinished(ended.exit)
    return (1 if listener.failed else ended.exit), listener.count


def _selectors(classes: list[str], one: Wanted, stem: str) -> list[str]:
    """Return what `Tests.java` is to run of a file: classes, or a class and a method."""
    outer = [name for name in classes if "$" not in name]
    if not one.names:
        return outer
    lines: list[str] = []
    for name in one.names:
        parts = _INVOCATION.sub("", name).split("::")
        for top in outer:
            simple_name = top.rpartition(".")[2]
            inner = parts[1:] if parts[0] == simple_name and simple_name != stem else parts
            whole = "$".join([top, *inner])
            if whole in classes:
                lines.append(whole)
            elif "$".join([top, *inner[:-1]]) in classes and inner:
                lines.append(f"{'$'.join([top, *inner[:-1]])} {inner[-1]}")
    return lines


def tell_diagnostics(stage: Stage, compiled: Compiled, project: Project) -> bool:
    """Report what the compiler said; returns whether there is something to run."""
    sources = Sources(stage.root)
    for raw in compiled.diagnostics:
        report = diagnostic(raw, sources)
        if report is not None:
            stage.report(report)
            stage.say(rendered(report))
    if compiled.ok:
        return True
    if project.missing:
        message = (
            "These libraries of the pom are not in the local Maven repository, and there is no "
            f"network: {clip(', '.join(project.missing), 1_000)}."
        )
        stage.report({"type": "note", "message": message})
        stage.say(message)
    if compiled.said:
        stage.say(compiled.said)
    if not any(raw["severity"] == "error" for raw in compiled.diagnostics):
        stage.report(simple("CompileError", compiled.said or "The compiler ended without a word."))
    return False


def _wanted(root: str, targets: list[str]) -> list[Wanted]:
    names: dict[str, list[str]] = {}
    whole: set[str] = set()
    for target in targets or [""]:
        path, _, name = target.partition("::")
        full = os.path.normpath(os.path.join(root, path))
        found = [path] if path.endswith(".java") else list(_files(root, full))
        for file in found:
            if name:
                names.setdefault(file, []).append(name)
            else:
                names.setdefault(file, [])
                whole.add(file)
    return [
        Wanted(path, () if path in whole else tuple(wanted))
        for path, wanted in names.items()
        if os.path.isfile(os.path.join(root, path))
    ]


def _files(root: str, folder: str) -> list[str]:
    found: list[str] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(files):
            path = os.path.join(here, name)
            if name.endswith(".java") and is_test(_read(path)):
                found.append(os.path.relpath(path, root))
    return found


def is_test(text: str) -> bool:
    """Tell whether a source file has tests."""
    return bool(_TEST.search(text))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _nothing(stage: Stage, message: str) -> int:
    stage.report(simple("NoTestsFound", message))
    stage.say(message)
    return _NONE_FOUND
