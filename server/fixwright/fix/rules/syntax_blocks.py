"""Indentation: blocks that are missing, lines too far in or out, tabs mixed with spaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fixwright.fix.rules.syntax_site import Repair, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.workspace.position import Range

_EXPECTED = re.compile(
    r"expected an indented block(?: after (?:'(?P<word>\w+)' statement|(?P<what>[\w ]+?))"
    r" on line (?P<line>\d+))?"
)
_OUTSIDE = re.compile(r"'(return|break|continue|yield|await)' (?:outside|not properly in)")
_WIDEST = 8
_DEFINES = re.compile(r"\s*(?:async\s+)?(?:def|class)\b|\s*@")
_CLAUSE = re.compile(r"\s*(?:else|elif|except|finally)\b")


def block_repairs(site: Site) -> Iterator[Repair]:
    """By what the compiler says of indentation."""
    if match := _EXPECTED.search(site.message):
        header = int(match["line"]) - 1 if match["line"] else site.code_above(site.row)
        if header is not None:
            yield from _missing_block(site, header)
    elif site.message == "unexpected indent":
        yield from _too_far_in(site)
    elif "unindent does not match" in site.message:
        yield from _between_levels(site)
    elif "tabs and spaces" in site.message:
        yield from _tabs(site)
    elif match := _OUTSIDE.search(site.message):
        yield from _further_in(site, shallow_first=match[1] == "return")
    elif site.message.startswith("invalid syntax") and _CLAUSE.match(site.line):
        yield from _further_in(site, shallow_first=False)


def _further_in(site: Site, *, shallow_first: bool) -> Iterator[Repair]:
    """The line belongs to one of the blocks above it."""
    own = site.indent(site.row)
    levels = [level for level in _levels(site, site.row) if len(level) > len(own)]
    for level in reversed(levels) if shallow_first else levels:
        yield _indented(site, site.row, site.row + 1, level)


def _missing_block(site: Site, header: int) -> Iterator[Repair]:
    unit = _unit(site)
    inner = site.indent(header) + unit
    body = next(
        (row for row in range(header + 1, site.text.line_count) if not site.is_blank(row)), None
    )
    placeholder = Repair(
        "missing-block",
        "Add 'pass' as the block",
        (site.insert(header, len(site.text.line(header)), f"\n{inner}pass"),),
        "'pass' only holds the place of the block that is missing.",
    )
    level = site.indent(header)
    if body is None or _DEFINES.match(site.text.line(body)) or len(site.indent(body)) > len(level):
        yield placeholder
        return
    own = site.indent(body)
    stop = _paragraph_end(site, body, own)
    # Lines behind it that are far enough in show where the stray ones end.
    deeper = (row for row in range(body, stop) if len(site.indent(row)) >= len(inner))
    stray = next(deeper, stop)
    # A loop's or function's body goes on to the next blank line; an `if`'s may be one statement.
    header_word = re.match(
        r"\s*(?:async\s+)?(?:def|class|for|while|with|try)\b", site.text.line(header)
    )
    ends = [stray, body + 1] if header_word else [body + 1, stray]
    for end in dict.fromkeys([*ends, *range(stop, body, -1)]):
        yield _indented(site, body, end, inner, own)
    if own == level:
        yield placeholder


def _paragraph_end(site: Site, first: int, level: str) -> int:
    """The line behind those that may belong to a block: blank, or further out."""
    row = first
    while row < site.text.line_count and site.text.line(row).strip():
        outside = len(site.indent(row)) < len(level)
        clause = _CLAUSE.match(site.text.line(row))
        if outside or (row > first and (_DEFINES.match(site.text.line(row)) or clause)):
            break
        row += 1
    return row


def _indented(site: Site, first: int, end: int, to: str, level: str | None = None) -> Repair:
    """Lines moved so that the first of them begins with `to`."""
    old = site.indent(first) if level is None else level
    edits: list[tuple[Range, str]] = []
    for row in range(first, end):
        own = site.indent(row)
        if not site.text.line(row).strip():
            continue
        extra = own[len(old) :] if own.startswith(old) else ""
        edits.append(site.replace(row, 0, len(own), to + extra))
    many = len(edits) > 1
    title = f"Indent {len(edits)} lines" if many else "Indent the line"
    if len(to) < len(old):
        title = "Move the lines out" if many else "Move the line out"
    return Repair("indentation", title, tuple(edits))


def _too_far_in(site: Site) -> Iterator[Repair]:
    above = site.code_above(site.row)
    own = site.indent(site.row)
    if above is not None and len(site.indent(above)) < len(own):
        yield from _not_far_enough_above(site, above, own)
    targets = [site.indent(above)] if above is not None else [""]
    targets += [level for level in _levels(site, site.row) if level not in targets]
    end = site.row + 1
    while end < site.text.line_count and site.indent(end).startswith(own) and own:
        if not site.text.line(end).strip():
            break
        end += 1
    for target in targets:
        yield _indented(site, site.row, end, target)
        yield _indented(site, site.row, site.row + 1, target)


def _not_far_enough_above(site: Site, above: int, own: str) -> Iterator[Repair]:
    """The lines above may have lost their indentation, if what is above them was as far in."""
    first = above
    level = site.indent(above)
    while first > 0 and site.indent(first - 1) == level and not site.is_blank(first - 1):
        first -= 1
    before = site.code_above(first)
    if before is None or len(site.indent(before)) <= len(level):
        return
    levels = [each for each in _levels(site, first) if len(each) > len(level)]
    # The nearest level of those that hold the line that follows comes first.
    levels.sort(key=lambda each: (each != own, len(each)))
    for target in levels:
        yield _indented(site, first, above + 1, target, level)


def _between_levels(site: Site) -> Iterator[Repair]:
    own = site.indent(site.row)
    end = site.row + 1
    while end < site.text.line_count and site.indent(end) == own and not site.is_blank(end):
        end += 1
    for row in range(site.row - 1, 0, -1):
        above = site.code_above(row)
        lost = len(site.indent(row)) < len(own) and not site.is_blank(row)
        if lost and above is not None and len(site.indent(above)) >= len(own):
            yield _indented(site, row, row + 1, own)
            break
    levels = sorted(_levels(site, site.row), key=lambda level: abs(len(level) - len(own)))
    for level in levels:
        for stop in dict.fromkeys([end, site.row + 1]):
            yield _indented(site, site.row, stop, level)


def _levels(site: Site, below: int) -> list[str]:
    """The indentations of the blocks that are open above a line, innermost first."""
    found: list[str] = []
    smallest: int | None = None
    for row in range(below - 1, -1, -1):
        if site.is_blank(row):
            continue
        level = site.indent(row)
        if smallest is None or len(level) < smallest:
            found.append(level)
            smallest = len(level)
    return found


def _tabs(site: Site) -> Iterator[Repair]:
    for width in (4, 8):
        edits: list[tuple[Range, str]] = []
        for row in range(site.text.line_count):
            own = site.indent(row)
            if "\t" in own:
                edits.append(site.replace(row, 0, len(own), own.expandtabs(width)))
        yield Repair("tabs", f"Indent with spaces ({width} for a tab)", tuple(edits))


def _unit(site: Site) -> str:
    """The file's own step of indentation; four spaces where there is none yet."""
    for row in range(site.text.line_count):
        own = site.indent(row)
        if own and site.text.line(row).strip():
            return "\t" if own.startswith("\t") else own if len(own) <= _WIDEST else "    "
    return "    "
