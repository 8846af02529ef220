"""The one process of a warm environment: takes orders, runs jobs, keeps the copy of the tree.

It has one thread, so that forking it is safe, and one loop that never waits for anything but
the next byte. When the stream to the host ends, everything here ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator
from types import FrameType
from typing import TYPE_CHECKING, Any

from . import kernel
from .collect import Leftovers, clean, mounts_below, send_changes
from .drive import preload
from .processes import Descendants, Processes, StuckError
from .run import InputError, Run
from .tree_copy import TreeCopy, TreeError
from .wire import HostGoneError, Link

PROTOCOL = 1
if TYPE_CHECKING:
    from .cache import Cache
    from .session import Session
    from .warmup import WarmUp

_CACHE_DROPPED = json.dumps(
    {
        "type": "note",
        "message": "The program wrote to the cache of what was built; it was thrown away.",
    }
).encode()
_VERIFIED_AT_ONCE = 2 << 20


class Runner:
    """The loop and what it holds."""

    def __init__(
        self, link: Link, config: dict[str, Any], cache: Cache | None, usual: frozenset[str]
    ) -> None:
        self._link = link
        self._config = config
        self._kept = mounts_below(config["cleaned"])
        self._cache = cache
        self._usual = usual
        self._processes = Processes() if config["contained"] else Descendants()
        self._copy = TreeCopy(config["root"])
        self._run: Run | None = None
        self._session: Session | None = None
        self._trouble: str | None = None
        self._selector = selectors.DefaultSelector()
        self._warm_up = _warm_up(config, cache, link, self._selector, self._processes)
        self._wake, wake_writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing_to_do)
        # Process 1 gets no signal from inside but those that it handles, and Python handles this.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._selector.register(link.input, selectors.EVENT_READ, self._take_orders)
        self._selector.register(self._wake, selectors.EVENT_READ, self._awake)
        self._writing = False
        self._orders: dict[str, Callable[[dict[str, Any], bytes], None]] = {
            "begin": self._begin,
            "remove": self._remove,
            "files": self._files,
            "part": self._part,
            "run": self._start,
            "cancel": self._cancel,
            "input": self._feed,
            "signal": self._signal,
        }
        self._make_home()

    def serve(self) -> None:
        """Work until the host is gone."""
        while True:
            self._link.flush()
            if self._writing != self._link.wants_to_write:
                self._writing = not self._writing
                if self._writing:
                    self._selector.register(self._link.output, selectors.EVENT_WRITE, _nothing)
                else:
                    self._selector.unregister(self._link.output)
            ready = self._selector.select(self._patience())
            for key, _ in ready:
                key.data(key.fd)
            if self._run is not None:
                if self._run.ended():
                    self._finish(self._run)
            elif self._session is not None:
                self._session.look()
            elif self._copy.pending:
                self._verify(_VERIFIED_AT_ONCE)
            elif self._warm_up is not None:
                self._warm_up.look(quiet=not ready)

    def shut_down(self) -> None:
        """Kill what runs and remove what was written outside a file system of our own."""
        with contextlib.suppress(StuckError):
            self._processes.kill()
        if self._config["temporary"]:
            shutil.rmtree(self._config["temporary"], ignore_errors=True)

    def _patience(self) -> float | None:
        if self._run is not None:
            return self._run.patience
        if self._session is not None:
            return self._session.pause
        if self._copy.pending:
            return 0
        return None if self._warm_up is None else self._warm_up.patience

    def _awake(self, handle: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(handle, 4096)

    # ---- orders

    def _take_orders(self, _handle: int) -> None:
        for header, payload in self._link.receive():
            self._orders[header["op"]](header, payload)

    def _begin(self, _header: dict[str, Any], _payload: bytes) -> None:
        self._trouble = None
        self._verify(None)
        self._link.send({"op": "ready"})

    def _verify(self, budget: int | None) -> None:
        differing = self._copy.verify(budget)
        if differing:
            self._link.send({"op": "missing", "paths": differing})

    def _remove(self, header: dict[str, Any], _payload: bytes) -> None:
        for path in header["paths"]:
            self._overwriting(path)
            self._copy.remove(path)

    def _files(self, header: dict[str, Any], payload: bytes) -> None:
        position = 0
        for path, size, executable in header["files"]:
            data = payload[position : position + size]
            position += size
            self._overwriting(path)
            with self._noting_trouble():
                self._copy.write(path, data, executable=executable)

    def _part(self, header: dict[str, Any], payload: bytes) -> None:
        if self._trouble is None:
            self._overwriting(header["path"])
            with self._noting_trouble():
                self._copy.write_part(
                    header["path"],
                    payload,
                    executable=header["executable"],
                    first=header["first"],
                    last=header["last"],
                )

    def _overwriting(self, path: str) -> None:
        if self._session is not None:
            self._session.overwritten(path)

    @contextlib.contextmanager
    def _noting_trouble(self) -> Generator[None]:
        try:
            yield
        except TreeError as error:
            self._trouble = self._trouble or str(error)

    def _start(self, header: dict[str, Any], payload: bytes) -> None:
        if self._trouble is not None:
            self._link.send({"op": "refused", "message": self._trouble})
            return
        if self._warm_up is not None:
            self._warm_up.stop()
            self._make_home()
        try:
            if header["job"]["kind"] == "cell":
                self._run = self._execute(header, payload)
            elif self._session is not None:
                raise InputError("This environment is a session's.")
            else:
                self._run = Run(header, payload, **self._surroundings())
        except InputError as error:
            self._link.send({"op": "refused", "message": str(error)})

    def _execute(self, header: dict[str, Any], payload: bytes) -> Session:
        """Start a cell in the interpreter that is kept, or in a new one."""
        from .session import Session  # here: most environments are nobody's session

        session, first = self._session, self._session is None
        if session is None:
            session = self._session = Session(header, **self._surroundings())
        elif session.trouble is not None:
            raise InputError(session.trouble)
        session.execute(header, payload, first=first)
        return session

    def _surroundings(self) -> dict[str, Any]:
        return {
            "config": self._config,
            "link": self._link,
            "selector": self._selector,
            "processes": self._processes,
            "cache": self._cache,
            "usual": self._usual,
        }

    def _cancel(self, _header: dict[str, Any], _payload: bytes) -> None:
        if self._run is not None:
            self._run.reason = self._run.reason or "cancelled"

    def _feed(self, header: dict[str, Any], payload: bytes) -> None:
        if self._run is not None and self._run.feed is not None:
            self._run.feed.add(payload, last=header["last"])

    def _signal(self, header: dict[str, Any], _payload: bytes) -> None:
        if self._run is not None:
            self._run.signal(getattr(signal, header["name"]))

    # ---- after a run

    def _finish(self, run: Run) -> None:
        self._run = None
        done = run.finish()
        ended = time.monotonic()
        if done.get("alive"):
            done.update(self._news(run))
            done["collecting"] = time.monotonic() - ended
            self._link.send(done)
            return
        self._session = None
        shutil.rmtree(run.scratch, ignore_errors=True)
        try:
            done["unlisted"] = send_changes(
                self._copy, run.changes(self._copy), self._link, run.order
            )
            done["missing"] = clean(self._copy, self._config["cleaned"], self._kept)
            self._make_home()
            if self._cache is not None and self._cache.settle(watched=run.watched):
                self._link.send({"op": "report"}, _CACHE_DROPPED)
                assert self._warm_up is not None
                self._warm_up.ask()
        except (Leftovers, OSError):
            done.update({"clean": False, "missing": []})
        done["collecting"] = time.monotonic() - ended
        self._link.send(done)

    def _news(self, session: Run) -> dict[str, Any]:
        """Tell what a cell wrote, which stays."""
        changes = session.changes(self._copy)
        unlisted = send_changes(self._copy, changes, self._link, session.order)
        return {"unlisted": unlisted, "missing": []}

    def _make_home(self) -> None:
        os.makedirs(os.path.join(self._config["tmp"], "home"), exist_ok=True)


def main(usual: frozenset[str], data: dict[str, str]) -> None:
    """Serve the host on standard input and output.

    Args:
        usual: a bare interpreter's modules.
        data: the runtimes' files that are no modules, in base64, by `runtime/name`.
    """
    link = Link()
    try:
        config = _first_order(link)
        if config["contained"] and os.getpid() != 1:
            sys.exit("The runner is not the first process of its namespace; refusing to run.")
        if config["contained"]:
            kernel.set_dumpable(dumpable=False)
        else:
            kernel.become_subreaper()
        if config["calls"] is not None:
            kernel.filter_calls(bytes.fromhex(config["calls"]))
        os.umask(0o022)
        preload(config["runtimes"])
        gc.collect()
        gc.freeze()
        runner = Runner(link, config, _cache(config, data), usual)
        link.send({"op": "hello", "protocol": PROTOCOL, "python": sys.version.split()[0]})
        try:
            runner.serve()
        finally:
            if os.getpid() == config.get("pid", os.getpid()):
                runner.shut_down()
    except HostGoneError:
        return


def _warm_up(
    config: dict[str, Any],
    cache: Cache | None,
    link: Link,
    selector: selectors.BaseSelector,
    processes: Processes,
) -> WarmUp | None:
    if cache is None:
        return None
    from .warmup import WarmUp  # here: as below

    return WarmUp(config, cache, link, selector, processes)


def _cache(config: dict[str, Any], data: dict[str, str]) -> Cache | None:
    if config["cache"] is None:
        return None
    from .cache import Cache  # here: it imports much, and most environments have none

    return Cache(config, data)


def _first_order(link: Link) -> dict[str, Any]:
    selector = selectors.DefaultSelector()
    selector.register(link.input, selectors.EVENT_READ)
    while True:
        selector.select()
        for header, _ in link.receive():
            selector.close()
            header["pid"] = os.getpid()
            header.setdefault("path", os.environ.get("PATH") or os.defpath)
            return json.loads(json.dumps(header))


def _nothing_to_do(_number: int, _frame: FrameType | None) -> None:
    """A child has ended: the descriptor that wakes the loop says so."""


def _nothing(_handle: int) -> None:
    """The stream can take more; the loop flushes at its next turn."""
