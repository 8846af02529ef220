"""What a person asks to be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fixwright.workspace.position import Range

TargetKind = Literal["file", "selection", "cell", "tests"]


@dataclass(frozen=True)
class Target:
    """A file, a selection of it, a cell, or tests; the same target can be run again on other text.

    `uri` is None only for the tests of the whole workspace. `test_ids` are the test runner's own
    names (`tests/test_a.py::test_x`), relative to the root of the tree.
    """

    kind: TargetKind
    uri: str | None = None
    range: Range | None = None
    test_ids: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    stdin: str = ""


class RunRefused(Exception):
    """The run was not started; the message says why and what to do."""
