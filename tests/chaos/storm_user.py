"""A user who types everywhere, remembers it, and notices when anything of it is touched."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types as lsp

from fixwright.workspace.text import Encoding, Text, width
from support.editor import Diagnostics, Editor

MARK = re.compile(r"❰\d+❱")
PASTED = "# 😀é "
"""How a pasted line begins; nothing has a reason to touch any of it."""


@dataclass
class Typed:
    """One change by the user, as offsets in code points: enough to take it back."""

    uri: str
    start: int
    old: str
    new: str
    text: str
    """The whole text afterwards; undo only works on exactly this."""


@dataclass
class User:
    """Types into buffers; marks every change with words that are found nowhere else."""

    editor: Editor
    dice: random.Random
    last: Typed | None = None
    closed: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Language and text of documents that were closed."""
    languages: dict[str, str] = field(default_factory=dict[str, str])
    _marks: int = 0

    def open(self, uri: str, text: str, language: str) -> None:
        self.languages[uri] = language
        self.editor.open(uri, text, language)

    def some_uri(self) -> str | None:
        uris = sorted(self.editor.buffers)
        return self.dice.choice(uris) if uris else None

    # ---- typing ------------------------------------------------------------------------

    def word(self) -> str:
        self._marks += 1
        return f"❰{self._marks}❱"

    def key(self, uri: str) -> None:
        """A mark at the end of a line, in a comment: no program changes by it."""
        text = self.editor.text(uri)
        ends = [found.start() for found in re.finditer(r"$|(?=\r)", text, re.MULTILINE)]
        self.replace(uri, self.dice.choice(ends), 0, f"  # {self.word()}")

    def paste(self, uri: str) -> None:
        """Whole lines with marks, astral characters and any line ending, above a line."""
        newline = self.dice.choice(["\n", "\r\n", "\r"])
        lines = [f"{PASTED}{self.word()} 🙂{newline}" for _ in range(self.dice.randrange(1, 4))]
        starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", self.editor.text(uri)))]
        self.replace(uri, self.dice.choice(starts), 0, "".join(lines))

    def scribble(self, uri: str) -> None:
        """A mark in the middle of anything: the program may break by it."""
        text = self.editor.text(uri)
        at = self.dice.randrange(len(text) + 1)
        inside = text[max(0, at - 12) : at + 12]
        if "❰" not in inside:  # a mark is not split
            self.replace(uri, at, 0, self.word())

    def delete(self, uri: str) -> None:
        """Some characters go, marks or not: the user wanted that."""
        length = len(self.editor.text(uri))
        if length:
            at = self.dice.randrange(length)
            self.replace(uri, at, min(self.dice.randrange(1, 6), length - at), "")

    def undo(self) -> None:
        """Take back the last change, if nothing came after it."""
        last, self.last = self.last, None
        if last and last.uri in self.editor.buffers and self.editor.text(last.uri) == last.text:
            self.replace(last.uri, last.start, len(last.new), last.old)
            self.last = None

    def replace(self, uri: str, start: int, length: int, new: str) -> None:
        """Change a span; it is widened so that no `\\r\\n` is split, which no editor can."""
        text = self.editor.text(uri)
        end = start + length
        if text[start - 1 : start + 1] == "\r\n" and start > 0:
            start, end = start - 1, max(end, start - 1) if length else start - 1
        if text[end - 1 : end + 1] == "\r\n" and end > start:
            end += 1
        place = span(Text(text), start, end, self.editor.encoding)
        self.editor.type(uri, place, new)
        after = self.editor.text(uri)
        assert after == text[:start] + new + text[end:]
        self.last = Typed(uri, start, text[start:end], new, after)

    # ---- documents ---------------------------------------------------------------------

    def close(self, uri: str) -> None:
        self.closed[uri] = (self.languages.get(uri, "python"), self.editor.text(uri))
        self.editor.close(uri)

    def reopen(self) -> None:
        """With the text that it had: an editor that keeps unsaved text."""
        waiting = [uri for uri in self.closed if uri not in self.editor.buffers]
        if waiting:
            uri = self.dice.choice(sorted(waiting))
            language, text = self.closed.pop(uri)
            self.open(uri, text, language)


def span(text: Text, start: int, end: int, encoding: Encoding) -> lsp.Range:
    """Counted with as little of the server's code as can be."""

    def at(offset: int) -> lsp.Position:
        line = len(re.findall(r"\r\n|\r|\n", text.value[:offset]))
        begin = max((m.end() for m in re.finditer(r"\r\n|\r|\n", text.value[:offset])), default=0)
        return lsp.Position(line, width(text.value[begin:offset], encoding))

    return lsp.Range(start=at(start), end=at(end))


class Watch(dict[str, Diagnostics]):
    """Diagnostics as they come, held against the buffers of that moment."""

    def __init__(self, editor: Editor) -> None:
        super().__init__()
        self._editor = editor
        self.faults: list[str] = []

    def __setitem__(self, uri: str, shown: Diagnostics) -> None:
        super().__setitem__(uri, shown)
        buffer = self._editor.buffers.get(uri)
        if buffer is None or shown.version is None:
            return
        if shown.version > buffer.version:
            self.faults.append(f"{uri}: version {shown.version} is after {buffer.version}")
        if shown.version == buffer.version:
            self.faults += self.outside(uri)

    def outside(self, uri: str) -> list[str]:
        """Diagnostics that lie outside the text."""
        buffer = self._editor.buffers[uri]
        lines = re.split(r"\r\n|\r|\n", buffer.text.value)

        def inside(at: lsp.Position) -> bool:
            if at.line >= len(lines):
                return False
            return at.character <= width(lines[at.line], self._editor.encoding)

        return [
            f"{uri}: {item.message!r} at {item.range} is outside"
            for item in self[uri].items
            if not (inside(item.range.start) and inside(item.range.end))
        ]


def guard_edits(editor: Editor, faults: list[str]) -> None:
    """Let no edit of the server's touch a mark, nor change the order of marks."""

    def guarded(apply: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def check(edit: Any) -> Any:
            before = {uri: _marks(editor, uri) for uri in editor.buffers}
            texts = {uri: editor.text(uri) for uri in editor.buffers}
            result = apply(edit)
            for uri, marks in before.items():
                if _marks(editor, uri) != marks:
                    faults.append(
                        f"an edit changed what the user typed in {uri}: "
                        f"{texts[uri]!r} -> {editor.text(uri)!r}"
                    )
            return result

        return check

    for name in ("_apply", "_apply_ours"):
        setattr(editor, name, guarded(getattr(editor, name)))


def _marks(editor: Editor, uri: str) -> list[str]:
    lines = re.split(r"\r\n|\r|\n", editor.text(uri))
    return [
        mark
        for line in lines
        for mark in ([line] if line.startswith(PASTED) else MARK.findall(line))
    ]
