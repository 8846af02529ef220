"""What the sandbox can run: one folder a runtime, described by its `runtime.toml`."""

from .catalogue import Runtime, RuntimeLimits, UnknownRuntimeError, runtime, runtime_for, runtimes

__all__ = [
    "Runtime",
    "RuntimeLimits",
    "UnknownRuntimeError",
    "runtime",
    "runtime_for",
    "runtimes",
]
