"""A text that is not Python: repairs are proposed by the error's message, and tried.

Every repair is compiled: one that makes the whole text compile comes first, one after which the
error is further down comes next (a text may have several mistakes), any other is dropped.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.syntax_blocks import block_repairs
from fixwright.fix.rules.syntax_brackets import bracket_repairs
from fixwright.fix.rules.syntax_site import Repair, Site, error_of, site_of
from fixwright.fix.rules.syntax_strings import string_repairs
from fixwright.fix.rules.syntax_words import word_repairs
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

# A diagnostic of another server may stand this many lines from where the compiler stops.
_NEAR = 3
_MOST_TRIED = 80
# Compiling holds the interpreter lock, so of a long text only the surroundings of the error are
# compiled: from one line at the left margin to another, this many lines away or a little more.
_LONG = 40_000
_AROUND = 150
_MOST = 7


def syntax_repairs(context: RuleContext) -> Iterator[Candidate]:
    """The repairs of a text that does not compile, where the problem is about that."""
    site = site_of(context.document.text)
    if site is None or not _is_about(context, site):
        return
    window = _window(site)
    whole: list[Repair] = []
    further: list[Repair] = []
    for repair in islice(_repairs(site), _MOST_TRIED):
        outcome = _outcome(site, repair, window)
        if outcome == "compiles":
            whole.append(repair)
        elif outcome == "further":
            further.append(repair)
        if len(whole) == _MOST:
            break
    for repair in [*whole, *further][:_MOST]:
        yield replacing(context, repair.rule, repair.title, *repair.edits, caveat=repair.caveat)


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


def _window(site: Site) -> Range:
    """The part of the text that is compiled for each repair: whole statements, or all of it."""
    text = site.text
    first, last = 0, text.line_count
    if len(text.value) > _LONG:
        above = range(site.row - _AROUND, 0, -1)
        below = range(site.row + _AROUND, text.line_count)
        first = next((row for row in above if _begins_statement(site, row)), 0)
        last = next((row for row in below if _begins_statement(site, row)), text.line_count)
    return Range(Position(first, 0), Position(last, 0))


def _begins_statement(site: Site, row: int) -> bool:
    """Whether a line stands at the left margin and goes on with nothing of the one above."""
    line = site.text.line(row)
    return bool(re.match(r"[A-Za-z_@]", line)) and not re.match(
        r"(?:else|elif|except|finally)\b", line
    )


def _outcome(site: Site, repair: Repair, window: Range) -> str:
    edited = edited_text(site.text, repair)
    if edited == site.text.value:
        return "worse"
    if any(not window.encloses(place) for place, _ in repair.edits):
        return "worse"
    behind = len(site.text.value) - site.text.offset(window.end)
    error = error_of(edited[site.text.offset(window.start) : len(edited) - behind])
    if error is None:
        return "compiles"
    added = edited.count("\n") - site.text.value.count("\n")
    row = window.start.line + (error.lineno or 0) - 1
    return "further" if row - max(added, 0) > site.row else "worse"


def edited_text(text: Text, repair: Repair) -> str:
    """The text with a repair made."""
    value = text.value
    for place, new in sorted(repair.edits, key=lambda edit: edit[0], reverse=True):
        value = value[: text.offset(place.start)] + new + value[text.offset(place.end) :]
    return value
