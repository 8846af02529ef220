"""Run JavaScript and TypeScript: a file, pieces of one, or tests."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, cast

from fixwright_sandbox.guest.pieces import Piece, assemble
from fixwright_sandbox.guest.sources import Sources

from . import esbuild_log, typecheck
from .failures import Told, report_of
from .project import Project
from .script import Script
from .tools import Tools
from .transform import ENDINGS, TARGET, Prepared, Transformer

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Ended, Stage

_SYNTAX = re.compile(r"^SyntaxError: (.*)$", re.MULTILINE)
_HEAP_SHARE = 0.75
_MIB = 1 << 20
_WARM_SECONDS = 20
_MOST_WARMED = 2_000
_RECORD_BYTES = 8 << 20
_NO_TOOL = (
    "TypeScript and JSX need esbuild, which the sandbox has not: use the image for Node, or "
    "install esbuild in the project (npm install --save-dev esbuild)"
)


def main(job: dict[str, Any], stage: Stage) -> int:
    """Run a job; return the exit status, or a signal's number negated."""
    if job["kind"] == "tests":
        from .tests import run_tests  # here: a run of a file needs none of it

        return run_tests([str(t) for t in job["targets"]], str(job["framework"]), Program(stage))
    return Program(stage).run(job)


def warm(stage: Stage) -> None:
    """Transform the tree's TypeScript, and let the compilers' pages be read, before a run asks."""
    program = Program(stage)
    stage.tool([program.tools.node, "-e", "0"], timeout=_WARM_SECONDS)
    files = list(_typed_files(program.project.root))
    if files:
        program.prepare(files)


class Program:
    """Starts programs with the hook, and tells how they failed."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.project = Project(stage.root)
        self.tools = Tools(self.project, stage.environment)
        self.sources = Sources(self.project.root)
        self.told = Told(self.sources)
        self._loaded = Prepared()

    def run(self, job: dict[str, Any]) -> int:
        """Run a file, or pieces of it."""
        path = str(job["path"])
        file = os.path.join(self.project.root, path)
        args = [str(arg) for arg in job.get("args", ())]
        if job["kind"] == "chunks":
            prepared = self._selection(file, path, cast("list[dict[str, Any]]", job["chunks"]))
        elif not os.path.isfile(file):
            self.stage.report(report_of("ENOENT", f"there is no file {path}"))
            self.stage.say(f"node: there is no file {path}\n")
            return 1
        elif path.endswith(ENDINGS):
            prepared = self.prepare([file])
        else:
            prepared = Prepared()
        if prepared is None:
            return 1
        if self._tell_broken(prepared, [file]):
            return 1
        config = self.configuration(prepared, file, shows=job["kind"] == "chunks")
        ended = self.stage.program([self.tools.node, *self.hook(config), path, *args])
        return self.judge(config["records"], ended, file)

    def prepare(self, files: list[str]) -> Prepared | None:
        """Transform what files load; None, and a report, where nothing can.

        Without esbuild, a Node from 22.18 on runs what it knows of TypeScript by itself.
        """
        esbuild = self.tools.esbuild
        if esbuild is None and self._strips(files):
            return Prepared()
        if esbuild is None:
            self.no_tool()
            return None
        return Transformer(self.stage, self.project, esbuild).prepare(files)

    def no_tool(self) -> None:
        """Report that there is no esbuild."""
        self.stage.report(report_of("ToolMissing", _NO_TOOL))
        self.stage.say(f"{_NO_TOOL}\n")

    def _strips(self, files: list[str]) -> bool:
        if any(file.endswith("x") for file in files):
            return False
        asked = [self.tools.node, "-p", "process.features.typescript"]
        return self.stage.tool(asked).stdout.strip() in (b"strip", b"transform")

    def unreadable(self, file: str) -> dict[str, Any] | None:
        """Return the report of what keeps a file from being parsed; None for one that can be."""
        if file.endswith(ENDINGS):
            broken = self._checked(file)
            if not broken:
                return None
            report = report_of("SyntaxError", broken[0]["message"])
            keys = ("path", "line", "column", "endLine", "endColumn")
            return {**report, "place": {key: broken[0][key] for key in keys}}
        done = self.stage.tool([self.tools.node, "--check", file])
        stderr = done.stderr.decode("utf-8", "replace")
        match = _SYNTAX.search(stderr)
        if done.exit == 0 or match is None:
            return None
        return self.told.exception({"kind": "SyntaxError", "message": match[1]}, stderr=stderr)

    def _checked(self, file: str) -> list[dict[str, Any]]:
        """Return what esbuild says against a file; nothing is kept of what it makes of it."""
        esbuild = self.tools.esbuild
        if esbuild is None:
            return []
        text = "\n".join(self.sources.lines(file))
        transformer = Transformer(self.stage, self.project, esbuild)
        name = self.sources.path(file)
        _, log = transformer.text(text, name, os.path.join(self.stage.scratch, "checked.js"))
        return esbuild_log.diagnostics(log, self.sources)

    def configuration(self, prepared: Prepared, file: str, *, shows: bool) -> dict[str, Any]:
        """Return what the hook is told."""
        self._loaded = prepared
        return {
            "records": os.path.join(self.stage.scratch, "records"),
            "loads": bool(prepared.files),
            "files": prepared.files,
            "esbuild": self.tools.esbuild,
            "target": TARGET,
            "paths": self.project.compiling(file).paths,
            "shows": file if shows else None,
        }

    def hook(self, config: dict[str, Any]) -> list[str]:
        """Return the arguments by which Node loads the hook before the program."""
        script = os.path.join(self.stage.scratch, "fixwright.cjs")
        with open(script, "w", encoding="utf-8") as file:
            hook = json.dumps(self.stage.data("hook.cjs"))
            file.write(f"'use strict';\nrequire({hook})({json.dumps(config)});\n")
        maps = ["--enable-source-maps"] if config["loads"] else []
        heap = int(self.stage.limits["memory_bytes"] * _HEAP_SHARE) // _MIB
        return [f"--max-old-space-size={max(heap, 64)}", *maps, "--require", script]

    def judge(self, records: str, ended: Ended, file: str) -> int:
        """Report what a program failed with; return its status."""
        stderr = ended.stderr.decode("utf-8", "replace")
        found = self.told.failures(read_records(records), stderr, ended.exit)
        broken = self._broken_among(found)
        if broken:
            found = broken
        status, told = ended.exit, list[dict[str, Any]]()
        if not broken and file.endswith(typecheck.ENDINGS):
            status, told = typecheck.after_run(self, file, found, status)
        for report in (*found, *told):
            self.stage.report(report)
        return status

    def _broken_among(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return esbuild's reports of the files that could not be loaded, if that was it."""
        if not any(report["kind"] == "SyntaxError" for report in found):
            return []
        messages = {report["message"] for report in found}
        listed = [r for reports in self._loaded.broken.values() for r in reports]
        return [report for report in listed if report["message"] in messages]

    def _tell_broken(self, prepared: Prepared, files: list[str]) -> bool:
        for file in files:
            for report in prepared.broken.get(file, ()):
                self.stage.report(report)
            if file in prepared.rendered:
                self.stage.say(prepared.rendered[file])
        return any(file in prepared.broken for file in files)

    def _selection(self, file: str, path: str, chunks: list[dict[str, Any]]) -> Prepared | None:
        """Make one text of the pieces, each at its own place, to be loaded as the file."""
        pieces = [Piece(str(c["text"]), int(c["line"]), int(c["column"])) for c in chunks]
        assembled = assemble(pieces)
        output = os.path.join(self.stage.scratch, "selection.js")
        script = Script(assembled.text.split("\n"))
        imported = [
            os.path.normpath(os.path.join(os.path.dirname(file), one.specifier))
            for one in script.imports()
            if one.specifier.startswith(".")
        ]
        prepared = Prepared()
        if path.endswith(ENDINGS):
            if self.tools.esbuild is None:
                return self.prepare([file])
            transformer = Transformer(self.stage, self.project, self.tools.esbuild)
            prepared = transformer.prepare(
                [f"{one}{e}" for one in imported for e in ("", ".ts", ".tsx")]
            )
            form, log = transformer.text(assembled.text, path, output)
            if log:
                reports = esbuild_log.diagnostics(log, self.sources)
                for report in reports:
                    assembled.move_back(report)
                prepared.broken[file], prepared.rendered[file] = reports, log
                return prepared
        else:
            form = Transformer(self.stage, self.project, "").format_of(path, script)
            if "await" in script.bare and script.is_module:
                form = "module"
            with open(output, "w", encoding="utf-8", errors="surrogateescape") as opened:
                opened.write(assembled.text)
        prepared.files[file] = {
            "code": output,
            "format": form,
            "pieces": _moved(assembled.lines),
        }
        return prepared


def read_records(path: str) -> list[dict[str, Any]]:
    """Return what the hook wrote down; what is no record is passed over."""
    try:
        with open(path, "rb") as file:
            lines = file.read(_RECORD_BYTES).split(b"\n")
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(cast("dict[str, Any]", value))
    return found


def _moved(lines: tuple[int | None, ...]) -> list[dict[str, int]]:
    """Return from which line on lines of the text are other ones of the file; none where none."""
    found: list[dict[str, int]] = []
    shift = 0
    for number, line in enumerate(lines):
        if line is not None and line - number != shift:
            shift = line - number
            found.append({"at": number, "line": line})
    return found


def _typed_files(root: str) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n != "node_modules")
        found += [os.path.join(folder, n) for n in sorted(names) if n.endswith(ENDINGS)]
        if len(found) > _MOST_WARMED:
            break
    return found
