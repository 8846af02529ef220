"""Which of the known names somebody meant."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# From this length on, so many mistakes are still the same word.
_MISTAKES = ((3, 1), (6, 2), (10, 3))
_CASE_ONLY = 0.5
_SWAPPED = 0.25
_MOST_SLIPS = 4


def closest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that `name` may be a misspelling of, the likeliest first."""
    allowed = max((mistakes for length, mistakes in _MISTAKES if len(name) >= length), default=0)
    if not allowed:
        return []
    letters = sorted(name)
    ranked: list[tuple[float, bool, float, str]] = []
    for other in dict.fromkeys(known):
        if other == name or abs(len(other) - len(name)) > allowed:
            continue
        if other.startswith("_") != name.startswith("_") or len(other) < len(name) / 2:
            continue
        mistakes = _mistakes(name, other, allowed)
        if mistakes <= allowed:
            likeness = SequenceMatcher(None, name, other).ratio()
            ranked.append((mistakes, sorted(other) != letters, -likeness, other))
    return [other for *_, other in sorted(ranked)[:most]]


def as_near(name: str, suggested: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The suggested name, and known ones that are no further from `name`, however short it is."""
    limit = slips(name, suggested)
    others = dict.fromkeys(other for other in known if other != name)
    return [suggested, *[each for each in others if slips(name, each) <= limit][:most]]


def slips(name: str, other: str) -> float:
    """How many slips lie between two spellings; the same letters in another order are less."""
    mistakes = _mistakes(name, other, _MOST_SLIPS)
    return mistakes - _SWAPPED if sorted(name) == sorted(other) else mistakes


def _mistakes(name: str, other: str, allowed: int) -> float:
    plain, other_plain = name.casefold(), other.casefold()
    if plain.replace("_", "") == other_plain.replace("_", ""):
        return _CASE_ONLY
    case = 0 if name == plain or plain != other_plain else _CASE_ONLY
    return distance(plain, other_plain, allowed) + case


def distance(one: str, other: str, most: int) -> int:
    """The optimal string alignment distance: letters inserted, deleted, changed, or swapped.

    Returns:
        `most` + 1 where it is larger than `most`.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, another in enumerate(other, start=1):
            cost = min(
                last[column] + 1,
                current[column - 1] + 1,
                last[column - 1] + (letter != another),
            )
            swapped = (
                row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == another
            )
            if swapped:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > most:
            return most + 1
        before, last = last, current
    return min(last[-1], most + 1)
