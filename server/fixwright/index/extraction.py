"""From the bytes of one file to its facts.

Pure and synchronous, for a process of its own: parsing holds the interpreter lock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fixwright.index.docs import docs_of
from fixwright.index.facts import Definition, EntryPoint, FileFacts, Reference
from fixwright.index.identifiers import count_identifiers
from fixwright.index.imports import imports_of
from fixwright.index.queries import matches
from fixwright.index.references import references_of
from fixwright.index.source import Source
from fixwright.index.symbols import signature_of
from fixwright.index.tests import test_places
from fixwright.index.walk import Found, Walk, first_of_each_name

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language

DEADLINE = 5.0
"""Seconds that the parse of one file may take."""

_BOM = b"\xef\xbb\xbf"


class TooSlow(Exception):
    """A file took longer to parse than it may; its definitions can still be skimmed."""


def extract(language: Language, source: bytes, *, deadline: float | None = DEADLINE) -> FileFacts:
    """The cheap facts of a file: definitions, identifier counts and the imports at its top.

    Args:
        language: the file's language.
        source: its text as UTF-8; what is not UTF-8 is read as Latin-1.
        deadline: seconds that the parse may take, None for no limit.

    Raises:
        TooSlow: the deadline passed.
    """
    return _Extraction(language, source, deadline).cheap()


def exact(language: Language, source: bytes, *, deadline: float | None = DEADLINE) -> FileFacts:
    """All facts of a file: those of `extract`, and references, docs, tests and entry points.

    It takes about three times as long as `extract`.

    Raises:
        TooSlow: the deadline passed.
    """
    return _Extraction(language, source, deadline).exact()


def uses_of(
    language: Language, source: bytes, name: str, *, deadline: float | None = DEADLINE
) -> list[tuple[Reference, Definition | None]]:
    """The uses of one name in a file, each with the innermost definition around it, without doc.

    The same references as `exact` has, at less than half of its cost.

    Raises:
        TooSlow: the deadline passed.
    """
    return _Extraction(language, source, deadline).uses_of(name)


class _Extraction:
    """One file with its tree."""

    def __init__(self, language: Language, data: bytes, deadline: float | None) -> None:
        self._language = language
        self._source = Source(_as_utf8(data))
        self._root = _parsed(self._source, language, deadline).root_node
        walk = Walk(self._source.data, language)
        self._import_nodes = walk.imports
        self._found: list[Found] = []
        self._definitions: list[Definition] = []
        self._add(first_of_each_name(walk.collect([self._root])), None, "")

    def cheap(self) -> FileFacts:
        return FileFacts(
            self._language.name,
            tier=1,
            definitions=tuple(self._definitions),
            identifiers=count_identifiers(self._language, self._source.data),
            imports=tuple(imports_of(self._import_nodes, self._source, self._language)),
            has_errors=self._root.has_error,
        )

    def exact(self) -> FileFacts:
        root, found, source, language = self._root, self._found, self._source, self._language
        docs = docs_of(root, found, source, language)
        cheap = self.cheap()
        return replace(
            cheap,
            tier=2,
            identifiers=dict(cheap.identifiers),
            definitions=tuple(
                replace(definition, doc=doc) if doc else definition
                for definition, doc in zip(self._definitions, docs, strict=True)
            ),
            imports=tuple(imports_of([root], source, language)),
            references=references_of(root, found, source, language),
            tests=test_places(root, source, language),
            entry_points=tuple(entry_points(root, source, language)),
        )

    def uses_of(self, name: str) -> list[tuple[Reference, Definition | None]]:
        found = references_of(self._root, self._found, self._source, self._language, name)
        definitions = self._definitions
        return [
            (use, None if use.enclosing is None else definitions[use.enclosing]) for use in found
        ]

    def _add(self, found: list[Found], container: int | None, owner: str) -> None:
        source, definitions = self._source, self._definitions
        for each in found:
            index = len(definitions)
            own = f"{owner}.{each.owner}" if owner and each.owner else each.owner or owner
            self._found.append(each)
            definitions.append(
                Definition(
                    each.name,
                    each.kind,
                    source.place(each.outer),
                    source.place(each.name_node),
                    container,
                    own,
                    signature_of(each, source.data),
                )
            )
            if each.children:
                name = each.name.replace("::", ".")
                self._add(each.children, index, f"{own}.{name}" if own else name)


def entry_points(root: tree_sitter.Node, source: Source, language: Language) -> list[EntryPoint]:
    """Where a file can be started."""
    found: list[EntryPoint] = []
    if source.data.startswith(b"#!"):
        first = source.data.partition(b"\n")[0].rstrip(b"\r")
        found.append(EntryPoint("script", (0, 0, 0, len(first.decode("utf-8", "replace")))))
    found += [
        EntryPoint("main", source.place(captures["main"][0]))
        for captures in matches(language, "entry points", root)
    ]
    return found


def _as_utf8(data: bytes) -> bytes:
    data = data.removeprefix(_BOM)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


def _parsed(source: Source, language: Language, deadline: float | None) -> tree_sitter.Tree:
    if deadline is None:
        return source.parse(language)
    tree = source.parse_within(language, deadline)
    if tree is None:
        raise TooSlow(f"The {language.name} grammar took more than {deadline:g} s for one file.")
    return tree
