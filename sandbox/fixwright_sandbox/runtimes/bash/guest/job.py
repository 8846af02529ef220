"""Run a Bash job, and say afterwards where and why it failed.

The shell tells where (see `prelude`), its messages on stderr tell why.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from fixwright_sandbox.guest.bounds import bounded_names, clip
from fixwright_sandbox.guest.cells import INTERRUPTED
from fixwright_sandbox.guest.sources import Sources

from .facts import command_names, span_in_line, variable_names
from .log import Record, Stop, cause_of, read_log
from .prelude import BACK, prelude

_MOST_NOTES = 3
_SIGNALLED = 128

_SAID = re.compile(r"^(?P<path>[^\n]{0,4096}?): (?:-c: |eval: )?line (?P<line>\d+): (?P<text>.*)$")
_SYNTAX = re.compile(
    r"^(syntax error|unexpected EOF while looking|unexpected argument|bad substitution)"
)
_NOT_FOUND = re.compile(r"^(?P<name>.+): command not found$")
_UNBOUND = re.compile(r"^(?P<name>[^:]+): unbound variable$")
_ENDED_JOB = re.compile(r"^ *\d+ [A-Z]")  # "12 Segmentation fault", of which the status tells
_UNSET = re.compile(r"^(?P<name>\w+): parameter (?:null or )?not set$")


class _Message(NamedTuple):
    """A message of the shell's own on stderr; `line` is one-based."""

    path: str
    line: int
    text: str


def command(job: dict[str, Any], scratch: str) -> tuple[list[str], dict[str, str]]:
    """Return the argument vector of a job and what it adds to the environment.

    Args:
        job: the job; its paths are relative to the current directory.
        scratch: a folder of the run's own, for the prelude and its log.
    """
    if job["kind"] == "tests":
        return ["bash", "-c", "echo 'there is no test runner for Bash' >&2; exit 2"], {}
    path = str(job["path"])
    log, root = _log(scratch), os.path.join(scratch, "root")
    if job["kind"] == "chunks":
        selection = _selection(job["chunks"])
        folders = [_piece(scratch, n, path, text) for n, text in enumerate(selection)]
        code = prelude(log, root, "\n".join(selection), path, folders)
    else:
        code = prelude(log, root, _text(path))
    argv = ["bash", "--", path, *job.get("args", ())]
    return argv, {"BASH_ENV": _write(_prelude(scratch), code)}


def reports(
    job: dict[str, Any], scratch: str, exit_code: int, stderr_tail: bytes
) -> list[dict[str, Any]]:
    """Return the report of a script that ended with a status other than zero.

    Args:
        job: the job.
        scratch: the folder that `command` was given.
        exit_code: the status; negative where a signal ended the shell itself, of which the
            runner knows all there is to know.
        stderr_tail: the end of what was written to stderr.
    """
    if exit_code <= 0 or job["kind"] not in ("file", "chunks", "cell"):
        return []
    if job["kind"] == "cell":
        from .cell_sources import CellSources  # here: it is few runs that are cells

        root = _text(os.path.join(scratch, "root")) or os.getcwd()
        cells = CellSources(root, scratch)
        return [_Failure(cells.current, scratch, exit_code, stderr_tail, cells).report()]
    return [_Failure(str(job["path"]), scratch, exit_code, stderr_tail).report()]


class _Failure:
    """Brings together what the shell wrote down and what it said."""

    def __init__(
        self,
        script: str,
        scratch: str,
        status: int,
        stderr: bytes,
        sources: Sources | None = None,
    ) -> None:
        self._script = script
        self._scratch = scratch
        self._status = status
        self._sources = sources or Sources(_text(os.path.join(scratch, "root")) or os.getcwd())
        self._is_cell = sources is not None
        self._stderr = stderr.decode("utf-8", "replace").splitlines()
        self._said = list(self._messages())
        self._records: list[Record] = []

    def report(self) -> dict[str, Any]:
        records = self._records = read_log(_log(self._scratch), _prelude(self._scratch))
        fatal = self._fatal()
        if fatal is not None:
            return self._from_message(fatal)
        cause = cause_of(records, self._status)
        last = records[-1] if records and records[-1].kind == "end" else None
        if cause is None and self._said and last is not None:
            return self._from_message(self._said[-1])
        if cause is not None and cause.stack:
            return self._from_record(cause)
        place = self._found(last.command) if last is not None else None
        stack = () if place is None else (place,)
        text = last.command if last is not None else ""
        folder = last.folder if last is not None else ""
        return self._from_record(Record("end", self._status, text, 1, 0, folder, stack))

    def _messages(self) -> Iterator[_Message]:
        for line in self._stderr:
            match = _SAID.match(line)
            if match and not _ENDED_JOB.match(match["text"]):
                yield _Message(match["path"], int(match["line"]), match["text"])

    def _fatal(self) -> _Message | None:
        """Return the last message, if it is one after which Bash ends the script by itself."""
        last = [m for m in self._said if not m.text.startswith("`")]
        if not last:
            return None
        message = last[-1]
        if _SYNTAX.match(message.text):
            group = [m for m in last[-2:] if _SYNTAX.match(m.text) and m.path == message.path]
            return group[0]
        dies = _UNBOUND.match(message.text) or _UNSET.match(message.text)
        return message if dies else None

    def _from_message(self, message: _Message) -> dict[str, Any]:
        stop = Stop(message.path, message.line, "main")
        return self._report(message, "", (stop,))

    def _from_record(self, record: Record) -> dict[str, Any]:
        message = None
        if record.stack and record.kind == "command":
            here = record.stack[0]
            matching = [
                m
                for m in self._said
                if m.line == here.line and self._path(m.path) == self._path(here.source)
            ]
            message = matching[-1] if matching else None
        if message is not None:
            return self._report(message, record.command, record.stack)
        if record.pipeline > 1 and record.stack:
            here = record.stack[0]
            line = self._sources.line(self._path(here.source), here.line - 1) or ""
            record = record._replace(command=line.strip() or record.command)
        kind, text = self._of_status(record)
        return self._made(kind, text, record.command, record.stack, {}, word="")

    def _of_status(self, record: Record) -> tuple[str, str]:
        if self._is_cell and self._status == INTERRUPTED:
            return "SIGINT", "interrupted"
        if record.kind != "command":
            return "ExitStatus", f"exited with status {self._status}"
        if self._status > _SIGNALLED:
            name = _signal_name(self._status - _SIGNALLED)
            if name is not None:
                return name, f"`{record.command}` was ended by {name}"
        return "CommandFailed", f"`{record.command}` ended with status {self._status}"

    def _report(self, message: _Message, command: str, stack: tuple[Stop, ...]) -> dict[str, Any]:
        text = message.text
        match = _NOT_FOUND.match(text)
        if match:
            name = match["name"].rpartition(": ")[2]
            script = "\n".join(self._sources.lines(self._path(stack[0].source)))
            facts = {"name": name, "candidates": bounded_names(command_names(script), name)}
            return self._made("CommandNotFound", text, command, stack, facts, word=name)
        match = _UNBOUND.match(text) or _UNSET.match(text)
        if match:
            name = match["name"]
            script = "\n".join(self._sources.lines(self._path(stack[0].source)))
            facts = {"name": name, "candidates": bounded_names(variable_names(script), name)}
            return self._made("UnboundVariable", text, command, stack, facts, word=name)
        if _SYNTAX.match(text):
            token = re.search(r"unexpected token `(.+)'$", text)
            word = token[1] if token else ""
            return self._made("SyntaxError", text, command, stack, {}, word=word)
        return self._made("CommandFailed", text, command, stack, {}, word="")

    def _made(
        self,
        kind: str,
        message: str,
        command: str,
        stack: tuple[Stop, ...],
        facts: dict[str, Any],
        *,
        word: str,
    ) -> dict[str, Any]:
        stack = tuple(self._sources_now(stop) for stop in stack)
        place = stack[0] if stack else None
        path = place.source if place else self._path(self._script)
        report: dict[str, Any] = {
            "type": "bash",
            "kind": kind,
            "message": clip(message),
            "path": path,
            "line": place.line - 1 if place else None,
            "column": None,
            "endColumn": None,
            "command": clip(command, 2_000),
            "status": self._status,
            "facts": facts,
            "notes": self._notes(message),
            "frames": [
                {"path": stop.source, "line": stop.line - 1, "name": stop.name}
                for stop in reversed(stack)
            ],
        }
        line = self._sources.line(path, place.line - 1) if place else None
        if line is not None:
            report["column"], report["endColumn"] = span_in_line(line, word, command)
        return report

    def _notes(self, message: str) -> list[str]:
        """Return the last lines of stderr: commands tell there what was wrong."""
        told = [line for line in self._stderr if line.strip() and not line.endswith(message)]
        return [clip(line, 1_000) for line in told[-_MOST_NOTES:]]

    def _found(self, text: str) -> Stop | None:
        """Return the one line of the script where a command stands; None if there are several."""
        wanted = "".join(text.split())
        lines = self._sources.lines(self._path(self._script))
        at = [n for n, line in enumerate(lines) if wanted and wanted in "".join(line.split())]
        return Stop(self._script, at[0] + 1, "main") if len(at) == 1 else None

    def _sources_now(self, stop: Stop) -> Stop:
        """Return where a level of the script stands now: a cell's may have moved."""
        source, shift = self._sources.moved(self._path(stop.source), stop.line - 1)
        name = "main" if self._is_cell and stop.name == "source" else stop.name
        return Stop(source, stop.line + shift, name)

    def _path(self, source: str) -> str:
        if not os.path.isabs(source) and not (self._is_cell and source.startswith("./")):
            # Relative to where the script was when it read that file; nobody wrote that down.
            for folder in dict.fromkeys(record.folder for record in self._records):
                if os.path.isfile(self._sources.absolute(source)):
                    break
                if os.path.isfile(os.path.join(folder, source)):
                    source = os.path.join(folder, source)
        return self._sources.path(source)


def _selection(chunks: list[dict[str, Any]]) -> list[str]:
    """Return the files that a selection makes, each piece at its own line: the script is last.

    A file can't go back: a piece that ends further down than the next one begins makes a file
    of its own, to be sourced before.
    """
    script = ""
    before: list[str] = []
    ceiling = sys.maxsize
    for chunk in reversed(chunks):
        line, text = int(chunk["line"]), str(chunk["text"])
        placed = " " * int(chunk["column"]) + text + "\n"
        if line + placed.count("\n") <= ceiling:
            gap = ceiling - line - placed.count("\n") if script else 0
            script = placed + "\n" * gap + script
            ceiling = line
        else:
            before.insert(0, "\n" * line + placed)
    return [*before, BACK + "; " + "\n" * (ceiling if script else 0) + script]


def _piece(scratch: str, number: int, path: str, text: str) -> str:
    """Write a file of a selection under the path of the real one; return the folder for that."""
    folder = os.path.join(scratch, f"selection-{number}")
    file = os.path.join(folder, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    _write(file, text)
    return folder


def prepare_log(scratch: str) -> None:
    """Forget what was written down of the cells before."""
    _write(_log(scratch), "")


def _log(scratch: str) -> str:
    return os.path.join(scratch, "log")


def _prelude(scratch: str) -> str:
    return os.path.join(scratch, "prelude")


def _write(path: str, text: str) -> str:
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    return path


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(1 << 20)
    except OSError:
        return ""


def _signal_name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
