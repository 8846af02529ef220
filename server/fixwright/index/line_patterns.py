"""Regular expressions that find in a whole text what they find in each of its lines by itself.

A search looks at one line at a time, and a loop over lines costs more than the search. So a pattern
is rewritten in such a way that no match leaves its line. That is exact where every part of it is
known here; for other patterns there is no rewriting.
"""

from __future__ import annotations

import re

_KEPT = frozenset("dwSbBt")
_REPLACED = {"s": r"[^\S\n]", "W": r"[^\w\n]", "D": r"[^\d\n]"}


def within_lines(pattern: str) -> str | None:
    r"""The same pattern for a text whose lines end with `\n`, to be compiled with `MULTILINE`.

    Lines' ends are no part of any class in it then, and the ends of lines are to it what the ends
    of the text were. Left are look-arounds, back references, flags, and characters by number.

    Args:
        pattern: one that can be compiled.

    Returns:
        None where a part of the pattern is not known.
    """
    if "\n" in pattern or "\r" in pattern or "(?" in pattern.replace("(?:", ""):
        return None
    found: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            part, at = _escape(pattern[at + 1]), at + 2
        elif char == "[":
            end = class_end(pattern, at + 1)
            part, at = _class(pattern[at:end]), end
        else:
            part, at = char, at + 1
        if part is None:
            return None
        found.append(part)
    return "".join(found)


def _escape(char: str) -> str | None:
    if char in _KEPT or not char.isalnum():
        return f"\\{char}"
    return _REPLACED.get(char)


def _class(text: str) -> str:
    r"""A class without the line's end: `[^…]` has it, and others may by `\s` or a range."""
    if re.fullmatch(text, "\n") is None:
        return text
    if text.startswith("[^"):
        rest = text[2:]
        # These mean themselves at the start of a class, and something else behind another sign.
        return f"[^\\n\\{rest}" if rest.startswith(("]", "-")) else f"[^\\n{rest}"
    return rf"(?:(?!\n){text})"


def class_end(pattern: str, at: int) -> int:
    """Behind the `]` of a class whose `[` ends before `at`."""
    at += pattern[at : at + 1] == "^"
    at += pattern[at : at + 1] == "]"
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1
