"""Compile Java sources, unless the classes of exactly these are there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

from fixwright_sandbox.guest.freshness import Tree

from .project import Project
from .spans import Index
from .toolbox import Toolbox, compile_argv

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_SERVICES = (
    "META-INF/services/javax.annotation.processing.Processor",
    "META-INF/services/com.sun.source.util.Plugin",
)
_KEPT = 8
"""How many sets of classes stay in the cache."""


class Compiled(NamedTuple):
    """Classes and what is known of their sources.

    Attributes:
        ok: whether there are any.
        classes: the folder of the classes.
        spans: where expressions stand.
        diagnostics: the compiler's, as it reported them; paths absolute.
        said: what else it said.
    """

    ok: bool
    classes: str
    spans: Index
    diagnostics: tuple[dict[str, Any], ...]
    said: str


def compile_sources(
    stage: Stage, tools: Toolbox, project: Project, files: list[str], extra: tuple[str, ...] = ()
) -> Compiled:
    """Compile files with what they need of their source folders.

    Libraries that have annotation processors run them in the compiler. They may be anyone's, so
    the cache is guarded from then on, and what they make is compiled anew each time.

    Args:
        stage: the run's.
        tools: ours.
        project: their folders and libraries.
        files: absolute paths.
        extra: more of javac's options.
    """
    trees = [
        Tree(root, _record(stage, root), ".java") for root in project.roots if os.path.isdir(root)
    ]
    for tree in trees:
        tree.save()
    known = [tree.digest for tree in trees]
    total = hashlib.sha256(
        repr((known, [_content(file) for file in files], files, project, extra)).encode()
    ).hexdigest()[:32]
    sets = os.path.join(stage.cache, "classes")
    foreign = any(_runs_in_the_compiler(jar) for jar in project.libraries)
    folder = os.path.join(stage.scratch if foreign else sets, total)
    record = os.path.join(folder, "record.json")
    if os.path.isfile(record):
        os.utime(folder)
        with open(record, encoding="utf-8") as file:
            return _compiled(folder, json.load(file), "", ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    classes = os.path.join(folder, "classes")
    os.makedirs(classes)
    if not foreign:
        _forget_old(sets, total)
    arguments = os.path.join(stage.scratch, "javac.txt")
    with open(arguments, "w", encoding="utf-8") as file:
        options = _options(tools, project, classes, foreign=foreign)
        file.write("\n".join([*options, *extra, "--", *files]))
    done = stage.tool(
        compile_argv(tools, arguments), cwd=stage.root, env=stage.environment, runs_code=foreign
    )
    lines = _read(done.stdout)
    said = done.stderr.decode("utf-8", "replace")
    if done.exit == 0:
        with open(record, "w", encoding="utf-8") as file:
            json.dump(lines, file)
    return _compiled(folder, lines, said, ok=done.exit == 0)


def _options(tools: Toolbox, project: Project, classes: str, *, foreign: bool) -> list[str]:
    """What javac is told. Where nothing foreign is to run, it is given nowhere to look for it."""
    libraries = project.class_path(tools.junit)
    return [
        "-d",
        classes,
        "-g",
        *(() if foreign else ("-proc:none",)),
        "-processorpath",  # named, since without it JDK 23 and later run none
        os.pathsep.join(project.libraries) if foreign else classes,
        "-sourcepath",
        os.pathsep.join(project.roots),
        "-cp",
        os.pathsep.join(libraries) or classes,
    ]


def _runs_in_the_compiler(jar: str) -> bool:
    """Whether a jar says that it has annotation processors or plugins of the compiler."""
    try:
        with zipfile.ZipFile(jar) as archive:
            names = set(archive.namelist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False  # then they are not run, see `_options`
    return not names.isdisjoint(_SERVICES)


def _compiled(folder: str, lines: list[dict[str, Any]], said: str, *, ok: bool) -> Compiled:
    return Compiled(
        ok,
        os.path.join(folder, "classes"),
        Index([line for line in lines if line["type"] == "unit"]),
        tuple(line for line in lines if line["type"] == "diagnostic"),
        said,
    )


def _read(data: bytes) -> list[dict[str, Any]]:
    lines = data.decode("utf-8", "replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def _record(stage: Stage, root: str) -> str:
    name = hashlib.sha256(root.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(stage.cache, "trees", f"{name}.json")


def _content(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def _forget_old(sets: str, kept: str) -> None:
    others = [os.path.join(sets, name) for name in os.listdir(sets) if name != kept]
    for folder in sorted(others, key=os.path.getmtime)[: -(_KEPT - 1)]:
        shutil.rmtree(folder, ignore_errors=True)
