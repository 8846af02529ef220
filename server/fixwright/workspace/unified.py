r"""Unified diffs that ``git apply`` takes. Lines end at ``\n`` alone there, as git sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fixwright.workspace.linediff import changed_blocks

_CONTEXT = 3
_QUOTED = re.compile(r'["\\\x00-\x1f\x7f]')
_ESCAPES = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r"}

Change = tuple[int, int, int, int]


def unified_diff(old_name: str, new_name: str, before: str | None, after: str | None) -> str:
    """The diff of one file; ``""`` when nothing changes.

    Args:
        old_name: Relative path before, without ``a/``.
        new_name: Relative path after, without ``b/``.
        before: None: the file is new.
        after: None: the file goes.
    """
    if before == after and old_name == new_name:
        return ""
    old, new = _quoted("a/" + old_name), _quoted("b/" + new_name)
    head = [f"diff --git {old} {new}\n"]
    if before is None:
        head.append("new file mode 100644\n")
    elif after is None:
        head.append("deleted file mode 100644\n")
    elif old_name != new_name:
        head.append(f"rename from {_quoted(old_name)}\nrename to {_quoted(new_name)}\n")
    body = list(_hunks(_lines(before or ""), _lines(after or "")))
    if body:
        head.append(f"--- {_header(old) if before is not None else '/dev/null'}\n")
        head.append(f"+++ {_header(new) if after is not None else '/dev/null'}\n")
    return "".join(head + body)


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for group in _groups(changed_blocks(old, new)):
        before = min(_CONTEXT, group[0][0])
        start_old, start_new = group[0][0] - before, group[0][2] - before
        end_old = min(group[-1][1] + _CONTEXT, len(old))
        end_new = group[-1][3] + end_old - group[-1][1]
        yield f"@@ -{_span(start_old, end_old)} +{_span(start_new, end_new)} @@\n"
        at = start_old
        for first, last, new_first, new_last in group:
            yield from (_line(" ", line) for line in old[at:first])
            yield from (_line("-", line) for line in old[first:last])
            yield from (_line("+", line) for line in new[new_first:new_last])
            at = last
        yield from (_line(" ", line) for line in old[at:end_old])


def _groups(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes whose context would meet, together."""
    group = list[Change]()
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * _CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _span(start: int, end: int) -> str:
    """Lines counted from one; an empty span names the line before it."""
    size = end - start
    return f"{start + 1 if size else start}" + (f",{size}" if size != 1 else "")


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    pieces = text.split("\n")
    last = pieces.pop()
    return [piece + "\n" for piece in pieces] + ([last] if last else [])


def _header(name: str) -> str:
    """A name with a blank ends with a tab, so that nothing behind it is read as a time."""
    return name + "\t" if " " in name and not name.startswith('"') else name


def _quoted(name: str) -> str:
    """A name as git writes it: in double quotes, escaped, where it has control characters."""
    if not _QUOTED.search(name):
        return name
    return '"' + _QUOTED.sub(_escaped, name) + '"'


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if char in {'"', "\\"}:
        return "\\" + char
    return "\\" + _ESCAPES.get(char, f"{ord(char):03o}")
