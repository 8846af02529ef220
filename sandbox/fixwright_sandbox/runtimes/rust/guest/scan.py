"""Read Rust's tokens: enough to find the end of an expression whose beginning is known."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>//[^\n]*)
    |(?P<block>/\*)
    |(?P<raw>[bc]?r(?P<hashes>\#*)".*?"(?P=hashes))
    |(?P<string>[bc]?"(?:\\.|[^"\\])*")
    |(?P<char>b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])')
    |(?P<lifetime>'[^\W\d]\w*)
    |(?P<ident>(?:r\#)?[^\W\d]\w*)
    |(?P<number>\d\w*(?:\.\d\w*)?)
    |(?P<punct><<=|>>=|\.\.\.|\.\.=|::|->|=>|&&|\|\||[=!<>+\-*/%^&|]=|<<|>>|\.\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_PREFIXES = frozenset({"&", "&&", "*", "!", "-"})
_BLOCKS = frozenset({"if", "match", "loop", "while", "for", "unsafe", "async"})


class Token(NamedTuple):
    """A token and where it stands, in code points from the beginning of the text."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the token ends."""
        return self.start + len(self.text)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text without spaces and comments; broken text gives some tokens."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None, "the last alternative takes any character"
        kind = str(match.lastgroup if match.lastgroup != "hashes" else "raw")
        if kind == "block":
            position = _comment_end(text, position)
            continue
        if kind not in ("space", "comment"):
            found.append(Token(kind, match[0], position))
        position = match.end()
    return found


class Source:
    """A Rust file: its tokens, and its places as lines and columns."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens of the file."""
        return tokenize(self.text)

    @cached_property
    def _starts(self) -> list[int]:
        return [token.start for token in self.tokens]

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a zero-based place, at most the end of its line."""
        if line >= len(self._lines):
            return len(self.text)
        last = self._lines[line + 1] - 1 if line + 1 < len(self._lines) else len(self.text)
        return min(self._lines[line] + column, last)

    def place(self, offset: int) -> tuple[int, int]:
        """Return the zero-based line and column of an offset."""
        line = bisect_right(self._lines, offset) - 1
        return line, offset - self._lines[line]

    def at(self, offset: int) -> int:
        """Return the index of the token at an offset, or of the next one."""
        index = bisect_right(self._starts, offset) - 1
        if index >= 0 and offset < self.tokens[index].end:
            return index
        return index + 1

    # ---- expressions

    def group_end(self, index: int) -> int:
        """Return the index after the bracket that closes the one at `index`."""
        depth: list[str] = []
        for number in range(index, len(self.tokens)):
            text, kind = self.tokens[number].text, self.tokens[number].kind
            if kind != "punct":
                continue
            if text in _CLOSING:
                depth.append(_CLOSING[text])
            elif depth and text == depth[-1]:
                depth.pop()
                if not depth:
                    return number + 1
        return len(self.tokens)

    def is_punct(self, index: int, *texts: str) -> bool:
        """Tell whether the token at `index` is one of these."""
        if not 0 <= index < len(self.tokens):
            return False
        token = self.tokens[index]
        return token.kind == "punct" and token.text in texts

    def operand_end(self, index: int, callee: str | None = None) -> int:
        """Return the index after the operand that begins at `index`.

        Args:
            index: its first token.
            callee: end at the call of this name, where there is one in the operand.
        """
        while self.is_punct(index, *_PREFIXES) or self._is_word(index, "mut"):
            index += 1
        index, done = self._primary_end(index, callee)
        while not done and index < len(self.tokens):
            if self.is_punct(index, "?"):
                index += 1
            elif self.is_punct(index, "[") or self.is_punct(index, "("):
                index = self.group_end(index)
            elif self.is_punct(index, "."):
                index, done = self._segment_end(index + 1, callee)
            else:
                break
        return index

    def _primary_end(self, index: int, callee: str | None) -> tuple[int, bool]:
        """Return the index after what an operand begins with, and whether that is all of it."""
        if index >= len(self.tokens):
            return index, True
        if self.is_punct(index, "(", "[", "{"):
            return self.group_end(index), False
        if self.tokens[index].kind != "ident":
            return index + 1, False
        if self.tokens[index].text in _BLOCKS:
            return self._block_end(index), True
        return self._path_end(index, callee)

    def _path_end(self, index: int, callee: str | None) -> tuple[int, bool]:
        """Return the index after `a::b`, its call or its macro's brackets, and if it ends."""
        while True:
            name = self.tokens[index].text
            index = self._turbofish_end(index + 1)
            if not (self.is_punct(index, "::") and index + 1 < len(self.tokens)):
                break
            index += 1
        if self.is_punct(index, "!") and self.is_punct(index + 1, "(", "[", "{"):
            return self.group_end(index + 1), True
        if self.is_punct(index, "("):
            return self.group_end(index), name == callee
        return index, False

    def _segment_end(self, index: int, callee: str | None) -> tuple[int, bool]:
        name = self.tokens[index].text if index < len(self.tokens) else ""
        index = self._turbofish_end(index + 1)
        if self.is_punct(index, "("):
            return self.group_end(index), name == callee
        return index, False

    def _turbofish_end(self, index: int) -> int:
        if not (self.is_punct(index, "::") and self.is_punct(index + 1, "<")):
            return index
        depth = 0
        for number in range(index + 1, len(self.tokens)):
            text = self.tokens[number].text
            depth += {"<": 1, ">": -1, ">>": -2}.get(text, 0)
            if depth <= 0:
                return number + 1
        return index

    def _block_end(self, index: int) -> int:
        for number in range(index, len(self.tokens)):
            if self.is_punct(number, "{"):
                return self.group_end(number)
            if self.is_punct(number, ";"):
                return number
        return len(self.tokens)

    def _is_word(self, index: int, word: str) -> bool:
        return 0 <= index < len(self.tokens) and self.tokens[index].text == word

    def operand_start(self, index: int) -> int:
        """Return the index where the operand begins that ends before the token at `index`."""
        number = index - 1
        while number >= 0:
            if self.is_punct(number, ")", "]"):
                number = self._group_start(number)
                if not (number > 0 and self._ends_operand(number - 1)):
                    return number
            elif self.is_punct(number, "?"):
                number -= 1
                continue
            elif self.is_punct(number - 1, ".", "::"):
                number -= 1
            else:
                return number
            number -= 1
        return 0

    def _ends_operand(self, index: int) -> bool:
        return self.tokens[index].kind == "ident" or self.is_punct(index, ")", "]", "?")

    def _group_start(self, index: int) -> int:
        depth = 0
        for number in range(index, -1, -1):
            if self.tokens[number].kind == "punct":
                depth += {")": 1, "]": 1, "}": 1, "(": -1, "[": -1, "{": -1}.get(
                    self.tokens[number].text, 0
                )
                if depth == 0:
                    return number
        return 0

    def method_end(self, index: int) -> int:
        """Return the index after `name(…)` or `name` of a method call whose name is at `index`."""
        return self._segment_end(index, None)[0]

    def binary_end(self, index: int, operators: frozenset[str]) -> int | None:
        """Return the index after `a OP b` that begins at `index`; None where there is no OP."""
        number = index
        while number < len(self.tokens):
            after = self.operand_end(number)
            after = self._cast_end(after)
            if self.is_punct(after, *operators):
                return self._cast_end(self.operand_end(after + 1))
            if not self.is_punct(after, "+", "-", "*", "/", "%", "<<", ">>") or after <= number:
                return None
            number = after + 1
        return None

    def _cast_end(self, index: int) -> int:
        while self._is_word(index, "as"):
            index = self._primary_end(index + 1, None)[0]
        return index


def _comment_end(text: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(text)
