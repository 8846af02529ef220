"""What a shell's line would run, read as far as that is certain.

Rules judge a line part by part. What this can't read it says, and no rule allows it then: a guess
would be a way around the rules.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Words = tuple[str, ...]

_LONGEST = 16 << 10
_DEEPEST = 12
_ENDS = " \t\n;&|()<>"
_KEYWORDS = frozenset(
    re.findall(
        r"\S+",
        "if then else elif fi for while until do done case esac in function select time coproc"
        " { } ! [[ ]]",
    )
)
_SIMPLE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}|[0-9?@*#!$-])")
_REDIRECTION = re.compile(r"<<<|<<-?|>>|>&|<&|>\||<>|>|<")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, read.

    Attributes:
        parts: the words of each command in it, quotes resolved.
        hidden: commands that may be run besides: quoted ones, as for `sh -c`; and for a line that
            can't be read, its words in a row.
        unclear: why it can't be read for certain; None when it can.
    """

    parts: tuple[Words, ...]
    hidden: tuple[Words, ...] = ()
    unclear: str | None = None

    def begins(self, part: Words, pattern: Sequence[str]) -> bool:
        """Whether a part begins with the words of a pattern, and nothing is unclear."""
        return self.unclear is None and _alike(part[: len(pattern)], pattern)

    def holds(self, pattern: Sequence[str]) -> bool:
        """Whether the words of a pattern stand in a row anywhere.

        `sudo` and `env` hide nothing then, and neither does a program's path.
        """
        size = len(pattern)
        return any(
            _alike((posixpath.basename(part[start]), *part[start + 1 : start + size]), pattern)
            for part in (*self.parts, *self.hidden)
            for start in range(len(part) - size + 1)
        )


def _alike(words: Words, pattern: Sequence[str]) -> bool:
    return len(words) == len(pattern) and all(map(fnmatchcase, words, pattern))


def read_line(line: str) -> Line:
    """Read a line for `sh`: quotes, escapes, `;`, `&`, `|`, line ends, substitutions, subshells."""
    if len(line) > _LONGEST:
        return Line((), (_rough(line),), "it is too long to be read")
    reader = _Reader(line)
    reader.commands(None)
    parts = tuple(reader.parts)
    hidden = list(reader.hidden)
    if reader.unclear is not None:
        hidden.append(_rough(line))
    return Line(parts, tuple(hidden), reader.unclear)


def _rough(line: str) -> Words:
    return tuple(re.split(r"[\s;&|()<>`$\"'\\{}]+", line))


class _Reader:
    """Goes through a line once, from left to right."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self.text = text
        self.at = 0
        self.depth = depth
        self.parts: list[Words] = []
        self.hidden: list[Words] = []
        self.unclear: str | None = None
        self._words: list[str] = []
        self._dynamic = False

    def commands(self, end: str | None) -> None:
        """Read commands up to `end`, which is passed over, or to the end of the line."""
        self.depth += 1
        if self.depth > _DEEPEST:
            self._doubt("it is nested too deeply")
            self.at = len(self.text)
        while self.at < len(self.text):
            if self.text[self.at] == end:
                self.at += 1
                break
            self._step(self.text[self.at])
        else:
            if end is not None:
                self._doubt("a parenthesis is not closed")
        self._end_part()
        self.depth -= 1

    def _step(self, char: str) -> None:
        if char in "<>":
            self._redirection()
        elif char == "#":
            self.at = (self.text + "\n").find("\n", self.at)
        elif self.text.startswith("\\\n", self.at):
            self.at += 2
        elif char not in _ENDS:
            self._add_word()
        else:
            self.at += 1
            if char in "\n;&|":
                self._end_part()
            elif char == "(":
                if self._words:
                    self._doubt("it defines a function")
                self.commands(")")
            elif char == ")":
                self._doubt("a parenthesis closes that was not opened")

    def _end_part(self) -> None:
        if not self._words:
            return
        first = self._words[0]
        if first in _KEYWORDS:
            self._doubt(f"it has the word “{first}” of the shell's own")
        elif _ASSIGNMENT.match(first):
            self._doubt("it sets a variable")
        elif any(char in first for char in "*?["):
            self._doubt("the program is named by a pattern")
        self.parts.append(tuple(self._words))
        for word in self._words:
            if any(char.isspace() or char in ";&|" for char in word):  # a line for another shell
                self._look_inside(word)
        self._words = []

    def _look_inside(self, word: str) -> None:
        if self.depth >= _DEEPEST:
            self.hidden.append(_rough(word))
            return
        inner = _Reader(word, self.depth)
        inner.commands(None)
        self.hidden += [*inner.parts, *inner.hidden]
        if inner.unclear is not None:
            self.hidden.append(_rough(word))

    def _add_word(self) -> None:
        self._dynamic = False
        word = self._word()
        if word.isdigit() and self.text[self.at : self.at + 1] in ("<", ">"):
            return  # the number of what is redirected
        if self._dynamic and not self._words:
            self._doubt("the program is named by a variable or another command")
        self._words.append(word)

    def _redirection(self) -> None:
        operator = _REDIRECTION.match(self.text, self.at)
        assert operator is not None
        self.at = operator.end()
        if operator[0].startswith("<<"):
            self._doubt("it has a text for its input")
        if self.text[self.at : self.at + 1] == "(":
            self._doubt("a command stands in place of a file")
            return
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1
        target = self._word()
        to_stream = operator[0] in (">&", "<&") and re.fullmatch(r"\d+|-", target) is not None
        if not to_stream and target != "/dev/null":
            self._doubt(f"it is connected to the file {target or '?'}")

    def _word(self) -> str:
        """One word, its quotes and escapes resolved; what would be expanded stays as it is."""
        word: list[str] = []
        while self.at < len(self.text) and (char := self.text[self.at]) not in _ENDS:
            if char == "\\":
                escaped = self.text[self.at + 1 : self.at + 2]
                word.append("" if escaped == "\n" else escaped)
                self.at += 2
            elif char == "'":
                word.append(self._single())
            elif char == '"':
                self.at += 1
                word.append(self._double())
            elif char in "$`":
                word.append(self._expansion())
            else:
                word.append(char)
                self.at += 1
        return "".join(word)

    def _single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            self._doubt("a quote is not closed")
            end = len(self.text)
        found = self.text[self.at + 1 : end]
        self.at = end + 1
        return found

    def _double(self) -> str:
        found: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            following = self.text[self.at + 1 : self.at + 2]
            if char == '"':
                self.at += 1
                return "".join(found)
            if char == "\\" and following and following in '$`"\\\n':
                found.append("" if following == "\n" else following)
                self.at += 2
            elif char in "$`":
                found.append(self._expansion(quoted=True))
            else:
                found.append(char)
                self.at += 1
        self._doubt("a quote is not closed")
        return "".join(found)

    def _expansion(self, *, quoted: bool = False) -> str:
        start = self.at
        self._dynamic = True
        if self.text[start] == "`":
            self._backticks()
            return "$()"
        if self.text.startswith("$(", start) and not self.text.startswith("$((", start):
            self.at += 2
            self._nested(")")
            return "$()"
        if self.text.startswith("$((", start):
            self._doubt("it computes")
            self.at += 1
        elif simple := _SIMPLE.match(self.text, start):
            self.at = simple.end()
        else:
            following = self.text[start + 1 : start + 2]
            if following == "{" or (not quoted and following in ("'", '"')):
                self._doubt("an expansion does more than to name a variable")
            self.at += 1
            return "$"
        return self.text[start : self.at]

    def _nested(self, end: str) -> None:
        """Commands within a word; their parts count as any others."""
        kept, self._words = self._words, []
        self.commands(end)
        self._words, self._dynamic = kept, True

    def _backticks(self) -> None:
        inside: list[str] = []
        at = self.at + 1
        while at < len(self.text) and self.text[at] != "`":
            if self.text[at] == "\\" and self.text[at + 1 : at + 2] in ("`", "\\", "$"):
                at += 1
            inside.append(self.text[at : at + 1])
            at += 1
        if at >= len(self.text):
            self._doubt("a backtick is not closed")
        self.at = at + 1
        inner = _Reader("".join(inside), self.depth)
        inner.commands(None)
        self.parts += inner.parts
        self.hidden += inner.hidden
        if inner.unclear is not None:
            self._doubt(inner.unclear)

    def _doubt(self, why: str) -> None:
        self.unclear = self.unclear or why
