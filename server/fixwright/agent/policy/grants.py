"""What the user has allowed when asked: for a session, or always in a workspace."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.policy.globs import clean
from fixwright.agent.policy.kept import KeptDecisions
from fixwright.json_reading import as_list, as_object

if TYPE_CHECKING:
    from pathlib import Path

    from fixwright.agent.records import Event
    from fixwright.agent.tools.spec import Action


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to do the same again: with the same tool, the same files, and the same command.

    Attributes:
        tool: the tool's name.
        paths: its files; a call is covered when all of its files are among them.
        command: its command line, letter for letter.
    """

    tool: str
    paths: tuple[str, ...] = ()
    command: str | None = None

    @classmethod
    def of(cls, action: Action) -> Grant:
        """What an answer to the question about an action would cover."""
        return cls(
            action.tool, tuple(sorted({clean(each) for each in action.paths})), action.command
        )

    def covers(self, action: Action) -> bool:
        """Whether an action is the same again."""
        paths = {clean(each) for each in action.paths}
        return (
            action.tool == self.tool
            and action.command == self.command
            and bool(paths) == bool(self.paths)
            and paths <= set(self.paths)
        )

    def data(self) -> dict[str, object]:
        """As JSON."""
        return {"tool": self.tool, "paths": list(self.paths), "command": self.command}


def grant_of(data: object) -> Grant | None:
    """What `Grant.data` gave; None for anything else."""
    told = as_object(data)
    tool, command, paths = told.get("tool"), told.get("command"), as_list(told.get("paths"))
    if not isinstance(tool, str) or not (command is None or isinstance(command, str)):
        return None
    names = tuple(each for each in paths if isinstance(each, str))
    return Grant(tool, names, command) if len(names) == len(paths) else None


def session_grants(events: Iterable[Event]) -> tuple[Grant, ...]:
    """What was allowed for a session, from its own events.

    Not for a session that was imported: who wrote its file would have given the answers.
    """
    answers = (each.data for each in events if each.type == "permission")
    found = (grant_of(each.get("grant")) for each in answers if each.get("decision") == "session")
    return tuple(dict.fromkeys(each for each in found if each is not None))


class AlwaysGrants:
    """What is always allowed in a workspace, in the user's data folder. Everything blocks."""

    def __init__(self, folders: Sequence[Path], data: Path | None = None) -> None:
        self._kept = KeptDecisions("permissions.json", folders, data)

    def all(self) -> tuple[Grant, ...]:
        """Those that are kept now."""
        entries = as_list(self._kept.read().get("always"))
        return tuple(found for found in map(grant_of, entries) if found is not None)

    def add(self, grant: Grant) -> None:
        """Keep one.

        Raises:
            DecisionsLost: it can't be kept.
        """
        with self._kept.changing() as told:
            others = self._without(told, grant)
            told["always"] = [*others, {**grant.data(), "since": int(time.time())}]

    def withdraw(self, grant: Grant) -> None:
        """Forget one.

        Raises:
            DecisionsLost: that can't be kept.
        """
        with self._kept.changing() as told:
            told["always"] = self._without(told, grant)

    @staticmethod
    def _without(told: Mapping[str, object], grant: Grant) -> list[object]:
        return [each for each in as_list(told.get("always")) if grant_of(each) != grant]
