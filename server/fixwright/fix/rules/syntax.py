"""A text that is not Python: repairs are proposed by the error's message, and tried.

Every repair is compiled: one that makes the whole text compile comes first, one after which the
error is further down comes next (a text may have several mistakes), any other is dropped.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.syntax_blocks import block_repairs
from fixwright.fix.rules.syntax_brackets import bracket_repairs
from fixwright.fix.rules.syntax_site import Repair, Site, error_of, site_of
from fixwright.fix.rules.syntax_strings import string_repairs
from fixwright.fix.rules.syntax_words import word_repairs
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

# A diagnostic of another server may stand this many lines from where the compiler stops.
_NEAR = 3
_MOST_TRIED = 80
_MOST_TRIED_IN_LONG_TEXTS = 20
_LONG = 200_000
_MOST = 7


def syntax_repairs(context: RuleContext) -> Iterator[Candidate]:
    """The repairs of a text that does not compile, where the problem is about that."""
    site = site_of(context.document.text)
    if site is None or not _is_about(context, site):
        return
    most = _MOST_TRIED if len(site.text.value) < _LONG else _MOST_TRIED_IN_LONG_TEXTS
    whole: list[Repair] = []
    further: list[Repair] = []
    for repair in islice(_repairs(site), most):
        outcome = _outcome(site, repair)
        if outcome == "compiles":
            whole.append(repair)
        elif outcome == "further":
            further.append(repair)
        if len(whole) == _MOST:
            break
    for repair in [*whole, *further][:_MOST]:
        yield replacing(context, repair.rule, repair.title, *repair.edits)


def _is_about(context: RuleContext, site: Site) -> bool:
    problem = context.problem
    if problem.failure is not None:
        return problem.failure.kind in {"SyntaxError", "IndentationError", "TabError"}
    place = problem.range
    return place.start.line - _NEAR <= site.row <= place.end.line + _NEAR


def _repairs(site: Site) -> Iterator[Repair]:
    yield from word_repairs(site)
    yield from string_repairs(site)
    yield from bracket_repairs(site)
    yield from block_repairs(site)


def _outcome(site: Site, repair: Repair) -> str:
    edited = edited_text(site.text, repair)
    if edited == site.text.value:
        return "worse"
    error = error_of(edited)
    if error is None:
        return "compiles"
    added = edited.count("\n") - site.text.value.count("\n")
    return "further" if (error.lineno or 0) - 1 - max(added, 0) > site.row else "worse"


def edited_text(text: Text, repair: Repair) -> str:
    """The text with a repair made."""
    value = text.value
    for place, new in sorted(repair.edits, key=lambda edit: edit[0], reverse=True):
        value = value[: text.offset(place.start)] + new + value[text.offset(place.end) :]
    return value
