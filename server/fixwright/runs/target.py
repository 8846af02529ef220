"""What a person asks to be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fixwright.workspace.position import Range

TargetKind = Literal["file", "selection", "cell", "tests", "command"]


@dataclass(frozen=True)
class Target:
    """What can be run, and run again on other text: a file, a part of it, tests, or a command.

    `uri` is None for the tests of the whole workspace, and for a command in its first folder; a
    command's may be any document of the folder that it is meant for. `test_ids` are the test
    runner's own names (`tests/test_a.py::test_x`), relative to the root of the tree. A `command` is
    a line for the shell, run in the folder `cwd` of the tree by the environment of `runtime`: None
    takes the one whose tests would be run.
    """

    kind: TargetKind
    uri: str | None = None
    range: Range | None = None
    test_ids: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    stdin: str = ""
    command: str = ""
    cwd: str = "."
    runtime: str | None = None


class RunRefused(Exception):
    """The run was not started; the message says why and what to do."""
