"""A Node.js that is kept: cells are executed one after the other in it, see `session.cjs`."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn, cast

from fixwright_sandbox.guest.cells import INTERRUPTED, Cell, Line, Place
from fixwright_sandbox.guest.drive import end
from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Span

from . import esbuild_log
from .cell import Import, rewritten
from .driver import Program, read_records
from .failures import Told, report_of
from .script import Script
from .transform import ENDINGS, TARGET, Prepared

_MAP = re.compile(r"^//# sourceMappingURL=data:application/json;base64,(\S+)\s*\Z", re.MULTILINE)
_DECLARED = re.compile(r"^Identifier '([^']+)' has already been declared$")
_VERBATIM = '{"compilerOptions":{"verbatimModuleSyntax":true}}'
_NOT_STARTED = 127
_BASE = "session.js"
"""Beside which the modules lie that are imported by a cell that stands in no file."""


def main(line: Line, place: Place) -> NoReturn:
    """Execute what comes over the line until it ends, or Node does."""
    assert place.stage is not None  # Node has a cache
    node = _Node(Program(place.stage))
    signal.signal(signal.SIGINT, node.interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    while (cell := line.take()) is not None:
        status = node.execute(cell)
        os.close(cell.stdin)
        if status is None:
            end(node.ended())
        line.answer(status)
    end(0)


class _Sources(Sources):
    """The files as they are now, and the text of a cell that stands in none."""

    def __init__(self, root: str, name: str, text: str) -> None:
        super().__init__(root)
        self._name = os.path.join(self.root, name)
        self._text = text

    def lines(self, filename: str) -> list[str]:
        """As for any file."""
        if os.path.join(self.root, filename) == self._name and not os.path.isfile(self._name):
            return self._text.split("\n")
        return super().lines(filename)


@dataclass(frozen=True)
class _Made:
    """What is run of a cell: its code, the map where that is not the text, what it imports."""

    code: str
    map: str | None
    imports: list[Import]


class _Node:
    """The process, and the line to it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stage = program.stage
        self._root = program.sources.root
        self._records = os.path.join(program.stage.scratch, "records")
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._running = False
        self._interrupted = False
        self._interrupts = -1

    # ---- a cell

    def execute(self, cell: Cell) -> int | None:
        """Execute a cell; its status, None where Node has ended."""
        self._number += 1
        self._interrupted = False
        text = "\n" * cell.line + " " * cell.column + cell.text.replace("\r\n", "\n")
        name = cell.path or f"<cell {self._number}>"
        told = Told(_Sources(self._root, name, text))
        typed = name.endswith(ENDINGS)
        made = self._transformed(name, text, told) if typed else _Made(*_plain(text))
        if made is None:
            return INTERRUPTED if self._interrupted else 1
        done = self._perform(cell, name, made, text)
        if done is not None and done.get("place") and cell.path is None and not typed:
            other = self._transformed(f"{name}.ts", text, told, quiet=True)
            if other is not None:
                made, done = other, self._perform(cell, name, other, text)
        return None if done is None else self._judge(done, made, name, told)

    def _perform(self, cell: Cell, name: str, made: _Made, text: str) -> dict[str, Any] | None:
        if self._process is None and not self._start():
            return None
        file = os.path.join(self._root, name)
        lines = text[text.find(cell.text.lstrip()) :] if cell.line else text
        first = len(text) - len(lines)
        order = {
            "number": self._number,
            "name": f"fixwright-cell:{self._number}",
            "file": file,
            "gone": os.path.join(self._root, f"<{name} as it was>"),
            "moves": cell.path is not None,
            "line": text.count("\n", 0, first),
            "lines": lines.rstrip("\n").split("\n"),
            "base": file if cell.path else os.path.join(self._root, _BASE),
            "stdin": f"/proc/{os.getpid()}/fd/{cell.stdin}",
            "code": made.code,
            "map": made.map,
            "imports": [each.order() for each in made.imports],
            "typed": made.map is not None,
        }
        if self._interrupted:
            return {"done": INTERRUPTED}
        self._running = True
        try:
            self._line.write(json.dumps(order).encode() + b"\n")
            self._line.flush()
            return self._answer()
        except ConnectionError:
            return None
        finally:
            self._running = False

    def _answer(self) -> dict[str, Any] | None:
        """Hand on what the cell shows, until it has ended."""
        for line in self._line:
            message = cast("dict[str, Any]", json.loads(line))
            if "done" in message:
                return message
            report = {"type": "result", "data": message["result"], "execution": self._number}
            self._stage.report(report)
        return None

    def _judge(self, done: dict[str, Any], made: _Made, name: str, told: Told) -> int:
        status = int(done["done"])
        if status == INTERRUPTED:
            self._stage.report(report_of("SIGINT", "interrupted"))
        elif status:
            report = told.exception(done["error"])
            place = done.get("place")
            if place is None and _DECLARED.match(report["message"]):
                place, report["frames"] = {"line": 0, "column": 0}, []
            if place is not None:
                script = told.script(os.path.join(self._root, name))
                report["place"] = _syntax_place(script, name, place, report["message"])
                self._stage.say(f"{name}:{report['place']['line'] + 1}\n\n{_printed(report)}\n")
            elif done.get("importing") is not None:
                _at_the_import(report, name, made.imports[int(done["importing"])].span)
            self._stage.report(report)
        return status

    def _transformed(
        self, name: str, text: str, told: Told, *, quiet: bool = False
    ) -> _Made | None:
        """Make JavaScript of TypeScript or JSX; None, and a report, where it can't be parsed."""
        esbuild = self._program.tools.esbuild
        if esbuild is None:
            if not quiet:
                self._program.no_tool()
            return None
        ending = name.rpartition(".")[2]
        argv = [esbuild, f"--loader={ending.removeprefix('m').removeprefix('c')}", "--format=esm"]
        argv += [f"--target={TARGET}", f"--sourcefile={name}", "--sourcemap=inline"]
        argv += ["--color=false", "--log-limit=50", f"--tsconfig-raw={_VERBATIM}"]
        if ending.endswith("x"):
            own = "React" in Script(text.split("\n")).words()
            argv.append("--jsx=transform" if own else "--jsx=automatic")
        done = self._stage.tool(argv, cwd=self._root, stdin=text.encode("utf-8", "replace"))
        if done.exit:
            if not quiet and not self._interrupted:
                log = done.stderr.decode("utf-8", "replace")
                for report in esbuild_log.diagnostics(log, told.sources):
                    self._stage.report(report)
                self._stage.say(log)
            return None
        code = done.stdout.decode()
        found = _MAP.search(code)
        source_map = base64.b64decode(found[1]).decode() if found else None
        plain, imports = rewritten(_MAP.sub("", code))
        return _Made(plain, source_map, imports)

    # ---- the process

    def _start(self) -> bool:
        ours, theirs = socket.socketpair()
        reading, self._interrupts = os.pipe()
        config = {
            **self._program.configuration(Prepared(), self._root, shows=False),
            "loads": self._program.tools.esbuild is not None,
            "cells": True,
        }
        handles = (theirs.fileno(), reading)
        # Code that is ended from outside leaves its asynchronous context as it was.
        argv = [self._program.tools.node, "--no-force-async-hooks-checks"]
        argv += self._program.hook(config)
        argv += [self._stage.data("session.cjs"), *map(str, handles)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 (what this is for)
                argv, env=self._stage.environment, pass_fds=handles
            )
        except OSError as error:
            self._stage.say(f"{argv[0]}: {error.strerror}\n")
            return False
        theirs.close()
        os.close(reading)
        self._line = ours.makefile("rwb")
        return True

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Node has heard it, too; its second thread sees that it obeys."""
        self._interrupted = True
        if self._running:
            os.write(self._interrupts, self._number.to_bytes(4, "little"))

    def ended(self) -> int:
        """Tell how Node failed; return how it ended, as `end` wants it."""
        if self._process is None:
            return _NOT_STARTED
        status = self._process.wait()
        records = [each for each in read_records(self._records) if not each.get("handled")]
        for report in self._program.told.failures(records, "", status):
            self._stage.report(report)
        return status


def _at_the_import(report: dict[str, Any], name: str, span: Span) -> None:
    """Say where the import stands, unless it was the module's own code that failed."""
    loads = (name, _BASE)  # the frame of what imports for the cell
    report["frames"] = [each for each in report["frames"] if each["path"] not in loads]
    if not any(not each["path"].startswith(("/", "<")) for each in report["frames"]):
        report["frames"] = []
        report["place"] = {"path": name, **span.report()}


def _plain(text: str) -> tuple[str, None, list[Import]]:
    code, imports = rewritten(text)
    return code, None, imports


def _syntax_place(script: Script, name: str, place: dict[str, int], message: str) -> dict[str, Any]:
    line, column = place["line"], place["column"]
    declared = _DECLARED.match(message)
    if declared is not None:
        word = re.compile(rf"(?<![\w$.#]){re.escape(declared[1])}(?![\w$])")
        found = word.search(script.bare)
        span = script.span(*found.span()) if found else script.line_span(line)
    else:
        span = script.blamed(line, script.column_of(line, column))
    return {"path": name, **span.report()}


def _printed(report: dict[str, Any]) -> str:
    return f"{report['kind']}: {report['message']}"
