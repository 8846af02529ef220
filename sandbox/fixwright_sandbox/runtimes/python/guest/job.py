"""Run a Python job in the forked child."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import CodeType
from typing import Any

from fixwright_sandbox.guest.sources import Sources

from . import asyncio_watch, main_module
from .chunks import run_chunks
from .exceptions import Report, describe_exception, simple_report
from .frames import of_the_program


def main(job: dict[str, Any], report: Report) -> int:
    """Run the job in this process, whose current directory is the tree's root.

    Returns:
        The exit status that the interpreter would have had. The caller passes it to
        `SystemExit`: joining threads and what `atexit` has are still to come.
    """
    sources = Sources(os.getcwd())
    program = Program(sources, Reporter(report, os.getpid()))
    program.watch()
    return _run(job, program)


def _run(job: dict[str, Any], program: Program) -> int:
    if job["kind"] == "file":
        return program.run_file(job["path"], list(job.get("args", ())))
    if job["kind"] == "chunks":
        return program.run_chunks(job["path"], job["chunks"])
    if job["kind"] == "tests":
        return program.run_tests(list(job["targets"]), str(job["framework"]))
    raise ValueError(f"a Python job of kind {job['kind']!r} is not known")


class Reporter:
    """Sends reports, as long as this is the process that the runner started."""

    def __init__(self, report: Report, process: int) -> None:
        self._report = report
        self._process = process

    def __call__(self, report: dict[str, Any]) -> None:
        """Send one; one that can't be sent is left out."""
        if os.getpid() != self._process:
            return
        try:
            self._report(report)
        except Exception:  # noqa: BLE001 - a program may close every descriptor: its loss
            return


class Program:
    """A program and what becomes of the exceptions that nobody catches."""

    def __init__(self, sources: Sources, report: Report) -> None:
        self.sources = sources
        self.report = report

    def watch(self) -> None:
        """Report exceptions that end a thread or that asyncio's default handler is given."""
        original = threading.excepthook

        def hook(args: Any) -> None:
            if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
                self._report_of(args.exc_value, getattr(args.thread, "name", "a thread"))
            original(args)

        threading.excepthook = hook
        asyncio_watch.watch(self._report_of)

    def _report_of(self, error: BaseException, thread: str) -> None:
        self.report(describe_exception(error, self.sources, thread=str(thread)))

    def run_file(self, path: str, args: list[str]) -> int:
        """Run a file as `python FILE` would; in a package also with its relative imports."""
        package = main_module.package_of(path)
        namespace = main_module.new_main(path, args, package=package).__dict__
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError as error:
            message = f"can't open file {os.path.abspath(path)!r}: {error.strerror}"
            self.report(simple_report(type(error).__name__, message))
            sys.stderr.write(f"python: {message}\n")
            return 2
        return self.guarded(lambda: execute(compile_file(source, os.path.abspath(path)), namespace))

    def run_chunks(self, path: str, chunks: list[dict[str, Any]]) -> int:
        """Run pieces of a file."""
        main = main_module.new_main(path, [], package=main_module.package_of(path)).__dict__
        return self.guarded(lambda: run_chunks(path, chunks, main, self.sources))

    def run_tests(self, targets: list[str], framework: str) -> int:
        """Run tests with pytest or unittest."""
        from .tests import run_tests  # here: a fork that runs a file needs none of it

        statuses: list[int] = []
        status = self.guarded(
            lambda: statuses.append(run_tests(targets, framework, self.sources, self.report))
        )
        return status or statuses[0]

    def guarded(self, action: Callable[[], object]) -> int:
        """Call the program; report and print what it raises.

        Returns:
            The exit status.
        """
        try:
            # A SIGINT that came while this process got ready is raised here.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            action()
        except SystemExit as error:
            return self._exit(error)
        except BaseException as error:  # noqa: BLE001 - whatever a program raises is its result
            self.report(describe_exception(error, self.sources))
            show(error)
            return 130 if isinstance(error, KeyboardInterrupt) else 1
        return 0

    def _exit(self, error: SystemExit) -> int:
        code = 0 if error.code is None else error.code
        status = code & 0xFF if isinstance(code, int) else 1
        if status:
            self.report(describe_exception(error, self.sources))
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
        return status


def compile_file(source: bytes, filename: str) -> CodeType:
    """Compile a file as the interpreter does, errors of its encoding included."""
    try:
        return compile(source, filename, "exec", dont_inherit=True)
    except ValueError as error:  # null bytes, before Python 3.12
        line = source[: source.find(b"\0")].count(b"\n") + 1
        raise SyntaxError(str(error), (filename, line, None, None)) from None


def execute(code: CodeType, namespace: dict[str, Any]) -> None:
    """Execute a program's code in its namespace."""
    exec(code, namespace)  # noqa: S102 - running the user's program is what this is for


def show(error: BaseException) -> None:
    """Print an exception as the interpreter does, through the program's own hook."""
    traceback = of_the_program(error.__traceback__)
    error = error.with_traceback(traceback)
    try:
        sys.excepthook(type(error), error, traceback)
    except BaseException as second:  # noqa: BLE001 - the program's own hook may raise anything
        sys.stderr.write("Error in sys.excepthook:\n")
        second = second.with_traceback(of_the_program(second.__traceback__))
        sys.__excepthook__(type(second), second, second.__traceback__)
        sys.stderr.write("\nOriginal exception was:\n")
        sys.__excepthook__(type(error), error, traceback)
