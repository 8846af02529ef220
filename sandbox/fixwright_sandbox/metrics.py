"""Counters, gauges and histograms, and their text for Prometheus.

Our own and small, rather than prometheus_client: the engine counts whether or not anybody asks, so
a dependency of everybody would serve the few who scrape; and that client's registry is the
process's, while two sandboxes of one process have to be told apart.
The format is Prometheus's text exposition format 0.0.4.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
)
BYTES = tuple(float(1 << power) for power in range(10, 33, 2))

Labels = tuple[str, ...]


class _Metric:
    """What all have: a name, what it means, the names of its labels."""

    kind = "untyped"

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self._meaning = meaning
        self._labels = tuple(labels)
        self._lock = threading.Lock()

    def text(self) -> str:
        """The metric as Prometheus reads it."""
        head = (
            f"# HELP {self.name} {_escaped(self._meaning, quote=False)}\n"
            f"# TYPE {self.name} {self.kind}\n"
        )
        with self._lock:
            return head + "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterable[str]:
        raise NotImplementedError

    def _line(self, labels: Labels, value: float, suffix: str = "", **more: str) -> str:
        pairs = [*zip(self._labels, labels, strict=True), *more.items()]
        told = ",".join(f'{name}="{_escaped(text, quote=True)}"' for name, text in pairs)
        return (
            f"{self.name}{suffix}{{{told}}} {_number(value)}"
            if told
            else (f"{self.name}{suffix} {_number(value)}")
        )


class Counter(_Metric):
    """A number that only grows."""

    kind = "counter"

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, meaning, labels)
        self._values: dict[Labels, float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        """Count, under the values of the labels."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + by

    def value(self, *labels: str) -> float:
        """What was counted under these labels."""
        return self._values.get(labels, 0)

    def items(self) -> tuple[tuple[Labels, float], ...]:
        """Every value with its labels."""
        with self._lock:
            return tuple(self._values.items())

    def _lines(self) -> Iterable[str]:
        return (self._line(labels, value) for labels, value in sorted(self._values.items()))


class Gauge(Counter):
    """A number that is set."""

    kind = "gauge"

    def set(self, *labels: str, to: float) -> None:
        """Set it, under the values of the labels."""
        with self._lock:
            self._values[labels] = to


@dataclass
class _Buckets:
    counts: list[int]
    total: float = 0.0
    number: int = 0


class Histogram(_Metric):
    """How often values of which size came."""

    kind = "histogram"

    def __init__(
        self, name: str, meaning: str, labels: Sequence[str] = (), *, bounds: Sequence[float]
    ) -> None:
        super().__init__(name, meaning, labels)
        self._bounds = tuple(bounds)
        self._values: dict[Labels, _Buckets] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count a value, under the values of the labels."""
        with self._lock:
            seen = self._values.setdefault(labels, _Buckets([0] * (len(self._bounds) + 1)))
            seen.counts[bisect_left(self._bounds, value)] += 1
            seen.total += value
            seen.number += 1

    def count(self, *labels: str) -> int:
        """How many values came under these labels."""
        return self._values[labels].number if labels in self._values else 0

    def _lines(self) -> Iterable[str]:
        for labels, seen in sorted(self._values.items(), key=lambda item: item[0]):
            running = 0
            for bound, count in zip((*self._bounds, float("inf")), seen.counts, strict=True):
                running += count
                yield self._line(labels, running, "_bucket", le=_number(bound))
            yield self._line(labels, seen.total, "_sum")
            yield self._line(labels, seen.number, "_count")


@dataclass(frozen=True)
class Metrics:
    """What one sandbox counts."""

    runs: Counter = field(
        default_factory=lambda: Counter(
            "fixwright_sandbox_runs_total", "Runs that ended.", ("runtime", "status")
        )
    )
    run_seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "fixwright_sandbox_run_seconds",
            "Time from a program's start to its last process gone.",
            ("runtime",),
            bounds=SECONDS,
        )
    )
    waiting_seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "fixwright_sandbox_waiting_seconds",
            "Time from asking for a run to its program's start.",
            ("runtime",),
            bounds=SECONDS,
        )
    )
    step_seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "fixwright_sandbox_step_seconds",
            "Time of a step: open, start (of an environment), sync, run (all of it), collect.",
            ("step",),
            bounds=SECONDS,
        )
    )
    cpu_seconds: Counter = field(
        default_factory=lambda: Counter(
            "fixwright_sandbox_cpu_seconds_total", "Processor time of runs.", ("mode",)
        )
    )
    peak_memory: Histogram = field(
        default_factory=lambda: Histogram(
            "fixwright_sandbox_peak_memory_bytes", "Most memory of a run.", bounds=BYTES
        )
    )
    traffic: Counter = field(
        default_factory=lambda: Counter(
            "fixwright_sandbox_bytes_total", "Bytes to and from environments.", ("direction",)
        )
    )
    output: Counter = field(
        default_factory=lambda: Counter(
            "fixwright_sandbox_output_bytes_total", "What runs wrote to their streams.", ("stream",)
        )
    )
    tree_files: Counter = field(
        default_factory=lambda: Counter(
            "fixwright_sandbox_tree_files_total",
            "Files of runs' trees that were sent, and that were there from before.",
            ("state",),
        )
    )
    changed_files: Counter = field(
        default_factory=lambda: Counter(
            "fixwright_sandbox_changed_files_total", "Files that runs changed.", ("change",)
        )
    )
    environments: Gauge = field(
        default_factory=lambda: Gauge(
            "fixwright_sandbox_environments", "Environments that are there.", ("state",)
        )
    )
    queued: Gauge = field(
        default_factory=lambda: Gauge(
            "fixwright_sandbox_queued_runs", "Runs that wait for an environment."
        )
    )

    def text(self) -> str:
        """All of it as Prometheus reads it, see `CONTENT_TYPE`."""
        return "".join(metric.text() for metric in vars(self).values())


def _escaped(text: str, *, quote: bool) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(value)
