"""Typographic characters that models and editors put for plain ones, and the other way round."""

from __future__ import annotations

from difflib import SequenceMatcher

_CLASSES = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u02bc",
    '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    " ": "\u00a0\u2002\u2003\u2009\u200a\u202f",
}
_FOLD = {ord(char): plain for plain, chars in _CLASSES.items() for char in chars}
_LONGEST = 2000


def folded(line: str) -> str:
    """With one plain character for each typographic one, and no white space around."""
    return line.translate(_FOLD).strip()


def drifted(there: str, given: str) -> frozenset[str]:
    """The plain characters that the two lines, equal when folded, write differently."""
    pairs = zip(there.strip(), given.strip(), strict=True)
    return frozenset(a.translate(_FOLD) for a, b in pairs if a != b)


def has_any(text: str, classes: frozenset[str]) -> bool:
    """Whether a text has a character of one of these classes, plain or typographic."""
    return any(char in classes for char in text.translate(_FOLD))


def kept_characters(there: str, old: str, new: str, classes: frozenset[str]) -> str | None:
    """`new`, with the file's own characters wherever `new` repeats `old`; without indentation.

    Args:
        there: The line of the file.
        old: The same line as the edit has it; both are equal when folded.
        new: What the edit makes of it.
        classes: Characters that the edit writes otherwise than the file. They may stay where they
            are; which one to write in a new place is not known.

    Returns:
        The line, or None where one of `classes` would come or go.
    """
    there, old, new = there.strip(), old.strip(), new.strip()
    if max(len(there), len(new)) > _LONGEST:
        return None
    parts = list[str]()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, at, end, new_at, new_end in matcher.get_opcodes():
        if tag == "equal":
            parts.append(there[at:end])
        elif has_any(old[at:end] + new[new_at:new_end], classes):
            return None
        else:
            parts.append(new[new_at:new_end])
    return "".join(parts)
