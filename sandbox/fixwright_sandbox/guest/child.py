"""The forked child: put its limits on, then become the job."""

from __future__ import annotations

import fcntl
import io
import json
import os
import random
import resource
import signal
import site
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from . import kernel
from .leave import leave

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_REPORT_BYTES = 8 << 20
_STACK = 8 << 20
HIGH = 100
"""Descriptors from here on are out of the way of the job's own."""


@dataclass(frozen=True)
class Setting:
    """What the child is given."""

    stdin: int
    stdout: int
    stderr: int
    reports: int
    root: str
    environment: dict[str, str]
    limits: dict[str, Any]
    limit_data: bool
    limit_processes: bool


def enter(setting: Setting) -> int:
    """Become a session of its own, with its streams, folder and limits.

    Returns the descriptor for reports; beside it only 0, 1 and 2 stay open.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(setting.stdin, 0)
    os.dup2(setting.stdout, 1)
    os.dup2(setting.stderr, 2)
    reports = fcntl.fcntl(setting.reports, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.closerange(3, HIGH)
    _volunteer_for_the_oom_killer()
    kernel.set_dumpable(dumpable=True)
    os.umask(0o022)
    os.chdir(setting.root)
    _limit(setting)
    return reports


def run_python(
    job: dict[str, Any], setting: Setting, reports: int, usual: frozenset[str], sites: list[str]
) -> NoReturn:
    """Run a Python job here; ends as the interpreter ends, with threads joined and atexit run.

    Args:
        job: what to run.
        setting: where.
        reports: the descriptor for reports.
        usual: a bare interpreter's modules.
        sites: folders with installed packages, to be found before the interpreter's own.
    """
    from fixwright_sandbox.runtimes.python.guest.job import main  # here: not in every environment

    known = become_python(job, setting, usual, sites)
    leave(main(job, reporter(reports)), known)


def become_python(
    job: dict[str, Any], setting: Setting, usual: frozenset[str], sites: Sequence[str]
) -> frozenset[str]:
    """Make this interpreter as a fresh one would be; returns the modules that are no program's.

    The arguments are those of `run_python`.
    """
    os.environ.clear()
    os.environ.update(setting.environment)
    random.seed()
    _open_streams()
    _add_sites(sites)
    _forget_shadowed(job, setting.root, usual)
    return frozenset(sys.modules)


def run_program(argv: list[str], environment: dict[str, str]) -> NoReturn:
    """Replace this process by a program; says so on stderr where it can't."""
    hear_interrupts()
    # Python ignores these two, and a program would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606 (no shell, on purpose)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "there is no such program in the sandbox" if missing else str(error)
        os.write(2, f"{argv[0]}: {reason}\n".encode("utf-8", "backslashreplace"))
        os._exit(_NOT_FOUND if missing else _NOT_EXECUTABLE)


def hear_interrupts() -> None:
    """Let SIGINT in, also one that has come since the run was forked."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _limit(setting: Setting) -> None:
    limits = setting.limits
    most_threads = 2 * limits["processes"] + 64
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _set(resource.RLIMIT_NOFILE, limits["open_files"])
    if limits["cpu_seconds"] is not None:
        _set(resource.RLIMIT_CPU, max(1, int(limits["cpu_seconds"] + 0.999)))
    if setting.limit_data:
        # What is reserved, so room for the stacks of all threads; what is used, the watcher sees.
        _set(resource.RLIMIT_DATA, limits["memory_bytes"] + most_threads * _STACK)
    if setting.limit_processes:
        # The kernel does not say that this limit was met, so it only keeps a bomb small for
        # the moment until the watcher, who says so, looks.
        _set(resource.RLIMIT_NPROC, most_threads)


def _set(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # A second more to the hard limit of the processor time, so that SIGXCPU is what comes.
    ceiling = value + 1 if kind == resource.RLIMIT_CPU and value != hard else value
    resource.setrlimit(kind, (value, ceiling))


def _volunteer_for_the_oom_killer() -> None:
    """Be killed before the runner."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:
        return  # A read-only /proc: there the runner is small, and the kernel takes the largest.


def _open_streams() -> None:
    """Make standard streams that hold nothing back, as `python -u` does.

    What was printed is out, however the process ends.
    """
    open_stdin()
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(_raw(1, "w"), "utf-8", write_through=True)
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        _raw(2, "w"), "utf-8", "backslashreplace", write_through=True
    )


def open_stdin() -> None:
    """Make standard input of descriptor 0 as it is now."""
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(_raw(0, "r")), "utf-8")


def _raw(handle: int, mode: str) -> Any:
    file = io.FileIO(handle, mode, closefd=False)
    file.name = ("<stdin>", "<stdout>", "<stderr>")[handle]
    return file


def _forget_shadowed(job: dict[str, Any], root: str, usual: frozenset[str]) -> None:
    """Forget modules of the library that the runner imported and a file of the tree shadows.

    A fresh interpreter would import `random.py` beside the script in place of the library's.
    """
    here: set[str] = set()
    for folder in {root, os.path.dirname(os.path.join(root, job.get("path") or "."))}:
        try:
            here.update(name.partition(".")[0] for name in os.listdir(folder))
        except OSError:
            continue
    for name in list(sys.modules):
        if name.partition(".")[0] in here and name not in usual and name != "__main__":
            del sys.modules[name]


def _add_sites(sites: Sequence[str]) -> None:
    """Add folders as the interpreter adds its `site-packages`, `.pth` files obeyed."""
    before = list(sys.path)
    for folder in sites:
        site.addsitedir(folder)
    added = [path for path in sys.path if path not in before]
    own = next(
        (index for index, path in enumerate(before) if path.endswith("-packages")), len(before)
    )
    sys.path[:] = [*before[:own], *added, *before[own:]]


def reporter(handle: int) -> Callable[[dict[str, Any]], None]:
    """Return what writes reports to this descriptor; too many are left out."""
    room = _REPORT_BYTES

    def report(value: dict[str, Any]) -> None:
        nonlocal room
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        if len(line) > room:
            return  # The host would not take it either.
        room -= len(line)
        view = memoryview(line)
        while view:
            view = view[os.write(handle, view) :]

    return report
