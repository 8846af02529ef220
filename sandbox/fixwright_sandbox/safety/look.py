"""Read code for what it would touch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .finding import SAYS, Finding, Risk
from .profile import Profile, profiles

if TYPE_CHECKING:
    import tree_sitter

LARGEST = 1 << 20
"""Bytes of text that are looked at; parsing more would take seconds."""
_MOST = 200
_LONGEST_TITLE = 40
_PARTS = re.compile(r"\s+|\?(?=\.)|!(?=[.(])|<[^<>]*>")
_SPLIT = re.compile(r"::|->|\.")
Match = dict[str, list["tree_sitter.Node"]]


class UnknownLanguageError(LookupError):
    """The language is none whose code can be read here."""


def languages() -> frozenset[str]:
    """The languages that `look` knows, by their LSP identifiers."""
    return frozenset(profiles())


def look(source: str, language: str) -> tuple[Finding, ...]:
    """What the code would touch, in the order of its text, 200 findings at most.

    Text beyond the first MiB is not looked at. Parsing holds the interpreter's lock: about 100 ms
    for the largest text.

    Raises:
        UnknownLanguageError: `language` is not one of `languages()`.
    """
    try:
        profile = profiles()[language]
    except KeyError:
        known = ", ".join(sorted(languages()))
        message = f"Code in {language!r} can't be looked at; these can: {known}."
        raise UnknownLanguageError(message) from None
    return _Reader(source, profile).findings()


class _Reader:
    def __init__(self, source: str, profile: Profile) -> None:
        import tree_sitter

        self._source = source.encode("utf-8", "surrogatepass")[:LARGEST]
        self._lines = self._source.split(b"\n")
        self._profile = profile
        parser, query = profile.load()
        self._tree = parser.parse(self._source)  # held: nodes live no longer than their tree
        cursor = tree_sitter.QueryCursor(query)
        self._matches: list[Match] = [found for _, found in cursor.matches(self._tree.root_node)]
        self._imported = dict(self._imports())

    def findings(self) -> tuple[Finding, ...]:
        found = {each: None for match in self._matches for each in self._of(match)}
        ordered = sorted(found, key=lambda each: (each.line, each.column, each.end_line))
        return tuple(ordered[:_MOST])

    def _imports(self) -> Iterator[tuple[str, str]]:
        """What a name stands for in this file, where an import says so."""
        for match in self._matches:
            if "import.module" not in match:
                continue
            module = _dotted(self._text(match["import.module"][0]).strip("\"'`<>"))
            module = module.removeprefix("node:")
            name = self._first(match, "import.name")
            alias = self._first(match, "import.alias")
            full = f"{module}.{name}" if name else module
            yield alias or name or re.split(r"[./]", module)[-1], full

    def _of(self, match: Match) -> Iterator[Finding]:
        if "callee" in match:
            name = self._resolve(_dotted(self._text(match["callee"][0])))
            risk = self._risk(name)
            if risk is not None:
                yield self._finding(risk, name, match["callee"][0], *match.get("callee.end", ()))
        for capture, nodes in match.items():
            kind, _, risk = capture.partition(".")
            if kind == "risk" and risk in SAYS:
                yield self._finding(risk, _title(self._text(nodes[0])), nodes[0])
        if "loop" in match:
            (loop,) = match["loop"]
            if not _holds(loop, self._profile.ways_out, but=self._functions):
                yield self._finding("loop", _title(self._text(loop)), loop.children[0])
        if "function.name" in match and self._calls_itself(match):
            yield self._finding(
                "recursion", self._text(match["function.name"][0]), match["function.name"][0]
            )

    @property
    def _functions(self) -> frozenset[str]:
        return frozenset(
            match["function"][0].type for match in self._matches if "function" in match
        )

    def _calls_itself(self, match: Match) -> bool:
        """Whether every call leads to another: nothing before it decides or ends."""
        (function,), (name,) = match["function"], match["function.name"]
        own = self._text(name)
        calls = [
            other["callee"][0].start_byte
            for other in self._matches
            if "callee" in other
            and function.start_byte <= other["callee"][0].start_byte < function.end_byte
            and _dotted(self._text(other["callee"][0])).rpartition(".")[2] == own
            and self._dotted_owner(other) in {"", "self", "this", "cls", "Self"}
        ]
        if not calls:
            return False
        return not any(
            node.start_byte < min(calls)
            if node.type in self._profile.choices
            else node.type in self._profile.ways_out and node.end_byte <= min(calls)
            for node in _inside(function)
        )

    def _dotted_owner(self, match: Match) -> str:
        return _dotted(self._text(match["callee"][0])).rpartition(".")[0]

    def _resolve(self, name: str) -> str:
        first, dot, rest = name.partition(".")
        return f"{self._imported.get(first, first)}{dot}{rest}"

    def _risk(self, name: str) -> Risk | None:
        risks = self._profile.risks
        plain = name.lstrip(".")
        if plain in risks:
            return risks[plain]
        owner, dot, method = plain.rpartition(".")
        return risks.get(f"*.{method}") if dot or owner else None

    def _finding(
        self, risk: Risk, name: str, node: tree_sitter.Node, last: tree_sitter.Node | None = None
    ) -> Finding:
        start, end = node.start_point, (last or node).end_point
        return Finding(
            risk,
            name,
            start.row,
            self._column(start.row, start.column),
            end.row,
            self._column(end.row, end.column),
        )

    def _column(self, row: int, column: int) -> int:
        return len(self._lines[row][:column].decode("utf-8", "replace"))

    def _text(self, node: tree_sitter.Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _first(self, match: Match, capture: str) -> str:
        nodes = match.get(capture)
        return self._text(nodes[0]) if nodes else ""


def _dotted(name: str) -> str:
    """`a::b`, `a->b` and `a?.b` as `a.b`; what stands before a call's result is `?`."""
    plain = _PARTS.sub("", name)
    while "(" in plain:
        shorter = re.sub(r"\([^()]*\)", "", plain)
        if shorter == plain:
            break
        plain = shorter
    return ".".join(part for part in _SPLIT.split(plain) if part)


def _title(text: str) -> str:
    first = " ".join(text.split("\n", 1)[0].split())
    return first if len(first) <= _LONGEST_TITLE else first[: _LONGEST_TITLE - 1] + "…"


def _holds(node: tree_sitter.Node, kinds: frozenset[str], *, but: frozenset[str]) -> bool:
    """Whether a node of these kinds lies inside; what is inside of `but` does not count."""
    return any(each.type in kinds for each in _inside(node, but))


def _inside(
    node: tree_sitter.Node, but: frozenset[str] = frozenset()
) -> Iterator[tree_sitter.Node]:
    waiting = list(node.named_children)
    while waiting:
        each = waiting.pop()
        yield each
        if each.type not in but:
            waiting.extend(each.named_children)
