"""How a run ended, in a word and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from .events import Measured, Status
from .limits import MIB, MOST_FILES, Limits
from .wire import Header


@dataclass(frozen=True)
class Outcome:
    """The end of a run as the guest saw it."""

    status: Status
    message: str
    exit_code: int | None
    signal: str | None
    duration: float
    measured: Measured


def outcome_of(done: Header, limits: Limits) -> Outcome:
    """Read the guest's last frame. Raises `ProtocolError` for what no runner sends."""
    exit_code = done.optional_integer("exit")
    signal = done.optional_text("signal")
    status, message = _judge(done.text("reason"), exit_code, signal, done, limits)
    unlisted = done.integer("unlisted")
    if unlisted:
        message += f" It changed {unlisted} more files than are listed."
    user, system = done.numbers("cpu", 2)
    measured = Measured(done.integer("peak"), user, system, unlisted, done.number("collecting"))
    return Outcome(status, message, exit_code, signal, done.number("duration"), measured)


def _judge(
    reason: str, exit_code: int | None, signal: str | None, done: Header, limits: Limits
) -> tuple[Status, str]:
    met: dict[str, tuple[Status, str]] = {
        "cancelled": ("cancelled", "Cancelled."),
        "deaf": (
            "cancelled",
            "Interrupted; it went on for all that, so its interpreter was ended.",
        ),
        "timeout": (
            "timeout",
            (
                f"Ended after {limits.wall_seconds:g} s, its time limit. Raise the limit if the "
                "program needs longer."
            ),
        ),
        "cpu": ("timeout", f"Ended after {limits.cpu_seconds} s of processor time, its limit."),
        "memory": (
            "memory",
            f"Ended because it used more than {_mib(limits.memory_bytes)}, its memory limit.",
        ),
        "processes": (
            "processes",
            (
                f"Ended because it had more than {limits.processes} processes and threads at once, "
                "its limit."
            ),
        ),
        "output": (
            "output",
            f"Ended because it wrote more than {_mib(limits.output_bytes)} of output, its limit.",
        ),
        "file": (
            "disk",
            f"Ended because it wrote a file larger than {_mib(limits.file_bytes)}, its limit.",
        ),
        "files": (
            "disk",
            (
                f"Ended because {done.optional_text('full')} held more than {MOST_FILES} files, "
                "the limit."
            ),
        ),
        "layer": ("disk", "Ended because the packages took more room than a layer may have."),
        "disk": (
            "disk",
            (
                f"It failed when {done.optional_text('full')} was full; a run may write "
                f"{_mib(limits.disk_bytes)} there."
            ),
        ),
    }
    return met[reason] if reason in met else _own_end(exit_code, signal)


def _own_end(exit_code: int | None, signal: str | None) -> tuple[Status, str]:
    if signal is not None:
        return "failed", f"Ended by the signal {signal}."
    if exit_code == 0:
        return "passed", "Passed."
    return "failed", f"Failed with exit code {exit_code}."


def _mib(size: int) -> str:
    return f"{size / MIB:.4g} MiB" if size >= MIB // 10 else f"{size} bytes"
