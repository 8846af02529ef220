"""Make of a cell's text what V8's console can run, with every line and column where it was.

The console knows no modules. So imports are taken out, to be done before; `export` is blanked
out; `import(…)` and `import.meta` become `$mport(…)` and `$mport.meta`, which the session gives.
A `const` at the top becomes a `let`: what was declared so could not be declared otherwise later.
Each has the length of what it stands for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fixwright_sandbox.guest.spans import Span

from .script import Script

_STRING = r"(?P<quote>[\"'])(?P<hidden>\x01*)(?P=quote)"
_OPTIONS = r"(?:\s*(?:with|assert)\s*(?P<options>\{[^}]*\}))?"
_FROM = re.compile(
    rf"(?:import|export)\b(?!\s*[.(])\s*(?P<clause>[^;\"'()]*?)(?:\bfrom\s*)?{_STRING}{_OPTIONS}"
)
_LISTED = re.compile(r"export\s*\{[^}]*\}")
_DEFAULT = re.compile(r"export\s+default\b")
_WORD = re.compile(r"(?<![\w$.#])(?:import|export|const)\b")
_NAMES = re.compile(r"\{([^}]*)\}")


@dataclass(frozen=True)
class Import:
    """A static import: the module, what of it gets which name, and where the module is named."""

    specifier: str
    json: bool
    bindings: tuple[tuple[str, str], ...]
    span: Span

    def order(self) -> dict[str, Any]:
        """Return it as the session is told."""
        options = {"with": {"type": "json"}} if self.json else None
        return {"specifier": self.specifier, "options": options, "bindings": self.bindings}


def rewritten(text: str) -> tuple[str, list[Import]]:
    """Return the text to run, of the same length, and what it imports."""
    script = Script(text.split("\n"))
    bare = script.bare
    imports: list[Import] = []
    parts: list[str] = []
    depth = at = 0
    for match in _WORD.finditer(bare):
        start = match.start()
        if start < at:
            continue
        depth += _opened(bare, at, start)
        parts.append(text[at:start])
        end, made = _replaced(script, start, match[0], imports, top=depth == 0)
        depth += _opened(bare, start, end) if made == text[start:end] else 0
        parts.append(made)
        at = end
    return "".join([*parts, text[at:]]), imports


def _replaced(
    script: Script, start: int, word: str, imports: list[Import], *, top: bool
) -> tuple[int, str]:
    """Return how far a replacement goes, and with what."""
    text, bare = script.text, script.bare
    end = start + len(word)
    if word == "const":
        return end, "let  " if top else word
    if word == "import" and re.compile(r"\s*[.(]").match(bare, end):
        return end, "$mport"
    if not top:
        return end, word
    found = _FROM.match(bare, start)
    if found is not None:
        imports.append(_import_of(script, found, word))
        return found.end(), _blank(text[start : found.end()])
    found = _LISTED.match(bare, start) or _DEFAULT.match(bare, start)
    if found is not None:
        return found.end(), _blank(text[start : found.end()])
    return end, _blank(word) if word == "export" else word


def _import_of(script: Script, found: re.Match[str], word: str) -> Import:
    specifier = script.text[found.start("hidden") : found.end("hidden")]
    bindings = _bindings(found["clause"]) if word == "import" else ()
    options = script.text[found.start("options") : found.end("options")]
    span = script.span(found.start("quote"), found.end("hidden") + 1)
    return Import(specifier, "json" in options, bindings, span)


def _bindings(clause: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    listed = _NAMES.search(clause)
    for one in listed[1].split(",") if listed else ():
        words = one.split()
        if words:
            found.append((words[0], words[-1]))
    for one in _NAMES.sub("", clause).split(","):
        words = one.split()
        if words:
            found.append(("*" if words[0] == "*" else "default", words[-1]))
    return tuple(found)


def _opened(bare: str, start: int, end: int) -> int:
    piece = bare[start:end]
    return sum(piece.count(c) for c in "([{") - sum(piece.count(c) for c in ")]}")


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
