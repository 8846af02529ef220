"""Run Rust: a file, a selection, tests."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.freshness import Tree
from fixwright_sandbox.guest.pieces import Assembled

from . import build, panics, project
from .places import Places
from .selection import program, shows_a_value
from .testing import run_tests

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Ended, Stage

_FAILED = 101
_MAIN = re.compile(r"\bfn\s+main\b")


def main(job: dict[str, Any], stage: Stage) -> int:
    """Run the job; returns the program's exit status, negative for a signal."""
    if job["kind"] == "tests":
        return run_tests(stage, list(job["targets"]))
    if job["kind"] == "chunks":
        return _run_chunks(stage, str(job["path"]), job["chunks"])
    return _run_file(stage, str(job["path"]), list(job.get("args", ())))


def warm(stage: Stage) -> None:
    """Have the compiler and the linker in memory."""
    path = os.path.join(stage.scratch, "warm.rs")
    with open(path, "w", encoding="utf-8") as file:
        file.write("fn main() {}\n")
    argv = ["rustc", "--emit=link", "-o", os.path.join(stage.scratch, "warm"), path]
    stage.tool(argv, cwd=stage.scratch, env=stage.environment)


def _run_file(stage: Stage, path: str, args: list[str]) -> int:
    if not os.path.isfile(os.path.join(stage.root, path)):
        message = f"There is no file {path} to run."
        stage.report(panics.simple("FileNotFoundError", message))
        stage.say(message)
        return 2
    manifest = project.manifest_above(stage.root, path)
    if manifest is not None:
        status = _run_in_package(stage, manifest, path, args)
        if status is not None:
            return status
    places = Places(stage.root)
    lone = not _MAIN.search(places.source(path).text)
    built = build.rustc(stage, path, places, extra=_AS_LIBRARY if lone else ())
    if not built.ok:
        return _FAILED
    if lone:
        return _nothing_to_run(stage, path)
    return _run(stage, [built.executables[0]["path"], *args], places, path, _variables(stage))


_AS_LIBRARY = ("--crate-type=lib",)


def _run_in_package(stage: Stage, manifest: str, path: str, args: list[str]) -> int | None:
    """Run a file of a package; None when no target of the package has it."""
    found = project.packages(stage, manifest)
    if found is None:
        return _FAILED
    full = os.path.join(stage.root, path)
    package = project.owner(found, full)
    if package is None:
        return None
    places = Places(stage.root, package.workspace)
    target = project.target_of(package, full, places)
    if target is None:
        return None
    if target.kind == "test":
        return run_tests(stage, [path])
    return _run_target(stage, package, target, places, args)


def _run_target(
    stage: Stage, package: project.Package, target: project.Target, places: Places, args: list[str]
) -> int:
    """Build what has a target in it, and run that where it is a program."""
    binary = project.binary_for(package, target)
    arguments = ["build", "--package", package.name]
    if binary is not None:
        arguments += [f"--{binary.kind}", binary.name]
    elif target.kind in project.LIBRARIES:
        arguments.append("--lib")
    tree = Tree(stage.root, os.path.join(stage.cache, "tree.json"))
    tree.save()
    built = build.cargo(stage, package.manifest, arguments, places, tree)
    if not built.ok:
        return _FAILED
    programs = [p for p in built.executables if binary is not None and p["src"] == binary.src]
    if not programs:
        return _nothing_to_run(stage, places.sources.path(target.src))
    variables = {
        **_variables(stage),
        "CARGO_MANIFEST_DIR": package.folder,
        "CARGO_PKG_NAME": package.name,
    }
    argv = [programs[0]["path"], *args]
    return _run(stage, argv, places, programs[0]["src"], variables)


def _run_chunks(stage: Stage, path: str, chunks: list[dict[str, Any]]) -> int:
    """Compile and run pieces of a file; a last expression that can't be shown is not shown."""
    whole = build.read(os.path.join(stage.root, path))
    if not shows_a_value(chunks):
        return _run_selection(stage, path, chunks, whole, show=False, last=True)[0]
    status, shown = _run_selection(stage, path, chunks, whole, show=True, last=False)
    if shown:
        return status
    return _run_selection(stage, path, chunks, whole, show=False, last=True)[0]


def _run_selection(
    stage: Stage, path: str, chunks: list[dict[str, Any]], whole: str, *, show: bool, last: bool
) -> tuple[int, bool]:
    """Return the status, and whether it is the end of it; nothing is said of what is not."""
    text = program(chunks, whole, show=show)
    folder = os.path.join(stage.scratch, "shown" if show else "plain")
    file = os.path.join(folder, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "w", encoding="utf-8") as handle:
        handle.write(text.text)
    places = Places(stage.root)
    places.add(path, text.text)
    libraries = _libraries(stage, path, text.text)
    if libraries is None:
        return _FAILED, True
    told: list[tuple[dict[str, Any], str]] = []

    def take(report: dict[str, Any], rendered: str) -> None:
        told.append((report, rendered))

    built = build.rustc(
        stage,
        file,
        places,
        extra=(f"--remap-path-prefix={folder}/=", "-Aunused", *libraries),
        report=take,
    )
    if not built.ok and not last:
        return _FAILED, not any(report["kind"] == "E0277" for report, _ in told)
    for report, rendered in told:
        for place in (report, *report["related"], *_edits(report)):
            if place["path"] == path:
                text.move_back(place)
        stage.report(report)
        stage.say(rendered)
    if not built.ok:
        return _FAILED, True
    moved = _Moved(stage, path, text)
    argv = [built.executables[0]["path"]]
    return _run(stage, argv, places, path, _variables(stage), moved.report), True


class _Moved:
    """Reports with the places of a selection moved back to those of the file."""

    def __init__(self, stage: Stage, path: str, text: Assembled) -> None:
        self._stage = stage
        self._path = path
        self._text = text

    def report(self, report: dict[str, Any]) -> None:
        """Send a report of a run of the selection."""
        for place in (*report["frames"], *filter(None, [report["place"]])):
            if place["path"] == self._path:
                self._text.move_back(place)
        self._stage.report(report)


def _edits(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [edit for fix in report["fixes"] for edit in fix["edits"]]


def _libraries(stage: Stage, path: str, text: str) -> tuple[str, ...] | None:
    """Return how a selection finds the libraries of its package that it names."""
    manifest = project.manifest_above(stage.root, path)
    if manifest is None:
        return ()
    found = project.packages(stage, manifest)
    if found is None:
        return None
    package = project.owner(found, os.path.join(stage.root, path))
    if package is None or not any(
        re.search(rf"\b{re.escape(name)}\b", text) for name in package.crates
    ):
        return ()
    tree = Tree(stage.root, os.path.join(stage.cache, "tree.json"))
    tree.save()
    places = Places(stage.root, package.workspace)
    built = build.cargo(stage, manifest, ["build", "--package", package.name], places, tree)
    if not built.ok:
        return None
    folder = os.path.join(stage.cache, "target", "debug", "deps")
    externs = [f"--extern={name}={file}" for name, file in built.libraries.items()]
    return (f"-Ldependency={folder}", *externs)


def _run(
    stage: Stage,
    argv: list[str],
    places: Places,
    main_file: str,
    variables: dict[str, str],
    report: Any = None,
) -> int:
    ended: Ended = stage.program(argv, cwd=stage.root, env=variables)
    text = ended.stderr.decode("utf-8", "replace")
    for failure in panics.failures(text, ended.exit, places, main_file):
        (report or stage.report)(failure)
    return ended.exit


def _variables(stage: Stage) -> dict[str, str]:
    return {"RUST_BACKTRACE": "1", **stage.environment}


def _nothing_to_run(stage: Stage, path: str) -> int:
    message = f"{path} was compiled; it has no main function, so there is nothing to run."
    stage.report({"type": "note", "message": message})
    stage.say(message)
    return 0
