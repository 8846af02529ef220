"""The tests that a file holds, as the language's usual runner would collect them.

Python's are those of pytest and unittest by their default rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.facts import TestPlace
from fixwright.index.queries import Captures, matches
from fixwright.index.source import Source

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.workspace.position import Range
    from fixwright.workspace.text import Text


@dataclass(frozen=True, slots=True)
class TestItem:
    """One test function or method.

    Attributes:
        id: as the runner names it below the file: "test_x", "TestA::test_x", "suite::adds",
            "TestAdd/sub".
        name: the function's own name.
        range: all of it, decorators included.
        container: the names of the classes, modules, suites or tests around it, outermost first.
    """

    __test__ = False  # it is no test, whatever its name says

    id: str
    name: str
    range: Range
    container: tuple[str, ...]

    def id_in(self, path: str) -> str:
        """The id of this test in a file of that path: "tests/test_a.py::TestA::test_x"."""
        return f"{path}::{self.id}"


def tests_in(
    text: Text, language: Language, tree: tree_sitter.Tree | None = None
) -> tuple[TestItem, ...]:
    """The tests of a file in the order in which they stand; none for a language without test rules.

    pytest collects `test*` functions and those methods of `Test*` classes without an `__init__`;
    unittest's are the `test*` methods of classes whose base's name ends with "TestCase".
    """
    source = Source(text)
    root = (tree or source.parse(language)).root_node
    return tuple(
        TestItem(found.id, found.name, source.range(found.node), found.container)
        for found in _found(root, source, language)
        if not found.is_suite
    )


def test_places(
    root: tree_sitter.Node, source: Source, language: Language
) -> tuple[TestPlace, ...]:
    """The tests of a tree and the suites that hold them, in order."""
    return tuple(
        TestPlace(found.id, found.name, source.place(found.node), found.is_suite)
        for found in _found(root, source, language)
    )


test_places.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  it is no test


@dataclass(frozen=True, slots=True)
class _Found:
    id: str
    name: str
    node: tree_sitter.Node
    container: tuple[str, ...]
    is_suite: bool


def _found(root: tree_sitter.Node, source: Source, language: Language) -> list[_Found]:
    captured = matches(language, "tests", root)
    if language.collects == "pytest":
        return _as_pytest(captured, source)
    return _nested(captured, source, language)


def _nested(captured: list[Captures], source: Source, language: Language) -> list[_Found]:
    """Tests and suites as they nest in the text."""
    places: dict[int, tuple[tree_sitter.Node, list[str], bool]] = {}
    for captures in captured:
        node = captures["test" if "test" in captures else "suite"][0]
        names = [
            _plain(source.of(captures[name][0]))
            for name in ("suite.name", "name")
            if name in captures
        ]
        places.setdefault(node.start_byte, (node, names, "suite" in captures))
    found: list[_Found] = []
    around: list[tuple[tree_sitter.Node, tuple[str, ...]]] = []
    for start in sorted(places):
        node, names, is_suite = places[start]
        while around and around[-1][0].end_byte <= start:
            around.pop()
        container = around[-1][1] if around else ()
        path = (*container, *names)
        around.append((node, path))
        id_ = language.test_separator.join(part.replace(" ", language.test_spaces) for part in path)
        found.append(_Found(id_, names[-1], node, path[:-1], is_suite))
    return [
        each
        for index, each in enumerate(found)
        if not each.is_suite or _holds_test(found[index + 1 :], each.node.end_byte)
    ]


def _holds_test(following: list[_Found], end: int) -> bool:
    for each in following:
        if each.node.start_byte >= end:
            return False
        if not each.is_suite:
            return True
    return False


def _plain(text: str) -> str:
    """A name, or the text in a string's quotes."""
    if text[:1] not in _QUOTES:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1])


def _as_pytest(captured: list[Captures], source: Source) -> list[_Found]:
    """What pytest and unittest collect by their rules about names and bases."""
    classes = {captures["class"][0].id: captures for captures in captured if "class" in captures}
    found: list[_Found] = []
    for captures in captured:
        if "function" not in captures:
            continue
        name = source.of(captures["function.name"][0])
        node = captures["function"][0]
        owners = _owners(node) if name.startswith("test") else None
        if owners is None:
            continue
        if owners and not all(_collects(classes.get(owner.id), source) for owner in owners):
            continue
        container = tuple(source.of(classes[owner.id]["class.name"][0]) for owner in owners)
        for depth, owner in enumerate(owners):
            suite = _Found(
                "::".join(container[: depth + 1]), container[depth], owner, container[:depth], True
            )
            if all(each.node.id != owner.id for each in found):
                found.append(suite)
        parent = node.parent
        outer = parent if parent is not None and parent.type == "decorated_definition" else node
        found.append(_Found("::".join((*container, name)), name, outer, container, False))
    return sorted(found, key=lambda each: each.node.start_byte)


_QUOTES = ("'", '"', "`")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _owners(node: tree_sitter.Node) -> list[tree_sitter.Node] | None:
    """The classes around a function, outermost first; None where it is inside another function."""
    owners: list[tree_sitter.Node] = []
    parent = node.parent
    while parent is not None:
        if parent.type == "function_definition":
            return None
        if parent.type == "class_definition":
            owners.append(parent)
        parent = parent.parent
    owners.reverse()
    return owners


def _collects(captures: dict[str, list[tree_sitter.Node]] | None, source: Source) -> bool:
    if captures is None:
        return False
    for bases in captures.get("class.bases", ()):
        if any(source.of(base).endswith("TestCase") for base in bases.named_children):
            return True
    name = source.of(captures["class.name"][0])
    return name.startswith("Test") and not _has_init(captures["class"][0], source)


def _has_init(node: tree_sitter.Node, source: Source) -> bool:
    body = node.child_by_field_name("body")
    for statement in body.named_children if body is not None else ():
        name = statement.child_by_field_name("name")
        if name is not None and source.of(name) == "__init__":
            return True
    return False
