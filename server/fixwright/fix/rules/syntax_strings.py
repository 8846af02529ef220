"""Quotes that are missing or clash, f-strings that do not hold together, typographic characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fixwright.fix.rules.syntax_site import Repair, Site
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPOGRAPHIC = {
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"',
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u00b4": "'",
    "\uff08": "(", "\uff09": ")", "\uff3b": "[", "\uff3d": "]", "\uff1a": ":", "\uff0c": ",",
    "\uff1b": ";", "\uff1d": "=", "\uff0e": ".", "\u3002": ".", "\u2013": "-", "\u2014": "-",
    "\u2212": "-", "\u00d7": "*", "\u00f7": "/", "\u2264": "<=", "\u2265": ">=", "\u2260": "!=",
    "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": "", "\u2026": "...",
}  # fmt: skip
_TYPOGRAPHIC_QUOTES = str.maketrans(_TYPOGRAPHIC)
_APOSTROPHE = re.compile(r"'([^'\"]*\w'\w[^'\"]*)'")
_INNER_QUOTES = (
    (re.compile(r"""(f"[^"]*\{[^"}]*)"([^"]*)"([^"]*\}[^"]*")"""), r"\1'\2'\3"),
    (re.compile(r"""(f'[^']*\{[^'}]*)'([^']*)'([^']*\}[^']*')"""), r'\1"\2"\3'),
)
_FSTRING = re.compile(r"""\b[rR]?[fF][rR]?("|')(?P<body>(?:\\.|(?!\1).)*)\1""")
_TRAILING = ")]},:; "


def string_repairs(site: Site) -> Iterator[Repair]:
    """By what the compiler says of strings and characters."""
    if "invalid character" in site.message or "non-printable character" in site.message:
        yield from _characters(site)
    if "unterminated triple-quoted" in site.message:
        yield from _triple(site)
    elif "unterminated" in site.message or "EOL while scanning" in site.message:
        yield from _apostrophe(site)
        yield from _unterminated(site)
    if "f-string" in site.message or site.message.startswith("invalid syntax"):
        yield from _clashing_quotes(site)
    if "f-string" in site.message:
        yield from _braces(site)
    if site.message.startswith("invalid syntax"):
        yield from _apostrophe(site)


def _characters(site: Site) -> Iterator[Repair]:
    plain = site.line.translate(_TYPOGRAPHIC_QUOTES)
    edit = site.replace(site.row, 0, len(site.line), plain)
    yield Repair("typographic-characters", "Use plain characters for typographic ones", (edit,))
    everywhere: list[tuple[Range, str]] = []
    for row in range(site.row, site.text.line_count):
        line = site.text.line(row)
        if line.translate(_TYPOGRAPHIC_QUOTES) != line and not line.isascii():
            whole = site.replace(row, 0, len(line), line.translate(_TYPOGRAPHIC_QUOTES))
            everywhere.append(whole)
    yield Repair("typographic-characters", "Use plain characters everywhere", tuple(everywhere))


def _unterminated(site: Site) -> Iterator[Repair]:
    """The quote goes before the brackets and marks at the line's end, or else to the end."""
    line = site.line
    at = next((i for i in range(site.column, len(line)) if line[i] in "\"'"), None)
    if at is None:
        return
    quote = line[at]
    title = f"Add the missing {quote}"
    other = "'" if quote == '"' else '"'
    wrong = line.rfind(other, at + 1)
    if wrong > 0:
        edit = site.replace(site.row, wrong, wrong + 1, quote)
        yield Repair("missing-quote", f"Change {other} to {quote}", (edit,))
    # One word in quotes, as in `{"name: 1}`; a sentence goes on to the line's end.
    for match in re.finditer(rf"{quote}\w+(?=[,\])}}:])", line):
        yield Repair("missing-quote", title, (site.insert(site.row, match.end(), quote),))
    end = len(line.rstrip())
    stops = [end]
    while end > at + 1 and line[end - 1] in _TRAILING:
        end -= 1
        stops.append(end)
    for stop in [*stops[1:], stops[0]]:
        yield Repair("missing-quote", title, (site.insert(site.row, stop, quote),))
    # `{"a": "b, "c": 1}`: before a comma further in; `print(hello")`: the other end is missing.
    for match in re.finditer(r"[,:]\s", line):
        yield Repair("missing-quote", title, (site.insert(site.row, match.start(), quote),))
    for match in re.finditer(r"[(\[{,=:]\s*(?=\w)|\breturn\s+|\bprint\s*\(", line[:at]):
        yield Repair("missing-quote", title, (site.insert(site.row, match.end(), quote),))


def _apostrophe(site: Site) -> Iterator[Repair]:
    """`'don't'` becomes `"don't"`."""
    for match in _APOSTROPHE.finditer(site.line):
        edit = site.replace(site.row, match.start(), match.end(), f'"{match[1]}"')
        yield Repair("clashing-quotes", 'Use " around a text with an apostrophe', (edit,))


def _triple(site: Site) -> Iterator[Repair]:
    quotes = site.line[site.column : site.column + 3]
    if quotes not in {'"""', "'''"}:
        match = re.search(r"\"\"\"|'''", site.line[site.column :])
        quotes = match[0] if match else '"""'
    title = f"Add the missing {quotes}"
    short = site.line.rstrip().endswith(quotes[:2]) and not site.line.rstrip().endswith(quotes)
    if short:
        end = len(site.line.rstrip())
        yield Repair("missing-quote", title, (site.insert(site.row, end, quotes[0]),))
    rows = range(site.row, min(site.text.line_count, site.row + 30))
    for row in rows:
        line = site.text.line(row)
        stripped = line.rstrip()
        if row > site.row and re.search(r"(?<![\"'])[\"']{1,2}$", stripped):
            column = len(stripped.rstrip("\"'"))
            edit = site.replace(row, column, len(stripped), quotes)
            yield Repair("missing-quote", title, (edit,))
        if stripped and (row > site.row or stripped[-3:] != quotes):
            yield Repair("missing-quote", title, (site.insert(row, len(stripped), quotes),))


def _clashing_quotes(site: Site) -> Iterator[Repair]:
    """The same quotes inside an f-string's braces as around it."""
    for row in {site.row, site.place.end.line}:
        line = site.text.line(row)
        changed = line
        for pattern, replacement in _INNER_QUOTES:
            for _ in range(8):
                changed = pattern.sub(replacement, changed)
        if changed != line:
            edit = site.replace(row, 0, len(line), changed)
            yield Repair("clashing-quotes", "Use other quotes inside the braces", (edit,))


def _braces(site: Site) -> Iterator[Repair]:
    for row in range(max(site.row - 1, 0), min(site.row + 2, site.text.line_count)):
        line = site.text.line(row)
        for match in _FSTRING.finditer(line):
            start, body = match.start("body"), match["body"]
            for repair in _brace_edits(body):
                title, changed = repair
                edit = (
                    Range(Position(row, start), Position(row, start + len(body))),
                    changed,
                )
                yield Repair("f-string-braces", title, (edit,))


def _brace_edits(body: str) -> Iterator[tuple[str, str]]:
    """An f-string's body with its braces put right."""
    for match in re.finditer(r"\{[\w.\[\]()]+(?![\w.\[\]()}:!=])", body):
        yield "Add the missing '}'", body[: match.end()] + "}" + body[match.end() :]
    if body.count("{") > body.count("}"):
        yield "Add the missing '}'", body + "}"
    if body.count("}") > body.count("{"):
        for match in re.finditer(r"(?<![\w{.])(\w[\w.]*)\}", body):
            yield "Add the missing '{'", body[: match.start()] + "{" + body[match.start() :]
        last = body.rfind("}")
        yield "Remove the surplus '}'", body[:last] + body[last + 1 :]
    if "{}" in body:
        yield "Write the braces themselves: {{}}", body.replace("{}", "{{}}")
