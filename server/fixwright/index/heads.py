"""A first look at a text without a tree: the heads of its definitions by a regular expression.

An order of magnitude faster than a parse, and right for nine definitions of ten; what it says is
provisional until the file was parsed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING

from fixwright.index.facts import Definition, FileFacts

if TYPE_CHECKING:
    from fixwright.index.languages import Language

_KINDS = {
    "def": "function", "func": "function", "fn": "function", "function": "function",
    "class": "class", "record": "class", "struct": "struct", "union": "struct", "enum": "enum",
    "interface": "interface", "@interface": "interface", "trait": "trait", "type": "type",
    "mod": "module", "module": "namespace", "namespace": "namespace", "macro_rules!": "macro",
    "const": "constant", "static": "variable", "var": "variable", "let": "variable",
}  # fmt: skip


def skim(language: Language, source: bytes) -> FileFacts:
    """The definitions that a file seems to have, of tier 0: ranges are those of the heads."""
    if language.heads is None:
        return FileFacts(language.name, tier=0)
    newlines = [-1, *(match.start() for match in re.finditer(b"\n", source)), len(source)]
    found: list[Definition] = []
    for match in _compiled(language.heads).finditer(source):
        name = match.lastgroup and next(
            group for group in ("name", "name2", "name3") if match.groupdict().get(group)
        )
        if not name:
            continue
        start, end = match.span(name)
        row = bisect_right(newlines, start) - 1
        line = source[newlines[row] + 1 : newlines[row + 1]]
        before = line[: start - newlines[row] - 1].decode("utf-8", "replace")
        text = match[name].decode("utf-8", "replace")
        kind = _KINDS.get((match["kind"] or b"").decode().rstrip("*"), "function")
        if line.lstrip().startswith(b"#") and name == "name" and match["kind"] is None:
            kind = "macro"
        head = line.decode("utf-8", "replace").rstrip()
        column = len(before)
        found.append(
            Definition(
                text, kind, (row, 0, row, len(head)), (row, column, row, column + end - start),
                signature=head.strip().rstrip("{=:; "),
            )
        )  # fmt: skip
    return FileFacts(language.name, tier=0, definitions=tuple(found))


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())
