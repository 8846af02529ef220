"""Line endings of new text, made those of the document that it goes into."""

from __future__ import annotations

from fixwright.workspace.linediff import matching_blocks
from fixwright.workspace.lines import END_OF_LINE, split_lines
from fixwright.workspace.text import Text


def in_style_of(text: Text, insert: str) -> str:
    """`insert` with the dominant line ending of `text`; as it is when `text` has no ending."""
    return END_OF_LINE.sub(text.newline, insert) if text.has_newline else insert


def keep_endings(text: Text, after: str) -> str:
    r"""`after` with the endings that its lines have in `text`, and the dominant one on new lines.

    Line endings are nothing that a rewrite of a document decides: a model that answers with ``\n``
    leaves a document with ``\r\n``, or with mixed endings, as it was where it didn't change it.
    """
    if not text.has_newline:
        return after
    dominant = in_style_of(text, after)
    if in_style_of(text, text.value) == text.value:
        return dominant
    old, new = split_lines(text.value), split_lines(dominant)
    bare_old = [line.rstrip("\r\n") for line in old]
    bare_new = [line.rstrip("\r\n") for line in new]
    for at_old, at_new, size in matching_blocks(bare_old, bare_new):
        for n in range(size):
            ending = old[at_old + n][len(bare_old[at_old + n]) :]
            if ending and new[at_new + n] != bare_new[at_new + n]:
                new[at_new + n] = bare_new[at_new + n] + ending
    for n in range(len(new) - 1):
        if new[n].endswith("\r") and new[n + 1].startswith("\n"):  # together they would be one
            new[n] = new[n][:-1] + "\n"
    return "".join(new)
