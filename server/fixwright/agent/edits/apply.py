"""All edits of a call, or none.

All of them speak of the text as the model has read it, not of what an earlier one of the same call
has made of it: so they may come in any order, and none can hit what another has put there. Where
the model's text is known and differs from the present one, each edit is located in the model's
text, where it is certain what was meant, and the lines that it changes are carried over to the
present text. What cannot be carried over is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fixwright.agent.edits.anchors import version_of
from fixwright.agent.edits.carry import Passage
from fixwright.agent.edits.glued import unglued
from fixwright.agent.edits.locate import (
    anchors_of,
    located_exactly,
    located_lines,
    located_nearly,
    missing,
)
from fixwright.agent.edits.model import (
    Applied,
    Edit,
    LineEdit,
    LineHunk,
    Located,
    NotApplicable,
    Placed,
    Refusal,
    TextEdit,
)
from fixwright.agent.edits.nearest import nearest
from fixwright.agent.edits.page import Page, unified
from fixwright.agent.edits.refuse import refusal
from fixwright.agent.edits.rewrite import changes_of
from fixwright.workspace.text import Text


def apply_edits(
    text: Text,
    edits: Sequence[Edit],
    *,
    version: str | None = None,
    read: Mapping[str, Text] | None = None,
) -> Applied | Refusal:
    """Make all edits of one call, or say why none is made.

    Args:
        text: The document as it is now.
        edits: What the model wants, at least one.
        version: Which text it says that it has read, see `anchors.version_of`.
        read: The texts of this document that it has been shown in this session, by version, oldest
            first; also what its own edits made of them, once it was told so. Without them, old
            anchors are only checked against the present text, and `TextEdit`s more narrowly.

    Returns:
        The new text with its changes, or a refusal that tells the model what to do next.
    """
    if not edits:
        return Refusal(0, "invalid", "The call has no edits. Give at least one.")
    call = _Call.of(text, version, read or {})
    places = list[_Place]()
    for number, edit in enumerate(edits):
        try:
            places.append(call.place(edit, edits[:number]))
        except NotApplicable as refused:
            return refusal(call.now, number, len(edits), refused)
    overlap = _overlap(places)
    if overlap is not None:
        return refusal(call.now, overlap[1], len(edits), _overlapping(places, *overlap))
    return call.applied(places)


@dataclass(frozen=True)
class _Place:
    """Where one edit goes in the present text."""

    located: Located
    carried: bool


@dataclass(frozen=True)
class _Call:
    """The texts that one call is about."""

    now: Page
    base: Page | None
    others: tuple[Page, ...]
    version: str | None

    @classmethod
    def of(cls, text: Text, version: str | None, read: Mapping[str, Text]) -> _Call:
        now = Page(text)
        known = list(read.items())
        named = read.get(version) if version else (known[-1][1] if known else None)
        if version and named is None and version == version_of(text):
            named = text
        if named is not None and named.value == text.value:
            base = now
        else:
            base = Page(named) if named is not None else None
        rest = [each for _, each in reversed(known) if each is not named]
        return cls(now, base, tuple(Page(each) for each in rest), version)

    @property
    def pages(self) -> tuple[Page, ...]:
        """The texts whose anchors the model may have, the likeliest first."""
        first = [self.base] if self.base is not None else []
        return (*first, *([] if self.base is self.now else [self.now]), *self.others)

    def place(self, edit: Edit, earlier: Sequence[Edit]) -> _Place:
        """Where an edit goes.

        Raises:
            NotApplicable: It goes nowhere.
        """
        is_lines = isinstance(edit, LineEdit)
        placed = self._lines(edit) if is_lines else self._text(edit, earlier)
        if not placed.located.hunks:
            within = (placed.located.first, placed.located.last)
            raise NotApplicable(
                "nothing", "The edit changes nothing: the text is so already.", within
            )
        return placed

    def _lines(self, edit: LineEdit) -> _Place:
        found = anchors_of(edit, self.pages)
        if found is None:
            raise self._lost(edit)
        page, first, last = found
        new = unglued(self.pages, _plain(edit.new, self.now), "new")
        located = located_lines(page, LineEdit(edit.start, edit.end, new), first, last)
        if page is not self.now and not Passage(page, self.now).is_whole(
            located.first, located.last
        ):
            raise self._stale(page, located)
        return self._carried(page, located)

    def _text(self, edit: TextEdit, earlier: Sequence[Edit]) -> _Place:
        old, new = _plain(edit.old, self.now), _plain(edit.new, self.now)
        if old == new:
            raise NotApplicable("nothing", "old and new are the same, so the edit changes nothing.")
        if edit.count < 1:
            raise NotApplicable("invalid", "count must be 1 or more.")
        if old and not old.strip():
            raise NotApplicable(
                "invalid", "old is only white space. Take a line with text into it."
            )
        if not any(old in page.flat for page in (self.base or self.now, self.now)):
            old = unglued(self.pages, old, "old")
        edit = TextEdit(old, unglued(self.pages, new, "new"), edit.count)
        if self.base is None:
            found = located_exactly(self.now, edit, strict=True) or located_nearly(
                self.now, edit, strict=True
            )
            if found is not None:
                return _Place(found, carried=False)
        else:
            placed = self._text_as_read(edit, self.base)
            if placed is not None:
                return placed
        raise self._missing(edit, earlier)

    def _text_as_read(self, edit: TextEdit, base: Page) -> _Place | None:
        """Where an edit goes that was made for `base`; it may also know of what came after."""
        try:
            found = located_exactly(base, edit, strict=False)
            if found is None and base is not self.now:
                newer = located_exactly(self.now, edit, strict=True)
                if newer is not None:
                    return _Place(newer, carried=False)
            found = found or located_nearly(base, edit, strict=False)
        except NotApplicable as refused:
            raise self._as_it_is_now(refused, base) from None
        return found and self._carried(base, found)

    def _as_it_is_now(self, refused: NotApplicable, page: Page) -> NotApplicable:
        """A refusal whose lines are those of an older text, with the present ones instead."""
        if page is self.now or refused.near is None:
            return refused
        near = nearest(self.now, page.lines[slice(*refused.near)])
        return NotApplicable(refused.reason, refused.message, near)

    def _carried(self, page: Page, located: Located) -> _Place:
        """What was located in a text that was read, in the present one.

        Raises:
            NotApplicable: The lines have changed since.
        """
        if page is self.now:
            return _Place(located, carried=False)
        passage = Passage(page, self.now)
        if not passage.is_needed:
            return _Place(located, carried=False)
        hunks = list[LineHunk]()
        for hunk in located.hunks:
            carried = passage.hunk(hunk, located)
            if carried is None:
                raise self._stale(page, located)
            hunks.append(carried)
        first = hunks[0].first if hunks else 0
        last = hunks[-1].last if hunks else 0
        return _Place(Located(located.strategy, first, last, tuple(hunks)), carried=True)

    def _stale(self, page: Page, located: Located) -> NotApplicable:
        return NotApplicable(
            "stale",
            "The lines of this edit, or those beside them, were changed since they were read, and"
            " what stands there now is not overwritten. Make the edit anew on the lines as they"
            " are now.",
            nearest(self.now, page.lines[located.first : located.last]),
        )

    def _lost(self, edit: LineEdit) -> NotApplicable:
        numbers = [int(each.split(":")[0].strip(" [")) for each in (edit.start, edit.end)]
        near = (max(min(numbers) - 1, 0), min(max(numbers), len(self.now.lines)))
        return NotApplicable(
            "stale",
            f"The anchors {edit.start[:24]!r} and {edit.end[:24]!r} are not those of a text that"
            " was read: the lines above them or they themselves have changed, or they were not"
            " copied as shown. Use the anchors below.",
            near,
        )

    def _missing(self, edit: TextEdit, earlier: Sequence[Edit]) -> NotApplicable:
        for number, other in enumerate(earlier):
            if edit.old.strip() in unified(other.new):
                return NotApplicable(
                    "missing",
                    f"old is text that edit {number + 1} of this call brings in. All edits of a"
                    f" call are made on the text as it was: join this one with edit {number + 1}.",
                )
        return missing(self.now, edit)

    def applied(self, places: Sequence[_Place]) -> Applied | Refusal:
        """The new text, and where everything went."""
        ordered = sorted(
            (hunk for place in places for hunk in place.located.hunks),
            key=lambda hunk: (hunk.first, hunk.last),
        )
        changes, text = changes_of(self.now, ordered)
        if text.value == self.now.text.value:
            return Refusal(0, "nothing", "The edits change nothing: the text is so already.")
        return Applied(text, changes, tuple(_placed(place, ordered) for place in places))


def _plain(text: str, page: Page) -> str:
    r"""With ``\n`` only, and without a byte order mark that the document doesn't show."""
    text = unified(text)
    return text if page.text.value.startswith("\ufeff") else text.removeprefix("\ufeff")


def _overlap(places: Sequence[_Place]) -> tuple[int, int] | None:
    """Two edits of which neither can be made without the other's lines."""
    hunks = sorted(
        (
            (hunk.first, hunk.last, n)
            for n, place in enumerate(places)
            for hunk in place.located.hunks
        )
    )
    for (first, last, one), (other_first, other_last, other) in pairwise(hunks):
        same = (first, last) == (other_first, other_last)
        if other_first < last or (same and one != other):
            return min(one, other), max(one, other)
    return None


def _overlapping(places: Sequence[_Place], one: int, other: int) -> NotApplicable:
    located = places[other].located
    return NotApplicable(
        "overlap",
        f"It changes the same lines as edit {one + 1}. Make one edit of the two.",
        (located.first, located.last),
    )


def _placed(place: _Place, ordered: Sequence[LineHunk]) -> Placed:
    located = place.located
    shift = sum(
        _growth(hunk)
        for hunk in ordered
        if hunk.last <= located.first and hunk not in located.hunks
    )
    inside = sum(
        _growth(hunk)
        for hunk in ordered
        if located.first <= hunk.first and hunk.last <= located.last
    )
    after = (located.first + shift, located.last + shift + inside)
    return Placed(located.strategy, (located.first, located.last), after, place.carried)


def _growth(hunk: LineHunk) -> int:
    return len(hunk.new) - (hunk.last - hunk.first)
