"""Run Rust's tests: a package's, and those of files that are crates of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fixwright_sandbox.guest.freshness import Tree

from . import build, panics, project
from .examples import Examples
from .listener import LIBTEST, Report
from .modules import Crate
from .places import Places
from .wanted import Wanted, read_wanted

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_FAILED = 101
"""The exit status of cargo and libtest when a test has failed."""
_MOST_ALONE = 64


def run_tests(stage: Stage, targets: list[str]) -> int:
    """Run the tests that are wanted; returns the exit status."""
    wanted = [read_wanted(stage.root, target) for target in targets] or [Wanted("", "")]
    manifests: dict[str | None, list[Wanted]] = {}
    for one in wanted:
        manifests.setdefault(_manifest(stage.root, one.path), []).append(one)
    status = ran = 0
    for manifest, ones in manifests.items():
        run = _lone(stage, ones) if manifest is None else _cargo(stage, manifest, ones)
        status, ran = status or run[0], ran + run[1]
    if not ran and not status:
        message = "No test was found" + (f" in {', '.join(targets)}." if targets else ".")
        stage.report(panics.simple("NoTestsFound", message))
        stage.say(message)
        return 4
    return status


def _manifest(root: str, path: str) -> str | None:
    above = project.manifest_above(root, path)
    if above is not None or path.endswith(".rs"):
        return above
    for folder, names, files in os.walk(os.path.join(root, path)):
        names[:] = sorted(name for name in names if name not in ("target", ".git"))
        if "Cargo.toml" in files:
            return os.path.join(folder, "Cargo.toml")
    return None


# ---- files that are crates of their own


def _lone(stage: Stage, ones: list[Wanted]) -> tuple[int, int]:
    places = Places(stage.root)
    status = ran = 0
    ready: list[tuple[str, list[str], Report]] = []
    for path in dict.fromkeys(file for one in ones for file in _files(stage.root, one.path)):
        crate = Crate(path, places)
        if not crate.tests:
            continue
        built = build.rustc(stage, path, places, test=True)
        if not built.ok:
            status = _FAILED
            continue
        wanted = [one.name for one in ones if one.path in (path, "") and one.name]
        exact = [name for below in wanted for name in crate.names(path, below)]
        ready.append((built.executables[0]["path"], exact, Report(stage, crate, places)))
    # All is built before anything of it runs: what runs must not reach what is built later.
    for binary, exact, report in ready:
        status = _run(stage, binary, exact, report, stage.root) or status
        ran += report.count
    return status, ran


def _files(root: str, path: str) -> list[str]:
    if path.endswith(".rs"):
        return [path]
    found: list[str] = []
    for folder, names, files in os.walk(os.path.join(root, path)):
        names[:] = sorted(name for name in names if name not in ("target", ".git"))
        found += [
            os.path.relpath(os.path.join(folder, name), root)
            for name in sorted(files)
            if name.endswith(".rs")
        ]
    return found


# ---- packages


def _cargo(stage: Stage, manifest: str, ones: list[Wanted]) -> tuple[int, int]:
    found = project.packages(stage, manifest)
    if found is None or not found:
        return _FAILED, 0
    places = Places(stage.root, found[0].workspace)
    tree = Tree(stage.root, os.path.join(stage.cache, "tree.json"))
    tree.save()
    runs: list[Callable[[], Report]] = []
    for package in found:
        chosen = [each for each in _chosen(stage.root, found, ones, places) if each[0] == package]
        selectors = [word for _, target, _ in chosen for word in _selector(target)]
        if selectors:
            arguments = ["test", "--no-run", "--package", package.name, *selectors]
            built = build.cargo(stage, manifest, arguments, places, tree)
            if not built.ok:
                return _FAILED, 0
            runs += [
                partial(_run_target, stage, program["path"], names, target, places, package)
                for _, target, names in chosen
                for program in built.executables
                if program["src"] == target.src and program["test"]
            ]
        examples = Examples(stage, package, places, tree)
        filters = examples.wanted(ones)
        if filters:
            argv = examples.build(filters)
            if argv is None:
                return _FAILED, 0
            runs.append(partial(examples.run, argv, filters))
    status = ran = 0
    # All is built before anything of it runs: what runs must not reach what is built later.
    for run in runs:
        report = run()
        status, ran = (_FAILED if report.failed else status), ran + report.count
    return status, ran


def _run_target(
    stage: Stage,
    program: str,
    names: list[str],
    target: project.Target,
    places: Places,
    package: project.Package,
) -> Report:
    report = Report(stage, Crate(places.sources.path(target.src), places), places)
    if _run(stage, program, names, report, package.folder):
        report.failed = True
    return report


def _chosen(
    root: str, found: list[project.Package], ones: list[Wanted], places: Places
) -> list[tuple[project.Package, project.Target, list[str]]]:
    """Return the targets to build, each with the exact names to run in it; none is all."""
    chosen: list[tuple[project.Package, project.Target, list[str]]] = []
    for package in found:
        for target in package.targets:
            if target.kind not in (*project.LIBRARIES, "bin", "test"):
                continue
            crate = Crate(places.sources.path(target.src), places)
            names: list[str] = []
            whole = False
            for one in ones:
                path = os.path.join(root, one.path) if one.path else root
                if os.path.isdir(path):
                    whole = whole or target.src.startswith(path + os.sep)
                elif one.path in crate.files:
                    below = crate.names(one.path, one.name)
                    names += below or ([one.name] if one.name and one.path == crate.root else [])
                    whole = whole or (one.path == crate.root and not one.name)
            if whole or names:
                chosen.append((package, target, [] if whole else names))
    return chosen


def _selector(target: project.Target) -> list[str]:
    if target.kind in project.LIBRARIES:
        return ["--lib"]
    return [f"--{target.kind}", target.name]


def _run(stage: Stage, program: str, names: list[str], report: Report, folder: str) -> int:
    argv = [program, *LIBTEST, *(("--exact", *names) if names else ())]
    environment = {
        **build.environment(stage),
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_MANIFEST_DIR": folder,
    }
    ended = stage.stream(argv, report.event, cwd=folder, env=environment)
    how = _how(ended.exit)
    stderr = ended.stderr.decode("utf-8", "replace")
    interrupted = report.interrupted() if ended.exit not in (0, _FAILED) else []
    if len(interrupted) == 1:
        report.unfinished(interrupted, how, stderr)
    elif len(interrupted) <= _MOST_ALONE:
        # One of them ended the process: each alone tells which.
        for name in interrupted:
            _run(stage, program, [name], report, folder)
    else:
        report.unfinished(interrupted, how, stderr)
    if report.silent and not names:
        report.whole(how, ended.exit, stderr)
    return _FAILED if report.failed or ended.exit else 0


def _how(exit_code: int) -> str:
    if exit_code >= 0:
        return f"with status {exit_code}"
    try:
        return f"by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"by signal {-exit_code}"
