"""Run a Go job: build what it needs, run it, and report why it failed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code

from . import project
from .toolchain import Toolchain

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_FAILED = 1
_USUAL = (
    *("bufio", "bytes", "context", "encoding/json", "errors", "fmt", "io", "log", "maps", "math"),
    *("math/rand", "os", "path/filepath", "reflect", "regexp", "runtime/debug", "slices", "sort"),
    *("strconv", "strings", "sync", "sync/atomic", "testing", "time", "unicode"),
)


def main(job: dict[str, Any], stage: Stage) -> int:
    """Run a job and return its exit status; negative the signal that ended the program."""
    toolchain = Toolchain(stage)
    if toolchain.go is None:
        stage.say("There is no Go toolchain (`go`) in the sandbox.\n")
        return 127
    project.text_of.cache_clear()
    if job["kind"] == "tests":
        from .tests import run_tests  # here: a file that is run needs none of it

        return run_tests(list(job["targets"]), toolchain, stage)
    if job["kind"] == "chunks":
        from .chunks import run_chunks  # here: as above

        return run_chunks(str(job["path"]), list(job["chunks"]), toolchain, stage)
    path = str(job["path"])
    if path.endswith("_test.go"):
        from .tests import run_tests  # here: as above

        return run_tests([path], toolchain, stage)
    return _run_file(path, list(job.get("args") or ()), toolchain, stage)


def warm(stage: Stage) -> None:
    """Have the standard library built before a run needs it: the image's, else the usual part."""
    toolchain = Toolchain(stage)
    if toolchain.go is not None and not toolchain.seed():
        # Run again and again until it got through; what is built by then is kept.
        stage.tool([toolchain.go, "build", *_USUAL], cwd=stage.scratch, env=toolchain.environment)


def execute(binary: str, args: list[str], sources: list[str], stage: Stage) -> int:
    """Run a built program and report how it failed, if it did.

    Args:
        binary: the program.
        args: its arguments.
        sources: the files it was built from, absolute, where a call that ended it may stand.
        stage: where it runs.
    """
    ended = stage.program([binary, *args])
    if ended.exit > 0:
        from .endings import report_of  # here: most programs end well

        stage.report(report_of(ended.exit, ended.stderr, sources, Sources(stage.root)))
    return ended.exit


def report_build(said: str, folder: str, module: project.Module | None, stage: Stage) -> None:
    """Show what the toolchain said, and report it."""
    from .compile_errors import diagnostics  # here: most builds work

    stage.say(said if said.endswith("\n") else said + "\n")
    sources = Sources(stage.root)
    codes: dict[str, Code] = {}

    def load(path: str) -> Code:
        return codes.setdefault(path, Code(sources.lines(path)))

    def folder_of(package: str) -> str | None:
        found = module.folder_of(package) if module else None
        return os.path.relpath(found, stage.root) if found else None

    for report in diagnostics(said, folder, stage.root, load, folder_of):
        stage.report(report)


def _run_file(path: str, args: list[str], toolchain: Toolchain, stage: Stage) -> int:
    file = os.path.join(stage.root, path)
    folder = os.path.dirname(file)
    module = project.module_of(folder, stage.root)
    chosen = project.companions(file)
    if chosen is None:
        names = [name for name in project.go_files(folder) if not name.endswith("_test.go")]
        chosen = [os.path.join(folder, name) for name in names]
        start, packages = [folder], ["."]
    else:
        start, packages = chosen, [os.path.relpath(each, folder) for each in chosen]
    if module is None:
        start, packages = chosen, [os.path.relpath(each, folder) for each in chosen]
    program = project.package_of(file) == "main" and any(map(project.has_main, chosen))
    key = toolchain.key(module, start, tests=False)
    if not toolchain.has(key):
        overlay = toolchain.guard(folder, "main") if program else {}
        if packages != ["."]:
            packages += [os.path.basename(each) for each in overlay]
        out = ["-o", toolchain.binary(key)] if program else ["-o", os.devnull]
        worked, said = toolchain.build(["build", *out, *packages], folder, module, overlay)
        if not worked:
            report_build(said, folder, module, stage)
            return _FAILED
    if not program:
        name = project.package_of(file)
        message = (
            f"package {name} compiles; it is a library, so there is nothing to run but its tests"
            if name != "main"
            else "the package compiles, but has no function main to run"
        )
        stage.report({"type": "note", "message": message})
        stage.say(message + "\n")
        return 0
    return execute(toolchain.binary(key), args, chosen, stage)
