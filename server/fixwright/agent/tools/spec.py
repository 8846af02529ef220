"""What a tool is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.workspace.draft import Draft

Effect: TypeAlias = Literal[
    "read",  # looks only: may run beside other calls, and again after a crash
    "draft",  # changes the draft: what it did is in its result, so it too may run again
    "run",  # runs in the sandbox, on a copy
    "ask",  # asks the user
    "outside",  # does something elsewhere that running it again would do twice
]


@dataclass(frozen=True, slots=True)
class Action:
    """What a call is about to do, for the policy to judge and the user to read.

    Attributes:
        tool: the tool's name.
        effect: the kind of thing that it does.
        paths: the files concerned, as the model names them: POSIX, relative to the folder (with
            several folders, the folder's name comes first).
        command: the command line of a run.
        sentence: the action in words, for a question: "run `make test` in the sandbox".
    """

    tool: str
    effect: Effect
    paths: tuple[str, ...] = ()
    command: str | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave.

    Attributes:
        text: what the model is told. An error says what to do next.
        error: whether it failed.
        evidence: the id by which `finish` may cite it: a run's.
        draft: the draft after it, when it has changed that.
        data: what else the session shall remember, as JSON.
        report: a run's report, as the wire has it.
        ends: the turn is over after this call.
    """

    text: str
    error: bool = False
    evidence: str | None = None
    draft: Draft | None = None
    data: Mapping[str, object] = field(default_factory=dict[str, object])
    report: Mapping[str, object] | None = None
    ends: bool = False


class Refused(Exception):
    """A call that can't be carried out; its text tells the model why, and what to do instead."""
