"""Missing colons, misspelt keywords, words and operators of other languages and of Python 2."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from fixwright.fix.rules.spelling import closest
from fixwright.fix.rules.syntax_site import Repair, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADERS = re.compile(
    r"\s*(?:async\s+)?(?:if|elif|else|for|while|try|except|finally|with|def|class|match|case)\b"
)
_ELSEWHERE = (
    (re.compile(r"^(\s*)else\s+if\b"), r"\1elif"),
    (re.compile(r"^(\s*)else?s?e?\s*if\b"), r"\1elif"),
    (re.compile(r"^(\s*)(?:function|func|fn|fun|sub)\s+(?=\w+\s*\()"), r"\1def "),
    (re.compile(r"^(\s*)(?:foreach)\b"), r"\1for"),
    (re.compile(r"^(\s*)catch\b"), r"\1except"),
    (re.compile(r"^(\s*)(?:let|var|const)\s+(?=\w+\s*=)"), r"\1"),
    (re.compile(r"^(\s*)import\s+([\w, ]+)\s+from\s+([\w.]+)\s*$"), r"\1from \3 import \2"),
    (re.compile(r"^(\s*)(\w+)\+\+;?\s*$"), r"\1\2 += 1"),
    (re.compile(r"^(\s*)(\w+)--;?\s*$"), r"\1\2 -= 1"),
    (re.compile(r"\s*&&\s*"), " and "),
    (re.compile(r"\s*\|\|\s*"), " or "),
    (re.compile(r"(?<=[\s(])!(?=[\w(])"), "not "),
    (re.compile(r"<>"), "!="),
    (re.compile(r"(?<![=!<>])=>"), ">="),
    (re.compile(r"(?<![=!<>])=<"), "<="),
    (re.compile(r"==="), "=="),
    (re.compile(r"!=="), "!="),
    (re.compile(r"^(\s*except\s+[\w.]+),\s*(\w+)\s*:"), r"\1 as \2:"),
    (re.compile(r"^(\s*raise\s+[\w.]+),\s*(.+?)\s*$"), r"\1(\2)"),
    (re.compile(r"^(\s*for\s+\w+(?:,\s*\w+)*)\s+(?:of|on|im|ni)\s+"), r"\1 in "),
    (re.compile(r"^(\s*for\s+\w+(?:,\s*\w+)*)\s+(?!in\b)(?=\w+)"), r"\1 in "),
    (re.compile(r"^(\s*(?:if|elif|while)\s+.*?)\s+(?:then|do)\s*:?\s*$"), r"\1:"),
    (re.compile(r"^(.*);:?\s*$"), r"\1:"),
    (re.compile(r"^(.*[^{};]);\s*$"), r"\1"),
    (re.compile(r"(?<=[\s(\[{=,])\.(?=[A-Za-z_])"), "self."),
    (re.compile(r"\b0+(\d+)\b"), r"0o\1"),
    (re.compile(r"\b0+(\d+)\b"), r"\1"),
    (re.compile(r"\b(\d+)[lL]\b"), r"\1"),
    (re.compile(r"^(\s*(?:async\s+)?def\s+\w+)\s*:"), r"\1():"),
)  # fmt: skip
_STATEMENT = re.compile(r"^(\s*)(print|exec)\s+(?P<rest>.+)$")
_WORD = re.compile(r"[A-Za-z_]\w*")
_KEYWORDS = sorted({*keyword.kwlist, "match", "case"})


def word_repairs(site: Site) -> Iterator[Repair]:
    """By what the compiler says, and by the line's own words."""
    if "expected ':'" in site.message or site.message == "invalid syntax":
        yield from _elsewhere(site)
    if "expected ':'" in site.message:
        yield from _colon(site)
    if "expected '('" in site.message:
        yield from _elsewhere(site)
    if "'=='" in site.message or '"=="' in site.message:
        yield from _equality(site)
    if "Missing parentheses" in site.message:
        yield from _statement(site)
    general = (
        "invalid",
        "multiple exception types",
        "leading zeros",
        "cannot assign",
        "expected",
        "Did you mean to use 'from",  # from Python 3.12 on
    )
    if site.message.startswith(general):
        yield from _elsewhere(site)
        yield from _keyword(site)
    if site.message.startswith("invalid syntax"):
        yield from _colon(site)
        yield from _statement(site)
        yield from _surplus(site)


def _colon(site: Site) -> Iterator[Repair]:
    """Where the compiler expected it, and at the end of the line that begins the block."""
    rows = [site.row]
    above = site.code_above(site.row)
    if site.message.startswith("invalid syntax") and above is not None:
        rows.append(above)
    for row in rows:
        if not _HEADERS.match(site.text.line(row)):
            continue
        end = site.code_end(row)
        line = site.text.line(row)
        exact = row == site.row and "expected ':'" in site.message
        stops = [len(line[: site.column].rstrip())] if exact else []
        for stop in dict.fromkeys([*stops, end]):
            if stop > 0 and line[stop - 1] != ":":
                edit = site.insert(row, stop, ":")
                yield Repair("missing-colon", "Add the missing ':'", (edit,))
        if line[:end].endswith((";", ",", ".", "=", "-")):
            edit = site.replace(row, end - 1, end, ":")
            yield Repair("missing-colon", "Put ':' at the end of the line", (edit,))


def _equality(site: Site) -> Iterator[Repair]:
    for match in re.finditer(r"(?<![=!<>:+*/%&|^-])=(?!=)", site.line):
        edit = site.replace(site.row, match.start(), match.end(), "==")
        yield Repair("comparison", "Compare with '=='", (edit,))
    reversed_assignment = re.match(r"^(\s*)([^=]+?)\s*=\s*([A-Za-z_]\w*)\s*$", site.line)
    if reversed_assignment:
        indent, value, name = reversed_assignment.groups()
        edit = site.replace(site.row, 0, len(site.line), f"{indent}{name} = {value}")
        yield Repair("reversed-assignment", f"Assign to '{name}'", (edit,))


def _statement(site: Site) -> Iterator[Repair]:
    """`print x` of Python 2."""
    end = site.code_end(site.row)
    match = _STATEMENT.match(site.line[:end])
    if match is None:
        return
    rest = match["rest"].removesuffix(",").removesuffix(";")
    text = f"{match[1]}{match[2]}({rest})"
    edit = site.replace(site.row, 0, end, text)
    yield Repair("print-statement", f"Call {match[2]}()", (edit,))


def _elsewhere(site: Site) -> Iterator[Repair]:
    end = site.code_end(site.row)
    line = site.line[:end]
    for pattern, replacement in _ELSEWHERE:
        changed = pattern.sub(replacement, line)
        if changed == line:
            continue
        title = f"Write '{changed.strip()}'"
        yield Repair("other-language", title, (site.replace(site.row, 0, end, changed),))
        if _HEADERS.match(changed) and not changed.endswith(":"):
            with_colon = site.replace(site.row, 0, end, changed.removesuffix("{").rstrip() + ":")
            yield Repair("other-language", title + " with ':'", (with_colon,))


def _keyword(site: Site) -> Iterator[Repair]:
    """A word on the line that is nearly a keyword; those before the error first."""
    words = [match for match in _WORD.finditer(site.line) if match[0] not in _KEYWORDS]
    words.sort(key=lambda match: abs(match.end() - site.column))
    for match in words:
        for meant in _keywords_like(match[0]):
            edit = site.replace(site.row, match.start(), match.end(), meant)
            title = f"Change '{match[0]}' to '{meant}'"
            yield Repair("misspelt-keyword", title, (edit,))


def _keywords_like(word: str) -> list[str]:
    if word.lower() in _KEYWORDS and word not in _KEYWORDS:
        return [word.lower()]
    # Short keywords are worth a try: every repair is compiled.
    short = [each for each in ("in", "is", "or", "if", "as") if set(each) == set(word.lower())]
    return [*closest(word, _KEYWORDS, 2), *short]


def _surplus(site: Site) -> Iterator[Repair]:
    """A mark too many where the compiler stops."""
    char = site.line[site.column : site.column + 1]
    if char and char in ":;,.?!$})]":
        edit = site.replace(site.row, site.column, site.column + 1, "")
        yield Repair("surplus-character", f"Remove the surplus '{char}'", (edit,))
