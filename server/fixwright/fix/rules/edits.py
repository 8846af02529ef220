"""Small helpers that make candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.fix.problem import Candidate
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import TextChange
from fixwright.workspace.position import Range

if TYPE_CHECKING:
    from fixwright.fix.problem import RuleContext
    from fixwright.workspace.position import Position


def replacing(
    context: RuleContext,
    rule: str,
    title: str,
    *edits: tuple[Range, str],
    distance: float = 0.0,
    caveat: str | None = None,
) -> Candidate:
    """A candidate that replaces stretches of the problem's document."""
    changes = [TextChange(place, text) for place, text in edits]
    draft = Draft.over(context.snapshot).edit_all(context.problem.uri, changes)
    return Candidate(draft, title, rule, distance, caveat)


def inserting(
    context: RuleContext, rule: str, title: str, position: Position, text: str
) -> Candidate:
    """A candidate that inserts text into the problem's document."""
    return replacing(context, rule, title, (Range(position, position), text))


def rewriting(context: RuleContext, rule: str, title: str, text: str) -> Candidate:
    """A candidate that gives the problem's document another text."""
    return Candidate(Draft.over(context.snapshot).write(context.problem.uri, text), title, rule)
