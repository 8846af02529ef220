"""The code that is worked on: what is selected, or the function at the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.crafts.trials import Hopeless
from fixwright.agent.tools.spec import Refused
from fixwright.index.languages import language_for
from fixwright.index.symbols import symbols_of
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from fixwright.index.languages import Language
    from fixwright.index.symbols import Symbol
    from fixwright.workspace.document import Document
    from fixwright.workspace.draft import Draft

_CODE = frozenset(("function", "method", "constructor", "class", "struct", "implementation"))
_NAMED = _CODE | {"trait", "interface", "enum", "property", "macro"}


@dataclass(frozen=True)
class Subject:
    """Code of one document.

    Attributes:
        uri: the document.
        language: its language.
        code: the text itself.
        range: where it stood when the work began.
        names: what is defined in it, and what it is a part of: by these tests speak of it.
    """

    uri: str
    language: Language
    code: str
    range: Range
    names: tuple[str, ...]

    def place(self, draft: Draft) -> Range:
        """Where it stands in a draft's text. Reads a closed document.

        Raises:
            Hopeless: it is not there any more, or not alone.
        """
        text = draft.document(self.uri).text
        if text.slice(self.range) == self.code:
            return self.range
        at = text.value.find(self.code)
        if at < 0 or text.value.find(self.code, at + 1) >= 0:
            raise Hopeless("The code was changed meanwhile. Ask again for what stands there now.")
        return text.range(at, at + len(self.code))


def subject_of(document: Document, place: Range) -> Subject:
    """What a selection means; an empty one the innermost function or class around it. Parses.

    Raises:
        Refused: there is no code; the sentence is for the user.
    """
    language = language_for(document.language, document.uri)
    if language is None:
        raise Refused(f"Fixwright does not know the structure of {document.language}.")
    text = document.text
    symbols = tuple(_all(symbols_of(text, language)))
    if not text.slice(place).strip():
        around = [each for each in symbols if each.kind in _CODE and _holds(each.range, place)]
        if not around:
            raise Refused("There is no function here. Select code, or put the cursor into it.")
        place = min(around, key=lambda each: _size(each.range)).range
    names = [
        each.name
        for each in symbols
        if each.kind in _NAMED and (_holds(each.range, place) or _holds(place, each.range))
    ]
    return Subject(document.uri, language, text.slice(place), place, tuple(dict.fromkeys(names)))


def _all(symbols: Iterable[Symbol]) -> Iterator[Symbol]:
    for symbol in symbols:
        yield symbol
        yield from _all(symbol.children)


def _holds(outer: Range, inner: Range) -> bool:
    return _key(outer.start) <= _key(inner.start) and _key(inner.end) <= _key(outer.end)


def _size(place: Range) -> tuple[int, int]:
    return place.end.line - place.start.line, place.end.column - place.start.column


def _key(position: Position) -> tuple[int, int]:
    return position.line, position.column
