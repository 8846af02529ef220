"""How indentation in an edit becomes indentation in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import gcd

Pair = tuple[str, str]
"""The indentation of one line in the edit, and of the same line in the file."""

Translate = Callable[[str], str | None]
"""Indentation of the edit to that of the file; None where it can't be told."""


def indentation(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def translation(pairs: Sequence[Pair], edit_lines: Iterable[str], unit: str) -> Translate | None:
    """The one way in which the file's indentation differs from the edit's, on all of `pairs`.

    Either every line has the same more or less of it in front, or another unit (a tab for four
    blanks) counts the same levels.

    Args:
        pairs: At least one.
        edit_lines: All lines of the edit, old and new: their steps show its unit.
        unit: The file's own unit.
    """
    return _shift(pairs) or _conversion(pairs, edit_lines, unit)


def unit_of(lines: Sequence[str]) -> str:
    """What one level of indentation is: a tab, or blanks; four where nothing is indented."""
    found = [indentation(line) for line in lines if line.strip()]
    tabs = sum(1 for each in found if each.startswith("\t"))
    blanks = [len(each) for each in found if each.startswith(" ")]
    if tabs > len(blanks):
        return "\t"
    steps = {
        size: sum(1 for each in blanks if each % size == 0) for size in (8, 4, 3, 2)
    }  # widest first: the widest that nearly all are multiples of
    for size, fitting in steps.items():
        if blanks and fitting >= 0.9 * len(blanks):
            return " " * size
    return " " * 4


def _shift(pairs: Sequence[Pair]) -> Translate | None:
    (old, present), *_ = pairs
    if present.endswith(old):
        more = present[: len(present) - len(old)]
        if all(there == more + here for here, there in pairs):
            return lambda given: more + given
    if old.endswith(present):
        less = old[: len(old) - len(present)]
        if all(here == less + there for here, there in pairs):
            return lambda given: given[len(less) :] if given.startswith(less) else None
    return None


def _conversion(pairs: Sequence[Pair], edit_lines: Iterable[str], unit: str) -> Translate | None:
    used = {indentation(line) for line in edit_lines if line.strip()}
    used |= {here for here, _ in pairs}
    kinds = {char for each in used for char in each}
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    common = gcd(*(len(each) for each in used))
    for step in (1,) if kind == "\t" else (8, 4, 3, 2):
        if common % step == 0:
            translate = _by_levels(min(pairs, key=lambda pair: len(pair[0])), kind * step, unit)
            if all(translate(here) == there for here, there in pairs):
                return translate
    return None


def _by_levels(base: Pair, step: str, unit: str) -> Translate:
    """As many of `unit` more or less than the base as it is of `step` in the edit."""
    here, there = base

    def translate(given: str) -> str | None:
        levels, rest = divmod(len(given) - len(here), len(step))
        if rest or given.strip(step[0]):
            return None
        if levels >= 0:
            return there + unit * levels
        less = unit * -levels
        return there[: -len(less)] if there.endswith(less) else None

    return translate
