"""What a run would touch by the text of its code: told to the person who is asked about it."""

from __future__ import annotations

from fixwright.runs.target import Target
from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.position import Range
from fixwright_sandbox.safety import Finding, UnknownLanguageError, look, summary


def findings_in(document: Document, within: Range | None = None) -> tuple[Finding, ...]:
    """What the document's code would touch, in a range where one is given. Parses: off the loop.

    Nothing is found in a language that can't be read.
    """
    try:
        found = look(document.text.value, document.language)
    except UnknownLanguageError:
        return ()
    if within is None:
        return found
    return tuple(each for each in found if within.start.line <= each.line <= within.end.line)


def caution(draft: Draft, target: Target) -> str:
    """A sentence on what the target's own file would touch; empty where nothing was found.

    Reads the document: off the loop. What the file calls in other files is not looked at.
    """
    if target.uri is None:
        return ""
    try:
        document = draft.document(target.uri)
    except UnknownDocument:
        return ""
    within = target.range if target.kind == "selection" else None
    return summary(findings_in(document, within))
