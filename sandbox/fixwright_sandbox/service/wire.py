"""What is sent to the service, checked before anything is done with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fixwright_sandbox.limits import MIB, Limits

from .problems import invalid
from .settings import LONGEST_RUN, Allowance

Plain = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=1 << 20)]
"""Text that a program can be given as an argument."""
Text = Annotated[str, Field(max_length=16 << 20)]
Path = Annotated[str, Field(pattern=r"^[^\x00]+$", max_length=4096)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)]
Environment = Annotated[dict[VariableName, Plain], Field(max_length=200)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", min_length=1, max_length=80)]


class Sent(BaseModel):
    """What all share: no field that nobody knows, no value of a type near to it."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class LimitsSent(Sent):
    """Bounds of a run; what is left out is as the sandbox or the service has it."""

    wall_seconds: float | None = Field(None, gt=0, le=LONGEST_RUN)
    cpu_seconds: float | None = Field(None, gt=0, le=64 * LONGEST_RUN)
    memory_bytes: int | None = Field(None, ge=16 * MIB, le=1 << 40)
    processes: int | None = Field(None, ge=8, le=4096)
    output_bytes: int | None = Field(None, ge=1, le=1 << 30)
    file_bytes: int | None = Field(None, ge=0, le=1 << 33)
    disk_bytes: int | None = Field(None, ge=MIB, le=1 << 33)
    open_files: int | None = Field(None, ge=64, le=16384)


class FileSent(Sent):
    """A file's content."""

    data: Text
    encoding: Literal["utf-8", "base64"] = "utf-8"
    executable: bool = False


class SandboxSent(Sent):
    """A sandbox to create."""

    label: Name | None = Field(None, description="For people; need not be unique.")
    runtime: Name = "python"
    limits: LimitsSent | None = None
    files: dict[Path, Text | FileSent] = Field(
        default_factory=dict[str, str | FileSent],
        description="By path: text, or an object for what is no text or is executable.",
    )
    env: Environment = Field(default_factory=dict[str, str])


class RunSent(Sent):
    """A run of exactly one of command, code, file and tests."""

    command: Plain | list[Plain] | None = Field(
        None, description="A program and its arguments, or a line for bash."
    )
    code: Text | None = Field(None, description="A program's text.")
    file: Path | None = Field(None, description="A file of the sandbox.")
    tests: list[Plain] | None = Field(
        None, description="Ids or paths of tests; an empty list is every test."
    )
    args: list[Plain] = Field(default_factory=list[str], description="For file and code.")
    runtime: Name | None = None
    stdin: Text = Field("", description="What it reads first from standard input.")
    interactive: bool = Field(False, description="Standard input stays open behind that.")
    timeout: float | None = Field(None, gt=0, le=LONGEST_RUN, description="Seconds.")
    limits: LimitsSent | None = None
    env: Environment = Field(default_factory=dict[str, str])
    keep: bool = Field(False, description="Apply what it wrote to the sandbox's files.")


class SessionSent(Sent):
    """A session to open."""

    runtime: Name | None = Field(None, description="The sandbox's, where none is told.")
    limits: LimitsSent | None = Field(
        None, description="Time and output are of each cell, the others of the session."
    )
    env: Environment = Field(default_factory=dict[str, str])


class CellSent(Sent):
    """A piece of code to run in a session."""

    code: Text
    path: Path | None = Field(None, description="The file that it stands in.")
    line: int = Field(0, ge=0, le=1 << 20, description="Where it begins in there, from 0.")
    column: int = Field(0, ge=0, le=1 << 16, description="Likewise, in code points.")
    stdin: Text = Field("", description="What it reads first from standard input.")
    interactive: bool = Field(False, description="Standard input stays open behind that.")
    timeout: float | None = Field(None, gt=0, le=LONGEST_RUN, description="Seconds.")


class SnapshotSent(Sent):
    """A snapshot to take."""

    name: Name


class ResetSent(Sent):
    """Which state to go back to."""

    to: Name | None = Field(None, description="A snapshot; null is the sandbox as created.")


class CodeSent(Sent):
    """Code to look at."""

    code: Text
    language: Name = "python"


def bytes_of(data: str, encoding: str, field: str) -> bytes:
    """Text as it was sent. Raises `Problem`."""
    if encoding == "utf-8":
        return data.encode()
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"This is no base64: {error}.", field) from error


def limits_of(sent: LimitsSent | None, base: Limits, allowance: Allowance) -> Limits:
    """The limits over a base. Raises `Problem` for more than the token may have."""
    values: Mapping[str, float | int] = sent.model_dump(exclude_none=True) if sent else {}
    most = {"wall_seconds": allowance.run_seconds, "memory_bytes": allowance.memory_bytes}
    for name, value in values.items():
        if value > most.get(name, value):
            raise invalid(f"This token's runs may have {most[name]:g} at most.", f"limits.{name}")
    bounds = replace(base, **values)  # pyright: ignore[reportArgumentType]  # checked by the model
    return replace(
        bounds,
        wall_seconds=min(bounds.wall_seconds, allowance.run_seconds),
        memory_bytes=min(bounds.memory_bytes, allowance.memory_bytes),
    )
