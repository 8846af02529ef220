"""Rules: what is allowed, asked about or denied, as data.

Deny is stronger than ask, ask is stronger than allow; where the rules stand does not matter. A rule
speaks of a call when everything that it names fits:

- `tool`: the tool's name, as a glob;
- `path`: a file concerned, as gitignore writes patterns;
- `command`: the first words of a command.

To deny or to ask, it is enough that one of the files, or one part of the command line, fits. To
allow, each of them must fit some rule. The content of files, what a model says and what a tool has
printed are no part of it.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from fixwright.agent.policy.globs import PathGlob, clean
from fixwright.agent.policy.shell import Line, Words, read_line

if TYPE_CHECKING:
    from fixwright.agent.policy.places import Place
    from fixwright.agent.tools.spec import Action

Decision: TypeAlias = Literal["allow", "ask", "deny"]

_STRENGTH: dict[Decision, int] = {"allow": 0, "ask": 1, "deny": 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        decision: what follows.
        tool: a glob for the tool's name; None for any.
        path: a pattern for a file; None for calls with and without files.
        command: a command's first words, each a glob; None for calls with and without one.
        origin: whose rule it is, as a sentence says it.

    Raises:
        ValueError: `path` is no pattern, or `command` not the beginning of one command.
    """

    decision: Decision
    tool: str | None = None
    path: str | None = None
    command: str | None = None
    origin: str = "your rule"

    def __post_init__(self) -> None:
        if self.path is not None:
            path_glob(self.path)
        if self.command is not None:
            command_words(self.command)

    def __str__(self) -> str:
        named = [
            self.tool or ("" if self.path or self.command else "anything"),
            self.path or "",
            f"`{self.command}`" if self.command else "",
        ]
        return f"{self.origin} “{' '.join([self.decision, *filter(None, named)])}”"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision and what it rests on, in words that follow “by”."""

    decision: Decision
    by: str


def strictest(judgements: Iterable[Judgement]) -> Judgement:
    """The strongest decision; of equal ones the first."""
    return max(judgements, key=lambda each: _STRENGTH[each.decision])


def judged(rules: Sequence[Rule], action: Action, places: Sequence[Place]) -> Judgement | None:
    """What rules say of an action; None when they say nothing.

    Args:
        rules: the user's and the workspace's together.
        action: what is to be done.
        places: of the action's files, in their order.
    """
    line = None if action.command is None else read_line(action.command)
    concerned = [rule for rule in rules if _is_tool(rule, action.tool)]
    found = [
        Judgement(rule.decision, str(rule))
        for rule in concerned
        if rule.decision != "allow" and _touches(rule, places, line)
    ]
    unclear = _unclear(concerned, line)
    if unclear is not None:
        found.append(unclear)
    if found:
        return strictest(found)
    return _allowed([rule for rule in concerned if rule.decision == "allow"], places, line)


def names_exactly(rules: Iterable[Rule], place: Place) -> bool:
    """Whether a rule allows just this file, by its whole name and no pattern."""
    allowed = {
        clean(path)
        for rule in rules
        if rule.decision == "allow" and rule.path and not set(rule.path) & set("*?[\\")
        for path in (rule.path, rule.path.lstrip("/"))
    }
    return all(allowed & set(names) for names in place.ways)


@lru_cache(512)
def path_glob(pattern: str) -> PathGlob:
    """The pattern of a rule, read. Raises `ValueError`."""
    return PathGlob.read(pattern)


@lru_cache(512)
def command_words(pattern: str) -> Words:
    """The words of a rule's command.

    Raises:
        ValueError: there are none, or a shell would read them as more than one command.
    """
    line = read_line(pattern)
    if len(line.parts) != 1 or line.unclear not in (None, "the program is named by a pattern"):
        raise ValueError(f"`{pattern}` is not the beginning of one command.")
    return tuple(shlex.split(pattern))


def _is_tool(rule: Rule, tool: str) -> bool:
    return rule.tool is None or fnmatchcase(tool, rule.tool)


def _touches(rule: Rule, places: Sequence[Place], line: Line | None) -> bool:
    if rule.path is not None:
        glob = path_glob(rule.path)
        if not any(glob.matches(name) for place in places for name in place.all):
            return False
    if rule.command is not None:
        return line is not None and line.holds(command_words(rule.command))
    return True


def _unclear(rules: Iterable[Rule], line: Line | None) -> Judgement | None:
    """A line that can't be read may be what a rule forbids."""
    if line is None or line.unclear is None:
        return None
    guard = next((each for each in rules if each.command and each.decision != "allow"), None)
    if guard is None:
        return None
    return Judgement("ask", f"{guard}, which can't be checked: {line.unclear}")


def _allowed(rules: Sequence[Rule], places: Sequence[Place], line: Line | None) -> Judgement | None:
    """Each file and each part must be allowed, by whichever rule."""
    files: list[Words | None] = [names for place in places for names in place.ways] or [None]
    parts: list[Words | None] = [None] if line is None else list(line.parts) or [()]
    used: list[Rule] = []
    for names, part in itertools.product(files, parts):
        rule = next((each for each in rules if _covers(each, names, part, line)), None)
        if rule is None:
            return None
        used.append(rule)
    return Judgement("allow", " and ".join(dict.fromkeys(map(str, used))))


def _covers(rule: Rule, names: Words | None, part: Words | None, line: Line | None) -> bool:
    if rule.path is not None:
        glob = path_glob(rule.path)
        if names is None or not any(glob.matches(name) for name in names):
            return False
    if rule.command is not None:
        if part is None or line is None:
            return False
        return line.begins(part, command_words(rule.command))
    return True
