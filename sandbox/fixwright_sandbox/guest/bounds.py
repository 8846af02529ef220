"""Keep what is reported small."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_TEXT = 16_000
MOST_CANDIDATES = 500


def clip(text: str, longest: int = LONGEST_TEXT) -> str:
    """Keep the head and the tail of a long text and say how much is left out."""
    if len(text) <= longest:
        return text
    head, tail = longest * 3 // 4, longest // 4
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[… {left_out} characters left out …]\n{text[-tail:]}"


def bounded_names(names: Iterable[object], wanted: str) -> list[str]:
    """Return each name once, special ones last; of too many, those with the likest letters."""
    unique = list(dict.fromkeys(name for name in names if type(name) is str and name != wanted))
    unique.sort(key=lambda name: name.startswith("__"))
    if len(unique) > MOST_CANDIDATES:
        letters = set(wanted.casefold())
        unique.sort(key=lambda name: len(letters.symmetric_difference(name.casefold())))
        del unique[MOST_CANDIDATES:]
    return unique
