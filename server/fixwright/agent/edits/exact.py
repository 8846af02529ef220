"""Where `old` stands letter by letter, and what its lines become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fixwright.agent.edits.indent import indentation
from fixwright.agent.edits.model import LineHunk, Located, NotApplicable
from fixwright.agent.edits.page import Page
from fixwright.workspace.linediff import changed_blocks

_MOST = 200
"""Places that are looked at; nothing that stands so often is meant by one edit."""

_NAMED = 8
"""Lines that a message names."""

_JOINERS = frozenset(".-$@")
"""What makes one name of the words on both its sides: a.b, background-color."""

_OPENERS = tuple("([{:,=\\&|+*")


@dataclass(frozen=True)
class _Words:
    r"""`old` and `new` of an edit, both with ``\n`` only."""

    old: str
    new: str

    @property
    def ended(self) -> bool:
        """Whether `old` goes to the end of a line by its own words."""
        return self.old.endswith("\n")

    @property
    def core(self) -> str:
        """`old` without that line break."""
        return self.old[: len(self.old) - self.ended]

    @property
    def is_lines(self) -> bool:
        """Whether it speaks of lines, not of something within one."""
        return "\n" in self.old


@dataclass(frozen=True)
class _Spot:
    """One place of `core`, from a column of its first line to one of its last."""

    page: Page
    first: int
    start: int
    last: int
    end: int

    @property
    def before(self) -> str:
        """What stands on the first line before it."""
        return self.page.lines[self.first][: self.start]

    @property
    def after(self) -> str:
        """What stands on the last line behind it."""
        return self.page.lines[self.last][self.end :]

    @property
    def neighbours(self) -> tuple[str, str]:
        """The characters before and behind it, empty at the ends of lines."""
        line, last = self.page.lines[self.first], self.page.lines[self.last]
        return line[max(self.start - 1, 0) : self.start], last[self.end : self.end + 1]

    @property
    def is_whole(self) -> bool:
        """Whether it is all that its lines say."""
        return not self.before.strip() and not self.after.strip()


def exact(page: Page, old: str, new: str, count: int, *, strict: bool) -> Located | None:
    r"""The edit where `old` stands `count` times; None where it doesn't stand at all.

    Args:
        page: The text.
        old: With ``\n`` only.
        new: Likewise.
        count: How often `old` shall stand there.
        strict: Nothing tells that the model has read this very text. Then part of a longer name
            (``red`` in ``bred``), or lines that begin or end inside others, are no match: what was
            meant may have been changed, and this is something else.

    Raises:
        NotApplicable: It stands there another number of times, or what shall become of it is not
            clear.
    """
    words = _Words(old, new)
    places = _occurrences(page.flat, old)
    spots = [_spot(page, at, words.core) for at in places]
    kept = [n for n, spot in enumerate(spots) if _begins_well(spot, words.core)]
    if words.is_lines:
        whole = [n for n in kept if spots[n].is_whole]
        if strict and "\n" not in words.core:  # one line of another depth is another line
            whole = [n for n in whole if not spots[n].before]
        kept = whole if whole or strict else kept
    elif strict and all(_is_part_of_name(spots[n], words.core) for n in kept):
        kept = []
    if not kept:
        return None
    if len(kept) != count:
        raise _miscounted([spots[n] for n in kept], count)
    if count == 1:
        return _replaced(page, spots[kept[0]], words)
    return _replaced_all(page, [places[n] for n in kept], words)


def _occurrences(flat: str, old: str) -> list[int]:
    """Overlapping ones too: which of two was meant is not known either."""
    places = list[int]()
    at = flat.find(old)
    while at >= 0 and len(places) < _MOST:
        places.append(at)
        at = flat.find(old, at + 1)
    return places


def _spot(page: Page, at: int, core: str) -> _Spot:
    return _Spot(page, *page.place(at), *page.place(at + len(core)))


def _begins_well(spot: _Spot, core: str) -> bool:
    """Whether the first line begins where it seems to.

    Four blanks and a word that are found within eight blanks and the word are a line of another
    depth, and a line break that is the end of a line with text is no blank line.
    """
    if core.startswith("\n"):
        return not spot.start
    return core[:1] not in {" ", "\t"} or not spot.start or not spot.before.isspace()


def _is_part_of_name(spot: _Spot, core: str) -> bool:
    first, last = core[0], core[-1]
    left, right = spot.neighbours
    return (_is_word(first) and (_is_word(left) or left in _JOINERS)) or (
        _is_word(last) and _is_word(right)
    )


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _miscounted(spots: Sequence[_Spot], count: int) -> NotApplicable:
    lines = ", ".join(str(spot.first + 1) for spot in spots[:_NAMED])
    more = " and more" if len(spots) > _NAMED else ""
    found = "once" if len(spots) == 1 else f"{len(spots)} times"
    if count > 1:
        advice = f"Set count to {len(spots)} if all are meant, else name the lines by anchors."
    else:
        advice = (
            "Take more lines into old, so that it stands there once, or name the lines by their"
            f" anchors; if all are meant, set count to {len(spots)}."
        )
    wanted = "" if count == 1 else f", not {count} times"
    return NotApplicable(
        "ambiguous",
        f"old stands {found} in the file{wanted} (lines {lines}{more}). {advice}",
        (spots[0].first, spots[0].last + 1),
    )


def _replaced(page: Page, spot: _Spot, words: _Words) -> Located:
    old = page.lines[spot.first : spot.last + 1]
    new = _new_lines(spot, words)
    return Located("exact", spot.first, spot.last + 1, hunks_of(spot.first, old, new))


def _new_lines(spot: _Spot, words: _Words) -> list[str]:
    core, new = words.core, words.new
    near = (spot.first, spot.last + 1)
    if not spot.is_whole:
        if words.ended:
            if not new.endswith("\n"):
                raise NotApplicable(
                    "doubtful",
                    "old ends with a line break and new does not, which would join two lines. Give"
                    " whole lines in both.",
                    near,
                )
            new = new[:-1]
        return f"{spot.before}{new}{spot.after}".split("\n")
    if not new:
        return []
    if new.endswith("\n") and (words.ended or new[:-1] != core):
        new = new[:-1]  # a line break at the end of whole lines says nothing
    if spot.before and "\n" in new and "\n" not in core:
        new = _below_indented(spot, new)
    lines = f"{spot.before}{new}{spot.after}".split("\n")
    return [
        line if line.strip() else given for line, given in zip(lines, new.split("\n"), strict=True)
    ]


def _below_indented(spot: _Spot, new: str) -> str:
    """Several lines for one that was given without its indentation.

    Either they lack that indentation too, or only the first does. Each reading has to look like
    code; where both do, it is not decided here.
    """
    first, *rest = new.split("\n")
    shifted = [spot.before + line if line.strip() else line for line in rest]
    as_given = _is_plausible([spot.before + first, *rest])
    as_shifted = _is_plausible([spot.before + first, *shifted])
    if as_given == as_shifted:
        raise NotApplicable(
            "doubtful",
            "old lacks the indentation of its line, so the depth of the lines in new is not clear."
            " Give old and new with all of their indentation.",
            (spot.first, spot.last + 1),
        )
    return "\n".join([first, *(rest if as_given else shifted)])


def _is_plausible(lines: Sequence[str]) -> bool:
    """Whether indentation grows only behind what opens something, and does grow behind a colon."""
    filled = [line for line in lines if line.strip()]
    least = len(indentation(filled[0])) if filled else 0
    for above, line in pairwise(filled):
        depth, depth_above = len(indentation(line)), len(indentation(above))
        end = above.rstrip()
        if depth < least or (depth > depth_above and not end.endswith(_OPENERS)):
            return False
        if end.endswith((":", "{")) and depth <= depth_above and not line.lstrip().startswith("}"):
            return False
    return True


def _replaced_all(page: Page, places: Sequence[int], words: _Words) -> Located:
    old, new = words.old, words.new
    if any(other < one + len(old) for one, other in pairwise(places)):
        raise NotApplicable(
            "ambiguous", "The places of old overlap one another. Name the lines by their anchors."
        )
    if words.ended and new and not new.endswith("\n"):
        new += "\n"
    spans = list[tuple[int, int]]()
    for at in places:
        first, last = page.place(at)[0], page.place(at + len(old) - 1)[0]
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    hunks = list[LineHunk]()
    for first, last in spans:
        lines = page.lines[first : last + 1]
        after = "".join(f"{line}\n" for line in lines).replace(old, new)
        if after and not after.endswith("\n"):
            raise NotApplicable(
                "doubtful", "The edit would join two lines. Give whole lines.", (first, last + 1)
            )
        hunks += hunks_of(first, lines, after.split("\n")[:-1])
    return Located("exact", spans[0][0], spans[-1][1] + 1, tuple(hunks))


def hunks_of(first: int, old: Sequence[str], new: Sequence[str]) -> tuple[LineHunk, ...]:
    """The lines that really differ; `old` begins at line `first`."""
    return tuple(
        LineHunk(first + at, first + end, tuple(new[new_at:new_end]))
        for at, end, new_at, new_end in changed_blocks(old, new)
    )
