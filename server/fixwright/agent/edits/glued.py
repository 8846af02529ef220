"""What a model copied along with the text: line anchors and line numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from fixwright.agent.edits.anchors import GLUED, Anchor, holds
from fixwright.agent.edits.model import NotApplicable
from fixwright.agent.edits.page import Page

_FEWEST = 2
_NUMBERED = re.compile(r"\s*(\d{1,7})(?:\t|\||\u2192|: )")


def unglued(pages: Sequence[Page], text: str, field: str) -> str:
    r"""`text` without the anchors of its lines, where they are such that were shown.

    Args:
        pages: The texts whose anchors the model may have seen.
        text: With ``\n`` only.
        field: Its name, for the message.

    Raises:
        NotApplicable: Its lines begin with what looks like anchors or line numbers, but it can't
            be told what is text.
    """
    lines = text.split("\n")
    glued = [GLUED.match(line) for line in lines]
    if not any(glued):
        _check_numbers(pages, lines, field)
        return text
    literal = any(GLUED.match(line) for page in pages for line in page.lines)
    proven = [
        match is not None and any(holds(page, Anchor(int(match[1]), match[2])) for page in pages)
        for match in glued
    ]
    if literal and not any(proven):
        return text
    if literal or any(match and not known for match, known in zip(glued, proven, strict=True)):
        raise NotApplicable(
            "invalid",
            f"Lines of {field} begin with line anchors. Send the text alone, without what stands"
            " before the separator.",
        )
    bare = zip(lines, glued, strict=True)
    return "\n".join(line[match.end() :] if match else line for line, match in bare)


def _check_numbers(pages: Sequence[Page], lines: Sequence[str], field: str) -> None:
    filled = [line for line in lines if line.strip()]
    found = [_NUMBERED.match(line) for line in filled]
    numbers = [int(match[1]) for match in found if match]
    if len(numbers) < max(_FEWEST, len(filled)) or any(b != a + 1 for a, b in pairwise(numbers)):
        return
    if all(any(line in page.keyed(str) for page in pages) for line in filled[:1]):
        return
    raise NotApplicable(
        "invalid",
        f"The lines of {field} begin with line numbers. Send the text alone, without them.",
    )
