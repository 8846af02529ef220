"""One run: started, listened to, held to its limits, ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from .child import Setting, enter, hear_interrupts, reporter, run_program, run_python
from .counters import crowded, full, read_counters
from .drive import Gate, is_driven, run_driver
from .feed import Feed
from .processes import Processes, StuckError
from .scales import Scales
from .wire import Outlet

if TYPE_CHECKING:
    from .cache import Cache  # it imports much, and most environments have none
    from .tree_copy import Change, TreeCopy

TICK = 0.02
"""Seconds between two looks at what the run uses."""
_LINE_SECONDS = 0.003
"""How long the begun line waits for its end: an unbuffered `print` writes the two apart."""
_READ = 1 << 16
_KEPT_OF_STDERR = 1 << 16
_REPORT_BYTES = 8 << 20
_GRACE = 0.5
"""Seconds a run may go on over its process limit, where the kernel holds it, to say so itself."""


class InputError(Exception):
    """What the run is to read can't be kept; the message is a sentence for the user."""


class Run:
    """One run from its fork to its last byte of output."""

    def __init__(
        self,
        order: dict[str, Any],
        stdin: bytes,
        *,
        config: dict[str, Any],
        link: Outlet,
        selector: selectors.BaseSelector,
        processes: Processes,
        cache: Cache | None,
        usual: frozenset[str],
    ) -> None:
        self._config = config
        self._link = link
        self._selector = selector
        self._processes = processes
        self._cache = cache
        self._gate: Gate | None = None
        self.watched = False
        """A program was let near the cache."""
        self._listening: dict[int, Callable[[bytes], None]] = {}
        self._stalled = False
        self._count_anew(order)
        self.scratch = os.path.join(config["tmp"], ".run")
        os.mkdir(self.scratch, 0o700)
        self._spawn(stdin, usual)

    def _count_anew(self, order: dict[str, Any]) -> None:
        """Nothing was used or said yet of what the order allows."""
        self.order = order
        self.limits: dict[str, Any] = order["limits"]
        self._output_room: int = self.limits["output_bytes"]
        self._stderr_tail = bytearray()
        self._reports = bytearray()
        self._report_room = _REPORT_BYTES
        self._begun = bytearray()
        self._begun_stream = ""
        self._begun_at = 0.0
        self._over_since: float | None = None
        self._peak = 0
        self._full: str | None = None
        weighed = order.get("weighed")
        self._scales = Scales(weighed["path"], weighed["bytes"]) if weighed else None
        self._counted = read_counters()
        self.reason = ""
        self.feed: Feed | None = None
        self._start = self._tick = time.monotonic()

    # ---- start

    def _spawn(self, stdin: bytes, usual: frozenset[str]) -> None:
        source = self._input(stdin)
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        setting = Setting(
            stdin=source,
            stdout=pipes[0][1],
            stderr=pipes[1][1],
            reports=pipes[2][1],
            root=self._config["root"],
            environment=self._environment(),
            limits=self.limits,
            limit_data=self._config["limit_data"],
            limit_processes=self._config["limit_processes"],
        )
        # Until there is somebody in the child who can answer it; see `child.hear_interrupts`.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self._prepare_cache()
        pid = os.fork()
        if pid == 0:
            self._selector.close()
            self._link.close_in_child()
            self._become(setting, enter(setting), usual)
        hear_interrupts()
        self._processes.watch(pid)
        for handle in (source, *(writing for _, writing in pipes)):
            os.close(handle)
        takers = (self._take_stdout, self._take_stderr, self._take_report)
        for index, taker in enumerate(takers):
            os.set_blocking(pipes[index][0], False)
            self._listening[pipes[index][0]] = taker
        if self._gate is not None:
            self._gate.close_drivers()
            self._listening[self._gate.asked] = self._let_pass
        self._listen()
        self._link.send({"op": "started"})

    def _input(self, data: bytes) -> int:
        """The child's standard input: what is known now, or what is yet to be written."""
        if not self.order["interactive"]:
            return _stdin(data, self.scratch)
        reading, writing = os.pipe2(os.O_CLOEXEC)
        self.feed = Feed(writing, self._link, self._selector)
        self.feed.add(data, last=False)
        return reading

    def _become(self, setting: Setting, reports: int, usual: frozenset[str]) -> NoReturn:
        job: dict[str, Any] = self.order["job"]
        environment = dict(setting.environment)
        if job["kind"] == "command":
            run_program(job["argv"], environment)
        runtime: str = self.order["runtime"]
        if runtime == "bash":
            from fixwright_sandbox.runtimes.bash.guest.job import command  # not everywhere

            argv, extra = command(job, self.scratch)
            run_program(argv, {**environment, **extra})
        if self._gate is not None and self._cache is not None:
            stage = self._cache.stage(
                runtime,
                root=self._config["root"],
                scratch=self.scratch,
                environment=environment,
                limits=self.limits,
                report=reporter(reports),
                guard=self._gate.wait,
            )
            run_driver(runtime, None if job["kind"] == "warm" else job, stage)
        run_python(job, setting, reports, usual, self.order.get("sites", []))

    # ---- the cache

    def _prepare_cache(self) -> None:
        """A driver builds before its program starts; anything else is a program at once."""
        if self._cache is None:
            return
        if self.order["job"]["kind"] != "command" and is_driven(self.order["runtime"]):
            self._gate = Gate.open()
        else:
            self._cache.guard.arm()
            self.watched = True

    def _let_pass(self, _data: bytes) -> None:
        """The driver has built. Nothing but it goes on: what else there is could be taken over."""
        if self.watched or self._cache is None or self._gate is None:
            return
        self._processes.strike_all_but_main()
        self._cache.guard.arm()
        self.watched = True
        self._gate.let_pass()

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": self._config["path"],
            "HOME": os.path.join(self._config["tmp"], "home"),
            "TMPDIR": self._config["tmp"],
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self._config["variables"],
            **self._of_the_runtime(),
            **self.order["env"],
        }

    def _of_the_runtime(self) -> dict[str, str]:
        runtime = self.order["runtime"]
        folders = {"tmp": self._config["tmp"], "home": os.path.join(self._config["tmp"], "home")}
        if self._cache is not None:
            folders["cache"] = self._cache.folder(runtime)
        variables: dict[str, str] = self._config["environments"].get(runtime, {})
        return {name: value.format(**folders) for name, value in variables.items()}

    # ---- listen

    def _listen(self) -> None:
        for handle in self._listening:
            self._selector.register(handle, selectors.EVENT_READ, self._ready)

    def _ready(self, handle: int) -> None:
        try:
            data = os.read(handle, _READ)
        except BlockingIOError:
            return
        if data:
            self._listening[handle](data)
        else:
            self._forget(handle)

    def _forget(self, handle: int) -> None:
        if not self._stalled:
            self._selector.unregister(handle)
        del self._listening[handle]
        os.close(handle)

    def _take_stdout(self, data: bytes) -> None:
        self._pass_on("stdout", data)

    def _take_stderr(self, data: bytes) -> None:
        self._stderr_tail += data
        del self._stderr_tail[:-_KEPT_OF_STDERR]
        self._pass_on("stderr", data)

    def _pass_on(self, stream: str, data: bytes) -> None:
        if len(data) > self._output_room:
            self.reason = self.reason or "output"
            data = data[: self._output_room]
        self._output_room -= len(data)
        if self._begun and stream != self._begun_stream:
            self._send_begun()
        self._begun += data
        self._begun_stream = stream
        self._begun_at = time.monotonic()
        if data.endswith(b"\n") or len(self._begun) >= _READ:
            self._send_begun()

    def _send_begun(self) -> None:
        if self._begun:
            self._link.send({"op": "output", "stream": self._begun_stream}, bytes(self._begun))
            self._begun.clear()

    @property
    def patience(self) -> float:
        """Seconds that the loop may wait before it looks at the run again."""
        return _LINE_SECONDS if self._begun else TICK

    def _take_report(self, data: bytes) -> None:
        self._reports += data[: self._report_room]
        self._report_room -= min(len(data), self._report_room)
        lines = self._reports.split(b"\n")
        self._reports = lines.pop()
        for line in lines:
            self._link.send({"op": "report"}, bytes(line))

    # ---- hold to the limits

    def signal(self, number: int) -> None:
        """Send a signal to its first process and those that stayed in its group."""
        self._processes.signal(number)

    def changes(self, copy: TreeCopy) -> list[Change]:
        """What it changed in the copy of the tree."""
        return copy.changes()

    def ended(self) -> bool:
        """Look at the run; true when it has ended or has to."""
        self._balance()
        self._processes.reap()
        now = time.monotonic()
        if now - self._begun_at >= _LINE_SECONDS:
            self._send_begun()
        if self._processes.status is None and not self.reason:
            if now - self._start > self.limits["wall_seconds"]:
                self.reason = "timeout"
            elif now - self._tick >= TICK:
                self._tick = now
                self._measure(now)
        return bool(self.reason) or self._processes.status is not None

    def _balance(self) -> None:
        """Stop reading while the host is behind; the run's own writes then wait."""
        if self._link.full != self._stalled:
            if self._stalled:
                self._listen()
            else:
                for handle in self._listening:
                    self._selector.unregister(handle)
            self._stalled = not self._stalled

    def _measure(self, now: float) -> None:
        usage = self._processes.usage(
            self.limits["memory_bytes"], self._peak, self.limits["processes"]
        )
        self._peak = max(self._peak, usage.memory)
        self._full = self._full or full(tuple(self._config["bounded"]))
        if self._config["most_files"] is not None:
            folders = (self._config["root"], *self._config["cleaned"])
            crowd = crowded(folders, self._config["most_files"])
            if crowd is not None:
                self.reason, self._full = "files", crowd
        if self._scales is not None and self._scales.look(now):
            self.reason = "layer"
        if usage.memory > self.limits["memory_bytes"]:
            self.reason = "memory"
        if usage.threads > self.limits["processes"]:
            self._over_since = self._over_since or now
            if not self._config["refusals_counted"] or now - self._over_since > _GRACE:
                self.reason = "processes"

    # ---- end

    def finish(self) -> dict[str, Any]:
        """Kill what is left, take the last output, and say how it ended."""
        stuck = False
        try:
            self._processes.kill()
        except StuckError:
            stuck = True
        if self.feed is not None:
            self.feed.close()
        for handle in list(self._listening):
            self._drain(handle)
        if self._gate is not None:
            os.close(self._gate.answer)
        self._send_begun()
        self._weigh()
        duration = time.monotonic() - self._start
        status = self._processes.status
        exit_code = os.waitstatus_to_exitcode(status) if status is not None else -signal.SIGKILL
        self._send_bash_reports(exit_code)
        return {
            "op": "done",
            "reason": self.reason or self._reason_of_failure(exit_code),
            "exit": exit_code if exit_code >= 0 else None,
            "signal": _signal_name(-exit_code) if exit_code < 0 else None,
            "duration": duration,
            "peak": max(self._peak, self._processes.largest),
            "cpu": self._processes.cpu,
            "full": self._full,
            "clean": not stuck,
        }

    def _weigh(self) -> None:
        """Tell how large the layer has become that was filled."""
        if self._scales is not None:
            size = self._scales.weigh()
            if self._scales.heavy:
                self.reason = self.reason or "layer"
            self._link.send({"op": "report"}, json.dumps({"type": "layer", "bytes": size}).encode())

    def _drain(self, handle: int) -> None:
        """Read what is in a pipe. Its writers are dead, unless they got out of an open house."""
        while handle in self._listening:
            try:
                data = os.read(handle, _READ)
            except BlockingIOError:
                data = b""
            if data:
                self._listening[handle](data)
            else:
                self._forget(handle)

    def _reason_of_failure(self, exit_code: int) -> str:
        """The limit that made a run fail that ended by itself, or nothing."""
        if exit_code == 0:
            return ""
        now = read_counters()
        self._full = self._full or full(tuple(self._config["bounded"]))
        if exit_code == -signal.SIGXCPU:
            return "cpu"
        if exit_code == -signal.SIGXFSZ:
            return "file"
        if now.oom_kills > self._counted.oom_kills:
            return "memory"
        if now.refused_forks > self._counted.refused_forks or self._over_since:
            return "processes"
        return "disk" if self._full else ""

    def _send_bash_reports(self, exit_code: int) -> None:
        if self.order["runtime"] != "bash" or self.order["job"]["kind"] == "command":
            return
        reading, writing = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _write_bash_reports(self, writing, exit_code, bytes(self._stderr_tail))
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            self._take_report(file.read(_REPORT_BYTES))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _write_bash_reports(run: Run, writing: int, exit_code: int, stderr_tail: bytes) -> NoReturn:
    """In a child of its own and within a few seconds: what it reads is the run's."""
    from fixwright_sandbox.runtimes.bash.guest.job import reports  # here: not everywhere

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(5)
    try:
        for report in reports(run.order["job"], run.scratch, exit_code, stderr_tail):
            os.write(writing, json.dumps(report).encode() + b"\n")
    finally:
        os._exit(0)


def _stdin(data: bytes, scratch: str) -> int:
    if not data:
        return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    path = os.path.join(scratch, "stdin")
    try:
        with open(path, "wb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(
            f"The sandbox has no room for the {len(data)} bytes that the run is to read: "
            f"{error.strerror}."
        ) from error
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.unlink(path)
    return handle


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
