"""What a compiler or a runtime itself suggests, in any language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from fixwright.failures import fields
from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.spelling import closest, slips
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext
    from fixwright.workspace.text import Text

_MOST = 4
_MOST_READ = 50
_WORD = re.compile(r"[^\W\d]\w*")


def suggested_edit(context: RuleContext) -> Iterator[Candidate]:
    """Makes the edits that the tool itself offers (`fixes` of a diagnostic).

    What the tool is not sure of comes later and as further-fetched, so that it is no rival.
    """
    told = fields.items(complaint.facts(context.problem).get("fixes"), _MOST_READ)
    offered = [fix for each in told if (fix := fields.mapping(each)) is not None]
    offered.sort(key=lambda fix: fix.get("sure") is False)
    for fix in offered[:_MOST]:
        edits = [_edit(context, each) for each in fields.items(fix.get("edits"), _MOST_READ)]
        made = [edit for edit in edits if edit is not None]
        if made and len(made) == len(edits):
            distance = 1.0 if fix.get("sure") is False else 0.0
            title = _title(context, fields.text(fix.get("message"), 200), made)
            yield replacing(context, "suggested-edit", title, *made, distance=distance)


def known_name(context: RuleContext) -> Iterator[Candidate]:
    """Puts the name that was meant: one that the runtime or the compiler knew at that place."""
    problem = context.problem
    wrong, known = complaint.fact(problem, "name"), complaint.fact_names(problem, "candidates")
    suggested = complaint.suggestion(problem)
    if wrong is None or not _WORD.fullmatch(wrong):
        return
    place = _word_at(context.document.text, problem.range, wrong)
    if place is None:
        return
    meant = [suggested] if suggested else []
    for name in dict.fromkeys([*meant, *closest(wrong, known)]):
        if _WORD.fullmatch(name) and name != wrong:
            title = f"Change '{wrong}' to '{name}'"
            yield replacing(
                context, "known-name", title, (place, name), distance=slips(wrong, name)
            )


def _title(context: RuleContext, message: str, edits: list[tuple[Range, str]]) -> str:
    """The change itself where it is a word for a word, else the tool's own words."""
    (place, new), old = edits[0], context.document.text.slice(edits[0][0])
    if len(edits) == 1 and _WORD.fullmatch(old) and _WORD.fullmatch(new):
        return f"Change '{old}' to '{new}'"
    if not message and len(edits) == 1 and place.is_empty:
        return f"Insert {new.strip()}"
    return message[:1].upper() + message[1:] or "Do what the compiler suggests"


def _edit(context: RuleContext, value: object) -> tuple[Range, str] | None:
    """One edit of a suggestion; None where it is no edit of the problem's own document."""
    edit = fields.mapping(value)
    run, failure = context.problem.run, context.problem.failure
    if edit is None or run is None or failure is None or not isinstance(edit.get("text"), str):
        return None
    path = edit.get("path")
    if isinstance(path, str) and run.root.uri_of(path) != context.problem.uri:
        return None
    numbers = [fields.number(edit.get(key)) for key in ("line", "column", "endLine", "endColumn")]
    if None in numbers:
        return None
    line, column, end_line, end_column = cast("list[int]", numbers)
    start, end = Position(line, column), Position(end_line, end_column)
    text = context.document.text
    if end < start or text.position(text.offset(end)) != end:
        return None
    return Range(start, end), cast("str", edit["text"])


def _word_at(text: Text, place: Range, word: str) -> Range | None:
    """The word inside the place, else the only one of its line."""
    row = place.start.line
    line = text.line(row)
    spots = [match.start() for match in re.finditer(rf"\b{re.escape(word)}\b", line)]
    last = place.end.column if place.end.line == row else len(line)
    inside = [at for at in spots if place.start.column <= at and at + len(word) <= last]
    chosen = inside or (spots if len(spots) == 1 else [])
    if not chosen:
        return None
    return Range(Position(row, chosen[0]), Position(row, chosen[0] + len(word)))
