"""Where tests can be generated and code optimised at all."""

from __future__ import annotations

from fixwright_sandbox.runtimes import runtime_for


def has_tests(language: str) -> bool:
    """Whether the sandbox has a test runner for a language id of LSP."""
    runtime = runtime_for(language)
    return runtime is not None and runtime.tests
