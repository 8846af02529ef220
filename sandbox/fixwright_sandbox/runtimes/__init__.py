"""What the sandbox can run: one folder a runtime, described by its `runtime.toml`."""

from .catalogue import (
    Runtime,
    RuntimeLimits,
    UnknownRuntimeError,
    home_of,
    runtime,
    runtime_for,
    runtimes,
)

__all__ = [
    "Runtime",
    "RuntimeLimits",
    "UnknownRuntimeError",
    "home_of",
    "runtime",
    "runtime_for",
    "runtimes",
]
