"""What the service counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from fixwright_sandbox.metrics import SECONDS, Counter, Gauge, Histogram

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


@dataclass(frozen=True)
class Counts:
    """Requests and streams, of all tokens together."""

    requests: Counter = field(
        default_factory=lambda: Counter(
            "fixwright_service_requests_total", "Requests answered.", ("method", "status")
        )
    )
    seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "fixwright_service_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("method",),
            bounds=SECONDS,
        )
    )
    streams: Gauge = field(
        default_factory=lambda: Gauge(
            "fixwright_service_streams", "Streams of events that are read now."
        )
    )
    sandboxes: Gauge = field(
        default_factory=lambda: Gauge("fixwright_service_sandboxes", "Sandboxes that are there.")
    )

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        known = method if method in _METHODS else "other"
        self.requests.add(known, str(status))
        self.seconds.observe(seconds, known)

    def text(self) -> str:
        """All of it as Prometheus reads it."""
        return "".join(metric.text() for metric in vars(self).values())
