"""Where `old` stands but for white space or typographic characters.

Found so, a place must be the only one. Only lines that differ between `old` and `new` are replaced;
all others keep the file's bytes, whatever the edit shows for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from fixwright.agent.edits.folding import drifted, folded, has_any, kept_characters
from fixwright.agent.edits.indent import Pair, Translate, indentation, translation, unit_of
from fixwright.agent.edits.model import LineHunk, Located, NotApplicable, Strategy
from fixwright.agent.edits.page import Page, runs
from fixwright.workspace.linediff import changed_blocks

_Tier = Literal["line ends", "indentation", "spacing", "characters"]
_BETWEEN = re.compile(r"(?<=\w)\s+(?=\w)")
_LEAST = 3
"""Letters and digits that `old` must have to be looked for so."""


def _spaced(line: str) -> str:
    """Without white space that separates nothing, so that ``f(a, b)`` is ``f(a,b)``."""
    return re.sub(r"\s+", "", _BETWEEN.sub("\0", line))


_TIERS: tuple[tuple[_Tier, Callable[[str], str]], ...] = (
    ("line ends", str.rstrip),
    ("indentation", str.strip),
    ("spacing", _spaced),
    ("characters", folded),
)


def similar(page: Page, old: str, new: str, *, strict: bool) -> Located | None:
    """The edit where lines like those of `old` stand once; None where there are none.

    The arguments are those of `exact`.

    Raises:
        NotApplicable: There are several such places, or what shall become of the place is not
            clear.
    """
    old_lines, new_lines = _lines(old), _lines(new)
    if sum(char.isalnum() for char in old) < _LEAST:
        return None
    if strict and sum(bool(line.strip()) for line in old_lines) == 1:
        return None  # the line that was meant may be gone, and this one be of another depth
    found = _found(page, old_lines, new_lines)
    while found is None and _share_blank_edge(old_lines, new_lines):
        found = _found(page, old_lines, new_lines)
    return found


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _share_blank_edge(old: list[str], new: list[str]) -> bool:
    """Take away a blank line that both texts begin or end with: it changes nothing."""
    for edge in (0, -1):
        if len(old) > 1 and len(new) > 1 and not old[edge].strip() and not new[edge].strip():
            del old[edge], new[edge]
            return True
    return False


def _found(page: Page, old: Sequence[str], new: Sequence[str]) -> Located | None:
    for tier, key in _TIERS:
        places = runs(page.keyed(key), [key(line) for line in old], 20)
        if len(places) > 1:
            lines = ", ".join(str(at + 1) for at in places[:8])
            raise NotApplicable(
                "ambiguous",
                "old does not stand in the file exactly; but for white space or typographic"
                f" characters it does in {len(places)} places (from lines {lines}). Copy the lines"
                " that are meant exactly, and more of them, or name them by their anchors.",
                (places[0], places[0] + len(old)),
            )
        if places:
            there = page.lines[places[0] : places[0] + len(old)]
            return _Matched(page, tier, places[0], there, old, new).located()
    return None


@dataclass(frozen=True)
class _Matched:
    """Lines `there` of the file, from line `at` on, that are those of `old`."""

    page: Page
    tier: _Tier
    at: int
    there: Sequence[str]
    old: Sequence[str]
    new: Sequence[str]

    def located(self) -> Located:
        everywhere = self._translation(self._pairs(0, len(self.old)))
        strategy: Strategy = self.tier
        if everywhere is None:
            strategy = "trimmed" if self.tier == "indentation" else self.tier
        hunks = list[LineHunk]()
        bare_old = [line.rstrip() for line in self.old]
        bare_new = [line.rstrip() for line in self.new]
        for start, end, new_start, new_end in changed_blocks(bare_old, bare_new):
            given = self.new[new_start:new_end]
            lines = self._in_file(start, end, given, everywhere)
            if tuple(lines) != tuple(self.there[start:end]):
                hunks.append(LineHunk(self.at + start, self.at + end, tuple(lines)))
        return Located(strategy, self.at, self.at + len(self.old), tuple(hunks))

    def _in_file(
        self, start: int, end: int, given: Sequence[str], everywhere: Translate | None
    ) -> list[str]:
        """What takes the place of lines ``[start, end)``, in the file's indentation."""
        if self.tier == "line ends":
            return list(given)
        if "".join("".join(self.old[start:end]).split()) == "".join("".join(given).split()):
            raise self._doubtful(
                "the edit changes only white space, and the white space of old is not the file's"
            )
        if self.tier == "characters":
            given = self._with_own_characters(start, end, given)
        elif any(
            here.strip() != there.strip()
            for here, there in zip(self.old[start:end], self.there[start:end], strict=True)
        ):
            raise self._doubtful("a line that the edit changes has other spacing in the file")
        translate = everywhere or self._local(start, end)
        lines = list[str]()
        for line in given:
            depth = translate(indentation(line))
            if depth is None and line.strip():
                raise self._doubtful("the indentation of the new lines can't be told from old's")
            lines.append(f"{depth}{line.lstrip()}" if line.strip() else "")
        return lines

    def _with_own_characters(self, start: int, end: int, given: Sequence[str]) -> list[str]:
        classes = frozenset[str]().union(*map(drifted, self.there, self.old))
        if len(given) != end - start:
            if has_any("".join((*self.old[start:end], *given)), classes):
                raise self._doubtful("old and the file write quotes, dashes or spaces differently")
            return list(given)
        lines = list[str]()
        for there, old, new in zip(self.there[start:end], self.old[start:end], given, strict=True):
            line = kept_characters(there, old, new, classes)
            if line is None:
                raise self._doubtful("old and the file write quotes, dashes or spaces differently")
            lines.append(indentation(new) + line)
        return lines

    def _local(self, start: int, end: int) -> Translate:
        """From the changed lines alone; one that is not changed may be a blank off."""
        pairs = self._pairs(start, end) or [
            *self._pairs(0, start)[-1:],
            *self._pairs(end, len(self.old))[:1],
        ]
        translate = self._translation(pairs)
        if translate is None or not all(
            abs(len(translate(here) or here) - len(there)) <= 1
            for here, there in self._pairs(0, len(self.old))
        ):
            raise self._doubtful("the lines of old are indented otherwise than the file's")
        return translate

    def _pairs(self, start: int, end: int) -> list[Pair]:
        return [
            (indentation(here), indentation(there))
            for here, there in zip(self.old[start:end], self.there[start:end], strict=True)
            if here.strip()
        ]

    def _translation(self, pairs: Sequence[Pair]) -> Translate | None:
        if not pairs:
            return None
        return translation(pairs, (*self.old, *self.new), unit_of(self.page.lines))

    def _doubtful(self, why: str) -> NotApplicable:
        return NotApplicable(
            "doubtful",
            f"old does not stand in the file exactly. Lines like it do, but {why}. Copy the lines"
            " exactly as they are, or name them by their anchors.",
            (self.at, self.at + len(self.old)),
        )
