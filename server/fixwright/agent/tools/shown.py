"""How a run is told to a model: what ran, how it ended, what it said, within a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixwright.agent.desk import Evidence
    from fixwright.failures.model import Failure

OUTPUT = 10_000
"""Characters of output that are shown: head and tail."""
_FAILURES = 10
_FRAMES = 8
_FILES = 20


def shown_run(evidence: Evidence) -> str:
    """The run as text; all of it came from code that is not to be trusted."""
    run = evidence.run
    result = run.result
    parts = [f"[{evidence.id}] {run.title}: {run.outcome}"]
    if result.message and not run.passed and result.message not in parts[0]:
        parts.append(result.message)
    if run.tests is not None:
        counts = run.tests
        parts.append(
            f"tests: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"
        )
    parts += [_failure(each) for each in run.failures[:_FAILURES]]
    if len(run.failures) > _FAILURES:
        parts.append(f"… and {len(run.failures) - _FAILURES} more failures")
    parts += [f"note: {remark}" for remark in run.remarks[:5]]
    for name, captured in (("stdout", result.stdout), ("stderr", result.stderr)):
        if text := captured.data.decode("utf-8", "replace").strip():
            parts.append(f"--- {name}\n{clipped(text)}")
    if result.files:
        listed = ", ".join(f"{each.path} ({each.change})" for each in result.files[:_FILES])
        more = f" and {len(result.files) - _FILES} more" if len(result.files) > _FILES else ""
        parts.append(
            f"It changed files in its copy only, and they are gone now: {listed}{more}."
            " What you want to keep has to be written by edit or file_op."
        )
    return "\n".join(parts)


def clipped(text: str, most: int = OUTPUT) -> str:
    """Head and tail, with a line between that says how much is missing."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n… {len(text) - most:,} characters left out …\n{text[-half:]}"


def _failure(failure: Failure) -> str:
    lines = [f"FAILED {failure.test_id}: {failure.title}" if failure.test_id else failure.title]
    if failure.path is not None:
        line = "" if failure.range is None else f":{failure.range.start.line + 1}"
        lines.append(f"  at {failure.path}{line}")
    lines += [
        f"  {frame.path}:{frame.range.start.line + 1} in {frame.name}"
        for frame in failure.frames[-_FRAMES:]
        if frame.range is not None
    ]
    lines += [f"  note: {note}" for note in failure.notes[:3]]
    return "\n".join(lines)
