"""An interpreter that is kept: cells are executed one after the other in one namespace."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import linecache
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, NoReturn

from fixwright_sandbox.guest.cells import INTERRUPTED, Cell, Line, Place
from fixwright_sandbox.guest.child import become_python, open_stdin, reporter
from fixwright_sandbox.guest.leave import leave
from fixwright_sandbox.guest.moved import shift_of
from fixwright_sandbox.guest.sources import Sources

from . import main_module
from .chunks import FUTURE, Loop, compile_piece, place
from .figures import Figures
from .job import Program, Reporter
from .rich import Data, data_of

_NAMELESS = "session"


def main(line: Line, place: Place) -> NoReturn:
    """Execute what comes over the line until it ends; then end as an interpreter does."""
    known = become_python({}, place.setting, place.usual, place.sites)
    leave(_serve(line, place.reports), known)


def _serve(line: Line, reports: int) -> int:
    owner = os.getpid()
    signal.signal(signal.SIGINT, _passed_over)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    interpreter: Interpreter | None = None
    while (cell := line.take()) is not None:
        os.dup2(cell.stdin, 0)
        os.close(cell.stdin)
        open_stdin()
        if interpreter is None:
            interpreter = Interpreter(cell.path, owner)
        status = _interruptible(interpreter, cell, reports)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the program's own, perhaps
                stream.flush()
        if os.getpid() != owner:
            os._exit(status)  # a child of the program that came back here
        line.answer(status)
    return 0


def _interruptible(interpreter: Interpreter, cell: Cell, reports: int) -> int:
    """Execute; an interrupt that comes when nothing is executed is passed over."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return interpreter.execute(cell, reports)
        finally:
            signal.signal(signal.SIGINT, _passed_over)
    except KeyboardInterrupt:
        return INTERRUPTED


def _passed_over(_number: int, _frame: FrameType | None) -> None:
    """Nothing runs that could be interrupted."""


@dataclass(frozen=True)
class _Executed:
    """What was executed of a file: its lines from one on, as they were."""

    filename: str
    line: int
    lines: tuple[str, ...]


class _Sources(Sources):
    """The files as they are now, though code that was executed earlier has moved in them."""

    def __init__(self, root: str, codes: dict[int, tuple[CodeType, _Executed]]) -> None:
        super().__init__(root)
        self._codes = codes

    def shift(self, code: CodeType) -> int | None:
        known = self._codes.get(id(code))
        if known is None:
            return 0
        executed = known[1]
        return shift_of(executed.lines, executed.line, self.lines(executed.filename))


class Interpreter:
    """The state that stays: namespace, event loop, what was executed."""

    def __init__(self, path: str | None, owner: int) -> None:
        main = main_module.new_main(
            path or _NAMELESS, [], package=main_module.package_of(path) if path else None
        )
        if path is None:
            del main.__dict__["__file__"]
            sys.argv = [""]
        self._namespace = main.__dict__
        self._owner = owner
        self._count = 0
        self._flags = 0
        self._loop = Loop()
        self._codes: dict[int, tuple[CodeType, _Executed]] = {}
        self._program = Program(Sources(os.getcwd()), lambda _: None)
        self._program.watch()
        self._figures = Figures(self._send)
        setattr(builtins, "display", self._display)  # noqa: B010 (a name that the type has not)

    def execute(self, cell: Cell, reports: int) -> int:
        """Execute a cell; the exit status, were it a program."""
        self._count += 1
        self._program.report = Reporter(reporter(reports), self._owner)
        root = self._program.sources.root
        self._program.sources = _Sources(root, self._codes)
        linecache.checkcache()
        sys.displayhook = self._show
        return self._program.guarded(lambda: self._execute(cell))

    def _execute(self, cell: Cell) -> None:
        text, line, column = cell.text, cell.line, cell.column
        if cell.path is None:
            filename, first = f"<cell {self._count}>", ""
            lines = [each + "\n" for each in text.split("\n")]
            linecache.cache[filename] = (len(text), None, lines, filename)
        else:
            filename = os.path.abspath(cell.path)
            first = self._program.sources.line(filename, line) or ""
        placed = place(text, line, column, first)
        codes = list(compile_piece(placed, filename, self._flags, shown=True))
        if cell.path is not None:
            rest = self._program.sources.lines(filename)[line:]
            lines = rest[: len(text.rstrip("\n").split("\n"))]
            self._remember(codes, _Executed(filename, line, tuple(lines)))
        awaits = any(code.co_flags & inspect.CO_COROUTINE for code in codes)
        try:
            for code in codes:
                self._flags |= code.co_flags & FUTURE
                self._loop.run(code, self._namespace, inside=awaits)
        finally:
            self._figures.show_all()

    def _remember(self, codes: list[CodeType], executed: _Executed) -> None:
        waiting = list(codes) if executed.lines else []
        while waiting:
            code = waiting.pop()
            self._codes[id(code)] = (code, executed)
            waiting += [each for each in code.co_consts if isinstance(each, CodeType)]

    # ---- what is shown

    def _show(self, value: object) -> None:
        """As `sys.displayhook`: nothing of None, and the value is `_` afterwards."""
        if value is None:
            return
        self._namespace.pop("_", None)
        self._send(data_of(value, _complain))
        setattr(builtins, "_", value)  # noqa: B010 (as the interpreter's own)

    def _display(self, *values: object) -> None:
        """Show values, wherever the program is."""
        for value in values:
            self._send(data_of(value, _complain))

    def _send(self, data: Data) -> None:
        report: Callable[[dict[str, Any]], object] = self._program.report
        report({"type": "result", "data": data, "execution": self._count})


def _complain(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
