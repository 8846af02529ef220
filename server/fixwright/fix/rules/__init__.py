"""Rules: fixes that need no model, found from what the interpreter or another tool said.

One module for each kind of mistake. A rule proposes; the sandbox decides.
"""

from __future__ import annotations

from dataclasses import replace

from fixwright.fix.problem import Candidate, RuleContext
from fixwright.fix.rules.registry import rules_for
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.position import Range

MOST = 8
"""Candidates for one problem; each costs a run."""


def candidates(context: RuleContext) -> tuple[Candidate, ...]:
    """The candidates of all rules for the document's language, best first, none twice."""
    context = _inside(context)
    found: list[Candidate] = []
    for rule in rules_for(context.document.language):
        try:
            proposed = tuple(rule(context))
        except DraftError:
            # The document cannot be written, or the problem's place is gone: there is no edit to
            # offer.
            continue
        for candidate in proposed:
            if candidate.draft.is_empty or _is_known(candidate, found):
                continue
            found.append(candidate)
            if len(found) == MOST:
                return tuple(found)
    return tuple(found)


def _inside(context: RuleContext) -> RuleContext:
    """The context with the problem's range inside the text: a diagnostic may be of an older one."""
    text, place = context.document.text, context.problem.range
    start, end = (text.position(text.offset(each)) for each in (place.start, place.end))
    inside = Range(start, max(start, end))
    return replace(context, problem=replace(context.problem, range=inside))


def _is_known(candidate: Candidate, found: list[Candidate]) -> bool:
    return any(candidate.draft.same_result(other.draft) for other in found)
