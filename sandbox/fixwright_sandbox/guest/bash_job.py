"""Run a Bash job."""

from __future__ import annotations

from typing import Any


def command(job: dict[str, Any], scratch: str) -> tuple[list[str], dict[str, str]]:  # noqa: ARG001 (the contract's)
    """The argument vector of the job, and what it adds to the environment."""
    if job["kind"] == "chunks":
        return ["bash", "-c", "\n".join(chunk["text"] for chunk in job["chunks"])], {}
    return ["bash", job["path"], *job["args"]], {}


def reports(
    job: dict[str, Any],  # noqa: ARG001 (the contract's)
    scratch: str,  # noqa: ARG001 (the contract's)
    exit_code: int,  # noqa: ARG001 (the contract's)
    stderr_tail: bytes,  # noqa: ARG001 (the contract's)
) -> list[dict[str, Any]]:
    """What went wrong, after the run."""
    return []
