"""What is seen of the sandbox at work: steps as metrics, log records and, when asked, spans."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .metrics import Metrics
from .roster import Entry, Roster

if TYPE_CHECKING:
    from .events import Result
    from .settings import Request

Attributes = Mapping[str, str | int | float | bool]
_log = logging.getLogger("fixwright_sandbox")
_NANO = 1_000_000_000


class TracingUnavailable(Exception):
    """Spans are asked for, and the package that makes them is missing."""


class _Spans(Protocol):
    """The part of an OpenTelemetry tracer that is used."""

    def step(self, name: str, attributes: Attributes) -> contextlib.AbstractContextManager[None]:
        """A span around what is done meanwhile."""
        ...

    def past(self, name: str, seconds: float) -> None:
        """A span of what has just been done."""
        ...


class Observer:
    """Where steps are told to, and environments written down. One for each sandbox.

    A step is told to the observer of the sandbox for which the present task works, so that what
    does the work need not know it.
    """

    def __init__(self, backend: str, *, trace: bool = False) -> None:
        """Raises `TracingUnavailable`."""
        self.metrics = Metrics()
        self.roster = Roster(backend)
        self.spans: _Spans | None = _OpenTelemetry() if trace else None

    @contextlib.contextmanager
    def active(self) -> Generator[None]:
        """Tell the steps of this task, and of tasks that it starts, to this observer."""
        token = _present.set(self)
        try:
            yield
        finally:
            _present.reset(token)

    def ended(self, request: Request, result: Result, waited: float) -> None:
        """A run has ended."""
        metrics = self.metrics
        metrics.runs.add(request.runtime, result.status)
        metrics.run_seconds.observe(result.duration, request.runtime)
        metrics.waiting_seconds.observe(max(0.0, waited), request.runtime)
        metrics.cpu_seconds.add("user", by=result.cpu_user or 0.0)
        metrics.cpu_seconds.add("system", by=result.cpu_system or 0.0)
        if result.peak_memory is not None:
            metrics.peak_memory.observe(result.peak_memory)
        metrics.traffic.add("in", by=result.bytes_in)
        metrics.traffic.add("out", by=result.bytes_out)
        metrics.output.add("stdout", by=result.stdout.total)
        metrics.output.add("stderr", by=result.stderr.total)
        metrics.tree_files.add("sent", by=result.files_sent)
        metrics.tree_files.add("there", by=len(request.tree) - result.files_sent)
        for file in result.files:
            metrics.changed_files.add(file.change)
        told(
            "A run has ended",
            runtime=request.runtime,
            status=result.status,
            seconds=round(result.duration, 6),
            waited=round(waited, 6),
            backend=result.backend,
        )


_present: ContextVar[Observer | None] = ContextVar("fixwright_sandbox_observer", default=None)


@dataclass(frozen=True)
class Listing:
    """An environment's place in the roster of its sandbox."""

    roster: Roster
    entry: Entry

    def serve(self, workspace: str) -> None:
        """It begins a run for a workspace, its first or another."""
        self.roster.assign(self.entry, workspace)

    def remove(self) -> None:
        """It is gone."""
        self.roster.remove(self.entry)

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """It is at work meanwhile."""
        self.entry.runs += 1
        self.entry.running = True
        try:
            yield
        finally:
            self.entry.running = False


def written_down(channel: object, image: str | None) -> Listing | None:
    """Write an environment down with the present observer."""
    observer = _present.get()
    if observer is None:
        return None
    return Listing(observer.roster, observer.roster.add(channel, image))


@contextlib.contextmanager
def step(name: str, **attributes: str | float | bool) -> Generator[None]:
    """Do a step, and tell how long it took."""
    observer = _present.get()
    started = time.monotonic()
    spans = observer.spans if observer is not None else None
    try:
        with contextlib.nullcontext() if spans is None else spans.step(name, attributes):
            yield
    finally:
        seconds = time.monotonic() - started
        if observer is not None:
            observer.metrics.step_seconds.observe(seconds, name)
        told(f"Step {name}", step=name, seconds=round(seconds, 6), **attributes)


def past_step(name: str, seconds: float) -> None:
    """Tell of a step that has just been done elsewhere."""
    observer = _present.get()
    if observer is not None:
        observer.metrics.step_seconds.observe(seconds, name)
        if observer.spans is not None:
            observer.spans.past(name, seconds)


def told(message: str, **fields: str | float | bool) -> None:
    """Log a record that carries its fields, see `JsonLines`."""
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug(message, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """A log record as a line of JSON, with the fields that it carries."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _OpenTelemetry:
    """Spans by OpenTelemetry's API; where they go is the application's to configure."""

    def __init__(self) -> None:
        try:
            from opentelemetry import trace
        except ImportError as error:
            message = (
                "Spans need the package opentelemetry-api: pip install 'fixwright[otel]', or set "
                "trace to False."
            )
            raise TracingUnavailable(message) from error
        self._tracer = trace.get_tracer("fixwright_sandbox")

    @contextlib.contextmanager
    def step(self, name: str, attributes: Attributes) -> Generator[None]:
        """A span around what is done meanwhile."""
        named = {f"fixwright.{key}": value for key, value in attributes.items()}
        with self._tracer.start_as_current_span(f"sandbox.{name}", attributes=named):
            yield

    def past(self, name: str, seconds: float) -> None:
        """A span of what has just been done."""
        now = time.time_ns()
        span = self._tracer.start_span(f"sandbox.{name}", start_time=now - int(seconds * _NANO))
        span.end(now)
