"""The tests that a file holds, as pytest and unittest would collect them by their default rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        id: as pytest names it below the file: "test_x", "TestA::test_x", "TestA::TestB::test_x".
        name: the function's own name.
        range: all of it, decorators included.
        container: the names of the classes around it, outermost first.
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
    if not language.has_query("tests"):
        return ()
    import tree_sitter

    source = Source(text)
    root = (tree or source.parse(language)).root_node
    matches = tree_sitter.QueryCursor(language.query("tests")).matches(root)
    classes = {captures["class"][0].id: captures for _, captures in matches if "class" in captures}
    found: list[TestItem] = []
    for _, captures in matches:
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
        parent = node.parent
        outer = parent if parent is not None and parent.type == "decorated_definition" else node
        found.append(TestItem("::".join((*container, name)), name, source.range(outer), container))
    return tuple(sorted(found, key=lambda item: item.range))


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
