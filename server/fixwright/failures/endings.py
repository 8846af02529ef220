"""Failures of a run as a whole: what no report of the code itself tells."""

from __future__ import annotations

from fixwright.failures.model import Failure
from fixwright_sandbox.events import Captured, Result

_LIMITS = ("timeout", "memory", "processes", "output", "disk")
_MOST_NOTES = 3
_LONGEST_NOTE = 1_000


def ending_of(result: Result, job_path: str | None, *, explained: bool) -> Failure | None:
    """Return the failure that a run's ending is; None where it passed, or was cancelled.

    Args:
        result: how the run ended.
        job_path: the file that was run, where the failure lies.
        explained: whether reports have said already why it failed.
    """
    if result.status in (*_LIMITS, "engine", "image", "error"):
        return _failure(result.status, result.message, job_path)
    if result.status != "failed" or explained:
        return None
    if result.signal is not None:
        message = f"the run was ended by {result.signal}"
        return _failure(result.signal, message, job_path, _last_lines(result.stderr))
    message = f"exited with status {result.exit_code}"
    return _failure("ExitStatus", message, job_path, _last_lines(result.stderr))


def _failure(kind: str, message: str, job_path: str | None, notes: tuple[str, ...] = ()) -> Failure:
    return Failure(kind=kind, message=message, path=job_path, range=None, notes=notes)


def _last_lines(stream: Captured) -> tuple[str, ...]:
    text = (stream.tail or stream.head)[-8_192:].decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    return tuple(line[:_LONGEST_NOTE] for line in lines[-_MOST_NOTES:])
